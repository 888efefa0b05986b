"""Words that keep out of each other's way: each label has a few places it may take, and gets the first free one.

Greedy and in a fixed order, so the same picture is always labelled the same way; what comes first (names, then reasons,
then messages in the order of their arrival) has the better places.
"""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import QPointF, QRectF, QSizeF

__all__ = ["Labels", "around"]

_AIR = 2.0  # px between two labels
_NUDGE = 12.0  # px that a label may be moved to stay in the picture


class Labels:
    """The places that are taken in a picture of `bounds`."""

    def __init__(self, bounds: QRectF) -> None:
        self._bounds = bounds
        self._taken: list[QRectF] = []

    def copy(self) -> Labels:
        """The same places taken, to be filled up further."""
        twin = Labels(self._bounds)
        twin._taken = self._taken.copy()
        return twin

    def keep_free(self, box: QRectF) -> None:
        """Nothing is to be put over `box`."""
        self._taken.append(box)

    def place(self, boxes: Iterable[QRectF], *, must: bool = False) -> tuple[int, QRectF] | None:
        """Take the first of `boxes` that is free, and tell which it was.

        When none is: the one that hides least, moved into the picture (`must`), or None.
        """
        best: tuple[float, int, QRectF] | None = None
        for index, wanted in enumerate(boxes):
            box = _inside(wanted, self._bounds)
            if (box.topLeft() - wanted.topLeft()).manhattanLength() > _NUDGE:
                box = wanted
            hidden = self._hidden(box)
            if hidden == 0:
                self._taken.append(box)
                return index, box
            if must and (best is None or hidden < best[0]):
                best = hidden, index, box
        if best is None:
            return None
        box = _inside(best[2], self._bounds)
        self._taken.append(box)
        return best[1], box

    def _hidden(self, box: QRectF) -> float:
        """Square px of `box` that lie over something or outside the picture."""
        wide = box.adjusted(-_AIR, -_AIR, _AIR, _AIR)
        outside = _area(box) - _area(box & self._bounds)
        return outside + sum(_area(wide & other) for other in self._taken if wide.intersects(other))


def around(centre: QPointF, reach: float, size: QSizeF, first: str = "below") -> list[QRectF]:
    """Boxes of `size` next to a disc: on the side `first`, then on the others, then at its corners."""
    wide, high = size.width(), size.height()
    across, down = reach + wide / 2, reach + high / 2
    diagonal = 0.75 * reach
    sides = {
        "below": QPointF(0, down), "above": QPointF(0, -down), "right": QPointF(across, 0), "left": QPointF(-across, 0),
        "low right": QPointF(diagonal + wide / 2, diagonal + high / 2),
        "low left": QPointF(-diagonal - wide / 2, diagonal + high / 2),
        "top right": QPointF(diagonal + wide / 2, -diagonal - high / 2),
        "top left": QPointF(-diagonal - wide / 2, -diagonal - high / 2),
    }  # fmt: skip
    order = sorted(sides, key=lambda side: side != first)
    return [QRectF(centre + sides[side] - QPointF(wide / 2, high / 2), size) for side in order]


def _area(box: QRectF) -> float:
    return max(0.0, box.width()) * max(0.0, box.height())


def _inside(box: QRectF, bounds: QRectF) -> QRectF:
    moved = QRectF(box)
    moved.moveRight(min(moved.right(), bounds.right()))
    moved.moveBottom(min(moved.bottom(), bounds.bottom()))
    moved.moveLeft(max(moved.left(), bounds.left()))
    moved.moveTop(max(moved.top(), bounds.top()))
    return moved
