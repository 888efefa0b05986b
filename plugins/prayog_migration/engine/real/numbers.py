"""Sequences and identities go on where the source's stopped, also in a table that is empty.

No database copies them with the rows, and a table whose counter begins at 1 again refuses its first new row.
"""

from __future__ import annotations

from dataclasses import dataclass

from prayog_migration.engine.fitting import bounds
from prayog_migration.engine.model import Catalogue, Column, Sequence, Table
from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.real.store import Row, Store, Writer

__all__ = ["Number", "next_numbers", "set_numbers"]


@dataclass(frozen=True, slots=True)
class Number:
    """The next number of a column of the target (``table``, ``column``) or of a sequence of its own.

    ``counter``: the sequence that feeds the column.
    """

    table: str
    column: str
    next: int
    counter: str = ""


def set_numbers(source: Catalogue, target: Store, plan: Plan, writer: Writer, margin: int = 0) -> list[Number]:
    """Set every counter on the target to `margin` after the source's next number or the largest one that is there.

    `source` is read at this moment, with nobody writing.  What was set is returned.
    """
    numbers = next_numbers(source, target, plan, writer, margin)
    moves = {move.target.title: move for move in plan.tables}
    for one in numbers:
        if one.column:
            _set_column(target, writer, moves[one.table].target, one)
        else:
            _set_sequence(target, writer, plan, one)
    return numbers


def next_numbers(source: Catalogue, target: Store, plan: Plan, writer: Writer, margin: int = 0) -> list[Number]:
    """What `set_numbers` would set."""
    found = []
    alone = {sequence.name for sequence in plan.sequences if sequence.owner is None}
    for move in plan.tables:
        for column in move.target.columns:
            counter = _counter(target, move, column, writer) if column.sequence not in alone else None
            if counter is not None:
                first = _next(source, target, move, column, counter, writer)
                room = _affordable(margin, first, counter)
                number = max(counter.low, min(counter.high, first + room * counter.step))
                found.append(Number(move.target.title, column.name, number, counter.name))
    for sequence in plan.sequences:
        if sequence.owner is None:
            path = sequence.name, sequence.schema
            now = next((one for one in source.sequences if (one.name, one.schema) == path), sequence)
            start = now.start if now.last is None else now.last + now.step
            title = f"{sequence.schema}.{sequence.name}" if sequence.schema else sequence.name
            counter = _Counter(title, now.step, _or(now.minimum, -(2**63)), _or(now.maximum, 2**63 - 1))
            room = margin if now.cycle else _affordable(margin, start, counter)
            found.append(Number(title, "", _within(start + room * now.step, now)))
    return found


@dataclass(frozen=True, slots=True)
class _Counter:
    """What hands out numbers on the target: ``name`` of a sequence ("" where it has none), what its numbers may be,
    and which it would give next as it stands, where that is known."""

    name: str
    step: int
    low: int
    high: int
    next: int | None = None


def _counter(target: Store, move: TableMove, column: Column, writer: Writer) -> _Counter | None:
    """The counter of a column; None when it has none."""
    if not column.identity and not column.sequence:
        return None
    low, high = _range(move, column)
    table = target.name(move.target.name, move.target.schema)
    rows: list[Row] = []
    if target.dialect == "postgresql":
        own = target.name(column.sequence, move.target.schema) if column.sequence else None
        rows = writer.query(
            "SELECT seqrelid::regclass::text, seqincrement, seqmin, seqmax, pg_sequence_last_value(seqrelid) FROM"
            " pg_sequence WHERE seqrelid = coalesce(pg_get_serial_sequence(?, ?)::regclass, to_regclass(?))",
            (table, column.name, own),
        )
    elif target.dialect == "mysql" and column.sequence:
        name = target.name(column.sequence)
        facts = "increment, minimum_value, maximum_value, next_not_cached_value"
        rows = [(name, *row) for row in writer.query(f"SELECT {facts} FROM {name}")]
    if not rows:  # in PostgreSQL: a partition, whose parent's counter it is
        counts = column.identity and target.dialect != "postgresql"
        return _Counter("", 1, max(1, low), high) if counts else None
    name, step, least, most, last = rows[0]
    after = None if last is None else int(last) + (int(step) if target.dialect == "postgresql" else 0)
    return _Counter(str(name), int(step), max(low, int(least)), min(high, int(most)), after)


def _or(number: int | None, otherwise: int) -> int:
    return otherwise if number is None else number


def _affordable(margin: int, number: int, counter: _Counter) -> int:
    """How many numbers may be skipped.

    Of those that are left at most a tenth: a key of eight bits has not a thousand.
    """
    end = counter.high if counter.step > 0 else counter.low
    return max(0, min(margin, (end - number) // counter.step // 10))


def _range(move: TableMove, column: Column) -> tuple[int, int]:
    """The smallest and the largest number that both sides take."""
    for one in move.columns:
        if one.target == column.name and one.kind.name == one.target_kind.name == "integer":
            (low, high), (least, most) = bounds(one.kind), bounds(one.target_kind)
            return max(low, least), min(high, most, 2**63 - 1)
    return -(2**63), 2**63 - 1


def _within(number: int, sequence: Sequence) -> int:
    """A sequence that has come to its end begins again or stays there."""
    low, high = sequence.minimum, sequence.maximum
    if high is not None and number > high:
        return (low if low is not None else sequence.start) if sequence.cycle else high
    if low is not None and number < low:
        return (high if high is not None else sequence.start) if sequence.cycle else low
    return number


def _next(
    source: Catalogue, target: Store, move: TableMove, column: Column, counter: _Counter, writer: Writer
) -> int:
    """The next number: beyond those that are there, those that the source gave away, and the counter's own."""
    name = target.name(move.target.name, move.target.schema)
    down = counter.step < 0
    furthest = writer.query(f"SELECT {'min' if down else 'max'}({target.quote(column.name)}) FROM {name}")[0][0]
    wanted = [-1 if down else 1] if furthest is None else [int(furthest) + (-1 if down else 1)]
    if counter.next is not None:
        wanted.append(counter.next)
    table = next((t for t in source.tables if (t.name, t.schema) == (move.source.name, move.source.schema)), None)
    if table is not None:
        if table.next_number is not None:
            wanted.append(table.next_number)
        here = next((one.source for one in move.columns if one.target == column.name), column.name)
        drawn = next((one.sequence for one in table.columns if one.name == here), "")
        sequence = next((one for one in source.sequences if _feeds(one, table, here, drawn)), None)
        if sequence is not None and (sequence.step < 0) == down:
            wanted.append(sequence.start if sequence.last is None else sequence.last + sequence.step)
    return min(wanted) if down else max(wanted)


def _feeds(sequence: Sequence, table: Table, column: str, drawn: str) -> bool:
    """Whether the sequence gives `column` its numbers: it belongs to it, or is what its default draws from."""
    return sequence.schema == table.schema and (sequence.owner == (table.name, column) or sequence.name == drawn)


def _set_column(target: Store, writer: Writer, table: Table, one: Number) -> None:
    name = target.name(table.name, table.schema)
    if target.dialect == "postgresql":
        writer.query("SELECT setval(?::regclass, ?, false)", (one.counter, one.next))
    elif target.dialect == "mysql" and one.counter:
        writer.query(f"SELECT setval({one.counter}, {one.next}, 0)")
    elif target.dialect == "mysql":
        writer.execute(f"ALTER TABLE {name} AUTO_INCREMENT = {one.next}")
    elif not table.sql or "AUTOINCREMENT" in table.sql.upper():
        known = writer.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (one.next - 1, table.name))
        if not known:
            writer.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)", (table.name, one.next - 1))


def _set_sequence(target: Store, writer: Writer, plan: Plan, one: Number) -> None:
    sequence = next(s for s in plan.sequences if one.table in (s.name, f"{s.schema}.{s.name}"))
    name = target.name(sequence.name, sequence.schema if target.dialect == "postgresql" else "")
    if target.dialect == "postgresql":
        writer.query("SELECT setval(?::regclass, ?, false)", (name, one.next))
    elif target.dialect == "mysql":
        writer.query(f"SELECT setval({name}, {one.next}, 0)")
