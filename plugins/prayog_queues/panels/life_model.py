"""The messages of a run as rows of a table: any number of them, drawn only where one looks."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from prayog_queues.engine.lifecycle import STATES, Life
from prayog_sdk.qt import theme
from prayog_sim.clock import format_us

__all__ = ["LifeModel"]

Index = QModelIndex | QPersistentModelIndex
_TONES = {"done": "good", "dead": "bad", "dropped": "bad", "settled": "bad", "refused": "warn", "acted": "warn"}
_SIGNS = {"done": "✓", "dead": "†", "dropped": "✗", "settled": "✗", "refused": "–", "in hand": "▸", "acted": "▸"}


class LifeModel(QAbstractTableModel):
    """Rows are `Life`; set anew as a whole."""

    def __init__(self, heads: list[str]) -> None:
        super().__init__()
        self._heads = heads
        self.rows: list[Life] = []

    def show(self, rows: list[Life]) -> None:
        """Other rows, or the same in another state."""
        before, self.rows = len(self.rows), self.rows
        if len(rows) > before:
            self.beginInsertRows(QModelIndex(), before, len(rows) - 1)
            self.rows = rows
            self.endInsertRows()
        elif len(rows) < before:
            self.beginResetModel()
            self.rows = rows
            self.endResetModel()
        else:
            self.rows = rows
        if rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(self._heads) - 1))

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._heads)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self._heads[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        life = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            took = life.end_to_end_us
            return (
                life.id, life.key, f"{_SIGNS.get(life.state, '·')} {life.state}", life.queue, life.holder,
                str(life.attempts or ""), str(life.effects or ""), format_us(took) if took >= 0 else "",
            )[index.column()]  # fmt: skip
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{life.id}: {STATES.get(life.state, life.state)}"
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == 2:
            return QColor(getattr(theme.current(), _TONES.get(life.state, "text")))
        if role == Qt.ItemDataRole.ForegroundRole and index.column() == 6 and life.effects > 1:
            return QColor(theme.current().bad)
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() >= 5:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None
