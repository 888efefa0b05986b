"""The smallest engine under random fault schedules: what gossip promises holds, and a broken gossip is caught."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.smallest.prayog_smallest.engine import Gossiper
from prayog_sim.faults import Fault, fault
from prayog_sim.network import Link, Network
from prayog_sim.node import Node
from prayog_sim.world import Invariant, World

NAMES = ("n1", "n2", "n3", "n4", "n5")
names = st.sampled_from(NAMES)
times = st.integers(0, 120_000)
schedules = st.lists(
    st.one_of(
        st.builds(lambda at, node: fault(at, "crash", node=node), times, names),
        st.builds(lambda at, node: fault(at, "restart", node=node), times, names),
        st.builds(lambda at, node: fault(at, "pause", node=node), times, names),
        st.builds(lambda at, node: fault(at, "resume", node=node), times, names),
        st.builds(lambda at, src, dst: fault(at, "cut", src=src, dst=dst), times, names, names),
        st.builds(lambda at: fault(at, "partition", groups="n1,n2|n3"), times),
        st.builds(lambda at: fault(at, "heal"), times),
    ),
    max_size=12,
)


class Forgetful(Gossiper):
    """Broken: what it heard is not stored."""

    durable = ()


def rumour(engine: type[Gossiper], schedule: list[Fault], seed: int) -> World:
    def remembers(nodes: dict[str, Node]) -> str | None:
        return None if nodes["n1"].knows else "n1 forgot the rumour"  # type: ignore[attr-defined]

    nodes = {name: (lambda name=name: engine(knows=name == "n1")) for name in NAMES}
    network = Network(Link(loss=0.1, duplicate=0.1, reorder=0.2))
    run = World(nodes, seed, network, schedule, [Invariant("remembers", remembers)], strict=True)  # type: ignore[arg-type]
    run.run(until_us=300_000)
    return run


def twice_told(run: World) -> list[str]:
    """Nodes that heard the rumour as news more than once, though it is durable."""
    news = Counter(step.node for step in run.trace for effect in step.effects if effect.kind == "note")
    return sorted(name for name, count in news.items() if count > 1)


@settings(max_examples=60, deadline=None)
@given(schedules, st.integers(0, 10_000))
def test_gossip_keeps_its_promises_under_any_faults(schedule: list[Fault], seed: int) -> None:
    run = rumour(Gossiper, schedule, seed)
    assert not [step for step in run.trace if step.kind in ("violation", "error", "halted")]
    assert twice_told(run) == []
    heard = {step.node for step in run.trace for effect in step.effects if effect.kind == "note"}
    for name, node in run.view().nodes.items():
        assert node.durable["knows"] is (name == "n1" or name in heard)
    assert rumour(Gossiper, schedule, seed).trace.hash() == run.trace.hash()


@pytest.mark.parametrize("seed", range(3))
def test_a_gossip_that_stores_nothing_is_caught(seed: int) -> None:
    schedule = [fault(60_000, "crash", node=name) for name in NAMES[1:]]
    schedule += [fault(61_000, "restart", node=name) for name in NAMES[1:]]
    assert twice_told(rumour(Gossiper, schedule, seed)) == []
    schedule.append(fault(65_000, "crash", node="n1"))
    schedule.append(fault(66_000, "restart", node="n1"))
    assert twice_told(rumour(Forgetful, schedule, seed)) != []
