"""The knobs of this topic: one set for all algorithms, so that two of them can run under the same seed and faults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from prayog_sdk.params import Choice, Code, FilePath, Slider, Text
from prayog_sim.clock import ms
from prayog_sim.network import Fixed, Link, Network, Uniform
from prayog_sim.node import Node

__all__ = ["ALGORITHMS", "CORRECT", "ETCD", "ETCD_DEEDS", "WHERE", "YOURS", "Factories", "Setup", "names", "network"]

CORRECT = "correct"
YOURS = "yours"
"""The variant in which a function of the learner's takes the place of a part."""
ETCD = "etcd"
"""The word among the options with which etcd is the real component, in the place of our own processes."""
ETCD_DEEDS = ("kill_leader", "sleeping_leader", "revive")
"""What can be done to it besides ``crash``, ``restart``, ``pause`` and ``resume`` of one member."""
Factories = Mapping[str, Callable[[], Node]]

WHERE = {
    "raft": "raft.family",
    "multiraft": "multiraft.family",
    "paxos": "paxos.single",
    "multipaxos": "paxos.multi",
    "vsr": "vsr.family",
    "zab": "zab.family",
    "bully": "elections.bully_family",
    "chang-roberts": "elections.chang_roberts",
    "lcr": "elections.lcr",
    "floodmax": "elections.floodmax",
    "hirschberg-sinclair": "elections.hirschberg_sinclair",
    "two-phase commit": "commit.two_phase",
    "primary-backup": "replication.primary_backup",
    "multi-master": "replication.multi_master",
    "quorum register": "replication.quorum",
    "fencing": "replication.fencing",
}
"""Algorithm → module below `prayog_consensus.engine` that holds its `FAMILY`."""
ALGORITHMS = tuple(WHERE)


@dataclass(frozen=True)
class Setup:
    """What is run.  Times are virtual; an algorithm ignores the knobs that mean nothing to it."""

    algorithm: Annotated[str, Choice(*ALGORITHMS, title="Algorithm")] = "raft"
    nodes: Annotated[int, Slider(1, 16, title="Nodes")] = 5
    variant: Annotated[
        str, Text(title="Variant", help="“correct”, the name of a broken variant, or “yours”.", longest=40)
    ] = CORRECT
    latency_ms: Annotated[float, Slider(0.1, 1_000, step=0.1, unit="ms", title="Delay of a message", log=True)] = 10.0
    jitter: Annotated[float, Slider(0, 1, step=0.05, title="Jitter", help="Share by which delays vary.")] = 0.2
    loss: Annotated[float, Slider(0, 0.9, step=0.01, title="Lost messages", unit="share")] = 0.0
    timeout_ms: Annotated[
        float,
        Slider(1, 10_000, unit="ms", title="Election timeout", help="The shortest; the longest is twice it.", log=True),
    ] = 150.0
    spread: Annotated[
        float, Slider(0, 1, step=0.05, title="Spread of timeouts", help="0: all timeouts are equal; 1: up to twice.")
    ] = 1.0
    writes: Annotated[float, Slider(0, 200, title="Writes of the client", unit="per s")] = 0.0
    topology: Annotated[str, Choice("complete", "ring", "line", "star", "random", title="Network graph")] = "complete"
    ids: Annotated[
        str, Text(title="Order of ids", help="ascending, descending, shuffled, highest-first, or 3,1,2.", longest=120)
    ] = "ascending"
    options: Annotated[
        str, Text(title="Options", help="Words of the algorithm, such as prevote or checkquorum.", longest=120)
    ] = ""
    program: Annotated[
        str,
        FilePath(title="Program of your own", help="It speaks Maelstrom’s protocol, and takes the algorithm’s place."),
    ] = ""
    workload: Annotated[
        str,
        Choice("echo", "unique-ids", "broadcast", "lin-kv", title="Workload", help="What is asked of your program."),
    ] = "echo"

    code: Annotated[str, Code(title="Your function", help="It is called where the variant is “yours”.")] = ""

    @property
    def words(self) -> tuple[str, ...]:
        """The options as words."""
        return tuple(self.options.replace(",", " ").split())

    @property
    def timeout_us(self) -> int:
        return ms(self.timeout_ms)


def names(count: int, letter: str = "n") -> tuple[str, ...]:
    """n1, n2, …"""
    return tuple(f"{letter}{number}" for number in range(1, count + 1))


def network(setup: Setup) -> Network:
    """Every link with the set-up's delay, jitter and loss."""
    middle = setup.latency_ms
    low, high = ms(middle * (1 - setup.jitter)), ms(middle * (1 + setup.jitter))
    latency = Uniform(low, high) if high > low else Fixed(low)
    return Network(Link(latency=latency, loss=setup.loss))
