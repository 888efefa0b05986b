"""The topic as a learner meets it: questions in the trace, lessons that come true, challenges that can be won."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import prayog_location
from prayog_location.topic import INDEXES, TABLES, Params
from prayog_sdk import manifest
from prayog_sdk.checks import Verdict
from prayog_sdk.headless import run_scenario
from prayog_sdk.topic import Topic
from prayog_sim.run import Action, ActionError, Run

INDORE = [22.7196, 75.8577]


@pytest.fixture(scope="module")
def topic() -> Topic:
    return Topic.load(manifest.read_folder(Path(prayog_location.__file__).parent, "built-in"))


def ask(run: Run, name: str, **args: Any) -> Mapping[str, Any]:
    run.do(Action(name, args))
    while run.step() is not None:
        pass
    return run.view().facts


def verdict(topic: Topic, name: str, run: Run) -> Verdict:
    return topic.checks(Params())[name].judge(run.trace)


@pytest.mark.parametrize("index", INDEXES)
def test_every_index_finds_what_a_scan_finds(topic: Topic, index: str) -> None:
    run = topic.build(Params(table="India", index=index, leaf=16), 1)
    ask(run, "radius", point=INDORE, km=120)
    ask(run, "nearest", point="26.9,70.9", k=7)
    ask(run, "box", south=20, west=72, north=24, east=78)
    facts = ask(run, "polygon", corners="8,77|8,78|13,80|13,75")
    assert facts["oracle"]["same"]
    assert verdict(topic, "exact", run).ok
    oracles = [step for step in run.trace if step.kind == "oracle"]
    assert len(oracles) == 4
    assert all(step.data["count"] for step in oracles), "each of the four questions has an answer"


def test_the_choices_of_the_form_are_the_engines_own() -> None:
    from prayog_location.engine.choosing import INDEXES as built
    from prayog_location.engine.tables import TABLES as made

    assert tuple(built) == INDEXES
    assert made == TABLES


def test_the_cab_across_the_edge(topic: Topic) -> None:
    run = topic.build(Params(table="cabs in Indore", index="geohash"), 7)
    one = ask(run, "same_cell", point=INDORE, precision=5, km=0.1)
    assert one["oracle"]["missing_names"] == ["cab 1"]
    assert verdict(topic, "missed", run).ok
    nine = ask(run, "nine_cells", point=INDORE, precision=5, km=0.1)
    assert nine["answer"]["nearest"] == [{"id": 0, "name": "cab 1", "metres": 22.0}]
    assert verdict(topic, "complete", run).ok
    assert not verdict(topic, "missed", run).ok


def test_seeking_shows_each_moment_as_it_was(topic: Topic) -> None:
    run = topic.build(Params(table="India", index="quadtree"), 1)
    run.do(Action("radius", {"point": INDORE, "km": 50}))
    seen = [run.view()]
    while run.step() is not None:
        seen.append(run.view())
    for view in seen:
        assert run.view(view.seq) == view


@pytest.mark.parametrize(
    ("name", "args", "sentence"),
    [
        ("radius", {"point": "75.8577,192.7", "km": 5}, "longitude from -180"),
        ("radius", {"point": "122.7,75.8", "km": 5}, "Are the two swapped"),
        ("radius", {"point": "here", "km": 5}, "such as point=22.7196"),
        ("radius", {"point": INDORE, "km": -1}, "km is a number from 0"),
        ("radius", {"point": INDORE, "km": 2_000, "letters": 8}, "take a smaller one"),
        ("nearest", {"point": INDORE, "k": 0}, "k is a number from 1"),
        ("box", {"south": 30, "west": 70, "north": 20, "east": 80}, "south <= north"),
        ("polygon", {"corners": "1,2|3,4"}, "3 to 2000 places"),
        ("ranges", {"x0": 5, "y0": 0, "x1": 1, "y1": 3}, "lower left"),
        ("swap_axes", {}, "Only a file"),
        ("fly", {}, "There is no action 'fly'"),
    ],
)
def test_a_wrong_question_is_a_sentence_and_leaves_no_trace(
    topic: Topic, name: str, args: dict[str, Any], sentence: str
) -> None:
    run = topic.build(Params(table="India", index="grid"), 1)
    before = run.trace.hash()
    with pytest.raises(ActionError, match=sentence):
        run.do(Action(name, args))
    assert run.trace.hash() == before
    assert not run.actions


def test_a_file_of_ones_own(topic: Topic, tmp_path: Path) -> None:
    file = tmp_path / "shops.csv"
    file.write_text("name,lat,lon\nChai,22.72,75.86\nBad,north,75.9\nPoha,22.73,75.87\n", encoding="utf-8")
    run = topic.build(Params(table="my file", index="grid", file=str(file)), 1)
    start = run.trace[0].data
    assert start["points"] == 2
    assert "line 3" in start["problems"][0]
    assert ask(run, "nearest", point=INDORE, k=1)["answer"]["nearest"][0]["name"] == "Chai"


@pytest.mark.parametrize("file", ["", "no_such_file.csv"])
def test_a_file_that_is_not_there(topic: Topic, file: str) -> None:
    with pytest.raises((ValueError, OSError), match=r"file|File"):
        topic.build(Params(table="my file", index="grid", file=file), 1)


def test_the_lessons_answers_come_true(topic: Topic) -> None:
    """What the lessons state as fact is what the bench shows."""
    run = topic.build(Params(table="India", index="grid"), 1)
    ask(run, "measure", **{"from": INDORE, "to": [28.6139, 77.2090]})
    measures = {name: measure(run.trace) for name, measure in topic.measures(Params()).items()}
    assert (measures["ellipsoid_km"], measures["sphere_km"], measures["iterations"]) == (666.92, 669.24, 5)
    ask(run, "measure", **{"from": [0, 77], "to": [8, 77]})
    assert verdict(topic, "sphere_off", run).ok
    assert not verdict(topic, "gave_up", run).ok
    ask(run, "measure", **{"from": [0, 0], "to": [0.5, 179.7]})
    assert verdict(topic, "gave_up", run).ok
    wins = [(3, 3, 12, 9), (5, 14, 10, 17), (2, 13, 13, 18)]
    for x0, y0, x1, y1 in wins:
        ask(run, "ranges", x0=x0, y0=y0, x1=x1, y1=y1)
    assert topic.measures(Params())["windows_hilbert_wins"](run.trace) >= 3


def test_the_swapped_file_is_noticed_and_repaired(topic: Topic) -> None:
    run = topic.build(Params(table="swapped axes", index="grid"), 1)
    assert "seem to be swapped" in run.trace[0].data["problems"][0]
    assert not verdict(topic, "in_india", run).ok
    ask(run, "swap_axes")
    assert verdict(topic, "in_india", run).ok


def test_right_size_can_be_won_and_lost(topic: Topic) -> None:
    run = topic.build(Params(table="India", index="geohash"), 1)
    assert "was not asked yet" in verdict(topic, "right_sized", run).reason
    for point, km, letters in (("22.57,88.36", 5, 5), ("21.146,79.088", 25, 3), ("19.07,82.02", 200, 3)):
        ask(run, "radius", point=point, km=km, letters=letters)
    assert "use longer words" in verdict(topic, "right_sized", run).reason
    ask(run, "radius", point="21.146,79.088", km=25, letters=5)
    assert "use shorter words" in verdict(topic, "right_sized", run).reason
    ask(run, "radius", point="21.146,79.088", km=25, letters=4)
    assert verdict(topic, "right_sized", run).ok


def test_five_nearest_cabs_can_be_won_on_every_published_seed(topic: Topic) -> None:
    challenge = next(c for c in topic.challenges() if c.id == "five-nearest-cabs")
    for params, won in ((Params(table="cabs in Indore", index="R-tree (STR)", leaf=8), True),
                        (Params(table="cabs in Indore", index="scan"), False)):  # fmt: skip
        results = []
        for seed in challenge.seeds:
            run = topic.build(params, seed)
            ask(run, "nearest", point=INDORE, k=5)
            results.append(all(topic.check(check, params).judge(run.trace).ok for check in challenge.checks))
        assert all(results) is won


@pytest.mark.parametrize("scenario", ["near_indore", "date_line", "pole", "inside_a_state", "swapped_axes"])
def test_scenarios_hold(topic: Topic, scenario: str) -> None:
    result = run_scenario(topic, topic.scenario(scenario))
    assert all(check.ok for check in result.checks)
