"""The reality check without a window: the same deeds on the simulation and on the real component, then compared.

The window (`prayog.ui.bench.reality`) and the command line (`prayog run --real`) both come here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prayog_sdk.compare import Comparison
from prayog_sdk.hookspecs import Progress
from prayog_sdk.services import ServiceMissing, Services
from prayog_sim.run import Action, ActionError, Run
from prayog_sim.trace import Trace

if TYPE_CHECKING:
    from prayog_sdk.topic import Topic

__all__ = ["Outcome", "repeated"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a reality check found.  ``missing`` is a component that is not there (sentence, way forward)."""

    comparison: Comparison | None = None
    real: Trace | None = None
    refused: tuple[str, ...] = ()
    """Deeds that only the simulation knows, with the real component's reason."""
    missing: tuple[str, str] | None = None


def repeated(
    topic: Topic, params: Any, seed: int, simulated: Run, services: Services, progress: Progress,
    check: Callable[[], None] = lambda: None, say: Callable[[str], None] = lambda stage: None,
) -> Outcome:  # fmt: skip
    """Do on the real component what was done to `simulated`, and compare the two traces.

    `check` raises when it is cancelled; `say` hears ``starts``, ``works`` and ``compares``.
    """
    actions = [timed.action for timed in simulated.actions]
    say("starts")
    try:
        session = topic.session(params, seed, services, progress)
    except ServiceMissing as error:
        return Outcome(missing=(error.sentence, error.way_forward))
    try:
        say("works")
        repeat = getattr(session, "repeat", None)  # one that goes on by itself knows how to follow a simulation
        refused = _repeat(check, session, actions) if repeat is None else repeat(simulated, check)
        say("compares")
        real = Trace(session.trace)
        return Outcome(topic.compare(Trace(simulated.trace), real), real, tuple(refused))
    finally:
        session.close()


def _repeat(check: Callable[[], None], session: Run, actions: Sequence[Action]) -> list[str]:
    refused = []
    for action in actions:
        try:
            session.do(action)
        except ActionError as error:
            refused.append(f"{action.name}: {error}")
            continue
        while True:
            check()
            if session.step() is None:
                if not session.busy:
                    break
                time.sleep(0.002)
    while session.step() is not None:
        pass
    return refused
