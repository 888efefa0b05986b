"""The outline: the canvas as a tree of words, a full peer of the picture.

Everything that can be seen and done on the canvas can be read and done here, with the keyboard and a screen
reader: nodes with their state, messages in flight, partitions, facts.  Enter selects; the menu key acts.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from prayog_sdk.qt import actions, theme
from prayog_sdk.qt.calm import CalmPanel
from prayog_sdk.qt.words import cut_sentence, flight_sentence, node_sentence, summary
from prayog_sim.lines import short

__all__ = ["OutlinePanel"]

_MOST = 200  # lines in one group; a tree of thousands helps nobody
_NAME = Qt.ItemDataRole.UserRole


class OutlinePanel(CalmPanel):
    """The tree of what is there now."""

    title = "Outline"
    every_ms = 200

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._following = False
        self._tree = QTreeWidget()
        self._tree.setHeaderHidden(True)
        self._tree.setUniformRowHeights(True)
        self._tree.header().setStretchLastSection(False)
        self._tree.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._tree.setFrameShape(QTreeWidget.Shape.NoFrame)
        self._tree.setAccessibleName("Outline of the run")
        self._tree.setAccessibleDescription("Enter selects, the menu key shows what can be done")
        self._tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._tree.customContextMenuRequested.connect(self._on_menu)
        self._tree.itemActivated.connect(self._on_activated)
        self._tree.itemClicked.connect(self._on_activated)
        self._groups = {title: self._group(title) for title in ("Nodes", "Messages in flight", "Cuts", "Facts")}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._tree)
        menu = QShortcut(QKeySequence("Shift+F10"), self._tree, self._menu_at_item)
        menu.setContext(Qt.ShortcutContext.WidgetShortcut)

    def on_theme(self) -> None:
        self._tree.setIndentation(theme.scaled(16))

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        text = self.outline()
        return {"txt": functools.partial(_save, text)} if text else {}

    def outline(self) -> str:
        return summary(self.bench.view()) if self.bench is not None else ""

    def _group(self, title: str) -> QTreeWidgetItem:
        item = QTreeWidgetItem(self._tree, [title])
        font = item.font(0)
        font.setWeight(font.Weight.DemiBold)
        item.setFont(0, font)
        item.setExpanded(True)
        return item

    def draw(self) -> None:
        if self.bench is None:
            return
        view, clock = self.bench.view(), self.bench.clock_us
        self._fill("Nodes", [(node_sentence(node), name) for name, node in view.nodes.items()])
        flights = sorted(view.flights, key=lambda flight: (flight.arrives_at, flight.ident))
        self._fill(
            "Messages in flight", [(flight_sentence(flight, clock), f"#{flight.ident}") for flight in flights[:_MOST]],
            more=len(flights) - _MOST,
        )  # fmt: skip
        self._fill("Cuts", [(sentence, "") for sentence in cut_sentence(view)])
        self._fill("Facts", [(f"{key}: {short(value, 200)}", "") for key, value in view.facts.items()])
        self.select(self.bench.selection)

    def _fill(self, title: str, lines: Iterable[tuple[str, str]], more: int = 0) -> None:
        """Write the lines of a group into the items that are there; only what changed is touched."""
        group = self._groups[title]
        rows = [*lines]
        if more > 0:
            rows.append((f"and {more:,} more", ""))
        while group.childCount() > len(rows):
            group.takeChild(group.childCount() - 1)
        while group.childCount() < len(rows):
            QTreeWidgetItem(group)
        for index, (text, name) in enumerate(rows):
            item = _child(group, index)
            if item.text(0) != text:
                item.setText(0, text)
                item.setToolTip(0, text)
            item.setData(0, _NAME, name)
        group.setText(0, f"{title} ({len(rows) + max(0, more - 1)})")
        group.setHidden(not rows)

    def select(self, name: str) -> None:
        self._following = True
        item = self._item(name)
        if item is None:
            self._tree.clearSelection()
        elif item is not self._tree.currentItem():
            self._tree.setCurrentItem(item)
        self._following = False

    def _item(self, name: str) -> QTreeWidgetItem | None:
        for group in self._groups.values() if name else ():
            for index in range(group.childCount()):
                if _child(group, index).data(0, _NAME) == name:
                    return _child(group, index)
        return None

    def _on_activated(self, item: QTreeWidgetItem, _column: int) -> None:
        name = item.data(0, _NAME)
        if name and self.bench is not None and not self._following:
            self.bench.select(name)

    def _menu_at_item(self) -> None:
        item = self._tree.currentItem()
        if item is not None:
            self._on_menu(self._tree.visualItemRect(item).bottomLeft())

    def _on_menu(self, place: QPoint) -> None:
        item = self._tree.itemAt(place) or self._tree.currentItem()
        if item is None or self.bench is None:
            return
        name = item.data(0, _NAME) or ""
        actions.menu(self.bench, name, self).popup(self._tree.viewport().mapToGlobal(place))


def _child(group: QTreeWidgetItem, index: int) -> QTreeWidgetItem:
    item = group.child(index)
    assert item is not None
    return item


def _save(text: str, to: Path) -> None:
    to.write_text(text + "\n", encoding="utf-8")
