"""What every page of the wizard is: it draws from the `Course` and asks for actions; nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol

from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from prayog_migration.engine.setup import Setup
from prayog_migration.panels.course import Course
from prayog_migration.panels.path import onward
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout

__all__ = ["Asks", "Page", "row_of", "tone"]


class Asks(Protocol):
    """What a page may ask of the wizard."""

    def act(self, name: str, **args: Any) -> None:
        """Do an action on the migration."""
        ...

    def begin(self, assess: bool = False, **knobs: Any) -> None:
        """A new migration with these knobs; with `assess` its source is looked at right away."""
        ...

    def go(self, name: str) -> None:
        """Show the page of another step."""
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
        self._primary: QPushButton | None = None
        self._next = ""
        self._onward = QPushButton()
        self._onward.hide()
        self._onward.clicked.connect(lambda: asks.go(self._next))
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, 0)
        self.body.setSpacing(theme.UNIT)

    def draw(self, course: Course) -> None:
        """Show what `course` says; called at most ten times a second while the page is seen."""
        raise NotImplementedError

    def words(self) -> str:
        """The page in words, for the outline."""
        return ""

    def restyle(self) -> None:
        """Text size or theme changed."""

    def show_setup(self, setup: Setup) -> None:
        """The knobs of the run on the bench."""

    def lead(self, course: Course) -> None:
        """One button stands out: the step's own, or, before it may begin and after it is done, the way to another."""
        self._next, words = onward(self.name, course)
        if self._onward.text() != words:
            self._onward.setText(words)
        self._onward.setVisible(bool(words))
        tone(self._onward, "primary" if words and not course.held else "")
        if self._primary is not None:
            tone(self._primary, "" if words else "primary")

    def buttons(self, titles: Sequence[tuple[str, Callable[[], object], str]], primary: int = -1) -> list[QPushButton]:
        """A row of buttons: title, what it does, tool tip."""
        made = []
        for index, (title, act, tip) in enumerate(titles):
            button = QPushButton(title)
            button.setToolTip(tip)
            button.setAccessibleDescription(tip)
            if index == primary:
                self._primary = button
            button.clicked.connect(lambda _checked=False, act=act: act())
            made.append(button)
        self.body.addWidget(row_of(*made, *([self._onward] if primary >= 0 else [])))
        return made


def tone(button: QPushButton, kind: str) -> None:
    """Let a button stand out ("primary"), or not ("")."""
    if (button.property("kind") or "") != kind:
        button.setProperty("kind", kind)
        button.style().unpolish(button)
        button.style().polish(button)


def row_of(*widgets: QWidget) -> QWidget:
    """Widgets in a line that breaks where there is no room."""
    row = QWidget()
    layout = FlowLayout(row)
    for widget in widgets:
        layout.addWidget(widget)
    return row
