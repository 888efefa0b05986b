"""An editor for a small Python function: line numbers, colours, and marks with a sentence at the lines they belong to.

Rules
1. Tab and Shift+Tab indent; Esc and then Tab (or Shift+Tab) leaves, so that nobody is caught who has no mouse.
2. Everything that changes the text can be taken back with Ctrl+Z, also what a button did.
3. A mark is a sign, a ground and a sentence (tool tip, and read out with the line), never a colour alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QEvent, QRect, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHelpEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QPlainTextEdit, QTextEdit, QToolTip, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.codecolours import PythonColours
from prayog_sdk.qt.panel import guarded

__all__ = ["CodeEdit"]

_STEP = 4  # spaces of one indentation
_LEAST = 8  # lines that are seen at least


@guarded
class CodeEdit(QPlainTextEdit):
    """`name` is for screen readers.  With ``writable=False`` it only shows."""

    leaving = Signal(bool)
    """Esc was pressed, so the next Tab leaves; or that is over."""

    def __init__(self, name: str, *, writable: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._marks: Mapping[int, str] = {}
        self._armed = False
        self._gutter = _Gutter(self)
        self._colours = PythonColours(self.document())
        self.setStyleSheet("CodeEdit, CodeEdit:focus { padding: 0; }")  # the numbers begin at the border
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setReadOnly(not writable)
        if not writable:
            self.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )
        self.setTabChangesFocus(not writable)
        self.setAccessibleName(name)
        if writable:
            self.setAccessibleDescription(self.tr("Python. Tab indents; press Escape and then Tab to leave."))
        self.blockCountChanged.connect(lambda _count: self._fit())
        self.updateRequest.connect(self._scrolled)
        self.cursorPositionChanged.connect(self._show_grounds)
        self.use_theme()

    # -- the text ------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """The text."""
        return self.toPlainText()

    def load(self, text: str) -> None:
        """Show `text`; what was there cannot be brought back with Ctrl+Z."""
        self.setPlainText(text)
        self.document().setModified(False)

    def exchange(self, text: str) -> None:
        """Put `text` in the place of all that is there, as one change that Ctrl+Z takes back."""
        cursor = self.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(text)
        cursor.setPosition(0)
        self.setTextCursor(cursor)

    def go_to(self, line: int) -> None:
        """Put the cursor at the beginning of `line` (from 1) and show it."""
        block = self.document().findBlockByNumber(max(0, line - 1))
        if block.isValid():
            cursor = QTextCursor(block)
            self.setTextCursor(cursor)
            self.centerCursor()
            self.setFocus()

    # -- marks ---------------------------------------------------------------------------------------------------

    def set_marks(self, marks: Mapping[int, str]) -> None:
        """Mark lines (from 1) as wrong, each with its sentence."""
        self._marks = dict(marks)
        self._show_grounds()
        self._gutter.update()

    def mark(self, line: int) -> str:
        """The sentence at `line`; empty when it has none."""
        return self._marks.get(line, "")

    def _show_grounds(self) -> None:
        """The grounds of the line with the cursor and of the marked lines."""
        colours = theme.current()
        found: list[QTextEdit.ExtraSelection] = []
        if not self.isReadOnly():
            found.append(self._ground(self.textCursor(), colours.raised))
        for line in self._marks:
            block = self.document().findBlockByNumber(line - 1)
            if line > 0 and block.isValid():
                found.append(self._ground(QTextCursor(block), colours.bad_soft))
        self.setExtraSelections(found)

    def _ground(self, cursor: QTextCursor, colour: str) -> QTextEdit.ExtraSelection:
        selection = QTextEdit.ExtraSelection()
        selection.format.setBackground(QColor(colour))
        selection.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
        cursor.clearSelection()
        selection.cursor = cursor
        return selection

    # -- look ----------------------------------------------------------------------------------------------------

    def use_theme(self) -> None:
        """Colours or text size changed."""
        self.setFont(theme.mono())
        self.setTabStopDistance(_STEP * self.fontMetrics().horizontalAdvance(" "))
        self._colours.renew()
        self._fit()
        self._show_grounds()

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(480), theme.scaled(300))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(120), _LEAST * self.fontMetrics().lineSpacing())

    def gutter_width(self) -> int:
        """What line numbers and marks need."""
        digits = max(2, len(str(self.blockCount())))
        return self.fontMetrics().horizontalAdvance("9") * (digits + 2) + theme.UNIT

    def _fit(self) -> None:
        self.setViewportMargins(self.gutter_width(), 0, 0, 0)
        self._place_gutter()

    def _place_gutter(self) -> None:
        inside = self.contentsRect()
        self._gutter.setGeometry(QRect(inside.left(), inside.top(), self.gutter_width(), inside.height()))

    def _scrolled(self, rect: QRect, by: int) -> None:
        if by:
            self._gutter.scroll(0, by)
        else:
            self._gutter.update(0, rect.y(), self._gutter.width(), rect.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place_gutter()

    def paint_gutter(self, event: QPaintEvent) -> None:
        """Draw the numbers, and a cross at each marked line."""
        colours = theme.current()
        painter = QPainter(self._gutter)
        painter.fillRect(event.rect(), QColor(colours.window))
        painter.setFont(self.font())
        height = self.fontMetrics().lineSpacing()
        unit = self.fontMetrics().horizontalAdvance("9")
        right = self._gutter.width() - theme.UNIT
        here = self.textCursor().blockNumber()
        block = self.firstVisibleBlock()
        top = round(self.blockBoundingGeometry(block).translated(self.contentOffset()).top())
        while block.isValid() and top <= event.rect().bottom():
            number = block.blockNumber()
            if block.isVisible() and top + height >= event.rect().top():
                wrong = number + 1 in self._marks
                painter.setPen(QColor(colours.bad if wrong else colours.text if number == here else colours.muted))
                place = QRect(0, top, right, height)
                painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, str(number + 1))
                if wrong:
                    painter.setPen(QPen(QColor(colours.bad), max(1.5, unit / 5)))
                    inset, size = unit // 2, unit
                    y = top + (height - size) // 2
                    painter.drawLine(inset, y, inset + size, y + size)
                    painter.drawLine(inset, y + size, inset + size, y)
            top += round(self.blockBoundingRect(block).height())
            block = block.next()

    # -- keys ----------------------------------------------------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            inside = self.viewport().mapFromGlobal(event.globalPos())
            QToolTip.showText(event.globalPos(), self.mark(self.cursorForPosition(inside).blockNumber() + 1), self)
            return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        self._arm(False)
        super().focusOutEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = event.key()
        if self.isReadOnly():
            super().keyPressEvent(event)
            return
        if key == Qt.Key.Key_Escape and not self._armed:
            self._arm(True)
            return
        if key not in (Qt.Key.Key_Escape, Qt.Key.Key_Shift, Qt.Key.Key_Tab, Qt.Key.Key_Backtab):
            self._arm(False)
        if key == Qt.Key.Key_Tab:
            self._indent()
        elif key == Qt.Key.Key_Backtab:
            self._dedent()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and not event.modifiers():
            self._new_line()
        elif key == Qt.Key.Key_Backspace and not event.modifiers() and self._step_back():
            return
        else:
            super().keyPressEvent(event)

    def _arm(self, armed: bool) -> None:
        """Whether the next Tab leaves."""
        if armed != self._armed and not self.isReadOnly():
            self._armed = armed
            self.setTabChangesFocus(armed)  # then Qt moves the focus, before a key comes here
            self.leaving.emit(armed)

    def _indent(self) -> None:
        cursor = self.textCursor()
        if cursor.hasSelection():
            self._each_line(1)
        else:
            cursor.insertText(" " * (_STEP - cursor.positionInBlock() % _STEP))

    def _dedent(self) -> None:
        self._each_line(-1)

    def _each_line(self, way: int) -> None:
        """Move the lines that are selected (or the one with the cursor) by one step to the right or to the left."""
        cursor = self.textCursor()
        document = self.document()
        first = document.findBlock(cursor.selectionStart()).blockNumber()
        last = document.findBlock(max(cursor.selectionStart(), cursor.selectionEnd() - 1)).blockNumber()
        edit = QTextCursor(document)
        edit.beginEditBlock()
        for number in range(first, last + 1):
            block = document.findBlockByNumber(number)
            text = block.text()
            edit.setPosition(block.position())
            if way > 0:
                if text.strip():
                    edit.insertText(" " * _STEP)
            else:
                spaces = min(_STEP, len(text) - len(text.lstrip(" ")))
                edit.setPosition(block.position() + spaces, QTextCursor.MoveMode.KeepAnchor)
                edit.removeSelectedText()
        edit.endEditBlock()

    def _new_line(self) -> None:
        """A new line that begins where the last one did, or one step further behind a colon."""
        cursor = self.textCursor()
        before = cursor.block().text()[: cursor.positionInBlock()]
        spaces = len(before) - len(before.lstrip(" "))
        if before.rstrip().endswith(":"):
            spaces += _STEP
        cursor.insertText("\n" + " " * spaces)
        self.setTextCursor(cursor)
        self.ensureCursorVisible()

    def _step_back(self) -> bool:
        """In an indentation, go back by a whole step; False when the key means what it always does."""
        cursor = self.textCursor()
        before = cursor.block().text()[: cursor.positionInBlock()]
        if cursor.hasSelection() or not before or before.strip():
            return False
        for _ in range((len(before) - 1) % _STEP + 1):
            cursor.deletePreviousChar()
        return True


class _Gutter(QWidget):
    """The strip with the numbers; it is drawn by its editor."""

    def __init__(self, editor: CodeEdit) -> None:
        super().__init__(editor)
        self._editor = editor

    def paintEvent(self, event: QPaintEvent) -> None:
        self._editor.paint_gutter(event)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            line = self._editor.cursorForPosition(event.pos()).blockNumber() + 1
            QToolTip.showText(event.globalPos(), self._editor.mark(line), self)
            return True
        return super().event(event)
