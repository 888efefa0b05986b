"""What the panels of this topic read from the trace: the question that is shown, its visits and its answer so far.

It holds no Qt, so that what is drawn can be checked without a window.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_sim.run import View
from prayog_sim.trace import Step, Trace

__all__ = ["ACTIONS", "Gathered"]

ACTIONS = ("pruned", "visited", "refined", "inside")
"""What an index can do with a part, in the order of drawing."""

Data = Mapping[str, Any]


class Gathered:
    """The newest question in a trace, up to the shown step."""

    def __init__(self) -> None:
        self.query: Data | None = None
        self.visits: dict[str, list[Data]] = {}
        self.last: Data | None = None
        self.answer: Data | None = None
        self.oracle: Data | None = None
        self.table: Data | None = None
        self.rulers: dict[str, Data] = {}
        self.pins: Data | None = None
        self.window: Data | None = None
        self.ranges: dict[str, Data] = {}
        self.forget()

    def forget(self) -> None:
        """Back to before the first question (the table stays: it is what the run is about)."""
        self.query = self.last = self.answer = self.oracle = None
        self.visits = {action: [] for action in ACTIONS}

    def take(self, step: Step) -> bool:
        """Take in one more step; True when something to be drawn changed."""
        data = step.data
        match step.kind:
            case "query":
                self.forget()
                self.query = data
            case "visit":
                self.visits[data["action"]].append(data)
                self.last = data
            case "answer":
                self.answer, self.last = data, None
            case "oracle":
                self.oracle = data
            case "start" | "swapped":
                self.forget()
                self.table = data
            case "pins":
                self.pins, self.rulers = data, {}
            case "ruler":
                self.rulers[data["name"]] = data
            case "window":
                self.window, self.ranges = data, {}
            case "ranges":
                self.ranges[data["curve"]] = data
            case _:
                return False
        return True

    def rebuild(self, trace: Trace, view: View) -> None:
        """Everything anew for the moment of `view`."""
        self.__init__()  # type: ignore[misc] # the same empty state as at the start
        begin = 0
        for seq in range(view.seq, -1, -1):  # rulers and windows may lie before the last question
            if trace[seq].kind in ("start", "swapped"):
                begin = seq
                break
        for step in trace[begin : view.seq + 1]:
            self.take(step)

    @property
    def looked_at(self) -> int:
        return sum(len(visits) for visits in self.visits.values())
