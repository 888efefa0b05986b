"""The trace: the append-only record of a run, from which everything seen or graded is computed.

A run yields *steps*: one step is one thing that happened at one node (a message was delivered, a timer
fired, a node crashed, a learner acted), together with the *effects* its handler had (messages sent, timers
set, facts noted).  Drawings, tables, checks, exports and stepping back are functions of the trace.

Rules
1. A step never changes after it was appended.  Its ``seq`` is its index.
2. ``data`` and ``effects`` hold JSON values or frozen dataclasses only (see `to_json`), so that a trace can
   be written, mailed and hashed.
3. No wall clock in a simulated trace: the same five values (topic, version, params, seed, actions) give the
   same bytes in another process under another ``PYTHONHASHSEED``.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, overload

__all__ = ["Effect", "Step", "Trace", "TraceError", "canonical", "to_json"]


_PLAIN = frozenset({type(None), bool, int, float, str})


class TraceError(ValueError):
    """A line of a trace file is not a step; the message names the line and what was expected."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One consequence of a step: ``kind`` is ``send``, ``timer``, ``note``, ``gauge`` or a word of the topic.

    ``send`` carries ``to``, ``msg`` and ``arrives`` (virtual µs, or None when the network lost it, with the
    reason in ``fate``).  ``gauge`` carries ``name`` and ``value``.  ``note`` carries ``text``.
    """

    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened.

    ``seq``: index in the trace.  ``at``: µs since the start (virtual in a `World`, wall clock in a session).
    ``kind``: ``start``, ``deliver``, ``drop``, ``timer``, ``crash``, ``restart``, ``pause``, ``resume``,
    ``fault``, ``action``, or a word of the topic.  ``node``: where; ``""`` is the run itself.
    ``data``: what exactly.  ``cause``: ``seq`` of the step that led to this one, or -1.
    """

    seq: int
    at: int
    kind: str
    node: str
    data: Mapping[str, Any]
    cause: int = -1
    effects: tuple[Effect, ...] = ()


def to_json(value: Any) -> Any:
    """`value` as plain JSON: dataclasses and named tuples become objects with a ``type``, tuples and sets become lists.

    Sets are sorted by their canonical text, so that their order is the same in every process.
    """
    kind = type(value)
    if kind in _PLAIN:  # by exact type first: hashing a trace spends its time here
        return value
    if kind is tuple or kind is list:
        return [to_json(v) for v in value]
    if kind is dict:
        return {k if type(k) is str else str(k): v if type(v) in _PLAIN else to_json(v) for k, v in value.items()}
    names = _field_names(kind)  # type: ignore[arg-type] # a class can be hashed
    if names is not None:
        fields = {}
        for name in names:
            held = getattr(value, name)
            fields[name] = held if type(held) in _PLAIN else to_json(held)
        return {"type": kind.__name__, **fields}
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(k): to_json(v) for k, v in value.items()}
    if isinstance(value, set | frozenset):
        return sorted((to_json(v) for v in value), key=canonical)
    if isinstance(value, Iterable) and not isinstance(value, bytes):
        return [to_json(v) for v in value]
    if isinstance(value, bytes):
        return {"type": "bytes", "hex": value.hex()}
    raise TypeError(f"a trace holds JSON values and dataclasses, not {type(value).__name__}: {value!r}")


@functools.lru_cache(maxsize=256)  # not for ever: a topic that is being written is loaded anew with each save
def _field_names(kind: type) -> tuple[str, ...] | None:
    """Of a dataclass or a named tuple; None for anything else."""
    if dataclasses.is_dataclass(kind):
        return tuple(field.name for field in dataclasses.fields(kind))
    return getattr(kind, "_fields", None) if issubclass(kind, tuple) else None


def canonical(value: Any) -> str:
    """The one JSON text of `value`: sorted keys, no spaces, no NaN."""
    return json.dumps(to_json(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


class Trace(Sequence[Step]):
    """An append-only sequence of steps, with its text, its hash and its reader."""

    def __init__(self, steps: Iterable[Step] = ()) -> None:
        self._steps: list[Step] = list(steps)

    def __len__(self) -> int:
        return len(self._steps)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        return self._steps[index]

    def __iter__(self) -> Iterator[Step]:
        return iter(self._steps)

    def append(self, step: Step) -> None:
        """Add `step`; only the run that owns the trace calls this."""
        self._steps.append(step)

    def jsonl(self) -> Iterator[str]:
        """One canonical JSON object per step, without line ends."""
        return (canonical(step) for step in self)

    def hash(self) -> str:
        """BLAKE2b-128 of the canonical lines, in hex."""
        digest = hashlib.blake2b(digest_size=16)
        for line in self.jsonl():
            digest.update(line.encode() + b"\n")
        return digest.hexdigest()

    def kinds(self) -> set[str]:
        """The kinds of its steps and effects."""
        return {step.kind for step in self} | {effect.kind for step in self for effect in step.effects}

    def where(self, test: Callable[[Step], bool]) -> Iterator[Step]:
        """The steps for which `test` holds, in order."""
        return filter(test, self)
