"""What a server said to a packet as it was, and beside it what it said to the changed one."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtWidgets import QHBoxLayout, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph
from prayog_sim.trace import Step

__all__ = ["AnswersView"]

_TITLES = (("as it was", "Answer to the packet as it was"), ("as changed", "Answer to yours"))


class AnswersView(QWidget):
    """Two answers beside each other; hidden until something is sent."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        row = QHBoxLayout()
        self.boxes: dict[str, QPlainTextEdit] = {}
        self.note = paragraph("", "muted")
        for which, title in _TITLES:
            side = QVBoxLayout()
            head = QLabel(title)
            box = QPlainTextEdit()
            box.setReadOnly(True)
            box.setAccessibleName(title)
            head.setBuddy(box)
            side.addWidget(head)
            side.addWidget(box)
            row.addLayout(side)
            self.boxes[which] = box
        column.addLayout(row)
        column.addWidget(self.note)
        self.restyle()
        self.setVisible(False)

    def show_answers(self, steps: Iterable[Step]) -> None:
        """`steps` are those since the packet was sent."""
        steps = list(steps)
        heard = {str(step.data.get("which", "")): step.data for step in steps if step.kind == "said_back"}
        failed = next((str(step.data.get("sentence")) for step in steps if step.kind == "failed"), "")
        same = "as it was" in heard and "as changed" in heard and (
            heard["as it was"]["text"], heard["as it was"]["closed"]) == (
            heard["as changed"]["text"], heard["as changed"]["closed"])  # fmt: skip
        for which, box in self.boxes.items():
            data = heard.get(which) or (heard.get("") if which == "as changed" else None)
            words = "waiting for the answer…" if not failed and len(heard) < 2 and "" not in heard else failed
            if data is not None:
                words = str(data["text"])[:4_000] or "nothing came back"
                words += "\n[the server closed the connection]" if data["closed"] else ""
            elif "" in heard:
                words = "The packet was not changed, so it was sent once."
            box.setPlainText(words)
        self.note.setText("Both answers are the same." if same else "")

    def restyle(self) -> None:
        """Another theme or size of text."""
        for box in self.boxes.values():
            box.setFont(theme.mono())
            box.setMaximumHeight(theme.scaled(110))
