"""One packet as RFCs draw it, and as it is packed: a bar for each layer, then the bits of one of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QComboBox, QFrame, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.panels.bitpicture import WIDTH, Piece, cells_of, pieces, spec_cells
from prayog_protocols.panels.capture_panel import CapturePanel
from prayog_protocols.panels.choice import of_node
from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded
from prayog_sdk.qt.state import paragraph

if TYPE_CHECKING:
    from prayog_protocols.engine.tree import Node, Packet

__all__ = ["BitPicture", "HeaderPanel", "Onion"]


@guarded
class BitPicture(QWidget):
    """Rows of 32 bits; ``picked``: a cell with a node was clicked."""

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pieces: list[Piece] = []
        self._chosen: Node | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Header, 32 bits to a row")

    def show_pieces(self, placed: list[Piece]) -> None:
        """Draw other fields."""
        self._pieces = placed
        self.setAccessibleDescription("; ".join(f"{p.cell.label}: {p.cell.value}" for p in placed if p.first)[:2_000])
        self.fit()

    def mark(self, node: Node | None) -> None:
        """Mark the cell of a node (or all that lie in it)."""
        self._chosen = node
        self.update()

    def fit(self) -> None:
        """The height that the rows take."""
        rows = self._pieces[-1].row + 1 if self._pieces else 0
        self.setMinimumHeight(round(self._top() + rows * self._row()) + 4)
        self.update()

    def _row(self) -> float:
        return QFontMetricsF(theme.font(0.9)).height() * 2 + 8

    def _top(self) -> float:
        return QFontMetricsF(theme.font(0.8)).height() + 6

    def _rect(self, piece: Piece) -> QRectF:
        bit = (self.width() - 2) / WIDTH
        return QRectF(1 + piece.column * bit, self._top() + piece.row * self._row(), piece.bits * bit, self._row())

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        painter = QPainter(self)
        painter.setFont(theme.font(0.8))
        painter.setPen(QColor(colours.muted))
        bit = (self.width() - 2) / WIDTH
        for number in range(0, WIDTH, 1 if bit > theme.scaled(16) else 4):
            cell = QRectF(1 + number * bit, 0, bit * (1 if bit > theme.scaled(16) else 4), self._top())
            painter.drawText(cell, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, str(number))
        for piece in self._pieces:
            self._paint(painter, piece)
        painter.end()

    def _paint(self, painter: QPainter, piece: Piece) -> None:
        colours, rect, node = theme.current(), self._rect(piece), piece.cell.node
        chosen = self._chosen is not None and node is not None and _within(node, self._chosen)
        painter.fillRect(rect, QColor(colours.accent_soft if chosen else colours.surface))
        painter.setPen(QPen(QColor(colours.accent if chosen else colours.edge), 2 if chosen else 1))
        painter.drawRect(rect)
        if not piece.first:
            return
        inner = rect.adjusted(3, 2, -3, -2)
        metrics = QFontMetricsF(theme.font(0.9))
        painter.setFont(theme.font(0.9))
        for line, (text, colour) in enumerate(((piece.cell.label, colours.muted), (self._value(piece), colours.text))):
            shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, inner.width())
            if inner.width() < metrics.horizontalAdvance("m") * 1.2:
                shown = ""
            painter.setPen(QColor(colour))
            place = QRectF(inner.left(), inner.top() + line * metrics.height(), inner.width(), metrics.height())
            painter.drawText(place, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, shown)

    @staticmethod
    def _value(piece: Piece) -> str:
        cell = piece.cell
        if cell.node is not None and cell.node.bits == 1:
            return str(cell.node.value)
        return f"{cell.value}  ({cell.more})" if cell.more and cell.value else cell.value or cell.more

    def mousePressEvent(self, event: QMouseEvent) -> None:
        found = next((piece.cell.node for piece in self._pieces if self._rect(piece).contains(event.position())), None)
        if found is not None:
            self.picked.emit(found)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        nodes = [piece.cell.node for piece in self._pieces if piece.first and piece.cell.node is not None]
        step = {Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1, Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1}.get(
            Qt.Key(event.key())
        )
        if step is None or not nodes:
            super().keyPressEvent(event)
            return
        here = next((n for n, node in enumerate(nodes) if node is self._chosen), -1 if step > 0 else len(nodes))
        self.picked.emit(nodes[(here + step) % len(nodes)])


@guarded
class Onion(QWidget):
    """How the layers are packed into each other: a bar a layer, as wide as its bytes; ``picked``: a layer."""

    picked = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layers: list[tuple[Node, int, int, int]] = []  # layer, first byte, bytes of its header, last byte + 1
        self._total = 1
        self._chosen: Node | None = None

    def show_packet(self, packet: Packet | None) -> None:
        """Another packet."""
        self._layers = []
        if packet is not None:
            self._total = max(1, len(packet.data))
            own = [one for one in packet.layers if one.source == 0 and one.bits and one.name != "frame"]
            for place, one in enumerate(own):
                first = one.start // 8
                end = own[place + 1].start // 8 if place + 1 < len(own) else (one.end + 7) // 8
                self._layers.append((one, first, max(0, end - first), self._total))
        self.setMinimumHeight(round(len(self._layers) * self._row()) + 2)
        self.setAccessibleName("Layers: " + self.told())
        self.update()

    def mark(self, layer: Node | None) -> None:
        """The layer whose bits are drawn."""
        self._chosen = layer
        self.update()

    def told(self) -> str:
        """In words."""
        if not self._layers:
            return ""
        sizes = ", ".join(f"{one.field.label} {size:,}" for one, _, size, _ in self._layers)
        heads = sum(size for _, _, size, _ in self._layers[:-1])
        share = f"{heads:,} of {self._total:,} bytes, {100 * heads / self._total:.0f} %"
        return f"{sizes} bytes. Around the innermost: {share}."

    def _row(self) -> float:
        return QFontMetricsF(theme.font(0.9)).height() + 6

    def paintEvent(self, event: QPaintEvent) -> None:
        colours = theme.current()
        painter = QPainter(self)
        painter.setFont(theme.font(0.9))
        metrics = QFontMetricsF(painter.font())
        scale = (self.width() - 2) / self._total
        for row, (layer, first, size, end) in enumerate(self._layers):
            y = row * self._row() + 1
            head = QRectF(1 + first * scale, y, max(3.0, size * scale), self._row() - 3)
            rest = QRectF(head.right(), y, max(0.0, (end - first - size) * scale), head.height())
            chosen = layer is self._chosen
            painter.fillRect(rest, QColor(colours.raised))
            painter.fillRect(head, QColor(colours.accent_soft if chosen else colours.line))
            painter.setPen(QPen(QColor(colours.accent if chosen else colours.edge), 1))
            painter.drawRect(head)
            words = f"{row + 1} {layer.field.label}: {size:,} bytes"
            wide = metrics.horizontalAdvance(words) + 8
            x = head.left() + 4 if head.width() > wide else head.right() + 4
            if x + wide > self.width():
                x = max(2.0, min(head.left() - wide, self.width() - wide))
            painter.setPen(QColor(colours.text))
            painter.drawText(QPointF(x, y + metrics.ascent() + 2), words)
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        row = int(event.position().y() // self._row())
        if 0 <= row < len(self._layers):
            self.picked.emit(self._layers[row][0])


class HeaderPanel(CapturePanel):
    """Layers, and the bits of one; without a packet the header of any protocol, from its spec."""

    title = "Header"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._packet: Packet | None = None
        self._index = -1
        self._name = ""
        self.layer = QComboBox()
        self.layer.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.layer.setAccessibleName("Layer")
        self.layer.activated.connect(lambda _n: self._show_layer())
        self.head = paragraph("", step=1)
        self.sizes = paragraph("", "muted")
        self.about = paragraph("", "muted")
        self.onion = Onion()
        self.onion.picked.connect(self._use)
        self.picture = BitPicture()
        self.picture.picked.connect(lambda node: self.choose(of_node(self._index, node)))
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(*(theme.UNIT,) * 4)
        column.setSpacing(theme.UNIT)
        row = QHBoxLayout()
        row.addWidget(QLabel("Header of"))
        row.addWidget(self.layer)
        row.addStretch(1)
        for part in (self.head, self.onion, self.sizes):
            column.addWidget(part)
        column.addLayout(row)
        column.addWidget(self.about)
        column.addWidget(self.picture)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(whole)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)

    def show_capture(self) -> None:
        self._index = -1
        self.show_choice()

    def show_choice(self) -> None:
        index = self.choice.index if self.choice is not None else -1
        if index != self._index or self._packet is None or self.layer.count() == 0:
            self._index, self._packet = index, None
            self._fill()
            if self.capture is not None and index >= 0:
                self.read(index, self._was_read)
        self._mark()

    def _was_read(self, packet: Packet) -> None:
        if packet.number - 1 == self._index:
            self._packet = packet
            self._fill()
            self._mark()

    def _mark(self) -> None:
        packet = self._packet
        node = self.choice.node_in(packet) if self.choice is not None and packet is not None else None
        if node is not None and packet is not None:
            holder = next((one for one in packet.layers if _holds(one, node)), None)
            if holder is not None and holder.name != self._name:
                self._use(holder)
        self.picture.mark(node)

    def _fill(self) -> None:
        packet = self._packet
        self.layer.clear()
        self.onion.show_packet(packet)
        if packet is None:
            self.head.setText("No packet is chosen: the headers as their specifications have them.")
            self.sizes.setText("")
            names = [name for name, one in sorted(REGISTRY.protocols.items()) if spec_cells(one)]
            for name in names:
                self.layer.addItem(REGISTRY.protocols[name].title, name)
            self.layer.setCurrentIndex(max(0, self.layer.findData(self._name or "tcp")))
        else:
            self.head.setText(f"Packet {packet.number:,}")
            self.sizes.setText(self.onion.told())
            layers = [one for one in packet.layers if one.bits and one.name != "frame"]
            for one in layers:
                self.layer.addItem(one.field.label, one)
            same = next((n for n, one in enumerate(layers) if one.name == self._name), None)
            transport = next((n for n, one in enumerate(layers) if one.name in ("tcp", "udp")), len(layers) - 1)
            self.layer.setCurrentIndex(same if same is not None else transport)
        self._show_layer()

    def _use(self, layer: Node) -> None:
        for place in range(self.layer.count()):
            if self.layer.itemData(place) is layer:
                self.layer.setCurrentIndex(place)
                self._show_layer()

    def _show_layer(self) -> None:
        chosen = self.layer.currentData()
        if chosen is None:
            self.about.setText("")
            self.picture.show_pieces([])
            return
        if isinstance(chosen, str):
            self._name = chosen
            protocol = REGISTRY.protocols[chosen]
            self.picture.show_pieces(pieces(spec_cells(protocol)))
            self.onion.mark(None)
        else:
            self._name = chosen.name
            protocol = REGISTRY.protocols[chosen.name]
            self.picture.show_pieces(pieces(cells_of(chosen)))
            self.onion.mark(chosen)
        self.about.setText(f"{protocol.meaning} [{protocol.source}]" if protocol.source else protocol.meaning)

    def on_theme(self) -> None:
        self.picture.fit()
        self.onion.show_packet(self._packet)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.picture.update()

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(300), theme.scaled(180))

    def outline(self) -> str:
        return f"{self.head.text()} {self.onion.told()} {self.picture.accessibleDescription()}"


def _holds(layer: Node, node: Node) -> bool:
    if layer is node:
        return True
    return any(_holds(child, node) for child in layer.children)


def _within(node: Node, chosen: Node) -> bool:
    """All bits of `node` are bits of `chosen`."""
    return node.source == chosen.source and chosen.start <= node.start and node.end <= chosen.end
