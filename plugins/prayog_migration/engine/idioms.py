"""What one dialect writes in a way of its own and others would misread: arrays in place of lists, casts of literals,
and SQLite's word ``now``."""

from __future__ import annotations

from typing import Protocol

from sqlglot import exp

from prayog_migration.engine.model import Dialect
from prayog_migration.engine.symbols import Untranslatable, bare
from prayog_migration.engine.temporal import to_utc

__all__ = ["Sides", "arrays", "literals", "moment"]


class Sides(Protocol):
    """From which dialect to which; `symbols.Names` is such a pair."""

    @property
    def source(self) -> Dialect: ...
    @property
    def target(self) -> Dialect: ...


def arrays(node: exp.Expression, sides: Sides) -> exp.Expression:
    """``x = ANY (ARRAY[…])``, as PostgreSQL writes ``x IN (…)``, and ``x <> ALL (ARRAY[…])``."""
    if sides.target == "postgresql" or not isinstance(node, exp.EQ | exp.NEQ):
        return node
    side = node.expression
    if isinstance(side, exp.Anonymous) and side.name.upper() == "ALL":
        array = bare(side.expressions[0])
    elif isinstance(side, exp.Any | exp.All):
        array = bare(side.this)
    else:
        return node
    if not isinstance(array, exp.Array):
        return node
    found = exp.In(this=bare(node.this).copy(), expressions=[bare(one).copy() for one in array.expressions])
    return exp.Not(this=found) if isinstance(node, exp.NEQ) else found


def literals(node: exp.Expression, sides: Sides) -> exp.Expression:
    """PostgreSQL says of every literal what it is (``'bad'::citext``), and of texts that they are texts.

    Elsewhere a cast means something else: SQLite makes a number of a text that is cast to a type unknown to it.
    """
    if sides.source == "sqlite":
        return moment(node, sides.target)
    if sides.source != "postgresql" or sides.target == "postgresql" or not isinstance(node, exp.Cast):
        return node
    inner, to = node.this, node.to
    while isinstance(inner, exp.Paren):
        inner = inner.this
    users = to.is_type("userdefined") or to.this == exp.DataType.Type.USERDEFINED
    texts = users or to.is_type(*exp.DataType.TEXT_TYPES)
    if isinstance(inner, exp.Literal) and inner.is_string:
        text = inner.name
        if to.is_type(*exp.DataType.NUMERIC_TYPES):
            return exp.Literal.number(text) if _plain(text) else node
        if to.is_type("boolean"):
            return exp.Boolean(this=text.lower() in ("t", "true", "1", "yes", "on"))
        if to.is_type("timestamptz") and (utc := to_utc(text)) is not None:
            return exp.Literal.string(f"{utc}+00:00" if sides.target == "sqlite" else utc)
        if texts or (sides.target == "sqlite" and to.is_type(*exp.DataType.TEMPORAL_TYPES)):
            return exp.Literal.string(text)
    if isinstance(inner, exp.Literal) and to.is_type(*exp.DataType.NUMERIC_TYPES):
        plain: exp.Expression = inner.copy()
        return plain
    if isinstance(inner, exp.Column) and users:
        raise Untranslatable(f"It casts to {to.sql(dialect='postgres')}, a type of PostgreSQL's users.")
    return node


def _plain(text: str) -> bool:
    return text.lstrip("+-").replace(".", "", 1).isdigit()


def moment(node: exp.Expression, target: Dialect) -> exp.Expression:
    """SQLite reads the text ``now`` each time; PostgreSQL does so once, when a view is made, and MySQL never."""
    if not (isinstance(node, exp.Literal) and node.is_string and node.name.lower() == "now"):
        return node
    parent = node.parent
    while isinstance(parent, exp.Paren | exp.Cast | exp.TsOrDsToTimestamp | exp.TsOrDsToDate):
        parent = parent.parent
    if not isinstance(parent, exp.Func):
        return node
    if target == "postgresql":
        return exp.Paren(this=exp.AtTimeZone(this=exp.CurrentTimestamp(), zone=exp.Literal.string("UTC")))
    return exp.Anonymous(this="UTC_TIMESTAMP") if target == "mysql" else node
