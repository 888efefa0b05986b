"""Values and copies: what may travel between nodes, and how a world keeps its nodes for later.

Going back in time works because checkpoints share nothing with the running nodes.  Messages are shared between
sender, receiver, trace and checkpoints, so they must never change.
"""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable, Iterable
from typing import TypeVar

__all__ = ["keep", "require_value"]

T = TypeVar("T")

_PLAIN = frozenset({str, int, float, bool, bytes, type(None)})
_CHANGEABLE = (list, dict, set, bytearray)


def require_value(msg: object) -> None:
    """Raise `TypeError` with a sentence when the message `msg` could change after it was sent, or not be recorded."""
    kind = type(msg)
    if kind in _PLAIN:
        return
    if isinstance(msg, tuple | frozenset):
        for item in msg:
            require_value(item)
    elif dataclasses.is_dataclass(msg):
        if not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            raise TypeError(f"a message holds a {kind.__name__}, which can change: make it @dataclass(frozen=True)")
        for field in dataclasses.fields(msg):
            require_value(getattr(msg, field.name))
    elif isinstance(msg, _CHANGEABLE):
        raise TypeError(f"a message holds a {kind.__name__}, which can change: use a tuple or a frozen dataclass")
    elif not isinstance(msg, str | int | float | Iterable):
        raise TypeError(f"a message holds a {kind.__name__}, which no trace can hold: use a frozen dataclass")


def keep(state: T) -> Callable[[], T]:
    """Set `state` aside and return a function that gives a fresh, equal copy of it each time.

    Values that are one object stay one object in the copy.  Pickle does it at C speed; what pickle cannot name
    (a class inside a function, a lambda) `copy.deepcopy` copies more slowly.  Raises what `deepcopy` raises.
    """
    try:
        data = pickle.dumps(state, pickle.HIGHEST_PROTOCOL)
    except (pickle.PicklingError, AttributeError, TypeError, RecursionError):
        kept = copy.deepcopy(state)
        return lambda: copy.deepcopy(kept)
    return lambda: pickle.loads(data)
