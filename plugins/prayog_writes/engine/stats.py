"""What a database counted: the numerators and denominators of its amplification."""

from __future__ import annotations

from dataclasses import asdict, dataclass

__all__ = ["Stats"]


@dataclass(slots=True)
class Stats:
    """Bytes and calls since the database was opened.  ``user``: bytes of keys and values that were asked to be kept."""

    user: int = 0
    batches: int = 0
    wal: int = 0
    flushed: int = 0
    compact_read: int = 0
    compact_written: int = 0
    flushes: int = 0
    compactions: int = 0
    moves: int = 0
    loaded: int = 0
    gets: int = 0
    filters_no: int = 0
    blocks_read: int = 0
    blocks_cached: int = 0
    dropped_versions: int = 0
    dropped_tombstones: int = 0
    syncs: int = 0
    stalls: int = 0

    def write_amplification(self, wal: bool = False) -> float | None:
        """Bytes written to tables (and, with `wal`, to the log) for each byte of the user; None before the first."""
        if not self.user:
            return None
        return (self.flushed + self.compact_written + self.loaded + (self.wal if wal else 0)) / self.user

    def read_amplification(self) -> float | None:
        """Data blocks that a get looks into, from disk or cache, on average."""
        return (self.blocks_read + self.blocks_cached) / self.gets if self.gets else None

    def as_dict(self) -> dict[str, int]:
        """All counters."""
        return asdict(self)
