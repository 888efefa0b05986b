"""The shipped table of places: complete, in order, and where one expects it."""

from __future__ import annotations

import numpy as np

from prayog_location.engine.geodesy import haversine_m
from prayog_location.engine.places import load_places
from prayog_resources import read_text


def test_the_table_is_complete_and_largest_first() -> None:
    places = load_places()
    assert len(places.points) == len(places.names) == len(places.population) == 170_391
    assert (np.diff(places.population) <= 0).all()
    assert places.name(0) == "Shanghai"
    indore = places.names.index("Indore")
    assert places.country[indore] == "IN"
    assert haversine_m(22.7196, 75.8577, places.points.lat[indore], places.points.lon[indore]) < 3_000


def test_parts_of_it() -> None:
    india = load_places("IN")
    assert set(india.country.tolist()) == {"IN"}
    assert {"Mumbai", "Delhi", "Indore"} <= set(india.names)
    assert load_places(largest=5).names == load_places().names[:5]


def test_the_source_is_named() -> None:
    assert "CC BY 4.0" in read_text("geo", "ATTRIBUTION.md")
