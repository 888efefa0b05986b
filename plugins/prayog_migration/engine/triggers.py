"""The SQL by which a SQLite file tells which rows were touched: a log of keys, kept by triggers.

Triggers see the changes of every connection, which SQLite's session extension does not.  The log holds keys only; the
rows are read again when the log is read, because an image of the row cannot hold every value (JSON has no BLOB, and
the application's own INSERT would fail).

Rules
1. Every statement of a row logs its key after the change: the old one and, if the key changed, the new one.
2. REPLACE throws out other rows that hold one of its unique values *without* firing their DELETE triggers (manual,
   “ON CONFLICT”; unless the writer's connection has recursive_triggers on).  So guards run before INSERT and UPDATE
   and log the rows that may be thrown out.  Too many keys in the log do no harm, one too few loses a row.
3. Of a unique index on expressions the guard evaluates the very expressions on the new row.
4. The wizard itself writes through the fence: ``_wiz_gate.open`` is 1 inside its transaction, and never committed so.
5. The log is numbered without gaps: what is rolled back takes its number back, and the last entry is never deleted.
   (AUTOINCREMENT would keep numbers too, and costs every transaction a second page: a fifth of its speed.)
6. Nobody deletes what the wizard still needs: a guard refuses it, and a guard that is gone is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from prayog_migration.engine.identity import Identity, identity
from prayog_migration.engine.model import PREFIX, Part, Table

__all__ = [
    "CAPTURE_TRIGGERS",
    "FENCED",
    "GATE",
    "GUARD",
    "LOG",
    "UPTO",
    "Followed",
    "drop_fence",
    "fence",
    "followed",
    "install",
    "log_keys",
]

LOG = f"{PREFIX}_log"
CAPTURE_TRIGGERS = ("bi", "bu", "ai", "au", "um", "ad")
"""The middle part of the names of the six triggers of a table: ``_wiz_bi_orders``."""
GUARD, UPTO = f"{PREFIX}_guard", f"{PREFIX}_upto"
"""The trigger that keeps the log, and the table with the number up to which entries may be deleted."""
GATE = f"{PREFIX}_gate"
FENCED = "FENCED: this database has moved; read the route and write to the new one"


@dataclass(frozen=True, slots=True)
class Followed:
    """A table that is followed: its number in the log, and what names its rows."""

    number: int
    table: Table
    identity: Identity


def followed(tables: Sequence[Table]) -> list[Followed]:
    """`tables` with their identities.  Raises `Unfollowable`."""
    return [Followed(n, table, identity(table, "sqlite")) for n, table in enumerate(tables)]


def _gate() -> Iterator[str]:
    """The row by which the wizard's own transactions are told from the application's."""
    yield f"CREATE TABLE IF NOT EXISTS {GATE} (open INTEGER NOT NULL)"
    yield f"INSERT INTO {GATE} SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM {GATE})"


def install(tables: Sequence[Followed]) -> Iterator[str]:
    """Log and triggers; run them in one BEGIN IMMEDIATE transaction, so that no change falls between two tables."""
    width = max((len(one.identity.columns) for one in tables), default=1)
    keys = ", ".join(f"k{n}" for n in range(width))
    yield f"CREATE TABLE {LOG} (seq INTEGER PRIMARY KEY, tab INTEGER NOT NULL, {keys})"
    yield f"CREATE TABLE {UPTO} (seq INTEGER NOT NULL)"
    yield f"INSERT INTO {UPTO} VALUES (0)"
    yield (
        f"CREATE TRIGGER {GUARD} BEFORE DELETE ON {LOG} WHEN OLD.seq > (SELECT seq FROM {UPTO})"
        " BEGIN SELECT RAISE(ABORT, 'a migration still needs these changes; cancel it in the lab first'); END"
    )
    for one in tables:
        yield from _triggers(one)


def log_keys(count: int) -> str:
    """The columns of the log that hold a key of `count` columns."""
    return ", ".join(f"k{n}" for n in range(count))


def fence(tables: Sequence[Table]) -> Iterator[str]:
    """Refuse every write from now on; in one BEGIN IMMEDIATE transaction, which waits for the last writer."""
    yield from _gate()
    for table in tables:
        for event in ("INSERT", "UPDATE", "DELETE"):
            name = _name(table, f"fence_{event.lower()}")
            yield (
                f"CREATE TRIGGER IF NOT EXISTS {name} BEFORE {event} ON {_quote(table.name)}"
                f" WHEN (SELECT open FROM {GATE}) = 0 BEGIN SELECT RAISE(ABORT, '{FENCED}'); END"
            )


def drop_fence(tables: Sequence[Table]) -> Iterator[str]:
    """Let the application write again."""
    for table in tables:
        for event in ("insert", "update", "delete"):
            yield f"DROP TRIGGER IF EXISTS {_name(table, f'fence_{event}')}"


def _triggers(one: Followed) -> Iterator[str]:
    table = _quote(one.table.name)
    key = one.identity.columns
    insert = f"INSERT INTO {LOG} (tab, {log_keys(len(key))})"

    def logged(row: str) -> str:
        return f"{insert} VALUES ({one.number}, {', '.join(f'{row}.{_quote(name)}' for name in key)});"

    moved = " OR ".join(f"NEW.{_quote(name)} IS NOT OLD.{_quote(name)} COLLATE BINARY" for name in key)
    same = " AND ".join(f"{_quote(name)} IS OLD.{_quote(name)} COLLATE BINARY" for name in key)
    held = f"SELECT {one.number}, {', '.join(map(_quote, key))} FROM {table} WHERE"

    def trigger(kind: str, when: str, body: str, condition: str = "") -> str:
        return f"CREATE TRIGGER {_name(one.table, kind)} {when} ON {table}{condition} BEGIN {body} END"

    uniques = list(_unique(one.table))
    found = [" AND ".join(_holds(one.table, part) for part in parts) for parts in uniques]
    guard = "".join(f"{insert} {held} {terms};" for terms in found)
    yield trigger("bi", "BEFORE INSERT", guard)
    guard = "".join(f"{insert} {held} {terms} AND NOT ({same});" for terms in found)
    columns = {part.text for parts in uniques for part in parts}
    simple = not any(part.expression for parts in uniques for part in parts)
    changed = " OR ".join(f"NEW.{_quote(name)} IS NOT OLD.{_quote(name)} COLLATE BINARY" for name in sorted(columns))
    yield trigger("bu", "BEFORE UPDATE", guard, f" WHEN {changed}" if simple else "")
    yield trigger("ai", "AFTER INSERT", logged("NEW"))
    yield trigger("au", "AFTER UPDATE", logged("OLD"))
    yield trigger("um", "AFTER UPDATE", logged("NEW"), f" WHEN {moved}")
    yield trigger("ad", "AFTER DELETE", logged("OLD"))


def _unique(table: Table) -> Iterator[tuple[Part, ...]]:
    """Everything by which a row can throw out another one; which rows an index holds does not matter (rule 2)."""
    if table.key:
        yield table.key.parts or tuple(Part(name) for name in table.key.columns)
    for unique in table.uniques:
        yield unique.parts or tuple(Part(name) for name in unique.columns)
    for index in table.indexes:
        if index.unique:
            yield index.parts


def _holds(table: Table, part: Part) -> str:
    """A row of the table has, in `part`, the value that the new row is going to have."""
    if part.expression:
        columns = ", ".join(f"NEW.{_quote(column.name)} AS {_quote(column.name)}" for column in table.columns)
        term = f"({part.text}) = (SELECT ({part.text}) FROM (SELECT {columns}))"
    else:
        term = f"{_quote(part.text)} = NEW.{_quote(part.text)}"
    return f"{term} COLLATE {_quote(part.collation)}" if part.collation else term


def _name(table: Table, kind: str) -> str:
    return _quote(f"{PREFIX}_{kind}_{table.name}")


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
