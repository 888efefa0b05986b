"""Runs a change of a column stage by stage on a database that is in use.

Rules
1. No DDL waits long for its lock: while it waits, everybody who comes later waits behind it.  It gives up after a
   moment and tries again.
2. Rows are filled in short transactions, up to a key that was the last one when filling began: rows that come later are
   the triggers' work, so that filling ends however fast the table grows.
3. The stage that was reached is kept in the database itself, with the same transaction where DDL has one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prayog_migration.engine.model import Table
from prayog_migration.engine.real.control import Control
from prayog_migration.engine.real.state import State, position_from_text, position_text
from prayog_migration.engine.real.store import Store, Writer
from prayog_migration.engine.schema_change import STAGES, ColumnChange, Stage, statements, undo_statements

__all__ = ["SchemaChange"]

_LOCK_MS = 200
_ATTEMPTS = 50
_BATCH = 1_000


class SchemaChange:
    """One change on one database; ``reached`` is the last stage that was done, None before the first."""

    def __init__(self, store: Store, change: ColumnChange, control: Control | None = None) -> None:
        self._store, self._change = store, change
        self._control = control or Control()
        self._state = State(store)
        self._key = f"change:{change.table}.{change.new}"
        with store.writer() as writer:
            self._state.create(writer)

    @property
    def reached(self) -> Stage | None:
        """The last stage that is done."""
        with self._store.writer() as writer:
            kept = self._state.get(writer, self._key)
        return kept["stage"] if kept else None

    @property
    def next(self) -> Stage | None:
        """The stage that comes; None after the last."""
        reached = self.reached
        place = STAGES.index(reached) + 1 if reached else 0
        return STAGES[place] if place < len(STAGES) else None

    def forward(self, told: Callable[[int], None] = lambda rows: None) -> Stage:
        """Do the next stage; `told` hears the rows filled so far.  Raises the driver's error, nothing half done."""
        stage = self.next
        if stage is None:
            raise ValueError("The change is complete.")
        table = self._table()
        if stage == "expand":
            self._refuse(table)
        if stage == "check":
            self._equal(table)
        with self._store.writer() as writer:
            if stage == "fill":
                self._fill(writer, table, told)
            self._run(writer, statements(self._change, stage, self._store.dialect, self._name()), stage)
        return stage

    def back(self) -> Stage | None:
        """Undo the last stage; the stage that is reached then.  `ValueError` after ``contract``."""
        stage = self.reached
        if stage is None:
            return None
        before = STAGES[STAGES.index(stage) - 1] if STAGES.index(stage) else None
        with self._store.writer() as writer:
            self._run(writer, undo_statements(self._change, stage, self._store.dialect, self._name()), before)
        return before

    def _name(self) -> str:
        return self._store.name(self._change.table)

    def _table(self) -> Table:
        return self._store.catalogue().table(self._change.table)

    def _refuse(self, table: Table) -> None:
        if self._store.walk(table) is None:
            raise ValueError(f"{table.title} has no key, so it cannot be filled in parts.")
        old = table.column(self._change.old)
        if self._store.dialect == "sqlite" and not old.nullable and old.default is None:
            raise ValueError(
                f"{table.title}.{old.name} is NOT NULL, and SQLite's triggers cannot give it a value before it is "
                "checked: the new version of the application would be refused. Give the column a default first."
            )

    def _run(self, writer: Writer, todo: list[str], stage: Stage | None) -> None:
        """The statements, each with a short wait for its lock; then the note of the stage."""
        for attempt in range(_ATTEMPTS):
            try:
                self._once(writer, todo, stage)
                return
            except Exception as error:
                if self._store.fault(error).kind != "retry" or attempt + 1 == _ATTEMPTS:
                    raise
            self._control.wait(min(1.0, 0.05 * (attempt + 1)))

    def _once(self, writer: Writer, todo: list[str], stage: Stage | None) -> None:
        note = {"stage": stage} if stage else None
        if self._store.dialect == "mysql":
            writer.execute("SET SESSION lock_wait_timeout = 1")
            left = list(todo)
            while left:
                writer.execute(left[0])
                del left[0], todo[0]  # DDL has committed: another attempt goes on behind it
            with writer.transaction():
                self._state.put(writer, self._key, note)
            return
        with writer.transaction():
            if self._store.dialect == "postgresql":
                writer.execute(f"SET LOCAL lock_timeout = '{_LOCK_MS}ms'")
            for statement in todo:
                writer.execute(statement)
            self._state.put(writer, self._key, note)

    def _fill(self, writer: Writer, table: Table, told: Callable[[int], None]) -> None:
        """Compute the new column for the rows that were there, in the order of the key."""
        walk = self._store.walk(table)
        assert walk is not None, "refused before"
        progress: dict[str, Any] = self._state.get(writer, f"{self._key}:fill") or {}
        with self._store.reader() as reader:
            if "until" not in progress:
                progress = {"until": position_text(reader.last(table, walk)), "at": None, "rows": 0}
        until, at = position_from_text(progress["until"]), position_from_text(progress["at"])
        while until is not None:
            self._control.tick(0, progress["rows"])
            with self._store.reader() as reader:
                names = () if walk.hidden else walk.columns
                keys = list(reader.rows(table, names, walk, at, until, _BATCH))
            if not keys:
                break
            self._one_batch(writer, table, keys[0][: len(walk.keys)], keys[-1][: len(walk.keys)], walk.keys)
            at = keys[-1][: len(walk.keys)]
            progress |= {"at": position_text(at), "rows": progress["rows"] + len(keys)}
            with writer.transaction():
                self._state.put(writer, f"{self._key}:fill", progress)
            told(progress["rows"])

    def _one_batch(
        self, writer: Writer, table: Table, first: tuple[Any, ...], last: tuple[Any, ...], keys: tuple[str, ...]
    ) -> None:
        q = self._store.quote
        marks, names = ", ".join("?" * len(keys)), ", ".join(keys)
        up = self._change.up or q(self._change.old)
        sql = (
            f"UPDATE {self._name()} SET {q(self._change.new)} = {up} WHERE ({names}) >= ({marks})"
            f" AND ({names}) <= ({marks}) AND {q(self._change.new)} IS NULL"
        )
        with writer.transaction():
            writer.execute(sql, [*first, *last])

    def _equal(self, table: Table) -> None:
        """Every row has its new value; raises with the number of those that have not."""
        q = self._store.quote
        same = {"mysql": "<=>", "sqlite": "IS"}.get(self._store.dialect, "IS NOT DISTINCT FROM")
        up = self._change.up or q(self._change.old)
        with self._store.reader() as reader:
            differs = f"NOT ({q(self._change.new)} {same} {up})"
            wrong = int(reader.query(f"SELECT count(*) FROM {self._name()} WHERE {differs}")[0][0])
        if wrong:
            raise ValueError(f"{wrong} rows of {table.title} have a new value that is not what the old one gives.")
