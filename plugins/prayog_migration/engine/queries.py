"""Whole queries, the texts of views, from one dialect into another: a draft, until the target has run it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from prayog_migration.engine.idioms import arrays, literals
from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Dialect
from prayog_migration.engine.symbols import GLOT, Untranslatable, bare

__all__ = ["Words", "translate_query"]


@dataclass(frozen=True, slots=True)
class Words:
    """What is called how on the target: ``tables`` (and views) by (schema, name), ``columns`` by name.

    ``kinds`` are those on the target of columns whose name means one kind everywhere.
    """

    source: Dialect
    target: Dialect
    tables: Mapping[tuple[str, str], str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)

    def table(self, schema: str, name: str) -> str | None:
        """The table's name on the target; only PostgreSQL tells names apart by case."""
        found = self.tables.get((schema, name))
        if found is None and self.source != "postgresql":
            found = next((new for (s, n), new in self.tables.items() if (s, n.lower()) == (schema, name.lower())), None)
        return found

    def column(self, name: str) -> str | None:
        """The column's name on the target."""
        found = self.columns.get(name)
        if found is None and self.source != "postgresql":
            found = next((new for old, new in self.columns.items() if old.lower() == name.lower()), None)
        return found


def translate_query(sql: str, words: Words) -> str:
    """A SELECT for the target.  Raises `Untranslatable`."""
    source, target = words.source, words.target
    try:
        tree = sqlglot.parse_one(sql, read=GLOT[source])
        _tables(tree, words)
        for column in list(tree.find_all(exp.Column)):
            new = None if isinstance(column.this, exp.Star) else words.column(column.name)
            if new is not None:
                column.set("this", exp.to_identifier(new, quoted=True))
        for step in (arrays, literals):
            nodes: list[Any] = list(tree.walk())
            for node in nodes:
                if node.parent is not None and (changed := step(node, words)) is not node:
                    node.replace(changed)
        if target == "postgresql":
            for literal in list(tree.find_all(exp.Literal)):
                literal.replace(_typed_literal(literal, words.kinds))
        if source in ("sqlite", "mysql") and target == "postgresql":  # as their usual collations compare
            for like in list(tree.find_all(exp.Like)):
                like.replace(exp.ILike(this=like.this.copy(), expression=like.expression.copy()))
        return tree.sql(dialect=GLOT[target], unsupported_level=sqlglot.ErrorLevel.RAISE)
    except (SqlglotError, ValueError, AttributeError) as error:
        if isinstance(error, Untranslatable):
            raise
        raise Untranslatable(f"It cannot be read: {str(error).splitlines()[0]}") from error


def _tables(tree: Any, words: Words) -> None:
    """Tables by their new names; columns go on calling them as they did."""
    own = {one.alias for one in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        if not table.db and table.name in own:
            continue
        new = words.table(table.db, table.name) or words.table("", table.name)
        if new is None:
            continue
        if new != table.name and not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(table.name, quoted=True)))
        table.set("this", exp.to_identifier(new, quoted=True))
        table.set("db", None)
        table.set("catalog", None)
    for column in list(tree.find_all(exp.Column)):  # schema.table.column
        if column.args.get("db") is not None:
            column.set("db", None)


def _typed_literal(node: exp.Literal, kinds: Mapping[str, Kind]) -> exp.Expression:
    """``flag = 1`` and ``code = 7`` as the column wants them: PostgreSQL compares neither with a number."""
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    if node.is_string or not isinstance(parent, exp.EQ | exp.NEQ | exp.In | exp.GT | exp.LT | exp.GTE | exp.LTE):
        return node
    other = bare(parent.this) if bare(parent.this) is not node else bare(parent.expression)
    kind = kinds.get(other.name) if isinstance(other, exp.Column) else None
    if kind is not None and kind.name in ("text", "enum"):
        return exp.Literal.string(node.name)
    if kind is not None and kind.name == "boolean" and node.name in ("0", "1"):
        return exp.Boolean(this=node.name == "1")
    return node
