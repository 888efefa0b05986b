"""What the names in an expression stand for, and why an expression may have no translation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Dialect

__all__ = ["GLOT", "KeptByType", "Names", "Untranslatable", "bare", "kind_there"]

GLOT = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql"}
"""What sqlglot calls the dialects."""


class Untranslatable(ValueError):
    """An expression that has no equivalent; the message is a sentence."""


class KeptByType(Untranslatable):
    """A condition that the type of the column on the target keeps by itself."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a column is called on the target and which kinds it has here and there.

    ``columns``: name at the source → (name at the target, kind here, kind there); ``nocase``: columns (in small
    letters) that compare without case at the source; ``formulas``: name at the source → (expression of the source,
    type on the target), of generated columns that must be written out where others use them.  ``notes`` collects what
    is not quite the same in the last expression that was translated.
    """

    source: Dialect
    target: Dialect
    columns: Mapping[str, tuple[str, Kind, Kind]]
    nocase: frozenset[str] = field(default_factory=frozenset)
    formulas: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    notes: set[str] = field(default_factory=set, compare=False)

    def known(self, name: str) -> str | None:
        """How the source spells the column `name`; only PostgreSQL tells names apart by case."""
        if name in self.columns or self.source == "postgresql":
            return name if name in self.columns else None
        return next((key for key in self.columns if key.lower() == name.lower()), None)

    def find(self, name: str) -> tuple[str, Kind, Kind] | None:
        """The column `name`."""
        known = self.known(name)
        return None if known is None else self.columns[known]


def bare(node: Any) -> Any:
    """The expression inside parentheses and casts."""
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    return node


def kind_there(node: exp.Expression | None) -> Kind | None:
    """The kind on the target of what is, inside parentheses and casts, a column."""
    inner = bare(node) if node is not None else None
    kinds = inner.meta.get("kinds") if isinstance(inner, exp.Column) else None
    return kinds[1] if kinds else None
