"""What the stand-alone verifier needs to know: which column became which, and what its values mean.

It holds no address and no password.
"""

from __future__ import annotations

from typing import Any

from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import PREFIX, Table
from prayog_migration.engine.plan import ColumnMove, Plan

__all__ = ["proof_of"]


def proof_of(plan: Plan, source_schema: str = "", target_schema: str = "") -> dict[str, Any]:
    """The content of ``proof.json``; the schemas are the default ones of PostgreSQL (``public``)."""
    return {
        "quarantine": {"schema": target_schema, "table": f"{PREFIX}_quarantine"},
        "tables": [
            {
                "name": move.source.title,
                "source": _side(move.source, move.reads, [c.source_type for c in move.columns], source_schema),
                "target": _side(move.target, move.writes, [c.target_type for c in move.columns], target_schema),
                "meanings": [_meaning(plan, column) for column in move.columns],
            }
            for move in plan.tables
            if not (move.source.partitioning and move.source.partitioning.parent)
        ],
    }


def _side(table: Table, columns: tuple[str, ...], types: list[str], schema: str) -> dict[str, Any]:
    return {
        "schema": table.schema or schema,
        "table": table.name,
        "columns": list(columns),
        "types": types,
        "partitioned": bool(table.partitioning and table.partitioning.by),
    }


def _meaning(plan: Plan, column: ColumnMove) -> dict[str, Any]:
    kind = column.target_kind
    return {
        "means": "same" if plan.source.dialect == plan.target else _means(column.kind, kind),
        "size": _size(kind),
        "scale": kind.scale if kind.name == "decimal" and kind.size is not None else None,
        "policy": column.policy,
        "fits": "text" if kind.name == "text" and plan.source.dialect != plan.target else "",
        "nul": plan.target != "postgresql",
        "zero_dates": plan.target != "postgresql" or kind.name not in ("date", "timestamp"),
    }


def _means(source: Kind, target: Kind) -> str:
    if source.name == "bit":
        return "text" if target.name == "text" and not source.fixed else "bit"
    if source.name in ("array", "set"):
        return "array" if target.name in ("array", "json") or source.name == "array" else "text"
    if target.name == "text" and (target.fixed or source.fixed):
        return "padded"
    if source.name == "timestamp" and source.zone and target.name == "text":
        return "text"
    return target.name


def _size(kind: Kind) -> int | None:
    """Where the size matters to the comparison."""
    if kind.name == "real":
        return kind.size
    if kind.name == "text" and not kind.fixed:
        return kind.size
    return None
