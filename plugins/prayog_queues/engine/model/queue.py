"""One queue: messages wait, are leased to a consumer, and are gone once acknowledged.

Rules
1. A hand-out is a lease, not ownership.  It ends with an acknowledgement, a refusal, its time, or its consumer.
2. Each hand-out has a receipt of its own; when the queue is fenced only the newest one counts.  (Amazon SQS: "the
   receipt handle is associated with a specific instance of receiving the message"; Google Pub/Sub, exactly-once: only
   the latest acknowledgement id; JetStream took the late one: nats-server #4786.)
3. A message that comes back stands where it stood (RabbitMQ, "Consumer Acknowledgements": requeued to its original
   position, if possible), unless it has to wait.
4. `peek` changes nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from heapq import heappop, heappush

from prayog_queues.engine.envelope import Death, Delivery, Message
from prayog_queues.engine.model.journal import Item, Journal
from prayog_queues.engine.model.keeping import how_kept
from prayog_queues.engine.model.told import Told
from prayog_queues.engine.model.window import Window
from prayog_queues.engine.port import Queue, QueueStats, Receipt, Refused, Stale
from prayog_sim.rng import Rng

__all__ = ["QueueModel"]


Lease = tuple[int, str, int | None]
"""Whose item (its seq), to which consumer, until when (µs; None: not by time)."""
Buried = tuple[str, Message]
"""A message that is put aside, and the queue for it ("" where there is none)."""


class QueueModel:
    """The queue `spec` with everything in it.

    `told` hears what happens, `buried` gets what is put aside and where it belongs, `rng` draws the jitter.
    """

    def __init__(
        self, spec: Queue, told: Told, buried: list[Buried], rng: Rng, variant: str = "", flushes: bool = False
    ) -> None:
        self.spec = spec
        self.variant = variant
        self.kept = how_kept(spec.durability, variant, flushes)
        self.told = told
        self.rng = rng
        self.items: dict[int, Item] = {}
        self.leases: dict[str, Lease] = {}
        self.consumers: list[str] = []
        """Who takes from it, in the order in which they came; with a single active one it is the first."""
        self.buried = buried
        self.ready: list[tuple[int, int]] = []
        """Heap of (−priority, seq) of what may be handed out; some may be gone meanwhile."""
        self._delayed: list[tuple[int, int]] = []
        self._ends: deque[tuple[int, str]] = deque()
        """Ends of leases, the next in front: all are equally long, so they end in the order in which they begin."""
        self._expiring: list[tuple[int, int]] = []
        self._busy: dict[str, int] = {}
        self._behind: dict[str, list[tuple[int, int]]] = {}
        self._past: dict[str, int] = {}
        self._window = Window(spec.dedup_us)
        self._journal = Journal()
        self._seq = self._outs = 0
        self._receipt = Receipt(spec.name)
        self._safe = self.kept == "safe"
        self._writes = self.kept in ("lazy", "flushed")
        self.dirty = False
        """Something was written that a loss of power would undo."""

    # -- coming in ---------------------------------------------------------------------------------------------

    def publish(self, message: Message, now: int, *, refusable: bool = True) -> Receipt:
        """Store it; raises `Refused` (``full``), except for what may not be refused (a dead letter)."""
        spec, told = self.spec, self.told
        if spec.dedup_us and message.dedup_id:
            if self._window.knows(message.dedup_id, now):
                told("deduplicated", message=message.id, queue=spec.name)
                return Receipt(spec.name, duplicate=True)
            self._window.add(message.dedup_id, now)
        spilled = False
        if spec.capacity and refusable and len(self.items) >= spec.capacity:
            spilled = self._full(message, now)
        self._seq += 1
        seq, ttl, expires = self._seq, message.ttl_us, None
        if spec.ttl_us is not None:
            ttl = spec.ttl_us if ttl is None else min(spec.ttl_us, ttl)
        if ttl is not None:
            expires = now + ttl
        item = self.items[seq] = Item(seq, message, now, expires, self._safe, spilled)
        if self._writes:
            self._journal.fresh.append((item, True))
            self.dirty = True
        heappush(self.ready, (-message.priority if spec.priorities else 0, seq))
        if expires is not None:
            heappush(self._expiring, (expires, item.seq))
        if told.on:
            data = {
                "message": message.id, "key": message.key, "number": message.number, "queue": spec.name, "position": -1,
            }  # fmt: skip
            told.log.append(("stored", data))
        if spilled:
            told("spilled", message=message.id, queue=spec.name)
        return self._receipt

    def _full(self, message: Message, now: int) -> bool:
        """What happens at the brim; True: the new one goes to disk."""
        spec = self.spec
        if spec.full == "spill":
            return True
        if spec.full == "drop old":  # RabbitMQ, "Queue Length Limit": drop-head, dead-lettered where that is configured
            oldest = next((item for item in self.items.values() if not item.receipt), None)
            if oldest is not None:
                self._remove(oldest)
                self._bury(oldest, "full", now)
                return False
        self._window.forget(message.dedup_id)
        word = "is full" if spec.full != "block" else "is full; wait until there is room"
        raise Refused(f"the queue {spec.name} {word} ({spec.capacity} messages)", "full")

    # -- going out ---------------------------------------------------------------------------------------------

    def take(self, consumer: str, most: int, now: int) -> list[Delivery]:
        """Up to `most` messages that may be handed out now."""
        spec = self.spec
        if spec.single_active and self.consumers and consumer != self.consumers[0]:
            return []
        found: list[Delivery] = []
        ready, items, name, lease = self.ready, self.items, spec.name, spec.lease_us
        while ready and len(found) < most:
            place = heappop(ready)
            item = items.get(place[1])
            if item is None or item.receipt:
                continue
            message = item.message
            if spec.by_key:
                holder = self._busy.setdefault(message.key, item.seq)
                if holder != item.seq:
                    heappush(self._behind.setdefault(message.key, []), place)
                    continue
            self._outs += 1
            item.receipt = receipt = f"{name}#{self._outs}"
            item.attempts += 1
            until = None
            if lease:
                until = now + lease
                self._ends.append((until, receipt))
            self.leases[receipt] = (place[1], consumer, until)
            found.append(Delivery(message, name, receipt, item.attempts, -1, until))
        return found

    def load(self, receipt: str) -> bool:
        """Bring it from the disk into memory; False: it was there."""
        item = self.items[self.leases[receipt][0]]
        spilled, item.spilled = item.spilled, False
        return spilled

    def ack(self, receipt: str, consumer: str) -> bool:
        """Done.  Raises `Stale` for a hand-out that is over; True: a queue without fences took it all the same."""
        lease = self.leases.pop(receipt, None)
        if lease is None:
            item = self._settle(receipt, late=not self.spec.fenced)
        else:
            item = self.items[lease[0]]
            item.receipt = ""
        self._remove(item)
        if self._writes:
            self._journal.fresh.append((item, False))
            self.dirty = True
        return lease is None

    def nack(self, receipt: str, delay_us: int, now: int) -> tuple[Item, int]:
        """Not done; returns the item and how long it waits now (µs; −1: it was put aside)."""
        return self._back(self._settle(receipt), delay_us, now)

    def term(self, receipt: str, reason: str, now: int) -> Item:
        """Put it aside."""
        item = self._settle(receipt)
        self._remove(item)
        self._bury(item, reason, now)
        return item

    def extend(self, receipt: str, now: int) -> tuple[Item, int | None]:
        """The lease begins anew; returns until when."""
        if receipt not in self.leases:
            raise _stale(receipt)
        seq, consumer, _ = self.leases[receipt]
        until = now + self.spec.lease_us if self.spec.lease_us else None
        self.leases[receipt] = (seq, consumer, until)
        if until is not None:
            self._ends.append((until, receipt))
        return self.items[seq], until

    def _settle(self, receipt: str, late: bool = False) -> Item:
        lease = self.leases.pop(receipt, None)
        if lease is None:
            known = self.late(receipt) if late else None
            if known is None:
                raise _stale(receipt)
            if known.receipt:
                self._past[known.receipt] = known.seq
                del self.leases[known.receipt]
            item = known
        else:
            item = self.items[lease[0]]
        item.receipt = ""
        return item

    def late(self, receipt: str) -> Item | None:
        """The message of a hand-out whose lease ran out, if it is still here."""
        return self.items.get(self._past.get(receipt, -1))

    # -- coming back -------------------------------------------------------------------------------------------

    def _back(self, item: Item, delay_us: int, now: int) -> tuple[Item, int]:
        """It may be handed out again, after a wait; or it was tried often enough."""
        spec = self.spec
        if spec.attempts and item.attempts >= spec.attempts:
            self._remove(item)
            self._bury(item, "attempts", now)
            return item, -1
        if item.expires_us is not None and item.expires_us <= now:
            self._expire(item, now)
            return item, -1
        delay = delay_us or self._wait(item.attempts)
        place = (-item.message.priority if spec.priorities else 0, item.seq)
        if delay:  # its key stays busy: what comes after it must not overtake it
            heappush(self._delayed, (now + delay, item.seq))
        elif self.variant == "requeues behind":
            self._remove(item)
            self._seq += 1
            item.seq = self._seq
            self.items[item.seq] = item
            heappush(self.ready, (0, item.seq))
        else:
            heappush(self.ready, place)
        return item, delay

    def _wait(self, attempts: int) -> int:
        """Exponential backoff, of which a share is random (M. Brooker, "Exponential Backoff And Jitter", AWS 2015)."""
        spec = self.spec
        if not spec.backoff_us:
            return 0
        full = spec.backoff_us << min(attempts - 1, 10)
        return round(full * (1.0 - spec.jitter * self.rng.random()))

    def gone(self, consumer: str, now: int) -> None:
        """Its connection is closed: all that it holds goes back at once."""
        if consumer in self.consumers:
            self.consumers.remove(consumer)
        for receipt in [r for r, (_, who, _) in self.leases.items() if who == consumer]:
            seq, _, _ = self.leases.pop(receipt)
            self._past[receipt] = seq
            item = self.items[seq]
            item.receipt = ""
            self.told("returned", message=item.message.id, receipt=receipt, delay_us=0, consumer=consumer)
            self._back(item, 0, now)

    def tick(self, now: int) -> None:
        """Do what is due: leases that end, waits that are over, messages whose time to live is over."""
        while self._ends and self._ends[0][0] <= now:
            until, receipt = self._ends.popleft()
            lease = self.leases.get(receipt)
            if lease is None or lease[2] != until:
                continue
            seq, consumer, _ = self.leases.pop(receipt)
            self._past[receipt] = seq
            item = self.items[seq]
            item.receipt = ""
            name = self.spec.name
            self.told("lease_expired", message=item.message.id, receipt=receipt, queue=name, consumer=consumer)
            self._back(item, 0, now)
        while self._delayed and self._delayed[0][0] <= now:
            _, seq = heappop(self._delayed)
            waiting = self.items.get(seq)
            if waiting is not None:
                heappush(self.ready, (-waiting.message.priority if self.spec.priorities else 0, seq))
        while self._expiring and self._expiring[0][0] <= now:
            _, seq = heappop(self._expiring)
            old = self.items.get(seq)
            if old is None or old.receipt:  # one that is out is judged when it comes back: it is not waiting
                continue
            self._expire(old, now)

    @property
    def due(self) -> int | None:
        """When something will be due next (µs)."""
        ends = self._ends
        while ends and (self.leases.get(ends[0][1], (0, "", -1))[2] != ends[0][0]):
            ends.popleft()
        while self._expiring and self._expiring[0][1] not in self.items:
            heappop(self._expiring)
        heads = [heap[0][0] for heap in (ends, self._delayed, self._expiring) if heap]
        return min(heads) if heads else None

    # -- leaving -----------------------------------------------------------------------------------------------

    def _remove(self, item: Item) -> None:
        del self.items[item.seq]
        if self._busy and self._busy.get(item.message.key) == item.seq:
            del self._busy[item.message.key]
            behind = self._behind.pop(item.message.key, ())
            for place in behind:
                heappush(self.ready, place)

    def _expire(self, item: Item, now: int) -> None:
        self._remove(item)
        self.told("expired", message=item.message.id, queue=self.spec.name)
        self._bury(item, "expired", now)

    def _bury(self, item: Item, reason: str, now: int) -> None:
        spec, message = self.spec, item.message
        dies = not spec.dead_letters or self.variant == "forgets dead letters"
        if self._writes:
            self.dirty = True
            if dies:
                self._journal.fresh.append((item, False))
            else:
                self._journal.moved.append(item)
        if dies:
            self.told("dropped", message=message.id, queue=spec.name, why=reason, told=False)
            return
        death = Death(spec.name, reason, item.attempts, now)
        dead = replace(message, deaths=(death,)) if self.variant == "overwrites deaths" else message.dead(death)
        self.told(
            "dead", message=message.id, queue=spec.name, to=spec.dead_letters, reason=reason,
            attempts=item.attempts, deaths=len(dead.deaths),
        )  # fmt: skip
        self.buried.append((spec.dead_letters, dead))

    def remove(self, message_id: str) -> Message | None:
        """Take a waiting message out (for a redrive)."""
        for item in self.items.values():
            if item.message.id == message_id and not item.receipt:
                self._remove(item)
                if self._writes:
                    self._journal.moved.append(item)
                    self.dirty = True
                return item.message
        return None

    # -- what a disk keeps -------------------------------------------------------------------------------------

    def sync(self) -> None:
        """What was written is on the disk now."""
        self.dirty = False
        self._journal.sync()

    def restart(self, power: bool, now: int, torn: Rng | None = None) -> list[Message]:
        """The broker's process ended (or its machine lost power) and came back; returns what is lost.

        What was written and not synced survives the end of a process, in the operating system's cache, and not the
        loss of power.  An acknowledgement that was not synced is undone by it: the message is back.  `torn`: see
        `Journal.recover`.
        """
        if power:
            self._recover(torn)
        unsafe = self.kept == "memory" or (power and self._writes)
        lost = [item for item in self.items.values() if unsafe and not item.synced]
        for item in lost:
            why = "volatile" if self.kept == "memory" else "unsynced"
            self.told("dropped", message=item.message.id, queue=self.spec.name, why=why, told=False)
            self._window.forget(item.message.dedup_id)
            self._remove(item)
        held = sorted(seq for seq, _, _ in self.leases.values())
        self._past.update((receipt, seq) for receipt, (seq, _, _) in self.leases.items())
        self.leases.clear()
        self.consumers.clear()
        self._ends.clear()
        for seq in held:
            if (item := self.items.get(seq)) is not None:  # type: ignore[assignment] # no longer the loop's
                item.receipt = ""
                self._back(item, 0, now)
        if self.kept == "memory":
            self._window.clear()
        return [item.message for item in lost]

    def _recover(self, torn: Rng | None) -> None:
        """Read what the disk has."""
        back, cut, whole = self._journal.recover(torn)
        if cut is not None:
            self.told("torn", message=cut.message.id, queue=self.spec.name, whole=whole)
        for item in back:
            item.attempts = max(item.attempts - 1, 0)  # the disk knows its last hand-out no more than its end
            self.items[item.seq] = item
            heappush(self.ready, (-item.message.priority if self.spec.priorities else 0, item.seq))
            if item.expires_us is not None:
                heappush(self._expiring, (item.expires_us, item.seq))
        self.items = dict(sorted(self.items.items()))

    # -- looking -----------------------------------------------------------------------------------------------

    def peek(self, most: int = 50) -> list[tuple[Message, int]]:
        """The oldest messages with their attempts."""
        if self.variant == "counts a look":
            for item in self._oldest(most):
                item.attempts += 1
        return [(item.message, item.attempts) for item in self._oldest(most)]

    def _oldest(self, most: int) -> Iterator[Item]:
        for seq in sorted(self.items)[:most]:
            yield self.items[seq]

    def stats(self, now: int) -> QueueStats:
        """How full it is."""
        oldest = next((item.stored_us for item in self.items.values() if not item.receipt), now)
        spills = self.spec.full == "spill"
        extra = {"spilled": float(sum(item.spilled for item in self.items.values()))} if spills else {}
        return QueueStats(
            len(self.items) - len(self.leases), len(self.leases), 0, now - oldest, len(self.consumers), extra
        )  # fmt: skip

    @property
    def unfinished(self) -> int:
        """Messages that are not settled."""
        return len(self.items)

    @property
    def has_room(self) -> bool:
        return not self.spec.capacity or len(self.items) < self.spec.capacity


def _stale(receipt: str) -> Stale:
    return Stale(f"{receipt} is over: its lease ran out, or the message was settled")
