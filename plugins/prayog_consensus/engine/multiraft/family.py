"""Multi-Raft as the topic sees it.

Words of the options, besides Raft's: ``ranges=3`` (to begin with), ``naive`` (every range sends its own heartbeats),
``hot=mumbai`` (one key gets most requests).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.multiraft.client import RangeClient
from prayog_consensus.engine.multiraft.invariants import invariants
from prayog_consensus.engine.multiraft.messages import END, Range
from prayog_consensus.engine.multiraft.store import Store
from prayog_consensus.engine.raft.measures import CHECKS
from prayog_consensus.engine.raft.options import Options, number
from prayog_consensus.engine.raft.roles import ROLES
from prayog_consensus.engine.setup import Factories, Setup, names
from prayog_sdk.checks import count
from prayog_sdk.specs import ActionSpec, Arg, Variant
from prayog_sim.node import Node
from prayog_sim.trace import Trace
from prayog_sim.world import Invariant

__all__ = ["FAMILY"]


def ranges(many: int) -> tuple[Range, ...]:
    """`many` ranges that cut the alphabet into about equal parts."""
    cuts = ["", *(chr(ord("a") + 26 * number // many) for number in range(1, many)), END]
    return tuple(Range(str(number), start, end) for number, (start, end) in enumerate(pairwise(cuts), 1))


def nodes(setup: Setup) -> Factories:
    """The stores n1, n2, … and the clients c1, c2, …"""
    options = Options.of(setup)
    stores = names(setup.nodes)
    first = ranges(min(26, max(1, number(setup, "ranges", 3))))
    made: dict[str, Callable[[], Node]] = {
        name: partial(Store, name, stores, options, first, "naive" in setup.words) for name in stores
    }
    clients = number(setup, "clients", 1 if setup.writes else 0)
    period = round(1_000_000 * clients / setup.writes) if setup.writes else 0
    hot = next((word.removeprefix("hot=") for word in setup.words if word.startswith("hot=")), "")
    for name in names(clients, "c"):
        made[name] = partial(RangeClient, name, stores, options.timeout, first, period, "mixed" in setup.words, hot)
    return made


def _invariants(setup: Setup) -> tuple[Invariant, ...]:
    return invariants()


def _beat_messages(trace: Trace) -> int | None:
    """All messages of the last whole heartbeat interval; None before there was one."""
    beats = sorted({s.at for s in trace if s.kind == "timer" and s.data["name"].endswith("beat")})
    if len(beats) < 2:
        return None if len({s.node for s in trace}) > 1 else 0
    return sum(effect.kind == "send" for step in trace if beats[-2] <= step.at < beats[-1] for effect in step.effects)


_STORE = Arg("node", "node", "Store")
_RANGE = Arg("range", "text", "Range", "1")
_CLIENT = (Arg("node", "node", "Client", "c1"), Arg("key", "text", "Key", "mumbai"))
_FIRST = Arg("key", "text", "First key of the new range", "m")
_ACTIONS = (
    ActionSpec("write", "Write", "A client sets a key.", "node", (*_CLIENT, Arg("value", "text", "Value")), "W"),
    ActionSpec("read", "Read", "A client reads a key.", "node", _CLIENT, "R"),
    ActionSpec("split", "Split a range", "Its leader cuts it in two.", "node", (_STORE, _RANGE, _FIRST)),
    ActionSpec("merge", "Merge to the left", "The range becomes part of its left neighbour.", "node", (_STORE, _RANGE)),
    ActionSpec("transfer", "Hand over", "Another store leads the range.", "node", (
        _STORE, _RANGE, Arg("to", "node", "To"),
    )),
    ActionSpec("campaign", "Time out", "The range's election timeout is over on this store.", "node", (_STORE, _RANGE)),
)  # fmt: skip
_FORMULAS = (
    Formula(
        "Heartbeats, one by one", "beat_messages", lambda n: 16 * (n - 1),
        "8 ranges, each 2(n − 1) in an interval: the sum over all groups.", "multiraft_naive", "CockroachDB design",
    ),
    Formula(
        "Heartbeats, together", "beat_messages", lambda n: 2 * min(8, n) * (n - 1),
        "One message and one answer for each pair of stores, at most 2·S(S − 1), however many ranges there are.",
        "multiraft_beats", "CockroachDB design",
    ),
)  # fmt: skip
_VARIANTS = (
    Variant(
        "ignores_epoch", "Serves what it does not hold any more", {"variant": "ignores_epoch"}, "safe",
        "multiraft_stale_epoch", 1,
        "After a split, the old leader goes on serving keys of the other half to clients with an old map.",
    ),
)  # fmt: skip

FAMILY = Family(
    name="multiraft",
    title="Multi-Raft",
    source="CockroachDB and TiKV design documents; pingcap/tla-plus, RaftMerge",
    summary="One Raft group for each range of keys, many groups on each store: that spreads the load.",
    nodes=nodes,
    invariants=_invariants,
    actions=_ACTIONS,
    checks=tuple(check for check in CHECKS if check.name == "linearizable"),
    measures={
        "beat_messages": _beat_messages,
        "splits": count("split"),
        "merges": count("merge"),
        "stale_requests": count("stale"),
        "leaders": count("leader"),
        "retries": count("retry"),
    },
    variants=_VARIANTS,
    formulas=_FORMULAS,
    table=ROLES,
)
