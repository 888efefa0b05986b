"""Freezing: the state of a node as one immutable, hashable value, and a fresh node back from it.

An explorer holds hundreds of thousands of states, compares them by hash and goes back to any of them, so a state
may share nothing with an object that a handler changes.  Lists become ``(list, …)``, dictionaries
``(dict, (key, value), …)`` in the order of their keys, sets ``(set, frozenset)``, other objects
``(class, (attribute, value), …)``; what cannot change stays what it is.

Rules
1. Equal values freeze to equal values: the order in which a dictionary was filled is forgotten (where it
   counts, use an `OrderedDict` or a list), and ``1``, ``1.0`` and ``True`` are one value, as they are for Python.
2. An object that can change and hangs at two places of a node would come back as two; it is refused.
"""

from __future__ import annotations

import dataclasses
import enum
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Hashable, Iterable, Mapping
from functools import cache, partial
from typing import Any

from prayog_sim.explorer.model import Refused

__all__ = ["freeze", "freeze_fields", "rename", "thaw", "thaw_fields"]

_LEAVES = frozenset({type(None), bool, int, float, complex, str, bytes, range, type, partial}) | {
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    type(Ellipsis),
}
_DICTS: tuple[Any, ...] = (dict, OrderedDict, Counter, defaultdict)
Fields = tuple[tuple[str, Any], ...]


def freeze_fields(fields: Mapping[str, Any], owner: str) -> Fields:
    """The attributes of the node `owner`, frozen, in the order of their names; raises `Refused`."""
    seen: dict[int, str] = {}
    return tuple(
        [
            (name, value if type(value) in _LEAVES else _freeze(value, f"{owner}.{name}", seen))
            for name, value in sorted(fields.items())
        ]
    )


def thaw_fields(fields: Fields) -> dict[str, Any]:
    """Fresh attributes from frozen ones."""
    return {name: thaw(value) for name, value in fields}


def freeze(value: Any, where: str = "value") -> Hashable:
    """`value` as an immutable, hashable value; `where` names it when it is refused."""
    frozen: Hashable = _freeze(value, where, {})
    return frozen


def _freeze(value: Any, where: str, seen: dict[int, str]) -> Any:
    kind: Any = type(value)
    if kind in _LEAVES or isinstance(value, enum.Enum | type):
        return value
    if kind is tuple:
        items = tuple([_freeze(item, where, seen) for item in value])
        return (tuple, *items) if items and isinstance(items[0], type) else items
    if kind is frozenset:
        return frozenset([_freeze(item, where, seen) for item in value])
    names = _frozen_parts(kind)
    if names is not None:
        parts = [getattr(value, name) for name in names]
        frozen = [_freeze(part, where, seen) for part in parts]
        same = all(new is old or new == old for new, old in zip(frozen, parts, strict=True))
        return value if same and kind.__hash__ is not None else (kind, *zip(names, frozen, strict=True))
    if isinstance(value, tuple) and hasattr(kind, "_fields"):
        return (kind, *[_freeze(item, where, seen) for item in value])
    if id(value) in seen:
        raise Refused(
            f"{where} and {seen[id(value)]} are one and the same {kind.__name__}: a change of one would change the "
            "other, which the explorer cannot keep; give each its own copy"
        )
    seen[id(value)] = where
    if kind is list:
        return (list, *[_freeze(item, where, seen) for item in value])
    if kind in _DICTS:
        first = (value.default_factory,) if kind is defaultdict else ()
        entries = [(_freeze(k, where, seen), _freeze(v, f"{where}[{k!r}]", seen)) for k, v in value.items()]
        return (kind, *first, *_in_order(kind, entries))
    if kind is set:
        return (set, frozenset([_freeze(item, where, seen) for item in value]))
    if kind is bytearray:
        return (bytearray, bytes(value))
    if kind is deque:
        return (deque, value.maxlen, *[_freeze(item, where, seen) for item in value])
    fields = _attributes(value)
    if fields is None or isinstance(value, dict | list | set | bytearray | deque | tuple | str | bytes | int | float):
        raise Refused(f"{where} holds a {kind.__name__}, which the explorer cannot set aside: use plain values")
    return (kind, *[(name, _freeze(fields[name], f"{where}.{name}", seen)) for name in sorted(fields)])


@cache
def _frozen_parts(kind: type) -> tuple[str, ...] | None:
    """The fields of a frozen dataclass; None for any other class."""
    if not dataclasses.is_dataclass(kind) or not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        return None
    return tuple(field.name for field in dataclasses.fields(kind))


def _attributes(value: Any) -> dict[str, Any] | None:
    """The attributes of an object written in Python; None for anything else."""
    kind = type(value)
    slots = [name for c in kind.__mro__ for name in _names(c.__dict__.get("__slots__", ()))]
    if not hasattr(value, "__dict__") and not slots:
        return None
    return {name: getattr(value, name) for name in slots if hasattr(value, name)} | getattr(value, "__dict__", {})


def _names(slots: str | Iterable[str]) -> list[str]:
    return [slots] if isinstance(slots, str) else [name for name in slots if name not in ("__dict__", "__weakref__")]


def _in_order(kind: type, items: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    if kind is OrderedDict:
        return items
    try:
        return sorted(items, key=_key)
    except TypeError:  # keys of several types
        return sorted(items, key=lambda item: (type(item[0]).__name__, repr(item[0])))


def _key(item: tuple[Any, Any]) -> Any:
    return item[0]


def thaw(frozen: Any) -> Any:
    """A fresh value that freezes to `frozen`."""
    kind = type(frozen)
    if kind is frozenset:
        return frozenset([thaw(item) for item in frozen])
    if kind is not tuple or not frozen:
        return frozen
    head = frozen[0]
    if not isinstance(head, type):
        return tuple([thaw(item) for item in frozen])
    if head is list or head is tuple:
        return head([thaw(item) for item in frozen[1:]])
    if head is defaultdict:
        return defaultdict(frozen[1], [(thaw(k), thaw(v)) for k, v in frozen[2:]])
    if head in _DICTS:
        return head({thaw(k): thaw(v) for k, v in frozen[1:]})
    if head is set:
        return set(thaw(frozen[1]))
    if head is bytearray:
        return bytearray(frozen[1])
    if head is deque:
        return deque([thaw(item) for item in frozen[2:]], frozen[1])
    if hasattr(head, "_make"):
        return head._make([thaw(item) for item in frozen[1:]])
    value: Any = object.__new__(head)
    for name, part in frozen[1:]:
        object.__setattr__(value, name, thaw(part))
    return value


def rename(frozen: Any, names: Mapping[str, str]) -> Any:
    """`frozen` with every text that is a key of `names` replaced, wherever a node's name can stand in a value."""
    kind = type(frozen)
    if kind is str:
        return names.get(frozen, frozen)
    if kind is frozenset:
        return frozenset([rename(item, names) for item in frozen])
    if dataclasses.is_dataclass(frozen) and not isinstance(frozen, type):
        pairs = [(field.name, getattr(frozen, field.name)) for field in dataclasses.fields(frozen)]
        new = [(name, part, rename(part, names)) for name, part in pairs]
        if all(old is now or old == now for _, old, now in new):
            return frozen
        value = object.__new__(kind)
        for name, _, part in new:
            object.__setattr__(value, name, part)
        return value
    if kind is not tuple or not frozen:
        return frozen
    head = frozen[0]
    if not isinstance(head, type):
        return tuple([rename(item, names) for item in frozen])
    if head is defaultdict or head in _DICTS:
        first = frozen[1:2] if head is defaultdict else ()
        pairs = [(rename(k, names), rename(v, names)) for k, v in frozen[1 + len(first) :]]
        return (head, *first, *_in_order(head, pairs))
    if head in (list, tuple, set, deque) or hasattr(head, "_make"):
        return (head, *[rename(item, names) for item in frozen[1:]])
    if head is bytearray:
        return frozen
    return (head, *[(name, rename(part, names)) for name, part in frozen[1:]])
