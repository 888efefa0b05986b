"""The broker as a node: it drives the pure `Model`, pushes what may be handed out, and answers.

Rules
1. A confirmation is sent when the message is as safe as the queue promises: at once from memory, after the disk's sync
   (shared by all who wait for it), or after a majority has it.
2. Its machine's disk outlives it; connections, leases and what was in memory do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_queues.engine.envelope import Delivery
from prayog_queues.engine.model.broker import Model
from prayog_queues.engine.port import Refused, Stale, Unable
from prayog_queues.engine.setup import Setup, topology_of
from prayog_queues.engine.world.by_hand import by_hand
from prayog_queues.engine.world.door import admission_of
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
    Scale,
    Settle,
    Subscribe,
)  # fmt: skip
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look

__all__ = ["BrokerNode"]

REAL_ONLY = ("run_job", "everywhere", "probe", "microscope", "stop_measuring")
"""Tools of the same bench that a simulated broker answers with a sentence."""

SYNC_US = 2_000
"""One sync of an ordinary SSD; everybody who waits for it shares it (group commit)."""
MAJORITY_US = 4_000
"""A sync, and the way to another server and back."""
SAMPLE_US = 250_000
QUIET = 120
"""After so many samples without a message in or out nothing is sampled until one comes: a run that is stuck ends."""
SCALE_US = 1_000_000


class BrokerNode(Node):
    """The broker of `setup` for these producers and consumers; `spares` are consumers that rest at first."""

    actions = (
        "bind", "unbind", "declare_queue", "declare_exchange", "redrive", "look_into", "restart_broker", "power_loss",
        "scale", "replay_from", *REAL_ONLY,
    )  # fmt: skip
    durable = ("_model", "made", "published")

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
        self.down = False
        self.drained = False
        self.out: dict[str, dict[str, Delivery]] = {}
        """What each consumer has in hand, by receipt."""
        self.credit: dict[str, int] = {}
        self.wants: dict[str, int] = {}
        self.queues: dict[str, list[str]] = {}
        """Who takes from a queue, whose turn is next in front."""
        self.heard: dict[str, int] = {}
        self.last: dict[str, int] = {}
        """When each was heard, now and the time before."""
        self.blocked: list[str] = []
        self.unsynced: list[tuple[str, str]] = []
        """Confirmations that wait for the disk: (producer, message id)."""
        self.working = list(consumers)
        self.started = 0
        self.quiet = 0
        self.syncing = False
        self.listening = False
        """Whether heartbeats are looked after."""
        self.armed = -1
        """When the model's next tick is set for (µs)."""
        self._arrived = self._settled = 0
        self._setup = setup
        self._producers, self._consumers, self._spares = producers, consumers, spares

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
            self._model.restart(ctx.now, power=False)
            self._told(ctx)
            self._call(ctx)
        self._arm(ctx)
        ctx.set_timer("sample", SAMPLE_US)

    def _call(self, ctx: Ctx) -> None:
        """Everybody learns that their connection is gone."""
        for peer in ctx.peers:
            if peer[0] in "pw":
                ctx.send(peer, Closed())

    # -- messages ----------------------------------------------------------------------------------------------

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if self.down:
            return
        self.last[src] = self.heard.get(src, 0)
        self.heard[src] = ctx.now
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
                self.wants[src] = msg.most
            case Subscribe():
                try:
                    self._model.subscribe(
                        msg.queue, src, ctx.now, group=msg.group or msg.queue, password=msg.password
                    )
                except Refused as error:
                    ctx.emit("rejected", message="", why=error.why, by=src)
                    return
                self.credit[src] = msg.credit
                self._old_connection(src)
                self.out[src] = {}
                takers = self.queues.setdefault(msg.queue, [])
                if src not in takers:
                    takers.append(src)
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
                if src not in self.out:
                    ctx.send(src, Closed())

    def _old_connection(self, src: str) -> None:
        """Whoever comes again has a new connection; of the old one nobody knows yet that it is dead."""
        if self.out.get(src):
            old = f"{src} (connection {sum(name.startswith(src + ' ') for name in self.out) + 1})"
            self._model.rename(src, old)
            self.out[old] = self.out[src]
            self.heard[old] = self.last.get(src, 0)

    def _publish(self, src: str, msg: Publish, ctx: Ctx) -> None:
        self._arrived += 1
        self.drained = False
        self._stir(ctx)
        confirms = self._setup.confirms
        try:
            self._model.publish(msg.message, msg.to, ctx.now, client=src, password=msg.password, confirms=confirms)
        except Refused as error:
            if error.why == "full" and self._setup.full == "block" and src not in self.blocked:
                self.blocked.append(src)
            if confirms and src[0] == "p":
                ctx.send(src, Confirm(msg.message.id, error.why))
            return
        self.published += 1
        if not confirms or src[0] != "p":
            return
        durability = self._durability()
        at_once = durability in ("memory", "lazy") or (durability == "synced" and not self._model.unflushed)
        if at_once or self._setup.engine == "confirms first":
            ctx.send(src, Confirm(msg.message.id))
            return
        if durability == "replicated" and not self.unsynced:
            ctx.set_timer("majority", MAJORITY_US)
        self.unsynced.append((src, msg.message.id))

    def _durability(self) -> str:
        queues = self._model.topology.queues
        return queues[0].durability if queues else "memory"

    def _settle(self, src: str, msg: Settle, ctx: Ctx) -> None:
        self.out.get(src, {}).pop(msg.delivery.receipt, None)
        self._settled += 1
        self._stir(ctx)
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
        self.out.pop(consumer, None)
        self.credit.pop(consumer, None)
        self.wants.pop(consumer, None)
        for takers in self.queues.values():
            if consumer in takers:
                takers.remove(consumer)

    # -- handing out -------------------------------------------------------------------------------------------

    def _after(self, ctx: Ctx) -> None:
        self._push(ctx)
        self._told(ctx)
        if self.blocked and self._room():
            for producer in self.blocked:
                ctx.send(producer, Room(""))
            self.blocked.clear()
        if self._model.unflushed and not self.syncing:
            self.syncing = True
            ctx.set_timer("disk", SYNC_US)
        self.holds = {name: found.unfinished for name, found in self._model.queues.items()}
        self._arm(ctx)
        self._drain(ctx)

    def _room(self) -> bool:
        return all(
            found.unfinished < found.spec.capacity
            for found in self._model.queues.values()
            if found.spec.capacity and found.spec.full == "block"
        )

    def _push(self, ctx: Ctx) -> None:
        """Each consumer in its turn gets one, as long as it may have more."""
        for queue, takers in self.queues.items():
            idle = 0
            while takers and idle < len(takers):
                consumer = takers[0]
                takers.append(takers.pop(0))
                free = self.credit.get(consumer, 0) - len(self.out.get(consumer, ()))
                wanted = self.wants.get(consumer, 0)
                found = self._model.fetch(queue, consumer, 1, ctx.now) if free > 0 or wanted > 0 else []
                if not found:
                    idle += 1
                    continue
                idle = 0
                if wanted:
                    self.wants[consumer] = wanted - 1
                self.out[consumer][found[0].receipt] = found[0]
                if self._setup.heartbeat_ms and not self.listening:
                    self.listening = True
                    ctx.set_timer("hearts", 2_000 * self._setup.heartbeat_ms)
                ctx.send(consumer, Handout(found[0]))

    def _told(self, ctx: Ctx) -> None:
        """Say what the model told; a hand-out that is over frees its consumer's credit."""
        for kind, data in self._model.told.drain():
            if kind in ("lease_expired", "returned", "stale_ack"):
                self.out.get(data["consumer"], {}).pop(data["receipt"], None)
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
            if name == "disk":
                self._sync(ctx)
            for producer, message in self.unsynced:
                ctx.send(producer, Confirm(message))
            self.unsynced.clear()
        elif name == "hearts":
            self._hearts(ctx)
        elif name == "sample":
            self._sample(ctx)
        self._after(ctx)

    def _sync(self, ctx: Ctx) -> None:
        """One sync for all that was written meanwhile (group commit).  A disk may lie about it: `losesync`."""
        self.syncing = False
        lied = ctx.disk.losesync
        ctx.disk.fsync("queues")
        if not lied:
            self._model.flush()

    def _hearts(self, ctx: Ctx) -> None:
        """Two heartbeats missing: the peer is considered unreachable (RabbitMQ, "Heartbeats")."""
        patience = 2_000 * self._setup.heartbeat_ms
        for consumer in list(self.out):
            if self.out[consumer] and ctx.now - self.heard.get(consumer, 0) >= patience:
                ctx.note(f"nothing was heard of {consumer} for two heartbeats: its connection is closed")
                self._gone(consumer, ctx)
        holding = [self.heard.get(consumer, 0) for consumer, held in self.out.items() if held]
        self.listening = bool(holding)
        if holding:
            ctx.set_timer("hearts", max(min(holding) + patience - ctx.now, 1))

    def _sample(self, ctx: Ctx) -> None:
        depth = flight = 0
        oldest = 0
        dead = {queue.dead_letters for queue in self._model.topology.queues}
        for name in self._model.queues:
            if name in dead:
                continue
            stats = self._model.stats(name, ctx.now)
            depth, flight, oldest = depth + stats.ready, flight + stats.leased, max(oldest, stats.oldest_us)
        ctx.gauge("depth", depth)
        ctx.gauge("in_flight", flight)
        ctx.gauge("oldest_age_ms", oldest / 1_000)
        if self._setup.kind == "log":
            ctx.gauge("lag", depth + flight)
        ctx.gauge("arrival_rate", self._arrived * 1_000_000 / SAMPLE_US)
        ctx.gauge("service_rate", self._settled * 1_000_000 / SAMPLE_US)
        self.quiet = 0 if self._arrived or self._settled else self.quiet + 1
        self._arrived = self._settled = 0
        if not self.drained and self.quiet < QUIET:
            ctx.set_timer("sample", SAMPLE_US)
        if self._setup.autoscale != "off" and ctx.now % SCALE_US == 0:
            self._scale_by(ctx, depth, oldest)

    def _stir(self, ctx: Ctx) -> None:
        """Something happens again."""
        if self.quiet >= QUIET:
            self.quiet = 0
            ctx.set_timer("sample", SAMPLE_US)

    def _scale_by(self, ctx: Ctx, depth: int, oldest: int) -> None:
        """By depth: so many that each has `scale_at` before it (as KEDA does); by age: one more while it is above.

        Fewer only one at a time, and never fewer than at the beginning.
        """
        by_depth = self._setup.autoscale == "depth"
        at, working = self._setup.scale_at, len(self.working)
        why = f"{depth} wait" if by_depth else f"the oldest waits for {oldest / 1_000:g} ms"
        every = [*self._consumers, *self._spares]
        wanted = -(-depth // at) if by_depth else working + (1 if oldest > 1_000 * at else -(oldest < 250 * at))
        wanted = min(max(wanted, working - 1, len(self._consumers)), len(every))
        if wanted != working:
            self._set_working(ctx, every[:wanted], why)

    def _set_working(self, ctx: Ctx, working: list[str], why: str) -> None:
        for name in (*self._consumers, *self._spares):
            if (name in working) != (name in self.working):
                ctx.send(name, Scale(name in working))
        self.working = working
        ctx.emit("scaled", queue=self._model.topology.queues[0].name, consumers=len(working), why=why)

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
                every = [*self._consumers, *self._spares]
                count = int(args.get("consumers", len(every)))
                if not 1 <= count <= len(every):
                    raise ActionError(f"there can be 1 to {len(every)} consumers, not {count}")
                self._set_working(ctx, every[:count], "by hand")
            case _:
                self._fall(ctx, power=name == "power_loss")

    def _fall(self, ctx: Ctx, *, power: bool) -> None:
        """The process ends and is started again."""
        ctx.emit("crashed", point="", how="power" if power else "process")
        self._model.restart(ctx.now, power=power)
        self._told(ctx)
        self.down = True
        self.out.clear()
        self.credit.clear()
        self.wants.clear()
        self.queues.clear()
        self.blocked.clear()
        self.unsynced.clear()
        self.syncing = self.listening = False
        self.armed = -1
        for timer in ("tick", "disk", "majority", "hearts"):
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


