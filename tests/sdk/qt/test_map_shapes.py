"""The geometry of overlays: circles are true, rings run over the date line, holes stay with their outline."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from prayog_sdk.qt.mapshapes import EARTH_RADIUS_M, boxes, circle, geojson, mercator, points

LATS = st.floats(-89.9, 89.9)
LONS = st.floats(-180.0, 180.0)


def metres(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Haversine, as an oracle that shares nothing with `circle`."""
    a, b = math.radians(lat_a), math.radians(lat_b)
    h = math.sin((b - a) / 2) ** 2 + math.cos(a) * math.cos(b) * math.sin(math.radians(lon_b - lon_a) / 2) ** 2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))


@given(LATS, LONS, st.floats(1_000.0, 19_000_000.0))
@settings(max_examples=60, deadline=None)
def test_every_corner_of_a_circle_is_at_its_radius(lat: float, lon: float, radius_m: float) -> None:
    shapes = circle(lat, lon, radius_m)
    outline = shapes.lines.xy if len(shapes.lines) else shapes.rings.xy
    for x, y in outline[::16]:
        assert metres(lat, lon, y, x) == pytest.approx(radius_m, rel=1e-6, abs=0.5)
    assert np.abs(np.diff(outline[:, 0])).max() <= 180.0  # unwrapped: it never jumps over the date line


@given(LATS, LONS, st.floats(200_000.0, 19_500_000.0), LATS, LONS)
@example(16.0, 65.0, 11_639_900.0, 64.0, -115.0)  # on the line along which a ring round the pole is closed
@example(0.0, 0.0, 14_129_005.296875, 0.0, 0.0)
@settings(max_examples=150, deadline=None)
def test_a_place_hits_the_circle_exactly_when_it_is_near_enough(
    lat: float, lon: float, radius_m: float, at_lat: float, at_lon: float
) -> None:
    distance = metres(lat, lon, at_lat, at_lon)
    # Between two corners the outline is a straight line on the map, not on the sphere: leave the rim out, and the
    # rows of the map where those lines stretch furthest.
    assume(abs(distance - radius_m) > 0.03 * radius_m + 60_000)
    assume(abs(at_lat) < 85 and abs(lat) < 89.5)
    margin = abs(90.0 - abs(lat) - math.degrees(radius_m / EARTH_RADIUS_M))
    assume(margin > 1.5)  # an outline that grazes a pole turns by 180 degrees between two corners
    hit = circle(lat, lon, radius_m, id="here").hit(at_lat, at_lon, 0.0)
    assert (hit == "here") == (distance < radius_m)


def test_a_box_over_the_date_line_is_one_box() -> None:
    fiji = boxes([[-20.0, 175.0, -15.0, -175.0]], ids=["fiji"])
    assert fiji.rings.bounds().tolist() == [[175.0, -20.0, 185.0, -15.0]]
    assert fiji.hit(-17.0, 178.0, 0) == fiji.hit(-17.0, -178.0, 0) == "fiji"
    assert fiji.hit(-17.0, 170.0, 0) is None
    assert fiji.hit(-17.0, 0.0, 0) is None


def test_the_smallest_area_under_a_click_wins() -> None:
    nested = boxes([[0, 0, 40, 40], [10, 10, 20, 20]], ids=["outer", "inner"])
    assert nested.hit(15, 15, 0) == "inner"
    assert nested.hit(30, 30, 0) == "outer"


def test_the_nearest_point_within_tolerance_is_hit_also_over_the_date_line() -> None:
    some = points([0.0, 0.0], [179.9, 10.0], ids=["east", "west"])
    assert some.hit(0.0, -179.95, 0.5) == "east"
    assert some.hit(0.0, 11.0, 0.5) is None


def test_a_polygon_with_a_hole_is_not_hit_in_its_hole_whatever_way_its_rings_run() -> None:
    outer = [[165, -45], [-165, -45], [-165, -35], [165, -35], [165, -45]]
    hole = [[175, -42], [175, -38], [-175, -38], [-175, -42], [175, -42]]
    for rings in ([outer, hole], [outer[::-1], hole], [outer, hole[::-1]]):
        shapes = geojson({"type": "Feature", "id": "zealandia", "geometry": {"type": "Polygon", "coordinates": rings}})
        assert shapes.hit(-36.5, -179.0, 0) == "zealandia"
        assert shapes.hit(-40.0, 180.0, 0) is None
        areas = [area(shapes.rings.xy[a:b]) for a, b in ((0, 4), (4, 8))]
        assert areas[0] > 0 > areas[1]  # outer counter-clockwise, hole clockwise: the non-zero rule leaves it empty


def area(ring: np.ndarray) -> float:
    x, y = ring.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))


def test_a_collection_keeps_ids_or_positions() -> None:
    def feature(kind: str, coordinates: object, **more: object) -> dict[str, object]:
        return {"type": "Feature", "geometry": {"type": kind, "coordinates": coordinates}, **more}

    shapes = geojson({"type": "FeatureCollection", "features": [
        feature("Point", [75.86, 22.72], id="Indore"),
        feature("MultiPoint", [[77.2, 28.6], [72.8, 19.1]]),
        feature("LineString", [[170, 0], [-170, 0]]),
        {"type": "Feature", "geometry": None},
    ]})  # fmt: skip
    assert list(shapes.ids) == ["Indore", 1, 2, 3]
    assert shapes.point_owner.tolist() == [0, 1, 1]
    assert shapes.lines.xy[:, 0].tolist() == [170.0, 190.0]


def test_what_is_no_geometry_is_refused_in_a_sentence() -> None:
    with pytest.raises(ValueError, match="object of type 'Topology'"):
        geojson({"type": "Topology"})


def test_chunks_never_cut_a_feature() -> None:
    polygon = [[[0, 0], [10, 0], [10, 10], [0, 10]], [[2, 2], [2, 4], [4, 4], [4, 2]], [[6, 6], [6, 8], [8, 8], [8, 6]]]
    many = geojson({"type": "MultiPolygon", "coordinates": [polygon] * 10})
    assert many.rings.chunks().tolist() == [30]  # one feature: one path
    features = [{"type": "Feature", "geometry": {"type": "Polygon", "coordinates": polygon}}] * 100
    rings = geojson({"type": "FeatureCollection", "features": features}).rings
    ends = rings.chunks().tolist()
    assert len(ends) > 3
    assert ends[-1] == 300
    assert all(rings.owner[end - 1] != rings.owner[end] for end in ends[:-1])


def test_mercator_is_square_and_stops_at_its_edge() -> None:
    edge = mercator(np.array([[180.0, 85.05112877980659], [0.0, 90.0], [0.0, -90.0], [0.0, 0.0]]))
    assert edge[:, 1] == pytest.approx([180.0, 180.0, -180.0, 0.0], abs=1e-9)
