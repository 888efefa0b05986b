"""What the learner is drawing on the simple map: clicks and keys in, a sketch and finished boxes and polygons out.

The web map has the same rules in `lab-map.js`; here they are free of Qt, so they can be read and tested alone.

Rules
1. While something is drawn, longitudes are not wrapped, so that a box can be drawn over the date line.
2. What comes out is wrapped: a box whose east lies below its west is over the date line.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from prayog_sdk.qt.mapshapes import Lines, Shapes, boxes

__all__ = ["Corner", "Drawing", "wrapped"]

Corner = tuple[float, float]
"""Latitude and longitude in degrees."""


def wrapped(lon: float) -> float:
    """Longitude in [-180, 180)."""
    return (lon + 180.0) % 360.0 - 180.0


class Drawing:
    """The corners so far. The three callbacks get what is finished; `sketch` is what to show meanwhile."""

    def __init__(
        self,
        click: Callable[[float, float], None],
        box: Callable[[float, float, float, float], None],
        polygon: Callable[[list[Corner]], None],
    ) -> None:
        self._click, self._box, self._polygon = click, box, polygon
        self._corners: list[Corner] = []
        self.tool = "pan"
        self.sketch: Shapes | None = None

    def __bool__(self) -> bool:
        return bool(self._corners)

    def take(self, tool: str) -> None:
        self.tool = tool
        self.give_up()

    def give_up(self) -> None:
        self._corners = []
        self.sketch = None

    def corner(self, at: Corner) -> None:
        """A click, or the space bar at the middle of the map."""
        if self.tool == "polygon":
            self._corners.append(at)
            self._sketch_polygon(None)
        elif self.tool == "box":
            if self._corners:
                self.end_box(self._corners[0], at)
            else:
                self._corners = [at]
                self.sketch_box(at, at)
        else:
            self._click(at[0], wrapped(at[1]))

    def hover(self, at: Corner) -> None:
        """The pointer, or the middle of the map, is here now."""
        if self._corners and self.tool == "polygon":
            self._sketch_polygon(at)
        elif self._corners and self.tool == "box":
            self.sketch_box(self._corners[0], at)

    def back(self) -> None:
        """Take the last corner of a polygon back."""
        self._corners.pop()
        if self._corners:
            self._sketch_polygon(None)
        else:
            self.give_up()

    def sketch_box(self, a: Corner, b: Corner) -> None:
        self.sketch = boxes([[min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])]])

    def end_box(self, a: Corner, b: Corner) -> None:
        south, north = min(a[0], b[0]), max(a[0], b[0])
        west, east = min(a[1], b[1]), max(a[1], b[1])
        self.give_up()
        if north - south < 1e-9 or east - west < 1e-9:
            return
        if east - west >= 360.0:
            west, east = -180.0, 180.0
        else:
            west, east = wrapped(west), wrapped(east)
        self._box(south, west, north, 180.0 if east == -180.0 else east)

    def end_polygon(self) -> None:
        """Nothing happens with fewer than three corners."""
        drawn = self._corners
        if len(drawn) >= 3:
            self.give_up()
            self._polygon([(lat, wrapped(lon)) for lat, lon in drawn])

    def _sketch_polygon(self, cursor: Corner | None) -> None:
        fixed = np.array([(lon, lat) for lat, lon in self._corners])
        xy = fixed if cursor is None else np.vstack([fixed, [[cursor[1], cursor[0]]]])
        nothing = Lines.of([], [])
        self.sketch = Shapes(
            rings=Lines.of([xy], [0]) if len(xy) > 2 else nothing,
            lines=Lines.of([xy], [0]) if len(xy) == 2 else nothing,
            points=fixed,
        )
