"""What happens when code of a topic raises where nobody listens: in a slot, a timer, a paint event.

Python calls `sys.excepthook`; without one the exception would be printed and, in a window, nobody sees it.  Here
the first frame of a topic's package says whose fault it is, and that topic (or the one panel, when a panel is among
the frames) shows a problem card.  The window goes on.

Rules
1. The hook itself never raises, and passes everything on that no topic is to blame for.
2. Strict mode (`prayog.catalog.strict`) only passes on: tests and authors want the exception.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from prayog.ui.window import Window

__all__ = ["Rescue", "panel_of"]

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], object]


class Rescue:
    """Stands in for `sys.excepthook` between `install` and `remove`."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._before: Hook = sys.excepthook

    def install(self) -> None:
        self._before = sys.excepthook
        sys.excepthook = self.caught

    def remove(self) -> None:
        if sys.excepthook == self.caught:
            sys.excepthook = self._before

    def caught(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        """An exception that nobody caught."""
        from prayog.catalog import blame, problem_of, strict

        topic = None if strict() or not isinstance(error, Exception) else blame(trace, self._window.desk.registry.tops)
        if topic is None:
            self._before(kind, error, trace)
            return
        problem = problem_of(error, "panel", topic)
        self._window.stage.fail(problem, panel_of(trace))


def panel_of(trace: TracebackType | None) -> QWidget | None:
    """The innermost panel whose method is among the frames."""
    from prayog_sdk.qt.panel import Panel

    found = None
    while trace is not None:
        me = trace.tb_frame.f_locals.get("self")
        if isinstance(me, Panel):
            found = me
        trace = trace.tb_next
    return found
