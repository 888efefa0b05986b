"""What a `State` looks like from outside: `View` values that share nothing with the running nodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prayog_sim.run import Flight, Look, NodeView, View
from prayog_sim.state import Slot, State
from prayog_sim.values import keep

__all__ = ["flights", "show"]

Fields = tuple[dict[str, Any], dict[str, Any]]


def show(state: State, seq: int, at: int, sent_at: Callable[[int], int]) -> View:
    """The view of `state` after step `seq`; ``sent_at(cause)`` is when step number `cause` happened."""
    fields = keep({name: _halves(slot) for name, slot in state.slots.items()})()
    nodes = {
        name: NodeView(
            name,
            slot.status,
            *fields[name],
            tuple(sorted((timer, begun, due) for timer, (_, begun, due) in slot.timers.items())),
            _look(slot),
        )
        for name, slot in state.slots.items()
    }
    return View(seq, at, nodes, flights(state, sent_at), tuple(sorted(state.wires.cuts)))


def flights(state: State, sent_at: Callable[[int], int]) -> tuple[Flight, ...]:
    """All messages on their way, in the order in which they will arrive; those held by a paused node too."""
    found = []
    for at, ident, to, frm, msg, cause in sorted(state.messages(), key=lambda event: event[:2]):
        sent = sent_at(cause) if cause >= 0 else 0
        found.append(Flight(ident, frm, to, sent, at, state.label(frm, msg), msg))
    return tuple(found)


def _halves(slot: Slot) -> Fields:
    durable: dict[str, Any] = {}
    volatile: dict[str, Any] = {}
    for name, value in vars(slot.node).items():
        if not name.startswith("_"):
            (durable if name in slot.node.durable else volatile)[name] = value
    for file in slot.ctx.disk.files():
        durable[f"disk/{file}"] = slot.ctx.disk.read(file)
    return durable, volatile


def _look(slot: Slot) -> Look:
    try:
        return slot.node.look()
    except Exception as error:  # noqa: BLE001 - drawing must go on
        return Look("failed", "!", sentence=f"its look() failed: {type(error).__name__}: {error}")
