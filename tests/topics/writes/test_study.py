"""The topic as a learner meets it: the plug, the modes, the meters, the challenges."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

import prayog_writes
from prayog_sdk import manifest
from prayog_sdk.checks import Verdict
from prayog_sdk.headless import played, run_scenario
from prayog_sdk.topic import Topic
from prayog_sim.rng import Rng
from prayog_sim.run import Action, ActionError, Run
from prayog_writes.engine import block
from prayog_writes.engine.building import TableBuilder
from prayog_writes.engine.workload import WORKLOADS, Zipf, operations
from prayog_writes.topic import Params


@pytest.fixture(scope="module")
def topic() -> Topic:
    return Topic.load(manifest.read_folder(Path(prayog_writes.__file__).parent, "built-in"))


def do(run: Run, name: str, **args: Any) -> Mapping[str, Any]:
    run.do(Action(name, args))
    while run.step() is not None:
        pass
    return run.view().facts


def verdict(topic: Topic, name: str, run: Run) -> Verdict:
    return topic.checks(Params())[name].judge(run.trace)


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_workload_reads_what_was_written(topic: Topic, name: str) -> None:
    run = topic.build(Params(memtable_kib=4, file_kib=4, base_kib=16, keys=300, value_size=40), 1)
    do(run, "run_workload", workload="random", count=800)
    do(run, "run_workload", workload=name, count=800)
    do(run, "power_fail", torn=30)
    facts = do(run, "reopen")
    assert facts["survival"]["lost"] == 0
    do(run, "scan", start="user", count=50)
    for check in ("right", "kept", "prefix", "levels_sorted"):
        found = verdict(topic, check, run)
        assert found.ok, f"{check}: {found.reason}"


def test_the_levels_shown_are_those_of_the_engine(topic: Topic) -> None:
    run: Any = topic.build(Params(memtable_kib=4, file_kib=4, base_kib=16, keys=900), 1)
    facts = do(run, "run_workload", workload="random", count=3_000)
    shown = [[f["number"] for f in files] for files in facts["levels"]]
    assert shown == [[f.number for f in files] for files in run.db.version.levels]
    meter = facts["amplification"]["write"]
    assert meter["value"] == pytest.approx(meter["numerator"] / meter["denominator"], abs=0.001)
    assert meter["numerator"] == run.db.stats.flushed + run.db.stats.compact_written


def test_the_plug_must_be_pulled_before_files_are_touched(topic: Topic) -> None:
    run = topic.build(Params(), 1)
    with pytest.raises(ActionError, match="Pull the plug"):
        run.do(Action("cut_wal", {"at": -3}))
    do(run, "put", key="a")
    do(run, "crash")
    with pytest.raises(ActionError, match="Reopen"):
        run.do(Action("put", {"key": "b"}))
    facts = do(run, "cut_wal", at=99_999)
    assert "not among them" in facts["error"]


def test_a_refused_log_can_be_opened_in_another_mode(topic: Topic) -> None:
    run = topic.build(Params(mode="absolute consistency"), 1)
    for n in range(5):
        do(run, "put", key=f"k{n}")
    do(run, "crash")
    do(run, "cut_wal", at=-1)
    facts = do(run, "reopen")
    assert not facts["open"]
    assert "absolute consistency" in facts["error"]
    facts = do(run, "reopen", mode="point in time")
    assert facts["open"]
    assert (facts["survival"]["survived"], facts["survival"]["lost"]) == (4, 1)


def test_no_step_reads_or_writes_more_than_some_thousand_rows(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    """What keeps the window answering while a million rows are written, recovered and compared."""
    done = 0

    def counting(work: Callable[..., Any], size: Callable[..., int]) -> Callable[..., Any]:
        def counted(*args: Any) -> Any:
            nonlocal done
            result = work(*args)
            done += size(result, *args)
            return result

        return counted

    def taken(result: Any, builder: Any, rows: Any) -> int:
        return len(rows)

    def given(result: Any, blocks: Any) -> int:
        return len(result)

    monkeypatch.setattr(TableBuilder, "add", counting(TableBuilder.add, taken))
    monkeypatch.setattr(block, "decode_all", counting(block.decode_all, given))
    knobs = Params(memtable_kib=1024, file_kib=1024, base_kib=2048, keys=50_000, batch=100, sync="every", value_size=20)
    run, worst, whole = topic.build(knobs, 1), 0, 0
    actions: list[tuple[str, dict[str, Any]]] = [
        ("run_workload", {"workload": "random", "count": 60_000}), ("power_fail", {}), ("try_modes", {}),
        ("reopen", {}), ("scan", {"start": "user", "count": 50_000}), ("compact", {}),
    ]  # fmt: skip
    for name, args in actions:
        run.do(Action(name, args))
        done = 0
        while run.step() is not None:
            worst, whole, done = max(worst, done), whole + done, 0
    assert whole > 300_000
    assert worst < 12_000


def test_three_meters_move_as_the_lesson_says(topic: Topic) -> None:
    tiered = run_scenario(topic, topic.scenario("tiered")).metrics
    leveled = run_scenario(topic, topic.scenario("leveled")).metrics
    assert tiered["write_amplification"] < leveled["write_amplification"]
    assert tiered["space_amplification"] > leveled["space_amplification"]


def wins(topic: Topic, name: str, seed: int, knobs: dict[str, Any], extra: str = "") -> dict[str, bool]:
    challenge = next(c for c in topic.challenges("en") if c.id == name)
    run = played(topic, topic.scenario(challenge.scenario), seed, knobs)
    if extra:
        do(run, extra)
    checks = topic.checks(topic.params(knobs))
    return {check: checks[check].judge(run.trace).ok for check in challenge.checks}


def test_tune_it_can_be_won_and_lost(topic: Topic) -> None:
    good = {"policy": "leveled", "memtable_kib": 16, "file_kib": 16, "base_kib": 64, "bloom_bits": 10}
    for seed in (1, 2, 3, 4, 5):
        assert all(wins(topic, "tune-it", seed, good, "compact").values())
    assert not all(wins(topic, "tune-it", 1, {}).values())


def test_the_burst_can_be_survived(topic: Topic) -> None:
    for seed in (1, 2, 3):
        assert all(wins(topic, "survive-the-burst", seed, {"memtable_kib": 256}).values())
    assert not all(wins(topic, "survive-the-burst", 1, {}).values())


def test_zipfian_keys_are_as_frequent_as_the_formula_says() -> None:
    zipf = Zipf(1_000, Rng.derive(1, "z"))
    draws = [zipf.draw() for _ in range(20_000)]
    zeta = sum(1 / k**0.99 for k in range(1, 1_001))
    assert draws.count(0) / 20_000 == pytest.approx(1 / zeta, rel=0.1)
    assert draws.count(1) / 20_000 == pytest.approx(0.5**0.99 / zeta, rel=0.15)
    assert max(draws) < 1_000


def test_streams_repeat() -> None:
    one = list(operations("YCSB A", 50, 100, 10, 7))
    assert one == list(operations("YCSB A", 50, 100, 10, 7))
    assert one != list(operations("YCSB A", 50, 100, 10, 8))
