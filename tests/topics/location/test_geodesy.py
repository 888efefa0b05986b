"""Distances: known answers, agreement with Karney's method, and honest failure near the antipode."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings

from prayog_location.engine.geodesy import (
    bearing_deg,
    chord_m,
    degrees_as_a_plane,
    destination,
    flat_m,
    haversine_m,
    karney_direct,
    karney_inverse,
)
from prayog_location.engine.points import chord2_to_metres
from prayog_location.engine.region import farthest_in_bounds_m, nearest_in_bounds_m
from prayog_location.engine.vincenty import direct, inverse
from prayog_location.engine.vincenty_array import inverse_array

from .cases import PLACES

INDORE, DELHI = (22.7196, 75.8577), (28.6139, 77.2090)


def test_indore_to_delhi_by_three_rulers() -> None:
    assert float(haversine_m(*INDORE, *DELHI)) == pytest.approx(669_243, abs=1)
    found = inverse(*INDORE, *DELHI)
    assert found.metres == pytest.approx(666_915.306, abs=0.001)
    assert (found.converged, found.method, len(found.iterations)) == (True, "Vincenty", 5)
    assert float(flat_m(*INDORE, *DELHI)) == pytest.approx(669_263, abs=1)
    assert float(degrees_as_a_plane(*INDORE, *DELHI)) == pytest.approx(672_420, abs=1)


def test_nearly_antipodal_points_do_not_converge_and_karney_answers() -> None:
    found = inverse(0.0, 0.0, 0.5, 179.7)
    assert not found.converged
    assert len(found.iterations) == 200
    assert found.method == "Karney"
    assert found.metres == pytest.approx(19_944_127.42, abs=0.01)
    metres, failed = inverse_array([0.0, *INDORE[:1]], [0.0, *INDORE[1:]], [0.5, DELHI[0]], [179.7, DELHI[1]])
    assert failed.tolist() == [0]
    assert metres == pytest.approx([19_944_127.42, 666_915.306], abs=0.01)


@given(here=PLACES, there=PLACES)
@settings(max_examples=300, deadline=None)
def test_vincenty_agrees_with_karney_everywhere(here: tuple[float, float], there: tuple[float, float]) -> None:
    exact = karney_inverse(*here, *there)
    assert inverse(*here, *there).metres == pytest.approx(exact.metres, abs=2e-4)
    assert inverse_array(*here, *there)[0][0] == pytest.approx(exact.metres, abs=2e-4)


def test_vincenty_on_many_pairs_at_once() -> None:
    rng = np.random.default_rng(2)
    lat, lon = rng.uniform(-90, 90, (2, 20_000)), rng.uniform(-180, 180, (2, 20_000))
    lat[1, :200], lon[1, :200] = -lat[0, :200], lon[0, :200] + 180.0 + rng.normal(0, 0.5, 200)
    metres, failed = inverse_array(lat[0], lon[0], lat[1], lon[1])
    assert np.isfinite(metres).all()
    assert 20 < len(failed) < 400
    for i in [*failed[:50], *range(0, 20_000, 701)]:
        assert metres[i] == pytest.approx(karney_inverse(lat[0, i], lon[0, i], lat[1, i], lon[1, i]).metres, abs=2e-4)
    sphere = haversine_m(lat[0], lon[0], lat[1], lon[1])
    assert 0.005 < np.max(np.abs(sphere / metres - 1.0)[200:]) < 0.0057


@given(here=PLACES)
@settings(max_examples=100, deadline=None)
def test_the_direct_problem_agrees_with_karney(here: tuple[float, float]) -> None:
    for azimuth, metres in ((0.0, 1e6), (90.0, 5e6), (213.0, 1.9e7), (45.0, 0.0)):
        found, exact = direct(*here, azimuth, metres), karney_direct(*here, azimuth, metres)
        assert karney_inverse(found.lat, found.lon, *exact).metres < 1e-3
        assert found.converged


@given(here=PLACES, there=PLACES)
@settings(max_examples=200, deadline=None)
def test_on_the_sphere_there_and_back(here: tuple[float, float], there: tuple[float, float]) -> None:
    metres = float(haversine_m(*here, *there))
    chord = chord_m(*here, *there)
    assert float(chord2_to_metres(np.array((chord / 6_371_008.8) ** 2))) == pytest.approx(metres, abs=1.0)
    arrived = destination(*here, bearing_deg(*here, *there), metres)
    if metres < 1.9e7 and abs(here[0]) < 89.9:
        assert float(haversine_m(*arrived, *there)) < 0.01


@given(here=PLACES, corner=PLACES, other=PLACES)
@settings(max_examples=300, deadline=None)
def test_bounds_on_distance_hold_for_every_point_of_a_box(
    here: tuple[float, float], corner: tuple[float, float], other: tuple[float, float]
) -> None:
    """The planar bound that famous libraries used prunes true neighbours; this one may not."""
    south, north = sorted((corner[0], other[0]))
    west, east = sorted((corner[1], other[1]))
    bounds = (south, west, north, east)
    lat, lon = (a.ravel() for a in np.meshgrid(np.linspace(south, north, 9), np.linspace(west, east, 9)))
    metres = haversine_m(*here, lat, lon)
    assert nearest_in_bounds_m(*here, bounds) <= metres.min() + 1.0
    assert farthest_in_bounds_m(*here, bounds) >= metres.max() - 1.0
    if metres.min() < 1.9e7:
        assert nearest_in_bounds_m(*here, bounds) <= metres.min() + 1e-4
