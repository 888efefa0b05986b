"""The command palette (Ctrl+K) and the key list (?): one field, one list, all of it by keyboard.

It is a child of the window, not a window: it lies above the page, the page goes on living, and a click or Esc
takes it away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QKeyEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import (
    QFrame,
    QLineEdit,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from prayog.ui.commands import Command, matches
from prayog.ui.pieces import column, text
from prayog_sdk.qt import theme
from prayog_sdk.qt.icons import pixmap

__all__ = ["Palette"]

_WIDTH, _LINES = 640, 10
_SHADOW = 16  # px around the surface; painted, as Qt's own shadow effect redraws everything at each key
_COMMAND = Qt.ItemDataRole.UserRole
Index = QModelIndex | QPersistentModelIndex


class _Model(QAbstractListModel):
    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.commands: list[Command] = []

    def set_commands(self, commands: list[Command]) -> None:
        self.beginResetModel()
        self.commands = commands
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.commands)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        command = self.commands[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return command.title
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (command.title, command.group, command.keys) if part)
        return command if role == _COMMAND else None


class _Delegate(QStyledItemDelegate):
    """Icon, title, group in small type, keys at the right."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, max(QFontMetrics(option.font).height() + 16, 32))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        look = theme.current()
        command: Command = index.data(_COMMAND)
        box: QRect = option.rect.adjusted(4, 1, -4, -1)
        on = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if on:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(look.accent_soft))
            painter.drawRoundedRect(box, 6, 6)
        side = theme.scaled(18)
        if command.icon:
            place = QRect(box.left() + 10, box.center().y() - side // 2, side, side)
            scale = painter.device().devicePixelRatio()
            painter.drawPixmap(place, pixmap(command.icon, "accent" if on else "muted", 18, scale))
        left, right = box.left() + 20 + side, box.right() - 12
        if command.keys:
            painter.setFont(self._small(option))
            painter.setPen(QColor(look.muted))
            width = QFontMetrics(painter.font()).horizontalAdvance(command.keys)
            painter.drawText(QRect(right - width, box.top(), width, box.height()), _MIDDLE, command.keys)
            right -= width + 16
        painter.setFont(option.font)
        painter.setPen(QColor(look.text))
        metrics = QFontMetrics(painter.font())
        title = metrics.elidedText(command.title, Qt.TextElideMode.ElideRight, right - left)
        painter.drawText(QRect(left, box.top(), right - left, box.height()), _MIDDLE, title)
        left += metrics.horizontalAdvance(title) + 12
        painter.setFont(self._small(option))
        painter.setPen(QColor(look.muted))
        room = max(0, right - left)
        group = QFontMetrics(painter.font()).elidedText(command.group, Qt.TextElideMode.ElideRight, room)
        painter.drawText(QRect(left, box.top(), room, box.height()), _MIDDLE, group)
        painter.restore()

    def _small(self, option: QStyleOptionViewItem) -> QFont:
        font = QFont(option.font)
        font.setPointSizeF(font.pointSizeF() * 0.9)
        return font


_MIDDLE = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft


class Palette(QFrame):
    """Lies above `window`.  `open` shows it with commands; Enter runs the marked one after the palette is gone."""

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self.setObjectName("palette")
        self._commands: Sequence[Command] = ()
        self._before: QWidget | None = None
        self.field = QLineEdit()
        self.field.setClearButtonEnabled(False)
        self.list = QListView()
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setStyleSheet("QListView { border: 0; }")
        self.list.setUniformItemSizes(True)
        self.list.setMouseTracking(True)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.setItemDelegate(_Delegate(self.list))
        self._model = _Model(self)
        self.list.setModel(self._model)
        self._nothing = text(self.tr("Nothing is called that. Try fewer letters."), "muted")
        self._nothing.setContentsMargins(12, 8, 12, 12)
        layout = column(self.field, self.list, self._nothing, gap=8, margin=_SHADOW + 8)
        self.setLayout(layout)
        self.field.textChanged.connect(self._filter)
        self.field.installEventFilter(self)
        self.list.clicked.connect(lambda index: self._run(index.row()))
        self.hide()

    def open(self, commands: Sequence[Command], prompt: str) -> None:
        """Show `commands` under a field that says `prompt`."""
        self._commands = commands
        if not self.isVisible():
            self._before = self.window().focusWidget()
        self.field.setPlaceholderText(prompt)
        self.field.setAccessibleName(prompt)
        self.list.setAccessibleName(prompt)
        self.field.clear()
        self._filter("")
        self.window().installEventFilter(self)
        self.show()
        self.raise_()
        self.field.setFocus(Qt.FocusReason.PopupFocusReason)

    def dismiss(self) -> None:
        """Take it away; the keyboard goes back to where it was."""
        if self.isHidden():
            return
        self.window().removeEventFilter(self)
        self.hide()
        if self._before is not None and self._before.isVisible():
            self._before.setFocus(Qt.FocusReason.PopupFocusReason)
        self._before = None

    def shown(self) -> list[Command]:
        """The commands in the list, best first."""
        return list(self._model.commands)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.window() and event.type() == QEvent.Type.Resize:
            self._place()
        elif watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._key(event.key())
        elif watched is self.field and event.type() == QEvent.Type.FocusOut and self.isVisible():
            self._before = None
            self.dismiss()
        return False

    def _key(self, key: int) -> bool:
        steps = {
            Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: _LINES, Qt.Key.Key_PageUp: -_LINES,
            Qt.Key.Key_Tab: 1, Qt.Key.Key_Backtab: -1,
        }  # fmt: skip
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run(self.list.currentIndex().row())
        elif key == Qt.Key.Key_Escape:
            self.dismiss()
        elif key in steps:
            last = self._model.rowCount() - 1
            row = self.list.currentIndex().row() + steps[Qt.Key(key)]
            if abs(steps[Qt.Key(key)]) == 1 and last >= 0:
                row %= last + 1
            self._mark(max(0, min(last, row)))
        else:
            return False
        return True

    def _filter(self, query: str) -> None:
        self._model.set_commands(matches(query, self._commands))
        empty = self._model.rowCount() == 0
        self.list.setHidden(empty)
        self._nothing.setVisible(empty)
        if not empty:
            self._mark(0)
        self._place()

    def _mark(self, row: int) -> None:
        self.list.setCurrentIndex(self._model.index(row, 0))

    def _run(self, row: int) -> None:
        if 0 <= row < self._model.rowCount():
            act: Callable[[], object] = self._model.commands[row].run
            self.dismiss()
            act()

    def _place(self) -> None:
        window = self.window()
        width = min(theme.scaled(_WIDTH) + 2 * _SHADOW, window.width() - 16)
        line = self.list.sizeHintForRow(0) if self._model.rowCount() else 0
        room = window.height() - theme.scaled(96) - self.field.sizeHint().height() - 64
        self.list.setFixedHeight(max(line, min(line * min(_LINES, self._model.rowCount()), room)) + 2)
        layout = self.layout()
        assert layout is not None
        layout.activate()
        self.setGeometry((window.width() - width) // 2, min(64, theme.scaled(64)), width, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        box = QRectF(self.rect()).adjusted(_SHADOW, _SHADOW, -_SHADOW, -_SHADOW)
        for spread in range(_SHADOW, 0, -2):
            painter.setBrush(QColor(0, 0, 0, 3 if look.name == "light" else 14))
            painter.drawRoundedRect(box.adjusted(-spread, 4 - spread, spread, spread), 10 + spread, 10 + spread)
        painter.setPen(QPen(QColor(look.line), 1))
        painter.setBrush(QColor(look.surface))
        painter.drawRoundedRect(box, 12, 12)
