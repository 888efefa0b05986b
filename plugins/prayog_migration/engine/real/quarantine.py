"""Rows that the target does not take, kept in the target's `_wiz_quarantine` with the reason and the whole row."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.plan import TableMove
from prayog_migration.engine.real.state import State, position_text
from prayog_migration.engine.real.store import Reader, Store, Writer

__all__ = ["Quarantine", "row_text", "row_values"]


class Quarantine:
    """Writes to the quarantine of one target."""

    def __init__(self, target: Store) -> None:
        self._table = target.name(f"{PREFIX}_quarantine")

    def add(
        self,
        writer: Writer,
        move: TableMove,
        key: Sequence[Any],
        phase: str,
        column: str,
        code: str,
        reason: str,
        row: Sequence[Any],
    ) -> None:
        """Keep one row; inside the caller's transaction.  `key` names it at the source, `row` are its values."""
        writer.execute(
            f"INSERT INTO {self._table} (tab, source_key, phase, column_name, code, reason, raw)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                move.source.title,
                position_text(tuple(key)),
                phase,
                column[:190],
                code[:190],
                reason,
                row_text(row, move.reads),
            ),
        )

    def count(self, writer: Writer, state: State, move: TableMove, rows: int) -> None:
        """Rows that were on the target already are now in quarantine: the table's checkpoint says so."""
        for one in state.checkpoints(writer):
            if one.table == move.source.title:
                state.save(writer, replace(one, rows=one.rows - rows, quarantined=one.quarantined + rows))
                return

    def rows(self, writer: Writer | Reader, table: str = "") -> list[tuple[Any, ...]]:
        """(table, key, phase, column, code, reason, raw) of all rows, or those of one table."""
        where, given = (" WHERE tab = ?", (table,)) if table else ("", ())
        return writer.query(
            f"SELECT tab, source_key, phase, column_name, code, reason, raw FROM {self._table}{where}", given
        )


def row_values(raw: str, names: Sequence[str]) -> tuple[Any, ...]:
    """The columns `names` of a row that `row_text` wrote."""

    def value(safe: Any) -> Any:
        match safe:
            case {"binary": data}:
                return base64.b64decode(data)
            case {"text": data}:
                return base64.b64decode(data).decode("utf-8", "surrogateescape")
        return safe

    row = json.loads(raw)
    return tuple(value(row[name]) for name in names)


def row_text(values: Sequence[Any], names: Sequence[str]) -> str:
    """A row as JSON, losing nothing: binary as base64, text that no column takes as base64 of its bytes."""

    def safe(value: Any) -> Any:
        if isinstance(value, bytes | memoryview):
            return {"binary": base64.b64encode(bytes(value)).decode()}
        if isinstance(value, str) and ("\0" in value or any("\udc80" <= c <= "\udcff" for c in value)):
            return {"text": base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()}
        if value is None or isinstance(value, str | int) or (isinstance(value, float) and abs(value) < float("inf")):
            return value
        return str(value)

    made = [safe(value) for value in values]
    return json.dumps(dict(zip(names, made, strict=True)), ensure_ascii=False)
