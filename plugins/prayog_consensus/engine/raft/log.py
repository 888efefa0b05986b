"""The log of one server: a value, so that the trace, checkpoints and the explorer can share it.

Indexes begin at 1.  What a snapshot has taken over is gone: ``base`` is the index of the last such entry, and its term
is kept because the next `AppendEntries` may name it (§7).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prayog_consensus.engine.raft.messages import Entry, Members

__all__ = ["MISSING", "Log"]

MISSING = -1
"""The term of an index at which there is no entry (any more)."""


@dataclass(frozen=True, slots=True)
class Log:
    """Entries ``base + 1`` … ``last``."""

    entries: tuple[Entry, ...] = ()
    base: int = 0
    base_term: int = 0

    @property
    def last(self) -> int:
        """The index of the last entry; 0 when there never was one."""
        return self.base + len(self.entries)

    @property
    def last_term(self) -> int:
        return self.entries[-1].term if self.entries else self.base_term

    def term(self, index: int) -> int:
        """The term of the entry at `index`, or `MISSING`.  Index 0 has term 0, so that an empty log agrees there."""
        if index == self.base:
            return self.base_term
        return self.entries[index - self.base - 1].term if self.base < index <= self.last else MISSING

    def at(self, index: int) -> Entry:
        """The entry at `index`, which must be there."""
        if not self.base < index <= self.last:
            raise IndexError(f"the log holds entries {self.base + 1} to {self.last}, not {index}")
        return self.entries[index - self.base - 1]

    def after(self, index: int, most: int) -> tuple[Entry, ...]:
        """Up to `most` entries behind `index`."""
        begin = index - self.base
        return self.entries[begin : begin + most]

    def plus(self, entries: Sequence[Entry]) -> Log:
        """This log with `entries` at its end."""
        return Log((*self.entries, *entries), self.base, self.base_term)

    def upto(self, index: int) -> Log:
        """This log without what stands behind `index`."""
        return Log(self.entries[: max(0, index - self.base)], self.base, self.base_term)

    def without(self, index: int) -> Log:
        """This log when a snapshot has taken over everything up to `index`."""
        return Log(self.entries[index - self.base :], index, self.term(index))

    def first_of_term(self, index: int) -> int:
        """The first index of the run of entries that have the same term as the one at `index`."""
        term = self.term(index)
        while index > self.base + 1 and self.term(index - 1) == term:
            index -= 1
        return index

    def last_of_term(self, term: int) -> int:
        """The last index with an entry of `term`, or 0."""
        return next((i for i in range(self.last, self.base, -1) if self.term(i) == term), 0)

    def members(self, index: int | None = None) -> Members | None:
        """The newest configuration in the log, up to `index` when that is given."""
        end = len(self.entries) if index is None else index - self.base
        return next((e.command for e in reversed(self.entries[:end]) if isinstance(e.command, Members)), None)

    def numbered(self) -> Iterator[tuple[int, Entry]]:
        """(index, entry) from the oldest on."""
        return enumerate(self.entries, self.base + 1)
