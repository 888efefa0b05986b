"""How a world writes its trace: one small tuple per delivery, made into a `Step` when somebody looks.

A world makes hundreds of thousands of steps a second and people look at a few of them.  So a step of a handler
is stored as the event it handled, followed by what came of it, and `WorldTrace` builds the `Step` on demand.

An *event* is ``(at, order, to, frm, msg, cause)``, as it stands in the world's queue.  `order` breaks ties and is
the message's `ident`.  For a message, `to` and `frm` are nodes.  For everything else `to` is empty, `frm` says what
it is (``start``, ``timer``, ``fault``, ``held``) and `msg` holds the details.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, overload

from prayog_sim.trace import Effect, Step, Trace

__all__ = ["Event", "Label", "Record", "WorldTrace", "build_effects", "build_step"]

Event = tuple[int, int, str, str, Any, int]
Record = Step | tuple[Any, ...]
"""A step, or an event with the raw effects of its handler behind it."""
Label = Callable[[str, Any], str]
"""The short text of a message: ``label(src, msg)``."""


def build_step(seq: int, record: Record, label: Label) -> Step:
    """The step number `seq` that `record` stands for."""
    if isinstance(record, Step):
        return record
    at, order, to, frm, msg, cause = record[0]
    data: dict[str, Any] = {}
    if to:
        kind, node = "deliver", to
        data = {"src": frm, "msg": msg, "ident": order, "label": label(frm, msg)}
    elif frm == "timer":
        kind, node = "timer", msg[0]
        data = {"name": msg[1]}
    else:
        kind, node = frm, msg
    return Step(seq, at, kind, node, data, cause, build_effects(node, record[1:], label))


def build_effects(node: str, raw: tuple[Any, ...], label: Label) -> tuple[Effect, ...]:
    """The effects of a handler at `node`, from how the world noted them."""
    return tuple(_effect(node, effect, label) for effect in raw)


def _effect(node: str, raw: tuple[Any, ...], label: Label) -> Effect:
    match raw:
        case (int(arrives), ident, to, _, msg, _):
            return Effect("send", _sent(to, msg, arrives, ident, label(node, msg)))
        case ("sent", (arrives, ident, to, _, msg, _), fate):
            return Effect("send", {**_sent(to, msg, arrives, ident, label(node, msg)), "fate": fate})
        case ("lost", to, msg, fate):
            return Effect("send", {**_sent(to, msg, None, None, label(node, msg)), "fate": fate})
        case ("gone", (_, ident, to, frm, msg, _), why):
            return Effect("lost", {"src": frm, "to": to, "ident": ident, "label": label(frm, msg), "why": why})
        case ("timer", name, after, due):
            return Effect("timer", {"name": name, "after": after, "due": due})
        case ("cancel", name):
            return Effect("cancel", {"name": name})
        case ("note", text):
            return Effect("note", {"text": text})
        case ("gauge", name, value):
            return Effect("gauge", {"name": name, "value": value})
        case ("emit", kind, data):
            return Effect(kind, data)
        case ("disk", data):
            return Effect("disk", data)
    raise ValueError(f"not an effect: {raw!r}")


def _sent(to: str, msg: Any, arrives: int | None, ident: int | None, label: str) -> Mapping[str, Any]:
    return {"to": to, "msg": msg, "arrives": arrives, "ident": ident, "label": label}


class WorldTrace(Trace):
    """A trace over `records`; only the world that owns it appends."""

    def __init__(self, records: list[Record], label: Label) -> None:
        super().__init__()
        self.records = records
        self._label = label

    def __len__(self) -> int:
        return len(self.records)

    @overload
    def __getitem__(self, index: int) -> Step: ...
    @overload
    def __getitem__(self, index: slice) -> list[Step]: ...
    def __getitem__(self, index: int | slice) -> Step | list[Step]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self.records)))]
        record = self.records[index]
        return build_step(index if index >= 0 else len(self.records) + index, record, self._label)

    def __iter__(self) -> Iterator[Step]:
        label = self._label
        return (build_step(seq, record, label) for seq, record in enumerate(self.records))

    def append(self, step: Step) -> None:
        self.records.append(step)

    def time(self, seq: int) -> int:
        """When step `seq` happened, without building it (µs)."""
        record = self.records[seq]
        at: int = record.at if isinstance(record, Step) else record[0][0]
        return at
