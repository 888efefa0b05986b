"""The way back: the same move with its sides exchanged, from the target as it really is to the source as it is."""

from __future__ import annotations

from dataclasses import replace

from prayog_migration.engine.model import Catalogue
from prayog_migration.engine.plan import ColumnMove, Plan, Server, TableMove
from prayog_migration.engine.values import HOME

__all__ = ["back", "reversed_plan", "written"]


def reversed_plan(plan: Plan, there: Catalogue) -> Plan:
    """`plan` backwards; `there` is the catalogue of the target now."""
    tables = {(table.schema, table.name): table for table in there.tables}
    moves = []
    for move in plan.tables:
        table = tables.get((move.target.schema, move.target.name), move.target)
        columns = tuple(map(back, written(move)))
        moves.append(TableMove(table, move.source, columns, move.rows, move.row_bytes))
    catalogue = replace(there, tables=tuple(move.source for move in moves))
    server = Server(plan.source.dialect, plan.source.version)
    return Plan(catalogue, server, tuple(moves), sequences=plan.sequences)


def written(move: TableMove) -> tuple[ColumnMove, ...]:
    """The columns that go back: what the source computes itself is not written there."""
    computed = {column.name for column in move.source.columns if column.generated is not None}
    return tuple(column for column in move.columns if column.source not in computed)


def back(column: ColumnMove) -> ColumnMove:
    """The column with its sides exchanged; what only its own database writes so is taken there again."""
    return ColumnMove(
        column.target, column.source, column.target_kind, column.target_type, column.source_type, column.kind, HOME
    )
