"""What happens when code of a topic raises where nobody listens: in a slot, a timer, a paint event.

Python calls `sys.excepthook`; without one the exception would be printed and, in a window, nobody sees it.  Here
the first frame of a topic's package says whose fault it is, and that topic (or the one panel, when a panel is among
the frames) shows a problem card.  The window goes on.

Rules
1. The hook itself never raises.  What no topic is to blame for is a fault of the lab: it is passed on, and a bar tells
   the learner once, with a report to copy.
2. Strict mode (`prayog.catalog.strict`) only passes on: tests and authors want the exception.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from prayog.ui.window import Window
    from prayog_sdk.manifest import Problem

__all__ = ["Rescue", "panel_of"]

Hook = Callable[[type[BaseException], BaseException, TracebackType | None], object]


class Rescue:
    """Stands in for `sys.excepthook` between `install` and `remove`."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._before: Hook = sys.excepthook
        self._told: set[str] = set()

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
            if isinstance(error, Exception) and not strict():
                self._own_up(problem_of(error, "lab", "prayog"))
            return
        problem = problem_of(error, "panel", topic)
        panel = panel_of(trace)
        if panel is None:
            self._window.stage.fail(problem, None)
            return
        # Not now: this may be the panel's own paint event, and Qt dies when a widget is taken away while it is painted.
        QTimer.singleShot(0, self._window, lambda: self._window.stage.fail(problem, panel))

    def _own_up(self, problem: Problem) -> None:
        """Once for each mistake: one in a paint event comes with every frame."""
        from prayog.ui.notice import Notice

        if problem.sentence in self._told:
            return
        self._told.add(problem.sentence)
        words = QCoreApplication.translate("Rescue", "Something in the lab itself went wrong: {what}")
        copy = QCoreApplication.translate("Rescue", "Copy report")
        report = lambda: QGuiApplication.clipboard().setText(problem.traceback)  # noqa: E731
        self._window.notice(Notice(words.format(what=problem.sentence), [(copy, report)], kind="bad"))


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
