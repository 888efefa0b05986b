"""Several views of one page, of which one is shown: a row of chips, and below it the view that was chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QButtonGroup, QPushButton, QVBoxLayout, QWidget

from prayog_migration.panels.course import Course
from prayog_migration.panels.page import Asks, row_of

__all__ = ["Part", "Ways"]


class Part(QWidget):
    """One view; a subclass draws."""

    def draw(self, course: Course) -> None:
        """Show what `course` says."""
        raise NotImplementedError

    def restyle(self) -> None:
        """Text size or theme changed."""

    def words(self) -> str:
        """In words."""
        return ""


class Ways(QWidget):
    """A view is made when it is first chosen."""

    def __init__(self, asks: Asks, ways: Sequence[tuple[str, str, Callable[[Asks], Part]]]) -> None:
        super().__init__()
        self._asks = asks
        self._makers = {name: make for name, _, make in ways}
        self._chips: dict[str, QPushButton] = {}
        self._parts: dict[str, Part] = {}
        self._course = Course()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        group = QButtonGroup(self)
        for name, title, _ in ways:
            chip = QPushButton(title)
            chip.setCheckable(True)
            chip.clicked.connect(lambda _checked=False, name=name: self.choose(name))
            group.addButton(chip)
            self._chips[name] = chip
        self._column.addWidget(row_of(*self._chips.values()))
        self._shown = ""
        self.choose(ways[0][0])

    def choose(self, name: str) -> None:
        """Show this view."""
        if name not in self._parts:
            self._parts[name] = self._makers[name](self._asks)
            self._column.addWidget(self._parts[name], 1)
        self._chips[name].setChecked(True)
        for other, part in self._parts.items():
            part.setVisible(other == name)
        self._shown = name
        self._parts[name].draw(self._course)

    @property
    def part(self) -> Part:
        """The view that is shown."""
        return self._parts[self._shown]

    def draw(self, course: Course) -> None:
        """Draw the shown view."""
        self._course = course
        self.part.draw(course)

    def restyle(self) -> None:
        """Text size or theme changed."""
        for part in self._parts.values():
            part.restyle()
