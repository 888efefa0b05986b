"""Which tables move together where a strategy goes part by part: parents never after their children."""

from __future__ import annotations

from collections.abc import Sequence

from prayog_migration.engine.identity import Unfollowable, identity
from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.strategies import PARTS

__all__ = ["parts_of"]


def parts_of(plan: Plan, strategy: str) -> list[list[TableMove]]:
    """The tables of `plan` in the order of their parts; one part for all strategies but two.

    Tables whose rows have no identity go first: they can be followed only from the very snapshot that is copied.
    """
    moves = [move for move in plan.tables if not (move.source.partitioning and move.source.partitioning.parent)]
    if strategy not in ("incremental", "phased") or len(moves) < 2:
        return [moves]
    layers = _layers(plan, moves)
    parts = layers if strategy == "phased" else _even([move for layer in layers for move in layer])
    bags = [move for move in moves if _is_bag(plan, move)]
    parts = [[move for move in part if move not in bags] for part in parts]
    parts[0] = bags + parts[0]
    return [part for part in parts if part]


def _is_bag(plan: Plan, move: TableMove) -> bool:
    try:
        return identity(move.source, plan.source.dialect).whole
    except Unfollowable:
        return True


def _layers(plan: Plan, moves: Sequence[TableMove]) -> list[list[TableMove]]:
    """First the tables that refer to no other, then those that refer to these, …; a cycle is one layer."""
    above = {
        move.source.title: {
            parent.source.title
            for key in move.source.foreign_keys
            for parent in moves
            if (parent.source.schema, parent.source.name) == (key.parent_schema, key.parent) and parent is not move
        }
        for move in moves
    }
    layers: list[list[TableMove]] = []
    done: set[str] = set()
    left = list(moves)
    while left:
        layer = [move for move in left if above[move.source.title] <= done] or left
        layers.append(layer)
        done |= {move.source.title for move in layer}
        left = [move for move in left if move not in layer]
    return layers


def _even(moves: Sequence[TableMove]) -> list[list[TableMove]]:
    """At most `PARTS` parts with about as many rows each, in the order given."""
    share = max(1, sum(move.rows for move in moves)) / PARTS
    parts: list[list[TableMove]] = [[]]
    rows = 0
    for move in moves:
        if parts[-1] and rows >= share * len(parts) and len(parts) < PARTS:
            parts.append([])
        parts[-1].append(move)
        rows += move.rows
    return parts
