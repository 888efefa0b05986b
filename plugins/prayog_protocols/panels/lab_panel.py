"""The program of a conversation beside its bytes: the line that sent the chosen packet, and what came of it all."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QTextCursor, QTextFormat
from PySide6.QtWidgets import QPlainTextEdit, QSplitter, QTextEdit, QVBoxLayout, QWidget

from prayog_protocols.panels.capture_panel import CapturePanel
from prayog_protocols.panels.choice import Choice
from prayog_protocols.panels.lab_facts import Told, lines_of
from prayog_sdk.qt import theme
from prayog_sdk.qt.codecolours import PythonColours
from prayog_sdk.qt.panel import Bench, guarded
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable

__all__ = ["LabPanel"]

_EMPTY = "Hold a conversation: choose one under “Conversations” among the tools. Its program is shown here."


class LabPanel(CapturePanel):
    """Call, bytes and packet, linked both ways: choose a packet, or double-click a line of the program."""

    title = "Program"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._told, self._read = Told(), 0
        self._shown: object = None
        self.note = paragraph(_EMPTY, "muted")
        self.source = _Source()
        self.source.chosen.connect(self._choose_line)
        self._colours = PythonColours(self.source.document())
        self.facts = TextTable("What happened", ("What", "Facts", "Packets", "Bytes on the wire", "Bytes said"),
                               numbers={2, 3, 4}, wrapped=1,
                               hints=("", "", "Since the line above", "With headers", "By the programs"))  # fmt: skip
        halves = QSplitter(Qt.Orientation.Vertical)
        halves.setChildrenCollapsible(False)
        halves.addWidget(self.source)
        halves.addWidget(self.facts)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.UNIT, theme.UNIT, theme.UNIT, 0)
        column.setSpacing(theme.UNIT)
        column.addWidget(self.note)
        column.addWidget(halves, 1)
        self.on_theme()

    def on_run(self, bench: Bench) -> None:
        super().on_run(bench)
        self._told, self._read = Told(), 0

    def draw(self) -> None:
        super().draw()
        if self.bench is None:
            return
        end = self.bench.at + 1
        if end < self._read:
            self._told, self._read = Told(), 0
        if end > self._read or self._shown is None:
            self._told.take(self.bench.trace[self._read : end])
            self._read = end
            self._show_told()

    def show_capture(self) -> None:
        self._mark()

    def show_choice(self) -> None:
        self._mark()

    def _show_told(self) -> None:
        program = self._told.program
        if program is not self._shown:
            self._shown = program
            self.source.setPlainText(str(program["source"]) if program else "")
            if program and program["first"]:
                self._show_line(int(program["first"]))
        self.source.setVisible(program is not None)
        self.facts.show_rows(self._told.rows)
        self.facts.scrollToBottom()
        self._mark()

    def _mark(self) -> None:
        program, recording = self._told.program, self.recording
        self.source.setExtraSelections([])
        if program is None:
            self.note.setText(_EMPTY)
            return
        words = f"{program['title']}, {program['variant']}: {program['about']}"
        if recording is None or self.choice is None or self.choice.index >= len(recording.packets):
            self.note.setText(f"{words} Choose a packet to see the line that sent it.")
            return
        number = self.choice.index + 1
        file, line, call = lines_of(recording.packets[self.choice.index])
        if not line:
            self.note.setText(f"{words} Packet {number} was sent by no line of the lab’s programs.")
        else:
            self.note.setText(f"Packet {number}: {file}, line {line}: {call}")
        if line and file == program["file"]:
            self._highlight(line)

    def _highlight(self, line: int) -> None:
        block = self.source.document().findBlockByNumber(line - 1)
        mark = QTextEdit.ExtraSelection()
        mark.cursor = QTextCursor(block)
        mark.format.setBackground(QColor(theme.current().accent_soft))
        mark.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
        self.source.setExtraSelections([mark])
        self._show_line(line)

    def _show_line(self, line: int) -> None:
        self.source.setTextCursor(QTextCursor(self.source.document().findBlockByNumber(line - 1)))
        self.source.centerCursor()

    def _choose_line(self, line: int) -> None:
        """The first packet that this line sent."""
        program, recording = self._told.program, self.recording
        if program is None or recording is None:
            return
        for index, packet in enumerate(recording.packets):
            file, sent, _ = lines_of(packet)
            if (file, sent) == (program["file"], line) and packet.get("payload"):
                self.choose(Choice(index))
                return
        if self.bench is not None:
            self.bench.say(f"Line {line} sent no packet by itself.")

    def on_theme(self) -> None:
        self.source.setFont(theme.mono())
        self._colours.renew()
        self._mark()

    def outline(self) -> str:
        return self.note.text()

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(320), theme.scaled(200))


@guarded
class _Source(QPlainTextEdit):
    """A program to read; a double click or Enter chooses the line."""

    chosen = Signal(int)  # its number

    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setAccessibleName("Program of the client")

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        super().mouseDoubleClickEvent(event)
        self.chosen.emit(self.textCursor().blockNumber() + 1)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self.textCursor().blockNumber() + 1)
        else:
            super().keyPressEvent(event)
