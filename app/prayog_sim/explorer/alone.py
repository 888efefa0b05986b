"""What a node can do without a message: its timers, and what happens to it from outside."""

from __future__ import annotations

from prayog_sim.explorer.actors import DOWN, PAUSED, UP, Actors, Move
from prayog_sim.explorer.bounds import Bounds
from prayog_sim.explorer.spent import CRASHES, PAUSES, TIMERS, TORN

__all__ = ["Own", "own_moves"]

Own = tuple[str, int, int, int | None, str, int, Move]
"""One move: (kind, node, its counter, limit of that, timer, which of its outcomes, move)."""


def own_moves(actors: Actors, bounds: Bounds, i: int, local: int) -> list[Own]:
    """All moves of node `i` in the state `local`, also those for which nothing is left of the bounds."""
    status, own = actors.locals[local].status, list[Own]()
    for timer in actors.due(local):
        for number, move in enumerate(actors.fire(i, local, timer)):
            own.append(("timer", i, TIMERS, bounds.timers, timer, number, move))
    if status in (UP, PAUSED):
        if bounds.crashes != 0:
            own.append(("crash", i, CRASHES, bounds.crashes, "", 0, actors.crash(i, local)))
        if bounds.torn:
            for number, move in enumerate(actors.tear(i, local)):
                own.append(("torn", i, TORN, bounds.torn, "", number, move))
    if status == UP and bounds.pauses:
        own.append(("pause", i, PAUSES, bounds.pauses, "", 0, actors.become(local, PAUSED)))
    if status == PAUSED:
        own.append(("resume", i, 0, None, "", 0, actors.become(local, UP)))
    if status == DOWN:
        for number, move in enumerate(actors.restart(i, local)):
            own.append(("restart", i, 0, None, "", number, move))
    return own
