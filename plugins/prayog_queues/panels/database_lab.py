"""Six experiments on a real PostgreSQL that is used as a queue: a question, what was measured, and what follows."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QPushButton, QVBoxLayout, QWidget

from prayog_queues.engine.rows import Experiment
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable

__all__ = ["DatabaseLab"]

_WHAT = {
    "double_take": "Do two workers take one row?",
    "skip_locked": "What does SKIP LOCKED gain?",
    "polling": "Ask, or be told: how long does a message wait?",
    "notify_price": "What do commits pay for NOTIFY?",
    "skipped_id": "Does “id > last seen” see every row?",
    "statements": "What does one message cost?",
}


class DatabaseLab(QWidget):
    """Choose a question, run it, read the answer."""

    wanted = Signal(str)
    """The name of the experiment to run."""
    stopped = Signal()
    """The one that runs is to end."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        about = paragraph(
            self.tr("On the PostgreSQL that comes with the lab, in a schema of its own that is dropped at the end.")
        )
        self._which = QComboBox()
        self._which.setAccessibleName(self.tr("Question"))
        for name, words in _WHAT.items():
            self._which.addItem(self.tr(words), name)
        self._which.currentIndexChanged.connect(lambda _index: self._show())
        self._go = QPushButton(self.tr("Measure it here"))
        self._go.setProperty("kind", "primary")
        self._go.clicked.connect(lambda: self.wanted.emit(self._which.currentData()))
        head = QWidget()
        row = FlowLayout(head)
        row.addWidget(self._which)
        row.addWidget(self._go)
        self._stop = QPushButton(self.tr("Stop"))
        self._stop.clicked.connect(self.stopped)
        self._stop.setEnabled(False)
        row.addWidget(self._stop)
        self._note = paragraph("", "muted")
        self._table = TextTable(
            self.tr("What was measured"), [self.tr("Contender"), self.tr("Measured")], wrapped=1
        )
        self._table.setMinimumHeight(theme.scaled(150))
        self._conclusion = paragraph("")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.UNIT)
        for part in (about, head, self._note, self._table, self._conclusion):
            column.addWidget(part)
        column.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._found: dict[str, Experiment] = {}
        self._show()

    def show_experiments(self, found: dict[str, Experiment], *, busy: bool, measuring: bool) -> None:
        """What the session has told so far; `busy`: it is being opened."""
        self._found = found
        self._go.setEnabled(not (busy or measuring))
        self._stop.setEnabled(measuring)
        self._show()

    def tell(self, words: str) -> None:
        """A problem, in a sentence."""
        self._note.setText(words)
        self._note.setVisible(bool(words))

    def _show(self) -> None:
        known = self._found.get(self._which.currentData())
        self._table.setVisible(known is not None)
        self._table.show_rows([list(row) for row in known.measured] if known is not None else [])
        words = ""
        if known is not None and known.conclusion:
            sign = "" if known.holds is None else "✓ " if known.holds else "✗ "
            words = f"{sign}{known.conclusion}"
        self._conclusion.setText(words)
        self._conclusion.setProperty("kind", {"✓": "good", "✗": "warn"}.get(words[:1], ""))
        self._conclusion.style().polish(self._conclusion)
        if known is not None and not words:
            self.tell(self.tr("It is measured…"))
        elif known is not None:
            self.tell("")

    def outline(self) -> str:
        """Question, measurements and conclusion."""
        known = self._found.get(self._which.currentData())
        told = [f"{label}: {sentence}" for label, sentence in known.measured] if known is not None else []
        return "\n".join([self._which.currentText(), *told, self._conclusion.text()]).strip()

    def resize_table(self) -> None:
        """The text size changed."""
        self._table.setMinimumHeight(theme.scaled(150))
