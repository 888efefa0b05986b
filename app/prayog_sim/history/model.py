"""What an object promises when one client at a time uses it: register, key-value store, queue, mutex.

A checker asks whether the answers of many clients at once can be explained by such a *sequential specification*
(Herlihy and Wing, 1990).  A model is a value to start with and a step function; anything with the
members of `Model` is one.

Rules
1. `call` turns an operation into a value that says all the model must know, or None when it tells nothing (a read
   that timed out).  Equal calls are interchangeable.
2. `step` is a pure function.  A call whose outcome is unknown is stepped as if it took effect now.
3. States and calls are hashable.

The models are in `registers` and `queues`, and by name in `models`.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any, Final, Protocol

from prayog_sim.history.operations import HistoryError, Operation

__all__ = ["ANY", "IMPOSSIBLE", "Model", "Object", "Unseen", "freeze", "plain_word"]


class _Word:
    """A value that equals only itself."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


IMPOSSIBLE: Final = _Word("IMPOSSIBLE")
"""What `Model.step` returns when the object cannot have answered so in that state."""
ANY: Final = _Word("anything")
"""As ``initial``: nobody says what the object held at first."""


class Unseen:
    """A part of a state which no operation of this history can tell from another; `example` is one, for sentences."""

    def __init__(self, example: Any) -> None:
        self.example = example

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Unseen)

    def __hash__(self) -> int:
        return hash(Unseen)


class Model(Protocol):
    """A sequential specification."""

    @property
    def name(self) -> str:
        """For sentences and menus: ``register``."""
        ...

    @property
    def initial(self) -> Hashable:
        """The state before the first operation."""
        ...

    def call(self, op: Operation) -> Hashable | None:
        """What `op` says, or None when it says nothing.  Raises `HistoryError` for an operation it does not know."""
        ...

    def step(self, state: Any, call: Any) -> Hashable:
        """The state after `call`, or `IMPOSSIBLE`."""
        ...

    def looks(self, call: Any) -> bool:
        """`call` only looks: it changes no state whatever (which a write of what is there already may elsewhere)."""
        ...

    def focus(self, operations: Sequence[Operation]) -> Model:
        """A model for these operations alone, which keeps apart only what one of them can tell apart."""
        ...

    def describe(self, state: Any) -> str:
        """`state` after "the object": ``held 3``."""
        ...


def freeze(value: Any) -> Hashable:
    """`value` as something hashable that is equal only to what the client would call equal (1 is not True)."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    if isinstance(value, Mapping):
        return ("map", frozenset((freeze(k), freeze(v)) for k, v in value.items()))
    if isinstance(value, set | frozenset):
        return ("set", frozenset(freeze(item) for item in value))
    if isinstance(value, float) and math.isnan(value):
        return ("number", "NaN")
    try:
        hash(value)
    except TypeError:
        return ("text", repr(value))
    return value  # type: ignore[no-any-return]


_SAME = {
    "get": "read", "r": "read", "put": "write", "w": "write", "set": "write", "compare-and-set": "cas",
    "push": "enqueue", "pop": "dequeue", "lock": "acquire", "unlock": "release",
}  # fmt: skip


def plain_word(kind: str) -> str:
    """The one word for `kind` and its other names: ``read`` for ``get``."""
    return _SAME.get(kind, kind)


class Object:
    """What the models share: the words they know and their name."""

    name = ""
    words: tuple[str, ...] = ()

    def __init__(self, initial: Hashable = None) -> None:
        self.initial: Hashable = initial

    def looks(self, call: Any) -> bool:
        return bool(call[0] in ("read", "refused"))

    def focus(self, operations: Sequence[Operation]) -> Model:
        return self  # type: ignore[return-value]  # those that come of this class are models

    def know(self, op: Operation) -> str:
        """The word for `op.kind`, if this model has it."""
        word = plain_word(op.kind)
        if word not in self.words:
            raise HistoryError(f"a {self.name} knows {', '.join(self.words)}, not {op.kind!r}")
        return word
