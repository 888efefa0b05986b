"""The fault buttons: what each will do is told before it is pressed; below, what it did and what came of it."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from prayog_migration.panels.course import Course
from prayog_migration.panels.fault_words import FAULTS
from prayog_migration.panels.fitted import FittedTable
from prayog_migration.panels.page import Asks, row_of, tone
from prayog_sdk.qt.panel import guarded
from prayog_sdk.qt.state import paragraph
from prayog_sim.clock import format_us

__all__ = ["Breaking"]

_ASK = "Go to a button, with the mouse or with Tab: here stands what it will do."
_HEAL = "Heal: network, disk and servers work again. Rows that were set aside stay where they are."


@guarded
class Breaking(QWidget):
    """Ten faults and *Heal*."""

    def __init__(self, asks: Asks) -> None:
        super().__init__()
        self._words: dict[QObject, str] = {}
        self._buttons: dict[str, QPushButton] = {}
        for what, (title, will) in FAULTS.items():
            button = QPushButton(title)
            button.clicked.connect(lambda _checked=False, what=what: asks.act("fault", what=what))
            self._buttons[what] = button
            self._say_of(button, f"{title}: {will}")
        self._heal = QPushButton("Heal")
        self._heal.clicked.connect(lambda: asks.act("heal"))
        self._say_of(self._heal, _HEAL)
        self._will = paragraph(_ASK, "muted")
        self._table = FittedTable(
            "What was broken, and what came of it", ("At", "What", "What it did → what came of it"), most=5, wrapped=2
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (row_of(*self._buttons.values(), self._heal), self._will, self._table):
            column.addWidget(part)

    def _say_of(self, button: QPushButton, words: str) -> None:
        button.setToolTip(words)
        button.setAccessibleDescription(words)
        button.installEventFilter(self)
        self._words[button] = words

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched in self._words and event.type() in (QEvent.Type.Enter, QEvent.Type.FocusIn):
            self._will.setText(self._words[watched])
        return False

    def draw(self, course: Course) -> None:
        """Mark what is broken now, and list what happened, the newest first."""
        begun = bool(course.started)
        for what, button in self._buttons.items():
            tone(button, "primary" if what in course.broken and what in STAY else "")
            button.setEnabled(begun)
        self._heal.setEnabled(bool(course.broken))
        self._table.show_rows(
            [
                [format_us(one.at_us), FAULTS[one.what][0] if one.what in FAULTS else "Heal",
                 " → ".join((one.did, *one.then))]
                for one in reversed(course.blows)
            ]
        )  # fmt: skip

    def words(self) -> str:
        """What was broken last, in words."""
        if self._table.rowCount() == 0:
            return "Nothing was broken yet."
        cells = [self._table.item(0, column) for column in (1, 2)]
        return ": ".join(cell.text() for cell in cells if cell is not None)


STAY = ("cut", "stall", "fill_disk")
"""What stays broken until it is healed."""
