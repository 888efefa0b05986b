"""Geohash: known words, neighbours at every edge of the map, coverings that miss nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_location.engine import geohash
from prayog_location.engine.geodesy import destination, haversine_m
from prayog_location.engine.region import Box, nearest_in_bounds_m

from .cases import LATITUDES, LONGITUDES, PLACES


def by_halving(lat: float, lon: float, precision: int) -> str:
    """The definition, word for word: halve the interval, write a bit, five bits a letter, longitude first."""
    intervals, values, bits = [[-180.0, 180.0], [-90.0, 90.0]], (lon, lat), []
    for i in range(5 * precision):
        low, high = intervals[i % 2]
        middle = 0.5 * (low + high)
        bits.append(int(values[i % 2] >= middle))
        intervals[i % 2] = [middle, high] if bits[-1] else [low, middle]
    letters = [int("".join(map(str, bits[i : i + 5])), 2) for i in range(0, len(bits), 5)]
    return "".join(geohash.ALPHABET[i] for i in letters)


def test_known_words() -> None:
    assert geohash.decode("ezs42") == pytest.approx((42.605, -5.603), abs=1e-3)
    assert geohash.encode(22.7196, 75.8577) == "tsjcnpvzk"
    assert geohash.encode(28.6139, 77.2090, 5) == "ttnfu"
    assert geohash.encode(57.64911, 10.40744, 11) == "u4pruydqqvj"
    _, _, north, _ = geohash.bounds("tsjcn")
    assert float(haversine_m(22.7196, 75.8577, north, 75.8577)) == pytest.approx(14, abs=1)


@given(lat=LATITUDES, lon=LONGITUDES.filter(lambda x: x < 180.0), precision=st.integers(1, 12))
@settings(max_examples=300, deadline=None)
def test_words_are_those_of_repeated_halving(lat: float, lon: float, precision: int) -> None:
    word = geohash.encode(lat, lon, precision)
    assert word == by_halving(lat, lon, precision)
    south, west, north, east = geohash.bounds(word)
    assert south <= lat <= north
    assert west <= lon <= east
    assert geohash.at_cell(*geohash.cell(word), precision) == word


def test_numbers_on_a_line_are_never_put_one_cell_too_far() -> None:
    for lon in (np.nextafter(0.0, -1.0), -5e-324, np.nextafter(45.0, 0.0), np.nextafter(-90.0, -91.0)):
        assert geohash.encode(0.0, float(lon), 12) == by_halving(0.0, float(lon), 12)


def test_neighbours_at_the_edges_of_the_map() -> None:
    assert geohash.neighbours("tsjcn")["n"] == "tsjcq"
    assert {geohash.neighbours("ezzz")[d] for d in ("n", "ne", "e")} == {"gbpb", "u000", "spbp"}
    east_end = geohash.encode(10.0, 179.99, 5)
    assert geohash.neighbours(east_end)["e"] == geohash.encode(10.0, -179.99, 5)
    top = geohash.encode(89.99, 20.0, 5)
    assert geohash.neighbours(top)["n"] == geohash.encode(89.99, -160.0, 5)


@given(place=PLACES, precision=st.integers(1, 9))
@settings(max_examples=200, deadline=None)
def test_neighbours_touch_their_cell(place: tuple[float, float], precision: int) -> None:
    code = geohash.encode(*place, precision)
    south, west, north, east = geohash.bounds(code)
    for direction, neighbour in geohash.neighbours(code).items():
        near = min(
            nearest_in_bounds_m(lat, lon, geohash.bounds(neighbour)) for lat in (south, north) for lon in (west, east)
        )
        assert near < 1e-3, direction


@given(place=PLACES, precision=st.integers(1, 6), share=st.floats(0.0, 8.0), bearing=st.floats(0.0, 360.0))
@settings(max_examples=300, deadline=None)
def test_a_covering_holds_every_place_of_the_circle(
    place: tuple[float, float], precision: int, share: float, bearing: float
) -> None:
    metres = share * 111_000.0 * geohash.cell_size_deg(precision)[0]
    try:
        cells = geohash.cover_circle(*place, metres, precision)
    except ValueError:
        return  # too many cells near a pole
    for part in (0.0, 0.5, 0.999999):
        lat, lon = destination(*place, bearing, part * metres)
        assert geohash.encode(float(lat), float(lon), precision) in cells
    if metres < 1e7:  # beyond a quarter of the earth whole rows are taken
        assert all(nearest_in_bounds_m(*place, geohash.bounds(cell)) <= metres + 1.0 for cell in cells)


def test_three_by_three_cells_are_not_enough() -> None:
    """At 60 N a cell is half as wide: a radius of one cell's height needs more than the 8 neighbours."""
    home = geohash.encode(60.0, 25.0, 5)
    nine = {home, *geohash.neighbours(home).values()}
    assert not set(geohash.cover_circle(60.0, 25.0, 4_800.0, 5)) <= nine


def test_the_precision_fits_the_question() -> None:
    for metres in (300.0, 5_000.0, 150_000.0):
        precision = geohash.precision_for(22.7196, 75.8577, metres, 12)
        assert len(geohash.cover_circle(22.7196, 75.8577, metres, precision)) <= 12
        assert len(geohash.cover_circle(22.7196, 75.8577, metres, precision + 1)) > 12
    with pytest.raises(ValueError, match="Precision 9 needs more than 4,096 cells"):
        geohash.cover_circle(22.7196, 75.8577, 500_000.0, 9)
    assert set(geohash.cover_box(Box(-1.0, 179.0, 1.0, -179.0), 2)) == {"rz", "xb", "80", "2p"}


def test_words_that_are_none() -> None:
    with pytest.raises(ValueError, match="no letter 'a'"):
        geohash.bounds("tsa")
    with pytest.raises(ValueError, match="1 to 12 letters"):
        geohash.encode(0.0, 0.0, 13)
