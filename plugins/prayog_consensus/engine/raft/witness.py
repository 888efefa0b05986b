"""What a server remembers for its judges only: the history that invariants over time are tested against.

No rule of Raft reads any of it.  (History variables, as in the TLA+ and Runway models of Raft, are the cheapest way to
check “never again” and “ever since”.)  All of it survives crashes, because the past does.
"""

from __future__ import annotations

from zlib import crc32

from prayog_sim.node import Node

__all__ = ["WITNESS", "Witness"]

WITNESS = ("_led", "_sealed", "_ledger", "_votes_cast", "_highest", "_wrong", "_digest_base")
"""The attributes that hold the history."""


class Witness(Node):
    """A node that keeps its own history."""

    def __init__(self) -> None:
        self._led: tuple[int, ...] = ()
        """Terms in which it became leader, once for each time."""
        self._sealed: tuple[tuple[int, int, int], ...] = ()
        """What it committed as leader: (index, term of the entry, its own term), the newest of each own term."""
        self._ledger: dict[int, tuple[int, str]] = {}
        """Applied: index → (checksum of all commands up to there, the command in words)."""
        self._votes_cast: dict[int, str] = {}
        self._highest: tuple[int, int] = (0, 0)
        """(term, last index) that it had as a leader, and the highest term it was ever in."""
        self._wrong = ""
        """The first thing it did that it must never do, in words."""
        self._digest_base: tuple[int, int] = (0, 0)

    def saw_term(self, term: int) -> None:
        """The node is in `term`."""
        if term < self._highest[1]:
            self._wrong = self._wrong or f"is in term {term}, after it was in term {self._highest[1]}"
        self._highest = (self._highest[0], max(term, self._highest[1]))

    def saw_vote(self, term: int, name: str) -> None:
        """It gave its vote of `term` to `name`."""
        first = self._votes_cast.setdefault(term, name)
        if first != name:
            self._wrong = self._wrong or f"voted twice in term {term}: for {first} and for {name}"

    def saw_lead(self, term: int) -> None:
        self._led = (*self._led, term)
        self._highest = (0, self._highest[1])

    def saw_length(self, last: int) -> None:
        """As leader, its log reached `last`."""
        self._highest = (max(last, self._highest[0]), self._highest[1])

    def saw_commit(self, index: int, entry_term: int, term: int) -> None:
        """As leader of `term`, it committed everything up to `index`."""
        earlier = self._sealed[:-1] if self._sealed and self._sealed[-1][2] == term else self._sealed
        self._sealed = (*earlier, (index, entry_term, term))

    def saw_apply(self, index: int, text: str, digest: int) -> int:
        """It applied the command at `index` behind a state with checksum `digest`; returns the new checksum."""
        digest = crc32(f"{index} {text}".encode(), digest)
        first = self._ledger.setdefault(index, (digest, text))
        if first[0] != digest:
            was = first[1] if first[1] != text else "another past"
            self._wrong = self._wrong or f"applied {text} at index {index}, where it had applied {was} before"
        return digest

    def saw_snapshot(self, index: int, digest: int) -> None:
        """Its state is now that of somebody else's snapshot."""
        first = self._ledger.setdefault(index, (digest, "a snapshot"))
        if first[0] != digest:
            self._wrong = self._wrong or f"took a snapshot at index {index} that differs from what it had applied"
