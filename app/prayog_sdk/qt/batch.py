"""Thousands of symbols or lines in one call of the painter, from numpy arrays, without an object per item.

Qt's `drawPixmapFragments` and `drawLines` take a C array; PySide accepts the address of its first element.  One
call for 4,000 symbols costs a few milliseconds where a Python loop costs a hundred.  `tests/sdk/qt/test_batch.py`
holds this against a loop, pixel by pixel, because the layout of the two structs is Qt's own affair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QLineF
from PySide6.QtGui import QPainter, QPixmap
from shiboken6 import Shiboken

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Floats", "draw_lines", "draw_symbols"]

if TYPE_CHECKING:
    Floats = NDArray[np.float64]

_FIELDS = 10  # x, y, source x, y, width, height, scale x, scale y, rotation, opacity


def draw_symbols(painter: QPainter, atlas: QPixmap, x: Floats, y: Floats, column: Floats, edge: int) -> None:
    """Draw symbol number ``column[i]`` of `atlas` centred at ``x[i], y[i]``.

    `atlas` is a row of squares of `edge` logical pixels each, at its own device pixel ratio.
    """
    import numpy as np

    count = len(x)
    if not count:
        return
    scale = atlas.devicePixelRatio()
    items = np.empty((count, _FIELDS), np.float64)
    items[:, 0], items[:, 1] = x, y
    items[:, 2], items[:, 3] = column * (edge * scale), 0.0
    items[:, 4] = items[:, 5] = edge * scale
    items[:, 6] = items[:, 7] = 1.0 / scale
    items[:, 8], items[:, 9] = 0.0, 1.0
    first = cast(QPainter.PixmapFragment, Shiboken.wrapInstance(items.ctypes.data, QPainter.PixmapFragment))
    painter.drawPixmapFragments(first, count, atlas, QPainter.PixmapFragmentHint(0))


def draw_lines(painter: QPainter, ends: Floats) -> None:
    """Draw the lines ``x1, y1, x2, y2`` (one per row) with the pen of `painter`; keep it opaque and cosmetic."""
    import numpy as np

    if len(ends):
        ends = np.ascontiguousarray(ends, np.float64)
        first = cast(QLineF, Shiboken.wrapInstance(ends.ctypes.data, QLineF))
        painter.drawLines(first, len(ends))
