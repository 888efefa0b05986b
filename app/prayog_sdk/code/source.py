"""The learner's text, read: what is wrong with it, and the same text with a counter at every place that can repeat.

Rules
1. A *step* is one round of a loop or one call of a function of the learner's: everything that can go on without an
   end passes one.  They are counted where the text says so, not by a tracer: it costs little, it is the same under a
   debugger and under every version of Python, and no ``except:`` of the learner's can switch it off.
2. Line numbers stay those of the text.
3. Reading runs nothing, so it is done anywhere: in the window, while the learner writes.
"""

from __future__ import annotations

import ast
import functools
import warnings
from dataclasses import dataclass
from types import CodeType
from typing import Literal, TypeVar

from prayog_sdk.code.allowed import private

__all__ = ["FILE", "LONGEST", "STEP", "Mistake", "Source", "read"]

FILE = "<your function>"
"""The file name in tracebacks."""
LONGEST = 20_000
"""Characters that a text may have."""
STEP = "one step"
"""The name under which the counter stands in the globals: one that no text can hold."""

_MINE = ("self", "cls", "other")
_PUBLIC = ("_replace", "_asdict", "_fields", "_make")
"""Names of named tuples, which begin with a line and are meant to be used."""
_AWAY = (ast.AsyncFunctionDef, ast.AsyncFor, ast.AsyncWith, ast.Await)
S = TypeVar("S", bound=ast.AST)


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong: the line (from 1; 0 when it belongs to none) and a whole sentence that names it.

    ``kind``: ``text`` (it is not Python, or uses what is not there), ``error`` (it raised), ``steps``, ``time`` and
    ``memory`` (a limit), ``result`` (it returned what it must not).
    """

    kind: Literal["text", "error", "steps", "time", "memory", "result"]
    line: int
    sentence: str


@dataclass(frozen=True, slots=True)
class Source:
    """A text that was read.  ``code`` is None when there is a `mistake`.

    ``line`` is that of the function's head.  ``keeps``: what stands around the function could keep something from one
    call to the next, so it is run afresh for each.
    """

    code: CodeType | None
    mistake: Mistake | None
    line: int = 0
    keeps: bool = True


@functools.lru_cache(maxsize=64)
def read(text: str, name: str) -> Source:
    """Read `text`, in which a function `name` must be defined."""
    mistake = _look(text)
    if mistake is not None:
        return Source(None, mistake)
    tree = ast.parse(text, FILE)
    mistake = next((found for node in ast.walk(tree) if (found := _refuse(node)) is not None), None)
    if mistake is not None:
        return Source(None, mistake)
    head = next((node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name), None)
    if head is None:
        sentence = f"There is no function {name} any more. Keep the line that begins with “def {name}(”."
        return Source(None, Mistake("text", 0, sentence))
    keeps = _keeps(tree)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Python finds odd is no mistake
        code = compile(ast.fix_missing_locations(_Counted().visit(tree)), FILE, "exec", dont_inherit=True)
    return Source(code, None, head.lineno, keeps)


def _look(text: str) -> Mistake | None:
    """What Python itself has against `text`."""
    if len(text) > LONGEST:
        return Mistake("text", 0, f"The text has {len(text):,} characters; at most {LONGEST:,} are taken.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, FILE, "exec", dont_inherit=True)
    except SyntaxError as error:
        line = error.lineno or 0
        return Mistake("text", line, f"Line {line}: this is not Python yet: {error.msg}.")
    except ValueError:  # a text with a NUL in it, before Python 3.12
        return Mistake("text", 0, "There is a NUL character in the text; remove it.")
    except (RecursionError, MemoryError):
        return Mistake("text", 0, "Something in this text is nested too deeply; take it apart.")
    return None


def _refuse(node: ast.AST) -> Mistake | None:
    """A piece of text that is Python, but not for here."""
    name = ""
    match node:
        case ast.Attribute(value=base, attr=attr):
            mine = isinstance(base, ast.Name) and base.id in _MINE
            inner = attr.startswith("_") and not attr.startswith("__") and attr not in _PUBLIC
            name = attr if private(attr) or (inner and not mine) else ""
        case ast.Name(id=found) | ast.FunctionDef(name=found) | ast.ClassDef(name=found) | ast.arg(arg=found):
            name = found if private(found) else ""
        case ast.MatchClass(kwd_attrs=names):
            name = next(filter(private, names), "")
    line = getattr(node, "lineno", 0)
    if name:
        return Mistake("text", line, f"Line {line}: {name} is an inner matter; your function can do without it.")
    if isinstance(node, _AWAY) or (isinstance(node, ast.comprehension) and node.is_async):
        line = line or getattr(getattr(node, "target", None), "lineno", 0)
        return Mistake("text", line, f"Line {line}: nothing here needs async; write a plain function.")
    return None


# -- counting ----------------------------------------------------------------------------------------------------


class _Counted(ast.NodeTransformer):
    """Puts a call of the counter into every loop, comprehension, function and ``except``."""

    def _call(self, at: ast.AST) -> ast.Call:
        return ast.copy_location(ast.Call(ast.Name(STEP, ast.Load()), [], []), at)

    def _body(self, node: S) -> S:
        self.generic_visit(node)
        count = ast.copy_location(ast.Expr(self._call(node)), node)
        node.body.insert(0, count)  # type: ignore[attr-defined] # only called for nodes with a body
        return node

    visit_For = visit_While = visit_FunctionDef = visit_ExceptHandler = _body

    def visit_Try(self, node: ast.Try) -> ast.Try:
        self.generic_visit(node)
        if node.finalbody:  # it may hold a return that swallows what is raised
            first = node.finalbody[0]
            node.finalbody.insert(0, ast.copy_location(ast.Expr(self._call(first)), first))
        return node

    visit_TryStar = visit_Try  # type: ignore[assignment] # the same fields

    def visit_comprehension(self, node: ast.comprehension) -> ast.comprehension:
        self.generic_visit(node)
        node.ifs.insert(0, self._call(node.target))
        return node

    def visit_Lambda(self, node: ast.Lambda) -> ast.Lambda:
        self.generic_visit(node)
        nothing = ast.copy_location(ast.Constant(None), node)
        node.body = ast.copy_location(ast.IfExp(self._call(node), node.body, nothing), node)
        return node


# -- keeping -----------------------------------------------------------------------------------------------------


def _keeps(tree: ast.Module) -> bool:
    """Whether a call could leave something behind for the next one: in a global, a default value, an attribute."""
    names = set()
    for statement in tree.body:
        match statement:
            case ast.FunctionDef(name=name):
                names.add(name)
            case ast.Import(names=found) | ast.ImportFrom(names=found):
                names |= {(alias.asname or alias.name).partition(".")[0] for alias in found}
    if not all(map(_firm, tree.body)):
        return True
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            return True
        if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
            base = node.value
            if not isinstance(base, ast.Name) or base.id in names:
                return True
    return False


def _firm(node: ast.stmt) -> bool:
    """A statement that makes nothing which could change later."""
    match node:
        case ast.Import() | ast.ImportFrom() | ast.Expr(value=ast.Constant()):
            return True
        case ast.FunctionDef(decorator_list=[], args=arguments):
            defaults = [*arguments.defaults, *(each for each in arguments.kw_defaults if each is not None)]
            return all(_constant(each) for each in defaults)
        case ast.Assign(targets=targets, value=value):
            return all(isinstance(target, ast.Name) for target in targets) and _constant(value)
        case ast.AnnAssign(target=ast.Name(), value=value):
            return value is None or _constant(value)
    return False


def _constant(node: ast.expr) -> bool:
    match node:
        case ast.Constant():
            return True
        case ast.UnaryOp(operand=operand):
            return _constant(operand)
        case ast.BinOp(left=left, right=right):
            return _constant(left) and _constant(right)
        case ast.Tuple(elts=elements):
            return all(_constant(element) for element in elements)
    return False
