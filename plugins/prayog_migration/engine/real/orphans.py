"""Children of rows in quarantine: set aside with their parents, and let in again when the parents are mended.

While changes are applied the target's foreign keys rest, so a row whose parent is in quarantine is on the target and
refers to nothing.  Before both sides are compared, and before the sides change, such rows are put in order: then every
foreign key of the target holds, and source rows = target rows + quarantined (promise P4) as before.

What the source itself holds without a parent (SQLite and MySQL can be told not to look) is not touched here; that was
decided when the rule was made (`constraints`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from prayog_migration.engine.fitting import Misfit
from prayog_migration.engine.model import PREFIX, ForeignKey
from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.real.aside import Aside
from prayog_migration.engine.real.bulk import rest
from prayog_migration.engine.real.fence import pass_through
from prayog_migration.engine.real.ledger import Ledger
from prayog_migration.engine.real.quarantine import row_values
from prayog_migration.engine.real.store import Row, Store, Writer
from prayog_migration.engine.triggers import GATE
from prayog_migration.engine.values import Converter

__all__ = ["settle"]

_PHASE = "orphan"
_AT_ONCE = 300


def settle(target: Store, plan: Plan, ledger: Ledger) -> tuple[int, int]:
    """Put children of rows in quarantine in order; how many were let in and how many set aside."""
    with target.writer() as writer:
        if not writer.query(f"SELECT 1 FROM {target.name(f'{PREFIX}_quarantine')} LIMIT 1"):
            return 0, 0
        rest(writer, target.dialect)
        gated = pass_through(writer, target.dialect)
        with writer.transaction():
            ledger.touch(writer)
            if gated:
                writer.execute(f"UPDATE {GATE} SET open = 1")
            work = _Settling(target, plan, writer)
            done = work.let_in(), work.set_aside()
            if gated:
                writer.execute(f"UPDATE {GATE} SET open = 0")
    return done


class _Settling:
    def __init__(self, target: Store, plan: Plan, writer: Writer) -> None:
        self._target, self._plan, self._writer = target, plan, writer
        self._name = target.name(f"{PREFIX}_quarantine")
        self._aside = Aside(target, plan)
        self._moves = {(move.target.schema, move.target.name): move for move in plan.tables}

    def _references(self) -> Iterator[tuple[TableMove, ForeignKey, TableMove]]:
        """Every foreign key of the target with its child and its parent."""
        for move in self._plan.tables:
            for key in move.target.foreign_keys:
                parent = self._moves.get((key.parent_schema, key.parent))
                if parent is not None:
                    yield move, key, parent

    def let_in(self) -> int:
        """Rows that were set aside for their parents' sake, and whose parents are there now."""
        count, again = 0, True
        while again:
            again = False
            for move in self._plan.tables:
                for text, raw in self._held(move, _PHASE):
                    made, _ = Converter(self._plan.source.dialect, move, self._plan.target).rows(
                        [row_values(raw, move.reads)]
                    )
                    if made and self._has_parents(move, made[0]):
                        self._writer.insert(
                            self._target.name(move.target.name, move.target.schema), move.writes, [made[0]]
                        )
                        self._writer.execute(
                            f"DELETE FROM {self._name} WHERE tab = ? AND source_key = ? AND phase = ?",
                            (move.source.title, text, _PHASE),
                        )
                        count, again = count + 1, True
        return count

    def _held(self, move: TableMove, phase: str = "") -> list[tuple[str, str]]:
        where, given = ("AND phase = ?", (move.source.title, phase)) if phase else ("", (move.source.title,))
        rows = self._writer.query(f"SELECT source_key, raw FROM {self._name} WHERE tab = ? {where}", given)
        return [(str(text), str(raw)) for text, raw in rows]

    def _has_parents(self, move: TableMove, row: Row) -> bool:
        cells = dict(zip(move.writes, row, strict=True))
        for child, key, parent in self._references():
            if child is not move:
                continue
            values = [cells[name] for name in key.columns]
            if None not in values and not self._there(parent, key, [values]):
                return False
        return True

    def _there(self, parent: TableMove, key: ForeignKey, keys: Sequence[Sequence[Any]]) -> set[int]:
        """Which of `keys` are keys of a row of the parent."""
        q = self._target.quote
        same = " AND ".join(f"{q(name)} = ?" for name in self._parent_columns(parent, key))
        name = self._target.name(parent.target.name, parent.target.schema)
        return {n for n, values in enumerate(keys) if self._writer.query(f"SELECT 1 FROM {name} WHERE {same}", values)}

    def _parent_columns(self, parent: TableMove, key: ForeignKey) -> tuple[str, ...]:
        return key.parent_columns or (parent.target.key.columns if parent.target.key else ())

    def set_aside(self) -> int:
        """Rows that refer to one in quarantine; a row that goes may be the parent of others."""
        count, again = 0, True
        while again:
            again = False
            for move, key, parent in self._references():
                missing = self._missing(parent, key)
                reason = f"refers to a row of {parent.target.title} that is in quarantine ({key.name})"
                for low in range(0, len(missing), _AT_ONCE):
                    marks = self._children(move, key, missing[low : low + _AT_ONCE])
                    self._aside.put(self._writer, move, marks, _PHASE, ", ".join(key.columns), reason)
                    count, again = count + len(marks), again or bool(marks)
        return count

    def _missing(self, parent: TableMove, key: ForeignKey) -> list[Row]:
        """The keys, as the target has them, by which rows would refer to rows of `parent` that are in quarantine."""
        source = {column.target: column for column in parent.columns}
        columns = self._parent_columns(parent, key)
        if not set(columns) <= set(source):
            return []
        converter = Converter(
            self._plan.source.dialect,
            replace(parent, columns=tuple(source[name] for name in columns)),
            self._plan.target,
        )
        names = [source[name].source for name in columns]
        found: dict[Row, None] = {}
        for _, raw in self._held(parent):
            with suppress(Misfit):  # a key that does not fit the target is referred to by no row of it
                rows, _ = converter.rows([row_values(raw, names)])
                found |= dict.fromkeys(row for row in rows if None not in row)
        keys = list(found)
        there = self._there(parent, key, keys)
        return [one for n, one in enumerate(keys) if n not in there]

    def _children(self, move: TableMove, key: ForeignKey, keys: Sequence[Row]) -> list[Row]:
        q = self._target.quote
        one = "(" + " AND ".join(f"{q(name)} = ?" for name in key.columns) + ")"
        mark = ", ".join(self._aside.mark(move.target))
        return self._writer.exact(
            f"SELECT {mark} FROM {self._target.own(move.target)} WHERE {' OR '.join([one] * len(keys))}",
            [value for values in keys for value in values],
        )
