"""The conditions that a handler of a node tried while it ran, read from its source and watched while it runs.

An engine needs nothing for it: its ``if``s are its guards.  One event is done again on a copy of the run (see `why`)
with this watcher on, which notes each condition of the node's own methods, what it came to, and the values in it.

Rules
1. Only methods of the node that are called from its handler are watched, and the rows of a `prayog_sim.table.Table`.
   What stands in a module called ``witness`` is not: it remembers for judges and decides nothing.
2. A value is read only where reading cannot change anything: names, attributes, items, and functions such as ``len``.
3. What switches a broken variant on (`SWITCHES`) is never told: it is what learners hunt for.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePath
from types import CodeType, FrameType
from typing import Any

from prayog_sim.lines import short
from prayog_sim.node import Ctx, Node
from prayog_sim.table import Row, Table

__all__ = ["MOST", "SWITCHES", "Guard", "Watcher", "merged"]

SWITCHES = frozenset({"variant", "errs"})
"""How engines call what switches a broken variant on."""
MOST = 60
"""Guards that are noted of one event."""
_HANDLERS = frozenset({"on_start", "on_message", "on_timer", "on_action"})
_PURE = frozenset({"len", "max", "min", "sum", "abs", "sorted", "set", "tuple", "list"})
_WIDE = 60  # letters of a value


@dataclass(frozen=True, slots=True)
class Guard:
    """A condition that was tried, and what it came to.

    ``text``: as the source has it, with the node's name for ``self``.  ``values``: names in it and what they were.
    ``method``: where it stands; ``rule``: what that method is for, from its docstring (or the row's reason).
    ``where``: file and line.  ``times``: how often the very same came out.
    """

    method: str
    text: str
    held: bool
    values: tuple[tuple[str, str], ...] = ()
    rule: str = ""
    where: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True)
class _Condition:
    first: int
    last: int
    then: range
    text: str
    leaves: tuple[tuple[str, CodeType], ...]


class Watcher:
    """A trace function for `sys.settrace`; afterwards `guards` holds what was tried, in order."""

    def __init__(self) -> None:
        self.guards: list[Guard] = []
        self.handler = ""
        """``on_message`` of which class, once it ran."""
        self._node: Node | None = None
        self._top: FrameType | None = None
        self._me = ""
        self._open: dict[FrameType, tuple[_Condition, int]] = {}

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        owner, code = frame.f_locals.get("self"), frame.f_code
        if self._node is None:
            if code.co_name not in _HANDLERS or not isinstance(owner, Node):
                return None
            self._node, self._top = owner, frame
            self._me = next((value.me for value in frame.f_locals.values() if isinstance(value, Ctx)), "self")
            self.handler = f"{type(owner).__name__}.{code.co_name}"
            return self._in_method
        if frame.f_globals.get("__name__", "").endswith(".witness"):
            return None
        if owner is self._node and not isinstance(getattr(type(owner), code.co_name, None), property):
            return self._in_method
        if isinstance(owner, Table) and code.co_name == "fire" and frame.f_locals.get("owner") is self._node:
            return _Fired(self, frame)
        return None

    def note(self, guard: Guard, place: int | None = None) -> None:
        if len(self.guards) < MOST:
            self.guards.insert(len(self.guards) if place is None else place, guard)

    def _in_method(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event in ("line", "return"):
            self._close(frame, event)
        if event == "line":
            found = _conditions(frame.f_code.co_filename).get(frame.f_code.co_firstlineno, {}).get(frame.f_lineno)
            if found is not None:
                self.note(self._guard(frame, found))
                self._open[frame] = (found, len(self.guards) - 1)
        elif event == "return" and frame is self._top:
            self._node = self._top = None
        return self._in_method

    def _close(self, frame: FrameType, event: str) -> None:
        """The line after a condition says what it came to."""
        found = self._open.get(frame)
        if found is None:
            return
        condition, place = found
        if event == "line" and condition.first <= frame.f_lineno <= condition.last:
            return  # still in the same condition, which is longer than a line
        del self._open[frame]
        if event == "line" and frame.f_lineno in condition.then and place < len(self.guards):
            self.guards[place] = replace(self.guards[place], held=True)

    def _guard(self, frame: FrameType, condition: _Condition) -> Guard:
        code = frame.f_code
        values = []
        for text, leaf in condition.leaves:
            try:
                value = eval(leaf, frame.f_globals, frame.f_locals)  # the engine's own words
            except Exception:  # noqa: BLE001 - a value that is not there yet is simply not told
                continue
            if not callable(value) and not isinstance(value, Ctx):
                values.append((_named(text, self._me), short(value, _WIDE) or "nothing"))
        where = f"{PurePath(code.co_filename).name}:{condition.first}"
        return Guard(code.co_name, _named(condition.text, self._me), False, tuple(values), _doc(frame), where)


class _Fired:
    """Watches one `Table.fire`: the rows that it tried, and the one that it took."""

    def __init__(self, watcher: Watcher, frame: FrameType) -> None:
        table, self._owner, self._event = (frame.f_locals[name] for name in ("self", "owner", "event"))
        self._state = self._owner.state
        self._rows = [row for row in table.rows if (row.state, row.event) == (self._state, self._event)]
        self._watcher = watcher
        self._place = len(watcher.guards)

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Any:
        if event == "return":
            for row in reversed(self._rows[: self._rows.index(arg) + 1] if isinstance(arg, Row) else self._rows):
                self._watcher.note(self._said(row, row is arg), self._place)
        return self

    def _said(self, row: Row, taken: bool) -> Guard:
        text = f"{row.state} + {row.event} → {row.to}"
        guard = getattr(type(self._owner), row.when, None)
        doc = (getattr(guard, "__doc__", None) or "").strip().partition("\n")[0]
        asked = f"only when “{row.when.replace('_', ' ').strip()}”" + (f": {doc}" if doc else "") if row.when else ""
        return Guard("", text, taken, (), "; ".join(part for part in (row.why, asked) if part))


def merged(guards: Iterable[Guard]) -> tuple[Guard, ...]:
    """The same guards, each once, in the order in which they first came."""
    found: dict[Guard, int] = {}
    for guard in guards:
        found[guard] = found.get(guard, 0) + 1
    return tuple(replace(guard, times=times) for guard, times in found.items())


# -- reading the source --------------------------------------------------------------------------------------------


@lru_cache(maxsize=256)
def _conditions(file: str) -> dict[int, dict[int, _Condition]]:
    """Of every function in `file` by its first line: its conditions by theirs; empty when there is no source."""
    source = "".join(linecache.getlines(file))
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return {}
    found: dict[int, dict[int, _Condition]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            begin = min([node.lineno, *(each.lineno for each in node.decorator_list)])
            tests = (each for each in ast.walk(node) if isinstance(each, ast.If | ast.While))
            made = ((each.test.lineno, _condition(each)) for each in tests)
            found[begin] = {line: condition for line, condition in made if condition is not None}
    return found


def _condition(node: ast.If | ast.While) -> _Condition | None:
    test = _without_switches(node.test)
    if test is None:
        return None
    last = node.body[-1].end_lineno or node.body[-1].lineno
    leaves = {ast.unparse(leaf): leaf for leaf in _leaves(test)}
    codes = tuple((text, compile(ast.Expression(leaf), "<condition>", "eval")) for text, leaf in leaves.items())
    end = node.test.end_lineno or node.test.lineno
    return _Condition(node.test.lineno, end, range(node.body[0].lineno, last + 1), ast.unparse(test), codes)


def _without_switches(test: ast.expr) -> ast.expr | None:
    """The condition without the parts that ask for a broken variant; None when nothing else is in it."""
    if isinstance(test, ast.BoolOp):
        kept = [part for value in test.values if (part := _without_switches(value)) is not None]
        if len(kept) < 2:
            return kept[0] if kept else None
        return ast.copy_location(ast.BoolOp(test.op, kept), test)
    for each in ast.walk(test):
        name = each.attr if isinstance(each, ast.Attribute) else each.id if isinstance(each, ast.Name) else ""
        if name in SWITCHES:
            return None
    return test


def _leaves(node: ast.AST) -> Iterator[ast.expr]:
    """The names, attributes and items in an expression that can be read without doing anything."""
    if isinstance(node, ast.Attribute | ast.Subscript | ast.Name) and _is_plain(node):
        yield node
    elif isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in _PURE and all(map(_is_plain, node.args)):
            yield node
        else:
            for arg in node.args:
                yield from _leaves(arg)
    elif not isinstance(node, ast.GeneratorExp | ast.ListComp | ast.SetComp | ast.DictComp | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _leaves(child)


def _is_plain(node: ast.AST) -> bool:
    allowed = ast.Name | ast.Attribute | ast.Subscript | ast.Constant | ast.expr_context | ast.BinOp | ast.operator
    return all(isinstance(each, allowed) for each in ast.walk(node))


def _named(text: str, me: str) -> str:
    return text.replace("self.", f"{me}.")


def _doc(frame: FrameType) -> str:
    method = getattr(type(frame.f_locals.get("self")), frame.f_code.co_name, None)
    return (getattr(method, "__doc__", None) or "").strip().partition("\n")[0]
