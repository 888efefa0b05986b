"""What every page of the wizard is: it draws from the `Course` and asks for actions; nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from prayog_migration.panels.course import Course
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout

__all__ = ["Asks", "Page", "row_of"]


class Asks(Protocol):
    """What a page may ask of the wizard."""

    def act(self, name: str, **args: Any) -> None:
        """Do an action on the migration."""
        ...

    def begin(self, **knobs: Any) -> None:
        """A new migration with these knobs."""
        ...

    def say(self, sentence: str) -> None:
        """Tell the learner."""
        ...


class Page(QWidget):
    """One step.  ``name`` is that of the step; a subclass fills `body` and draws."""

    name: ClassVar[str] = ""

    def __init__(self, asks: Asks) -> None:
        super().__init__()
        self.asks = asks
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(theme.UNIT)

    def draw(self, course: Course) -> None:
        """Show what `course` says; called at most ten times a second while the page is seen."""
        raise NotImplementedError

    def words(self) -> str:
        """The page in words, for the outline."""
        return ""

    def buttons(self, titles: Sequence[tuple[str, Callable[[], object], str]], primary: int = -1) -> list[QPushButton]:
        """A row of buttons: title, what it does, tool tip."""
        made = []
        for index, (title, act, tip) in enumerate(titles):
            button = QPushButton(title)
            button.setToolTip(tip)
            button.setAccessibleDescription(tip)
            if index == primary:
                button.setProperty("kind", "primary")
            button.clicked.connect(lambda _checked=False, act=act: act())
            made.append(button)
        self.body.addWidget(row_of(*made))
        return made


def row_of(*widgets: QWidget) -> QWidget:
    """Widgets in a line that breaks where there is no room."""
    row = QWidget()
    layout = FlowLayout(row)
    for widget in widgets:
        layout.addWidget(widget)
    return row
