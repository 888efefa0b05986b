"""The eight steps at the left: where the migration stands, and which page is shown."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QComboBox, QPushButton, QVBoxLayout, QWidget

from prayog_migration.engine.steps import STEPS
from prayog_migration.panels.course import Course
from prayog_migration.panels.path import done

__all__ = ["Rail", "mark"]

_MARKS = {"running": ("▶", "at work"), "paused": ("‖", "paused"), "failed": ("✗", "failed"), "done": ("✓", "done")}

_WIDEST = max((f"{number} {step.title}  ▶" for number, step in enumerate(STEPS, 1)), key=len)


def mark(name: str, course: Course) -> tuple[str, str]:
    """Sign and word for a step: done when its evidence is there, else what its worker said last."""
    phase = course.phases.get(name, "")
    if phase in ("running", "paused", "failed"):
        return _MARKS[phase]
    return _MARKS["done"] if done(name, course) else ("·", "waiting")


class Rail(QWidget):
    """A button for each step; where there is no room for a rail, a list to choose from."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        self._group = QButtonGroup(self)
        self._buttons: dict[str, QPushButton] = {}
        self._list = QComboBox()
        self._list.setAccessibleName("Step")
        for number, step in enumerate(STEPS, 1):
            button = QPushButton(f"{number} {step.title}")
            button.setCheckable(True)
            button.setStyleSheet("text-align: left;")
            button.setToolTip(step.sentence)
            button.clicked.connect(lambda _checked=False, name=step.name: self.chosen.emit(name))
            self._group.addButton(button)
            self._buttons[step.name] = button
            self._list.addItem(button.text(), step.name)
            column.addWidget(button)
        self._list.activated.connect(lambda index: self.chosen.emit(str(self._list.itemData(index))))
        column.addWidget(self._list)
        self._list.hide()
        self._filler = QWidget()
        column.addWidget(self._filler, 1)

    def fold(self, narrow: bool) -> None:
        """A list instead of the rail, or the other way round."""
        self._list.setVisible(narrow)
        self._filler.setVisible(not narrow)
        widest = 0
        for button in self._buttons.values():
            button.setVisible(not narrow)
            words = button.fontMetrics().horizontalAdvance
            room = words(_WIDEST) - words(button.text())
            widest = max(widest, button.sizeHint().width() + room)
        self.setMinimumWidth(0 if narrow else widest)  # so that nothing moves when a mark comes

    def choose(self, name: str) -> None:
        """The page of this step is shown."""
        self._buttons[name].setChecked(True)
        self._list.setCurrentIndex(list(self._buttons).index(name))

    def draw(self, course: Course) -> None:
        """Write the marks."""
        for index, step in enumerate(STEPS):
            sign, word = mark(step.name, course)
            text = f"{index + 1} {step.title}  {sign}"
            button = self._buttons[step.name]
            if button.text() != text:
                button.setText(text)
                button.setAccessibleName(f"{index + 1} {step.title}: {word}")
                self._list.setItemText(index, text)
