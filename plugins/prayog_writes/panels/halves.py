"""Two things beside each other while there is room, and above each other when there is not."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QSplitter, QWidget

from prayog_sdk.qt import theme

__all__ = ["Halves"]


class Halves(QSplitter):
    """Asks for no more than its parts need: in a scroll area the rest is shared, not scrolled.

    ``narrow``: pixels at 100 % text below which the parts stand above each other.  ``share``: of the first, in percent.
    """

    def __init__(
        self, first: QWidget, second: QWidget, narrow: int, share: int = 50, parent: QWidget | None = None
    ) -> None:  # fmt: skip
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._narrow, self._shares = narrow, [10 * share, 1000 - 10 * share]
        self.setChildrenCollapsible(False)
        self.addWidget(first)
        self.addWidget(second)
        self.setSizes(self._shares)

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()

    def fit(self, width: int) -> None:
        """Stand as suits `width` pixels."""
        way = Qt.Orientation.Horizontal if width > theme.scaled(self._narrow) else Qt.Orientation.Vertical
        if way != self.orientation():
            self.setOrientation(way)
            self.setSizes(self._shares)
