"""A small table of texts to read: what a panel shows beside its picture.  For a million rows see `events`.

It exists so that every such table looks the same, fits its columns to their texts, tells a cut text in a tool tip and
lets the keyboard out again (Qt's own table keeps Tab for itself).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHeaderView, QTableWidget, QTableWidgetItem, QWidget

__all__ = ["TextTable"]

_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_GAP = 8  # px between rows of several lines
_LEAST = 80  # px that a column may always have


class TextTable(QTableWidget):
    """`name` is for screen readers.  Columns in `numbers` are aligned right; `hints` are tool tips of the heads.

    The last column gets the room that is left; or the column `wrapped`, whose texts then take the lines that they need,
    and no other column more than two fifths of the width.
    """

    def __init__(
        self, name: str, heads: Sequence[str], *, numbers: Collection[int] = (), hints: Sequence[str] = (),
        wrapped: int | None = None, parent: QWidget | None = None,
    ) -> None:  # fmt: skip
        super().__init__(0, 0, parent)
        self._wrapped = wrapped
        self._setting = False
        self._shown: list[tuple[tuple[str, ...], bool]] = []
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.verticalHeader().hide()
        head = self.horizontalHeader()
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        head.setStretchLastSection(wrapped is None)
        head.setDefaultAlignment(_LEFT)
        if wrapped is not None:  # it has its width only after the others, and after a scroll bar has come
            head.sectionResized.connect(lambda column, *_: self._fit_rows() if column == wrapped else None)
        self.set_heads(heads, hints, numbers)

    def set_heads(self, heads: Sequence[str], hints: Sequence[str] = (), numbers: Collection[int] = ()) -> None:
        """Other columns; the rows are kept and should be shown again."""
        self._numbers, self._shown = numbers, []
        self.setColumnCount(len(heads))
        self.setHorizontalHeaderLabels(list(heads))
        for column in range(len(heads)):
            item = self.horizontalHeaderItem(column)
            if item is not None:
                item.setTextAlignment(_RIGHT if column in numbers else _LEFT)
                item.setToolTip(hints[column] if column < len(hints) else "")

    def show_rows(self, rows: Sequence[Sequence[str]], strong: Collection[int] = ()) -> None:
        """Show `rows` of cells, in place of those that were there; those in `strong` stand out."""
        shown = [(tuple(cells), line in strong) for line, cells in enumerate(rows)]
        if shown == self._shown:
            return
        # A head that fits its columns measures them all for every cell that is set: 300 rows took most of a minute.
        head = self.horizontalHeader()
        self._setting = True
        head.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.setRowCount(len(rows))
        for line, row in enumerate(shown):
            if line >= len(self._shown) or row != self._shown[line]:
                self._set_row(line, *row)
        self._shown = shown
        head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        if self._wrapped is not None:
            head.setSectionResizeMode(self._wrapped, QHeaderView.ResizeMode.Stretch)
            self.resizeRowsToContents()
        self._setting = False

    def resizeEvent(self, event: QResizeEvent) -> None:
        if self._wrapped is not None:
            self.horizontalHeader().setMaximumSectionSize(max(_LEAST, self.viewport().width() * 2 // 5))
        super().resizeEvent(event)

    def resizeRowsToContents(self) -> None:
        super().resizeRowsToContents()
        usual = self.verticalHeader().defaultSectionSize()
        for row in range(self.rowCount()):  # rows of several lines would run into each other
            height = self.rowHeight(row)
            if height > usual:
                self.setRowHeight(row, height + _GAP)

    def _fit_rows(self) -> None:
        if not self._setting:
            self.resizeRowsToContents()

    def _set_row(self, line: int, cells: Sequence[str], strong: bool) -> None:
        for column, text in enumerate(cells):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            if column in self._numbers:
                item.setTextAlignment(_RIGHT)
            if strong:
                font = item.font()
                font.setBold(True)
                item.setFont(font)
            self.setItem(line, column, item)

    def whole_height(self) -> int:
        """The height at which every row is seen, in pixels."""
        return self.horizontalHeader().height() + 2 + sum(self.rowHeight(row) for row in range(self.rowCount()))
