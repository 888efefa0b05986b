"""Sequences and identities go on where the source's stopped, also in a table that is empty.

No database copies them with the rows, and a table whose counter begins at 1 again refuses its first new row.
"""

from __future__ import annotations

from dataclasses import dataclass

from prayog_migration.engine.fitting import bounds
from prayog_migration.engine.model import Catalogue, Column, Sequence, Table
from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.real.store import Store, Writer

__all__ = ["Number", "next_numbers", "set_numbers"]


@dataclass(frozen=True, slots=True)
class Number:
    """The next number of a column of the target (``table``, ``column``) or of a sequence of its own."""

    table: str
    column: str
    next: int


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
    for move in plan.tables:
        for column in move.target.columns:
            if column.identity or _serial(plan, move.target, column):
                number = _next(source, target, move, column, writer)
                low, high = _range(move, column)
                step = -1 if _descends(source, move, column) else 1
                number = max(low, min(high, number + step * _affordable(margin, number, high if step > 0 else low)))
                found.append(Number(move.target.title, column.name, number))
    for sequence in plan.sequences:
        if sequence.owner is None:
            path = sequence.name, sequence.schema
            now = next((one for one in source.sequences if (one.name, one.schema) == path), sequence)
            start = now.start if now.last is None else now.last + now.step
            title = f"{sequence.schema}.{sequence.name}" if sequence.schema else sequence.name
            end = now.maximum if now.step > 0 else now.minimum
            room = margin if now.cycle or end is None else _affordable(margin, 0, (end - start) // now.step)
            found.append(Number(title, "", _within(start + room * now.step, now)))
    return found


def _affordable(margin: int, number: int, end: int) -> int:
    """Of the numbers that are left at most a tenth is skipped: a key of eight bits has not a thousand."""
    return max(0, min(margin, abs(end - number) // 10))


def _range(move: TableMove, column: Column) -> tuple[int, int]:
    """The smallest and the largest number that both sides take."""
    for one in move.columns:
        if one.target == column.name and one.kind.name == one.target_kind.name == "integer":
            (low, high), (least, most) = bounds(one.kind), bounds(one.target_kind)
            return max(low, least), min(high, most, 2**63 - 1)
    return -(2**63), 2**63 - 1


def _descends(source: Catalogue, move: TableMove, column: Column) -> bool:
    """A counter that goes down: only from PostgreSQL to PostgreSQL."""
    name = next((one.source for one in move.columns if one.target == column.name), column.name)
    own = (one for one in source.sequences if one.owner == (move.source.name, name) and one.step < 0)
    return any(one.schema == move.source.schema for one in own)


def _within(number: int, sequence: Sequence) -> int:
    """A sequence that has come to its end begins again or stays there."""
    low, high = sequence.minimum, sequence.maximum
    if high is not None and number > high:
        return (low if low is not None else sequence.start) if sequence.cycle else high
    if low is not None and number < low:
        return (high if high is not None else sequence.start) if sequence.cycle else low
    return number


def _serial(plan: Plan, table: Table, column: Column) -> bool:
    """A column of PostgreSQL whose default is a sequence that belongs to it."""
    return plan.target == "postgresql" and bool(column.sequence) and _owned(plan.source, table, column) is not None


def _owned(catalogue: Catalogue, table: Table, column: Column) -> Sequence | None:
    for one in catalogue.sequences:
        if one.owner == (table.name, column.name) and one.schema == table.schema:
            return one
    return None


def _next(source: Catalogue, target: Store, move: TableMove, column: Column, writer: Writer) -> int:
    name = target.name(move.target.name, move.target.schema)
    down = _descends(source, move, column)
    furthest, step = ("min", -1) if down else ("max", 1)
    highest = writer.query(f"SELECT {furthest}({target.quote(column.name)}) FROM {name}")[0][0]
    wanted = [int(highest) + step] if highest is not None else [step]
    most = min if down else max
    try:
        table = source.table(move.source.name, move.source.schema)
    except KeyError:
        return most(wanted)
    if table.next_number is not None:
        wanted.append(table.next_number)
    here = next((one.source for one in move.columns if one.target == column.name), column.name)
    drawn = next((one.sequence for one in table.columns if one.name == here), "")
    sequence = next((one for one in source.sequences if _feeds(one, table, here, drawn)), None)
    if sequence is not None:
        wanted.append(sequence.start if sequence.last is None else sequence.last + sequence.step)
    return most(wanted)


def _feeds(sequence: Sequence, table: Table, column: str, drawn: str) -> bool:
    """Whether the sequence gives `column` its numbers: it belongs to it, or is what its default draws from."""
    return sequence.schema == table.schema and (sequence.owner == (table.name, column) or sequence.name == drawn)


def _set_column(target: Store, writer: Writer, table: Table, one: Number) -> None:
    name = target.name(table.name, table.schema)
    if target.dialect == "postgresql":
        writer.query("SELECT setval(pg_get_serial_sequence(?, ?), ?, false)", (name, one.column, one.next))
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
