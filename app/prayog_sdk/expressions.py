"""The small language in which scenarios and lessons write checks, compiled from Python's syntax tree.

A whitelist decides what may stand in an expression: comparisons, ``and or not``, ``+ - * / %``, ``… if … else …``,
lists, and the words of `prayog_sdk.vocabulary`.  Nothing of Python itself can be reached.  A mistake points at its
column.
"""

from __future__ import annotations

import ast
import difflib
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from prayog_sdk import claims, vocabulary
from prayog_sdk.claims import CheckError, Claim, Event, Fact, Quantity, Scope, Verdict, plain, short
from prayog_sdk.history import LEVELS, HistoryWord, history
from prayog_sim.trace import Trace

__all__ = ["WORDS", "Compiler", "ExpressionError", "Measure", "kinds_in"]

Measure = Callable[[Trace], Any]
"""A number or word computed from a trace; None while it is not known yet."""

LONGEST = 1000


class ExpressionError(CheckError):
    """An expression has a mistake: ``sentence``, and ``column`` (1 is the first character) of ``expression``."""

    def __init__(self, sentence: str, expression: str, column: int) -> None:
        super().__init__(f"column {column}: {sentence}")
        self.sentence = sentence
        self.expression = expression
        self.column = column

    def pointed(self) -> str:
        """The expression, a caret below the mistake, and the sentence."""
        return f"{self.expression}\n{' ' * (self.column - 1)}^ {self.sentence}"


_SIGNS: Mapping[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
}
_ARITHMETIC: Mapping[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_OF_EVENTS: Mapping[str, Callable[..., Quantity | Claim]] = {
    "count": vocabulary.count,
    "first": vocabulary.first,
    "last": vocabulary.last,
    "always": vocabulary.always,
    "never": vocabulary.never,
    "eventually": vocabulary.eventually,
}
_PLAIN: Mapping[str, Callable[..., Quantity | Claim]] = {
    "before": vocabulary.before,
    "gauge": vocabulary.gauge,
    "used": vocabulary.used,
    "predicted": vocabulary.predicted,
    "answer": vocabulary.answer,
}
def kinds_in(expression: str) -> list[str]:
    """The kinds of events that `expression` looks for; none when it cannot be read."""
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    named = [
        arg
        for node in calls
        if isinstance(node.func, ast.Name)
        for arg in (node.args[:1] if node.func.id in _OF_EVENTS else node.args if node.func.id == "before" else ())
    ]
    return [str(arg.value) for arg in named if isinstance(arg, ast.Constant)]


WORDS = (*_OF_EVENTS, *_PLAIN, "on_seeds", "history")
"""Every word of the language."""


class Compiler:
    """Turns the syntax tree of one expression into claims and quantities."""

    def __init__(self, expression: str, measures: Mapping[str, Measure], names: Mapping[str, Claim]) -> None:
        self.expression = expression.strip()
        self.measures = measures
        self.names = names

    def tree(self) -> ast.expr:
        if not self.expression:
            raise ExpressionError('there is nothing here; write something like count("deliver") >= 3', "", 1)
        if len(self.expression) > LONGEST:
            raise ExpressionError(f"a check has at most {LONGEST} characters", self.expression[:60], LONGEST)
        try:
            return ast.parse(self.expression, mode="eval").body
        except SyntaxError as error:
            column = error.offset if error.offset and error.lineno == 1 else len(self.expression) + 1
            raise ExpressionError(error.msg, self.expression, column) from None
        except (ValueError, RecursionError, MemoryError):
            raise ExpressionError("this cannot be read as an expression", self.expression, 1) from None

    def fail(self, node: ast.AST, sentence: str) -> NoReturn:
        offset = getattr(node, "col_offset", 0)  # counted in UTF-8 bytes
        column = len(self.expression.encode()[:offset].decode(errors="ignore")) + 1
        raise ExpressionError(sentence, self.expression, column)

    def text(self, node: ast.AST) -> str:
        return ast.get_source_segment(self.expression, node) or ast.unparse(node)

    def claim(self, node: ast.expr) -> Claim:
        match node:
            case ast.BoolOp(op=ast.And()):
                return claims.both([self.claim(value) for value in node.values])
            case ast.BoolOp():
                return claims.either([self.claim(value) for value in node.values])
            case ast.UnaryOp(op=ast.Not()):
                return ~self.claim(node.operand)
            case ast.Compare():
                return self.compared(node)
            case ast.Attribute(value=ast.Call(func=ast.Name(id="history")) as word):
                if node.attr not in LEVELS:
                    self.fail(node, f"a history can be {' or '.join(LEVELS)}; it has no {node.attr!r}")
                claim: Claim = getattr(self.history(word), node.attr)
                return claim
            case ast.Call():
                made = self.call(node)
                return made if isinstance(made, Claim) else self.truth(made)
            case ast.Name(id=name) if name in self.names and name not in self.measures:
                return self.names[name]
            case _:
                return self.truth(self.quantity(node))

    def truth(self, quantity: Quantity) -> Claim:
        def look(scope: Scope) -> Verdict:
            fact = quantity.find(scope)
            return Verdict(bool(fact.value), fact.why or f"{quantity.text} is {short(fact.value)}", fact.at)

        return Claim(quantity.text, look)

    def compared(self, node: ast.Compare) -> Claim:
        sides = [node.left, *node.comparators]
        parts = []
        for left, op, right in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(op, ast.In | ast.NotIn):
                parts.append(self.within(left, right, isinstance(op, ast.In)))
            elif type(op) in _SIGNS:
                parts.append(claims.compare(self.quantity(left), _SIGNS[type(op)], self.quantity(right)))
            else:
                self.fail(right, "compare with < <= > >= == != or in")
        return parts[0] if len(parts) == 1 else claims.both(parts)

    def within(self, left: ast.expr, right: ast.expr, wanted: bool) -> Claim:
        one, many = self.quantity(left), self.literal(right, list)

        def look(scope: Scope) -> Verdict:
            fact = one.find(scope)
            told = fact.why or f"{one.text} is {short(fact.value)}"
            if (fact.value in many) is wanted:
                return Verdict(True, told, fact.at)
            return Verdict(False, f"{told}; expected {'one' if wanted else 'none'} of {short(many)}", fact.at)

        return Claim(f"{one.text} {'in' if wanted else 'not in'} {short(many)}", look)

    def quantity(self, node: ast.expr) -> Quantity:
        match node:
            case ast.Constant() | ast.List() | ast.Tuple():
                return claims.constant(self.literal(node))
            case ast.UnaryOp(op=ast.USub(), operand=ast.Constant()):
                return claims.constant(self.literal(node))
            case ast.Name(id=name) if name in self.measures:
                return self.measured(name)
            case ast.Name(id=name) if name not in self.names:
                self.unknown(node, name, [*self.measures, *self.names, *WORDS])
            case ast.Attribute(value=ast.Call(func=ast.Name(id="history"))):
                return self.value_of(self.claim(node))
            case ast.Attribute(value=value, attr=attr):
                if not (
                    isinstance(value, ast.Call)
                    and isinstance(value.func, ast.Name)
                    and value.func.id in ("first", "last")
                ):
                    self.fail(node, 'only an event from first(…) or last(…) has fields, as in first("leader").node')
                if attr.startswith("_"):
                    self.fail(node, f"there is no field {attr!r}")
                return claims.part(self.quantity(value), attr)
            case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
                return self.calculated(node, _ARITHMETIC[type(op)])
            case ast.IfExp():
                return self.chosen(node)
            case ast.Call():
                made = self.call(node)
                return made if isinstance(made, Quantity) else self.value_of(made)
            case ast.Compare() | ast.BoolOp() | ast.UnaryOp(op=ast.Not()) | ast.Name():
                return self.value_of(self.claim(node))
            case _:
                self.fail(
                    node, f"{self.text(node)} is not allowed here; use comparisons, and/or/not and the words of checks"
                )

    def value_of(self, claim: Claim) -> Quantity:
        def find(scope: Scope) -> Fact:
            verdict = claim.look(scope)
            return Fact(verdict.ok, verdict.reason, verdict.at)

        return Quantity(claim.text, find)

    def measured(self, name: str) -> Quantity:
        measure = self.measures[name]

        def find(scope: Scope) -> Fact:
            if isinstance(measure, Quantity):
                return measure.find(scope)
            value = measure(scope.trace)
            return Fact(value, f"{name} is {short(value)}" if value is not None else f"{name} is not known yet")

        return Quantity(name, find)

    def calculated(self, node: ast.BinOp, combine: Callable[[Any, Any], Any]) -> Quantity:
        left, right, text = self.quantity(node.left), self.quantity(node.right), self.text(node)

        def find(scope: Scope) -> Fact:
            a, b = left.find(scope), right.find(scope)
            for fact in (a, b):
                if fact.value is None:
                    return fact
                if not isinstance(fact.value, int | float):
                    raise CheckError(f"{text} needs numbers; found {short(fact.value)}")
            try:
                value = combine(a.value, b.value)
            except ZeroDivisionError:
                return Fact(None, f"{text} divides by zero")
            return Fact(value, f"{text} is {short(value)}", a.at if a.at is not None else b.at)

        return Quantity(text, find)

    def chosen(self, node: ast.IfExp) -> Quantity:
        test, yes, no = self.claim(node.test), self.quantity(node.body), self.quantity(node.orelse)

        def find(scope: Scope) -> Fact:
            verdict = test.look(scope)
            fact = (yes if verdict.ok else no).find(scope)
            return Fact(fact.value, fact.why or verdict.reason, fact.at if fact.at is not None else verdict.at)

        return Quantity(self.text(node), find)

    def call(self, node: ast.Call) -> Quantity | Claim:
        if not isinstance(node.func, ast.Name):
            self.fail(node, "only the words of checks can be called")
        word = node.func.id
        if word not in WORDS:
            self.unknown(node, word, WORDS)
        if any(keyword.arg is None for keyword in node.keywords) or any(isinstance(a, ast.Starred) for a in node.args):
            self.fail(node, "* and ** are not allowed")
        named = {str(keyword.arg): self.literal(keyword.value) for keyword in node.keywords}
        try:
            if word == "history":
                self.fail(node, 'write what the history is, as in history("op").linearizable')
            if word == "on_seeds":
                if len(node.args) != 2 or named:
                    self.fail(node, 'write on_seeds(5, never("two_leaders"))')
                return vocabulary.on_seeds(self.literal(node.args[0], int), self.claim(node.args[1]))
            if word in _OF_EVENTS:
                if not node.args:
                    self.fail(node, f'{word} needs the kind of event first, as in {word}("deliver")')
                where = [_Where(self, arg) for arg in node.args[1:]]
                return _OF_EVENTS[word](self.literal(node.args[0], str), _all(where), **named)
            return _PLAIN[word](*(self.literal(arg) for arg in node.args), **named)
        except TypeError as error:
            self.fail(node, str(error))
        except ExpressionError:
            raise
        except CheckError as error:
            self.fail(node, str(error))

    def history(self, node: ast.Call) -> HistoryWord:
        named = {str(keyword.arg): self.literal(keyword.value, str) for keyword in node.keywords}
        try:
            return history(*(self.literal(arg, str) for arg in node.args), **named)
        except TypeError as error:
            self.fail(node, str(error))
        except ExpressionError:
            raise
        except CheckError as error:
            self.fail(node, str(error))

    def literal(self, node: ast.expr, kind: type | None = None) -> Any:
        try:
            value = plain(ast.literal_eval(node))
        except (ValueError, TypeError, MemoryError, RecursionError):
            self.fail(node, f"{self.text(node)} must be a fixed value here (a number, a text in quotes, a list)")
        if kind and not isinstance(value, kind):
            article = {int: "a whole number", str: "a text in quotes", list: "a list"}[kind]
            self.fail(node, f"expected {article}, found {short(value)}")
        return value

    def unknown(self, node: ast.AST, name: str, known: Any) -> NoReturn:
        near = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {near[0]}?" if near else f"known words: {', '.join(known)}"
        self.fail(node, f"there is no {name!r}; {hint}")


@dataclass(frozen=True)
class _Where:
    """A test of one event, from the part of an expression in which names are the event's fields."""

    compiler: Compiler
    node: ast.expr
    names: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        allowed = (
            ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Name, ast.Constant, ast.List, ast.Tuple, ast.boolop,
            ast.unaryop, ast.cmpop, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod, ast.expr_context,
        )  # fmt: skip
        for node in ast.walk(self.node):
            if not isinstance(node, allowed) or isinstance(node, ast.Is | ast.IsNot):
                self.compiler.fail(node, "here, compare fields of the event, as in visited <= 9")
        names = frozenset(n.id for n in ast.walk(self.node) if isinstance(n, ast.Name))
        object.__setattr__(self, "names", names)

    @property
    def text(self) -> str:
        return self.compiler.text(self.node)

    def __call__(self, event: Event) -> bool:
        try:
            return bool(_value(self.node, event))
        except ZeroDivisionError:
            return False
        except TypeError:
            if all(event.has(name) and event[name] is not None for name in self.names):
                raise CheckError(f"{self.text} cannot be computed for {event}") from None
            return False


def _all(tests: list[_Where]) -> Any:
    if len(tests) < 2:
        return tests[0] if tests else None
    joined = ast.copy_location(ast.BoolOp(ast.And(), [t.node for t in tests]), tests[0].node)
    joined.end_lineno, joined.end_col_offset = tests[-1].node.end_lineno, tests[-1].node.end_col_offset
    return _Where(tests[0].compiler, joined)


def _value(node: ast.expr, event: Event) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return plain(event[name])
        case ast.List(elts=items) | ast.Tuple(elts=items):
            return [_value(item, event) for item in items]
        case ast.BoolOp(op=op, values=values):
            return (all if isinstance(op, ast.And) else any)(_value(v, event) for v in values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return not _value(operand, event)
        case ast.UnaryOp(operand=operand):
            return -_value(operand, event)
        case ast.BinOp(left=left, op=op, right=right):
            a, b = _value(left, event), _value(right, event)
            if not isinstance(a, int | float) or not isinstance(b, int | float):
                raise TypeError
            return _ARITHMETIC[type(op)](a, b)
        case ast.Compare():
            values = [_value(side, event) for side in (node.left, *node.comparators)]
            return all(_holds(a, op, b) for a, op, b in zip(values, node.ops, values[1:], strict=False))
    raise TypeError


def _holds(a: Any, op: ast.cmpop, b: Any) -> bool:
    if isinstance(op, ast.In | ast.NotIn):
        return (a in b) is isinstance(op, ast.In)
    return bool(claims.OPERATORS[_SIGNS[type(op)]](a, b))
