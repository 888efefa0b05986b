"""The frame of a page: a title, one line on what the page is for, its tools, and one column of content.

Every page of the rail is one of these, so that a learner finds the same thing in the same place.
"""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from prayog.ui.desk import Desk
from prayog.ui.pieces import column, heading, row, text
from prayog.ui.place import Place
from prayog_sdk.qt import theme

__all__ = ["Page"]

_TITLE = 280  # px at 100 % text that a title and its line need
_WIDEST = 1160  # px at 100 % text: beyond it lines are too long to read


class Page(QScrollArea):
    """Fill `body` from above; put page-wide controls into `tools`.  `wanted` asks for another `Place`."""

    wanted = Signal(object)

    def __init__(self, desk: Desk, title: str, lead: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self._stale = True
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(title)
        self.title = heading(title, 3)
        self.lead = text(lead, "muted")
        self.tools: QHBoxLayout = row(gap=theme.UNIT)
        self.body: QVBoxLayout = column(gap=3 * theme.UNIT)
        self._column = QWidget()
        words = column(self.title, self.lead, gap=4)
        head = row(gap=2 * theme.UNIT)
        head.addLayout(words, 1)
        head.addLayout(self.tools)
        head.setAlignment(self.tools, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._header = head
        self._column.setLayout(column(head, self.body, -1, gap=3 * theme.UNIT))
        canvas = QWidget()
        canvas.setObjectName("canvas")
        across = QHBoxLayout(canvas)
        across.setContentsMargins(40, 32, 40, 40)
        across.addStretch(1)
        across.addWidget(self._column, 1000)
        across.addStretch(1)
        self.setWidget(canvas)
        self.lead.setVisible(bool(lead))  # not before it has a parent: it would be shown as a window
        self._rescale()

    def show_place(self, place: Place) -> None:
        """Show what `place` names; for pages that show more than one thing."""

    def shown(self) -> None:
        """The page came to the front: refresh what may have changed meanwhile."""

    def fill(self) -> None:
        """Paint what is known now; called when the page is seen and something changed (`refresh`)."""

    def refresh(self) -> None:
        """Something changed: paint again, now or when the page is seen again.  The keyboard stays where it is."""
        if not self.isVisible():
            self._stale = True
            return
        self._stale = False
        focus = self.focusWidget()
        mark = _mark(focus) if focus is not None and focus.hasFocus() else None
        before = set(self.findChildren(QWidget)) if mark is not None else set()
        self.fill()
        if mark is not None and focus is not None and focus.isHidden():
            fresh = [each for each in self.findChildren(QWidget) if each not in before]
            again = next((each for each in fresh if _mark(each) == mark), None)
            if again is not None:  # its layout shows it in the next turn of the event loop
                QTimer.singleShot(0, again, lambda: again.setFocus(Qt.FocusReason.OtherFocusReason))

    def bring_up_to_date(self) -> None:
        """Paint again when something changed while the page was not seen.

        The window calls this.  It is no `showEvent`: PySide 6.11 on Python 3.11 dies when an event handler that was
        called from Python raises some of Python's own errors (``1 / 0``, a call with wrong arguments).
        """
        if self._stale:
            self._stale = False
            self.fill()

    def first_focus(self) -> QWidget | None:
        """What gets the keyboard when the page comes to the front by keyboard."""
        for widget in self.findChildren(QWidget):
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisibleTo(self) and widget.isEnabled():
                return widget
        return None

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_head()

    def _fit_head(self) -> None:
        """The tools go below the title when there is no room beside it.

        Decided by the page's own width, never the viewport's: a scroll bar that comes and goes with the height of the
        head would turn it back and forth for ever.
        """
        room = self.width() - 96
        beside = theme.scaled(_TITLE) + self.tools.sizeHint().width() <= room
        way = QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom
        if self._header.direction() != way:
            self._header.setDirection(way)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_column"):
            self._rescale()

    def _rescale(self) -> None:
        self._column.setMaximumWidth(theme.scaled(_WIDEST))
        self._fit_head()


def _mark(widget: QWidget) -> tuple[str, str] | None:
    """By what a control is known again after the page was painted anew; None when it cannot take the keyboard."""
    if not widget.focusPolicy() & Qt.FocusPolicy.TabFocus:
        return None
    return type(widget).__name__, widget.accessibleName() or str(widget.property("text") or "")
