"""A state machine as a table: the same rows drive the node, draw the diagram and tell the tests what is untried.

::

    PHONE = Table("idle", (
        Row("idle", "ring", "ringing", do="start_bell"),
        Row("ringing", "lift", "talking"),
        Row("ringing", "timeout", "idle", do="stop_bell"),
        Row("talking", "hang up", "idle"),
    ))

    class Phone(Node):
        durable = ("state",)
        def __init__(self): self.state = PHONE.start
        def on_message(self, src, msg, ctx): PHONE.fire(self, msg, ctx)

Every transition is an effect of kind ``edge`` in the trace, from which a panel lights the current state and a test
asks `untried`.

Rules
1. The first row that fits the state, the event and its guard wins; a row without a guard ends the search.
2. An event that no row knows is a mistake of the engine, not something to ignore: write a row for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from prayog_sim.node import Ctx
from prayog_sim.trace import Trace

__all__ = ["Row", "Table", "TableError"]


class TableError(ValueError):
    """A table has a mistake, or an event came that it does not know; the message says which."""


class Stateful(Protocol):
    """What a table drives: something with a `state`."""

    state: str


@dataclass(frozen=True, slots=True)
class Row:
    """One transition, an edge of the diagram.

    ``when``: a method of the node that must return true; ``do``: a method that is called after the state changed.
    Both get the arguments of `fire`.  ``why``: a few words for the edge.
    """

    state: str
    event: str
    to: str
    when: str = ""
    do: str = ""
    why: str = ""


class Table:
    """The states, events and transitions of a node.  Raises `TableError` when a row can never be used."""

    def __init__(self, start: str, rows: Iterable[Row]) -> None:
        self.start = start
        self.rows = tuple(rows)
        self._rows: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            known = self._rows.setdefault((row.state, row.event), [])
            if known and not known[-1].when:
                raise TableError(f"{row.state} + {row.event} → {row.to} is never reached: a row above always fits")
            known.append(row)
        lonely = [state for state in self.states if state not in self._reachable()]
        if lonely:
            raise TableError(f"no way leads from {start} to {', '.join(lonely)}")

    @property
    def states(self) -> tuple[str, ...]:
        """All states, the first one first, then as the rows name them."""
        return tuple(dict.fromkeys([self.start, *(name for row in self.rows for name in (row.state, row.to))]))

    @property
    def events(self) -> tuple[str, ...]:
        """All events, as the rows name them."""
        return tuple(dict.fromkeys(row.event for row in self.rows))

    def fire(self, owner: Stateful, event: str, ctx: Ctx, *args: Any) -> Row:
        """Take the transition of `owner` for `event`, and return its row."""
        rows = self._rows.get((owner.state, event))
        if rows is None:
            known = ", ".join(e for s, e in self._rows if s == owner.state) or "nothing"
            raise TableError(f"{owner.state} does not know the event {event!r}; it knows {known}")
        for row in rows:
            if not row.when or getattr(owner, row.when)(ctx, *args):
                owner.state = row.to
                ctx.emit("edge", **{"from": row.state, "event": event, "to": row.to})
                if row.do:
                    getattr(owner, row.do)(ctx, *args)
                return row
        raise TableError(f"{owner.state} cannot take {event!r} now: none of {', '.join(r.when for r in rows)} holds")

    def untried(self, traces: Iterable[Trace]) -> tuple[Row, ...]:
        """The rows that none of `traces` crossed."""
        crossed = {
            (effect.data["from"], effect.data["event"], effect.data["to"])
            for trace in traces
            for step in trace
            for effect in step.effects
            if effect.kind == "edge"
        }
        return tuple(row for row in self.rows if (row.state, row.event, row.to) not in crossed)

    def _reachable(self) -> set[str]:
        seen, ahead = {self.start}, [self.start]
        while ahead:
            state = ahead.pop()
            for row in self.rows:
                if row.state == state and row.to not in seen:
                    seen.add(row.to)
                    ahead.append(row.to)
        return seen
