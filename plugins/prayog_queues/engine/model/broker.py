"""The whole broker: queues and logs by name, exchanges in front of them, dead letters behind them.

Nothing here waits or looks at a clock: whoever drives it says what time it is, asks `due` when to come back, and calls
`tick` then.  What happened is in `told`.
"""

from __future__ import annotations

from dataclasses import replace

from prayog_queues.engine.envelope import Delivery, Message
from prayog_queues.engine.model.admission import Admission
from prayog_queues.engine.model.log import LogModel
from prayog_queues.engine.model.queue import QueueModel
from prayog_queues.engine.model.routing import route
from prayog_queues.engine.model.told import Told
from prayog_queues.engine.port import Binding, Exchange, Queue, QueueStats, Receipt, Refused, Stale, Topology, Unable
from prayog_sim.rng import Rng

__all__ = ["Model"]

LAZY_US = 120_000_000
"""JetStream syncs every two minutes where nothing else is said (NATS documentation, `sync_interval`)."""


class Model:
    """A broker that has `topology`; `sync_us` is how often lazy queues are synced."""

    def __init__(
        self, topology: Topology, seed: int = 0, *, admission: Admission | None = None,
        sync_us: int = LAZY_US, cooperative: bool = True, rebalance_us: int = 0, record: bool = True,
        variant: str = "", flushes: bool = False,
    ) -> None:  # fmt: skip
        self.told = Told(record)
        self.topology = Topology()
        self.queues: dict[str, QueueModel | LogModel] = {}
        self.admission = admission
        self.sync_us = sync_us
        self.synced_us = 0
        self._buried: list[tuple[str, Message]] = []
        """What queues put aside and nobody brought to its place yet."""
        self.groups: dict[tuple[str, str], str] = {}
        """Which group a consumer of a log belongs to."""
        self.variant = variant
        """A labelled fault (see `setup.BROKEN`), or nothing."""
        self.flushes = flushes
        """Whoever drives it calls `flush` for queues that sync before the answer."""
        self._seed = seed
        self._cooperative, self._rebalance_us = cooperative, rebalance_us
        self._exchanges: set[str] = set()
        """Names of exchanges: they come before queues of the same name (both may be called ``orders``)."""
        self.declare(topology)

    # -- what there is -----------------------------------------------------------------------------------------

    def declare(self, topology: Topology) -> None:
        """Make what is not there; dead-letter queues that nobody declared are plain ones."""
        queues, exchanges = list(self.topology.queues), list(self.topology.exchanges)
        known = {queue.name for queue in queues}
        named = [*topology.queues]
        given = {queue.name for queue in named} | known
        for queue in topology.queues:
            if queue.dead_letters and queue.dead_letters not in given:
                given.add(queue.dead_letters)
                named.append(Queue(queue.dead_letters, durability=queue.durability))
        for queue in named:
            if queue.name not in known:
                queues.append(queue)
                known.add(queue.name)
                rng = Rng.derive(self._seed, "queue", queue.name)
                self.queues[queue.name] = (
                    LogModel(
                        queue, self.told, self._buried, cooperative=self._cooperative, pause_us=self._rebalance_us,
                        variant=self.variant, flushes=self.flushes,
                    )
                    if queue.partitions
                    else QueueModel(queue, self.told, self._buried, rng, self.variant, self.flushes)
                )  # fmt: skip
        exchanges += [e for e in topology.exchanges if all(e.name != other.name for other in exchanges)]
        bindings = list(self.topology.bindings)
        bindings += [binding for binding in topology.bindings if binding not in bindings]
        self.topology = Topology(tuple(queues), tuple(exchanges), tuple(bindings))
        self._exchanges = {exchange.name for exchange in exchanges}

    def bind(self, exchange: str, queue: str, pattern: str) -> None:
        """Connect them.  Raises `Unable` when one of the two is not there."""
        if all(e.name != exchange for e in self.topology.exchanges):
            raise Unable(f"there is no exchange {exchange!r}; there are {self._names(self.topology.exchanges)}")
        self.queue(queue)
        self.declare(Topology(bindings=(Binding(exchange, queue, pattern),)))

    def unbind(self, exchange: str, queue: str, pattern: str) -> None:
        """Cut the connection.  Raises `Unable` when there is none."""
        gone = Binding(exchange, queue, pattern)
        if gone not in self.topology.bindings:
            raise Unable(f"{exchange} is not bound to {queue} with {pattern!r}")
        self.topology = replace(self.topology, bindings=tuple(b for b in self.topology.bindings if b != gone))

    def remove(self, topology: Topology) -> None:
        """Take queues and exchanges away, with everything in them."""
        queues = {queue.name for queue in topology.queues} | {q.dead_letters for q in topology.queues if q.dead_letters}
        exchanges = {exchange.name for exchange in topology.exchanges}
        for name in sorted(queues):
            self.queues.pop(name, None)
        self.topology = Topology(
            tuple(q for q in self.topology.queues if q.name not in queues),
            tuple(e for e in self.topology.exchanges if e.name not in exchanges),
            tuple(b for b in self.topology.bindings if b.queue not in queues and b.exchange not in exchanges),
        )
        self._exchanges -= exchanges

    def queue(self, name: str) -> QueueModel | LogModel:
        """The queue or log `name`.  Raises `Unable`."""
        if name not in self.queues:
            raise Unable(f"there is no queue {name!r}; there are {', '.join(self.queues) or 'none'}")
        return self.queues[name]

    def _names(self, things: tuple[Exchange, ...]) -> str:
        return ", ".join(thing.name for thing in things) or "none"

    # -- producers ---------------------------------------------------------------------------------------------

    def publish(
        self, message: Message, to: str, now: int, *, client: str = "", password: str = "", confirms: bool = True
    ) -> list[Receipt]:
        """Give it to an exchange or a queue: one receipt for each queue.  Raises `Refused`.

        With an exchange a message that fits no binding is dropped, and nobody is told: AMQP 0-9-1 does so unless the
        producer asks for it (`mandatory`).
        """
        if self.admission is not None:
            try:
                again = self.admission.publish(message, to, client, password, now)
            except Refused as error:
                self.told("rejected", message=message.id, why=error.why, by=client)
                raise
            if again:
                self.told("deduplicated", message=message.id, queue=to)
                return [Receipt(to, duplicate=True)]
        if to in self.queues and to not in self._exchanges:  # a queue by its name: the way of nearly all messages
            try:
                receipt = self.queues[to].publish(message, now)
            except Refused as error:
                self._not_taken(error, message, to, confirms)
                raise
            if self._buried:
                self._bury(now)
            return [receipt]
        names = route(self.topology, message, to)
        if not names:
            if all(exchange.name != to for exchange in self.topology.exchanges):
                raise Refused(f"there is no exchange and no queue {to!r}", "unroutable")
            self.told("dropped", message=message.id, queue="", why="unroutable", told=False)
            return []
        receipts, refused = [], None
        for name in names:
            try:
                receipts.append(self.queues[name].publish(message, now))
            except Refused as error:
                refused = error
                self._not_taken(error, message, name, confirms)
        self._bury(now)
        if refused is not None:
            raise refused
        return receipts

    def _not_taken(self, error: Refused, message: Message, queue: str, confirms: bool) -> None:
        """Where new ones are dropped, nobody learns of it unless the producer waits for a confirmation.

        The door let it in and must let it in again: who sends it once more replays nothing.
        """
        if self.admission is not None:
            self.admission.forget(message.id)
        if error.why == "full" and self.queues[queue].spec.full == "drop new":
            self.told("dropped", message=message.id, queue=queue, why="full", told=confirms)

    # -- consumers ---------------------------------------------------------------------------------------------

    def subscribe(self, queue: str, consumer: str, now: int, *, group: str = "", password: str = "") -> None:
        """`consumer` begins to take from `queue`.  Raises `Unable`, `Refused` (``denied``)."""
        if self.admission is not None:
            self.admission.subscribe(queue, consumer, password)
        found = self.queue(queue)
        if isinstance(found, LogModel):
            self.groups[queue, consumer] = group
            found.join(group, consumer, now)
        elif consumer not in found.consumers:
            found.consumers.append(consumer)

    def gone(self, consumer: str, now: int) -> None:
        """The connection of `consumer` is closed."""
        for name, found in self.queues.items():
            if isinstance(found, QueueModel):
                found.gone(consumer, now)
            elif (name, consumer) in self.groups:
                found.leave(self.groups.pop((name, consumer)), consumer, now)
        self._bury(now)

    def rename(self, consumer: str, name: str) -> None:
        """A client came again on a new connection; what it was handed on the old one is held under `name`."""
        for found in self.queues.values():
            if isinstance(found, QueueModel):
                for receipt, (seq, who, until) in list(found.leases.items()):
                    if who == consumer:
                        found.leases[receipt] = (seq, name, until)

    def fetch(self, queue: str, consumer: str, most: int, now: int) -> list[Delivery]:
        """Up to `most` messages for `consumer`."""
        found = self.queues.get(queue) or self.queue(queue)
        if isinstance(found, QueueModel):
            return found.take(consumer, most, now) if found.ready else []
        group = self.groups.get((queue, consumer))
        return found.take(group, consumer, most, now) if group is not None else []

    def offers(self, queue: str) -> bool:
        """Whether a `fetch` from it may find something."""
        found = self.queues.get(queue)
        return not isinstance(found, QueueModel) or bool(found.ready)

    def spilled(self, delivery: Delivery) -> bool:
        """Whether it has to be read from the disk before it can be sent; from then on it is in memory."""
        found = self.queues.get(delivery.queue)
        return isinstance(found, QueueModel) and found.load(delivery.receipt)

    def ack(self, delivery: Delivery, consumer: str, now: int) -> None:
        """Done.  A late one is told as such, and raises `Stale` where it does not count."""
        found = self.queues.get(delivery.queue) or self.queue(delivery.queue)
        name, receipt, told = delivery.message.id, delivery.receipt, self.told
        try:
            late = found.ack(receipt, consumer)
        except Stale:
            told("stale_ack", message=name, receipt=receipt, accepted=False, consumer=consumer)
            raise
        if late:
            told("stale_ack", message=name, receipt=receipt, accepted=True, consumer=consumer)
        if told.on:
            data = {"message": name, "receipt": receipt, "queue": delivery.queue, "consumer": consumer}
            told.log.append(("acked", data))

    def nack(self, delivery: Delivery, consumer: str, now: int, delay_us: int = 0) -> None:
        """Not done.  Raises `Stale`."""
        found = self.queue(delivery.queue)
        if isinstance(found, QueueModel):
            _, waits = found.nack(delivery.receipt, delay_us, now)
        else:
            waits = found.nack(delivery, consumer, now)
        if waits >= 0:
            self.told(
                "returned", message=delivery.message.id, receipt=delivery.receipt, delay_us=waits, consumer=consumer
            )  # fmt: skip
        self._bury(now)

    def term(self, delivery: Delivery, consumer: str, reason: str, now: int) -> None:
        """Never again.  Raises `Stale`."""
        found = self.queue(delivery.queue)
        if isinstance(found, QueueModel):
            found.term(delivery.receipt, reason, now)
        else:
            found.term(delivery, consumer, reason, now)
        self._bury(now)

    def extend(self, delivery: Delivery, consumer: str, now: int) -> Delivery:
        """Still at work.  Raises `Stale`."""
        found = self.queue(delivery.queue)
        if isinstance(found, LogModel):
            return delivery
        _, until = found.extend(delivery.receipt, now)
        self.told(
            "extended", message=delivery.message.id, receipt=delivery.receipt, lease_us=found.spec.lease_us,
            consumer=consumer,
        )  # fmt: skip
        return delivery._replace(lease_until_us=until)

    # -- dead letters ------------------------------------------------------------------------------------------

    def _bury(self, now: int) -> None:
        """Bring what was put aside to where it belongs; a dead-letter queue may bury in its turn."""
        while self._buried:
            buried = self._buried.copy()
            self._buried.clear()
            for to, message in buried:
                if to not in self.queues or _circles(message, to):
                    why = "cycle" if to in self.queues else "unroutable"
                    self.told("dropped", message=message.id, queue=to, why=why, told=False)
                else:
                    self.queues[to].publish(replace(message, dedup_id=""), now, refusable=False)

    def redrive(self, queue: str, now: int, message_id: str = "") -> int:
        """Send dead letters (or one of them) back to where they died last; returns how many."""
        found = self.queue(queue)
        if isinstance(found, LogModel):
            raise Unable(f"{queue} is a log: read it again from where you like instead")
        letters = [m for m, _ in found.peek(1_000_000) if m.deaths and message_id in ("", m.id)]
        for home in {message.deaths[-1].queue for message in letters}:
            self.queue(home)  # before anything is moved: one whose home is gone stays where it is
        count = 0
        for letter in letters:
            message = found.remove(letter.id)
            if message is None:
                continue
            home = message.deaths[-1].queue
            self.told("redriven", message=message.id, queue=home, deaths=len(message.deaths))
            self.queue(home).publish(replace(message, dedup_id=""), now, refusable=False)
            count += 1
        return count

    # -- time --------------------------------------------------------------------------------------------------

    @property
    def due(self) -> int | None:
        """When `tick` has something to do (µs); None: nothing will come by itself."""
        heads = [at for found in self.queues.values() if (at := found.due) is not None]
        if any(found.dirty and found.kept == "lazy" for found in self.queues.values()):
            heads.append((self.synced_us // self.sync_us + 1) * self.sync_us)
        return min(heads) if heads else None

    def tick(self, now: int) -> None:
        """Do what is due by `now`."""
        if now // self.sync_us > self.synced_us // self.sync_us:
            self.sync(now)
        for found in self.queues.values():
            found.tick(now)
            if isinstance(found, LogModel):
                found.resume(now)
        self._bury(now)

    def sync(self, now: int) -> None:
        """Let the disk take what was written lazily."""
        self.synced_us = now
        for found in self.queues.values():
            if found.kept == "lazy":
                found.sync()

    @property
    def unflushed(self) -> bool:
        """Something was written that a sync before the answer should make safe."""
        return any(found.dirty and found.kept == "flushed" for found in self.queues.values())

    def flush(self) -> None:
        """The disk has synced what has to be synced before the answer."""
        for found in self.queues.values():
            if found.kept == "flushed":
                found.sync()

    def restart(self, now: int, *, power: bool, torn: Rng | None = None) -> None:
        """The process ended (`power`: the machine lost power) and is back; everybody has to come again.

        `torn`: the last write was torn by it; draws where.
        """
        self.groups.clear()
        for found in list(self.queues.values()):
            for message in found.restart(power, now, torn):
                if self.admission is not None:
                    self.admission.forget(message.id)
        self._bury(now)

    # -- looking -----------------------------------------------------------------------------------------------

    def peek(self, queue: str, most: int = 50) -> list[tuple[Message, int]]:
        """The messages in it with their attempts; nothing is changed."""
        return self.queue(queue).peek(most)

    def stats(self, queue: str, now: int) -> QueueStats:
        """How full it is; ``dead`` counts its dead-letter queue."""
        found = self.queue(queue)
        stats = found.stats(now)
        letters = self.queues.get(found.spec.dead_letters)
        return replace(stats, dead=letters.unfinished) if letters is not None else stats

    @property
    def unfinished(self) -> int:
        """Messages that still have to be handled; dead letters wait for a person and do not count."""
        dead = {queue.dead_letters for queue in self.topology.queues}
        return sum(found.unfinished for name, found in self.queues.items() if name not in dead)


def _circles(message: Message, to: str) -> bool:
    """Whether it only goes round: it died in `to` before, and nobody refused it since (RabbitMQ, "Dead Letter
    Exchanges": such a cycle ends by dropping it)."""
    queues = [death.queue for death in message.deaths]
    if to not in queues:
        return False
    since = len(queues) - 1 - queues[::-1].index(to)
    return all(death.reason in ("expired", "full") for death in message.deaths[since:])
