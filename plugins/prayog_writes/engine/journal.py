"""The log that takes writes now, and the policy by which it is synced.

Rules
1. A batch is in the log before anybody is told so.  With the policy ``always`` it is synced by then.
2. The next log begins empty, and its name is safe before the first write is acknowledged.
"""

from __future__ import annotations

from collections.abc import Callable

from prayog_writes.engine.files import Files
from prayog_writes.engine.log import LogWriter
from prayog_writes.engine.manifest import log_name
from prayog_writes.engine.options import Options
from prayog_writes.engine.stats import Stats

__all__ = ["Journal"]


class Journal:
    """Log number `number` in `files`.  ``synced``: how many bytes of it are safe."""

    def __init__(self, files: Files, options: Options, stats: Stats, clock: Callable[[], int], number: int) -> None:
        self.number = number
        self.writer = LogWriter(files.create(log_name(number)))
        self.synced = 0
        self.add_put: Callable[[bytes], None] = self.writer.add_typed if options.sync == "never" else self._add_put
        """Append a batch of one put, which has its record's type in front (`batch.encode_put`)."""
        self._options = options
        self._stats = stats
        self._clock = clock
        self._synced_at = clock()
        self._held: list[bytes] = []

    @property
    def size(self) -> int:
        """Bytes of the log."""
        return self.writer.size

    def add(self, payload: bytes) -> None:
        """Append a batch, and sync it when it is time."""
        if "acknowledges first" in self._options.broken:  # it will be written together with the next one
            self._held.append(payload)
            while len(self._held) > 1:
                self.writer.add(self._held.pop(0))
            return
        self.writer.add(payload)
        if self._options.sync != "never":
            self.due()

    def _add_put(self, typed: bytes) -> None:
        self.writer.add_typed(typed)
        self.due()

    def due(self) -> None:
        """Sync when the policy says so."""
        if self._options.sync == "every":
            now = self._clock()
            if now - self._synced_at < self._options.every_us:
                return
            self._synced_at = now
        if "forgets to sync" not in self._options.broken:
            self.sync()

    def sync(self) -> None:
        """Return when all of it is on the disk."""
        self.writer.sink.sync()
        self.synced = self.writer.size
        self._stats.syncs += 1

    def end(self, sync: bool) -> None:
        """No more writes come: write what is held back, sync when asked to, and close."""
        while self._held:
            self.writer.add(self._held.pop(0))
        if sync:
            self.writer.sink.sync()
        self.writer.sink.close()
