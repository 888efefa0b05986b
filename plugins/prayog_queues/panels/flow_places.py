"""Where the learner put boxes of the flow; kept in a file, so that they stand there the next time as well."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSizeF

__all__ = ["Places"]


class Places:
    """Centres of boxes by place, as shares of the picture's width and height: another size keeps the arrangement."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[float, float]] = {}
        self._file: Path | None = None

    def __bool__(self) -> bool:
        return bool(self._of)

    def load(self, file: Path) -> None:
        """Take what `file` holds; a file that is missing or damaged is an empty one."""
        self._file, self._of = file, {}
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            self._of = {str(place): (_share(x), _share(y)) for place, (x, y) in found.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return

    def put(self, place: str, centre: QPointF, size: QSizeF) -> None:
        """The box of `place` stands there now."""
        self._of[place] = (_share(centre.x() / size.width()), _share(centre.y() / size.height()))

    def clear(self) -> None:
        """All boxes stand where the lab puts them."""
        self._of.clear()

    def keep(self) -> None:
        """Write them down.  Raises `OSError`."""
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            self._file.write_text(json.dumps(self._of), encoding="utf-8")

    def arrange(self, boxes: dict[str, QRectF], size: QSizeF) -> None:
        """Move those of `boxes` that have a place of their own, and keep them inside the picture."""
        for place, (x, y) in self._of.items():
            box = boxes.get(place)
            if box is not None:
                box.moveCenter(QPointF(x * size.width(), y * size.height()))
                box.moveLeft(max(0.0, min(box.left(), size.width() - box.width())))
                box.moveTop(max(0.0, min(box.top(), size.height() - box.height())))


def _share(value: float) -> float:
    return min(1.0, max(0.0, float(value)))
