"""The statements that make a plan's target, in the order in which they can run.

Rules
1. Every name is quoted; tables are named with their schema through ``place``, so that a dry run can use a scratch one.
2. Before the rows: types, sequences, tables with key, NOT NULL, defaults and CHECKs.  After the rows: UNIQUE, indexes,
   foreign keys (all of it inside CREATE TABLE in SQLite, which adds nothing later).  Last: views, routines, triggers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from prayog_migration.engine.ddl_mysql import MysqlWords
from prayog_migration.engine.ddl_postgres import PostgresWords
from prayog_migration.engine.ddl_sqlite import SqliteWords
from prayog_migration.engine.model import title
from prayog_migration.engine.plan import Plan

__all__ = ["PHASES", "Phase", "Statement", "statements", "words_for"]

Phase = Literal["types", "routines", "tables", "unique", "index", "foreign", "views", "last"]
PHASES: tuple[Phase, ...] = ("types", "routines", "tables", "unique", "index", "foreign", "views", "last")
"""In order; rows are loaded between ``tables`` and ``unique``."""


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: what it makes (``kind`` and ``name`` on the target, ``table`` it belongs to) and when."""

    phase: Phase
    kind: str
    name: str
    sql: str
    table: str = ""


Words = PostgresWords | SqliteWords | MysqlWords
Place = Callable[[str, str], str]
"""A quoted, qualified name for (name, schema)."""


def words_for(plan: Plan, place: Place) -> Words:
    """What writes SQL for the plan's target."""
    if plan.target == "postgresql":
        return PostgresWords(place, plan.sequences)
    if plan.target == "sqlite":
        return SqliteWords(place, same=plan.source.dialect == "sqlite")
    return MysqlWords(place, plan.server.mariadb, same=plan.source.dialect == "mysql")


def statements(plan: Plan, place: Place) -> Iterator[Statement]:
    """All statements of the plan, phase by phase."""
    words = words_for(plan, place)
    yield from _types(plan, words)
    for routine in plan.routines:
        yield Statement("routines", routine.kind, routine.name, routine.sql)
    depths = _depths(plan)
    tables = sorted((move.target for move in plan.tables), key=lambda table: depths[table.schema, table.name])
    for table in tables:
        yield Statement("tables", "table", table.title, words.table(table), table.title)
        for n, sql in enumerate(words.comments(table)):
            yield Statement("tables", "comment", f"{table.title} {n}", sql, table.title)
    yield from _owners(plan, words)
    for table in tables:
        for unique in table.uniques:
            if sql := words.unique(table, unique):
                yield Statement("unique", "unique", unique.name, sql, table.title)
    for table in tables:
        for index in table.indexes:
            yield Statement("index", "index", index.name, words.index(table, index), table.title)
        for name, sql in words.later(table):
            yield Statement("index", "constraint", name, sql, table.title)
    for table in tables:
        for key in table.foreign_keys:
            if sql := words.foreign_key(table, key):
                yield Statement("foreign", "foreign key", key.name, sql, table.title)
    for view in plan.views:
        if view.target is not None:
            label = title(view.target.schema, view.target.name)
            for sql in words.view(view.target):
                yield Statement("views", "view", label, sql)
    for trigger in plan.triggers:
        yield Statement("last", "trigger", trigger.name, trigger.sql, title(trigger.schema, trigger.table))


def _types(plan: Plan, words: Words) -> Iterator[Statement]:
    if not isinstance(words, PostgresWords):
        for sequence in plan.sequences:
            if isinstance(words, MysqlWords):
                yield Statement("types", "sequence", sequence.name, words.sequence(sequence))
        return
    schemas = sorted({table.target.schema for table in plan.tables} | {one.schema for one in plan.sequences})
    more = {one.schema for one in plan.types} | {one.schema for one in plan.routines}
    schemas += sorted(more - set(schemas))
    for schema in filter(None, schemas):
        yield Statement("types", "schema", schema, words.schema(schema))
    if plan.source.dialect == "postgresql":
        for other in plan.source.others:
            if other.kind == "extension":
                yield Statement("types", "extension", other.name, words.extension(other.name))
    for one in plan.types:
        yield Statement("types", "type", title(one.schema, one.name), words.user_type(one))
    for sequence in plan.sequences:
        if not sequence.identity:
            yield Statement("types", "sequence", title(sequence.schema, sequence.name), words.sequence(sequence))


def _owners(plan: Plan, words: Words) -> Iterator[Statement]:
    """Sequences that belong to a column of PostgreSQL go with it."""
    if isinstance(words, PostgresWords):
        for one in plan.sequences:
            if one.owner and not one.identity:
                yield Statement("tables", "owner", title(one.schema, one.name), words.owner(one))


def _depths(plan: Plan) -> dict[tuple[str, str], int]:
    """How many tables must be there before each one: those that it is a part or an heir of."""
    above: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for move in plan.tables:
        table, part = move.target, move.target.partitioning
        parents = [part.parent] if part and part.parent else list(table.inherits)
        above[table.schema, table.name] = [(table.schema, parent) for parent in parents]

    def depth(name: tuple[str, str]) -> int:
        return 1 + max(map(depth, above.get(name, ())), default=-1)

    return {name: depth(name) for name in above}
