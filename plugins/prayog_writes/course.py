"""How a tree and its meters went along a run, moment by moment: what curves and comparisons are drawn from.

A moment is a portion of a workload, or the end of an action.  Moments of two runs that were given the same actions are
matched by their place: the number of the action, and how many of its operations were done.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from prayog_sim.trace import Step
from prayog_writes.engine.meters import amplification
from prayog_writes.engine.version import LEVELS

__all__ = ["METERS", "Course", "Moment"]

METERS = ("write", "write_with_log", "read", "space", "l0")
_END = 1 << 60  # of an action: behind all its operations


@dataclass(frozen=True, slots=True)
class Moment:
    """``place``: (action, operations of it done).  ``user``: bytes written by the user since the run began.

    ``values``: the meters, None while there is nothing to divide by.  ``theory``: (typical, worst) per meter.
    """

    seq: int
    place: tuple[int, int]
    operations: int
    user: int
    values: Mapping[str, float | None]
    theory: Mapping[str, tuple[float | None, float | None]]
    stalled_us: int = 0
    now_us: int = 0


@dataclass(slots=True)
class Course:
    """Takes the steps of a trace in their order."""

    moments: list[Moment] = field(default_factory=list)
    edits: list[tuple[int, Mapping[str, Any]]] = field(default_factory=list)
    _actions: dict[int, int] = field(default_factory=dict)
    _before: int = 0  # operations of the actions that are over
    _base: int = 0  # user bytes before the database was opened last
    _user: int = 0

    def take(self, step: Step) -> None:
        """Take in the next step."""
        data = step.data
        if step.kind == "action":
            self._actions[step.seq] = len(self._actions)
        elif step.kind == "edit":
            self.edits.append((step.seq, data))
        elif step.kind == "acknowledged":
            self._before += int(data["count"])
        elif step.kind in ("work", "status") and "parts" in data:
            done = int(data["done"]) if step.kind == "work" else _END
            self._add(step, done, self._before + (done if step.kind == "work" else 0))
        elif step.kind == "worked":
            self._before += int(data["count"])

    def _add(self, step: Step, done: int, operations: int) -> None:
        data, parts = step.data, step.data["parts"]
        if parts["user"] < self._user:  # counters begin anew when the database is opened again
            self._base += self._user
        self._user = int(parts["user"])
        values: dict[str, float | None] = {name: m["value"] for name, m in amplification(parts).items()}
        values["l0"] = float(data["l0"])
        theory = {name: (each["typical"], each["worst"]) for name, each in data["formulas"].items()}
        stalled = data.get("stalled_us", data.get("counters", {}).get("stalled_us", 0))
        place = (self._actions.get(step.cause, -1), done)
        self.moments.append(
            Moment(step.seq, place, operations, self._base + self._user, values, theory, stalled, int(data["now"]))
        )

    def at(self, seq: int) -> int:
        """The last moment at or before step `seq`; −1 before the first."""
        return bisect_right(self.moments, seq, key=lambda moment: moment.seq) - 1

    def like(self, place: tuple[int, int]) -> int:
        """The last moment at or before `place`; −1 before the first."""
        return bisect_right(self.moments, place, key=lambda moment: moment.place) - 1

    def levels(self, seq: int) -> list[list[Mapping[str, Any]]]:
        """The tables by level after step `seq`: level 0 the newest first, the others by key."""
        held: list[dict[int, Mapping[str, Any]]] = [{} for _ in range(LEVELS)]
        for at, edit in self.edits:
            if at > seq:
                break
            for level, number in edit["deleted"]:
                held[level].pop(number, None)
            for level, file in edit["added"]:
                held[level][int(file["number"])] = file
        top = sorted(held[0].values(), key=lambda file: -int(file["number"]))
        return [top, *(sorted(files.values(), key=lambda file: str(file["low"])) for files in held[1:])]
