"""Which step gave a value: walk back over the steps of a node until the value was another one.

No engine keeps such a history; it is found by asking the run for the view before each of the node's steps, a few
milliseconds at a time, so that the window goes on.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from prayog_sdk.qt.panel import Bench
from prayog_sim.run import View

__all__ = ["Explainer", "Path", "follow"]

Path = tuple[str, ...]
"""Where a value is: ``("n1", "durable", "log", "0")``, or ``("", "facts", "rows")``."""

_SLICE_S = 0.008
_MOST = 5_000  # steps of the node looked at


def follow(view: View, path: Path) -> Any:
    """The value at `path` in `view`; None when there is none."""
    node, half, *keys = path
    here: Any = view.facts if half == "facts" else getattr(view.nodes.get(node), half, None)
    for key in keys:
        if isinstance(here, Mapping):
            here = next((value for name, value in here.items() if str(name) == key), None)
        elif isinstance(here, list | tuple) and key.isdigit() and int(key) < len(here):
            here = here[int(key)]
        elif hasattr(here, "__dataclass_fields__"):
            here = getattr(here, key, None)
        else:
            return None
    return here


class Explainer(QObject):
    """One search at a time; a new one replaces the old."""

    found = Signal(int)
    """``seq`` of the step that gave the value; -1 when it was there from the start; -2 when it was not found."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._look)
        self._bench: Bench | None = None
        self._path: Path = ()
        self._value: Any = None
        self._seq = self._asked = 0

    def start(self, bench: Bench, path: Path) -> None:
        """Look for the step that gave the value shown at `path`; `found` follows."""
        self._bench, self._path, self._asked = bench, path, 0
        view = bench.view()
        self._seq, self._value = view.seq, follow(view, path)
        self._timer.start()

    def stop(self) -> None:
        self._timer.stop()
        self._bench = None

    def _look(self) -> None:
        """Go back over steps for a slice of a frame."""
        bench = self._bench
        if bench is None:
            self._timer.stop()
            return
        until = time.perf_counter() + _SLICE_S
        while time.perf_counter() < until:
            if self._seq < 0 or self._asked >= _MOST:
                self._end(-1 if self._seq < 0 else -2)
                return
            step = bench.trace[self._seq]
            # A step elsewhere cannot have changed the node; one of the run itself ("") may have.
            if step.node in (self._path[0], "") or not self._path[0]:
                self._asked += 1
                if follow(bench.run.view(self._seq - 1), self._path) != self._value:
                    self._end(self._seq)
                    return
            self._seq -= 1

    def _end(self, seq: int) -> None:
        self.stop()
        self.found.emit(seq)
