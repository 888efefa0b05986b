"""A list of text rows in a fixed-width face, under the names of the nodes: for one run, or two beside each other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QItemSelectionModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QAbstractItemView, QLabel, QListView, QSizePolicy, QVBoxLayout, QWidget

from prayog_consensus.columns import Columns, Row
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph

__all__ = ["TextView"]

Index = QModelIndex | QPersistentModelIndex


class _Rows(QAbstractListModel):
    """Rows that pass the filter; they are added in batches and never changed."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.nodes: Sequence[str] = ()
        self.all: list[Row] = []
        self.shown: list[Row] = []
        self.plain = False

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self.shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.text(self.nodes)
        if role == Qt.ItemDataRole.ToolTipRole:
            return row.words
        if role == Qt.ItemDataRole.FontRole:
            return theme.mono()
        if role == Qt.ItemDataRole.ForegroundRole:
            look = theme.current()
            return QColor(look.bad if row.words.startswith("violation") else look.muted if row.plain else look.text)
        return None

    def start(self, nodes: Sequence[str], rows: Sequence[Row] = ()) -> None:
        self.beginResetModel()
        self.nodes, self.all = tuple(nodes), list(rows)
        self.shown = [row for row in self.all if self.plain or not row.plain]
        self.endResetModel()

    def add(self, rows: Sequence[Row]) -> None:
        self.all += rows
        fresh = [row for row in rows if self.plain or not row.plain]
        if fresh:
            first = len(self.shown)
            self.beginInsertRows(QModelIndex(), first, first + len(fresh) - 1)
            self.shown += fresh
            self.endInsertRows()

    def place(self, seq: int) -> int:
        """The last shown row up to step `seq`; -1 when there is none."""
        return bisect_right(self.shown, seq, key=lambda row: row.seq) - 1

    def place_at(self, at: int) -> int:
        """The last shown row up to virtual time `at`."""
        return bisect_right(self.shown, at, key=lambda row: row.at) - 1


class TextView(QWidget):
    """The names, and the rows below.  ``chosen`` is the ``seq`` of a row that was clicked or entered."""

    chosen = Signal(int)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = _Rows(self)
        self._head = QLabel("")
        self._head.setFont(theme.mono())
        self._head.setProperty("kind", "muted")
        self._head.setTextFormat(Qt.TextFormat.PlainText)
        self._head.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self._list = QListView()
        self._list.setModel(self._model)
        self._list.setUniformItemSizes(True)
        self._list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self._list.setAccessibleName(name)
        self._list.setFrameShape(QListView.Shape.NoFrame)
        self._list.clicked.connect(self._go)
        self._list.activated.connect(self._go)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        self._none = paragraph(self.tr("Nothing has changed yet."), "muted")
        layout.addWidget(self._head)
        layout.addWidget(self._none)
        layout.addWidget(self._list, 1)
        for change in (self._model.modelReset, self._model.rowsInserted):
            change.connect(lambda *_: self._none.setVisible(not self._model.shown))

    def start(self, nodes: Sequence[str], rows: Sequence[Row] = ()) -> None:
        """Show another run."""
        self._model.start(nodes, rows)
        self._head.setText(Columns(nodes).head() if nodes else "")

    def add(self, rows: Sequence[Row]) -> None:
        self._model.add(rows)

    def set_plain(self, on: bool) -> None:
        """Also show messages and timers after which nothing has changed."""
        self._model.plain = on
        self._model.start(self._model.nodes, self._model.all)

    def show_at(self, seq: int) -> None:
        """Mark the row of the shown step."""
        self._mark(self._model.place(seq))

    def show_time(self, at: int) -> None:
        """Mark the last row up to virtual time `at`."""
        self._mark(self._model.place_at(at))

    def _mark(self, place: int) -> None:
        index = self._model.index(place) if place >= 0 else QModelIndex()
        if index != self._list.currentIndex():
            self._list.selectionModel().setCurrentIndex(
                index, QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Current
            )

    def lines(self) -> list[str]:
        """The head and all shown rows."""
        return [self._head.text(), *(row.text(self._model.nodes) for row in self._model.shown)]

    @property
    def count(self) -> int:
        return len(self._model.shown)

    def _go(self, index: Index) -> None:
        self.chosen.emit(self._model.shown[index.row()].seq)

    def restyle(self) -> None:
        self._head.setFont(theme.mono())
        self._list.viewport().update()
