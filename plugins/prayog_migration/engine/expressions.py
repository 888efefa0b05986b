"""Expressions of CHECKs, generated columns and indexes from one dialect into another.

sqlglot parses and prints; between the two the tree is changed where the same words mean something else on the other
side (here, and in `conditions` and `patterns`).  What comes out is a draft until the target has run it (`real.dryrun`).
"""

from __future__ import annotations

from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import SqlglotError

from prayog_migration.engine.conditions import booleans, condition, divisions, exclusive, numbers
from prayog_migration.engine.idioms import arrays, literals
from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Dialect
from prayog_migration.engine.patterns import patterns
from prayog_migration.engine.symbols import GLOT, KeptByType, Names, Untranslatable, bare, kind_there

__all__ = ["KeptByType", "Names", "Untranslatable", "translate"]


def translate(sql: str, names: Names, condition: bool = False) -> str:
    """An expression for the target; ``condition``: it is used as true or false.

    `names.notes` says afterwards what is not quite the same.  Raises `Untranslatable`.
    """
    names.notes.clear()
    try:
        holder = exp.Paren(this=_written_out(_parsed(sql, names), names))
        for step in _STEPS:
            nodes: list[Any] = list(holder.walk())
            for node in nodes:
                if node is not holder and node.parent is not None:
                    new = step(node, names)
                    if new is not node:
                        node.replace(new)
        if condition:
            holder.set("this", _condition(holder.this, names))
        return _printed(holder.this, names.target)
    except (SqlglotError, ValueError, AttributeError) as error:
        if isinstance(error, Untranslatable):
            raise
        raise Untranslatable(f"It cannot be read: {str(error).splitlines()[0]}") from error


def _parsed(sql: str, names: Names) -> Any:
    tree = sqlglot.parse_one(f"SELECT {sql}", read=GLOT[names.source])
    assert isinstance(tree, exp.Select)
    root: Any = tree.selects[0]
    return root.copy()


def _written_out(tree: Any, names: Names) -> Any:
    """Generated columns that other ones use, as their own expressions."""
    holder = exp.Paren(this=tree)
    while names.formulas:
        found = [node for node in holder.find_all(exp.Column) if names.known(node.name) in names.formulas]
        if not found:
            break
        for node in found:
            sql, type_ = names.formulas[names.known(node.name) or ""]
            node.replace(exp.cast(exp.Paren(this=_parsed(sql, names)), type_, dialect=GLOT[names.target]))
    return holder.this


def _printed(tree: Any, target: Dialect) -> str:
    dialect = _Rlike if target == "mysql" else GLOT[target]
    return str(tree.sql(dialect=dialect, unsupported_level=sqlglot.ErrorLevel.RAISE))


class _Rlike(MySQL):
    """REGEXP_LIKE() is MySQL 8 only, the operator is known to MariaDB too."""

    class Generator(MySQL.Generator):  # type: ignore[misc, valid-type] # made by sqlglot's metaclass
        TRANSFORMS = {  # noqa: RUF012 - as sqlglot declares it
            **MySQL.Generator.TRANSFORMS,
            exp.RegexpLike: lambda self, node: self.binary(node, "REGEXP"),
        }


def _collations(node: exp.Expression, names: Names) -> exp.Expression:
    """SQLite's COLLATE inside an expression: folded explicitly, as no other database has its collations."""
    if names.source != "sqlite" or not isinstance(node, exp.Collate):
        return node
    name = node.expression.name.lower()
    if name == "nocase":
        parent = node.parent
        if isinstance(parent, exp.EQ | exp.NEQ | exp.In | exp.Like) and parent.this is node:
            for key in ("expression",):
                other = parent.args.get(key)
                if isinstance(other, exp.Expression):
                    other.replace(exp.Lower(this=other.copy()))
            for one in parent.args.get("expressions") or []:
                one.replace(exp.Lower(this=one.copy()))
        return exp.Lower(this=node.this.copy())
    if name == "rtrim":
        return exp.Trim(this=node.this.copy(), position="TRAILING")
    plain: exp.Expression = node.this.copy()
    return plain


def _columns(node: exp.Expression, names: Names) -> exp.Expression:
    if not isinstance(node, exp.Column) or isinstance(node.this, exp.Star):
        return node
    found = names.find(node.name)
    if found is None:
        if names.source == "sqlite" and node.this.args.get("quoted"):
            return exp.Literal.string(node.name)  # SQLite takes "abc" for 'abc' when there is no such column
        raise Untranslatable(f"It uses {node.name!r}, which is no column that is copied.")
    new = exp.column(exp.to_identifier(found[0], quoted=True))
    new.meta["kinds"] = found[1:]
    new.meta["nocase"] = node.name.lower() in names.nocase
    return new


def _folded(node: exp.Expression, names: Names) -> exp.Expression:
    """Comparisons of a column without case, on the target that has no such columns."""
    if names.target != "postgresql" or not isinstance(node, exp.EQ | exp.NEQ | exp.In | exp.GT | exp.LT | exp.Between):
        return node
    this = bare(node.this)
    kind = kind_there(this)
    if not (isinstance(this, exp.Column) and this.meta.get("nocase") and kind and kind.name == "text"):
        return node
    sides = [node.this, *(node.args.get(key) for key in ("expression", "low", "high")), *(node.expressions or [])]
    for side in sides:
        if isinstance(side, exp.Expression):
            side.replace(exp.Lower(this=_in_ascii(side.copy(), names)))
    return node


def _in_ascii(node: Any, names: Names) -> Any:
    """What SQLite folds: its own upper(), lower() and NOCASE know ASCII letters only."""
    return exp.Collate(this=node, expression=exp.to_identifier("C", quoted=True)) if names.source == "sqlite" else node


_SQLITE_LETTERS = "upper() and lower() know all letters here, SQLite's know ASCII only"
_STORAGE = {
    "integer": {"integer", "boolean", "year", "bit"}, "real": {"real"}, "text": {"text", "enum"}, "blob": {"bytes"},
    "null": set(),
}  # fmt: skip


def _functions(node: exp.Expression, names: Names) -> Any:
    name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
    if names.source != names.target and (isinstance(node, exp.Typeof) or name == "typeof"):
        _storage_class(node)
    if name in ("likely", "unlikely"):
        return node.expressions[0].copy()
    if name == "json_valid" and names.target == "postgresql":
        return _json_valid(node.expressions[0])
    if name in ("num_nonnulls", "num_nulls") and names.target != "postgresql":
        nulls = [exp.Paren(this=exp.Is(this=one.copy(), expression=exp.Null())) for one in node.expressions]
        terms = nulls if name == "num_nulls" else [exp.Paren(this=exp.Not(this=one.this)) for one in nulls]
        total: Any = terms[0]
        for term in terms[1:]:
            total = exp.Add(this=total, expression=term)
        return exp.Paren(this=total)
    if isinstance(node, exp.Upper | exp.Lower) and names.source != names.target:
        if names.source == "sqlite" and names.target == "postgresql":
            if not isinstance(node.this, exp.Collate):
                node.set("this", _in_ascii(_as_text(node.this, names), names))
            return node
        if "sqlite" in (names.source, names.target):
            names.notes.add(_SQLITE_LETTERS if names.source == "sqlite" else "SQLite's upper() and lower() know ASCII")
    if isinstance(node, exp.Concat):
        node = _joined(node, names)
    if isinstance(node, exp.Length | exp.Upper | exp.Lower | exp.Trim | exp.Substring | exp.StrPosition | exp.DPipe):
        for key in ("this", "expression"):
            if node.args.get(key) is not None:
                node.set(key, _as_text(node.args[key], names))
    if isinstance(node, exp.Substring) and names.source != "postgresql":
        return _from_the_end(node, names)
    if isinstance(node, exp.Max | exp.Min | exp.Greatest | exp.Least) and node.expressions:
        return _extreme(node, names)
    return node


_ONE_TEXT = ("text", "enum", "any", "integer", "date")
"""Kinds whose values are the same text in every database; of a double, a boolean or a moment each has its own."""


def _as_text(operand: Any, names: Names) -> Any:
    kind = kind_there(operand)
    if kind is None or names.source == names.target or kind.name == "bytes":
        return operand
    if kind.name not in _ONE_TEXT:
        raise Untranslatable(f"It makes a text of a {kind.name}, and each database writes that in its own way.")
    typed = kind.name in ("integer", "date") and names.target == "postgresql"
    return exp.cast(operand.copy(), "text", dialect="postgres") if typed else operand


def _joined(node: exp.Concat, names: Names) -> Any:
    """concat() is NULL when a part is in MySQL, and leaves that part out in PostgreSQL; ``||`` is NULL everywhere."""
    if names.source == names.target or not node.expressions:
        return node
    if names.source == "postgresql":
        raise Untranslatable("concat() leaves out NULLs, as only PostgreSQL does.")
    made: Any = node.expressions[0].copy()
    for part in node.expressions[1:]:
        made = exp.DPipe(this=_as_text(made, names), expression=_as_text(part.copy(), names), safe=True)
    return made


def _from_the_end(node: exp.Substring, names: Names) -> exp.Expression:
    """substr(x, -3) counts from the end in SQLite and MySQL, and from before the beginning in PostgreSQL."""
    start = node.args.get("start")
    if names.target != "postgresql" or not isinstance(start, exp.Neg) or not isinstance(start.this, exp.Literal):
        return node
    if node.args.get("length") is not None:
        raise Untranslatable("It takes some characters from the end of a text.")
    return exp.Right(this=node.this.copy(), expression=start.this.copy())


def _extreme(node: Any, names: Names) -> Any:
    """The greatest of several values is NULL when one of them is; PostgreSQL leaves NULLs out."""
    if names.source == names.target or "postgresql" not in (names.source, names.target):
        return node
    if names.source == "postgresql":
        raise Untranslatable("greatest() and least() leave out NULLs, as only PostgreSQL does.")
    parts = [node.this, *node.expressions]
    nulls = exp.or_(*(exp.Is(this=part.copy(), expression=exp.Null()) for part in parts))
    kind = exp.Greatest if isinstance(node, exp.Max | exp.Greatest) else exp.Least
    one = kind(this=parts[0].copy(), expressions=[part.copy() for part in parts[1:]])
    return exp.Case(ifs=[exp.If(this=nulls, true=exp.Null())], default=one)


def _storage_class(node: Any) -> None:
    """typeof(column) = 'integer', or IN (…): kept by the column's type, or by nothing."""
    column = node.expressions[0] if isinstance(node, exp.Anonymous) else node.this
    kind, parent = kind_there(column), node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    wanted: list[Any] = []
    if isinstance(parent, exp.EQ):
        wanted = [parent.expression if parent.this is node else parent.this]
    elif isinstance(parent, exp.In):
        wanted = parent.expressions
    classes = {one.name.lower() for one in wanted if isinstance(one, exp.Literal)}
    if kind is not None and any(kind.name in _STORAGE.get(one, ()) for one in classes):
        raise KeptByType("It asks for a storage class; the column's type keeps that now.")
    raise Untranslatable("It asks for a storage class, which only SQLite has.")


def _json_valid(value: Any) -> exp.Expression:
    kind: Kind | None = kind_there(value)
    if kind is not None and kind.name == "json":
        raise KeptByType("It asks for valid JSON; the column's type keeps that now.")
    return exp.Is(this=value.copy(), expression=exp.JSON())


_STEPS = (
    arrays, literals, _collations, _columns, _folded, booleans, _functions, patterns, divisions, numbers, exclusive,
)  # fmt: skip
_condition = condition
