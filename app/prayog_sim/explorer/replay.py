"""A path of an exploration as an ordinary run: choice by choice on a real `World`, to be shown and stepped through.

A world would let events happen when they are due; here each choice is made by an action (``deliver``, ``drop``,
``fire``, ``crash``, …) before that.  After every choice the world's nodes are compared with the explored ones: the
run either is the path, or it is not handed out.

Rules
1. Choices are a few milliseconds apart where timers leave room for that, and closer where they do not.  Where the
   bounds have a clock, they are made when it shows what the path says.
2. Where a path depends on random draws, or on where a write is torn, seeds are tried until one draws the same.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prayog_sim.clock import s
from prayog_sim.explorer.actors import FAILED, STATUS
from prayog_sim.explorer.bounds import Choice
from prayog_sim.explorer.frozen import freeze_fields
from prayog_sim.explorer.model import Model, Path, walk
from prayog_sim.explorer.system import State, System
from prayog_sim.network import Fixed, Link, Network
from prayog_sim.rng import Rng
from prayog_sim.run import Action, ActionError
from prayog_sim.world import World

__all__ = ["NotReplayed", "minimise", "replay", "wander"]

_SPACINGS = (10_000, 1_000, 100, 10, 1, 0)  # µs between two choices; the first that timers leave room for
_SEEDS = 4_096
_SLOW_US = s(1)


class NotReplayed(RuntimeError):
    """A path could not be repeated on a `World`; the message says where and how they differ."""


def replay(system: System, path: Path[Choice], seed: int = 0, network: Network | None = None) -> World:
    """A world that has just gone along `path`, with the system's invariants; it can be run on from there.

    ``network`` is what holds afterwards (messages sent during the path travel by it too, so it must lose none);
    without it, messages take a second, or until the clock of the bounds has stopped.  `seed` is the first to be tried.
    Raises `NotReplayed`.
    """
    states = walk(system, path)
    draws = path.start > 0 or any(choice.draw or choice.kind == "torn" for choice in path.actions)
    clock = system.bounds.clock
    slow = Network(Link(Fixed(_SLOW_US + (clock.until if clock is not None else 0))))
    problem = ""
    for tried in range(seed, seed + (_SEEDS if draws or len(system.initial()) > 1 else 1)):
        for spacing in _SPACINGS if clock is None else (0,):
            world = World(system.nodes, tried, network or slow, invariants=system.invariants)
            problem, late = _follow(system, path, states, world, spacing)
            if problem or not late:
                break
        if not problem:
            return world
    raise NotReplayed(problem)


def _follow(system: System, path: Path[Choice], states: list[State], world: World, spacing: int) -> tuple[str, bool]:
    """Take `world` along `path`; what went wrong, and whether a timer left too little room for `spacing`."""
    for _ in system.nodes:
        world.step()
    if problem := _difference(system, states[0], world):
        return f"at the start, {problem}", False
    late = False
    for place, choice in enumerate(path.actions):
        if choice.kind == "tick":
            continue
        wanted = (place + 1) * spacing or system.interleaving.now(states[place])
        at = max(world.now, min(wanted, world.next_at if world.next_at is not None else wanted))
        late = late or at < wanted
        try:
            for action in _actions(system, choice, path.actions[place + 1 :], world):
                world.do(action, at)
        except ActionError as error:
            return f"choice {place + 1} ({choice}): {error}", late
        if problem := _difference(system, states[place + 1], world):
            return f"after choice {place + 1} ({choice}), {problem}", late
    return "", late


def _actions(system: System, choice: Choice, later: tuple[Choice, ...], world: World) -> list[Action]:
    """What to do to `world` for `choice`."""
    kind, node = choice.kind, choice.node
    if kind == "timer":
        return [Action("fire", {"node": node, "timer": choice.name})]
    if kind == "action":
        return [Action(choice.name, dict(choice.args))]
    if kind in ("crash", "restart", "pause", "resume"):
        return [Action(kind, {"node": node})]
    if kind == "torn":
        return [Action("torn", {"node": node}), Action("crash", {"node": node})]
    wanted = (choice.src, node, choice.msg)
    idents = [f.ident for f in world.view().flights if (f.src, f.dst, f.msg) == wanted]
    if not idents:
        raise ActionError(f"the message from {choice.src} to {node} is not on its way")
    this = {"ident": min(idents)}  # of equal messages, the one that was sent first
    done = [Action(kind, this)]
    again = system.bounds.network == "unordered-duplicating" and kind == "deliver"
    if again and any((c.src, c.node, c.msg) == wanted for c in later):
        done.insert(0, Action("duplicate", this))
    return done


def _difference(system: System, state: State, world: World) -> str:
    """How the nodes of `world` differ from those of `state`; empty if they do not."""
    view = world.view()
    for i, (name, local) in enumerate(zip(system.actors.names, state[0], strict=True)):
        record, there = system.actors.locals[local], view.nodes[name]
        if there.status != STATUS[record.status]:
            return f"{name} is {there.status} in the world" + (" (it failed)" if record.status == FAILED else "")
        # What a failed node kept is the same; what it had in memory is gone in both.
        for attribute, value in freeze_fields(_shown(there), name):
            if dict(record.fields).get(attribute) != value:
                explored = vars(system.actors.node(i, local)).get(attribute)
                found = _shown(there)[attribute]
                return f"{name}.{attribute} is {found!r} in the world and {explored!r} in the exploration"
        clocked = system.actors.clocked
        if tuple((timer, due if clocked else 0) for timer, _, due in there.timers) != record.timers:
            return f"{name} has other timers running in the world"
    return ""


def _shown(view: Any) -> dict[str, Any]:
    fields = {**view.durable, **view.volatile}
    return {name: value for name, value in fields.items() if not name.startswith("disk/")}


# -- shorter paths, longer paths -------------------------------------------------------------------------------


def minimise(model: Model[Any, Any], path: Path[Any], violated: Callable[[Any], bool]) -> Path[Any]:
    """`path` without the choices that are not needed to come to a state that is `violated`.

    What breadth-first search finds is short already; a walk or a recorded run is not.  Greedy: choices are left out
    one at a time, the last ones first, until none can be.  The result need not be a shortest path, but no single
    choice of it can be spared.  Raises `ValueError` when `path` does not lead to a violated state.
    """
    short = _until(model, path, violated)
    if short is None:
        raise ValueError("the path does not lead to a violation, so there is nothing to minimise")
    place = len(short.actions)
    while place:
        place -= 1
        tried = _until(model, Path(short.start, short.actions[:place] + short.actions[place + 1 :]), violated)
        if tried is not None:
            short, place = tried, len(tried.actions)
    return short


def _until(model: Model[Any, Any], path: Path[Any], violated: Callable[[Any], bool]) -> Path[Any] | None:
    """`path` up to the first violated state; None when it cannot be walked, or meets none."""
    state = list(model.initial())[path.start]
    for place, action in enumerate(path.actions):
        if violated(state):
            return Path(path.start, path.actions[:place])
        state = model.next_state(state, action)
        if state is None:
            return None
    return path if violated(state) else None


def wander(
    model: Model[Any, Any], violated: Callable[[Any], bool], seed: int = 0, walks: int = 1_000, depth: int = 100
) -> Path[Any] | None:
    """A path to a violated state found by random walks, or None.

    For systems too big to search: it goes deep where breadth-first search goes wide, proves nothing, and what it
    finds wants to be minimised.
    """
    rng = Rng.derive(seed, "wander")
    starts = list(model.initial())
    for _ in range(walks):
        start = rng.randint(0, len(starts) - 1)
        state = starts[start]
        actions: list[Any] = []
        for _ in range(depth):
            if violated(state):
                return Path(start, tuple(actions))
            options = list(model.actions(state))
            if not options:
                break
            actions.append(rng.choice(options))
            after = model.next_state(state, actions[-1])
            if after is None:
                actions.pop()
                break
            state = after
        if violated(state):
            return Path(start, tuple(actions))
    return None
