"""What a run begins with: the options of the database, the disk it is on, and the work that is waiting."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from prayog_writes.engine.options import Options

__all__ = ["Setup"]


@dataclass(frozen=True, slots=True)
class Setup:
    """``rate``: writes that arrive a second; ``bandwidth``: bytes a second; ``batch``: writes in one log record."""

    options: Options = field(default_factory=Options)
    workload: str = "random"
    operations: int = 5_000
    keys: int = 2_000
    value_size: int = 100
    batch: int = 1
    sync_us: int = 5_000
    rate: float = 1_000
    bandwidth: float = 20e6

    def with_mode(self, mode: str) -> Options:
        """The options, with another recovery mode."""
        return replace(self.options, mode=mode)
