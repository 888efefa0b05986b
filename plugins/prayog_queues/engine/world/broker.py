"""The broker as a node: it drives the pure `Model`, pushes what may be handed out, and answers.

Rules
1. A confirmation is sent when the message is as safe as the queues promise that got it: at once from memory, after the
   disk's sync (shared by all who wait for it), or after a majority has it.
2. Its machine's disk outlives it; connections, leases and what was in memory do not.
3. A crash is the end of its process, which its operating system outlives: what was written is written.  Only with a
   torn write (`torn`) a crash is the machine's, as `power_loss` always is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_queues.engine.model.broker import Model
from prayog_queues.engine.port import Refused, Stale, Unable
from prayog_queues.engine.setup import Setup, topology_of
from prayog_queues.engine.world.broker_disk import BrokerDisk
from prayog_queues.engine.world.by_hand import by_hand
from prayog_queues.engine.world.connections import Connections
from prayog_queues.engine.world.door import admission_of
from prayog_queues.engine.world.watch import SAMPLE_US, Watch
from prayog_queues.engine.world.wire import (
    Assigned,
    Beat,
    Bye,
    Closed,
    Confirm,
    Drained,
    Extend,
    Fetch,
    Handout,
    Made,
    Publish,
    Room,
    Settle,
    Subscribe,
)  # fmt: skip
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look

__all__ = ["BrokerNode"]

REAL_ONLY = ("run_job", "everywhere", "probe", "microscope", "stop_measuring")
"""Tools of the same bench that a simulated broker answers with a sentence."""


class BrokerNode(Node):
    """The broker of `setup` for these producers and consumers; `spares` are consumers that rest at first."""

    actions = (
        "bind", "unbind", "declare_queue", "declare_exchange", "redrive", "look_into", "restart_broker", "power_loss",
        "scale", "replay_from", *REAL_ONLY,
    )  # fmt: skip
    durable = ("_model", "made", "published", "torn")

    def __init__(
        self, setup: Setup, seed: int, producers: tuple[str, ...], consumers: tuple[str, ...], spares: tuple[str, ...]
    ) -> None:
        self._model = Model(
            topology_of(setup)[0], seed, admission=admission_of(setup, producers, (*consumers, *spares)),
            sync_us=1_000 * setup.sync_ms, cooperative=setup.rebalance == "cooperative", rebalance_us=500_000,
            variant=setup.engine, flushes=True,
        )  # fmt: skip
        self.holds: dict[str, int] = {}
        """Messages in each queue that are not settled."""
        self.made: dict[str, int] = {}
        self.published = 0
        self.torn = False
        """The next write will be torn by a crash."""
        self.down = False
        self.drained = False
        self.blocked: list[str] = []
        self.started = 0
        self.listening = False
        """Whether heartbeats are looked after."""
        self.armed = -1
        """When the model's next tick is set for (µs)."""
        self._links = Connections()
        self._disk = BrokerDisk()
        self._watch = Watch(setup, consumers, spares)
        self._setup = setup
        self._producers = producers

    def on_start(self, ctx: Ctx) -> None:
        self.started += 1
        ctx.emit("started")
        if self.started == 1:
            known = self._model.topology
            ctx.emit(
                "declared", queues=[[q.name, q.dead_letters, q.partitions] for q in known.queues],
                exchanges=[[x.name, x.kind] for x in known.exchanges],
                bindings=[[b.exchange, b.queue, b.pattern] for b in known.bindings],
            )  # fmt: skip
        if ctx.now > 0:
            self._recover(ctx, power=self.torn, torn=self.torn)
            self._call(ctx)
        self._arm(ctx)
        ctx.set_timer("sample", SAMPLE_US)

    def _recover(self, ctx: Ctx, *, power: bool, torn: bool) -> None:
        """What is left after the end of the process, or of the machine's power."""
        self._model.restart(ctx.now, power=power, torn=ctx.rng if torn else None)
        self.torn = False
        self._told(ctx)

    def _call(self, ctx: Ctx) -> None:
        """Everybody learns that their connection is gone."""
        for peer in ctx.peers:
            if peer[0] in "pw":
                ctx.send(peer, Closed())

    # -- messages ----------------------------------------------------------------------------------------------

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if self.down:
            return
        self._links.hear(src, ctx.now)
        try:
            self._take(src, msg, ctx)
        except Stale:
            pass  # the model has told it; the consumer goes on
        except Unable as error:
            ctx.note(str(error))
        self._after(ctx)

    def _take(self, src: str, msg: Any, ctx: Ctx) -> None:
        match msg:
            case Publish():
                self._publish(src, msg, ctx)
            case Settle():
                self._settle(src, msg, ctx)
            case Fetch():
                self._links.wants[src] = msg.most
            case Subscribe():
                try:
                    self._model.subscribe(
                        msg.queue, src, ctx.now, group=msg.group or msg.queue, password=msg.password
                    )
                except Refused as error:
                    ctx.emit("rejected", message="", why=error.why, by=src)
                    return
                self._links.join(src, msg, self._model)
            case Extend():
                for delivery in msg.deliveries:
                    try:
                        self._model.extend(delivery, src, ctx.now)
                    except Stale:
                        continue
            case Bye():
                self._gone(src, ctx)
            case Made():
                self.made[src] = msg.count
            case Beat():
                if src not in self._links.out:
                    ctx.send(src, Closed())

    def _publish(self, src: str, msg: Publish, ctx: Ctx) -> None:
        self._watch.count(ctx, arrived=1)
        self.drained = False
        confirms = self._setup.confirms
        model = self._model
        try:
            receipts = model.publish(msg.message, msg.to, ctx.now, client=src, password=msg.password, confirms=confirms)
        except Refused as error:
            if error.why == "full" and self._setup.full == "block" and src not in self.blocked:
                self.blocked.append(src)
            if confirms and src[0] == "p":
                ctx.send(src, Confirm(msg.message.id, error.why))
            return
        self.published += 1
        if not confirms or src[0] != "p":
            return
        if self._setup.engine == "confirms first":
            ctx.send(src, Confirm(msg.message.id))
            return
        kept = [model.queue(receipt.queue).spec.durability for receipt in receipts if receipt.queue in model.queues]
        self._disk.confirm(src, msg.message.id, kept, model.unflushed, ctx)

    def _settle(self, src: str, msg: Settle, ctx: Ctx) -> None:
        self._links.over(src, msg.delivery.receipt)
        self._watch.count(ctx, settled=1)
        match msg.how:
            case "ack":
                self._model.ack(msg.delivery, src, ctx.now)
            case "nack":
                self._model.nack(msg.delivery, src, ctx.now)
            case _:
                self._model.term(msg.delivery, src, msg.why or "refused", ctx.now)

    def _gone(self, consumer: str, ctx: Ctx) -> None:
        """Its connection is closed: what it held goes back."""
        if self._setup.engine != "never takes back":
            self._model.gone(consumer, ctx.now)
        self._links.leave(consumer)

    # -- handing out -------------------------------------------------------------------------------------------

    def _after(self, ctx: Ctx) -> None:
        self._push(ctx)
        self._told(ctx)
        if self.blocked and self._room():
            for producer in self.blocked:
                ctx.send(producer, Room(""))
            self.blocked.clear()
        if self._model.unflushed:
            self._disk.begin_sync(ctx)
        self.torn = ctx.disk.torn
        self.holds = {name: found.unfinished for name, found in self._model.queues.items()}
        self._arm(ctx)
        self._drain(ctx)

    def _room(self) -> bool:
        return all(found.has_room for found in self._model.queues.values() if found.spec.full == "block")

    def _push(self, ctx: Ctx) -> None:
        """Hand out what may be handed out."""
        for consumer, delivery in self._links.hand_out(self._model, ctx.now):
            if self._setup.heartbeat_ms and not self.listening:
                self.listening = True
                ctx.set_timer("hearts", 2_000 * self._setup.heartbeat_ms)
            self._disk.hand(consumer, delivery, self._model.spilled(delivery), ctx)

    def _told(self, ctx: Ctx) -> None:
        """Say what the model told; a hand-out that is over frees its consumer's credit."""
        for kind, data in self._model.told.drain():
            if kind in ("lease_expired", "returned", "stale_ack"):
                self._links.over(data["consumer"], data["receipt"])
            elif kind == "assigned" and data["consumer"] in ctx.peers:
                parts = tuple(data["partitions"])
                ctx.send(data["consumer"], Assigned(data["queue"], parts, data["generation"]))
            ctx.emit(kind, **data)

    def _arm(self, ctx: Ctx) -> None:
        due = self._model.due
        if due is not None and due != self.armed:
            ctx.set_timer("tick", max(due - ctx.now, 0))
            self.armed = due

    def _drain(self, ctx: Ctx) -> None:
        """When nothing waits and nothing will come, say so to the bank, which knows whether all is done."""
        if not self.drained and len(self.made) >= len(self._producers) and not self._model.unfinished:
            self.drained = True
            ctx.send("bank", Drained(sum(self.made.values())))

    # -- time --------------------------------------------------------------------------------------------------

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "up":
            self.down = False
            ctx.emit("started")
            self._call(ctx)
        elif self.down:
            return
        elif name == "tick":
            self.armed = -1
            self._model.tick(ctx.now)
        elif name in ("disk", "majority"):
            if name == "disk" and self._disk.sync(ctx):
                self._model.flush()
            self._disk.answer(name, ctx)
        elif name == "read":
            self._disk.read(self._links.out, ctx)
        elif name == "hearts":
            self._hearts(ctx)
        elif name == "sample":
            self._watch.sample(self._model, self.drained, ctx)
        self._after(ctx)

    def _hearts(self, ctx: Ctx) -> None:
        """Two heartbeats missing: the peer is considered unreachable (RabbitMQ, "Heartbeats")."""
        patience = 2_000 * self._setup.heartbeat_ms
        for consumer in self._links.silent(ctx.now, patience):
            ctx.note(f"nothing was heard of {consumer} for two heartbeats: its connection is closed")
            self._gone(consumer, ctx)
        quietest = self._links.quietest_us
        self.listening = quietest is not None
        if quietest is not None:
            ctx.set_timer("hearts", max(quietest + patience - ctx.now, 1))

    # -- by hand -----------------------------------------------------------------------------------------------

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        try:
            self._act(name, args, ctx)
        except Unable as error:
            raise ActionError(str(error)) from error
        if not self.down:
            self._after(ctx)

    def _act(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        if name in REAL_ONLY:
            raise ActionError(
                "That is done on real brokers; here everything is simulated. Open the scenario “Charged twice, for "
                "real”, look at the panel Real brokers, or press Reality check."
            )
        match name:
            case "redrive" | "replay_from":
                self.drained = False
                ctx.note(by_hand(self._model, self._setup, name, args, ctx.now))
            case "bind" | "unbind" | "declare_queue" | "declare_exchange":
                ctx.note(by_hand(self._model, self._setup, name, args, ctx.now))
            case "look_into":
                queue = str(args.get("queue") or self._model.topology.queues[0].name)
                found = self._model.peek(queue, 5)
                ctx.emit("looked", queue=queue, messages=[[m.id, n] for m, n in found])
                ctx.note("oldest: " + (", ".join(f"{m.id} (attempt {n})" for m, n in found) or "nothing"))
            case "scale":
                most = len(self._watch.every)
                count = int(args.get("consumers", most))
                if not 1 <= count <= most:
                    raise ActionError(f"there can be 1 to {most} consumers, not {count}")
                self._watch.scale(count, "by hand", self._model, ctx)
            case _:
                self._fall(ctx, power=name == "power_loss")

    def _fall(self, ctx: Ctx, *, power: bool) -> None:
        """The process ends and is started again."""
        ctx.emit("crashed", point="", how="power" if power else "process")
        self._recover(ctx, power=power, torn=power and ctx.disk.torn)
        ctx.disk.torn = ctx.disk.torn and not power
        self.down = True
        self._links = Connections()
        self._disk = BrokerDisk()
        self.blocked.clear()
        self.listening = False
        self.armed = -1
        for timer in ("tick", "disk", "majority", "read", "hearts"):
            ctx.cancel_timer(timer)
        ctx.set_timer("up", 1_000 * self._setup.restart_ms)

    def look(self) -> Look:
        if self.down:
            return Look("store", "B", 1, "the broker is starting again", "down")
        parts = []
        for name, found in self._model.queues.items():
            parts.append(f"{name}: {found.unfinished}")
        return Look("store", "B", 1, "holds " + (", ".join(parts) or "nothing"))

    def label(self, msg: Any) -> str:
        match msg:
            case Handout():
                again = f" (attempt {msg.delivery.attempt})" if msg.delivery.attempt > 1 else ""
                return f"{msg.delivery.message.id}{again}"
            case Confirm():
                return f"confirm {msg.id}" if not msg.why else f"refuse {msg.id}: {msg.why}"
        return type(msg).__name__.lower()


