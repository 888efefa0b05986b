"""One migration at work: its two stores, its plan, its links, and what it remembers; every stage gets this.

Rules
1. What must survive a kill is in the target (`State`, `Ledger`); nothing here is more than a copy of it.
2. After a lost connection everything is closed and opened again (`reconnect`), and work goes on from what the target
   says: a lost connection and a kill take the same way.
3. Whatever happens is said once, as (kind, node, data), to whoever started the worker, and the milestones are kept in
   `_wiz_event` for the report.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from prayog_migration.engine.plan import Plan
from prayog_migration.engine.planfile import plan_from_json, plan_to_json
from prayog_migration.engine.real.control import Control
from prayog_migration.engine.real.ledger import EVENT, SESSION, Ledger, Side
from prayog_migration.engine.real.link import Link
from prayog_migration.engine.real.reverse import reversed_plan
from prayog_migration.engine.real.store import Store, Writer, open_store
from prayog_migration.engine.steps import Phase, StepName, first, missing

__all__ = ["GateShut", "Job", "Order", "Say"]

Say = Callable[[str, str, Mapping[str, Any]], None]
"""Hears (kind, node, data)."""

_US = secrets.token_hex(4)
Direction = Literal["forward", "reverse"]


class GateShut(Exception):
    """A step cannot begin yet; the sentence says what must be true first."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the worker is asked to do: URLs (they may hold passwords: never in a command line or a log) and a strategy.

    ``tag`` tells migrations of one server apart.  ``live``: changes are captured.  ``freeze_s``: how long the old side
    may be fenced before it is let go again.  ``patience_s``: a server that does not answer for so long has stalled.
    """

    source: str
    target: str
    tag: str = "lab"
    strategy: str = "backfill"
    live: bool = True
    source_schema: str = ""
    target_schema: str = ""
    freeze_s: float = 10.0
    patience_s: float = 8.0
    choices: Mapping[str, Any] = field(default_factory=dict)


class Job:
    """The migration that `order` describes."""

    def __init__(self, order: Order, say: Say) -> None:
        self.order = order
        self._say = say
        self.control = Control()
        self.source: Store = open_store(_named(order.source), order.source_schema)
        self.target: Store = open_store(_named(order.target), order.target_schema)
        self.ledger = Ledger(self.target)
        self.back_ledger = Ledger(self.source)
        self.plan: Plan | None = None
        self._links: dict[Direction, Link] = {}
        self._events = 0

    def open(self) -> None:
        """Become the worker of this target, and read what it remembers."""
        self.ledger.rejoin()
        with self.target.writer() as writer:
            kept = self.ledger.state.get(writer, "plan")
            self._events = int(writer.query(f"SELECT coalesce(max(seq), 0) FROM {self.target.name(EVENT)}")[0][0])
        self.plan = plan_from_json(kept) if kept else None

    def reconnect(self) -> None:
        """Close everything that may hang on a broken connection, and open it again."""
        self.close()
        self.open()

    def close(self) -> None:
        """End all connections; what is captured, and what is fenced, stays."""
        for link in self._links.values():
            with contextlib.suppress(Exception):  # the server may be gone
                link.close()
        self._links.clear()
        self.ledger.release()
        self.back_ledger.release()

    # -- what is said and kept ---------------------------------------------------------------------------------

    def say(self, kind: str, node: str = "", **data: Any) -> None:
        """Tell it."""
        self._say(kind, node, data)

    def note(self, writer: Writer, kind: str, node: str = "", **data: Any) -> None:
        """Keep it for the report, in the caller's transaction, and tell it when that is committed."""
        self._events += 1
        writer.execute(
            f"INSERT INTO {self.target.name(EVENT)} (seq, at_us, kind, data) VALUES (?, ?, ?, ?)",
            (self._events, time.time_ns() // 1000, kind, json.dumps({"node": node, **data}, ensure_ascii=False)),
        )
        writer.after_commit(partial(self._say, kind, node, data))

    def remember(self, key: str, value: Any) -> None:
        """Keep a value; only the worker may."""
        with self.target.writer() as writer, writer.transaction():
            self.ledger.touch(writer)
            self.ledger.state.put(writer, key, value)

    def recall(self, key: str) -> Any:
        """A value that was kept; None when there is none."""
        with self.target.writer() as writer:
            return self.ledger.state.get(writer, key)

    def facts(self) -> dict[str, Any]:
        """What is true of this migration so far (see `steps`)."""
        return dict(self.recall("facts") or {})

    def step(self, name: StepName, phase: Phase, sentence: str = "", **facts: Any) -> None:
        """The migration stands at a step; `facts` are what became true with it (None: not true any more)."""
        with self.target.writer() as writer, writer.transaction():
            self.ledger.touch(writer)
            known = dict(self.ledger.state.get(writer, "facts") or {})
            known.update(facts)
            known = {key: value for key, value in known.items() if value is not None}
            self.ledger.state.put(writer, "facts", known)
            self.ledger.state.put(writer, "step", {"name": name, "phase": phase, "sentence": sentence})
            self.note(writer, "step", name, phase=phase, sentence=sentence, facts=known)

    def standing(self) -> dict[str, Any]:
        """At which step the migration stands: name, phase, sentence."""
        return dict(self.recall("step") or {"name": "plan", "phase": "waiting", "sentence": ""})

    def demand(self, name: StepName) -> None:
        """Raises `GateShut` unless the step may begin."""
        lacking = missing(name, self.facts())
        if lacking:
            raise GateShut(first(name, lacking))

    # -- plan and links ----------------------------------------------------------------------------------------

    @property
    def the_plan(self) -> Plan:
        """The plan; raises `GateShut` before there is one."""
        if self.plan is None:
            raise GateShut("There is no plan yet. Assess the source first.")
        return self.plan

    def keep_plan(self, plan: Plan) -> None:
        """`plan` is the plan from now on."""
        self.remember("plan", plan_to_json(plan))
        self.plan = plan

    def link(self, direction: Direction) -> Link:
        """The link in one direction, opened when it is first asked for."""
        found = self._links.get(direction)
        if found is None:
            tag = self.order.tag
            if direction == "forward":
                found = Link("forward", self.source, self.target, self.the_plan, self.ledger, tag)
            else:
                self.back_ledger.rejoin()
                plan = reversed_plan(self.the_plan, self.target.catalogue())
                found = Link("reverse", self.target, self.source, plan, self.back_ledger, tag, self.the_plan)
            self._links[direction] = found
        return found

    def forget_link(self, direction: Direction) -> None:
        """Close the link; it is opened anew when it is asked for."""
        link = self._links.pop(direction, None)
        if link is not None:
            link.close()

    @property
    def side(self) -> Side:
        """Which side is in charge."""
        with self.target.writer() as writer:
            return self.ledger.route(writer).side

    @property
    def flow(self) -> Direction:
        """In which direction changes flow now."""
        return "forward" if self.side == "source" else "reverse"


def _named(url: str) -> str:
    """PostgreSQL shows who we are, so that a successor finds what a dead worker left (`Ledger.claim`)."""
    parts = urlsplit(url)
    if not parts.scheme.startswith("postgres"):
        return url
    query = [*parse_qsl(parts.query), ("application_name", SESSION + _US)]
    return urlunsplit(parts._replace(query=urlencode(query)))
