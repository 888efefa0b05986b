"""Proves that the target holds what it should: counts, sums of segments, and the very rows and cells that differ.

The source's rows are converted as the load converted them, so a value that a policy changed is equal here, and its
count is told beside.  The stand-alone verifier (`engine.verifier`) does the same without one line of this.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field, replace
from itertools import zip_longest

from prayog_migration.engine.canonical import NULL, SEPARATOR
from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.real.checksum import MISFIT, Comparing, Side, SourceSide, Sum, TargetSide, bucket_of
from prayog_migration.engine.real.originals import There
from prayog_migration.engine.real.quarantine import Quarantine
from prayog_migration.engine.real.state import State
from prayog_migration.engine.real.staying import restored, stayed_behind
from prayog_migration.engine.real.store import Position, Reader, Store

__all__ = ["Difference", "Segment", "TableVerdict", "validate", "validate_table"]

SEGMENT_ROWS = 50_000
_FEW = 200
"""A segment of so many rows is not halved any more: its rows are compared."""
_MOST = 100
"""Differences that are told for one table."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A range of keys (``after``, ``until``], or the bucket ``number``, and what both sides sum up to."""

    number: int
    after: Position | None
    until: Position | None
    source: Sum
    target: Sum
    alike: bool = False
    """The sums differ, and every row was looked at: what differs is what the old side holds of changed values."""

    @property
    def equal(self) -> bool:
        """Both sides have the same rows here."""
        return self.alike or self.source == self.target


@dataclass(frozen=True, slots=True)
class Difference:
    """One row: ``missing`` on the target, ``extra`` there, or ``different`` in cells (column, should be, is)."""

    key: str
    kind: str
    cells: tuple[tuple[str, str, str], ...] = ()


@dataclass(slots=True)
class TableVerdict:
    """What was found for one table.  The identity: ``source_rows == target_rows + quarantined``."""

    table: str
    source_rows: int = 0
    target_rows: int = 0
    quarantined: int = 0
    stayed: int = 0
    """Rows that are left on the old side on purpose (see `staying`); ``target_rows`` does not count them."""
    segments: list[Segment] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    changed: dict[str, int] = field(default_factory=dict)

    @property
    def counts_agree(self) -> bool:
        """No row is unaccounted for."""
        return self.source_rows == self.target_rows + self.quarantined

    @property
    def equal(self) -> bool:
        """Every row is on the target as it should be, or in quarantine."""
        return self.counts_agree and all(segment.equal for segment in self.segments)


Told = Callable[[str, int, int], None]
"""Hears (table, segments compared, segments known to be red), and may raise to stop."""


def validate(
    source: Store, target: Store, plan: Plan, told: Told = lambda table, done, red: None, snapshot: str = ""
) -> list[TableVerdict]:
    """Compare every table of the plan, each side in one snapshot of its own.

    Nobody may write meanwhile, or both snapshots must be of the same position (`snapshot`: PostgreSQL's exported one).
    """
    with source.reader(snapshot) as here, target.reader() as there:
        return [
            validate_table(source, here, target, there, plan, move, told)
            for move in plan.tables
            if not (move.source.partitioning and move.source.partitioning.parent)
        ]


def validate_table(
    source: Store,
    here: Reader,
    target: Store,
    there: Reader,
    plan: Plan,
    move: TableMove,
    told: Told = lambda table, done, red: None,
    came: There | None = None,
) -> TableVerdict:
    """Compare one table; with `came`, how it came, the source is the side that is in charge after a switch-over."""
    how = Comparing(plan, move, came)
    stayed = stayed_behind(source, here, target, there, how) if came else Counter[str]()
    refused, excluded, quarantined = _set_aside(target, there, how)
    left = SourceSide(source, here, how, refused, excluded)
    right = TargetSide(target, there, how, stayed)
    rows = there.count(move.target) - stayed.total()
    verdict = TableVerdict(move.source.title, here.count(move.source), rows, quarantined, stayed.total())
    verdict.changed = State(target).get(there, f"changed:{move.source.title}") or {}
    pairs = _ranges(left, right) if how.ranged else _buckets(left, right)
    red = 0
    for segment in pairs:
        verdict.segments.append(segment)
        red += not segment.equal
        told(move.source.title, len(verdict.segments), red)
    if how.there:
        _look_closely(how, left, right, verdict)
    for segment in () if how.there else verdict.segments:
        if not segment.equal and len(verdict.differences) < _MOST:
            verdict.differences += _differences(how, left, right, segment)
    del verdict.differences[_MOST:]
    return verdict


def _set_aside(target: Store, there: Reader, how: Comparing) -> tuple[Counter[str], Counter[str], int]:
    """Rows in quarantine: as they were at the source, those that the target refused while loading; as keys on the
    target, those that it refused later.  Those that do not fit are found again by converting."""
    refused: Counter[str] = Counter()
    later: Counter[str] = Counter()
    rows = Quarantine(target).rows(there, how.move.source.title)
    for _, _, phase, _, code, _, raw in rows:
        if phase == "load" and code != "misfit":
            refused[raw] += 1
        elif code != "misfit":
            values = json.loads(raw)
            batch = how.batch_of([[restored(values[name])] for name in how.move.reads])
            later[batch.keys[0]] += 1
    return refused, later, len(rows)


def _ranges(left: SourceSide, right: Side) -> Iterator[Segment]:
    """Ranges of some ten thousand keys of the source; what the target has beyond the last is in one more."""
    after: Position | None = None
    number = 0
    for until in [*left.bounds(SEGMENT_ROWS), None]:
        yield Segment(number, after, until, left.range_sum(after, until), right.range_sum(after, until))
        after, number = until, number + 1


def _buckets(left: SourceSide, right: Side) -> Iterator[Segment]:
    sums = zip(left.bucket_sums(), right.bucket_sums(), strict=True)
    for number, (source, target) in enumerate(sums):
        if source.rows or target.rows:
            yield Segment(number, None, None, source, target)


def _differences(how: Comparing, left: SourceSide, right: Side, segment: Segment) -> list[Difference]:
    """The rows that differ in a red segment; ranges are halved as long as that spares reading."""
    if not how.ranged:
        number = (segment.number,)
        return _compared(how, _rows(left, None, None, number), _rows(right, None, None, number))
    after, until = segment.after, segment.until
    if segment.source.rows > _FEW:
        middle = left.middle(after, until, segment.source.rows // 2)
        if middle is not None and middle != until:
            found: list[Difference] = []
            for low, high in ((after, middle), (middle, until)):
                half = Segment(segment.number, low, high, left.range_sum(low, high), right.range_sum(low, high))
                if not half.equal and len(found) < _MOST:
                    found += _differences(how, left, right, half)
            return found
    return _compared(how, _rows(left, after, until), _rows(right, after, until))


def _look_closely(how: Comparing, left: SourceSide, right: Side, verdict: TableVerdict) -> None:
    """On the way back: read red segments row by row; those in which all rows are alike are not red."""
    for some in _together(how, [n for n, segment in enumerate(verdict.segments) if not segment.equal], verdict):
        numbers = {verdict.segments[n].number for n in some}
        one = verdict.segments[some[0]]
        buckets = None if how.ranged else numbers
        found = _compared(
            how, _rows(left, one.after, one.until, buckets), _rows(right, one.after, one.until, buckets)
        )  # fmt: skip
        if not found:
            for n in some:
                verdict.segments[n] = replace(verdict.segments[n], alike=True)
        verdict.differences += found


def _together(how: Comparing, red: list[int], verdict: TableVerdict) -> Iterator[list[int]]:
    """Buckets are read many in one pass, up to a number of rows; ranges one by one."""
    some: list[int] = []
    rows = 0
    for n in red:
        rows += verdict.segments[n].source.rows
        if some and (how.ranged or rows > 2 * SEGMENT_ROWS):
            yield some
            some, rows = [], verdict.segments[n].source.rows
        some.append(n)
    if some:
        yield some


Rows = dict[str, list[tuple[str, str]]]
"""By key: texts of the row, and of what it is on the new side where that counts too (else "")."""


def _rows(side: Side, after: Position | None, until: Position | None, buckets: Collection[int] | None = None) -> Rows:
    found: Rows = {}
    for batch in side.batches(after, until):
        for key, row, there in zip_longest(batch.keys, batch.rows, batch.there, fillvalue=""):
            if buckets is None or bucket_of(key) in buckets:
                found.setdefault(key, []).append((row, there))
    return found


def _compared(how: Comparing, should: Rows, there: Rows) -> list[Difference]:
    found = []
    for key in sorted(should.keys() | there.keys()):
        lacking, more = list(should.get(key, ())), list(there.get(key, ()))
        for form in (0, 1):
            _pair_off(lacking, more, form)
        lacking = [one for one in lacking if one[0] != MISFIT or more]
        label = _shown(key)
        while lacking and more:
            found.append(Difference(label, "different", _cells(how, lacking.pop()[0], more.pop()[0])))
        found += [Difference(label, "missing") for _ in lacking]
        found += [Difference(label, "extra") for _ in more]
    return found


def _pair_off(mine: list[tuple[str, str]], theirs: list[tuple[str, str]], form: int) -> None:
    """Take away pairs that are the same in one of their forms."""
    if mine == theirs:
        mine.clear()
        theirs.clear()
        return
    both = Counter(one[form] for one in mine if one[form]) & Counter(one[form] for one in theirs if one[form])
    for rows in (mine, theirs):
        left = Counter(both)
        kept = []
        for one in rows:
            if left[one[form]] > 0:
                left[one[form]] -= 1
            else:
                kept.append(one)
        rows[:] = kept


def _cells(how: Comparing, should: str, is_: str) -> tuple[tuple[str, str, str], ...]:
    pairs = zip(how.move.columns, should.split(SEPARATOR), is_.split(SEPARATOR), strict=False)
    return tuple((column.target, _shown(a), _shown(b)) for column, a, b in pairs if a != b)


def _shown(text: str) -> str:
    shown = ", ".join("NULL" if part == NULL else part for part in text.split(SEPARATOR))
    return shown if len(shown) <= 200 else f"{shown[:200]} … ({len(shown)} characters)"
