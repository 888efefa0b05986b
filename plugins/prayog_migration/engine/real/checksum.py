"""Both sides of a table as the same texts: what the rows of the source should be on the target, and what is there.

A *segment* is a range of whole-number keys, or, where keys are of other kinds, one of some hundred buckets of the
digest of the key (of the whole row where there is no key): databases order text differently, digests they do not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from prayog_migration.engine.canonical import MODULUS, NULL, SEPARATOR, digests, exact_texts, joined, sql_text, texts
from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.real.originals import There
from prayog_migration.engine.real.quarantine import row_text
from prayog_migration.engine.real.store import Position, Reader, Row, Store, Walk
from prayog_migration.engine.values import Converter

__all__ = ["BUCKETS", "MISFIT", "Batch", "Comparing", "Side", "SourceSide", "Sum", "TargetSide"]

BUCKETS = 256
MISFIT = "\x1d"
"""Stands for a row that does not fit the other side."""
_BATCH_ROWS = 1_000
_BATCH_BYTES = 8_000_000


@dataclass(frozen=True, slots=True)
class Sum:
    """How many rows, and their digests added up."""

    rows: int = 0
    total: int = 0

    def __add__(self, other: Sum) -> Sum:
        return Sum(self.rows + other.rows, (self.total + other.total) % MODULUS)


@dataclass(frozen=True, slots=True)
class Batch:
    """Some rows: texts of their keys and of the whole rows; on the way back also ``there``, what the rows are on the
    new side ("" where they do not fit there)."""

    keys: list[str]
    rows: list[str]
    there: Sequence[str] = ()

    def without(self, left: Counter[str]) -> Batch:
        """The batch without rows with these keys, each as often as it is counted, and counted down."""
        places = []
        for n, key in enumerate(self.keys):
            if left[key] > 0:
                left[key] -= 1
            else:
                places.append(n)
        there = [self.there[n] for n in places] if self.there else ()
        return Batch([self.keys[n] for n in places], [self.rows[n] for n in places], there)


class Comparing:
    """How the rows of one table are compared: by which columns, in which order, under which key.

    ``there``: this compares backwards, and rows are alike also where the old side's become the new side's.
    """

    def __init__(self, plan: Plan, move: TableMove, there: There | None = None) -> None:
        self.plan, self.move = plan, move
        self.there = there if there is not None and there.needed else None
        target = move.target
        unique = next((u for u in target.uniques if not any(target.column(c).nullable for c in u.columns)), None)
        key = target.key.columns if target.key else unique.columns if unique else ()
        places = {column.target: n for n, column in enumerate(move.columns)}
        self.key_places = tuple(places[name] for name in key) if set(key) <= set(places) else ()
        self.kinds = [column.target_kind for column in move.columns]
        same = plan.source.dialect == plan.target == "sqlite"
        self.texts = [exact_texts if same else texts(kind) for kind in self.kinds]
        kinds = [self.kinds[place] for place in self.key_places]
        self.ranged = bool(kinds) and all(kind.name == "integer" for kind in kinds)
        self.batch = max(1, min(_BATCH_ROWS, _BATCH_BYTES // max(1, move.row_bytes)))

    def batch_of(self, columns: Sequence[Sequence[Any]]) -> Batch:
        """Texts of rows given as columns in the plan's order."""
        made = [text(values) for text, values in zip(self.texts, columns, strict=True)]
        rows = joined(made)
        if not self.key_places:
            return Batch(rows, rows)
        if len(self.key_places) == 1:
            return Batch(list(made[self.key_places[0]]), rows)
        return Batch(joined([made[place] for place in self.key_places]), rows)


class Side(Protocol):
    """The source as it should arrive, or the target as it is."""

    def batches(self, after: Position | None = None, until: Position | None = None) -> Iterator[Batch]:
        """All rows, or those in a range of keys."""
        ...

    def range_sum(self, after: Position | None, until: Position | None) -> Sum:
        """The sum of a range of keys."""
        ...

    def bucket_sums(self) -> list[Sum]:
        """The sums of all buckets, in one pass."""
        ...


def bucket_of(key: str) -> int:
    """The bucket of a row by the text of its key."""
    return digests([key])[0] >> 56


class _Reading:
    """What both sides share: sums from batches."""

    def batches(self, after: Position | None = None, until: Position | None = None) -> Iterator[Batch]:
        raise NotImplementedError

    def range_sum(self, after: Position | None, until: Position | None) -> Sum:
        rows = total = 0
        for batch in self.batches(after, until):
            rows += len(batch.rows)
            total += sum(digests(batch.rows))
        return Sum(rows, total % MODULUS)

    def bucket_sums(self) -> list[Sum]:
        counts, totals = [0] * BUCKETS, [0] * BUCKETS
        for batch in self.batches():
            whole = digests(batch.rows)
            keys = whole if batch.keys is batch.rows else digests(batch.keys)
            for key, row in zip(keys, whole, strict=True):
                counts[key >> 56] += 1
                totals[key >> 56] += row
        return [Sum(count, total % MODULUS) for count, total in zip(counts, totals, strict=True)]


class SourceSide(_Reading):
    """The source's rows as they should be on the target: converted, without those in quarantine.

    ``set_aside`` counts rows that were left out because they do not fit.  `refused` are rows that the target did not
    take, as the quarantine keeps them; `excluded` those it took and gave back, as texts of keys (of rows where there is
    no key); both with how often.
    """

    def __init__(
        self,
        store: Store,
        reader: Reader,
        how: Comparing,
        refused: Counter[str] | None = None,
        excluded: Counter[str] | None = None,
    ) -> None:
        self._reader, self._how = reader, how
        self._refused, self._excluded = refused or Counter(), excluded or Counter()
        self._converter = Converter(how.plan.source.dialect, how.move, how.plan.target)
        self._own = store.walk(how.move.source)
        self._key_walk = self._range_walk(store)
        self.set_aside = 0

    def _range_walk(self, store: Store) -> Walk:
        """The walk over the compared key, for ranges."""
        names = tuple(self._how.move.columns[place].source for place in self._how.key_places)
        return Walk(tuple(map(store.quote, names)), names)

    def bounds(self, rows: int) -> Iterator[Position]:
        """Keys that divide the table into ranges of about `rows` rows."""
        after: Position | None = None
        while (after := self.middle(after, None, rows)) is not None:
            yield after

    def middle(self, after: Position | None, until: Position | None, rows: int) -> Position | None:
        """The key that is `rows` rows after another; None when there are fewer."""
        names = self._key_walk.columns
        found = self._reader.rows(self._how.move.source, names, self._key_walk, after, until, rows)
        last = None
        count = 0
        for last in found:  # noqa: B007
            count += 1
        return last if count == rows else None

    def batches(self, after: Position | None = None, until: Position | None = None) -> Iterator[Batch]:
        move, ranged = self._how.move, after is not None or until is not None
        walk = self._key_walk if ranged or self._how.ranged else self._own
        hidden = len(walk.keys) if walk and walk.hidden else 0
        left, refused = Counter(self._excluded), Counter(self._refused)
        for read in self._reader.batches(move.source, move.reads, walk, after, until, None, self._how.batch):
            some = read
            if refused.total():
                some = [row for row in read if not self._take(refused, row[hidden:])]
                if not some:
                    continue
            columns: Sequence[Sequence[Any]] = list(zip(*some, strict=True))[hidden:]
            bad: dict[int, Any] = {}
            there = joined(self._how.there.say(columns)) if self._how.there else ()
            if self._converter.needed:
                columns, bad = self._converter.columns(columns)
            if bad and there:  # the old side may hold what they were made of
                keys = self._how.key_places
                blank = [
                    v if place in keys else [None if n in bad else one for n, one in enumerate(v)]
                    for place, v in enumerate(columns)
                ]
                batch = self._how.batch_of(blank)
                rows = [MISFIT if n in bad else row for n, row in enumerate(batch.rows)]
                yield Batch(batch.keys, rows, there).without(left)
                continue
            if bad:
                self.set_aside += len(bad)
                columns = [[v for n, v in enumerate(values) if n not in bad] for values in columns]
                if len(bad) == len(some):
                    continue
            batch = replace(self._how.batch_of(columns), there=there)
            yield batch.without(left) if left else batch

    def _take(self, refused: Counter[str], row: Row) -> bool:
        """Whether the row is one of those the target did not take; each is found once."""
        raw = row_text(row, self._how.move.reads)
        if refused[raw] <= 0:
            return False
        refused[raw] -= 1
        return True


class TargetSide(_Reading):
    """The target's rows without those that `stayed` (texts of keys, see `staying`); in PostgreSQL sums are computed by
    the server where it knows all kinds."""

    def __init__(self, store: Store, reader: Reader, how: Comparing, stayed: Counter[str] | None = None) -> None:
        self._store, self._reader, self._how = store, reader, how
        self._stayed = stayed or Counter()
        names = tuple(how.move.columns[place].target for place in how.key_places)
        self._walk = Walk(tuple(map(store.quote, names)), names) if names else None
        self._row_sql = self._sql(range(len(how.kinds)))
        self._key_sql = self._sql(how.key_places) if how.key_places else self._row_sql

    def batches(self, after: Position | None = None, until: Position | None = None) -> Iterator[Batch]:
        ranged = after is not None or until is not None
        walk, move, size = self._walk if ranged else None, self._how.move, self._how.batch
        left = Counter(self._stayed)
        for some in self._reader.batches(move.target, move.writes, walk, after, until, None, size):
            columns = list(zip(*some, strict=True))
            batch = self._how.batch_of(columns)
            if self._how.there:
                made, bad = self._how.there.become(columns)
                batch = replace(batch, there=["" if n in bad else row for n, row in enumerate(joined(made))])
            yield batch.without(left) if left else batch

    def _sql(self, places: Sequence[int]) -> str | None:
        """The text of a row, or of its key, as SQL of PostgreSQL."""
        if self._store.dialect != "postgresql":
            return None
        parts = []
        for place in places:
            column = self._how.move.columns[place]
            text = sql_text(column.target_kind, self._store.quote(column.target))
            if text is None:
                return None
            parts.append(f"coalesce({text}, {_quoted(NULL)})")
        return f" || {_quoted(SEPARATOR)} || ".join(parts)

    def range_sum(self, after: Position | None, until: Position | None) -> Sum:
        if self._row_sql is None or self._walk is None or self._stayed:
            return super().range_sum(after, until)
        keys, marks = ", ".join(self._walk.keys), ", ".join("?" * len(self._walk.keys))
        terms: list[str] = []
        given: list[Any] = []
        for sign, position in ((">", after), ("<=", until)):
            if position is not None:
                terms.append(f"({keys}) {sign} ({marks})")
                given += position
        where = f" WHERE {' AND '.join(terms)}" if terms else ""
        sql = f"SELECT count(*), coalesce(sum({_digest(self._row_sql)}), 0) FROM {self._name()}{where}"
        (count, total) = self._reader.query(sql, [str(value) for value in given])[0]
        return Sum(int(count), int(total) % MODULUS)

    def bucket_sums(self) -> list[Sum]:
        if self._row_sql is None or self._key_sql is None or self._stayed:
            return super().bucket_sums()
        bucket = f"('x' || substr(md5({self._key_sql}), 1, 2))::bit(8)::int"
        sql = f"SELECT {bucket}, count(*), sum({_digest(self._row_sql)}) FROM {self._name()} GROUP BY 1"
        sums = [Sum()] * BUCKETS
        for number, count, total in self._reader.query(sql):
            sums[int(number)] = Sum(int(count), int(total) % MODULUS)
        return sums

    def _name(self) -> str:
        return self._store.own(self._how.move.target)


def _quoted(text: str) -> str:
    return f"chr({ord(text)})"


def _digest(text: str) -> str:
    """The first eight bytes of the MD5 as a number of PostgreSQL (signed: the sum is taken modulo 2^64)."""
    return f"('x' || substr(md5({text}), 1, 16))::bit(64)::bigint::numeric"
