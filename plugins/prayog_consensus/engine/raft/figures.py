"""Figure 7 of the paper as logs to start from: six followers that miss entries, have too many, or both."""

from __future__ import annotations

from prayog_consensus.engine.raft.log import Log
from prayog_consensus.engine.raft.messages import Entry, Put

__all__ = ["figure7"]

_TERMS = {
    "n1": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6),  # the leader of term 8
    "n2": (1, 1, 1, 4, 4, 5, 5, 6, 6),  # (a) misses one
    "n3": (1, 1, 1, 4),  # (b) misses many
    "n4": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6),  # (c) has one too many
    "n5": (1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7),  # (d) has a whole term too many
    "n6": (1, 1, 1, 4, 4, 4, 4),  # (e) misses some and has others
    "n7": (1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3),  # (f) led terms 2 and 3 and committed nothing
}


def figure7() -> dict[str, tuple[Log, int]]:
    """Server → (log, term).  All are in term 7, so that the next leader's is term 8."""
    return {
        name: (Log(tuple(Entry(term, Put("", 0, f"e{i}", term)) for i, term in enumerate(terms, 1))), 7)
        for name, terms in _TERMS.items()
    }
