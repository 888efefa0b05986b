"""Tables of points, and questions about them, that break spatial code: poles, the antimeridian, duplicates."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from prayog_location.engine.index import InBox, InPolygon, Nearest, Query, Radius
from prayog_location.engine.points import Points
from prayog_location.engine.polygon import Polygon
from prayog_location.engine.region import Box

LATITUDES = st.one_of(
    st.sampled_from([-90.0, 90.0, 0.0, -45.0, 45.0, 22.7196, 89.9999999, -89.9999999, 22.5]),
    st.floats(-90.0, 90.0),
    st.floats(22.6, 22.8),
)
LONGITUDES = st.one_of(
    st.sampled_from([-180.0, 180.0, 0.0, -90.0, 90.0, 75.8577, 179.9999999, -179.9999999, 45.0]),
    st.floats(-180.0, 180.0),
    st.floats(75.8, 75.9),
    st.floats(179.0, 180.0),
)
PLACES = st.tuples(LATITUDES, LONGITUDES)
HALF_TURNS = st.sampled_from([0.0, 20_015_114.0, 2.1e7, 10_007_557.0])
METRES = st.one_of(HALF_TURNS, st.floats(0.0, 8.0).map(lambda exponent: 10.0**exponent))


@st.composite
def tables(draw: st.DrawFn, most: int = 120) -> Points:
    """Up to `most` drawn points, many of them twins, and sometimes a random crowd besides."""
    pairs = draw(st.lists(PLACES, max_size=most))
    pairs += [pairs[i % len(pairs)] for i in draw(st.lists(st.integers(0, 50), max_size=20))] if pairs else []
    lat, lon = [p[0] for p in pairs], [p[1] for p in pairs]
    crowd = draw(st.sampled_from([0, 0, 300]))
    if crowd:
        rng = np.random.default_rng(draw(st.integers(0, 1000)))
        spread, middle = draw(st.sampled_from([0.01, 3.0, 60.0])), draw(PLACES)
        lat += np.clip(middle[0] + spread * rng.standard_normal(crowd), -90, 90).tolist()
        lon += (middle[1] + spread * rng.standard_normal(crowd)).tolist()
    return Points(np.array(lat), np.array(lon))


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    south, north = sorted((draw(LATITUDES), draw(LATITUDES)))
    return Box(south, draw(LONGITUDES), north, draw(LONGITUDES))


@st.composite
def polygons(draw: st.DrawFn) -> Polygon:
    """Any three to eight corners, self-crossing and pole-holding rings included; sometimes with a hole."""
    ring = st.lists(PLACES, min_size=3, max_size=8).filter(lambda r: r[0] != r[-1])
    return Polygon([draw(ring) for _ in range(draw(st.integers(1, 2)))])


def centres(points: Points) -> st.SearchStrategy[tuple[float, float]]:
    """Places, half of them points of the table."""
    if not len(points):
        return PLACES
    own = st.integers(0, len(points) - 1).map(lambda i: (float(points.lat[i]), float(points.lon[i])))
    return st.one_of(PLACES, own)


def questions(points: Points) -> st.SearchStrategy[Query]:
    """Questions of all four kinds."""
    at = centres(points)
    return st.one_of(
        st.builds(lambda place, metres: Radius(*place, metres), at, METRES),
        st.builds(lambda place, k: Nearest(*place, k), at, st.integers(1, 40)),
        boxes().map(InBox),
        polygons().map(InPolygon),
    )
