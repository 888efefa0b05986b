"""The compaction that a learner writes: what passes, and what does not and why."""

from __future__ import annotations

from pathlib import Path

import pytest

import prayog_writes
from prayog_sdk.code.function import gate
from prayog_sdk.code.trial import try_seeds
from prayog_sdk.grading import Grader
from prayog_sdk.headless import played
from prayog_sdk.lessons import Challenge
from prayog_sdk.manifest import read_folder
from prayog_sdk.params import flat
from prayog_sdk.saved import SavedRun
from prayog_sdk.services import ServiceMissing, Services
from prayog_sdk.topic import Topic
from prayog_sim.run import Action
from prayog_writes.topic import Params

RIGHT = """\
def pick_compaction(levels):
    worst = max(levels, key=lambda level: level.score)
    if worst.score < 1:
        return []
    if worst.number == 0:
        return list(worst.tables)
    below = levels[worst.number + 1].tables

    def cost(table):
        return sum(other.bytes for other in below if table.overlaps(other)) / table.bytes

    return [min(worst.tables, key=cost)]
"""
"""Leveled, the table with the least overlap first (RocksDB's kMinOverlappingRatio)."""
ONE = "return [min(worst.tables, key=cost)]"
IN_TURN = RIGHT.replace(ONE, "return [next((t for t in worst.tables if t.last > worst.turn), worst.tables[0])]")
"""Leveled in turn, as LevelDB does it."""
WRONG = {
    "only level 0": ("", "longest stall ms is "),
    "whole levels": (RIGHT.replace(ONE, "return list(worst.tables)"), " is allowed"),
    "always everything": (
        "def pick_compaction(levels):\n    for level in levels[:6]:\n        if level.score >= 1 or level.number < 2:\n"
        "            if level.tables:\n                return list(level.tables)\n    return []\n",
        "write amplification is ",
    ),
    "too late": (RIGHT.replace("worst.score < 1:", "worst.score < 3:"), "space amplification is "),
    "nothing": ("def pick_compaction(levels):\n    return []\n", "space amplification is "),
    "the newest of level 0": (
        RIGHT.replace("return list(worst.tables)", "return [worst.tables[0]]"),
        "which is older and has the same keys: old values would come back",
    ),
    "the oldest of level 0": (RIGHT.replace("list(worst.tables)", "[worst.tables[-1]]"), "write amplification is "),
    "a table, no list": (RIGHT.replace(ONE, ONE.replace("[", "").replace("]", "")), "must return a list of tables"),
    "numbers": (RIGHT.replace("list(worst.tables)", "[t.number for t in worst.tables]"), "must return tables out of"),
    "two levels": (RIGHT.replace(ONE, "return [worst.tables[0], *below[:1]]"), "must take tables of one level"),
    "twice": (RIGHT.replace("list(worst.tables)", "worst.tables * 2"), "must take a table once"),
    "divides by nothing": (RIGHT.replace("/ table.bytes", "/ (table.bytes - table.bytes)"), "ZeroDivisionError"),
}  # fmt: skip


class Quiet:
    def progress(self, done: int, total: int = 0, text: str = "") -> None:
        """Nobody looks."""


@pytest.fixture(scope="module")
def topic() -> Topic:
    return Topic.load(read_folder(Path(prayog_writes.__file__).parent, "built-in"))


def challenge(topic: Topic) -> Challenge:
    return next(each for each in topic.challenges() if each.id == "your-own-compaction")


def handed_in(topic: Topic, code: str) -> SavedRun:
    scenario = topic.scenario("your_compaction")
    params = flat(topic.params({**scenario.params, "code": code}))
    return SavedRun("writes", topic.manifest.version, scenario.id, params, scenario.seed)


def test_the_least_overlap_passes_on_five_seeds_behind_the_fence(topic: Topic) -> None:
    result = try_seeds(Quiet(), topic.manifest, challenge(topic), handed_in(topic, RIGHT))
    assert result.ok, result.reason
    assert len(result.seeds) == 5


def test_taking_turns_passes_too(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_open", True)  # these texts are ours
    result = Grader(challenge(topic), topic, handed_in(topic, IN_TURN)).seed(2)
    assert result.ok, result.why


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_fails_with_a_reason_that_helps(topic: Topic, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_open", True)
    code, why = WRONG[name]
    result = Grader(challenge(topic), topic, handed_in(topic, code)).seed(1)
    assert not result.ok
    assert why in result.why
    if result.problem:
        assert result.problem.startswith("Line ")


def test_taking_turns_is_what_the_leveled_policy_does(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_open", True)
    scenario = topic.scenario("your_compaction")
    told = []
    for knobs in ({"policy": "leveled"}, {"code": IN_TURN}):
        run = topic.build(topic.params({**scenario.params, **knobs}), 1)
        run.do(Action("run_workload", {"workload": "random", "count": 4_000}))
        while run.step() is not None:
            pass
        told.append([(s.data["inputs"], s.data["output"]) for s in run.trace if s.kind == "compaction_begin"])
        run.close()
    assert told[0] == told[1]
    assert len(told[0]) > 15


def test_a_mistake_is_told_once_and_not_for_every_write(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_open", True)
    run = played(topic, topic.scenario("your_compaction"), overrides={"code": WRONG["twice"][0]})
    assert [step.data["what"] for step in run.trace if step.kind == "code_error"] == ["result"]


def test_the_real_disk_is_not_for_your_function(topic: Topic, tmp_path: Path) -> None:
    with pytest.raises(ServiceMissing, match="Your function runs in the simulation only"):
        topic.session(Params(policy="yours", code=RIGHT), 1, Services(tmp_path))
    assert topic.code(Params()) is None
