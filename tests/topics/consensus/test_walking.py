"""A walk by hand through a small system: forwards, back, barred choices, and to the bench."""

from __future__ import annotations

import pytest

from prayog_consensus.engine.exploring import ASKED, Small, system
from prayog_consensus.walking import Walk
from prayog_sim.explorer import Explorer, Limits


def _take(walk: Walk, *words: str) -> None:
    for word in words:
        walk.take(next(offer.choice for offer in walk.moment().open if str(offer.choice).startswith(word)))


def test_a_walk_goes_on_and_back_and_keeps_the_way_ahead() -> None:
    walk = Walk(Small("raft", crashes=1))
    _take(walk, "n1 timer election", "deliver n1 → n2", "n2 crash")
    here = walk.moment()
    assert (here.place, here.changed) == (3, {"n2"})
    assert here.view.nodes["n2"].status == "down"
    back = walk.go(1)
    assert [str(choice) for choice in back.path] == [str(choice) for choice in here.path]
    assert back.view.nodes["n2"].status == "up"
    assert back.changed == {"n1"}
    assert walk.take(back.path[1]).path == here.path  # the same choice again keeps what was ahead
    other = next(offer.choice for offer in walk.go(1).open if str(offer.choice).startswith("deliver n1 → n3"))
    assert len(walk.take(other).path) == 2  # another one does not


def test_what_cannot_be_chosen_says_why() -> None:
    walk = Walk(Small("raft", crashes=1, timers=1))
    _take(walk, "n1 timer election", "n1 crash")
    barred = {str(offer.choice): offer.reason for offer in walk.moment().barred}
    assert barred["n2 crash"] == "the one crash of the bounds happened already"
    assert barred["n2 timer election"] == "the one timer firing of the bounds happened already"
    assert barred["n1 timer election"] == "n1 is down"
    with pytest.raises(ValueError, match="this cannot be chosen here: n2 crash"):
        walk.take(next(offer.choice for offer in walk.moment().barred if str(offer.choice) == "n2 crash"))


def test_a_counter_example_is_walked_and_taken_to_the_bench() -> None:
    small = Small("paxos", variant="no-promise-check", timers=0, messages=9, actions=ASKED["paxos"])
    report = Explorer(system(small)).run(Limits(states=60_000))
    verdict = next(verdict for verdict in report.verdicts if verdict.outcome == "fails")
    assert verdict.path is not None
    walk = Walk(small)
    end = walk.follow(verdict.path)
    assert verdict.name in end.violated
    assert end.violated[verdict.name] in verdict.sentence
    assert not walk.go(end.place - 1).violated
    walk.go(end.place)
    assert any(step.kind == "violation" for step in walk.world().trace)
