"""LIKE, GLOB and regular expressions: each dialect has some of them, and they treat case differently.

LIKE ignores the case of ASCII letters in SQLite, follows the column's collation in MySQL, and minds case in
PostgreSQL; a backslash escapes in PostgreSQL and MySQL, and is a character like any other in SQLite.
"""

from __future__ import annotations

import re
from typing import Any

from sqlglot import exp

from prayog_migration.engine.symbols import Names, Untranslatable, bare, kind_there

__all__ = ["patterns"]

_GLOB_CLASS = re.compile(r"\[[^\]]+\]")
_ATOM = re.compile(r"(?P<one>\[\^?[^\]\\\[]+\]|\\[.\-+*?()|{}/\\^$]|[^\\\[\](){}.*+?|^$]|\.)(?P<many>\{\d+\}|[+*?])?")


def patterns(node: exp.Expression, names: Names) -> exp.Expression:
    """`node` with its pattern in the target's terms.  Raises `Untranslatable`."""
    if isinstance(node, exp.Like | exp.ILike | exp.Glob):
        kind = kind_there(node.this)
        if kind and kind.name not in ("text", "enum", "any") and names.target == "postgresql":
            node.this.replace(exp.cast(node.this.copy(), "text", dialect="postgres"))
    if isinstance(node, exp.Glob) and names.target != "sqlite":
        regex = _glob_regex(node.expression)
        if names.target == "mysql":  # there a dot is no newline, and $ comes before one
            regex = f"(?s){regex[:-1]}\\z"
        return exp.RegexpLike(this=node.this.copy(), expression=exp.Literal.string(regex))
    if isinstance(node, exp.Like):
        return _like(node, names)
    if isinstance(node, exp.RegexpLike | exp.RegexpILike):
        return _regex(node, names)
    if isinstance(node, exp.SimilarTo) and names.target != "postgresql":
        raise Untranslatable("SIMILAR TO is known to PostgreSQL only.")
    return node


def _nocase(node: Any) -> bool:
    this = bare(node)
    return isinstance(this, exp.Column) and bool(this.meta.get("nocase"))


def _like(node: exp.Like, names: Names) -> exp.Expression:
    escaped = isinstance(node.parent, exp.Escape)
    if names.source == "sqlite" and names.target != "sqlite" and not escaped:
        literal = bare(node.expression)
        if isinstance(literal, exp.Literal) and "\\" in literal.name:
            literal.replace(exp.Literal.string(literal.name.replace("\\", "\\\\")))
    ignores = names.source == "sqlite" or _nocase(node.this)
    this, pattern = node.this.copy(), node.expression.copy()
    if names.target == "postgresql" and ignores:
        return exp.ILike(this=this, expression=pattern)
    if names.target == "mysql" and names.source == "sqlite" and not _nocase(node.this):
        return exp.Like(this=exp.Lower(this=this), expression=exp.Lower(this=pattern))
    if names.target == "sqlite" and not ignores:
        if escaped:
            raise Untranslatable("LIKE with ESCAPE that minds case has no equivalent in SQLite.")
        return exp.Glob(this=this, expression=exp.Literal.string(_like_glob(node.expression)))
    return node


def _regex(node: exp.Expression, names: Names) -> exp.Expression:
    ignores = isinstance(node, exp.RegexpILike) or (names.source == "mysql" and _nocase(node.this))
    this = node.this.copy()
    if names.target == "sqlite":
        made = None if ignores else _glob(this, _pattern(node.expression))
        if made is None:
            raise Untranslatable("SQLite has no regular expressions of its own.")
        return made
    if names.target == "mysql" and isinstance(node, exp.RegexpILike):
        return exp.RegexpLike(this=this, expression=exp.Literal.string("(?i)" + _pattern(node.expression)))
    if names.target == "postgresql" and ignores:
        return exp.RegexpILike(this=this, expression=node.expression.copy())
    return node


def _pattern(node: exp.Expression) -> str:
    text = bare(node)
    if not (isinstance(text, exp.Literal) and text.is_string):
        raise Untranslatable("The pattern is no fixed text.")
    return str(text.this)


def _glob(this: exp.Expression, regex: str) -> exp.Expression | None:
    """A regular expression from ^ to $ as GLOB, where it says how many characters there are, or which ones."""
    if not (regex.startswith("^") and regex.endswith("$")):
        return None
    at, atoms, text = 0, [], regex[1:-1]
    while at < len(text):
        found = _ATOM.match(text, at)
        if found is None:
            return None
        atoms.append((_glob_atom(found["one"]), found["many"] or ""))
        at = found.end()
    if len(atoms) == 1 and atoms[0][1] in ("+", "*") and atoms[0][0].startswith("["):
        one, many = atoms[0]
        other = one.replace("[^", "[", 1) if one.startswith("[^") else one.replace("[", "[^", 1)
        only: exp.Expression = exp.Not(this=exp.Glob(this=this, expression=exp.Literal.string(f"*{other}*")))
        some = exp.NEQ(this=this.copy(), expression=exp.Literal.string(""))
        return exp.Paren(this=exp.And(this=only, expression=some)) if many == "+" else exp.Paren(this=only)
    if any(many in ("+", "*", "?") for _, many in atoms):
        return None
    glob = "".join(one * (int(many[1:-1]) if many else 1) for one, many in atoms)
    return exp.Glob(this=this, expression=exp.Literal.string(glob))


def _glob_atom(one: str) -> str:
    if one == ".":
        return "?"
    if len(one) == 2 and one[0] == "\\":
        one = one[1]
    return f"[{one}]" if one in ("*", "?", "[") else one


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
