"""Expressions of CHECKs, generated columns and indexes, and whole queries, from one dialect into another.

sqlglot parses and prints; between the two the tree is changed where the same words mean something else on the other
side.  What comes out is a draft until the target has run it (`real.dryrun`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import SqlglotError

from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Dialect

__all__ = ["KeptByType", "Names", "Untranslatable", "translate", "translate_query"]

_GLOT = {"sqlite": "sqlite", "postgresql": "postgres", "mysql": "mysql"}


class Untranslatable(ValueError):
    """An expression that has no equivalent; the message is a sentence."""


class KeptByType(Untranslatable):
    """A condition that the type of the column on the target keeps by itself."""


@dataclass(frozen=True, slots=True)
class Names:
    """What a column is called on the target and which kinds it has here and there.

    ``columns``: name at the source → (name at the target, kind here, kind there); ``nocase``: columns that compare
    without case at the source.
    """

    source: Dialect
    target: Dialect
    columns: Mapping[str, tuple[str, Kind, Kind]]
    nocase: frozenset[str] = field(default_factory=frozenset)

    def find(self, name: str) -> tuple[str, Kind, Kind] | None:
        """The column `name`; only PostgreSQL tells names apart by case."""
        if name in self.columns or self.source == "postgresql":
            return self.columns.get(name)
        return next((found for key, found in self.columns.items() if key.lower() == name.lower()), None)


def translate(sql: str, names: Names, condition: bool = False) -> str:
    """An expression for the target; ``condition``: it is used as true or false.

    Raises `Untranslatable`.
    """
    try:
        tree = sqlglot.parse_one(f"SELECT {sql}", read=_GLOT[names.source])
        assert isinstance(tree, exp.Select)
        root: Any = tree.selects[0]
        holder = exp.Paren(this=root.copy())
        _rewrite(holder, names)
        if condition:
            holder.set("this", _condition(holder.this, names))
        return _printed(holder.this, names.target)
    except (SqlglotError, ValueError, AttributeError) as error:
        if isinstance(error, Untranslatable):
            raise
        raise Untranslatable(f"It cannot be read: {str(error).splitlines()[0]}") from error


def _printed(tree: Any, target: Dialect) -> str:
    dialect = _Rlike if target == "mysql" else _GLOT[target]
    return str(tree.sql(dialect=dialect, unsupported_level=sqlglot.ErrorLevel.RAISE))


class _Rlike(MySQL):
    """REGEXP_LIKE() is MySQL 8 only, the operator is known to MariaDB too."""

    class Generator(MySQL.Generator):  # type: ignore[misc, valid-type] # made by sqlglot's metaclass
        TRANSFORMS = {  # noqa: RUF012 - as sqlglot declares it
            **MySQL.Generator.TRANSFORMS,
            exp.RegexpLike: lambda self, node: self.binary(node, "REGEXP"),
        }


def _rewrite(holder: exp.Expression, names: Names) -> None:
    for step in (_arrays, _nocase, _columns, _booleans, _functions, _patterns):
        nodes: list[Any] = list(holder.walk())
        for node in nodes:
            if node is not holder and node.parent is not None:
                new = step(node, names)
                if new is not node:
                    node.replace(new)


def _bare(node: Any) -> Any:
    """The expression inside parentheses and casts."""
    while isinstance(node, exp.Paren | exp.Cast):
        node = node.this
    return node


def _arrays(node: exp.Expression, names: Names) -> exp.Expression:
    """``x = ANY (ARRAY[…])``, as PostgreSQL writes ``x IN (…)``, and ``x <> ALL (ARRAY[…])``."""
    if names.target == "postgresql" or not isinstance(node, exp.EQ | exp.NEQ):
        return node
    side = node.expression
    if isinstance(side, exp.Anonymous) and side.name.upper() == "ALL":
        array = _bare(side.expressions[0])
    elif isinstance(side, exp.Any | exp.All):
        array = _bare(side.this)
    else:
        return node
    if not isinstance(array, exp.Array):
        return node
    found = exp.In(this=_bare(node.this).copy(), expressions=[_bare(one).copy() for one in array.expressions])
    return exp.Not(this=found) if isinstance(node, exp.NEQ) else found


def _nocase(node: exp.Expression, names: Names) -> exp.Expression:
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


def _kind(node: exp.Expression | None) -> Kind | None:
    bare = _bare(node) if node is not None else None
    kinds = bare.meta.get("kinds") if isinstance(bare, exp.Column) else None
    return kinds[1] if kinds else None


def _booleans(node: exp.Expression, names: Names) -> exp.Expression:
    """``active = 1`` where ``active`` has become a boolean, and the other way round."""
    if not isinstance(node, exp.Literal | exp.Boolean):
        return node
    parent = node.parent
    while isinstance(parent, exp.Paren | exp.Neg):
        parent = parent.parent
    if not isinstance(parent, exp.EQ | exp.NEQ | exp.In | exp.Is | exp.Coalesce | exp.NullSafeEQ | exp.NullSafeNEQ):
        return node
    sides = [parent.this, parent.args.get("expression"), *(parent.args.get("expressions") or [])]
    kind = next((kind for side in sides if (kind := _kind(side))), None)
    if kind is None:
        return node
    if kind.name == "boolean" and names.target == "postgresql" and isinstance(node, exp.Literal):
        if node.name.lower() in ("0", "1", "t", "f", "true", "false"):
            return exp.Boolean(this=node.name.lower() in ("1", "t", "true"))
    elif kind.name in ("boolean", "integer") and names.target == "sqlite" and isinstance(node, exp.Boolean):
        return exp.Literal.number(int(node.this))
    return node


def _functions(node: exp.Expression, names: Names) -> exp.Expression:
    name = node.name.lower() if isinstance(node, exp.Anonymous) else ""
    if isinstance(node, exp.Typeof) or name == "typeof":
        raise KeptByType("It asks for a storage class; the column's type keeps that now.")
    if name in ("json_valid", "iif", "glob", "regexp", "likely", "unlikely") or isinstance(node, exp.Anonymous):
        if name == "json_valid" and names.target != "postgresql":
            return node
        if name in ("likely", "unlikely"):
            argument: exp.Expression = node.expressions[0].copy()
            return argument
        if name == "json_valid":
            raise KeptByType("It asks for valid JSON; the column's type keeps that now.")
    if isinstance(node, exp.Length | exp.Upper | exp.Lower | exp.Trim | exp.Substring | exp.StrPosition | exp.DPipe):
        for key in ("this", "expression"):
            operand = node.args.get(key)
            kind = _kind(operand)
            typed = kind is not None and kind.name not in ("text", "enum", "bytes", "any")
            if operand is not None and typed and names.target == "postgresql":
                operand.replace(exp.cast(operand.copy(), "text", dialect="postgres"))
    return node


_GLOB_CLASS = re.compile(r"\[[^\]]+\]")


def _patterns(node: exp.Expression, names: Names) -> exp.Expression:
    """LIKE ignores case in SQLite (for ASCII) and in MySQL by collation; GLOB and ``~`` exist in one dialect only."""
    if isinstance(node, exp.Like | exp.ILike | exp.Glob):
        kind = _kind(node.this)
        if kind and kind.name not in ("text", "enum", "any") and names.target == "postgresql":
            node.this.replace(exp.cast(node.this.copy(), "text", dialect="postgres"))
    if isinstance(node, exp.Glob) and names.target != "sqlite":
        return exp.RegexpLike(this=node.this.copy(), expression=exp.Literal.string(_glob_regex(node.expression)))
    if isinstance(node, exp.Like):
        this = _bare(node.this)
        ignores = names.source == "sqlite" or bool(isinstance(this, exp.Column) and this.meta.get("nocase"))
        if names.target == "postgresql" and ignores:
            return exp.ILike(this=node.this.copy(), expression=node.expression.copy())
        if names.source == "postgresql" and names.target == "sqlite":
            return exp.Glob(this=node.this.copy(), expression=exp.Literal.string(_like_glob(node.expression)))
    if isinstance(node, exp.RegexpLike | exp.RegexpILike | exp.SimilarTo) and names.target == "sqlite":
        raise Untranslatable("SQLite has no regular expressions of its own.")
    return node


def _pattern(node: exp.Expression) -> str:
    text = _bare(node)
    if not (isinstance(text, exp.Literal) and text.is_string):
        raise Untranslatable("The pattern is no fixed text.")
    return str(text.this)


def _glob_regex(node: exp.Expression) -> str:
    made, at, text = "", 0, _pattern(node)
    while at < len(text):
        found = _GLOB_CLASS.match(text, at)
        if found:
            made += found.group().replace("\\", "\\\\")
            at = found.end()
        else:
            made += {"*": ".*", "?": "."}.get(text[at]) or re.escape(text[at])
            at += 1
    return f"^{made}$"


def _like_glob(node: exp.Expression) -> str:
    made, text = "", iter(_pattern(node))
    for c in text:
        if c == "\\":
            escaped = next(text, c)
            made += f"[{escaped}]" if escaped in "*?[" else escaped
        else:
            made += {"%": "*", "_": "?"}.get(c) or (f"[{c}]" if c in "*?[" else c)
    return made


def _condition(node: exp.Expression, names: Names) -> exp.Expression:
    """Numbers as conditions, which SQLite and MySQL take and PostgreSQL does not."""
    if names.target != "postgresql":
        return node
    if isinstance(node, exp.And | exp.Or):
        for key in ("this", "expression"):
            node.set(key, _condition(node.args[key], names))
    elif isinstance(node, exp.Not | exp.Paren):
        node.set("this", _condition(node.this, names))
    else:
        kind = _kind(node)
        numeric = kind is not None and kind.name in ("integer", "decimal", "real")
        arithmetic = isinstance(node, exp.Add | exp.Sub | exp.Mul | exp.BitwiseAnd | exp.BitwiseOr | exp.Literal)
        if (numeric and isinstance(_bare(node), exp.Column)) or arithmetic or isinstance(node, exp.StrPosition):
            return exp.NEQ(this=exp.Paren(this=node.copy()), expression=exp.Literal.number(0))
    return node


def _typed_literal(node: exp.Literal, kinds: Mapping[str, Kind]) -> exp.Expression:
    """``flag = 1`` and ``code = 7`` as the column wants them: PostgreSQL compares neither with a number."""
    parent = node.parent
    while isinstance(parent, exp.Paren):
        parent = parent.parent
    if node.is_string or not isinstance(parent, exp.EQ | exp.NEQ | exp.In | exp.GT | exp.LT | exp.GTE | exp.LTE):
        return node
    other = _bare(parent.this) if _bare(parent.this) is not node else _bare(parent.expression)
    kind = kinds.get(other.name) if isinstance(other, exp.Column) else None
    if kind is not None and kind.name in ("text", "enum"):
        return exp.Literal.string(node.name)
    if kind is not None and kind.name == "boolean" and node.name in ("0", "1"):
        return exp.Boolean(this=node.name == "1")
    return node


def translate_query(
    sql: str, source: Dialect, target: Dialect, tables: Mapping[str, str], kinds: Mapping[str, Kind] | None = None
) -> str:
    """A SELECT for the target; `tables` says what tables and columns are called there (old name → new; a table in a
    schema of its own as ``schema.table``).  `kinds` are those of columns whose name means one kind everywhere: numbers
    are not compared with texts on the other side.

    Raises `Untranslatable`.
    """
    try:
        tree = sqlglot.parse_one(sql, read=_GLOT[source])
        if target != "postgresql":
            for table in tree.find_all(exp.Table):
                if table.db:
                    flat = tables.get(f"{table.db}.{table.name}", table.name)
                    table.set("this", exp.to_identifier(flat, quoted=True))
                    table.set("db", None)
        for identifier in list(tree.find_all(exp.Identifier)):
            new = tables.get(identifier.name)
            if new is None and source != "postgresql":
                new = next((to for name, to in tables.items() if name.lower() == identifier.name.lower()), None)
            if new is not None:
                identifier.replace(exp.to_identifier(new, quoted=True))
        if target == "postgresql":
            for literal in list(tree.find_all(exp.Literal)):
                literal.replace(_typed_literal(literal, kinds or {}))
        if source == "sqlite" and target == "postgresql":
            for like in list(tree.find_all(exp.Like)):
                like.replace(exp.ILike(this=like.this.copy(), expression=like.expression.copy()))
        return tree.sql(dialect=_GLOT[target], unsupported_level=sqlglot.ErrorLevel.RAISE)
    except (SqlglotError, ValueError, AttributeError) as error:
        raise Untranslatable(f"It cannot be read: {str(error).splitlines()[0]}") from error
