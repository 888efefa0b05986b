"""Rows that are on the target already and must go: into quarantine, as the source has them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from prayog_migration.engine.model import Table
from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.real.quarantine import Quarantine
from prayog_migration.engine.real.reverse import back
from prayog_migration.engine.real.store import Row, Store, Writer
from prayog_migration.engine.values import Converter

__all__ = ["Aside", "home"]


class Aside:
    """Takes rows of the target away into its quarantine."""

    def __init__(self, target: Store, plan: Plan) -> None:
        self._target, self._plan = target, plan
        self._quarantine = Quarantine(target)

    def mark(self, table: Table) -> list[str]:
        """What names one row of the target, quoted; in MySQL without a key all columns do, as equal rows are alike."""
        if table.key:
            return list(map(self._target.quote, table.key.columns))
        for unique in table.uniques:
            if not any(table.column(name).nullable for name in unique.columns):
                return list(map(self._target.quote, unique.columns))
        if self._plan.target == "postgresql":
            return ["ctid"]
        if self._plan.target == "sqlite":
            return ["rowid"]
        return [self._target.quote(column.name) for column in table.plain_columns]

    def put(
        self, writer: Writer, move: TableMove, marks: Sequence[Row], phase: str, column: str, reason: str
    ) -> None:
        """Move the rows with these marks (values of `mark`'s columns) into quarantine."""
        own = self.mark(move.target)
        same, one = ("<=>", " LIMIT 1") if self._plan.target == "mysql" else ("=", "")
        place = " AND ".join(f"{part} {same} ?" for part in own)
        name = self._target.name(move.target.name, move.target.schema)
        columns = ", ".join(map(self._target.quote, move.writes))
        for mark in marks:
            values = tuple(str(value) if part == "ctid" else value for part, value in zip(own, mark, strict=True))
            rows = writer.exact(f"SELECT {columns} FROM {name} WHERE {place}{one}", values)
            for row in home(self._plan, move, rows):
                self._quarantine.add(writer, move, values, phase, column, "23000", reason, row)
            writer.execute(f"DELETE FROM {name} WHERE {place}{one}", values)


def home(plan: Plan, move: TableMove, rows: Sequence[Row]) -> list[Row]:
    """Rows of the target as the source has them, but for what a policy has changed."""
    backwards = replace(move, columns=tuple(map(back, move.columns)))
    made, odd = Converter(plan.target, backwards, plan.source.dialect).rows(rows)
    made += [row for row, _ in odd]
    if plan.source.dialect == "mysql":  # whose exchange form has numbers as text
        return [tuple(_text(value) for value in row) for row in made]
    return made


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) else value

