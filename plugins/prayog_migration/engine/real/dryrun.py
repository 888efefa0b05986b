"""Tries a plan in a scratch database, and takes out of it what the target refuses.

A CREATE TABLE that fails is tried again without its optional parts (defaults, generated columns, CHECKs), which are
then added one by one: so one bad default does not cost a table.  Views are tried until no more of them run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from prayog_migration.engine.ddl import Statement, statements, words_for
from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Column, Table, title
from prayog_migration.engine.plan import ColumnMove, Finding, Plan, TableMove
from prayog_migration.engine.real.scratch import scratch
from prayog_migration.engine.real.store import Store, Writer

__all__ = ["DryRun", "dry_run"]


@dataclass(frozen=True, slots=True)
class DryRun:
    """The plan without what the target refused, and what that was: (what, name, the target's words)."""

    plan: Plan
    refused: tuple[tuple[str, str, str], ...]


def dry_run(target: Store, plan: Plan, progress: Callable[[str], None] = lambda what: None) -> DryRun:
    """Make everything of `plan` in a scratch database beside `target`, and drop it again.

    `progress` is told what is being tried; it may raise to stop.
    """
    with scratch(target) as store, store.writer() as writer:
        return _Trial(store, writer, plan, progress).run()


class _Trial:
    def __init__(self, store: Store, writer: Writer, plan: Plan, progress: Callable[[str], None]) -> None:
        self._store, self._writer, self._plan, self._progress = store, writer, plan, progress
        self._words = words_for(plan, store.name)
        self._refused: list[tuple[str, str, str]] = []
        self._findings = list(plan.findings)

    def run(self) -> DryRun:
        if self._plan.target == "postgresql":
            self._writer.execute(f"CREATE SCHEMA IF NOT EXISTS {self._store.quote(self._schema)}")
            self._writer.execute("SET check_function_bodies = off")
        first = [one for one in statements(self._plan, self._store.name) if one.phase in ("types", "routines")]
        self._without({(one.kind, one.name) for one, _ in self._until_no_more(first)})
        moves = {move.target.title: self._table(move) for move in self._in_order()}
        self._plan = replace(self._plan, tables=tuple(moves[move.target.title] for move in self._plan.tables))
        self._constraints()
        self._views()
        return DryRun(replace(self._plan, findings=tuple(self._findings)), tuple(self._refused))

    @property
    def _schema(self) -> str:
        return str(getattr(self._store, "schema", ""))

    def _try(self, sql: str) -> str:
        """Run one statement; the target's words when it refuses, "" when it does not."""
        try:
            if self._plan.target == "postgresql":
                with self._writer.transaction():
                    self._writer.execute(sql)
            else:
                self._writer.execute(sql)
        except Exception as error:
            fault = self._store.fault(error)
            if fault.kind == "connection":
                raise
            return fault.sentence
        return ""

    def _in_order(self) -> list[TableMove]:
        names = [one.table for one in statements(self._plan, self._store.name) if one.kind == "table"]
        moves = {move.target.title: move for move in self._plan.tables}
        return [moves[name] for name in names]

    def _until_no_more(self, waiting: list[Statement]) -> list[tuple[Statement, str]]:
        """Run statements that may need each other, again and again while any of them works."""
        left: list[tuple[Statement, str]] = [(one, "") for one in waiting]
        while left:
            again = [(one, error) for one, _ in left if (error := self._try(one.sql))]
            if len(again) == len(left):
                for one, error in again:
                    self._refuse(one.kind, one.name, error)
                return again
            left = again
        return []

    def _without(self, refused: set[tuple[str, str]]) -> None:
        """Take types, sequences and routines out of the plan that cannot be made."""
        plan = self._plan
        for kind, name in refused:
            error = next((why for what, who, why in self._refused if (what, who) == (kind, name)), "")
            self._retell(kind, lambda finding, name=name: finding.name.partition("(")[0] == name, error)  # type: ignore[misc]
        self._plan = replace(
            plan,
            routines=tuple(one for one in plan.routines if (one.kind, one.name) not in refused),
            types=tuple(one for one in plan.types if ("type", title(one.schema, one.name)) not in refused),
            sequences=tuple(one for one in plan.sequences if ("sequence", title(one.schema, one.name)) not in refused),
        )

    def _refuse(self, kind: str, name: str, error: str) -> None:
        self._refused.append((kind, name, error))

    def _retell(self, kind: str, matches: Callable[[Finding], bool], error: str, verdict: Any = "draft") -> None:
        """Change the finding that spoke of what was refused."""
        for place, finding in enumerate(self._findings):
            if finding.kind == kind and matches(finding):
                reason = f"the target refuses it: {error}"
                self._findings[place] = replace(finding, verdict=verdict, reason=reason, level=3)

    def _table(self, move: TableMove) -> TableMove:
        self._progress(f"table {move.target.title}")
        table = move.target
        error = self._try(self._words.table(table))
        if not error and all(self._usable(column) == "" for column in table.columns):
            return move
        if not error:
            self._writer.execute(f"DROP TABLE {self._store.name(table.name, table.schema)}")
        bare = replace(table, checks=(), columns=tuple(_bare(column) for column in table.columns))
        error = self._try(self._words.table(bare))
        if error:
            self._refuse("table", table.title, error)
            self._retell("table", lambda finding: finding.name == move.source.title, error, "blocked")
            return move
        for place, column in enumerate(table.columns):
            if column.default is not None or column.generated is not None:
                columns = list(bare.columns)
                columns[place] = column
                bare, move = self._part(move, bare, replace(bare, columns=tuple(columns)), column)
        for check in table.checks:
            wanted = replace(bare, checks=(*bare.checks, check))
            error = self._replaced(bare, wanted)
            if error:
                self._refuse("check", f"{table.title}.{check.name}", error)
                self._retell("check", lambda finding, text=check.expression: finding.becomes == text, error)  # type: ignore[misc]
            else:
                bare = wanted
        return replace(move, target=bare)

    def _usable(self, column: Column) -> str:
        """SQLite looks a default's functions up only when it is used; the words of its refusal."""
        if self._plan.target != "sqlite" or column.default is None or self._plan.source.dialect == "sqlite":
            return ""
        return self._try(f"SELECT {column.default}")

    def _part(self, move: TableMove, have: Table, wanted: Table, column: Column) -> tuple[Table, TableMove]:
        error = self._usable(column) or self._replaced(have, wanted)
        if not error:
            return wanted, move
        kind = "default" if column.generated is None else "generated column"
        self._refuse(kind, f"{have.title}.{column.name}", error)
        source = next((one.source for one in move.columns if one.target == column.name), column.name)
        label = f"{move.source.title}.{source}"
        self._retell(kind, lambda finding: finding.name == label, error, "lost")
        if column.generated is not None and column.name in {one.name for one in move.source.columns}:
            move = replace(move, columns=(*move.columns, _copied(move, column)))
        return have, move

    def _replaced(self, have: Table, wanted: Table) -> str:
        """Make the table anew; when that fails, as it was."""
        self._writer.execute(f"DROP TABLE {self._store.name(have.name, have.schema)}")
        error = self._try(self._words.table(wanted))
        if error:
            self._writer.execute(self._words.table(have))
        return error

    def _constraints(self) -> None:
        refused: set[tuple[str, str]] = set()
        for one in statements(self._plan, self._store.name):
            if one.phase not in ("unique", "index", "foreign"):
                continue
            self._progress(f"{one.kind} {one.name}")
            if error := self._try(one.sql):
                self._refuse(one.kind, f"{one.table}.{one.name}", error)
                refused.add((one.table, one.name))
                name = one.name
                self._retell(one.kind, lambda finding, name=name: finding.becomes == name, error)  # type: ignore[misc]
        tables = []
        for move in self._plan.tables:
            table, label = move.target, move.target.title
            kept = replace(
                table,
                uniques=tuple(u for u in table.uniques if (label, u.name) not in refused),
                indexes=tuple(i for i in table.indexes if (label, i.name) not in refused),
                foreign_keys=tuple(k for k in table.foreign_keys if (label, k.name) not in refused),
                exclusions=tuple(e for e in table.exclusions if (label, e.name) not in refused),
            )
            tables.append(replace(move, target=kept))
        self._plan = replace(self._plan, tables=tuple(tables))

    def _views(self) -> None:
        views = [one for one in statements(self._plan, self._store.name) if one.phase == "views"]
        errors = {one.name: error for one, error in self._until_no_more(views)}
        moves = []
        for view in self._plan.views:
            label = title(view.source.schema, view.source.name)
            made = title(view.target.schema, view.target.name) if view.target else None
            if view.target is not None and made is not None and made not in errors:
                error = self._try(f"SELECT * FROM {self._store.name(view.target.name, view.target.schema)} LIMIT 0")
                errors |= {made: error} if error else {}
            if made in errors:
                self._retell("view", lambda finding, label=label: finding.name == label, errors[made])  # type: ignore[misc]
                self._retell("materialised view", lambda finding, label=label: finding.name == label, errors[made])  # type: ignore[misc]
                moves.append(replace(view, target=None))
                continue
            if made is not None and self._plan.source.dialect != self._plan.target:
                for place, finding in enumerate(self._findings):
                    if finding.kind.endswith("view") and finding.name == label:
                        reason = "translated, and it runs on the target; compare its rows"
                        self._findings[place] = replace(finding, verdict="converted", reason=reason, level=1)
            moves.append(view)
        self._plan = replace(self._plan, views=tuple(moves))


def _bare(column: Column) -> Column:
    return replace(column, default=None, generated=None, stored=False)


def _copied(move: TableMove, column: Column) -> ColumnMove:
    """A column whose generated expression is refused: its values are copied as any others."""
    source = move.source.column(column.name)
    kind = Kind("other", type=source.type)
    return ColumnMove(column.name, column.name, kind, source.type, column.type, kind)
