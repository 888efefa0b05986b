"""The inspector says why: which conditions the node tried in the shown event."""

from __future__ import annotations

from collections.abc import Callable

from prayog.ui.bench.why_section import WhySection

from .room import GOSSIP, Room, press, words

ASK = "Why? Which conditions were tried"


def test_the_inspector_shows_the_conditions_of_each_event_until_it_is_closed(room: Callable[..., Room]) -> None:
    lab = room(GOSSIP)
    page = lab.open("rumour")
    lab.play()
    heard = next(step.seq for step in page.host.trace if step.kind == "deliver")
    page.show_tab("inspector")
    page.driver.seek(heard)
    lab.until(lambda: f"Event {heard}" in words(page.inspector))
    press(page.inspector, ASK)
    name = page.host.trace[heard].node
    lab.until(lambda: f"✓ not {name}.knows" in words(page.inspector))
    assert f"{name}.knows = no" in words(page.inspector)
    shot = next(step.seq for step in page.host.trace if step.kind == "timer" and step.seq > heard)
    page.driver.seek(shot)  # it stays open for the next event
    lab.until(lambda: f"{page.host.trace[shot].node}.left > 0" in words(page.inspector))
    press(page.inspector, ASK)
    assert ".left > 0" not in words(page.inspector)
    assert not lab.problems


def test_an_algorithm_has_no_nodes_that_decide(room: Callable[..., Room]) -> None:
    lab = room()
    page = lab.open("three")
    page.show_tab("inspector")
    lab.play()
    lab.until(lambda: "Event" in words(page.inspector))
    assert page.inspector.findChild(WhySection) is None
