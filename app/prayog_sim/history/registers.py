"""Registers: one value that is read and written; also with compare-and-set, and as a key of a store."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Sequence
from typing import Any

from prayog_sim.history.model import ANY, IMPOSSIBLE, Model, Object, Unseen, freeze
from prayog_sim.history.operations import HistoryError, Operation
from prayog_sim.lines import short

__all__ = ["CasRegister", "KeyValue", "Register"]

_LOOKING = ("read", "cas", "refused")


def _pair(op: Operation) -> tuple[Hashable, Hashable]:
    if not isinstance(op.value, list | tuple) or len(op.value) != 2:
        raise HistoryError(f"{op}: a compare-and-set needs two values, [expected, new]")
    return freeze(op.value[0]), freeze(op.value[1])


class Register(Object):
    """Holds one value: ``write v``, and ``read`` answered with the value.  At first it holds `initial`.

    ``nil_says_nothing``: an answer of None to a read fits any value, as in Knossos' register model.
    """

    name = "register"
    words: tuple[str, ...] = ("read", "write")

    def __init__(self, initial: Any = None, *, nil_says_nothing: bool = False) -> None:
        super().__init__(freeze(initial))
        self.nil_says_nothing = nil_says_nothing

    def call(self, op: Operation) -> Hashable | None:
        word = self.know(op)
        if word == "cas":
            expected, new = _pair(op)
            if op.outcome == "ok" and op.result is not False:
                return ("cas", expected, new)
            if op.result is False and op.outcome != "unknown":
                return ("refused", expected)
            return ("cas", expected, new) if op.outcome == "unknown" else None
        if op.outcome == "fail":
            return None
        if word == "read":
            silent = op.outcome == "unknown" or (op.result is None and self.nil_says_nothing)
            return None if silent else ("read", freeze(op.result))
        return (word, freeze(op.value))

    def step(self, state: Any, call: Any) -> Hashable:
        word, value = call[0], call[1]
        if word == "write":
            return value  # type: ignore[no-any-return]
        if word == "read":
            return value if state == value or state is ANY else IMPOSSIBLE
        if word == "cas":
            return call[2] if state == value or state is ANY else IMPOSSIBLE
        return IMPOSSIBLE if state == value else state

    def describe(self, state: Any) -> str:
        return "held nothing" if state is None else f"held {short(state)}"


class CasRegister(Register):
    """A register with ``cas [expected, new]``: writes `new` if it holds `expected`, else refuses."""

    name = "cas-register"
    words: tuple[str, ...] = ("read", "write", "cas")


class KeyValue(CasRegister):
    """One key of a store: ``get``, ``put``, ``append`` (joins text, adds to a list) and ``cas``.

    A key that was never written holds nothing, which may be answered as None or as ``""``.
    """

    name = "key-value"
    words = ("read", "write", "append", "cas")

    def call(self, op: Operation) -> Hashable | None:
        call = super().call(op)
        return ("read", None) if call == ("read", "") else call

    def step(self, state: Any, call: Any) -> Hashable:
        if call[0] != "append":
            after = super().step(state, call)
            return None if after == "" else after
        value = call[1]
        if state is ANY:
            return IMPOSSIBLE
        if isinstance(value, str) and (state is None or isinstance(state, str)):
            return (state or "") + value
        if state is None or isinstance(state, tuple):
            return (*(state or ()), value)
        return IMPOSSIBLE

    def focus(self, operations: Sequence[Operation]) -> Model:
        calls: list[Any] = [call for op in operations if (call := self.call(op)) is not None]
        return _KeyValueSeen(self.initial, self.nil_says_nothing, {c[1] for c in calls if c[0] in _LOOKING})


class _KeyValueSeen(KeyValue):
    """Takes all values for one that neither are the beginning of one that somebody saw: so many orders of appends
    are the same."""

    def __init__(self, initial: Hashable, nil_says_nothing: bool, seen: set[Hashable]) -> None:
        super().__init__(None, nil_says_nothing=nil_says_nothing)
        self.initial = initial
        self._texts = sorted(value for value in seen if isinstance(value, str))
        self._lists = {value[:n] for value in seen if isinstance(value, tuple) for n in range(1, len(value) + 1)}

    def step(self, state: Any, call: Any) -> Hashable:
        if isinstance(state, Unseen) and call[0] != "write":
            return state if call[0] in ("append", "refused") else IMPOSSIBLE
        after = super().step(state, call)
        if isinstance(after, str):
            place = bisect_left(self._texts, after)
            seen = place < len(self._texts) and self._texts[place].startswith(after)
        else:
            seen = not isinstance(after, tuple) or after in self._lists
        return after if seen else Unseen(after)

    def describe(self, state: Any) -> str:
        return super().describe(state.example if isinstance(state, Unseen) else state)
