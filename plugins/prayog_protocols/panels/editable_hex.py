"""Bytes that can be typed over."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from prayog_protocols.panels.hex_view import HexView
from prayog_sdk.qt.panel import guarded

__all__ = ["EditableHex"]


@guarded
class EditableHex(HexView):
    """Hexadecimal digits typed here replace those of the chosen byte; ``typed``: the new bytes."""

    typed = Signal(bytes)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._half = ""
        self.setAccessibleDescription("Type two hexadecimal digits to replace the chosen byte")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        letter = event.text().lower()
        if len(letter) != 1 or letter not in "0123456789abcdef" or not self.data:
            self._half = ""
            super().keyPressEvent(event)
            return
        self._half += letter
        if len(self._half) == 2:
            at = self.byte
            data = self.data[:at] + bytes.fromhex(self._half) + self.data[at + 1 :]
            self._half = ""
            self.typed.emit(data)
            self.pick(min(at + 1, len(self.data) - 1))
