"""What the wizard remembers, kept in the target, in the same transactions as the rows it speaks of.

Rules
1. A checkpoint is written in the transaction that writes the rows; after a lost connection the checkpoint is read
   again and believed, never what the program thought.
2. Values are text or whole numbers, the same in every dialect; anything with structure is JSON.
3. Statements here are idempotent: opening a state that is there changes nothing.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.real.store import Position, Reader, Store, Writer

__all__ = ["Checkpoint", "State", "position_from_text", "position_text"]

TABLES: Mapping[str, str] = {
    f"{PREFIX}_state": "k {key} PRIMARY KEY, v {text}",
    f"{PREFIX}_checkpoint": (
        "tab {key}, shard {key}, position {text}, bound {text}, done_rows {number}, done_bytes {number},"
        " quarantined {number}, chunks {number}, done {number}, PRIMARY KEY (tab, shard)"
    ),
    f"{PREFIX}_quarantine": (
        "tab {key}, source_key {text}, phase {key}, column_name {key}, code {key}, reason {text}, raw {text}"
    ),
}
"""The tables of the load; {key} is text that can be a key, {text} is text of any length."""

_TYPES = {
    "sqlite": {"key": "TEXT", "text": "TEXT", "number": "INTEGER"},
    "postgresql": {"key": "text", "text": "text", "number": "bigint"},
    "mysql": {
        "key": "varchar(190) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        "text": "longtext CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        "number": "bigint",
    },
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a table has come: ``position`` is the last row in order that is on the target or in quarantine.

    ``bound`` is where the copy ends, fixed when it began, so that a table that grows is finished all the same.
    """

    table: str
    shard: str = ""
    position: Position | None = None
    bound: Position | None = None
    rows: int = 0
    bytes: int = 0
    quarantined: int = 0
    chunks: int = 0
    done: bool = False


class State:
    """The wizard's tables in the target `store`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def create(self, writer: Writer, tables: Mapping[str, str] = TABLES) -> None:
        """Make the tables that are not there.  DDL: call it outside a transaction."""
        types = _TYPES[self._store.dialect]
        end = " ENGINE=InnoDB" if self._store.dialect == "mysql" else ""
        for name, columns in tables.items():
            writer.execute(f"CREATE TABLE IF NOT EXISTS {self._store.name(name)} ({columns.format(**types)}){end}")

    def get(self, writer: Writer | Reader, key: str) -> Any:
        """The JSON value kept under `key`; None when there is none."""
        rows = writer.query(f"SELECT v FROM {self._store.name(f'{PREFIX}_state')} WHERE k = ?", (key,))
        return json.loads(rows[0][0]) if rows else None

    def put(self, writer: Writer, key: str, value: Any) -> None:
        """Keep a JSON value; inside the caller's transaction."""
        name, text = self._store.name(f"{PREFIX}_state"), json.dumps(value, ensure_ascii=False)
        if not writer.execute(f"UPDATE {name} SET v = ? WHERE k = ?", (text, key)):
            writer.execute(f"INSERT INTO {name} (k, v) VALUES (?, ?)", (key, text))

    def drop(self, writer: Writer, key: str) -> None:
        """Forget what is kept under `key`; inside the caller's transaction."""
        writer.execute(f"DELETE FROM {self._store.name(f'{PREFIX}_state')} WHERE k = ?", (key,))

    def checkpoint(self, writer: Writer, table: str, shard: str = "") -> Checkpoint | None:
        """How far `table` has come; None when it was not begun."""
        found = [one for one in self.checkpoints(writer) if (one.table, one.shard) == (table, shard)]
        return found[0] if found else None

    def checkpoints(self, writer: Writer) -> list[Checkpoint]:
        """All tables that were begun."""
        rows = writer.query(
            "SELECT tab, shard, position, bound, done_rows, done_bytes, quarantined, chunks, done"
            f" FROM {self._store.name(f'{PREFIX}_checkpoint')} ORDER BY tab, shard"
        )
        return [
            Checkpoint(t, s, position_from_text(p), position_from_text(b), int(r), int(y), int(q), int(c), bool(d))
            for t, s, p, b, r, y, q, c, d in rows
        ]

    def save(self, writer: Writer, one: Checkpoint) -> None:
        """Write a checkpoint; inside the transaction of the rows it speaks of."""
        name = self._store.name(f"{PREFIX}_checkpoint")
        values = (
            position_text(one.position), position_text(one.bound), one.rows, one.bytes, one.quarantined, one.chunks,
            int(one.done), one.table, one.shard,
        )  # fmt: skip
        changed = writer.execute(
            f"UPDATE {name} SET position = ?, bound = ?, done_rows = ?, done_bytes = ?, quarantined = ?, chunks = ?,"
            " done = ? WHERE tab = ? AND shard = ?",
            values,
        )
        if not changed:
            writer.execute(
                f"INSERT INTO {name} (position, bound, done_rows, done_bytes, quarantined, chunks, done, tab, shard)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                values,
            )


def position_text(position: Position | None) -> str | None:
    """A position as JSON; bytes and text that is no UTF-8 survive."""
    if position is None:
        return None

    def safe(value: Any) -> Any:
        if isinstance(value, bytes):
            return {"b": base64.b64encode(value).decode()}
        if isinstance(value, str) and not value.isprintable():
            return {"t": base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()}
        return value

    return json.dumps([safe(value) for value in position], ensure_ascii=False)


def position_from_text(text: str | None) -> Position | None:
    """The inverse of `position_text`."""
    if text is None:
        return None

    def value(safe: Any) -> Any:
        match safe:
            case {"b": data}:
                return base64.b64decode(data)
            case {"t": data}:
                return base64.b64decode(data).decode("utf-8", "surrogateescape")
        return safe

    return tuple(value(safe) for safe in json.loads(text))
