"""Algorithms as small systems: every one is explored, with all its options, and its time is what it needs."""

from __future__ import annotations

import dataclasses

import pytest

from prayog_consensus.engine.exploring import ASKED, ROUNDS, Small, counter_example, system, timing
from prayog_consensus.engine.families import every, family
from prayog_sim.explorer import Explorer, Limits, Report, offers
from prayog_sim.explorer.system import State, System

WORDS = {
    "raft": ("prevote", "checkquorum", "leasereads clients=1", "logreads clients=1", "disk", "compact=2", "spare=1"),
    "multiraft": ("ranges=1", "naive", "leasereads clients=1"),
    "bully": ("majority", "quiet"),
    "multi-master": ("lww",),
    "floodmax": ("onchange",),
}


def explored(small: Small, states: int = 1_500) -> Report:  # type: ignore[type-arg]
    return Explorer(system(small)).run(Limits(states=states))


def failed(report: Report) -> list[str]:  # type: ignore[type-arg]
    return [verdict.sentence for verdict in report.verdicts if verdict.outcome == "fails"]


@pytest.mark.parametrize(
    ("name", "options"),
    [(family.name, words) for family in every() for words in ("", *WORDS.get(family.name, ()))],
)
def test_the_correct_variant_holds_as_far_as_it_was_explored(name: str, options: str) -> None:
    """Also where nothing happens unless somebody asks: then it is asked."""
    actions = ("elect node=n1",) if options == "quiet" else ASKED.get(name, ())
    report = explored(Small(name, timers=2, options=options, actions=actions))
    assert failed(report) == []
    assert report.progress.states > 20


# -- what clients are told -------------------------------------------------------------------------------------


def test_answers_are_judged_as_on_a_bench() -> None:
    """R = W = 1 of three: a write is over, and a read that begins afterwards gets nothing."""
    asked = ("write node=c1 value=1", "read node=c2")
    small = Small("quorum register", actions=asked, options="single r=1 w=1", timers=0, messages=30)
    report = explored(small, 5_000)
    verdict = report["linearizable"]
    assert (verdict.outcome, failed(report)) == ("fails", [verdict.sentence])
    assert verdict.path is not None
    run, _, _ = counter_example(small, verdict.path, verdict.name)
    check = next(check for check in family("quorum register").checks if check.name == "linearizable")
    assert not check.judge(run.trace).ok
    complete = explored(dataclasses.replace(small, options="single writeback"), 60_000)
    assert (complete.progress.stopped, failed(complete)) == ("complete", [])


# -- rounds ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ids", ["ascending", "descending", "2,3,1"])
@pytest.mark.parametrize("name", ROUNDS)
def test_algorithms_in_rounds_are_explored_to_the_end(name: str, ids: str) -> None:
    """All have decided, and alike, in every state in which nothing can happen any more."""
    found = system(Small(name, ids=ids, topology="line"))
    explorer = Explorer(found)
    report = explorer.run()
    assert (report.progress.stopped, failed(report)) == ("complete", [])
    ends = [state for state in explorer.states if not found.successors(state)]
    highest = f"n{ids.split(',').index('3') + 1}" if "," in ids else {"ascending": "n3", "descending": "n1"}[ids]
    assert ends
    for state in ends:
        assert {node.leader for node in found.snapshot(state).nodes.values()} == {highest}  # type: ignore[attr-defined]


def test_too_few_rounds_are_found_out_and_shown_on_a_bench() -> None:
    small = Small("floodmax", nodes=4, topology="line", variant="log-rounds")
    report = explored(small, 5_000)
    verdict = next(verdict for verdict in report.verdicts if verdict.outcome == "fails")
    assert verdict.path is not None
    run, before, after = counter_example(small, verdict.path, verdict.name)
    assert after <= before
    assert run.trace[-1].data["sentence"] == "n1 decided for 3, but 4 takes part"


@pytest.mark.parametrize("fault", [{"drops": 1}, {"crashes": 1}, {"late": True}])
def test_the_model_of_rounds_can_be_broken(fault: dict[str, int]) -> None:
    assert failed(explored(Small("floodmax", topology="line", **fault), 5_000)) != []  # type: ignore[arg-type]


# -- a clock ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("raft", "", "There is no clock"),
        ("raft", "leasereads", "leasereads reads the clock: so one clock goes on in steps of 50 ms, to 600 ms"),
        (
            "lcr",
            "",
            "It works in rounds: so one clock goes on in steps of 11 ms, to 132 ms; messages arrive within one",
        ),
    ],
)
def test_what_time_is_in_an_exploration_is_said(name: str, options: str, words: str) -> None:
    assert timing(Small(name, options=options))[1].startswith(words)


def test_a_lease_holds_while_the_clocks_run_and_nobody_stops() -> None:
    report = explored(Small("bully", options="majority", steps=24), 100_000)
    assert (report.progress.stopped, failed(report)) == ("complete", [])


def test_a_lease_cannot_help_against_a_leader_that_is_paused() -> None:
    small = Small("bully", options="majority", pauses=1, steps=9)
    report = explored(small, 70_000)
    verdict = report["one leads at a time"]
    assert verdict.outcome == "fails"
    assert verdict.path is not None
    run, _, _ = counter_example(small, verdict.path, verdict.name)
    assert {step.kind for step in run.trace} >= {"pause", "timer", "deliver"}
    view = run.view()
    assert view.nodes["n3"].status == "paused"
    assert [name for name, node in view.nodes.items() if node.volatile["state"] == "leader"] == ["n2", "n3"]


# -- torn writes -----------------------------------------------------------------------------------------------


def _walk(found: System, *kinds: str) -> State:
    """The state after the first choice of each kind."""
    state = found.initial()[0]
    for kind in kinds:
        state = next(new for choice, new in found.steps(state) if choice.kind == kind)
    return state


def test_a_torn_write_leaves_every_part_of_it_and_raft_reads_what_is_whole() -> None:
    found = system(Small("raft", options="disk", torn=1, timers=1))
    state = _walk(found, "timer")  # a candidate has written term and vote, and not synced them
    torn = [new for choice, new in found.steps(state) if choice.kind == "torn"]
    safe = sorted(sum(len(data) for _, data in found.actors.locals[new[0][0]].disk[0]) for new in torn)
    assert len(safe) == 3
    assert safe[0] == 0 < safe[1] < safe[2]
    again = [new for after in torn for choice, new in found.steps(after) if choice.kind == "restart"]
    assert sorted(found.snapshot(new).nodes["n1"].term for new in again) == [0, 0, 1]  # type: ignore[attr-defined]
    assert failed(explored(Small("raft", options="disk", torn=1, timers=2), 3_000)) == []
    reason = next(offer.reason for offer in offers(found, found.initial()[0]) if offer.choice.kind == "torn")
    assert reason == "n1 has nothing that was not synced"
