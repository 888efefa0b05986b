"""A packet as a tree: each layer, each field with its value, what it means, and where that is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QBrush, QColor
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from prayog_protocols.engine.provenance import SIGNS, Span, among
from prayog_protocols.engine.showing import display, title
from prayog_protocols.engine.spec import Kind
from prayog_sdk.qt import theme

if TYPE_CHECKING:
    from prayog_protocols.engine.tree import Node, Packet

__all__ = ["LayerTree"]

_NODE = Qt.ItemDataRole.UserRole
_FROM, _MEANING = 2, 3  # columns
_LINE = 160  # letters of a meaning in its line; the whole is in the tool tip


class LayerTree(QTreeWidget):
    """``picked``: a node was chosen by the learner; ``over``: the pointer is over one (None: over none)."""

    picked = Signal(object)
    over = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items: dict[int, QTreeWidgetItem] = {}
        self._open: set[str] = {"tcp", "udp", "http"}
        self._quiet = False
        self._spans: list[Span] = []
        self.setColumnCount(4)
        self.setHeaderLabels(["Field", "Value", "From", "What it means"])
        self.headerItem().setToolTip(_FROM, "● observed · ◐ synthesised (made here) · ○ simulated")
        self.setUniformRowHeights(True)
        self.setMouseTracking(True)
        self.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setAccessibleName("Layers of the packet")
        self.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self.header().setStretchLastSection(True)
        self.currentItemChanged.connect(self._picked)
        self.itemEntered.connect(lambda item, _column: self.over.emit(item.data(0, _NODE)))
        self.itemExpanded.connect(lambda item: self._open.add(_key(item)))
        self.itemCollapsed.connect(lambda item: self._open.discard(_key(item)))
        self.restyle()

    def restyle(self) -> None:
        """The theme or the text size changed."""
        self.setIndentation(theme.scaled(14))
        self.setColumnWidth(0, theme.scaled(200))
        self.setColumnWidth(1, theme.scaled(150))
        self.setColumnWidth(_FROM, theme.scaled(52))

    def show_packet(self, packet: Packet | None, spans: list[Span] | None = None) -> None:
        """Another packet; `spans` tell where the bytes of its frame come from, if somebody knows."""
        self._spans = spans or []
        self.setColumnHidden(_FROM, not self._spans)
        self._quiet = True
        self.setUpdatesEnabled(False)
        self.clear()
        self._items.clear()
        if packet is not None:
            tops = [self._item(layer) for layer in packet.layers]
            self.addTopLevelItems(tops)
            for node, item in zip(packet.layers, tops, strict=True):
                item.setFirstColumnSpanned(True)
                if node.name in self._open or node is packet.layers[-1]:
                    item.setExpanded(True)
        self.setUpdatesEnabled(True)
        self._quiet = False

    def mark(self, node: Node | None) -> None:
        """Make the line of `node` the current one, in sight."""
        item = self._items.get(id(node))
        self._quiet = True
        if item is None:
            self.setCurrentIndex(QModelIndex())
        elif item is not self.currentItem():
            self.setCurrentItem(item)
            self.scrollToItem(item)
        self._quiet = False

    def leaveEvent(self, event: object) -> None:
        self.over.emit(None)

    def _item(self, node: Node) -> QTreeWidgetItem:
        field = node.field
        layer = field.kind is Kind.PROTOCOL
        if layer or field.kind is Kind.NONE:
            item = QTreeWidgetItem([title(node)])
        else:
            meaning = field.meaning if len(field.meaning) <= _LINE else field.meaning[:_LINE] + "…"
            where = f"  [{field.source}]" if field.source else ""
            item = QTreeWidgetItem([field.label or field.name, display(node), "", meaning + where])
            item.setToolTip(_MEANING, f"{field.meaning}\n{field.source}".strip())
            if not node.bits:
                item.setForeground(0, QBrush(QColor(theme.current().muted)))
                item.setToolTip(0, f"{field.name}: in no byte; worked out from other fields or packets")
            else:
                item.setToolTip(0, field.name)
        if self._spans and node.source == 0 and node.bits:
            signs = among(self._spans, node.start // 8, (node.end + 7) // 8)
            item.setText(0 if layer else _FROM, f"{item.text(0)}   {signs}" if layer else signs)
            item.setToolTip(_FROM, ", ".join(word for word, sign in SIGNS.items() if sign in signs))
        if layer:
            font = item.font(0)
            font.setBold(True)
            item.setFont(0, font)
        item.setData(0, _NODE, node)
        self._items[id(node)] = item
        if node.children:
            item.addChildren([self._item(child) for child in node.children])
        return item

    def _picked(self, item: QTreeWidgetItem | None, _before: object) -> None:
        if not self._quiet and item is not None:
            self.picked.emit(item.data(0, _NODE))


def _key(item: QTreeWidgetItem) -> str:
    node = item.data(0, _NODE)
    return str(node.name) if node is not None else ""
