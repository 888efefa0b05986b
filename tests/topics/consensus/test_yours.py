"""Functions that a learner writes for Raft and FloodMax: what passes, and what does not and why."""

from __future__ import annotations

from dataclasses import replace

import pytest

from prayog_consensus.engine.setup import Setup, names
from prayog_consensus.own import own_topic
from prayog_sdk.code.function import gate
from prayog_sdk.code.trial import try_seeds
from prayog_sdk.grading import Grader, SeedResult, grade
from prayog_sdk.lessons import Challenge
from prayog_sdk.params import ParamError, flat
from prayog_sdk.saved import SavedRun
from prayog_sdk.topic import Topic
from prayog_sim.run import Action

VOTE = """\
def on_vote_request(state, msg):
    if msg.term < state.term:
        return False
    if msg.term > state.term:
        state.term = msg.term
        state.voted_for = ""
    if state.voted_for not in ("", msg.candidate):
        return False
    if (msg.last_term, msg.last_index) < (state.last_term, state.last_index):
        return False
    state.voted_for = msg.candidate
    return True
"""
"""Figure 2, RequestVote RPC, and §5.4.1."""
OLD = "    if msg.term < state.term:\n        return False\n"
LOG = "(msg.last_term, msg.last_index) < (state.last_term, state.last_index)"
WRONG_VOTES = {
    "votes for everybody": ("", "voted twice in term"),
    "does not look at the log": (VOTE.replace(LOG, "False"), "without the entry of term"),
    "looks at the length only": (VOTE.replace(LOG, "msg.last_index < state.last_index"), "without the entry of term"),
    "looks at the term only": (VOTE.replace(LOG, "msg.last_term < state.last_term"), "without the entry of term"),
    "forgets its vote": (VOTE.replace("    state.voted_for = msg.candidate\n", ""), "voted twice in term"),
    "keeps its vote for ever": (VOTE.replace('        state.voted_for = ""\n', ""), "no client was answered after"),
    "wants a longer log": (VOTE.replace(") < (state", ") <= (state"), "no client was answered after"),
    "goes back in time": (
        VOTE.replace(OLD, "").replace("msg.term > state", "msg.term != state"),
        "after it was in term",
    ),
    "never votes": ("def on_vote_request(state, msg):\n    return False\n", "no client was answered after"),
    "forgets to return": (VOTE.replace("    return True\n", ""), "must return True or False; it returned None"),
    "waits for ever": (VOTE.replace("    return True\n", "    while True: pass\n"), "Line 12: a call has 2,000 steps"),
    "keeps rubbish": (VOTE.replace("state.term = msg.term", "state.term = 'x'"), "a whole number in state.term"),
}  # fmt: skip
FLOOD = """\
def on_round(state, heard):
    state.highest = max([state.highest, *heard])
    if state.round >= state.bound - 1:
        state.leader = state.highest
        state.stopped = True
        return None
    return state.highest
"""
"""Lynch, section 4.1: no way in a graph of n nodes is longer than n - 1, and n is at most the bound."""
WRONG_FLOODS = {
    "stops when it hears nothing new": ("", " believes in "),
    "log n rounds": (FLOOD.replace("state.bound - 1", "state.bound.bit_length() - 1"), " believes in "),
    "half of the bound": (FLOOD.replace("state.bound - 1", "state.bound // 2"), " believes in "),
    "one round too few": (FLOOD.replace("state.bound - 1", "state.bound - 2"), " believes in "),
    "tells only its own": (FLOOD.replace("    return state.highest", "    return state.id"), " believes in "),
    "never stops": (FLOOD.replace("state.stopped = True", "pass"), "did not stop"),
    "no leader": (FLOOD.replace("state.leader = state.highest", "pass"), "stopped without a leader"),
    "itself": (FLOOD.replace("state.leader = state.highest", "state.leader = state.id"), " believes in "),
    "a number of its own": (FLOOD.replace("state.leader = state.highest", "state.leader = 99"), "declared itself"),
    "lists": (FLOOD.replace("return state.highest", "return [state.highest]"), "must return a whole number or None"),
    "keeps a function": (FLOOD.replace("return state.highest", "state.kept = max"), "found a builtin_function"),
}  # fmt: skip


class Quiet:
    def progress(self, done: int, total: int = 0, text: str = "") -> None:
        """Nobody looks."""


@pytest.fixture(scope="module")
def topic() -> Topic:
    return own_topic()


def challenge(topic: Topic, name: str) -> Challenge:
    return next(each for each in topic.challenges() if each.id == name)


def handed_in(topic: Topic, name: str, code: str) -> SavedRun:
    scenario = topic.scenario(challenge(topic, name).scenario)
    params = flat(topic.params({**scenario.params, "code": code}))
    return SavedRun("consensus", topic.manifest.version, scenario.id, params, scenario.seed)


def failures(topic: Topic, name: str, code: str, seeds: int) -> list[SeedResult]:
    """The first seed on which `code` fails, as a list; the later ones are not tried."""
    grader = Grader(challenge(topic, name), topic, handed_in(topic, name, code))
    assert not grader.refused
    for seed in range(1, seeds + 1):
        result = grader.seed(seed)
        if not result.ok:
            return [result]
    return []


def test_every_challenge_with_code_has_a_solution_here(topic: Topic) -> None:
    assert {each.id for each in topic.challenges() if each.played == "script"} == {"your-vote", "floodmax-with-a-bound"}


def test_the_vote_of_the_paper_passes_two_hundred_storms_behind_the_fence(topic: Topic) -> None:
    task = challenge(topic, "your-vote")
    assert len(task.seeds) == 200
    result = try_seeds(Quiet(), topic.manifest, task, handed_in(topic, "your-vote", VOTE))
    assert result.ok, result.reason


@pytest.mark.parametrize("name", WRONG_VOTES)
def test_a_wrong_vote_fails_with_a_reason_that_helps(topic: Topic, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_open", True)  # these texts are ours
    code, why = WRONG_VOTES[name]
    failed = failures(topic, "your-vote", code, 30)
    assert failed, "it passed"
    assert why in failed[0].why, failed[0].why
    assert failed[0].at is not None


def test_floodmax_with_a_bound_passes_on_fifty_graphs_behind_the_fence(topic: Topic) -> None:
    task = challenge(topic, "floodmax-with-a-bound")
    result = try_seeds(Quiet(), topic.manifest, task, handed_in(topic, "floodmax-with-a-bound", FLOOD))
    assert result.ok, result.reason
    assert len(result.seeds) == 50


@pytest.mark.parametrize("name", WRONG_FLOODS)
def test_a_wrong_flood_fails_with_a_reason_that_helps(topic: Topic, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_open", True)
    code, why = WRONG_FLOODS[name]
    failed = failures(topic, "floodmax-with-a-bound", code, 50)
    assert failed, "it passed"
    assert why in failed[0].why, failed[0].why


def test_the_fifty_graphs_differ_in_size_and_shape(topic: Topic) -> None:
    params = topic.params(topic.scenario("floodmax_yours").params)
    worlds = [topic.build(params, seed) for seed in range(1, 51)]
    sizes = [len(world.view().nodes) for world in worlds]
    assert min(sizes) < 7
    assert max(sizes) == 16
    assert len(set(sizes)) > 8


def test_a_storm_is_the_same_for_every_function_and_ends_whole(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_open", True)
    scenario = topic.scenario("raft_your_vote")
    told = []
    for code in ("", VOTE):
        world = topic.build(topic.params({**scenario.params, "code": code}), 7)
        while world.next_at is not None and world.next_at <= 2_600_000:
            world.step()
        told.append([(s.at, s.data["name"], s.data.get("node")) for s in world.trace if s.data.get("by") == "schedule"])
        assert all(node.status == "up" for node in world.view().nodes.values())
        assert not world.view().cuts
    assert len(told[0]) > 8
    assert [each for each in told[0] if each[1] != "propose"] == [each for each in told[1] if each[1] != "propose"]


def test_the_same_storm_spares_the_algorithm_as_it_is(topic: Topic) -> None:
    scenario = topic.scenario("raft_your_vote")
    for seed in range(1, 11):
        params = topic.params({**scenario.params, "variant": "correct"})
        world = topic.build(params, seed)
        while world.next_at is not None and world.next_at <= 3_500_000:
            world.step()
        for name in ("safe", "works_again", "one_leader"):
            verdict = topic.check(name, params).judge(world.trace)
            assert verdict.ok, f"seed {seed}: {verdict.reason}"


def test_what_a_node_keeps_survives_a_crash_and_is_its_own(topic: Topic, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_open", True)
    code = "def on_round(state, heard):\n    state.kept = [*(state.kept or []), state.round]\n    return None\n"
    scenario = topic.scenario("floodmax_yours")
    world = topic.build(topic.params({**scenario.params, "code": code}), 1)
    for _ in range(30):
        world.step()
    kept = {tuple(node.durable["kept"]) for node in world.view().nodes.values()}
    assert len(kept) <= 2
    assert all(each == tuple(range(len(each))) for each in kept)
    before = world.view().nodes["n2"].durable["kept"]
    world.do(Action("crash", {"node": "n2"}))
    assert world.view().nodes["n2"].durable["kept"] == before


def test_yours_is_offered_where_there_is_something_to_write(topic: Topic) -> None:
    assert topic.code(Setup()) is None
    assert topic.code(Setup(variant="yours")) is not None
    assert topic.code(Setup(variant="yours", algorithm="paxos")) is None
    with pytest.raises(ParamError, match="variant is one of"):
        topic.build(Setup(variant="yours", algorithm="paxos"), 1)
    assert names(2) == ("n1", "n2")


def test_the_first_solutions_are_graded_in_this_process(topic: Topic) -> None:
    for name in ("your-vote", "floodmax-with-a-bound"):
        task = challenge(topic, name)
        few = replace(task, seeds=(1, 2, 3))
        assert not grade(few, topic, handed_in(topic, name, "")).ok
