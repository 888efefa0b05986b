"""A table that moves between databases of one kind: nothing is translated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from prayog_migration.engine.columns import PlannedColumns
from prayog_migration.engine.model import Table
from prayog_migration.engine.plan import Finding

__all__ = ["same_findings", "same_table"]


def same_table(table: Table, name: str, planned: PlannedColumns) -> Table:
    """The table as it is, with the types that were chosen for it."""
    return replace(table, name=name, columns=tuple(planned.columns))


def same_findings(table: Table) -> Iterator[Finding]:
    """A verdict for every part of it."""

    def exact(kind: str, name: str) -> Finding:
        return Finding(kind, f"{table.title}.{name}", "exact")

    if table.key:
        yield exact("key", f"({', '.join(table.key.columns)})")
    for unique in table.uniques:
        yield exact("unique", f"({', '.join(unique.columns)})")
    for n, check in enumerate(table.checks, 1):
        yield exact("check", check.name or f"check {n} ({check.expression[:40]})")
    for key in table.foreign_keys:
        yield exact("foreign key", key.name or f"({', '.join(key.columns)})")
    for index in table.indexes:
        yield exact("index", index.name)
    for exclusion in table.exclusions:
        yield exact("exclusion constraint", exclusion.name)
    for column in table.columns:
        if column.default is not None:
            yield exact("default", column.name)
        if column.generated is not None:
            yield exact("generated column", column.name)
