"""Polygons at the two places where polygon code breaks, the antimeridian and the poles, and on shared edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_location.engine.polygon import Polygon
from prayog_location.engine.region import Box

from .cases import PLACES, boxes, polygons


def holds(polygon: Polygon, lat: float, lon: float) -> bool:
    return bool(polygon.contains(np.array([lat]), np.array([lon]))[0])


def test_a_hole_is_outside() -> None:
    square = [(0, 0), (0, 10), (10, 10), (10, 0)]
    hole = [(4, 4), (4, 6), (6, 6), (6, 4)]
    ring = Polygon([square, hole])
    assert holds(ring, 1, 1)
    assert not holds(ring, 5, 5)
    assert not holds(ring, 11, 5)
    assert ring.windows == (pytest.approx((0.0, 0.0, 10.0, 10.0), abs=1e-8),)


def test_across_the_antimeridian() -> None:
    fiji = Polygon([[(-20, 177), (-20, -178), (-15, -178), (-15, 177)]])
    assert holds(fiji, -17, 179)
    assert holds(fiji, -17, -179)
    assert holds(fiji, -17, -180)
    assert not holds(fiji, -17, 176)
    assert not holds(fiji, -17, 0)
    assert fiji.windows[0] == pytest.approx((-20.0, -180.0, -15.0, -178.0), abs=1e-8)
    assert fiji.windows[1] == pytest.approx((-20.0, 177.0, -15.0, 180.0), abs=1e-8)
    corner_on_it = Polygon([[(0, 170), (0, 180), (10, 180), (10, 170)]])
    assert holds(corner_on_it, 5, 175)
    assert not holds(corner_on_it, 5, -175)


def test_round_a_pole() -> None:
    arctic = Polygon([[(66, lon) for lon in range(-180, 180, 20)]])
    assert holds(arctic, 90, 0)
    assert holds(arctic, 70, 179.5)
    assert not holds(arctic, 60, 10)
    assert arctic.windows == ((66.0, -180.0, 90.0, 180.0),)
    antarctic = Polygon([[(-66, lon) for lon in range(180, -180, -20)]])
    assert holds(antarctic, -90, 0)
    assert not holds(antarctic, 0, 0)
    ring = Polygon([[(66, lon) for lon in range(-180, 180, 20)], [(80, lon) for lon in range(-180, 180, 20)]])
    assert holds(ring, 75, 5)
    assert not holds(ring, 90, 5)


@given(place=PLACES, polygon=polygons(), lat=st.floats(-80, 80), lon=st.floats(-170, 170))
@settings(max_examples=200, deadline=None)
def test_two_halves_of_a_square_share_no_point_and_lose_none(
    place: tuple[float, float], polygon: Polygon, lat: float, lon: float
) -> None:
    corner = [(lat - 5, lon - 5), (lat - 5, lon + 5), (lat + 5, lon + 5), (lat + 5, lon - 5)]
    south_east, north_west = Polygon([[corner[0], corner[1], corner[2]]]), Polygon([[corner[0], corner[2], corner[3]]])
    share = np.linspace(0.0, 1.0, 21)[:-1]
    lats, lons = corner[0][0] + 10 * share, corner[0][1] + 10 * share  # on the diagonal, as near as floats come
    whole = Polygon([corner]).contains(lats, lons)
    assert np.array_equal(south_east.contains(lats, lons) ^ north_west.contains(lats, lons), whole)


@given(polygon=polygons(), box=boxes())
@settings(max_examples=300, deadline=None)
def test_inside_and_outside_hold_for_every_point_of_the_box(polygon: Polygon, box: Box) -> None:
    for window in box.windows():
        relation = polygon.relation(window)
        lat, lon = (
            a.ravel() for a in np.meshgrid(np.linspace(window[0], window[2], 7), np.linspace(window[1], window[3], 7))
        )
        lon = np.where(lon == 180.0, np.nextafter(180.0, 0.0), lon)
        held = polygon.contains(lat, lon)
        if relation != "crosses":
            assert held.all() if relation == "inside" else not held.any()


def test_too_few_corners_are_refused() -> None:
    with pytest.raises(ValueError, match="Ring 1 of the polygon has 2 corners"):
        Polygon([[(0, 0), (1, 1), (0, 0)]])
    with pytest.raises(ValueError, match="not on the earth"):
        Polygon([[(0, 0), (1, 1), (95, 0)]])
