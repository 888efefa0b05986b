"""What must never happen in Raft: the five properties of Figure 3, and what etcd and CCF found worth testing besides.

They are strong on purpose.  “Two logs never disagree below the commit index” finds nothing in a run whose only witness
has crashed; so commitments are remembered (see `witness`), and a leader that lacks one is caught when it is elected.

*Believed but false* (kept out): “whoever has more votes has the more up-to-date log” does not hold in legal runs
(microsoft/CCF pull request 5935), nor does “a granted vote is still the voter's vote” (commented out in etcd's TLA+).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from operator import attrgetter
from typing import Any

from prayog_consensus.engine.raft.disk import DiskServer
from prayog_consensus.engine.raft.log import MISSING, Log
from prayog_consensus.engine.raft.messages import Members
from prayog_consensus.engine.raft.server import Server
from prayog_sim.node import Node
from prayog_sim.world import Invariant

__all__ = ["TESTS", "invariants"]

Servers = Mapping[str, Server]
Test = Callable[[Servers], str | None]


class _WhenChanged:
    """Tests again only when one of the `fields` of some server has changed: logs are values, so that is exact."""

    def __init__(self, fields: Sequence[str], test: Test) -> None:
        self._look = attrgetter(*fields)
        self._test = test
        self._names: tuple[str, ...] = ()
        self._seen: list[Any] = []
        self._verdict: str | None = None

    def __call__(self, nodes: Mapping[str, Node]) -> str | None:
        if not self._names:
            self._names = tuple(name for name, node in nodes.items() if isinstance(node, Server))
        look = self._look
        seen = [look(nodes[name]) for name in self._names]
        if seen != self._seen:
            servers = {name: node for name in self._names if isinstance(node := nodes[name], Server)}
            self._seen, self._verdict = seen, self._test(servers)
        return self._verdict


def _known(servers: Servers) -> Servers:
    """Those whose log can be seen: of a server that is down, what is on its disk is not known until it reads it."""
    return {name: node for name, node in servers.items() if node.loaded or not isinstance(node, DiskServer)}


def _election_safety(servers: Servers) -> str | None:
    """At most one leader can be elected in a term (Figure 3)."""
    won: dict[int, str] = {}
    for name, node in servers.items():
        for term in node._led:
            if term in won:
                twice = f"{name} twice" if won[term] == name else f"{won[term]} and {name}"
                return f"two elections were won in term {term}: by {twice}"
            won[term] = name
    return None


def _append_only(servers: Servers) -> str | None:
    """A leader never overwrites or deletes entries in its log (Figure 3)."""
    for name, node in servers.items():
        if node.leads and node.log.last < node._highest[0]:
            return f"leader {name} had {node._highest[0]} entries and has {node.log.last}"
    return None


def _log_matching(servers: Servers) -> str | None:
    """Entries with the same index and term are the same, and so is everything before them (Figure 3)."""
    for (one, a), (two, b) in combinations(_known(servers).items(), 2):
        if a.log is b.log:
            continue
        index = _agree_at(a.log, b.log)
        low = max(a.log.base, b.log.base)
        if index > low and a.log.after(low, index - low) != b.log.after(low, index - low):
            odd = next(i for i in range(low + 1, index + 1) if a.log.at(i) != b.log.at(i))
            return (
                f"{one} and {two} agree on term {a.log.term(index)} at index {index}, but at index {odd} {one} has "
                f"{a.log.at(odd)} and {two} has {b.log.at(odd)}"
            )
    return None


def _agree_at(a: Log, b: Log) -> int:
    """The last index at which both logs have an entry of the same term, or 0."""
    low = max(a.base, b.base)
    return next((i for i in range(min(a.last, b.last), low, -1) if a.term(i) == b.term(i)), 0)


def _leader_completeness(servers: Servers) -> str | None:
    """What was committed in a term is in the logs of the leaders of all later terms (Figure 3)."""
    sealed = [(seal, name) for name, node in servers.items() for seal in node._sealed]
    for name, node in servers.items():
        if not node.leads:
            continue
        for (index, entry_term, term), by in sealed:
            if term < node.term and index > node.log.base and node.log.term(index) != entry_term:
                has = "nothing there" if node.log.term(index) == MISSING else f"an entry of term {node.log.term(index)}"
                return (
                    f"{name} leads term {node.term} without the entry of term {entry_term} at index {index}, which "
                    f"{by} had committed in term {term}; it has {has}"
                )
    return None


def _state_machine_safety(servers: Servers) -> str | None:
    """No two servers ever apply different commands at one index (Figure 3)."""
    for name, node in servers.items():
        if node._wrong.startswith(("applied", "took")):
            return f"{name} {node._wrong}"
    for (one, a), (two, b) in combinations(servers.items(), 2):
        index = min(a.applied, b.applied)
        mine, its = a._ledger.get(index), b._ledger.get(index)
        if mine and its and mine[0] != its[0]:
            odd = next((i for i in range(1, index + 1) if _text(a, i) != _text(b, i)), index)
            return f"at index {odd}, {one} applied {_text(a, odd)} and {two} applied {_text(b, odd)}"
    return None


def _text(node: Server, index: int) -> str:
    return node._ledger.get(index, (0, "another past"))[1]


def _monotone(servers: Servers) -> str | None:
    """Terms never go back, and a vote is given once in a term (§5.1, §5.2)."""
    for name, node in servers.items():
        if node._wrong and not node._wrong.startswith(("applied", "took")):
            return f"{name} {node._wrong}"
    return None


def _committed_is_kept(servers: Servers) -> str | None:
    """Every majority holds what is committed (etcd's QuorumLogInv), and nobody believes more than that is."""
    known = _known(servers)
    sealed = [(seal, by) for by, node in servers.items() for seal in node._sealed[-1:]]
    if any(_changing(node) for node in servers.values()):
        return None  # which majority counts is being changed: leader completeness watches over it
    for (index, entry_term, _), by in sealed:
        lost = [name for name, node in known.items() if index > node.log.base and node.log.term(index) != entry_term]
        members = next(iter(servers.values()))._first
        if members.agree(lost):
            without = ", ".join(lost)
            return f"{by} committed index {index} of term {entry_term}, and {without} lack it: a majority"
    for name, node in known.items():
        if node.commit > node.log.last:
            return f"{name} takes everything up to {node.commit} for committed, and its log ends at {node.log.last}"
    return None


def _changing(node: Server) -> bool:
    return any(isinstance(entry.command, Members) for entry in node.log.entries) or (
        node.snapshot is not None and node.snapshot.members != node._first
    )


TESTS: tuple[tuple[str, tuple[str, ...], Test], ...] = (
    ("one leader per term", ("_led",), _election_safety),
    ("a leader only appends", ("log", "state", "_highest"), _append_only),
    ("logs match", ("log", "loaded"), _log_matching),
    ("leaders have what is committed", ("log", "state", "term", "_sealed"), _leader_completeness),
    ("all apply the same", ("applied", "_digest", "_wrong"), _state_machine_safety),
    ("terms and votes stay", ("_wrong",), _monotone),
    ("committed is kept", ("log", "commit", "_sealed", "loaded"), _committed_is_kept),
)
"""Name, the fields on which the verdict depends, and the test of one group of servers."""


def invariants() -> tuple[Invariant, ...]:
    """Fresh invariants, for one world."""
    return tuple(Invariant(name, _WhenChanged(fields, test)) for name, fields, test in TESTS)
