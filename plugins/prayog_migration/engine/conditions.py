"""What is true, false or a number: SQLite and MySQL take one for the other, PostgreSQL does not.

Also which division is meant: between integers SQLite and PostgreSQL leave out the fraction, MySQL's ``/`` never does.
"""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from prayog_migration.engine.symbols import Names, Untranslatable, bare, kind_there

__all__ = ["booleans", "condition", "divisions", "exclusive", "numbers"]

_ARITHMETIC = exp.Add | exp.Sub | exp.Mul | exp.Mod | exp.Div | exp.IntDiv
_COMPARISON = exp.EQ | exp.NEQ | exp.GT | exp.LT | exp.GTE | exp.LTE


def booleans(node: exp.Expression, names: Names) -> exp.Expression:
    """``active = 1`` where ``active`` has become a boolean, and the other way round."""
    if not isinstance(node, exp.Literal | exp.Boolean):
        return node
    parent = node.parent
    while isinstance(parent, exp.Paren | exp.Neg):
        parent = parent.parent
    if not isinstance(parent, exp.EQ | exp.NEQ | exp.In | exp.Is | exp.Coalesce | exp.NullSafeEQ | exp.NullSafeNEQ):
        return node
    sides = [parent.this, parent.args.get("expression"), *(parent.args.get("expressions") or [])]
    kind = next((kind for side in sides if (kind := kind_there(side))), None)
    if kind is None:
        return node
    if kind.name == "boolean" and names.target == "postgresql" and isinstance(node, exp.Literal):
        if node.name.lower() in ("0", "1", "t", "f", "true", "false"):
            return exp.Boolean(this=node.name.lower() in ("1", "t", "true"))
    elif kind.name in ("boolean", "integer") and names.target == "sqlite" and isinstance(node, exp.Boolean):
        return exp.Literal.number(int(node.this))
    return node


def _is_boolean(node: Any) -> bool:
    """It is true or false on a target that tells these from numbers."""
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Column):
        kind = kind_there(node)
        return kind is not None and kind.name == "boolean"
    return isinstance(node, exp.Predicate | exp.Connector | exp.Not | exp.Boolean | exp.RegexpLike | exp.RegexpILike)


def numbers(node: exp.Expression, names: Names) -> exp.Expression:
    """``(a IS NULL) + (b IS NULL) = 1`` and ``(a > 0) = 1``: what counts as a number is made one."""
    if names.target != "postgresql":
        return node
    if isinstance(node, _ARITHMETIC):
        for key in ("this", "expression"):
            if _is_boolean(node.args[key]):
                node.set(key, exp.cast(exp.Paren(this=node.args[key].copy()), "int", dialect="postgres"))
    if isinstance(node, _COMPARISON):
        for key, other in (("this", "expression"), ("expression", "this")):
            if not _is_boolean(node.args[key]) or _is_boolean(node.args[other]):
                continue
            literal = bare(node.args[other])
            if isinstance(literal, exp.Literal) and literal.name in ("0", "1"):
                node.set(other, exp.Boolean(this=literal.name == "1"))
            elif not (isinstance(literal, exp.Literal | exp.Null)):
                node.set(key, exp.cast(exp.Paren(this=node.args[key].copy()), "int", dialect="postgres"))
    return node


def exclusive(node: exp.Expression, names: Names) -> exp.Expression:
    """XOR, which only MySQL has, is ``<>`` between two conditions."""
    if not isinstance(node, exp.Xor) or names.target == "mysql":
        return node
    sides = [exp.Paren(this=_truth(node.args[key].copy(), names)) for key in ("this", "expression")]
    return exp.Paren(this=exp.NEQ(this=sides[0], expression=sides[1]))


def _truth(node: exp.Expression, names: Names) -> exp.Expression:
    if names.target == "postgresql":
        return condition(node, names)
    return node if _is_boolean(node) else exp.NEQ(this=exp.Paren(this=node), expression=exp.Literal.number(0))


def condition(node: exp.Expression, names: Names) -> exp.Expression:
    """Numbers as conditions, which SQLite and MySQL take and PostgreSQL does not."""
    if names.target != "postgresql":
        return node
    if isinstance(node, exp.And | exp.Or):
        for key in ("this", "expression"):
            node.set(key, condition(node.args[key], names))
    elif isinstance(node, exp.Not | exp.Paren):
        node.set("this", condition(node.this, names))
    elif isinstance(node, exp.Case):
        for one in node.args["ifs"]:
            one.set("true", condition(one.args["true"], names))
            if node.this is None:
                one.set("this", condition(one.this, names))
        if node.args.get("default") is not None:
            node.set("default", condition(node.args["default"], names))
    elif isinstance(node, exp.Coalesce) and _is_boolean(node.this):
        node.set("expressions", [condition(one, names) for one in node.expressions])
    else:
        kind = kind_there(node)
        numeric = kind is not None and kind.name in ("integer", "decimal", "real")
        arithmetic = isinstance(node, _ARITHMETIC | exp.BitwiseAnd | exp.BitwiseOr | exp.Literal)
        if (numeric and isinstance(bare(node), exp.Column)) or arithmetic or isinstance(node, exp.StrPosition):
            return exp.NEQ(this=exp.Paren(this=node.copy()), expression=exp.Literal.number(0))
    return node


def divisions(node: exp.Expression, names: Names) -> exp.Expression:
    """``/`` with the meaning that it has at the source.  Raises `Untranslatable` when it depends on unknown types."""
    if not isinstance(node, exp.Div) or names.source == names.target:
        return node
    left, right = node.this.copy(), node.expression.copy()
    kinds = {_number(left), _number(right)}
    if names.target == "mysql":
        if "real" in kinds:
            return node
        if kinds == {"integer"}:
            return exp.IntDiv(this=left, expression=right)
        raise Untranslatable("It divides, and whether by whole numbers cannot be told.")
    if names.source == "mysql" and names.target == "postgresql" and kinds <= {"integer", "decimal"}:
        # Exact, with four decimals more than the left side has (MySQL's div_precision_increment).
        quotient = exp.Div(
            this=exp.cast(left, "numeric", dialect="postgres"),
            expression=exp.func("NULLIF", right, exp.Literal.number(0)),
            typed=True,
            safe=False,
        )
        scale = _scale(left)
        if scale is not None:
            return exp.Round(this=quotient, decimals=exp.Literal.number(scale + 4))
        return quotient
    return node


def _scale(node: Any) -> int | None:
    kind = kind_there(node)
    if kind is not None and kind.name == "decimal":
        return kind.scale
    return 0 if _number(node) == "integer" else None


def _number(node: Any) -> str:
    """``integer``, ``decimal`` or ``real``; "" when it cannot be told."""
    if isinstance(node, exp.Cast):
        if node.to.is_type(*exp.DataType.INTEGER_TYPES):
            return "integer"
        return "real" if node.to.is_type(*exp.DataType.REAL_TYPES) else ""
    if isinstance(node, exp.Paren | exp.Neg | exp.Abs):
        return _number(node.this)
    if isinstance(node, exp.Literal) and not node.is_string:
        return "integer" if node.name.isdigit() else "decimal" if node.name.replace(".", "").isdigit() else "real"
    if isinstance(node, exp.Length | exp.StrPosition | exp.IntDiv):
        return "integer"
    if isinstance(node, _ARITHMETIC):
        kinds = {_number(node.this), _number(node.expression)}
        if isinstance(node, exp.Div) and "real" not in kinds and kinds != {"integer"}:
            return ""
        return next((one for one in ("", "real", "decimal", "integer") if one in kinds), "")
    kind = kind_there(node) if isinstance(node, exp.Column) else None
    if kind is None:
        return ""
    names = {"integer": "integer", "boolean": "integer", "year": "integer", "decimal": "decimal", "real": "real"}
    return names.get(kind.name, "")
