"""The knobs of a database, and what each costs or gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["BROKEN", "COMPRESSIONS", "MODES", "POLICIES", "SYNCS", "YOURS", "Options"]

POLICIES = ("leveled", "size-tiered", "major", "FIFO", "none")
COMPRESSIONS = ("none", "snappy")
YOURS = "yours"
"""The policy in which a function of the learner's chooses (`engine.yours`)."""
SYNCS = ("always", "every", "never")
MODES = ("tolerate corrupted tail", "absolute consistency", "point in time", "skip any corrupted record")
"""RocksDB's WALRecoveryMode: kTolerateCorruptedTailRecords, kAbsoluteConsistency, kPointInTimeRecovery,
kSkipAnyCorruptedRecords."""

BROKEN = {
    "acknowledges first": "a write is acknowledged before it is written to the log",
    "forgets to sync": "a write is acknowledged before it is synced, although the policy is “always”",
    "no folder sync": "a new file is synced, but not the folder that knows its name",
    "manifest first": "the MANIFEST names a table before the table is synced",
    "drops tombstones early": "a compaction forgets a delete although older values lie deeper",
    "keeps the oldest": "a compaction keeps the oldest version of a key instead of the newest",
    "wrong filter": "the filter is asked with another hash than it was built with",
    "no checksums": "blocks are used although their checksum does not match",
}
"""Broken engines to hunt: each leaves out one step that looks superfluous."""


@dataclass(frozen=True, slots=True)
class Options:
    """Sizes in bytes.  The defaults are LevelDB's and RocksDB's.

    ``jobs``: ``inline`` does flushes and compactions inside the write that makes them due; with ``manual`` whoever owns
    the database takes them from `Database.next_job` (a thread, or a simulation with a clock of its own).
    """

    memtable: int = 4 << 20
    file: int = 2 << 20
    base: int = 10 << 20
    """Target of level 1; each deeper level has `fanout` times more."""
    fanout: int = 10
    bits: int = 10
    """Bits of filter for each key; 0 leaves filters out."""
    compression: Literal["none", "snappy"] = "none"
    """Of the blocks of new tables; existing ones are read either way."""
    policy: str = "leveled"
    code: str = ""
    """The learner's function for the policy ``yours``; empty: the one to begin with."""
    trigger: int = 4
    """Tables in level 0 (for size-tiered and major: runs) at which compaction begins."""
    slowdown: int = 20
    stop: int = 36
    """Tables in level 0 at which each write is delayed, and at which writes wait."""
    fifo: int = 64 << 20
    """FIFO: bytes above which the oldest table is dropped."""
    sync: Literal["always", "every", "never"] = "always"
    every_us: int = 100_000
    mode: str = "point in time"
    cache: int = 8 << 20
    """Bytes of blocks kept decoded."""
    row_cache: int = 0
    """Bytes of single rows kept; 0: none."""
    jobs: Literal["inline", "manual"] = "inline"
    broken: frozenset[str] = frozenset()

    def step(self, usual: int) -> int:
        """How much is done before others get their turn: `usual`, or an eighth where blocks are compressed."""
        return max(1, usual // 8) if self.compression == "snappy" else usual
