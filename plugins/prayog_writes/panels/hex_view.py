"""The bytes of a log file.

Records have changing grounds, a bar stands where a record begins, and what cannot be read is crossed out."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, QSize, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QWidget

from prayog_sdk.qt import hexview, theme
from prayog_sdk.qt.panel import guarded
from prayog_writes.panels.logmap import Part, part_at

__all__ = ["HexView"]


@guarded
class HexView(hexview.HexView):
    """Bytes that consist of parts."""

    moved = Signal(int)
    """Another byte was chosen."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        self._parts: Sequence[Part] = ()
        super().__init__(name, 6, (32, 16, 8, 4), parent)

    @property
    def chosen(self) -> int:
        """The chosen byte."""
        return self.byte

    def sizeHint(self) -> QSize:
        return QSize(round(self._letter * self._letters(8)) + 40, theme.scaled(160))

    def minimumSizeHint(self) -> QSize:
        return QSize(round(self._letter * self._letters(4)) + 40, theme.scaled(110))

    def show_bytes(self, data: bytes, parts: Sequence[Part]) -> None:
        """Show `data`, which consists of `parts`; the chosen byte is kept when it is still there."""
        self._parts = parts
        self.show_data(data)
        self.bring(self.byte)

    def choose(self, byte: int, loud: bool = True) -> None:
        """Choose `byte` and bring it into sight."""
        byte = min(max(byte, 0), max(0, len(self.data) - 1))
        changed, self.byte = byte != self.byte, byte
        self.bring(byte)
        self.viewport().update()
        if changed and loud:
            self.moved.emit(byte)

    def pick(self, byte: int) -> None:
        if 0 <= byte < len(self.data):
            self.choose(byte)

    def ground(self, byte: int) -> str:
        colours, part = theme.current(), part_at(self._parts, byte)
        if part is not None and part.role == "broken":
            return colours.bad_soft
        return colours.raised if part is not None and part.record >= 0 and part.record % 2 == 0 else ""

    def ink(self, byte: int) -> str:
        colours, part = theme.current(), part_at(self._parts, byte)
        inks = {"checksum": colours.accent, "length": colours.warn, "type": colours.warn, "padding": colours.muted,
                "broken": colours.bad, "sequence": theme.hue(2), "count": theme.hue(2)}  # fmt: skip
        return inks.get(part.role, colours.text) if part is not None else colours.text

    def mark_over(self, painter: QPainter, byte: int, cell: QRectF, letter: QRectF) -> None:
        colours, part = theme.current(), part_at(self._parts, byte)
        if part is not None and part.role == "broken":
            painter.drawLine(QPointF(cell.left(), cell.center().y()), QPointF(cell.right(), cell.center().y()))
        if part is not None and part.role == "checksum" and byte == part.start:
            painter.fillRect(QRectF(cell.left(), cell.top(), 2, cell.height()), QColor(colours.text))
        if byte == self.byte:
            painter.setPen(QPen(QColor(colours.accent), 1.0))
            painter.drawRect(cell.adjusted(0, 0, -1, -1))
