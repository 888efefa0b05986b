"""What can be explored: a `Model`, any system with states and actions, and the properties it should have.

Write a protocol down as TLA+ or Stateright users do, as states and actions, by subclassing `Model`; or let
`prayog_sim.explorer.system.System` make a model of the very nodes that a `World` runs.  Both are explored by
`prayog_sim.explorer.search.Explorer`.

::

    class Counter(Model[int, str]):
        def initial(self): return [0]
        def actions(self, state): return ["up", "down"] if 0 < state < 9 else ["up"] if state == 0 else []
        def next_state(self, state, action): return state + (1 if action == "up" else -1)
        properties = (Property("always", "below ten", lambda state: state < 10),)

Rules
1. A state is an immutable, hashable value; small tuples of small integers are quickest.
2. The model is deterministic: the same state gives the same actions in the same order, in every process.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

__all__ = ["Kind", "Model", "Path", "Property", "Refused", "walk"]

State = TypeVar("State")
Action = TypeVar("Action")
Kind = Literal["always", "sometimes", "eventually"]


class Refused(ValueError):
    """A system cannot be explored as it is written; the message is a sentence that says what to change."""


@dataclass(frozen=True, slots=True)
class Property(Generic[State]):
    """What should be true of a system.

    ``always``: `test` holds in every state (safety).  ``sometimes``: it holds in at least one (it can be reached
    at all).  ``eventually``: every run comes to a state in which it holds (liveness; `prayog_sim.explorer.eventual`
    says what such a verdict is worth).
    """

    kind: Kind
    name: str
    test: Callable[[State], bool]


@dataclass(frozen=True, slots=True)
class Path(Generic[Action]):
    """A way to a state: the actions to take from initial state number `start`.  It means the same in any process."""

    start: int
    actions: tuple[Action, ...]


class Model(ABC, Generic[State, Action]):
    """A transition system."""

    properties: Sequence[Property[State]] = ()

    @abstractmethod
    def initial(self) -> Iterable[State]:
        """The states in which it may start, always in the same order."""

    @abstractmethod
    def actions(self, state: State) -> Iterable[Action]:
        """What can happen in `state`."""

    @abstractmethod
    def next_state(self, state: State, action: Action) -> State | None:
        """The state after `action`; None when the action cannot happen or leads outside the bounds of the model."""

    def successors(self, state: State) -> Sequence[State]:
        """All next states, repetitions included.  Override it where speed matters: the search asks nothing else."""
        after = self.next_state
        return [new for action in self.actions(state) if (new := after(state, action)) is not None]

    def symmetry(self) -> Callable[[State], State] | None:
        """A function that gives one and the same state for all states that differ only in who is who, if there is
        such a symmetry.  The properties must not tell those states apart either."""
        return None

    def held_back(self, state: State) -> str:
        """Why something that could happen in `state` is left out by a bound of the model; empty if nothing is.

        A state in which nothing can happen because of a bound is not the end of a run.
        """
        return ""

    def explain(self, name: str, state: State) -> str:
        """What is wrong in `state`, in a sentence, where the property `name` fails; empty when that says it all."""
        return ""

    def memory(self) -> Any:
        """What `recall` needs so that states of this model mean the same in another process; picklable."""
        return None

    def recall(self, memory: Any) -> None:
        """Take over the memory of an equal model; states known before mean nothing any more."""


def walk(model: Model[State, Action], path: Path[Action]) -> list[State]:
    """The states along `path`, one more than it has actions.  Raises `ValueError` where it cannot go on."""
    starts = list(model.initial())
    if not 0 <= path.start < len(starts):
        raise ValueError(f"the path begins in initial state {path.start}, but there are only {len(starts)}")
    states = [starts[path.start]]
    for place, action in enumerate(path.actions):
        after = model.next_state(states[-1], action)
        if after is None:
            raise ValueError(f"choice {place + 1} of the path cannot be made there: {action}")
        states.append(after)
    return states
