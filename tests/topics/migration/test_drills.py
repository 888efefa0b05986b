"""Drills: one step done wrongly breaks what the lesson says, done rightly it does not; on whatever seed."""

from __future__ import annotations

from typing import Any

import pytest

from prayog_migration.engine.drills.build import drill
from prayog_migration.engine.drills.tables import Tables, tables
from prayog_migration.engine.setup import STRATEGIES, Setup
from prayog_migration.engine.strategies import COMPANIES, fits, forecast
from prayog_sim.clock import s
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Effect, Step
from prayog_sim.world import World


def world(seed: int, **knobs: Any) -> World:
    return drill(Setup(**knobs), seed)


def told(run: World, kind: str) -> list[dict[str, Any]]:
    return [{**effect.data, "node": step.node} for step in run.trace for effect in step.effects if effect.kind == kind]


def until(run: World, kind: str) -> None:
    run.run(until=lambda step: any(effect.kind == kind for effect in step.effects), until_us=run.now + s(60))


def do(run: World, name: str, seconds: float = 0.0, **args: Any) -> None:
    run.do(Action(name, args))
    run.run(until_us=run.now + s(seconds))


def copied(seed: int, note_first: bool) -> World:
    run = world(seed, keys=200, rate=60, copy_rate=200)
    run.run(until_us=s(0.3))
    if note_first:
        do(run, "note", 0.1)
    run.do(Action("copy"))
    until(run, "copied")
    do(run, "sync", 1.5)
    return run


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_copy_before_the_position_loses_what_came_between(seed: int) -> None:
    run = copied(seed, note_first=False)
    do(run, "stop", 1.5)
    assert tables(run.trace).difference.count > 0


@pytest.mark.parametrize("seed", range(1, 6))
def test_with_the_position_first_nothing_is_lost_over_and_back(seed: int) -> None:
    run = copied(seed, note_first=True)
    do(run, "switch", 3)
    do(run, "back", 3)
    do(run, "stop", 1.5)
    found = tables(run.trace)
    assert found.difference.count == 0
    assert found.lost("old") == ()
    assert [cut["to"] for cut in told(run, "cut")] == ["new", "old"]
    assert told(run, "failed") == []


def test_without_a_stream_back_going_back_loses_what_was_written_since() -> None:
    run = copied(2, note_first=True)
    do(run, "switch", 3, reverse=False)
    do(run, "back", 1)
    do(run, "stop", 1)
    assert tables(run.trace).lost("old")


def test_a_switch_without_a_fence_leaves_writers_behind() -> None:
    run = world(1, synced=True, keys=60, apps=4)
    run.run(until_us=s(0.5))
    do(run, "switch", 3, fence=False)
    late = [
        w for step in run.trace if step.at > s(0.52) for w in step.effects if w.kind == "set" and step.node == "old"
    ]
    assert len(late) > 5
    assert any(write["node"] == "new" for write in told(run, "set"))


def test_the_pause_is_what_waited_at_the_fence() -> None:
    pauses = []
    for lag in (0, 10):
        run = world(3, synced=True, keys=60, apps=4, lag_s=lag)
        run.run(until_us=s(0.3))
        run.do(Action("switch"))
        until(run, "cut")
        pauses.append(told(run, "cut")[0]["pause_ms"])
    assert pauses[0] < 200
    assert pauses[1] > 1_500


@pytest.mark.parametrize("seed", range(1, 4))
def test_dual_write_diverges_without_any_crash_and_the_outbox_does_not(seed: int) -> None:
    for double, equal in (("two writes", False), ("outbox", True)):
        run = world(seed, drill="dual write", double=double, keys=4, rate=200)
        run.run(until_us=s(2))
        do(run, "stop", 1)
        old, new = ([w["value"] for w in told(run, "set") if w["node"] == side] for side in ("old", "new"))
        if double == "outbox":
            assert tables(run.trace).difference.count == 0
            assert new == []  # nobody but the relay writes there
        else:
            assert old != new  # two orders, whatever the last values are
        assert bool(equal) == (double == "outbox")


def test_comparing_at_a_mark_is_steady_and_finds_a_planted_row() -> None:
    run = world(4, drill="false alarm", synced=True, keys=200, rate=80)
    run.run(until_us=s(0.5))
    do(run, "compare", 6, how="at a mark", times=8)
    assert [one["equal"] for one in told(run, "compared")] == [True] * 8
    do(run, "compare", 6, how="checksums", times=8)
    assert not all(one["equal"] for one in told(run, "compared")[8:])
    do(run, "plant", node="new")
    do(run, "compare", 1, how="at a mark", times=1)
    assert told(run, "compared")[-1]["equal"] is False


def test_a_new_version_before_the_backfill_finds_empty_cells() -> None:
    run = world(1, drill="rename", apps=3, keys=300, rate=60)
    run.run(until_us=s(0.3))
    do(run, "expand")
    do(run, "deploy", 2)
    assert any("empty" in one["reason"] for one in told(run, "failed"))
    with pytest.raises(ActionError, match="nothing to rename"):
        run.do(Action("rename"))


def test_the_last_word_about_a_row_counts() -> None:
    found = Tables()
    found.take(Step(0, 0, "start", "old", {}, -1, (Effect("holds", {"rows": [[1, 5], [2, 6]]}),)))
    found.take(Step(1, 1, "x", "new", {}, -1, (Effect("put", {"rows": [[1, 5], [3, 1], [2, 7]], "position": 0}),)))
    found.take(Step(2, 2, "x", "old", {}, -1, (Effect("set", {"key": 4, "value": 9, "position": 1, "by": "a"}),)))
    difference = found.difference
    assert (difference.missing, difference.extra, difference.other) == ((4,), (3,), (2,))


def test_each_company_has_a_strategy_of_its_own_that_fits() -> None:
    fitting = {c.name: {one for one in STRATEGIES if not fits(forecast(one, c.facts), c.limits)} for c in COMPANIES}
    assert all(fitting.values())
    wanted = {"kirana": "big bang", "bank": "parallel run", "archive": "incremental", "market": "backfill + live sync"}
    assert all(strategy in fitting[name] for name, strategy in wanted.items())
    assert not all(fitting[name] == set(STRATEGIES) for name in fitting)


def test_who_writes_faster_than_anybody_applies_never_catches_up() -> None:
    from dataclasses import replace

    facts = replace(COMPANIES[3].facts, writes_s=50_000)
    assert forecast("backfill + live sync", facts).freeze_s == float("inf")
    assert forecast("big bang", facts).freeze_s < float("inf")
