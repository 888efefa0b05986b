"""What must never happen with many ranges: every key has exactly one range, and each range's group is sound Raft."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from operator import attrgetter
from typing import Any

from prayog_consensus.engine.multiraft.group import Replica
from prayog_consensus.engine.multiraft.messages import END, Range
from prayog_consensus.engine.multiraft.store import Store, replicas
from prayog_consensus.engine.raft import invariants as raft
from prayog_sim.node import Node
from prayog_sim.world import Invariant

__all__ = ["invariants"]

Groups = Mapping[str, Mapping[str, Replica]]
"""Range → store → replica."""


def _groups(nodes: Mapping[str, Node]) -> dict[str, dict[str, Replica]]:
    found: dict[str, dict[str, Replica]] = {}
    for name, node in nodes.items():
        if isinstance(node, Store):
            for ident, replica in replicas(node).items():
                found.setdefault(ident, {})[name] = replica
    return found


class _EachGroup:
    """One of Raft's tests for the group of every range, again only when something has changed in it."""

    def __init__(self, fields: tuple[str, ...], test: Callable[[Mapping[str, Any]], str | None]) -> None:
        self._look = attrgetter(*fields)
        self._test = test
        self._seen: dict[str, tuple[Any, str | None]] = {}

    def __call__(self, nodes: Mapping[str, Node]) -> str | None:
        wrong = None
        for ident, group in _groups(nodes).items():
            seen = [(name, self._look(replica)) for name, replica in group.items()]
            known = self._seen.get(ident)
            if known is None or known[0] != seen:
                known = self._seen[ident] = (seen, self._test(group))
            if known[1] is not None and wrong is None:
                wrong = f"range {ident}: {known[1]}"
        return wrong


def _newest(nodes: Mapping[str, Node]) -> list[Range]:
    """Each range at its highest epoch anywhere, without those that were absorbed somewhere, in order of keys."""
    gone = {ident for node in nodes.values() if isinstance(node, Store) for ident in node._gone}
    spans = [
        max((replica.span for replica in group.values()), key=lambda span: span.epoch)
        for ident, group in _groups(nodes).items()
        if ident not in gone
    ]
    return sorted(spans, key=lambda span: span.start)


def _partition(nodes: Mapping[str, Node]) -> str | None:
    """The ranges cover every key once: no gap, no overlap."""
    spans = _newest(nodes)
    if not spans:
        return None
    if spans[0].start or spans[-1].end != END:
        return f"the ranges begin with {spans[0]} and end with {spans[-1]}: some keys have none"
    for left, right in pairwise(spans):
        if left.end != right.start:
            return f"{left} and {right} {'overlap' if left.end > right.start else 'leave a gap'}"
    return None


def _keys_at_home(nodes: Mapping[str, Node]) -> str | None:
    """A replica holds keys of its own range only."""
    for group in _groups(nodes).values():
        for name, replica in group.items():
            strange = next((key for key in replica.store if not replica.span.covers(key)), None)
            if strange is not None:
                return f"{name} holds {strange} in range {replica.span}, which does not cover it"
    return None


def invariants() -> tuple[Invariant, ...]:
    """Fresh invariants, for one world."""
    each = [Invariant(name, _EachGroup(fields, test)) for name, fields, test in raft.TESTS]
    return (
        Invariant("every key has one range", _partition),
        Invariant("keys are at home", _keys_at_home),
        *each,
    )
