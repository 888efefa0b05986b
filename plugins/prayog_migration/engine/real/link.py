"""A link: one direction in which changes flow, from capture to apply, with its place in the ledger.

The forward link goes from the old side to the new one, the reverse link back.  A link has no memory of its own: after a
crash a new one reads in the target where to go on.

Rules
1. `begin` in this order: the capture is prepared, then its position is written down, then the copy may start.
2. What the capture changed on the source is written down on the target before it is changed (`Memory`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from prayog_migration.engine.changes import Key
from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real.apply import Applied, Applier, Wider
from prayog_migration.engine.real.capture import Batch, Capture, Lag, Memory, View, open_capture
from prayog_migration.engine.real.ledger import Ledger
from prayog_migration.engine.real.store import Reader, Row, Store, Writer

__all__ = ["Link"]

BATCH = 20_000
"""Changes of a batch, about."""
_ALL = 1_000_000_000
_FORGET_SECONDS = 2.0


class Link:
    """Changes of `source` applied to `target`; ``ledger`` is the one in `target`, and its worker is us;
    on the way back `there` is the plan of the way there."""

    def __init__(
        self, name: str, source: Store, target: Store, plan: Plan, ledger: Ledger, tag: str, there: Plan | None = None
    ) -> None:
        self.name = name
        self.source = source
        self.target = target
        self.plan = plan
        self._there = there
        self.ledger = ledger
        self.position = ""
        self.exact_from = "0"
        self.committed_us = 0
        self.full = False
        """The target is what the source was at `position`."""
        self.waiting: frozenset[int] = frozenset()
        """Tables whose copy has not begun: their changes are passed over, and a copy that begins later sees them."""
        self._forgotten = time.monotonic()
        with target.writer() as writer:
            kept = ledger.state.get(writer, f"memory:{name}")
            progress = ledger.progress(writer, name)
        self._memory = Memory(kept, self._keep)
        self.capture: Capture = open_capture(source, plan, f"{tag}_{name}", self._memory)
        self._applier: Applier | None = None
        if progress is not None:
            self.position, self.exact_from = progress.position, progress.exact_from
            self.committed_us = progress.committed_us

    @property
    def begun(self) -> bool:
        """Changes are being captured, and the target says from where on."""
        return bool(self.position)

    def begin(self, also: Callable[[Writer], None] | None = None) -> Reader:
        """Capture from now on; the reader for the copy, which sees what the stream will not bring."""
        position = self.capture.prepare()
        reader, exact_from = self.capture.snapshot()
        with self.target.writer() as writer, writer.transaction():
            self.ledger.touch(writer)
            self.ledger.begin(writer, self.name, position, exact_from)
            if also:
                also(writer)
        self.position, self.exact_from = position, exact_from
        return reader

    def prepare(self) -> None:
        """Capture from now on, without a copy: `start` says from where on changes count."""
        self.capture.prepare()
        reader, _ = self.capture.snapshot()
        reader.close()

    def start(self) -> None:
        """Both sides are equal and nobody writes: the stream begins here."""
        position = self.capture.now()
        with self.target.writer() as writer, writer.transaction():
            self.ledger.touch(writer)
            self.ledger.begin(writer, self.name, position)
        self.position, self.exact_from = position, "0"

    def copy_again(self) -> Reader:
        """A reader for the rest of a copy whose first reader is gone; the stream will repeat more of what it sees."""
        reader, exact_from = self.capture.snapshot()
        if self.capture.reached(exact_from, self.exact_from):
            with self.target.writer() as writer, writer.transaction():
                self.ledger.touch(writer)
                self.ledger.set_exact_from(writer, self.name, exact_from)
            self.exact_from = exact_from
        return reader

    def once(self, limit: int = BATCH, view: View | None = None) -> Applied | None:
        """Read and apply the next batch; None when there is nothing now.

        Raises what capture and applier raise; then nothing of the batch is on the target.
        """
        applier = self._applier
        if applier is None:
            applier = self._applier = Applier(
                self.target, self.plan, self.ledger, self.name, self._rows, self._there
            )
        batch = self.capture.read(self.position, limit, self.exact_from, view)
        if batch is None:
            self.full = True
            return None
        try:
            done = applier.apply(self._begun_only(batch), self.exact_from)
        except Wider:
            batch = self.capture.read(self.position, _ALL, self.exact_from, view)
            assert batch is not None
            done = applier.apply(self._begun_only(batch), self.exact_from)
        self.capture.settle()
        if batch.ends:
            self.position = batch.position
            self.exact_from = batch.exact_from or self.exact_from
            self.committed_us = batch.committed_us or self.committed_us
            self.full = batch.full
            if time.monotonic() - self._forgotten > _FORGET_SECONDS:
                self.forget()
        return done

    def _begun_only(self, batch: Batch) -> Batch:
        if not self.waiting:
            return batch
        return replace(
            batch,
            tables={number: folding for number, folding in batch.tables.items() if number not in self.waiting},
            moves={number: moves for number, moves in batch.moves.items() if number not in self.waiting},
        )

    def drain(self, until: str, tick: Callable[[Applied | None], None], view: View | None = None) -> None:
        """Apply everything up to a position; `tick` is called in between and may raise to stop."""
        while not self.capture.reached(self.position, until):
            tick(self.once(BATCH, view))

    @property
    def converged(self) -> bool:
        """The stream has passed everything that the copy may have seen, so the target is a state of the source."""
        return self.full and self.capture.reached(self.position, self.exact_from)

    def forget(self) -> None:
        """The source need not keep what is on the target."""
        self.capture.forget(self.position)
        self._forgotten = time.monotonic()

    def lag(self) -> Lag:
        """What waits."""
        return self.capture.lag(self.position)

    def rest(self) -> None:
        """End the applier's connection: rules of the target may be made, and the next batch sees them."""
        if self._applier is not None:
            self._applier.close()
            self._applier = None

    def remove(self) -> list[str]:
        """Stop capturing and take everything away from the source; what was taken away."""
        gone = self.capture.remove()
        with self.target.writer() as writer, writer.transaction():
            self.ledger.touch(writer)
            self.ledger.end(writer, self.name)
            self.ledger.state.drop(writer, f"memory:{self.name}")
        self.position = ""
        return gone

    def close(self) -> None:
        """End the connections; what is captured stays."""
        self.rest()
        self.capture.close()

    def _rows(self, number: int, keys: Sequence[Key]) -> Iterable[Row]:
        return self.capture.rows(number, keys)

    def _keep(self, memory: dict[str, Any]) -> None:
        with self.target.writer() as writer, writer.transaction():
            self.ledger.state.put(writer, f"memory:{self.name}", dict(memory))
