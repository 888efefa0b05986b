"""What is in a SQLite file: PRAGMAs for what they tell, the stored statements for the rest.

PRAGMA table_xinfo knows columns and types, index_xinfo the collation and order of index parts, foreign_key_list the
parents; only the text knows CHECKs, generated expressions, names of constraints, DEFERRABLE, conflict clauses,
expressions and predicates of indexes.  SQLAlchemy's reflection loses 15 of these 22, which is why this exists.
"""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from typing import Any

from prayog_migration.engine.model import (
    PREFIX,
    Catalogue,
    Column,
    ForeignKey,
    Index,
    Key,
    Other,
    Part,
    Table,
    Trigger,
    Unique,
    View,
)
from prayog_migration.engine.sqlite_statements import (
    ColumnText,
    TableText,
    index_parts,
    read_table,
    read_trigger,
    read_view,
)

__all__ = ["read"]


def read(connection: sqlite3.Connection) -> Catalogue:
    """The catalogue of the main database of `connection`."""
    others: list[Other] = []
    tables, views, triggers = [], [], []
    listed = {row[1]: row for row in connection.execute("PRAGMA main.table_list")}
    master = connection.execute("SELECT type, name, tbl_name, sql FROM main.sqlite_master ORDER BY rowid").fetchall()
    for kind, name, table, sql in master:
        if name.startswith((PREFIX, "sqlite_")) or table.startswith(PREFIX):
            if name.startswith("sqlite_stat"):
                others.append(Other("statistics", name, sql or ""))
        elif kind == "table":
            tables.append(_table(connection, name, sql, listed[name], others))
        elif kind == "view":
            views.append(_view(connection, name, sql, others))
        elif kind == "trigger":
            triggers.append(_trigger(name, table, sql, others))
    others += [
        Other("pragma", f"{name} = {value}", f"PRAGMA {name} = {value}")
        for name in ("user_version", "application_id")
        if (value := _one(connection, f"PRAGMA {name}"))
    ]
    return Catalogue(
        "sqlite",
        sqlite3.sqlite_version,
        _spelled(tables),
        tuple(views),
        tuple(triggers),
        others=tuple(others),
        encoding=_one(connection, "PRAGMA encoding"),
        collation="BINARY",
    )


def _spelled(tables: list[Table]) -> tuple[Table, ...]:
    """Constraints may spell a name in another case than its declaration: give all the declared spelling."""
    declared = {table.name.lower(): table for table in tables}

    def columns(table: Table | None, names: tuple[str, ...]) -> tuple[str, ...]:
        known = {column.name.lower(): column.name for column in table.columns} if table else {}
        return tuple(known.get(name.lower(), name) for name in names)

    def parts(table: Table, given: tuple[Part, ...]) -> tuple[Part, ...]:
        return tuple(part if part.expression else replace(part, text=columns(table, (part.text,))[0]) for part in given)

    def spelled(table: Table) -> Table:
        keys = []
        for key in table.foreign_keys:
            parent = declared.get(key.parent.lower())
            keys.append(
                replace(
                    key,
                    columns=columns(table, key.columns),
                    parent=parent.name if parent else key.parent,
                    parent_columns=columns(parent, key.parent_columns),
                )
            )
        uniques = tuple(
            replace(u, columns=columns(table, u.columns), parts=parts(table, u.parts)) for u in table.uniques
        )
        primary = table.key and replace(table.key, parts=parts(table, table.key.parts))
        checks = tuple(replace(c, column=columns(table, (c.column,))[0]) if c.column else c for c in table.checks)
        return replace(table, key=primary, uniques=uniques, foreign_keys=tuple(keys), checks=checks)

    return tuple(map(spelled, tables))


def _one(connection: sqlite3.Connection, sql: str) -> Any:
    return connection.execute(sql).fetchone()[0]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _table(connection: sqlite3.Connection, name: str, sql: str, listed: tuple[Any, ...], others: list[Other]) -> Table:
    _, _, kind, _, without_rowid, strict = listed
    info = connection.execute(f"PRAGMA main.table_xinfo({_quoted(name)})").fetchall()
    if kind in ("virtual", "shadow"):
        columns = tuple(Column(row[1], row[2], not row[3], row[4]) for row in info if row[6] != 1)
        engine = sql.upper().partition("USING")[2].partition("(")[0].strip().lower() if kind == "virtual" else ""
        return Table(name, columns, kind=kind, engine=engine, sql=sql)
    try:
        text = read_table(sql)
    except ValueError as error:
        others.append(Other("statement that could not be read", name, f"{error}"))
        text = TableText()
    listing = connection.execute(f"PRAGMA main.index_list({_quoted(name)})").fetchall()
    key = _key(info, listing, text, bool(without_rowid))
    columns = tuple(_column(row, text, key, listing, bool(without_rowid)) for row in info)
    return Table(
        name,
        columns,
        key=key,
        uniques=_uniques(connection, listing, text),
        foreign_keys=_foreign_keys(connection, name, text),
        indexes=tuple(
            _index(connection, row[1], bool(row[2]), others)
            for row in sorted(listing)
            if row[3] == "c" and not row[1].startswith(PREFIX)
        ),
        checks=tuple(text.checks),
        strict=bool(strict),
        without_rowid=bool(without_rowid),
        next_number=_next_number(connection, name) if key and key.autoincrement else None,
        sql=sql,
    )


def _named(text: TableText, name: str) -> ColumnText:
    return next((column for column in text.columns if column.name.lower() == name.lower()), ColumnText(name))


def _key(info: list[Any], listing: list[Any], text: TableText, without_rowid: bool) -> Key | None:
    columns = tuple(row[1] for row in sorted((row for row in info if row[5]), key=lambda row: row[5]))
    if not columns:
        return None
    key = text.key or Key(columns)
    return replace(key, columns=columns, autoincrement=key.autoincrement and not without_rowid)


def _column(row: Any, text: TableText, key: Key | None, listing: list[Any], without_rowid: bool) -> Column:
    _, name, kind, not_null, default, place, hidden = row
    told = _named(text, name)
    # The rowid by another name: one INTEGER column is the key, and no index was needed for it.
    alias = (
        bool(place)
        and key is not None
        and len(key.columns) == 1
        and kind.upper() == "INTEGER"
        and not without_rowid
        and not any(entry[3] == "pk" for entry in listing)
    )
    generated = (told.generated or "") if hidden in (2, 3) else None
    return Column(
        name,
        _plain_type(kind) if generated is not None else kind,
        not (not_null or alias or (place and without_rowid)),
        told.default if told.default is not None else default,
        generated,
        hidden == 3,
        "auto" if alias else "",
        told.collation,
        conflict=told.conflict,
    )


def _plain_type(kind: str) -> str:
    """The type of a generated column: PRAGMA table_xinfo appends the words that follow it."""
    upper = kind.upper()
    return kind[: -len("GENERATED ALWAYS")].strip() if upper.endswith("GENERATED ALWAYS") else kind


def _uniques(connection: sqlite3.Connection, listing: list[Any], text: TableText) -> tuple[Unique, ...]:
    """From the text; should it have been unreadable, from the indexes that SQLite made for them."""
    if text.columns:
        return tuple(text.uniques)
    made = [row[1] for row in listing if row[3] == "u"]
    found = []
    for name in made:
        parts = connection.execute(f"PRAGMA main.index_info({_quoted(name)})").fetchall()
        found.append(Unique(tuple(part[2] for part in parts)))
    return tuple(found)


def _foreign_keys(connection: sqlite3.Connection, table: str, text: TableText) -> tuple[ForeignKey, ...]:
    """SQLite lists them last first; the text has them in order, with what the list lacks."""
    listed: dict[int, list[Any]] = {}
    for row in connection.execute(f"PRAGMA main.foreign_key_list({_quoted(table)})"):
        listed.setdefault(row[0], []).append(row)
    if len(listed) == len(text.foreign_keys):
        return tuple(text.foreign_keys)
    return tuple(
        ForeignKey(
            tuple(row[3] for row in rows),
            rows[0][2],
            tuple(row[4] for row in rows) if rows[0][4] else (),
            on_update=rows[0][5],
            on_delete=rows[0][6],
        )
        for _, rows in sorted(listed.items(), reverse=True)
    )


def _index(connection: sqlite3.Connection, name: str, unique: bool, others: list[Other]) -> Index:
    sql = connection.execute("SELECT sql FROM main.sqlite_master WHERE type = 'index' AND name = ?", (name,))
    text: str = sql.fetchone()[0]
    try:
        parts, where = index_parts(text)
    except ValueError as error:
        others.append(Other("statement that could not be read", name, f"{error}"))
        parts, where = (), ""
    rows = [row for row in connection.execute(f"PRAGMA main.index_xinfo({_quoted(name)})") if row[5]]
    full = []
    for n, (_, _, column, descending, collation, _) in enumerate(rows):
        expression = parts[n].text if column is None and n < len(parts) else ""
        shown = collation if collation.upper() != "BINARY" else ""
        full.append(Part(column or expression, column is None, shown, bool(descending)))
    return Index(name, tuple(full), unique, where, sql=text)


def _next_number(connection: sqlite3.Connection, table: str) -> int:
    """What AUTOINCREMENT hands out next; 1 for a table that never had a row."""
    row = connection.execute("SELECT seq FROM main.sqlite_sequence WHERE name = ?", (table,)).fetchone()
    return int(row[0]) + 1 if row and row[0] is not None else 1


def _view(connection: sqlite3.Connection, name: str, sql: str, others: list[Other]) -> View:
    try:
        columns, query = read_view(sql)
    except ValueError as error:
        others.append(Other("statement that could not be read", name, f"{error}"))
        columns, query = (), ""
    try:
        shown = tuple(row[1] for row in connection.execute(f"PRAGMA main.table_info({_quoted(name)})"))
    except sqlite3.Error as error:  # a view on something that is gone
        others.append(Other("view that does not run", name, f"{error}"))
        shown = columns
    return View(name, query, columns=columns or shown, sql=sql)


def _trigger(name: str, table: str, sql: str, others: list[Other]) -> Trigger:
    try:
        text = read_trigger(sql)
    except ValueError as error:
        others.append(Other("statement that could not be read", name, f"{error}"))
        return Trigger(name, table, "", (), sql)
    return Trigger(name, table, text.timing, (text.event,), sql, "", text.columns, text.when, body=text.body)
