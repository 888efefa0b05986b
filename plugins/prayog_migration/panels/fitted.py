"""A table that is as high as its rows, or as the first few of many, and not there while it has none."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from prayog_sdk.qt.texttable import TextTable

__all__ = ["FittedTable"]


class FittedTable(TextTable):
    """Beyond `most` rows it scrolls."""

    def __init__(self, name: str, heads: Sequence[str], *, most: int = 8, **more: Any) -> None:
        self._most = most
        super().__init__(name, heads, **more)
        self.hide()

    def show_rows(self, rows: Sequence[Sequence[str]], strong: Collection[int] = ()) -> None:
        super().show_rows(rows, strong)
        self._fit()

    def resizeRowsToContents(self) -> None:
        super().resizeRowsToContents()
        self._fit()

    def _fit(self) -> None:
        shown = min(self.rowCount(), self._most)
        self.setVisible(shown > 0)
        if shown:
            bar = self.horizontalScrollBar()
            inside = sum(self.rowHeight(row) for row in range(shown)) + (bar.height() if bar.maximum() else 0)
            height = self.horizontalHeader().height() + 2 + inside
            if height != self.height():
                self.setFixedHeight(height)
