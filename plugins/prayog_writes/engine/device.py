"""A disk as a clock: what syncs and bytes cost in virtual time, and when writers must wait for the background.

One lane for the writer, one for flushes and compactions.  A job takes effect when its bytes have passed; until then
the writer goes on, and waits when it must (`Database.pressure`).

Rules
1. One background lane, flushes first: like LevelDB's one thread.
2. Only the ratio of the figures matters; they are knobs, not measurements.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prayog_writes.engine.database import Database
from prayog_writes.engine.job import Job

__all__ = ["Device", "News"]

News = tuple[str, dict[str, Any]]
SLOWDOWN_US = 1_000
"""A delayed write waits 1 ms (LevelDB `MakeRoomForWrite`)."""


@dataclass(slots=True)
class Device:
    """``sync_us``: of one fsync.  ``rate``: writes that arrive a second.  ``bandwidth``: bytes a second for jobs."""

    sync_us: int
    rate: float
    bandwidth: float
    now: float = 0.0
    due: float = 0.0
    """When the next write arrives."""
    lane: float = 0.0
    job: Job | None = None
    ends: float = 0.0
    syncs: int = 0
    waited: float = 0.0
    longest: float = 0.0
    delayed: int = 0

    def written(self, db: Database, count: int, speed: float = 1.0) -> None:
        """A batch of `count` writes was done: time goes on."""
        self.due += 1e6 * count / (self.rate * speed)
        self.now += 2.0 * count
        new = db.stats.syncs - self.syncs
        self.syncs = db.stats.syncs
        self.now = max(self.now + new * self.sync_us, self.due)

    def pump(self, db: Database) -> Iterator[News]:
        """Install what is finished by now, begin what is due, and let the writer wait when it must."""
        yield from self._advance(db)
        kind, why = db.pressure()
        if kind == "slowdown":
            self.now += SLOWDOWN_US
            self.delayed += 1
            if self.delayed % 100 == 1:
                yield "slowdown", {"reason": why, "delayed": self.delayed}
        while kind == "stop" and self.job is not None:
            wait = max(self.ends - self.now, 0.0)
            self.now = max(self.now, self.ends)
            self.waited += wait
            self.longest = max(self.longest, wait)
            db.stats.stalls += 1
            yield "stall", {"reason": why, "us": round(wait), "now": round(self.now)}
            yield from self._advance(db)
            kind, why = db.pressure()
        if db.memtable.size >= db.options.memtable and not db.immutable:
            db.rotate()
            yield from self._advance(db)

    def drain(self, db: Database) -> Iterator[News]:
        """Let all jobs end."""
        yield from self._advance(db)
        while self.job is not None:
            self.now = max(self.now, self.ends)
            yield from self._advance(db)

    def forget(self) -> None:
        """The process died: no job goes on, and time does."""
        self.job = None
        self.due = self.lane = self.now
        self.syncs = 0

    def _advance(self, db: Database) -> Iterator[News]:
        while True:
            try:
                if self.job is not None:
                    if self.ends > self.now:
                        return
                    job, self.job = self.job, None
                    job.install()
                    yield f"{job.kind}_end", {"bytes": job.reads + job.writes, "now": round(self.now)}
                following = db.next_job()
                if following is None:
                    return
                yield f"{following.kind}_begin", {**following.told(), "now": round(self.now)}
                for p in following.run():
                    yield "merge", p.told()
            except OSError as error:
                db.fail(error, "writing tables")
            self.lane = max(self.lane, self.now)
            self.ends = self.lane = self.lane + 1e6 * (following.reads + following.writes) / self.bandwidth
            self.job = following
