"""What waits for the broker's disk: confirmations for a sync, hand-outs of spilled messages for a read.

A sync and a read take what they take on an ordinary machine; everybody who waits for a sync shares it (group commit),
reads follow one another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from prayog_queues.engine.envelope import Delivery
from prayog_queues.engine.port import Durability
from prayog_queues.engine.world.wire import Confirm, Handout
from prayog_sim.node import Ctx

__all__ = ["BrokerDisk"]

SYNC_US = 2_000
"""One sync of an ordinary SSD."""
MAJORITY_US = 4_000
"""A sync, and the way to another server and back."""
READ_US = 1_000
"""One message read back from a volume of a cloud (Amazon EBS, "gp3": single-digit milliseconds); a queue that has
spilled hands out at most a thousand a second."""


class BrokerDisk:
    """Of one broker process; what waited when it ended is never answered."""

    def __init__(self) -> None:
        self.syncing = False
        self._confirms: dict[str, list[tuple[str, str]]] = {"disk": [], "majority": []}
        """By the timer they wait for: (producer, message id)."""
        self._reads: deque[tuple[int, str, Delivery]] = deque()
        """(ready at µs, consumer, what): in the order in which they were handed out, which reads must not change."""
        self._free_us = 0

    def confirm(self, producer: str, message: str, kept: Iterable[Durability], unflushed: bool, ctx: Ctx) -> None:
        """Tell `producer` that the broker has it, when the copies are as safe as their queues (`kept`) promise."""
        asked = set(kept)
        wait = "majority" if "replicated" in asked else "disk" if "synced" in asked and unflushed else ""
        if not wait:
            ctx.send(producer, Confirm(message))
            return
        if wait == "majority" and not self._confirms[wait]:
            ctx.set_timer(wait, MAJORITY_US)
        self._confirms[wait].append((producer, message))

    def begin_sync(self, ctx: Ctx) -> None:
        """Unless one is on its way."""
        if not self.syncing:
            self.syncing = True
            ctx.set_timer("disk", SYNC_US)

    def sync(self, ctx: Ctx) -> bool:
        """The sync is over; whether the disk did it: it may lie (`losesync`)."""
        self.syncing = False
        lied = ctx.disk.losesync
        ctx.disk.fsync("queues")
        return not lied

    def answer(self, waited: str, ctx: Ctx) -> None:
        """Confirm all who waited for ``disk`` or ``majority``."""
        for producer, message in self._confirms[waited]:
            ctx.send(producer, Confirm(message))
        self._confirms[waited].clear()

    def hand(self, consumer: str, delivery: Delivery, spilled: bool, ctx: Ctx) -> None:
        """Send it, after it was read if it has `spilled`; what is handed out later does not overtake it."""
        at = self._reads[-1][0] if self._reads else ctx.now
        if spilled:
            at = self._free_us = max(self._free_us, at) + READ_US
        if at <= ctx.now:
            ctx.send(consumer, Handout(delivery))
            return
        if not self._reads:
            ctx.set_timer("read", at - ctx.now)
        self._reads.append((at, consumer, delivery))

    def read(self, out: dict[str, dict[str, Delivery]], ctx: Ctx) -> None:
        """Send what was read to those who still hold it."""
        while self._reads and self._reads[0][0] <= ctx.now:
            _, consumer, delivery = self._reads.popleft()
            if delivery.receipt in out.get(consumer, ()):
                ctx.send(consumer, Handout(delivery))
        if self._reads:
            ctx.set_timer("read", self._reads[0][0] - ctx.now)
