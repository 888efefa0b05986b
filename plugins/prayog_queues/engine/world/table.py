"""A table as a queue: rows with a state, workers that ask for work, and four ways to take a row.

* ``naive``: SELECT a pending row, then UPDATE it: between the two another worker sees it pending as well
* ``lease``: one UPDATE … RETURNING sets a state and a time; when the time is over, the row may be taken again
* ``for update``: the row is locked while the work lasts, and everybody else waits for the lock
* ``skip locked``: the row is locked while the work lasts, and others take the next (PostgreSQL documentation, SELECT:
  "can be used to avoid lock contention with multiple consumers accessing a queue-like table")

NOTIFY wakes the workers, so that they need not ask so often.  A commit that notifies takes a lock that the whole
database shares, so that such commits follow one another: with 16 writers the commit rate fell to 0.18–0.43 of the rate
without it (PostgreSQL 18.4, one row for each commit).  `NOTIFY_US` is chosen to give that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prayog_queues.engine.envelope import Delivery, Message
from prayog_queues.engine.setup import Setup
from prayog_queues.engine.world.consumer import Consumer
from prayog_queues.engine.world.task import Task
from prayog_queues.engine.world.wire import (
    Asked,
    Bye,
    Closed,
    Confirm,
    Drained,
    Found,
    Handout,
    Made,
    Nothing,
    Publish,
    Settle,
    Wake,
)  # fmt: skip
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look

__all__ = ["Poller", "Row", "Table"]

COMMIT_US = 2_000
NOTIFY_US = 700
COALESCE_US = 50_000
SAMPLE_US = 250_000


@dataclass(slots=True)
class Row:
    """One row: its message, and who has it."""

    message: Message
    state: str = "pending"
    """``pending``, ``taken`` (or locked), ``done``."""
    worker: str = ""
    receipt: str = ""
    until: int = 0
    attempts: int = 0


class Table(Node):
    """The database in the broker's place."""

    actions = ("restart_broker",)
    durable = ("rows", "order", "made")

    def __init__(self, setup: Setup, producers: tuple[str, ...]) -> None:
        self.rows: dict[str, Row] = {}
        self.order: list[str] = []
        """Ids that are not done, oldest first."""
        self.waiting: list[str] = []
        """Workers that wait for a row's lock."""
        self.commits: list[tuple[str, Message]] = []
        self.free_us = 0
        """When the lock of NOTIFY is free again."""
        self.made: dict[str, int] = {}
        self.statements = 0
        self.drained = False
        self._arrived = self._settled = 0
        self._notifying = False
        self._setup = setup
        self._producers = producers

    def on_start(self, ctx: Ctx) -> None:
        ctx.emit("started")
        for row in self.rows.values():
            if row.state == "taken" and self._setup.take in ("for update", "skip locked"):
                row.state = "pending"  # a transaction that was open is rolled back
        ctx.set_timer("sample", SAMPLE_US)

    # -- statements --------------------------------------------------------------------------------------------

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        match msg:
            case Publish():
                self._insert(src, msg.message, ctx)
            case Made():
                self.made[src] = msg.count
            case Asked():
                self._ask(src, msg, ctx)
            case Settle():
                self._settle(src, msg, ctx)
            case Bye():
                self._gone(src, ctx)
        done = len(self.made) >= len(self._producers) and not self.order and not self.commits
        if done and not self.drained:
            self.drained = True
            ctx.send("bank", Drained(sum(self.made.values())))

    def _say(self, worker: str, sql: str, ctx: Ctx) -> None:
        self.statements += 1
        ctx.emit("statement", sql=sql, consumer=worker)

    def _insert(self, src: str, message: Message, ctx: Ctx) -> None:
        self._arrived += 1
        if self.drained:
            self.drained = False
            self._wake(ctx)
        self._say(src, "INSERT", ctx)
        if message.id in self.rows:  # the primary key
            ctx.emit("deduplicated", message=message.id, queue="orders")
            ctx.send(src, Confirm(message.id))
            return
        at = ctx.now + COMMIT_US
        if self._setup.notify == "each row":
            self.free_us = max(self.free_us, ctx.now) + NOTIFY_US
            at = max(at, self.free_us)
        self.commits.append((src, message))
        ctx.set_timer(f"commit {message.id}", at - ctx.now)

    def _commit(self, name: str, ctx: Ctx) -> None:
        src, message = next(entry for entry in self.commits if entry[1].id == name)
        self.commits.remove((src, message))
        self.rows[name] = Row(message)
        self.order.append(name)
        ctx.emit("stored", message=name, key=message.key, number=message.number, queue="orders", position=-1)
        if self._setup.confirms:
            ctx.send(src, Confirm(name))
        if self._setup.notify == "each row":
            self._wake(ctx)
        elif self._setup.notify == "coalesced" and not self._notifying:
            self._notifying = True
            ctx.set_timer("notify", COALESCE_US)

    def _wake(self, ctx: Ctx) -> None:
        for peer in ctx.peers:
            if peer[0] == "w":
                ctx.send(peer, Wake())

    def _ask(self, worker: str, msg: Asked, ctx: Ctx) -> None:
        take = self._setup.take
        if msg.what == "select":
            self._say(worker, "SELECT", ctx)
            row = next((self.rows[name] for name in self.order if self.rows[name].state == "pending"), None)
            ctx.send(worker, Found(row.message.id) if row is not None else Nothing(self.drained))
            return
        if msg.what == "take":
            self._say(worker, "UPDATE", ctx)
            row = self.rows[msg.id]
            if row.state != "done":
                self._hand(row, worker, 0, ctx)
            return
        self._say(worker, {"lease": "UPDATE … RETURNING", "for update": "SELECT … FOR UPDATE"}.get(
            take, "SELECT … FOR UPDATE SKIP LOCKED"), ctx)  # fmt: skip
        self._take(worker, ctx)

    def _take(self, worker: str, ctx: Ctx) -> None:
        lease = 1_000 * self._setup.lease_ms if self._setup.take == "lease" else 0
        for name in self.order:
            row = self.rows[name]
            if row.state == "taken":
                if self._setup.take == "for update":
                    self.waiting.append(worker)
                    return
                if not lease or row.until > ctx.now:
                    continue
                ctx.emit("lease_expired", message=name, receipt=row.receipt, queue="orders", consumer=row.worker)
            self._hand(row, worker, lease, ctx)
            return
        ctx.send(worker, Nothing(self.drained))

    def _hand(self, row: Row, worker: str, lease: int, ctx: Ctx) -> None:
        row.state, row.worker, row.attempts = "taken", worker, row.attempts + 1
        row.until = ctx.now + lease if lease else 0
        row.receipt = f"{row.message.id}#{row.attempts}"
        until = row.until if lease else None
        ctx.send(worker, Handout(Delivery(row.message, "orders", row.receipt, row.attempts, -1, until)))

    def _settle(self, worker: str, msg: Settle, ctx: Ctx) -> None:
        row = self.rows[msg.delivery.message.id]
        self._say(worker, "UPDATE" if self._setup.take in ("naive", "lease") else "UPDATE, COMMIT", ctx)
        self._settled += 1
        receipt = msg.delivery.receipt
        name = row.message.id
        if row.receipt != receipt and self._setup.take == "lease":
            ctx.emit("stale_ack", message=name, receipt=receipt, accepted=False, consumer=worker)
        elif row.state != "done":
            if msg.how == "ack":
                row.state = "done"
                self.order.remove(name)
                ctx.emit("acked", message=name, receipt=receipt, queue="orders", consumer=worker)
            else:
                row.state = "pending"
                ctx.emit("returned", message=name, receipt=receipt, delay_us=0, consumer=worker)
        self._unlock(ctx)

    def _unlock(self, ctx: Ctx) -> None:
        """A lock is free: those who waited look again, in their order."""
        waiting, self.waiting = self.waiting, []
        for worker in waiting:
            self._take(worker, ctx)

    def _gone(self, worker: str, ctx: Ctx) -> None:
        """Its connection is closed: an open transaction is rolled back.  What it only marked stays marked."""
        self.waiting = [name for name in self.waiting if name != worker]
        if self._setup.take in ("for update", "skip locked"):
            for row in self.rows.values():
                if row.state == "taken" and row.worker == worker:
                    row.state = "pending"
                    ctx.emit("returned", message=row.message.id, receipt=row.receipt, delay_us=0, consumer=worker)
            self._unlock(ctx)

    # -- time --------------------------------------------------------------------------------------------------

    def on_timer(self, name: str, ctx: Ctx) -> None:
        kind, _, rest = name.partition(" ")
        if kind == "commit":
            self._commit(rest, ctx)
        elif kind == "notify":
            self._notifying = False
            self._wake(ctx)
        else:
            states = [self.rows[name].state for name in self.order]
            ctx.gauge("depth", states.count("pending"))
            ctx.gauge("in_flight", states.count("taken"))
            ctx.gauge("rows_done", len(self.rows) - len(self.order))
            oldest = ctx.now - self.rows[self.order[0]].message.time_us if self.order else 0
            ctx.gauge("oldest_age_ms", oldest / 1_000)
            ctx.gauge("arrival_rate", self._arrived * 1_000_000 / SAMPLE_US)
            ctx.gauge("service_rate", self._settled * 1_000_000 / SAMPLE_US)
            self._arrived = self._settled = 0
            if not self.drained:
                ctx.set_timer("sample", SAMPLE_US)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        raise ActionError("a table as a queue has no broker to restart; use Crash and Restart on the database")

    def look(self) -> Look:
        states = [self.rows[name].state for name in self.order]
        pending, taken = states.count("pending"), states.count("taken")
        return Look("store", "T", 1, f"{pending} rows pending, {taken} taken, {self.statements} statements")

    def label(self, msg: Any) -> str:
        match msg:
            case Handout():
                return f"row {msg.delivery.message.id}"
            case Found():
                return f"pending: {msg.id}"
            case Confirm():
                return f"commit {msg.id}"
        return type(msg).__name__.lower()


class Poller(Consumer):
    """A worker that asks for rows: at once after each one, else every `poll_ms`, or when it is woken."""

    def _join(self, ctx: Ctx) -> None:
        """Workers that one deployment started ask in step, which is when two of them see the same row."""
        ctx.set_timer("poll", 1_000 * self._setup.poll_ms)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if self.down:
            return
        match msg:
            case Found():
                ctx.send("broker", Asked("take", msg.id))
            case Nothing():
                if not msg.over:
                    ctx.set_timer("poll", 1_000 * self._setup.poll_ms)
            case Wake():
                if not self.tasks and not self.buffer:
                    self._poll(ctx)
            case Closed():
                self._join(ctx)
            case _:
                super().on_message(src, msg, ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "poll" and not self.down:
            self._poll(ctx)
        else:
            super().on_timer(name, ctx)

    def _poll(self, ctx: Ctx) -> None:
        ctx.cancel_timer("poll")
        ctx.send("broker", Asked("select" if self._setup.take == "naive" else "next"))

    def _end(self, task: Task, ctx: Ctx) -> None:
        super()._end(task, ctx)
        if not self.tasks and not self.down:
            self._poll(ctx)

    def _forget(self, ctx: Ctx) -> None:
        super()._forget(ctx)
        ctx.cancel_timer("poll")

    def label(self, msg: Any) -> str:
        return f"{msg.what} {msg.id}".strip() if isinstance(msg, Asked) else super().label(msg)
