"""One run on the bench with all that is needed to make it again, and who hears of what is done with it.  No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from prayog.ui.bench.plan import Plan
from prayog_sim.run import Run
from prayog_sim.trace import Step

__all__ = ["Branch", "Listener", "Progress", "Work"]

T = TypeVar("T")
Progress = Callable[[int, int, str], None]


class Listener(Protocol):
    """Who shows what the driver does.  Called on the driver's thread."""

    def stepped(self, steps: Sequence[Step]) -> None:
        """The shown moment went forward over `steps`, in order."""
        ...

    def jumped_to(self) -> None:
        """The shown moment moved otherwise."""
        ...

    def replaced(self) -> None:
        """Another run (or branch) is shown."""
        ...

    def changed(self) -> None:
        """Playing, speed, branches or bookmarks changed."""
        ...

    def tell(self, sentence: str, wrong: bool = False) -> None:
        """Something to tell; `wrong`: what was asked for could not be done."""
        ...

    def failed(self, stage: str, error: Exception) -> None:
        """The topic's code raised; the run stands where it was."""
        ...


class Work(Protocol):
    """Somewhere to do what takes long: calls `done` with the result on the driver's thread."""

    def __call__(self, title: str, work: Callable[[Progress], T], done: Callable[[T], None]) -> None: ...


@dataclass(slots=True, eq=False)
class Branch:
    """One run with all that is needed to make it again, and where the learner stood in it."""

    run: Run
    params: Any
    seed: int
    make: Callable[[Progress], Run]
    """A new run of the same parameters and seed with an empty list of actions."""
    plan: Plan | None = None
    """What the scenario still wants to do by itself."""
    title: str = ""
    forked_at: int = -2
    """``seq`` of the last step shared with the branch it came from; -2 when it is a run of its own."""
    at: int = -1
    clock_us: float = 0.0
    pace_us: float = 0.0
    """Virtual µs per second at 1x; 0 until it was estimated."""
    bookmarks: dict[int, str] = field(default_factory=dict)
    by_hand: bool = False
    """Somebody did something to it, besides what the scenario does by itself."""

    @property
    def end(self) -> int:
        """``seq`` of the last recorded step; -1 when there is none."""
        return len(self.run.trace) - 1

    @property
    def planned(self) -> bool:
        """The scenario still wants to do something by itself."""
        return self.plan is not None and not self.plan.done

    @property
    def busy(self) -> bool:
        """More will happen by itself."""
        return self.run.busy or self.planned

    def due(self) -> float | None:
        """When the next step happens, in µs; None when it is not known."""
        trace = self.run.trace
        if self.at + 1 < len(trace):
            return float(trace[self.at + 1].at)
        if self.run.kind == "session":
            return None
        due = self.run.next_at
        if self.plan is not None and not self.plan.done:
            planned = self.plan.next_at(self.run)
            due = planned if due is None else due if planned is None else min(due, planned)
        if due is None:
            return self.clock_us if self.busy else None
        return float(due)
