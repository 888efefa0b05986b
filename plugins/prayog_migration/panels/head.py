"""What stands above every page: the promises, who is in charge and at work; and the step's gate, evidence and undo."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from prayog_migration.engine.steps import step
from prayog_migration.panels.course import Course
from prayog_migration.panels.page import Asks, row_of, tone
from prayog_migration.panels.path import facts_of, lacking
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.state import paragraph

__all__ = ["Head", "Held", "Promises"]

_UNDONE = ("schema", "data")
_REMEDIES: Mapping[str, tuple[str, str, dict[str, str]]] = {
    "drift": ("Plan again with what the tables are now", "replan", {}),
    "contradiction": ("Take data back and copy again", "undo", {"step": "data"}),
}
"""By what is held: a button, and the action that lets it go on."""


class Promises(QWidget):
    """Two chips that never scroll away: the promises in numbers, and who works."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._badge, self._worker = QLabel(), QLabel()
        row = FlowLayout(self)
        for chip in (self._badge, self._worker):
            chip.setProperty("kind", "chip")
            row.addWidget(chip)
        self._badge.setAccessibleName("Promises")

    def draw(self, course: Course) -> None:
        """Write both."""
        self._badge.setText(course.badge if course.balance else f"{course.badge} (not compared yet)")
        tone = {True: "good", False: "bad", None: ""}[course.kept]
        if self._badge.property("tone") != tone:
            self._badge.setProperty("tone", tone)
            self._badge.style().polish(self._badge)
        side = "the target is in charge" if course.side == "target" else "the source is in charge"
        self._worker.setText(f"{side} · {_worker(course)}")

    def words(self) -> str:
        """Both in words."""
        return f"{self._badge.text()}; {self._worker.text()}."


class Head(QWidget):
    """What the shown step is, what must hold before it, what proves it, and how it is taken back."""

    def __init__(self, asks: Asks) -> None:
        super().__init__()
        self._step = "plan"
        self._title = paragraph("", step=2)
        self._about = paragraph("", "muted")
        self._gate = paragraph("")
        self._back = QPushButton("Undo")
        self._back.clicked.connect(lambda: asks.act("undo", step=self._step))
        self._undo = paragraph("", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, theme.UNIT)
        column.setSpacing(theme.UNIT // 2)
        for part in (self._title, self._about, self._gate):
            column.addWidget(part)
        undo = QHBoxLayout()
        undo.addWidget(self._undo, 1)
        undo.addWidget(self._back)
        column.addLayout(undo)

    def draw(self, name: str, course: Course) -> None:
        """Show the step called `name`."""
        self._step, one, facts = name, step(name), facts_of(course)
        self._title.setText(one.title)
        self._about.setText(one.sentence)
        wanted = lacking(name, course)
        gate = ", ".join(f"{'✗' if fact in wanted else '✓'} {_words(fact)}" for fact in one.gate)
        proof = ", ".join(f"{'✓' if facts.get(fact) else '·'} {_words(fact)}" for fact in one.evidence)
        self._gate.setText(f"Gate: {gate or 'none'}.  Evidence: {proof}.")
        self._undo.setText(f"Undo: {one.undo}" if one.undo else "Undo: there is none; what is kept is the report.")
        self._back.setVisible(name in _UNDONE)
        self._back.setText(f"Take {one.title.lower()} back")
        self._back.setEnabled(bool(course.started) and course.side == "source")

    def words(self) -> str:
        """The head in words."""
        return f"{self._title.text()}: {self._gate.text()} {self._undo.text()}"


class Held(QWidget):
    """Why the shown step stands still, and the button that lets it go on; hidden while nothing is held."""

    def __init__(self, asks: Asks) -> None:
        super().__init__()
        self._remedy: tuple[str, dict[str, str]] = ("", {})
        self._said = paragraph("", "bad")
        self._mend = QPushButton()
        self._mend.clicked.connect(lambda: asks.act(self._remedy[0], **self._remedy[1]))
        tone(self._mend, "primary")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, theme.UNIT)
        column.addWidget(self._said)
        column.addWidget(row_of(self._mend))

    def draw(self, name: str, course: Course) -> None:
        """Show what is held, if anything is."""
        said = course.sentence if course.step == name and course.phase in ("failed", "paused") else ""
        self._said.setText(said or course.refused or (course.held_for if course.held else ""))
        title, what, args = _REMEDIES.get(course.held, ("", "", {}))
        self._remedy = (what, args)
        self._mend.setText(title)
        self._mend.setVisible(bool(title))
        self._said.setVisible(bool(self._said.text()))
        self.setVisible(bool(self._said.text() or title))

    def words(self) -> str:
        """The sentence."""
        return self._said.text()


def _words(fact: str) -> str:
    return fact.replace("_", " ")


def _worker(course: Course) -> str:
    if not course.started:
        return "nothing has begun"
    if course.doing:
        died = course.worker.get("what") == "died"
        return f"at work: {course.doing}{'; the worker died, a successor starts' if died else ''}"
    if course.worker.get("what") == "died":
        return "the worker died; the next action starts another"
    return "the worker waits"
