"""What the learner's function may use: built-in names, a few modules, and a sentence for everything that it may not.

Rules
1. Nothing here can read a file, open a socket, look at a clock, draw a random number or see another process: a run
   must be the same everywhere.
2. A module is handed out as a copy with its public names, so what the learner changes in it is gone with the call.
"""

from __future__ import annotations

import bisect
import builtins
import collections
import collections.abc
import dataclasses
import enum
import functools
import heapq
import itertools
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

__all__ = ["MODULES", "Left", "namespace", "private"]

_TYPING = (
    "Any", "Callable", "ClassVar", "Deque", "Dict", "Final", "FrozenSet", "Generic", "Iterable", "Iterator", "List",
    "Literal", "Mapping", "NamedTuple", "Optional", "Sequence", "Set", "Tuple", "TypeAlias", "TypeVar", "Union",
)  # fmt: skip
MODULES: Mapping[str, tuple[types.ModuleType, Sequence[str]]] = {
    "bisect": (bisect, ("bisect", "bisect_left", "bisect_right", "insort", "insort_left", "insort_right")),
    "collections": (collections, collections.__all__),
    "collections.abc": (collections.abc, collections.abc.__all__),
    "dataclasses": (dataclasses, ("asdict", "astuple", "dataclass", "field", "fields", "replace")),
    "enum": (enum, ("Enum", "IntEnum", "auto", "unique")),
    "functools": (functools, ("cache", "cmp_to_key", "lru_cache", "partial", "reduce", "total_ordering", "wraps")),
    "heapq": (heapq, heapq.__all__),
    "itertools": (itertools, tuple(name for name in vars(itertools) if not name.startswith("_"))),
    "math": (math, tuple(name for name in vars(math) if not name.startswith("_"))),
    "typing": (typing, _TYPING),
}
"""Name → the module, and what of it is handed out."""

_PLAIN = (
    "abs all any ascii bin bool bytearray bytes callable chr classmethod complex dict divmod enumerate filter float "
    "format frozenset int isinstance issubclass iter len list map max min next object oct ord pow property range repr "
    "reversed round set slice sorted staticmethod str sum super tuple type zip "
    "True False None Ellipsis NotImplemented __build_class__"
)
_ERRORS = [name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, Exception)]
_WHY = {
    "input": "input() waits for somebody at a keyboard; your function gets all that it needs as arguments",
    "open": "open() is not there: your function gets all that it needs as arguments",
    "hash": "hash() differs from one run to the next, so it is not there; compare the values themselves",
    "id": "id() differs from one run to the next, so it is not there; compare the values themselves",
    **dict.fromkeys(
        ("eval", "exec", "compile", "globals", "locals", "vars", "dir", "setattr", "delattr", "breakpoint", "help",
         "memoryview", "aiter", "anext"),
        "{name}() is not there; your function can be written without it",
    ),
    **dict.fromkeys(
        ("exit", "quit"), "{name}() would end the whole program; write return to leave the function"
    ),
}  # fmt: skip


_SPECIAL = (
    "__init__ __post_init__ __call__ __repr__ __str__ __bool__ __len__ __iter__ __next__ __contains__ __getitem__ "
    "__setitem__ __eq__ __ne__ __lt__ __le__ __gt__ __ge__ __hash__ __add__ __sub__ __mul__ __neg__ __slots__ "
    "__name__ __doc__"
)
_FRAMES = ("gi_frame", "gi_code", "cr_frame", "ag_frame", "tb_frame", "f_back", "f_globals", "f_builtins")


def private(name: str) -> bool:
    """Whether `name` leads into Python itself, where the ways out of a function are."""
    return name in _FRAMES or (name.startswith("__") and name not in _SPECIAL.split())


class Left(BaseException):
    """The learner's code used something that is not there; the message is a sentence."""


def namespace(say: Callable[[str], None]) -> dict[str, Any]:
    """Fresh globals for the learner's text; `say` gets what it prints."""
    inside: dict[str, Any] = {name: getattr(builtins, name) for name in (*_PLAIN.split(), *_ERRORS)}
    inside |= {name: _absent(why.format(name=name)) for name, why in _WHY.items()}
    loaded: dict[str, types.ModuleType] = {}

    def tell(*values: object, sep: str | None = " ", end: str | None = "\n", **_: object) -> None:
        say((" " if sep is None else sep).join(map(str, values)) + ("\n" if end is None else end))

    def load(name: str, globals_: Any = None, locals_: Any = None, names: Any = (), level: int = 0) -> Any:
        return _load(loaded, name, names or (), level)

    inside |= {"print": tell, "getattr": _getattr, "hasattr": _hasattr, "__import__": load}
    # Dataclasses look up the module of a class among those that are loaded: one with nothing in it will do.
    return {"__builtins__": inside, "__name__": "prayog_sdk.code", "__doc__": None}


def _absent(sentence: str) -> Callable[..., NoReturn]:
    def missing(*args: object, **kwargs: object) -> NoReturn:
        raise Left(sentence)

    return missing


def _getattr(thing: Any, name: str, *default: Any) -> Any:
    if private(str(name)):
        raise Left(f"{name} is an inner matter; your function can do without it")
    return getattr(thing, name, *default)


def _hasattr(thing: Any, name: str) -> bool:
    return not private(str(name)) and hasattr(thing, name)


def _load(loaded: dict[str, types.ModuleType], name: str, names: Sequence[str], level: int) -> Any:
    """What an import statement asks for."""
    if name == "__future__":
        import __future__

        return __future__
    if level or name not in MODULES:
        known = ", ".join(MODULES)
        raise Left(f"{'.' * level + name} cannot be imported here; these can: {known}")
    top = name.partition(".")[0]
    if top not in loaded:
        loaded[top] = _copy(top)
    return getattr(loaded[top], name.partition(".")[2]) if name != top and names else loaded[top]


def _copy(name: str) -> types.ModuleType:
    module, public = MODULES[name]
    twin = types.ModuleType(name, module.__doc__)
    vars(twin).update({each: getattr(module, each) for each in public})
    vars(twin)["__all__"] = list(public)
    if name == "collections":
        vars(twin)["abc"] = _copy("collections.abc")
    return twin
