"""What stands above every page: the promises as a badge, and the step's gate, evidence and undo."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from prayog_migration.engine.steps import missing, step
from prayog_migration.panels.course import Course
from prayog_migration.panels.page import row_of
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph

__all__ = ["Head"]

_UNDONE = ("schema", "data")


class Head(QWidget):
    """``undo`` asks to take the shown step back."""

    undo = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._step = "plan"
        self._badge, self._worker = QLabel(), QLabel()
        for chip in (self._badge, self._worker):
            chip.setProperty("kind", "chip")
        self._badge.setAccessibleName("Promises")
        self._title = paragraph("", step=2)
        self._about = paragraph("", "muted")
        self._gate = paragraph("")
        self._back = QPushButton("Undo")
        self._back.clicked.connect(lambda: self.undo.emit(self._step))
        self._undo = paragraph("", "muted")
        self._said = paragraph("", "bad")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, theme.UNIT)
        column.setSpacing(theme.UNIT // 2)
        column.addWidget(row_of(self._badge, self._worker))
        for part in (self._title, self._about, self._gate):
            column.addWidget(part)
        undo = QHBoxLayout()
        undo.addWidget(self._undo, 1)
        undo.addWidget(self._back)
        column.addLayout(undo)
        column.addWidget(self._said)

    def draw(self, name: str, course: Course) -> None:
        """Show the step called `name`."""
        self._step, one = name, step(name)
        self._badge.setText(course.badge)
        tone = {True: "good", False: "bad", None: ""}[course.kept]
        if self._badge.property("tone") != tone:
            self._badge.setProperty("tone", tone)
            self._badge.style().polish(self._badge)
        side = "the target is in charge" if course.side == "target" else "the source is in charge"
        self._worker.setText(f"{side} · {_worker(course)}")
        self._title.setText(one.title)
        self._about.setText(one.sentence)
        lacking = [] if all(course.facts.get(fact) for fact in one.evidence) else missing(name, course.facts)
        gate = ", ".join(f"{'✗' if fact in lacking else '✓'} {_words(fact)}" for fact in one.gate)
        proof = ", ".join(f"{'✓' if course.facts.get(fact) else '·'} {_words(fact)}" for fact in one.evidence)
        self._gate.setText(f"Gate: {gate or 'none'}.  Evidence: {proof}.")
        self._undo.setText(f"Undo: {one.undo}" if one.undo else "Undo: there is none; what is kept is the report.")
        self._back.setVisible(name in _UNDONE)
        self._back.setText(f"Take {one.title.lower()} back")
        self._back.setEnabled(bool(course.started) and course.side == "source")
        said = course.sentence if course.step == name and course.phase in ("failed", "paused") else ""
        self._said.setText(said)
        self._said.setVisible(bool(said))

    def words(self) -> str:
        """The head in words."""
        told = f"{self._title.text()}: {self._gate.text()}"
        return f"{self._badge.text()}. {told} {self._said.text()}"


def _words(fact: str) -> str:
    return fact.replace("_", " ")


def _worker(course: Course) -> str:
    if not course.started:
        return "nothing has begun"
    if course.worker.get("what") == "died":
        return "the worker died, a successor starts"
    return f"at work: {course.doing}" if course.doing and course.phase == "running" else "the worker waits"
