"""Apply: what a capture says, done on the target, exactly once and in bulk.

Rules
1. One batch is one transaction of the target, with the position in it.  A batch ends where a source transaction ends,
   so no reader of the target ever sees half of one, and a restart begins at the position that is written.
2. Per table: complete what the log left out, remove every row as it was, insert every row as it is.  Inserts are plain;
   where the log is exact as many rows must go as were meant, and any other number stops everything (`Contradiction`).
3. A row that the target does not take goes to quarantine with its reason, and the rest goes on (promise P4).
4. A batch that is not full may clash with rows whose own change still waits.  Then nothing is done and `Wider` asks for
   the rest of the log in one go: at its end the source was in order, so the target can be.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import Any

from prayog_migration.engine.changes import Bag, Contradiction, Folding, Key, Net, state
from prayog_migration.engine.identity import identity
from prayog_migration.engine.pgoutput import UNCHANGED
from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.real.bulk import Bulk, bulk, rest
from prayog_migration.engine.real.capture import Batch
from prayog_migration.engine.real.cascades import Cascades
from prayog_migration.engine.real.fence import pass_through
from prayog_migration.engine.real.held import Held
from prayog_migration.engine.real.ledger import Ledger, Progress
from prayog_migration.engine.real.originals import originals
from prayog_migration.engine.real.resting import put_away
from prayog_migration.engine.real.store import Columns, Row, Store, Writer
from prayog_migration.engine.triggers import GATE
from prayog_migration.engine.values import Converter

__all__ = ["Applied", "Applier", "Reread", "Wider"]

Reread = Callable[[int, Sequence[Key]], Iterable[Row]]
"""Rows of table number n of the source as they are now, by their keys."""


class Wider(Exception):
    """The batch clashes with rows whose own changes are further on in the log; read all of it at once."""


@dataclass(slots=True)
class Applied:
    """What one batch did on the target."""

    changes: int = 0
    removed: int = 0
    inserted: int = 0
    quarantined: int = 0
    seconds: float = 0.0
    tables: dict[str, int] = field(default_factory=dict)
    """Changes by table."""


class _Table:
    """One table: how rows and keys of the source become the target's."""

    def __init__(
        self, number: int, move: TableMove, plan: Plan, store: Store, writer: Writer, there: Plan | None
    ) -> None:
        named = identity(move.source, plan.source.dialect)
        self.number = number
        self.title = move.source.title
        self._places = [move.reads.index(name) for name in named.columns]
        self.rows = Converter(plan.source.dialect, move, plan.target)
        key_columns = (
            () if named.whole else tuple(c for name in named.columns for c in move.columns if c.source == name)
        )
        self.keys = Converter(plan.source.dialect, replace(move, columns=key_columns), plan.target)
        names = [column.target for column in key_columns]
        self.bulk: Bulk = bulk(store, writer, number, move, names)
        self.originals = originals(store, there, number, move, names)

    def name(self, row: Row) -> Key:
        """What names a row of the source."""
        return tuple(row[place] for place in self._places)


class Applier:
    """Applies batches of one link (``link`` names it in the ledger) to the target.

    What it holds is one connection; after an error of that connection make a new one.  On the way back `there` is the
    plan by which the tables had come (see `originals`).
    """

    def __init__(
        self, store: Store, plan: Plan, ledger: Ledger, link: str, reread: Reread, there: Plan | None = None
    ) -> None:
        self._store = store
        self._plan = plan
        self._ledger = ledger
        self._link = link
        self._reread = reread
        self._writer = store.writer()
        self._open: ExitStack | None = None
        rest(self._writer, store.dialect)
        put_away(store, self._writer, plan, ledger.state)
        self._gated = pass_through(self._writer, store.dialect)
        self._tables = [_Table(n, move, plan, store, self._writer, there) for n, move in enumerate(plan.tables)]
        self._cascades = Cascades(plan, store)
        self._held = Held(store, self._writer, plan)

    def apply(self, batch: Batch, exact_from: str, also: Callable[[Writer], None] | None = None) -> Applied:
        """Do `batch`; committed when it returns (unless ``batch.ends`` is false).  `also` runs in the transaction.

        ``exact_from`` is what the capture was asked with.

        Raises `Contradiction`, `Wider` or `Fenced`; then nothing of it was done.
        """
        began = time.perf_counter()
        done = Applied(changes=batch.changes)
        try:
            self._begin()
            self._reach(batch)
            for number, folding in batch.tables.items():
                table = self._tables[number]
                done.tables[table.title] = folding.changes
                if isinstance(folding, Bag):
                    self._bag(table, folding, done)
                else:
                    self._table(number, table, folding, batch, done)
            if also:
                also(self._writer)
            if batch.ends:
                if self._gated:
                    self._writer.execute(f"UPDATE {GATE} SET open = 0")
                self._ledger.advance(
                    self._writer,
                    self._link,
                    Progress(
                        batch.position,
                        batch.exact_from or exact_from,
                        batch.transactions,
                        batch.changes,
                        batch.committed_us,
                    ),
                )
                assert self._open is not None
                stack, self._open = self._open, None
                stack.close()
        except BaseException:
            self.abort()
            raise
        done.seconds = time.perf_counter() - began
        return done

    def abort(self) -> None:
        """Undo what was not committed."""
        stack, self._open = self._open, None
        if stack is not None:
            with suppress(Exception):  # the connection may be gone, and the transaction with it
                stack.__exit__(_Undo, _Undo(), None)
        self._held.forget()

    def close(self) -> None:
        """End the connection."""
        self.abort()
        self._writer.close()

    def _begin(self) -> None:
        if self._open is None:
            self._open = ExitStack()
            self._open.enter_context(self._writer.transaction())
            if self._gated:
                self._writer.execute(f"UPDATE {GATE} SET open = 1")

    def _reach(self, batch: Batch) -> None:
        """Take along the rows that the source's foreign keys have changed silently."""
        if not batch.moves:
            return
        for number, keys in self._cascades.find(self._writer, batch.moves).items():
            table = self._tables[number]
            known = batch.tables.get(number)
            assert not isinstance(known, Bag)
            told = {key for net in known.nets() for key in (net.origin, net.key)} if known else set()
            new = [key for key in keys if key not in told]
            found = {table.name(row): row for row in self._reread(number, new)}
            reached = state(table.title, new, found, 0)
            if known is None:
                batch.tables[number] = reached
            else:
                known.take(reached)

    def _table(self, number: int, table: _Table, folding: Folding, batch: Batch, done: Applied) -> None:
        if folding.truncated:
            done.removed += table.bulk.clear()
            self._held.clear(table.number)
        nets = list(folding.nets())
        held = self._held.keys(number)
        # What is in quarantine is not in the target; whatever becomes of it now, that entry is out of date.
        origins = [net.origin for net in nets if net.origin is not None and net.origin not in held]
        mended = [net.origin for net in nets if net.origin is not None and net.origin in held]
        out = set(mended)
        for key in mended:
            self._held.release(number, key)
        new, staged = self._rows(number, table, nets, out, folding.partial, done)
        keys, bad = _converted(table.keys, origins)
        keys = _without(keys, bad)  # a key that does not fit the target is in no row of it
        removed, meant = table.bulk.remove(keys), len(origins) - len(bad)
        if folding.exact and removed != meant:
            raise Contradiction(
                f"{table.title}: {meant} rows were to be changed or deleted and {removed} were there. Something "
                "was applied twice, or somebody else writes to the target."
            )
        inserted = self._insert(table, new, batch, done)
        if staged:
            inserted += table.bulk.insert_staged()
        done.removed += removed
        done.inserted += inserted

    def _rows(
        self, number: int, table: _Table, nets: Sequence[Net], mended: set[Key], may_lack: bool, done: Applied
    ) -> tuple[_New, int]:
        """Rows to insert; those with cells from the target's own row are staged, and how many that are."""
        whole: list[Net] = []
        partial: list[Net] = []
        homes = _homes(table, nets, mended)
        for net in nets:
            if net.row is not None:
                lacks = may_lack and UNCHANGED in net.row and net.origin not in homes
                (partial if lacks else whole).append(net)
        lone = [net for net in partial if net.origin in mended]
        partial = [net for net in partial if net.origin not in mended]
        staged = 0
        if partial:
            masks = ["".join("u" if cell is UNCHANGED else "s" for cell in net.row or ()) for net in partial]
            blank = [tuple(None if cell is UNCHANGED else cell for cell in net.row or ()) for net in partial]
            columns, bad = _converted(table.rows, blank)
            key_columns, strange = _converted(table.keys, [net.origin or () for net in partial])
            rows, keys = list(zip(*columns, strict=True)), list(zip(*key_columns, strict=True))
            good = [n for n in range(len(partial)) if n not in bad and n not in strange]
            lone += [net for n, net in enumerate(partial) if n in bad or n in strange]
            missing = set(table.bulk.stage([(keys[n], rows[n], masks[n]) for n in good]))
            lone += [partial[n] for place, n in enumerate(good) if place in missing]
            staged = len(good) - len(missing)
        if lone:
            whole += self._read_again(number, lone)
        columns, bad = _gone_home(table, whole, homes)
        for n, misfit in bad.items():
            net = whole[n]
            self._held.put(number, net.key or (), misfit.column, "misfit", misfit.reason, self._whole(number, net))
            done.quarantined += 1
        if bad:
            whole = [net for n, net in enumerate(whole) if n not in bad]
        return _New(whole, _without(columns, bad)), staged

    def _read_again(self, number: int, nets: Sequence[Net]) -> list[Net]:
        """Rows whose unchanged cells are nowhere on the target, as the source has them now.

        That may be newer than this place in the log; then the log has more to say about them.
        """
        table = self._tables[number]
        found = {table.name(row): row for row in self._reread(number, [net.key for net in nets if net.key is not None])}
        return [Net(net.origin, net.key, found[net.key]) for net in nets if net.key in found]

    def _whole(self, number: int, net: Net) -> Row:
        """The row of `net` with all its cells, for the quarantine."""
        row = net.row or ()
        if UNCHANGED not in row:
            return row
        return next((one.row for one in self._read_again(number, [net]) if one.row), row)

    def _insert(self, table: _Table, new: _New, batch: Batch, done: Applied) -> int:
        """Insert; rows that are refused are found by halving and go to quarantine."""
        if not new.nets:
            return 0
        try:
            with self._writer.savepoint():
                table.bulk.insert(new.columns)
            return len(new.nets)
        except Exception as error:
            fault = self._store.fault(error)
            if fault.kind != "row":
                raise
            if not batch.full and not batch.exact:
                raise Wider from error
            if len(new.nets) > 1:
                middle = len(new.nets) // 2
                first = self._insert(table, new.part(0, middle), batch, done)
                return first + self._insert(table, new.part(middle, len(new.nets)), batch, done)
            net = new.nets[0]
            row = self._whole(table.number, net)
            self._held.put(table.number, net.key or (), fault.constraint, fault.code, fault.sentence, row)
            done.quarantined += 1
            return 0

    def _bag(self, table: _Table, bag: Bag, done: Applied) -> None:
        if bag.truncated:
            done.removed += table.bulk.clear()
            self._held.clear(table.number)
        for row, more in bag.more.items():
            made, bad = table.rows.rows([row])
            if bad:
                for _ in range(abs(more)):
                    if more > 0:
                        self._held.put(table.number, row, bad[0][1].column, "misfit", bad[0][1].reason, row)
                        done.quarantined += 1
                    else:
                        self._held.release(table.number, row)
            elif more > 0:
                table.bulk.insert(list(zip(*(made * more), strict=True)))
                done.inserted += more
            elif more < 0:
                removed = table.bulk.remove_equal(made[0], -more)
                if removed != -more:
                    raise Contradiction(
                        f"{table.title}: {-more} equal rows were to be deleted and {removed} were there. Something was "
                        "applied twice or somebody else writes to the target."
                    )
                done.removed += removed


@dataclass(frozen=True, slots=True)
class _New:
    """Rows of the source that are to be inserted, and their columns as they are on the target."""

    nets: Sequence[Net]
    columns: Columns

    def part(self, low: int, high: int) -> _New:
        """Some of them."""
        return _New(self.nets[low:high], [values[low:high] for values in self.columns])


class _Undo(Exception):
    """Makes a transaction undo itself."""


def _converted(converter: Converter, rows: Sequence[Row]) -> tuple[Columns, dict[int, Any]]:
    """The columns of `rows`, converted, and the misfits by place."""
    if not rows:
        return [], {}
    columns = list(zip(*rows, strict=True))
    return converter.columns(columns) if converter.needed else (columns, {})


def _homes(table: _Table, nets: Sequence[Net], mended: set[Key]) -> dict[Key, Row]:
    """On the way back: the rows of the old side that are changed, by what the new side called them."""
    if table.originals is None:
        return {}
    origins = [net.origin for net in nets if net.row is not None and net.origin is not None]
    origins = [origin for origin in origins if origin not in mended]
    keys, bad = _converted(table.keys, origins)
    return table.originals.find([o for n, o in enumerate(origins) if n not in bad], _without(keys, bad))


def _gone_home(table: _Table, nets: Sequence[Net], homes: Mapping[Key, Row]) -> tuple[Columns, dict[int, Any]]:
    """The rows of `nets`, converted; cells that say what the old side's still say are those (`originals`)."""
    rows = [net.row or () for net in nets]
    if table.originals is None or not homes:
        return _converted(table.rows, rows)
    some = {n: homes[net.origin] for n, net in enumerate(nets) if net.origin is not None and net.origin in homes}
    kept = table.originals.kept(rows, some)
    blank = [
        tuple(None if column in kept[n] else value for column, value in enumerate(row)) if n in kept else row
        for n, row in enumerate(rows)
    ]
    columns, bad = _converted(table.rows, blank)
    made = [list(values) for values in columns]
    for n, cells in kept.items():
        for column, value in cells.items():
            made[column][n] = value
    return made, bad


def _without(columns: Columns, bad: Collection[int]) -> Columns:
    """The columns without the rows in these places."""
    return [[value for n, value in enumerate(values) if n not in bad] for values in columns] if bad else columns
