"""The way back: the same move with its sides exchanged, from the target as it really is to the source as it is."""

from __future__ import annotations

from dataclasses import replace

from prayog_migration.engine.model import Catalogue
from prayog_migration.engine.plan import ColumnMove, Plan, Server, TableMove

__all__ = ["back", "reversed_plan"]


def reversed_plan(plan: Plan, there: Catalogue) -> Plan:
    """`plan` backwards; `there` is the catalogue of the target now."""
    tables = {(table.schema, table.name): table for table in there.tables}
    moves = []
    for move in plan.tables:
        table = tables.get((move.target.schema, move.target.name), move.target)
        moves.append(TableMove(table, move.source, tuple(map(back, move.columns)), move.rows, move.row_bytes))
    catalogue = replace(there, tables=tuple(move.source for move in moves))
    server = Server(plan.source.dialect, plan.source.version)
    return Plan(catalogue, server, tuple(moves), sequences=plan.sequences)


def back(column: ColumnMove) -> ColumnMove:
    """The column with its sides exchanged."""
    return ColumnMove(
        column.target, column.source, column.target_kind, column.target_type, column.source_type, column.kind
    )
