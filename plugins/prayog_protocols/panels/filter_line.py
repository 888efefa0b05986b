"""The filter: Wireshark's language, with completion, what it means in words, and the column of a mistake."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLabel, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget

from prayog_protocols.engine.filter import FilterError, compile_filter, complete, explain
from prayog_sdk.qt import icons, theme
from prayog_sdk.qt.panel import guarded
from prayog_sdk.qt.state import paragraph

__all__ = ["FilterLine"]

_SHOWN = 8


@guarded
class FilterLine(QWidget):
    """``used``: Enter was pressed on a filter that can be understood (an empty one keeps everything)."""

    used = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.edit = QLineEdit()
        self.edit.setFont(theme.mono())
        self.edit.setPlaceholderText("Filter, such as tcp.port == 80 && http.request   (Enter)")
        self.edit.setAccessibleName("Filter of packets")
        self.edit.setAccessibleDescription(
            "Wireshark's display filters; the arrow keys choose a completion, Tab takes it"
        )
        self.edit.setClearButtonEnabled(True)
        self._sign = self.edit.addAction(icons.icon("filter", "muted"), QLineEdit.ActionPosition.LeadingPosition)
        self.words: QLabel = paragraph("", "muted")
        self.words.setMinimumHeight(0)
        self._list = QListWidget(self)
        self._list.setWindowFlags(Qt.WindowType.ToolTip)
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setAccessibleName("Completions")
        self._list.itemClicked.connect(self._take)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.edit)
        column.addWidget(self.words)
        self.words.hide()
        self._typing = QTimer(self, singleShot=True, interval=120)
        self._typing.timeout.connect(self._typed)
        self.edit.textEdited.connect(lambda _text: self._typing.start())
        self.edit.textChanged.connect(self._cleared)
        self.edit.returnPressed.connect(self._enter)
        self.edit.installEventFilter(self)

    def restyle(self) -> None:
        """The theme or the text size changed."""
        self.edit.setFont(theme.mono())
        self._sign.setIcon(icons.icon("filter", "muted"))

    def show_text(self, text: str) -> None:
        """A filter that somebody else set."""
        if text != self.edit.text():
            self.edit.setText(text)
        self._explain()

    def close_list(self) -> None:
        """No completions any more."""
        self._list.hide()

    def _cleared(self, text: str) -> None:
        if not text:
            self._typing.stop()
            self._say("", "muted")
            self.close_list()
            self.used.emit("")

    def _typed(self) -> None:
        self._explain()
        self._suggest()

    def _explain(self) -> bool:
        """Say what the filter means; False when it cannot be understood."""
        text = self.edit.text()
        if not text.strip():
            self._say("", "muted")
            return True
        try:
            compile_filter(text)
            self._say(explain(text), "muted")
        except FilterError as error:
            pointer = f"{text[: error.column]}⟨here⟩{text[error.column :]}"
            self._say(f"Column {error.column + 1}: {error.sentence}   {pointer}", "bad")
            return False
        return True

    def _say(self, words: str, kind: str) -> None:
        if self.words.property("kind") != kind:
            self.words.setProperty("kind", kind)
            self.words.style().unpolish(self.words)
            self.words.style().polish(self.words)
        self.words.setText(words)
        self.words.setVisible(bool(words))
        self.edit.setAccessibleDescription(words)

    def _suggest(self) -> None:
        found = complete(self.edit.text(), self.edit.cursorPosition())[:_SHOWN] if self.edit.hasFocus() else []
        self._list.clear()
        for each in found:
            item = QListWidgetItem(f"{each.text}   {each.meaning}")
            item.setData(Qt.ItemDataRole.UserRole, each)
            self._list.addItem(item)
        if not found:
            self._list.hide()
            return
        self._list.setFixedWidth(min(theme.scaled(560), max(theme.scaled(240), self.edit.width())))
        self._list.setFixedHeight(self._list.sizeHintForRow(0) * len(found) + 2 * self._list.frameWidth())
        self._list.move(self.edit.mapToGlobal(QPoint(0, self.edit.height())))
        self._list.show()

    def _take(self, item: QListWidgetItem) -> None:
        each = item.data(Qt.ItemDataRole.UserRole)
        text = self.edit.text()
        self.edit.setText(text[: each.start] + each.text + text[each.end :])
        self.edit.setCursorPosition(each.start + len(each.text))
        self._list.hide()
        self._explain()

    def _enter(self) -> None:
        self._list.hide()
        if self.edit.text() and self._explain():
            self.used.emit(self.edit.text())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.FocusOut:
            self._list.hide()
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self._list.isVisible():
            row, last = self._list.currentRow(), self._list.count() - 1
            match event.key():
                case Qt.Key.Key_Down:
                    self._list.setCurrentRow(min(row + 1, last))
                    return True
                case Qt.Key.Key_Up:
                    self._list.setCurrentRow(max(row - 1, 0))
                    return True
                case Qt.Key.Key_Escape:
                    self._list.hide()
                    return True
                case Qt.Key.Key_Tab:
                    item = self._list.item(max(row, 0))
                    if item is not None:
                        self._take(item)
                    return True
                case Qt.Key.Key_Return | Qt.Key.Key_Enter if row >= 0:
                    self._take(self._list.item(row))
                    return True
        return super().eventFilter(watched, event)
