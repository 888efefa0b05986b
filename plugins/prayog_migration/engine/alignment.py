"""InnoDB wants both columns of a foreign key to be of one type and one collation; other databases only compare them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from prayog_migration.engine.constraints import PlannedTable
from prayog_migration.engine.plan import Finding

__all__ = ["align"]

_WIDTHS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}


def align(made: Iterable[PlannedTable]) -> None:
    """Give columns that refer to another the type and the collation of that one, where it holds all their values."""
    tables: Mapping[str, PlannedTable] = {one.table.name: one for one in made}
    changed = True
    while changed:
        changed = False
        for child in tables.values():
            for key in child.table.foreign_keys:
                parent = tables[key.parent]
                for mine, other in zip(key.columns, key.parent_columns, strict=True):
                    changed = _aligned(child, mine, parent, other) or changed


def _aligned(child: PlannedTable, mine: str, parent: PlannedTable, other: str) -> bool:
    own, wanted = child.table.column(mine), parent.table.column(other)
    move = next((one for one in child.planned.moves if one.target == mine), None)
    if move is None:
        return False
    type_, collation = own.type, own.collation
    if _WIDTHS.get(own.type, 64) < _WIDTHS.get(wanted.type, 0):
        type_ = wanted.type
    if move.target_kind.name == "text":
        collation = wanted.collation
    if (type_, collation) == (own.type, own.collation):
        return False
    there = next((one.target_kind for one in parent.planned.moves if one.target == other), move.target_kind)
    kind = there if type_ != own.type else move.target_kind
    columns = tuple(replace(c, type=type_, collation=collation) if c is own else c for c in child.table.columns)
    child.table = replace(child.table, columns=columns)
    moves = child.planned.moves
    moves[moves.index(move)] = replace(move, target_type=type_, target_kind=kind)
    reason = f"InnoDB wants the type and the collation of {parent.table.name}.{other}, which it refers to"
    label = f"{child.table.name}.{mine}"
    child.findings.append(Finding("column", label, "converted", reason, 1, f"{type_} {collation}".strip()))
    return True
