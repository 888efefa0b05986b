"""What SQLite's stored CREATE statements say and its PRAGMAs do not.

Grammar: sqlite.org/lang_createtable.html, lang_createindex.html, lang_createtrigger.html, lang_createview.html.
SQLite accepted these texts, so they are correct; commas between table constraints may be missing all the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from prayog_migration.engine.model import Check, ForeignKey, Key, Part, Unique
from prayog_migration.engine.sqlite_tokens import Words

__all__ = ["ColumnText", "TableText", "index_parts", "read_table", "read_trigger", "read_view"]

_BEGINS = {
    "CONSTRAINT", "PRIMARY", "NOT", "NULL", "UNIQUE", "CHECK", "DEFAULT", "COLLATE", "REFERENCES", "GENERATED", "AS",
    ",", ")", "",
}  # fmt: skip
"""Where the type of a column ends."""
_TABLE_CONSTRAINTS = {"CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN"}


@dataclass(slots=True)
class ColumnText:
    """What the text says about one column."""

    name: str
    collation: str = ""
    default: str | None = None
    generated: str | None = None
    stored: bool = False
    conflict: str = ""


@dataclass(slots=True)
class TableText:
    """What the text says about one table."""

    columns: list[ColumnText] = field(default_factory=list)
    key: Key | None = None
    uniques: list[Unique] = field(default_factory=list)
    foreign_keys: list[ForeignKey] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    options: str = ""


def read_table(sql: str) -> TableText:
    """Read a CREATE TABLE; `ValueError` when it is something else."""
    words, table = Words(sql), TableText()
    words.expect("CREATE")
    _ = words.accept("TEMP") or words.accept("TEMPORARY")
    words.expect("TABLE")
    _name_of_object(words)
    words.expect("(")
    while True:
        if words.peek() in _TABLE_CONSTRAINTS:
            _table_constraint(words, table)
        else:
            _column(words, table)
        if words.accept(")"):
            break
        words.accept(",")
    table.options = words.rest()
    return table


def _name_of_object(words: Words) -> str:
    words.accept("IF", "NOT", "EXISTS")
    name = words.name()
    return words.name() if words.accept(".") else name


def _column(words: Words, table: TableText) -> None:
    column = ColumnText(words.name())
    table.columns.append(column)
    while words.peek() not in _BEGINS:
        if words.peek() == "(":
            words.parenthesised()
        else:
            words.next()
    name = ""
    while words.peek() not in (",", ")"):
        if words.accept("CONSTRAINT"):
            name = words.name()
            continue
        if words.accept("PRIMARY", "KEY"):
            descending = words.accept("DESC")
            _ = words.accept("ASC")
            conflict = _conflict(words)
            auto = words.accept("AUTOINCREMENT")
            parts = (Part(column.name, descending=True),) if descending else ()
            table.key = Key((column.name,), name, conflict, parts, autoincrement=auto)
        elif words.accept("NOT", "NULL"):
            column.conflict = _conflict(words)
        elif words.accept("NULL"):
            _conflict(words)
        elif words.accept("UNIQUE"):
            table.uniques.append(Unique((column.name,), name, _conflict(words)))
        elif words.accept("CHECK"):
            table.checks.append(Check(words.parenthesised(), name, column.name))
            _conflict(words)
        elif words.accept("DEFAULT"):
            column.default = _default(words)
        elif words.accept("COLLATE"):
            column.collation = words.name()
        elif words.peek() == "REFERENCES":
            table.foreign_keys.append(_references(words, (column.name,), name))
        elif words.accept("GENERATED", "ALWAYS", "AS") or words.accept("AS"):
            column.generated = words.parenthesised()
            column.stored = words.accept("STORED")
            words.accept("VIRTUAL")
        else:
            raise ValueError(f"Column {column.name!r}: {words.peek()!r} is not known in {words.sql[:60]!r}")
        name = ""


def _table_constraint(words: Words, table: TableText) -> None:
    name = words.name() if words.accept("CONSTRAINT") else ""
    while name and words.accept("CONSTRAINT"):  # SQLite allows a name with nothing behind it
        name = words.name()
    if words.accept("PRIMARY", "KEY"):
        parts, auto = _parts(words)
        columns = tuple(part.text for part in parts)
        table.key = Key(columns, name, _conflict(words), _told(parts), autoincrement=auto)
    elif words.accept("UNIQUE"):
        parts, _ = _parts(words)
        table.uniques.append(Unique(tuple(part.text for part in parts), name, _conflict(words), _told(parts)))
    elif words.accept("CHECK"):
        table.checks.append(Check(words.parenthesised(), name))
        _conflict(words)
    elif words.accept("FOREIGN", "KEY"):
        table.foreign_keys.append(_references(words, words.names(), name))


def _told(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return parts if any(part.collation or part.descending for part in parts) else ()


def _conflict(words: Words) -> str:
    if words.accept("ON", "CONFLICT"):
        return words.next().text.upper()
    return ""


def _default(words: Words) -> str:
    if words.peek() == "(":
        return f"({words.parenthesised()})"
    sign = words.next().text if words.peek() in ("+", "-") else ""
    return sign + words.next().text


def _references(words: Words, columns: tuple[str, ...], name: str) -> ForeignKey:
    words.expect("REFERENCES")
    parent = words.name()
    parent_columns = words.names() if words.peek() == "(" else ()
    actions = {"DELETE": "NO ACTION", "UPDATE": "NO ACTION"}
    match, deferrable, deferred = "", False, False
    while True:
        if words.accept("ON", "DELETE") or words.accept("ON", "UPDATE"):
            event = words.peek(-1)
            first = words.next().text.upper()
            actions[event] = f"{first} {words.next().text.upper()}" if first in ("SET", "NO") else first
        elif words.accept("MATCH"):
            match = words.name().upper()
        elif words.accept("NOT", "DEFERRABLE"):
            deferrable = False
        elif words.accept("DEFERRABLE"):
            deferrable = True
        elif words.accept("INITIALLY", "DEFERRED"):
            deferred = deferrable
        elif not words.accept("INITIALLY", "IMMEDIATE"):
            break
    return ForeignKey(
        columns, parent, parent_columns, "", name, actions["DELETE"], actions["UPDATE"], match, deferrable, deferred
    )


def _parts(words: Words) -> tuple[tuple[Part, ...], bool]:
    """``(expr [COLLATE c] [ASC|DESC], …)``; and whether AUTOINCREMENT stood in it, as PRIMARY KEY allows."""
    words.expect("(")
    parts: list[Part] = []
    auto = False
    while True:
        text = words.until(",", ")", "COLLATE", "ASC", "DESC", "AUTOINCREMENT")
        collation = ""
        while words.accept("COLLATE"):
            collation = words.name()
            more = words.until(",", ")", "COLLATE", "ASC", "DESC", "AUTOINCREMENT")
            if more:  # COLLATE was inside a longer expression
                text, collation = f"{text} COLLATE {collation} {more}", ""
        descending = words.accept("DESC")
        _ = words.accept("ASC")
        auto = words.accept("AUTOINCREMENT") or auto
        single = Words(text)
        name = single.name()
        plain = single.ended
        parts.append(Part(name if plain else text, not plain, collation, descending))
        if not words.accept(","):
            break
    words.expect(")")
    return tuple(parts), auto


def index_parts(sql: str) -> tuple[tuple[Part, ...], str]:
    """The parts of a CREATE INDEX and the predicate after WHERE ("" for all rows)."""
    words = Words(sql)
    words.expect("CREATE")
    words.accept("UNIQUE")
    words.expect("INDEX")
    _name_of_object(words)
    words.expect("ON")
    words.name()
    parts, _ = _parts(words)
    return parts, words.rest() if words.accept("WHERE") else ""


@dataclass(frozen=True, slots=True)
class TriggerText:
    """The head and the body of a CREATE TRIGGER."""

    timing: str
    event: str
    columns: tuple[str, ...]
    table: str
    when: str
    body: str


def read_trigger(sql: str) -> TriggerText:
    """Read a CREATE TRIGGER."""
    words = Words(sql)
    words.expect("CREATE")
    _ = words.accept("TEMP") or words.accept("TEMPORARY")
    words.expect("TRIGGER")
    _name_of_object(words)
    timing = "BEFORE"
    if words.accept("AFTER"):
        timing = "AFTER"
    elif words.accept("INSTEAD", "OF"):
        timing = "INSTEAD OF"
    else:
        words.accept("BEFORE")
    event = words.next().text.upper()
    columns: list[str] = []
    if words.accept("OF"):
        columns.append(words.name())
        while words.accept(","):
            columns.append(words.name())
    words.expect("ON")
    table = words.name()
    words.accept("FOR", "EACH", "ROW")
    when = words.until("BEGIN") if words.accept("WHEN") else ""
    words.expect("BEGIN")
    body = words.rest()
    return TriggerText(timing, event, tuple(columns), table, when, body[: -len("END")].rstrip())


def read_view(sql: str) -> tuple[tuple[str, ...], str]:
    """The column names told by a CREATE VIEW (often none) and its SELECT."""
    words = Words(sql)
    words.expect("CREATE")
    _ = words.accept("TEMP") or words.accept("TEMPORARY")
    words.expect("VIEW")
    _name_of_object(words)
    columns = words.names() if words.peek() == "(" else ()
    words.expect("AS")
    return columns, words.rest()
