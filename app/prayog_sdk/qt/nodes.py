"""The node table: every node in one row, what it is, how it is, and what it waits for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStackedLayout,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from prayog_sdk.qt import actions, theme
from prayog_sdk.qt.calm import CalmPanel
from prayog_sdk.qt.state import EmptyState
from prayog_sdk.qt.words import summary
from prayog_sim.clock import format_us
from prayog_sim.run import NodeView

__all__ = ["NodesPanel"]

_HEADS = ("Node", "Status", "Role", "Next timer", "In words")


class NodesPanel(CalmPanel):
    """Rows follow the selection of the bench, and set it."""

    title = "Nodes"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown: dict[str, NodeView] = {}
        self._rows: dict[str, int] = {}
        self._following = False
        self._table = QTableWidget(0, len(_HEADS))
        self._table.setHorizontalHeaderLabels(list(_HEADS))
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setShowGrid(False)
        self._table.setWordWrap(False)
        self._table.setTabKeyNavigation(False)
        self._table.setFrameShape(QTableWidget.Shape.NoFrame)
        self._table.setAccessibleName("Nodes")
        self._table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._table.customContextMenuRequested.connect(self._on_menu)
        self._table.currentCellChanged.connect(self._on_row)
        self._table.verticalHeader().hide()
        self._table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        head = self._table.horizontalHeader()
        head.setSectionResizeMode(len(_HEADS) - 1, QHeaderView.ResizeMode.ResizeToContents)
        head.setHighlightSections(False)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._empty = EmptyState("No nodes", "This run is not made of nodes; its steps are in the event table.")
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(self._table)
        enter = QShortcut(QKeySequence("Shift+F10"), self._table, self._menu_at_row)
        enter.setContext(Qt.ShortcutContext.WidgetShortcut)
        self.on_theme()

    def on_theme(self) -> None:
        metrics = QFontMetricsF(self.font())
        self._table.verticalHeader().setDefaultSectionSize(max(24, round(metrics.height() * 1.6)))
        for column, sample in enumerate(("node-10", "paused", "candidate", "election in 242.690 ms")):
            self._table.setColumnWidth(column, round(metrics.horizontalAdvance(sample)) + theme.scaled(3 * theme.UNIT))
        self._shown = {}
        if self.bench is not None:
            self.draw()

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        rows = [[self._text(row, column) for column in range(len(_HEADS))] for row in range(self._table.rowCount())]

        def write(to: Path) -> None:
            import csv

            with to.open("w", encoding="utf-8", newline="") as file:
                csv.writer(file).writerows([list(_HEADS), *rows])

        return {"csv": write}

    def outline(self) -> str:
        return summary(self.bench.view()) if self.bench is not None else ""

    def draw(self) -> None:
        """Write the rows that changed."""
        if self.bench is None:
            return
        view = self.bench.view()
        self._pages.setCurrentIndex(1 if view.nodes else 0)
        if list(view.nodes) != list(self._rows):
            self._table.setRowCount(len(view.nodes))
            self._rows = {name: row for row, name in enumerate(view.nodes)}
            self._shown = {}
        clock = self.bench.clock_us
        for name, node in view.nodes.items():
            waits = _next_timer(node, clock)
            if self._shown.get(name) != node:
                self._shown[name] = node
                said = ". ".join(word for word in (node.look.sentence, node.look.badge) if word)
                for column, text in enumerate((name, node.status, node.look.role, waits, said)):
                    self._put(self._rows[name], column, text)
                colour = {"down": "bad", "paused": "warn"}.get(node.status, "text")
                item = self._table.item(self._rows[name], 1)
                assert item is not None
                item.setForeground(QColor(getattr(theme.current(), colour)))
            elif node.timers:
                self._put(self._rows[name], 3, waits)
        self.select(self.bench.selection)

    def _put(self, row: int, column: int, text: str) -> None:
        item = self._table.item(row, column)
        if item is None:
            self._table.setItem(row, column, QTableWidgetItem(text))
        elif item.text() != text:
            item.setText(text)

    def _text(self, row: int, column: int) -> str:
        item = self._table.item(row, column)
        return item.text() if item is not None else ""

    def select(self, name: str) -> None:
        self._following = True
        row = self._rows.get(name)
        if row is None:
            self._table.clearSelection()
        elif row != self._table.currentRow() or not self._table.selectedItems():
            self._table.selectRow(row)
        self._following = False

    def _on_row(self, row: int, _column: int, _row: int, _before: int) -> None:
        if self.bench is not None and not self._following and row >= 0:
            self.bench.select(self._text(row, 0))

    def _menu_at_row(self) -> None:
        item = self._table.currentItem()
        if item is not None:
            self._on_menu(self._table.visualItemRect(item).bottomLeft())

    def _on_menu(self, place: QPoint) -> None:
        item = self._table.itemAt(place) or self._table.currentItem()
        if item is not None and self.bench is not None:
            actions.menu(self.bench, self._text(item.row(), 0), self).popup(self._table.viewport().mapToGlobal(place))


def _next_timer(node: NodeView, clock_us: float) -> str:
    if not node.timers:
        return ""
    name, _set_at, due = min(node.timers, key=lambda timer: timer[2])
    return f"{name} in {format_us(max(0, round(due - clock_us)))}"
