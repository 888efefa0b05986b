"""What an experiment consists of: a database, the disk under it, a clock, and a witness who remembers every write.

`working` and `plug` work with it; `study` is the run that a learner sees.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping
from typing import Any, TypeVar

from prayog_sdk.run import Emit
from prayog_writes.engine import state
from prayog_writes.engine.database import Database
from prayog_writes.engine.device import Device, News
from prayog_writes.engine.errors import DatabaseError
from prayog_writes.engine.files import MemoryFiles
from prayog_writes.engine.heat import Heat
from prayog_writes.engine.progress import Progress
from prayog_writes.engine.setup import Setup
from prayog_writes.engine.survival import Memory

__all__ = ["Apparatus", "steps"]

T = TypeVar("T")
QUIET = {"write", "wal", "sync", "memtable"}


class Apparatus:
    """``db`` is None while the database is down; then ``disk`` holds its files.  ``done``: operations of workloads."""

    def __init__(self, setup: Setup, seed: int) -> None:
        self.setup, self.seed = setup, seed
        self.memory = Memory()
        self.files = MemoryFiles()
        self.device = Device(setup.sync_us, setup.rate, setup.bandwidth)
        self.heat = Heat()
        self.db: Database | None = None
        self.disk: dict[str, bytes] = {}
        self.quiet = False
        """A workload tells of its operations in portions, not one by one."""
        self.done = 0
        self._news: list[tuple[str, Mapping[str, Any]]] = []

    def opened(self) -> Database:
        """The database; raises `DatabaseError` when it is down."""
        if self.db is None:
            raise DatabaseError("The database is down: it did not open. Choose another recovery mode.")
        return self.db

    def opening(self, mode: str) -> Generator[Progress, None, Database]:
        """Open what is in `files`, in steps."""
        options = self.setup.with_mode(mode)
        db = yield from Database.in_steps(self.files, options, self._tell, lambda: round(self.device.now))
        self.device.forget()
        return db

    def _tell(self, kind: str, data: Mapping[str, Any]) -> None:
        if not (self.quiet and kind in QUIET):
            self._news.append((kind, data))

    def forget_news(self) -> None:
        """What was not told yet is never told."""
        self._news.clear()

    def told(self) -> Iterator[Emit]:
        """What the database told since the last time."""
        while self._news:
            kind, data = self._news.pop(0)
            yield kind, "database", data

    def pump(self, db: Database) -> Iterator[Emit]:
        """Let the background do what is done by now, and the writer wait where it must."""
        yield from self._with_news(self.device.pump(db))

    def drain(self, db: Database) -> Iterator[Emit]:
        """Let the background end all its work."""
        yield from self._with_news(self.device.drain(db))

    def _with_news(self, news: Iterator[News]) -> Iterator[Emit]:
        for kind, data in news:
            yield from self.told()
            yield kind, "database", data
        yield from self.told()

    def pulse(self, db: Database) -> dict[str, Any]:
        """How it stands while a workload runs."""
        return {
            "now": round(self.device.now), "stalled_us": round(self.device.waited), **state.pulse(db, self.memory),
        }  # fmt: skip

    def status(self) -> dict[str, Any]:
        """How it stands after an action."""
        return state.status(self.db, self.memory, self.device)


def steps(what: str, work: Generator[Progress, None, T]) -> Generator[Emit, None, T]:
    """Long `work` as steps of the run: ``progress`` says how far it is; what the generator returns is handed on."""
    while True:
        try:
            progress = next(work)
        except StopIteration as end:
            value: T = end.value
            return value
        yield "progress", "database", {"what": what, "rows": progress.rows}
