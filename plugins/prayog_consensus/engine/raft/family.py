"""Raft as the topic sees it: how to make its nodes, and everything that can be asked of a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.raft.client import Client
from prayog_consensus.engine.raft.disk import DiskServer
from prayog_consensus.engine.raft.figures import figure7
from prayog_consensus.engine.raft.invariants import invariants
from prayog_consensus.engine.raft.measures import CHECKS, MEASURES
from prayog_consensus.engine.raft.messages import Members
from prayog_consensus.engine.raft.options import Options, number
from prayog_consensus.engine.raft.provoke import ACTIONS, RaftWorld
from prayog_consensus.engine.raft.roles import ROLES
from prayog_consensus.engine.raft.server import Server
from prayog_consensus.engine.raft.storm import WORKS_AGAIN, storm
from prayog_consensus.engine.raft.variants import VARIANTS
from prayog_consensus.engine.raft.yours import VOTE
from prayog_consensus.engine.setup import Factories, Setup, names, network
from prayog_sdk.specs import SeriesSpec
from prayog_sim.node import Node
from prayog_sim.world import Invariant

__all__ = ["FAMILY", "nodes"]


def nodes(setup: Setup) -> Factories:
    """The servers n1, n2, …, spare ones behind them, and the clients c1, c2, …"""
    options = Options.of(setup)
    first = names(setup.nodes)
    servers = names(setup.nodes + number(setup, "spare", 0))
    kind = DiskServer if options.disk else Server
    logs = figure7() if "figure7" in setup.words else {}
    made: dict[str, Callable[[], Node]] = {
        name: partial(kind, name, Members(first), options, *logs.get(name, ())) for name in servers
    }
    clients = number(setup, "clients", 1 if setup.writes else 0)
    period = round(1_000_000 * clients / setup.writes) if setup.writes else 0
    for name in names(clients, "c"):
        made[name] = partial(Client, name, servers, options.timeout, period, "mixed" in setup.words)
    return made


def _build(setup: Setup, seed: int) -> RaftWorld:
    made = nodes(setup)
    faults = storm(names(setup.nodes), tuple(made), seed) if "storm" in setup.words else ()
    return RaftWorld(made, seed, network(setup), faults, invariants())


def _invariants(setup: Setup) -> tuple[Invariant, ...]:
    return invariants()


_COUNTS = "raft_counts"
_FORMULAS = (
    Formula(
        "Election", "election_messages", lambda n: 2 * (n - 1),
        "A candidate asks n − 1 others, and each answers.", _COUNTS, "§5.2",
    ),
    Formula(
        "Pre-vote", "prevote_messages", lambda n: 2 * (n - 1),
        "The same once more, before the term is raised.", "raft_prevote_counts", "thesis 9.6",
    ),
    Formula(
        "One command", "command_messages", lambda n: 2 * (n - 1),
        "The leader sends it to n − 1 followers, and each answers; that it is committed they learn with the next "
        "heartbeat.", _COUNTS, "§5.3",
    ),
    Formula(
        "From start to quiet", "quiet_messages", lambda n: 6 * (n - 1),
        "Election, no-op, and the heartbeat that tells of the commit: three rounds of 2(n − 1).", _COUNTS,
        "etcd-io/raft, testdata/campaign.txt: 12 for n = 3",
    ),
    Formula(
        "Read-index read", "read_messages", lambda n: 2 * (n - 1),
        "One round of heartbeats for a read that is not in the log.", _COUNTS, "thesis 6.4",
    ),
    Formula(
        "Lease read", "read_messages", lambda n: 0,
        "No message at all while the lease holds.", "raft_lease_counts", "thesis 6.4.1",
    ),
)  # fmt: skip

FAMILY = Family(
    name="raft",
    title="Raft",
    source="Ongaro and Ousterhout, In Search of an Understandable Consensus Algorithm, extended version, 2014",
    summary="A leader elected by majority writes one log, and what a majority has stored is final.",
    nodes=nodes,
    invariants=_invariants,
    build=_build,
    actions=ACTIONS,
    checks=(*CHECKS, WORKS_AGAIN),
    measures=MEASURES,
    series=(SeriesSpec("commit", "Committed index", per_node=True),),
    variants=VARIANTS,
    formulas=_FORMULAS,
    table=ROLES,
    code=VOTE,
)
