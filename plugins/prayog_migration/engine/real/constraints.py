"""Adds UNIQUE, indexes and foreign keys to loaded tables; rows that stand in the way are found and set aside.

A source that did not enforce a rule (SQLite's foreign keys are off by default; case counts less in a NOCASE column) may
hold rows that the target's rule forbids.  Such rows go into quarantine with the rule's name, children after parents,
until the rule holds.  Where they are more than a few, the rows stay and the rule is made for new rows only (PostgreSQL:
NOT VALID), or is left out and said so.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prayog_migration.engine.advice import RARE
from prayog_migration.engine.ddl import Statement
from prayog_migration.engine.model import ForeignKey, Index, Part, Unique
from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.real.aside import Aside
from prayog_migration.engine.real.quarantine import Quarantine
from prayog_migration.engine.real.state import State
from prayog_migration.engine.real.store import Store, Writer

__all__ = ["Constraints"]


class Constraints:
    """Adds the rules of one plan."""

    def __init__(self, target: Store, plan: Plan, state: State) -> None:
        self._target, self._plan, self._state = target, plan, state
        self._moves = {move.target.title: move for move in plan.tables}
        self._quarantine = Quarantine(target)
        self._aside = Aside(target, plan)
        self.weak: list[str] = []

    def add(self, writer: Writer, one: Statement) -> None:
        """Run the statement; set rows aside when they break the rule.  Notes in the state what became weaker."""
        move = self._moves[one.table]
        if one.kind == "foreign key" and self._plan.target != "sqlite":
            self._orphans(writer, move, next(key for key in move.target.foreign_keys if key.name == one.name), one)
            return
        try:
            self._tried(writer, one)
            return
        except Exception as error:
            if self._target.fault(error).kind != "row":
                raise
        self._duplicates(writer, move, one)
        self._tried(writer, one)

    def _tried(self, writer: Writer, one: Statement) -> None:
        if self._plan.target == "mysql":
            writer.execute(one.sql)
            return
        with writer.savepoint():
            writer.execute(one.sql)

    def _duplicates(self, writer: Writer, move: TableMove, one: Statement) -> None:
        """All rows but one of every group that the rule takes for equal."""
        table = move.target
        rules: tuple[Unique | Index, ...] = (*table.uniques, *table.indexes)
        rule = next((rule for rule in rules if rule.name == one.name), None)
        if rule is None:
            raise ValueError(f"{one.name} cannot be made and is no rule of uniqueness: {one.sql}")
        parts, where = self._parts(rule), rule.where if isinstance(rule, Index) else ""
        mark = ", ".join(self._aside.mark(table))
        condition = f" AND {where}" if where else ""
        known = " AND ".join(f"({part}) IS NOT NULL" for part in parts)
        name = self._target.name(table.name, table.schema)
        rows = writer.exact(
            f"SELECT {mark} FROM (SELECT {mark}, row_number() OVER (PARTITION BY {', '.join(parts)} ORDER BY {mark}) AS"
            f" _wiz_n FROM {name} WHERE {known}{condition}) AS t WHERE _wiz_n > 1"
        )
        reason = f"another row has the same {', '.join(parts)}, which {one.name} forbids"
        self._set_aside(writer, move, [tuple(row) for row in rows], one.name, reason)

    def _parts(self, rule: Unique | Index) -> list[str]:
        parts = rule.parts if isinstance(rule, Index) else tuple(Part(column) for column in rule.columns)
        return [part.text if part.expression else self._target.quote(part.text) for part in parts]

    def _orphans(self, writer: Writer, move: TableMove, key: ForeignKey, one: Statement) -> None:
        """Rows that refer to nothing: set aside when they are few, otherwise the rule is for new rows only."""
        table, q = move.target, self._target.quote
        name = self._target.name(table.name, table.schema)
        parent = self._target.name(key.parent, key.parent_schema)
        known = " AND ".join(f"c.{q(column)} IS NOT NULL" for column in key.columns)
        same = " AND ".join(f"p.{q(b)} = c.{q(a)}" for a, b in zip(key.columns, key.parent_columns, strict=True))
        orphan = f"{known} AND NOT EXISTS (SELECT 1 FROM {parent} p WHERE {same})"
        count = int(writer.query(f"SELECT count(*) FROM {name} c WHERE {orphan}")[0][0])
        if count:
            total = int(writer.query(f"SELECT count(*) FROM {name}")[0][0])
            if count > max(10, RARE * total):
                self._weaken(writer, one, count)
                return
            while count:  # a row that goes may be the parent of others in the same table
                mark = ", ".join(f"c.{part}" for part in self._aside.mark(table))
                rows = writer.exact(f"SELECT {mark} FROM {name} c WHERE {orphan}")
                reason = f"refers to a row of {key.parent} that is not there ({one.name})"
                self._set_aside(writer, move, [tuple(row) for row in rows], ", ".join(key.columns), reason)
                count = int(writer.query(f"SELECT count(*) FROM {name} c WHERE {orphan}")[0][0])
        self._tried(writer, one)

    def _weaken(self, writer: Writer, one: Statement, count: int) -> None:
        note = f"{one.table}.{one.name}: {count} rows refer to nothing, so it "
        if self._plan.target == "postgresql":
            writer.execute(one.sql if one.sql.endswith(" NOT VALID") else f"{one.sql} NOT VALID")
            note += "holds for new rows only (NOT VALID)"
        else:
            writer.execute("SET SESSION foreign_key_checks = 0")
            writer.execute(one.sql)
            writer.execute("SET SESSION foreign_key_checks = 1")
            note += "holds for new rows only"
        self.weak.append(note)
        self._state.put(writer, "weak", [*(self._state.get(writer, "weak") or []), note])

    def _set_aside(
        self, writer: Writer, move: TableMove, marks: Sequence[tuple[Any, ...]], column: str, reason: str
    ) -> None:
        """Move rows of the target into quarantine, counted in the table's checkpoint."""
        self._aside.put(writer, move, marks, "constraint", column, reason)
        self._quarantine.count(writer, self._state, move, len(marks))
