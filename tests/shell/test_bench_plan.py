"""A script that is followed step by step does exactly what it does when it is played at one go."""

from __future__ import annotations

from pathlib import Path

import pytest

from prayog.ui.bench.causes import causes, consequences
from prayog.ui.bench.plan import Recorded, replay
from prayog.ui.bench.script_plan import ScriptPlan
from prayog_sdk.manifest import read_folder
from prayog_sdk.topic import Topic
from prayog_sim.run import Run
from prayog_sim.script import parse, play

GOSSIP = Path(__file__).parent.parent / "plugins" / "smallest"

SCRIPTS = {
    "to rest": "world nodes=5 seed=7\nrun\n",
    "a while": "world nodes=4 seed=3\nrun 120ms\n",
    "faults": (
        "world nodes=5 seed=7 loss=0.1\nat 35ms crash node=n2\nat 60ms restart n2\nrun until=note count=2\n"
        'partition "n1,n2|n3,n4,n5"\nrun 50ms\nheal\nstep 3\ncrash n1\nrun\n'
    ),
    "steps": "world nodes=3 seed=1\nstep 7\npause n1\nstep\nresume n1\nrun 20ms\nrun 20ms\ncrash n3\n",
    "nothing in between": "world nodes=3 seed=1\nrun 3ms\ncrash n2\nrun 1ms\nrestart n2\nrun 200ms\n",
}


@pytest.fixture
def gossip() -> Topic:
    topic = Topic.load(read_folder(GOSSIP))
    yield topic
    topic.close()


def followed(run: Run, plan: ScriptPlan | Recorded) -> Run:
    limit = 100_000
    while not plan.done and (limit := limit - 1):
        due, before = plan.next_at(run), len(run.trace)
        plan.step(run)
        if len(run.trace) > before and due is not None:
            assert run.trace[before].at == due, "the animation runs towards the right moment"
    assert limit, "the plan never ends"
    return run


@pytest.mark.parametrize("name", SCRIPTS)
def test_followed_and_played_give_one_trace(gossip: Topic, name: str) -> None:
    script = parse(SCRIPTS[name], name)
    params = gossip.params(script.params)
    played = gossip.build(params, script.seed)
    play(script, played, lambda text, trace: None)
    stepped = followed(gossip.build(params, script.seed), ScriptPlan(script, {}))
    assert stepped.trace.hash() == played.trace.hash()
    assert len(stepped.trace) > 5


@pytest.mark.parametrize("upto", [-1, 0, 4, 17, 60])
def test_a_replay_ends_where_it_should(gossip: Topic, upto: int) -> None:
    script = parse(SCRIPTS["faults"], "faults")
    params = gossip.params(script.params)
    first = followed(gossip.build(params, 7), ScriptPlan(script, {}))
    again = gossip.build(params, 7)
    replay(again, first.actions, upto)
    assert len(again.trace) == upto + 1
    assert again.trace[:] == first.trace[: upto + 1]


def test_on_another_seed_the_deeds_come_at_the_same_times(gossip: Topic) -> None:
    script = parse(SCRIPTS["faults"], "faults")
    first = followed(gossip.build(gossip.params(script.params), 7), ScriptPlan(script, {}))
    other = followed(gossip.build(gossip.params(script.params), 8), Recorded(first.actions, by_time=True))
    assert [(t.at, t.action) for t in other.actions] == [(t.at, t.action) for t in first.actions]
    assert other.trace.hash() != first.trace.hash()


def test_causes_lead_back_to_the_start(gossip: Topic) -> None:
    run = followed(gossip.build(gossip.params({}), 7), ScriptPlan(parse(SCRIPTS["to rest"], ""), {}))
    heard = next(step for step in run.trace if any(effect.kind == "note" for effect in step.effects))
    chain = causes(run.trace, heard.seq)
    assert [step.kind for step in chain] == ["timer", "start"]
    assert heard in consequences(run.trace, chain[0].seq)
