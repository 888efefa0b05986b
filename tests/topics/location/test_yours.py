"""The k nearest that a learner writes: what passes, what does not and why, and what the trace shows of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import prayog_location
from prayog_location.engine.yours import NEAREST
from prayog_location.topic import Params
from prayog_sdk.code.function import gate
from prayog_sdk.code.trial import try_seeds
from prayog_sdk.grading import Grader, SeedResult
from prayog_sdk.headless import RunResult, run_scenario
from prayog_sdk.manifest import read_folder
from prayog_sdk.params import flat
from prayog_sdk.saved import SavedRun
from prayog_sdk.topic import Topic
from prayog_sim.run import Action, ActionError

RIGHT = """\
import heapq

def nearest(root, k):
    best = []
    number = 0
    todo = [(root.at_least, number, root)]
    while todo:
        bound, _, part = heapq.heappop(todo)
        if len(best) >= k and bound > best[k - 1][0]:
            break
        best = sorted(best + list(part.places))[:k]
        for below in part.parts:
            number += 1
            heapq.heappush(todo, (below.at_least, number, below))
    return [id for metres, id in best]
"""
"""Best first: Hjaltason and Samet, 1999."""
WRONG = {
    "opens everything": (NEAREST.starter, "fewer than 20 % are allowed"),
    "stops when it has k": (
        RIGHT.replace("len(best) >= k and bound > best[k - 1][0]", "len(best) >= k"),
        "lacks",
    ),
    "only the nearest leaf": (
        "def nearest(root, k):\n    part = root\n    while part.parts:\n"
        "        part = min(part.parts, key=lambda p: p.at_least)\n"
        "    return [id for metres, id in sorted(part.places)[:k]]\n",
        "lacks",
    ),
    "farthest first": (RIGHT.replace("id in best]", "id in reversed(best)]"), "in the wrong order"),
    "gives distances": (RIGHT.replace("[id for", "[metres for"), "must return ids from 0 to 1,499; it returned "),
    "forgets to return": (RIGHT.replace("return [", "x = ["), "must return a list of ids; it returned None"),
    "twice the same": (RIGHT.replace("best]\n", "best[:1] * k]\n"), "is there twice"),
    "goes round in circles": (RIGHT.replace("heapq.heappop(todo)", "todo[0]"), "and they are used up"),
    "pokes inside": (RIGHT.replace("part.places", "part._tree.places(part._node)"), "_node is an inner matter"),
}  # fmt: skip


@pytest.fixture(scope="module")
def topic() -> Topic:
    return Topic.load(read_folder(Path(prayog_location.__file__).parent, "built-in"))


def handed_in(topic: Topic, code: str) -> SavedRun:
    scenario = topic.scenario("your_nearest")
    params = flat(topic.params({**scenario.params, "code": code}))
    return SavedRun("location", topic.manifest.version, scenario.id, params, scenario.seed)


def challenge(topic: Topic) -> Any:
    return next(each for each in topic.challenges() if each.id == "your-own-nearest")


class Quiet:
    def progress(self, done: int, total: int = 0, text: str = "") -> None:
        """Nobody looks."""


def test_best_first_passes_on_fifty_sets_behind_the_fence(topic: Topic) -> None:
    result = try_seeds(Quiet(), topic.manifest, challenge(topic), handed_in(topic, RIGHT))
    assert result.ok, result.reason
    assert len(result.seeds) == 50


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_fails_with_a_reason_that_helps(topic: Topic, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_open", True)  # these texts are ours
    code, why = WRONG[name]
    grader = Grader(challenge(topic), topic, handed_in(topic, code))
    failed: list[SeedResult] = [result for result in map(grader.seed, range(1, 6)) if not result.ok]
    assert failed, "it passed"
    assert why in failed[0].why
    assert failed[0].at is not None


def played(topic: Topic, code: str) -> RunResult:
    return run_scenario(topic, topic.scenario("your_nearest"), overrides={"code": code})


def test_every_part_that_was_opened_is_a_visit_once(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_open", True)
    result = played(topic, RIGHT.replace("best = sorted", "part.places; part.parts; best = sorted"))
    effort = [step.data for step in result.trace if step.kind == "effort"]
    visits = [step for step in result.trace if step.kind == "visit"]
    assert [each["opened"] for each in effort] == [20, 10, 34]
    assert len(visits) == sum(each["opened"] for each in effort)
    assert visits[0].data["code"] == "root"
    assert len({step.data["code"] for step in visits[:20]}) == 20
    assert all(step.data["reason"].startswith("your function opened it") for step in visits)


def test_a_run_that_fails_shows_how_far_it_came(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_open", True)
    code = "def nearest(root, k):\n    print(root)\n    root.parts[0].places\n    return root.size\n"
    kinds = [step.kind for step in played(topic, code).trace][:7]
    assert kinds == ["start", "action", "query", "visit", "visit", "printed", "code_error"]


def test_your_search_answers_the_k_nearest_only(topic: Topic) -> None:
    run = topic.build(Params(table="cabs in Indore", index="yours"), 1)
    with pytest.raises(ActionError, match="Your function finds the k nearest"):
        run.do(Action("radius", {"point": "22.7,75.8", "km": 5}))
    run.do(Action("nearest", {"point": "22.7196,75.8577", "k": 3}))
    while run.step() is not None:
        pass
    assert topic.check("right_neighbours", Params()).judge(run.trace).ok
    assert topic.code(Params()) is None
