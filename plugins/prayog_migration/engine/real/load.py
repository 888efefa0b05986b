"""Loads tables in key-ordered chunks: rows and checkpoint in one transaction of the target.

Rules
1. Memory is bounded: rows stream from the reader into the target's bulk insert, a few hundred at a time.
2. After any fault the checkpoint is read again; what it says was committed was, and nothing else.
3. A row that the target refuses is found by halving and goes into quarantine with the target's words.  So at every
   commit: rows read = rows written + rows quarantined.
4. A table without a key has no place to go on from: it is loaded in one transaction, whole or not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from prayog_migration.engine.fitting import Misfit
from prayog_migration.engine.identity import Unfollowable, identity
from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.real.quarantine import Quarantine
from prayog_migration.engine.real.state import Checkpoint, State
from prayog_migration.engine.real.store import Columns, Position, Reader, Row, Store, Walk, Writer, Written
from prayog_migration.engine.values import Converter

__all__ = ["Cancelled", "Pace", "TableLoad"]

CHUNK_ROWS = 50_000
CHUNK_BYTES = 32_000_000
_BATCH_ROWS = 1_000
_BATCH_BYTES = 4_000_000
_ONE_BY_ONE = 8


class Cancelled(Exception):
    """The load was told to stop; everything since the last commit is undone."""


class Pace:
    """How the load is held back from outside; this one lets it run.  `real.control` has one with buttons."""

    def tick(self, rows: int, total: int) -> None:
        """Called every few hundred `rows`; `total` of the chunk so far.  May sleep, and may raise `Cancelled`."""


@dataclass(slots=True)
class _Bad:
    row: Row
    column: str
    code: str
    reason: str


Insert = Callable[[Writer, TableMove, Iterator[Row]], Written]
"""How else rows are written: merged into what is there already (live moves)."""


class TableLoad:
    """The load of one table, a chunk at a time.  It keeps nothing that the checkpoint does not say.

    `keep` chooses among rows as they were read (hidden keys in front), for a target that takes a part of them; `guard`
    is called at the beginning of each chunk's transaction and may raise, so that a worker with a successor commits
    nothing; `most` are the rows of a chunk at most.
    """

    def __init__(
        self,
        source: Store,
        target: Store,
        plan: Plan,
        move: TableMove,
        pace: Pace | None = None,
        insert: Insert | None = None,
        shard: str = "",
        keep: Callable[[list[Row]], list[Row]] | None = None,
        guard: Callable[[Writer], None] = lambda writer: None,
        most: int | None = None,
    ) -> None:
        self.move = move
        self._source, self._target, self._plan = source, target, plan
        self._pace = pace or Pace()
        self._insert = insert
        self._shard = shard
        self._keep = keep
        self._guard = guard
        self._most = CHUNK_ROWS if most is None else most
        self._state = State(target)
        self._quarantine = Quarantine(target)
        walk = source.walk(move.source)
        if walk is not None and not walk.hidden and not set(walk.columns) <= set(move.reads):
            walk = None
        self.walk: Walk | None = walk
        self._hidden = len(walk.keys) if walk and walk.hidden else 0
        self._places = walk.places(move.reads) if walk else ()
        self._key = self._key_places()
        widest = max(1, move.row_bytes)
        self._batch = max(1, min(_BATCH_ROWS, _BATCH_BYTES // widest))
        self.converter = Converter(plan.source.dialect, move, plan.target)

    def _key_places(self) -> tuple[int, ...]:
        """Where in a row as it is read the columns stand by which its changes name it; else its position."""
        try:
            columns = identity(self.move.source, self._plan.source.dialect).columns
            return tuple(self._hidden + self.move.reads.index(name) for name in columns)
        except (Unfollowable, ValueError):
            return self._places

    def begin(self, reader: Reader, writer: Writer, bounded: bool = False) -> Checkpoint:
        """The table's checkpoint, made when there is none; `bounded` fixes now where the copy ends."""
        with writer.transaction():
            found = self._state.checkpoint(writer, self.move.source.title, self._shard)
            if found is None:
                self._guard(writer)  # a zombie must not make what its successor is about to make
                bound = reader.last(self.move.source, self.walk) if bounded and self.walk else None
                found = Checkpoint(self.move.source.title, self._shard, bound=bound)
                if bounded and self.walk and bound is None:
                    found = replace(found, done=True)
                self._state.save(writer, found)
        return found

    def step(self, reader: Reader, writer: Writer, at: Checkpoint) -> Checkpoint:
        """Load the next chunk and commit it with its checkpoint; the new checkpoint.

        Raises the driver's error (see `Store.fault`) when it is not a row's fault, and `Cancelled`; nothing of the
        chunk is on the target then.
        """
        try:
            return self._chunk(reader, writer, at, carefully=False)
        except Exception as error:
            if isinstance(error, Cancelled) or self._target.fault(error).kind != "row":
                raise
        return self._chunk(reader, writer, at, carefully=True)

    def _chunk(self, reader: Reader, writer: Writer, at: Checkpoint, carefully: bool) -> Checkpoint:
        limit = self._limit(at)
        chunk = _Chunk(self, reader, at, limit)
        with writer.transaction():
            self.converter.changed.clear()
            self._guard(writer)
            written = self._carefully(writer, chunk) if carefully else self._written(writer, chunk.columns())
            for bad in chunk.bad:
                key, own = tuple(bad.row[place] for place in self._key), bad.row[self._hidden :]
                self._quarantine.add(writer, self.move, key, "load", bad.column, bad.code, bad.reason, own)
            done = limit is None or chunk.read < limit
            new = replace(
                at,
                position=chunk.last or at.position,
                rows=at.rows + written.rows,
                bytes=at.bytes + written.bytes,
                quarantined=at.quarantined + len(chunk.bad),
                chunks=at.chunks + 1,
                done=done,
            )
            self._note_changes(writer)
            self._state.save(writer, new)
        return new

    def _limit(self, at: Checkpoint) -> int | None:
        """Rows of the next chunk: few at first, then as many as `CHUNK_BYTES` holds of the rows seen so far."""
        if self.walk is None:
            return None
        if not at.rows:
            return max(1, min(self._most, CHUNK_BYTES // max(200, self.move.row_bytes)))
        return int(max(1, min(self._most, CHUNK_BYTES // max(1, at.bytes // at.rows))))

    def _written(self, writer: Writer, batches: Iterator[Columns]) -> Written:
        if self._insert is not None:
            return self._insert(writer, self.move, chain.from_iterable(zip(*one, strict=True) for one in batches))
        name = self._target.name(self.move.target.name, self.move.target.schema)
        return writer.insert_columns(name, self.move.writes, batches)

    def _carefully(self, writer: Writer, chunk: _Chunk) -> Written:
        """A few hundred rows at a time, each in a savepoint; where one fails, its halves."""
        rows = size = 0
        for pairs in filter(None, chunk.pairs()):
            done = self._halved(writer, pairs, chunk)
            rows, size = rows + done.rows, size + done.bytes
        return Written(rows, size)

    def _halved(self, writer: Writer, pairs: list[tuple[Row, Row]], chunk: _Chunk) -> Written:
        try:
            with writer.savepoint():
                return self._written(writer, iter([list(zip(*(made for _, made in pairs), strict=True))]))
        except Exception as error:
            fault = self._target.fault(error)
            if fault.kind != "row":
                raise
            if len(pairs) == 1:
                chunk.bad.append(_Bad(pairs[0][0], fault.constraint, fault.code, fault.sentence))
                return Written(0, 0)
        parts = len(pairs) if len(pairs) <= _ONE_BY_ONE else 2
        size = -(-len(pairs) // parts)
        done = [self._halved(writer, pairs[low : low + size], chunk) for low in range(0, len(pairs), size)]
        return Written(sum(one.rows for one in done), sum(one.bytes for one in done))

    def _note_changes(self, writer: Writer) -> None:
        """How many values each policy changed, counted with the rows."""
        if not self.converter.changed:
            return
        key = f"changed:{self.move.source.title}"
        known: dict[str, int] = self._state.get(writer, key) or {}
        for (column, policy), count in self.converter.changed.items():
            label = f"{column}: {policy}"
            known[label] = known.get(label, 0) + count
        self._state.put(writer, key, known)


class _Chunk:
    """The rows of one chunk on their way: converted, with those that do not fit set apart."""

    def __init__(self, load: TableLoad, reader: Reader, at: Checkpoint, limit: int | None) -> None:
        self._load, self._reader, self._at, self._limit = load, reader, at, limit
        self.read = 0
        self.last: Position | None = None
        self.bad: list[_Bad] = []

    def batches(self) -> Iterator[list[Row]]:
        """Rows as the reader gives them, a few hundred at a time."""
        load, at = self._load, self._at
        move = load.move
        batches = self._reader.batches(
            move.source, move.reads, load.walk, at.position, at.bound, self._limit, load._batch
        )
        for batch in batches:
            self.read += len(batch)
            self.last = tuple(batch[-1][place] for place in load._places) if load.walk else None
            load._pace.tick(len(batch), self.read)
            kept = batch if load._keep is None else load._keep(batch)
            if kept:
                yield kept

    def columns(self) -> Iterator[Columns]:
        """Converted rows as columns, a few hundred at a time."""
        for batch in self.batches():
            made, misfits = self._converted(batch)
            if misfits:
                made = [[value for n, value in enumerate(values) if n not in misfits] for values in made]
            if len(misfits) < len(batch):
                yield made

    def pairs(self) -> Iterator[list[tuple[Row, Row]]]:
        """(row as read, row as converted), a few hundred at a time."""
        for batch in self.batches():
            made, misfits = self._converted(batch)
            rows = zip(batch, zip(*made, strict=True), strict=True)
            yield [pair for n, pair in enumerate(rows) if n not in misfits]

    def _converted(self, batch: list[Row]) -> tuple[Columns, dict[int, Misfit]]:
        columns = list(zip(*batch, strict=True))[self._load._hidden :]
        converter = self._load.converter
        made, misfits = converter.columns(columns) if converter.needed else (columns, {})
        for n in sorted(misfits):
            self.bad.append(_Bad(batch[n], misfits[n].column, "misfit", misfits[n].reason))
        return made, misfits
