"""The bytes of a packet, with the chosen field marked to the bit.

Layers have changing grounds.  The chosen field has a ground of its own; where it takes only some bits of a byte, a row
of eight marks under the byte shows which.  Where it is known, the ink tells where a byte comes from: observed bytes are
upright, those that were made around them are pale and underlined with dots, simulated ones underlined with dashes."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from prayog_protocols.engine.provenance import Span
from prayog_sdk.qt import hexview, theme
from prayog_sdk.qt.panel import guarded

__all__ = ["HexView"]


@guarded
class HexView(hexview.HexView):
    """Bytes with fields, layers and origins."""

    def __init__(self, parent: QWidget | None = None) -> None:
        self._layers: list[tuple[int, int]] = []  # first and last byte + 1, outermost first
        self._spans: list[Span] = []
        self._marked = (0, 0)  # first bit, bits
        self._soft = (0, 0)
        self._different: set[int] = set()
        self._hidden = (0, 0)
        super().__init__("Bytes of the packet", parent=parent)

    def show_bytes(self, data: bytes, layers: list[tuple[int, int]], spans: list[Span] | None = None) -> None:
        """Show other bytes; `spans` tell where they come from, if somebody knows."""
        self._layers, self._spans = layers, spans or []
        self._marked = self._soft = self._hidden = (0, 0)
        self._different = set()
        self.byte = 0
        self.show_data(data)
        self.verticalScrollBar().setValue(0)

    def mark(self, start: int, bits: int) -> None:
        """Mark so many bits from `start` on, and bring them into sight; 0 bits: none."""
        self._marked = (start, bits)
        if bits:
            self.byte = min(start // 8, max(0, len(self.data) - 1))
            self.bring(self.byte)
        self.viewport().update()

    def mark_bytes(self, different: set[int]) -> None:
        """Bytes that stand out, each with a bar at its left."""
        self._different = different
        self.viewport().update()

    def hide_bits(self, start: int, bits: int) -> None:
        """Bytes that are a question: they are shown as ``??``."""
        self._hidden = (start, bits)
        self.viewport().update()

    def mark_soft(self, start: int, bits: int) -> None:
        """What the pointer is over."""
        if self._soft != (start, bits):
            self._soft = (start, bits)
            self.viewport().update()

    def origin(self, byte: int) -> str:
        """Where a byte comes from; empty when nobody knows."""
        return next((span.origin for span in self._spans if span.start <= byte < span.end), "")

    # -- drawing ---------------------------------------------------------------------------------------------------

    def ground(self, byte: int) -> str:
        colours = theme.current()
        if _share(byte, self._marked):
            return colours.accent_soft
        layer = next((n for n, (a, b) in reversed(list(enumerate(self._layers))) if a <= byte < b), 0)
        return colours.raised if _share(byte, self._soft) or layer % 2 else ""

    def ink(self, byte: int) -> str:
        colours = theme.current()
        if _share(byte, self._marked):
            return colours.accent
        return colours.muted if self.origin(byte) in ("synthesised", "simulated") else colours.text

    def words(self, byte: int) -> tuple[str, str]:
        return ("??", "?") if _share(byte, self._hidden) else super().words(byte)

    def mark_over(self, painter: QPainter, byte: int, cell: QRectF, letter: QRectF) -> None:
        colours = theme.current()
        chosen = _share(byte, self._marked)
        if chosen:
            self._paint_bits(painter, cell, byte, chosen)
        elif line := _LINES.get(self.origin(byte)):
            painter.setPen(QPen(QColor(colours.muted), 1, line))
            y = cell.bottom() - 2
            painter.drawLine(QPointF(cell.left() + 3, y), QPointF(cell.right() - 3, y))
        if byte in self._different:
            painter.fillRect(QRectF(cell.left(), cell.top() + 2, 3, cell.height() - 4), QColor(colours.warn))
        if _share(byte, self._soft):
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.drawLine(QPointF(cell.left(), cell.bottom() - 1), QPointF(cell.right(), cell.bottom() - 1))

    def _paint_bits(self, painter: QPainter, cell: QRectF, byte: int, bits: int) -> None:
        """Eight marks under the byte, thick where the field has the bit."""
        colours = theme.current()
        wide = (cell.width() - 4) / 8
        for place in range(8):
            x = cell.left() + 2 + place * wide
            has = bits >> (7 - place) & 1
            painter.setPen(QPen(QColor(colours.accent if has else colours.faint), 3 if has else 1))
            painter.drawLine(QPointF(x, cell.bottom() - 2), QPointF(x + wide * 0.7, cell.bottom() - 2))


_LINES = {"synthesised": Qt.PenStyle.DotLine, "simulated": Qt.PenStyle.DashLine}


def _share(byte: int, marked: tuple[int, int]) -> int:
    """The bits of `byte` that are marked, as a number of eight bits."""
    start, bits = marked
    low, high = max(start, byte * 8), min(start + bits, byte * 8 + 8)
    if low >= high:
        return 0
    return ((1 << (high - low)) - 1) << (byte * 8 + 8 - high)
