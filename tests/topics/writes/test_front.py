"""A scenario brings the panel that it is about to the front."""

from __future__ import annotations

from typing import Any

import pytest


def front(bench: Any, name: str) -> bool:
    """Whether the panel is the one that is seen among its tabs."""
    dock = bench.page.docks.dock(name)
    return dock is not None and not dock.visibleRegion().isEmpty()


@pytest.mark.parametrize(("scenario", "panel"), [("wal_lab", "log"), ("burst", "meters"), ("first_write", "levels")])
def test_the_panel_of_a_scenario_is_in_front(bench: Any, scenario: str, panel: str) -> None:
    bench.open(scenario)
    bench.until(lambda: front(bench, panel))


def test_it_stays_where_the_learner_went(bench: Any) -> None:
    bench.open("wal_lab")
    bench.until(lambda: front(bench, "log"))
    bench.panel("heat")
    bench.page.runs.again()
    bench.frame()
    bench.until(lambda: front(bench, "heat"))


def test_every_scenario_names_a_panel_that_there_is(bench: Any) -> None:
    bench.open("first_write")
    known = {spec.id for spec in bench.page.topic.panels()}
    assert {s.panel for s in bench.page.topic.scenarios() if s.panel} <= known
