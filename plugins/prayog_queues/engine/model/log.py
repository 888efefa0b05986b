"""A partitioned log: messages stay, and groups of consumers read them, each group with a position of its own.

Rules
1. A key always goes to the same partition, so that its messages keep their order; there is none across partitions.
2. In a group each partition has one reader.  More consumers than partitions: the rest have nothing to do.
   (Kafka documentation, 4.5 "Consumer Position".)
3. A group's committed offset says where it goes on after a rebalance.  What was handled and not committed is handled
   again; what was committed and not handled is lost to the group.
4. Membership has a generation; who was in an older one may not commit any more (Kafka, ILLEGAL_GENERATION).

Kafka chooses the partition by murmur2 of the key, this log by CRC-32: another number, the same property.
"""

from __future__ import annotations

from zlib import crc32

from prayog_queues.engine.envelope import Death, Delivery, Message
from prayog_queues.engine.model.keeping import how_kept
from prayog_queues.engine.model.told import Told
from prayog_queues.engine.model.window import Window
from prayog_queues.engine.port import Queue, QueueStats, Receipt, Refused, Stale
from prayog_sim.rng import Rng

__all__ = ["Group", "LogModel", "partition_of"]


def partition_of(key: str, partitions: int) -> int:
    """Where the messages of `key` go."""
    return crc32(key.encode()) % partitions


class Group:
    """Consumers that share the work of a log: who reads what, and how far."""

    def __init__(self, partitions: int, named: dict[str, str]) -> None:
        self.named = named
        """What words of it say: its name, unless it is that of the log."""
        self.members: list[str] = []
        self.generation = 0
        self.owner: list[str] = [""] * partitions
        self.read = [0] * partitions
        """What is handed out next."""
        self.committed = [0] * partitions
        self.attempts: dict[tuple[int, int], int] = {}
        """Hand-outs of messages that are not committed; kept in memory, as brokers of share groups do (KIP-932)."""
        self.kept = [""] * partitions
        """Who keeps reading though it is no longer theirs: nobody, in a broker that is right."""
        self.stopped_us = 0
        """Until then nobody reads: a rebalance that stops the world."""


class LogModel:
    """The log `spec`.  ``cooperative``: at a rebalance only partitions that change hands stop (KIP-429)."""

    def __init__(
        self, spec: Queue, told: Told, buried: list[tuple[str, Message]], *, cooperative: bool = True,
        pause_us: int = 0, variant: str = "", flushes: bool = False,
    ) -> None:  # fmt: skip
        self.spec = spec
        self.variant = variant
        self.kept = how_kept(spec.durability, variant, flushes)
        self.told = told
        self.cooperative = cooperative
        self.pause_us = pause_us
        self.parts: list[list[tuple[Message, int, bool]]] = [[] for _ in range(spec.partitions)]
        """Per partition: (message, stored at µs, synced)."""
        self.begins = [0] * spec.partitions
        """Position of the oldest that is kept."""
        self.groups: dict[str, Group] = {}
        self.buried = buried
        self.dirty = False
        self._synced = [0] * spec.partitions
        """Up to which position each partition is on the disk."""
        self._window = Window(spec.dedup_us)

    def publish(self, message: Message, now: int, *, refusable: bool = True) -> Receipt:
        """Append it.  Raises `Refused` (``full``)."""
        spec = self.spec
        if spec.dedup_us and message.dedup_id and self._window.knows(message.dedup_id, now):
            self.told("deduplicated", message=message.id, queue=spec.name)
            return Receipt(spec.name, duplicate=True)
        by = message.id if self.variant == "spreads by id" else message.key
        part = partition_of(by, spec.partitions)
        brim = spec.full != "spill" and refusable  # a log is on the disk already: there is nothing to spill
        if spec.capacity and brim and sum(map(len, self.parts)) >= spec.capacity:
            if spec.full != "drop old":
                raise Refused(f"the log {spec.name} is full ({spec.capacity} messages)", "full")
            oldest = max(range(spec.partitions), key=lambda p: len(self.parts[p]))
            self._forget(oldest, "full")
        if spec.dedup_us and message.dedup_id:
            self._window.add(message.dedup_id, now)
        self.dirty = self.kept in ("lazy", "flushed")
        self.parts[part].append((message, now, self.kept == "safe"))
        position = self.begins[part] + len(self.parts[part]) - 1
        self.told(
            "stored", message=message.id, key=message.key, number=message.number, queue=spec.name, position=position,
            partition=part,
        )  # fmt: skip
        return Receipt(spec.name, position)

    def _forget(self, part: int, why: str) -> None:
        """The oldest of a partition is deleted; whether somebody had not read it decides if it is lost to anyone.

        Before the first group came, nobody had."""
        message, _, _ = self.parts[part].pop(0)
        position = self.begins[part]
        self.begins[part] += 1
        if not self.groups or any(group.committed[part] <= position for group in self.groups.values()):
            self.told("dropped", message=message.id, queue=self.spec.name, why=why, told=False)

    # -- groups ------------------------------------------------------------------------------------------------

    def group(self, name: str) -> Group:
        """The group `name`; a new one begins with the oldest message."""
        if name not in self.groups:
            named = {"group": name} if name not in ("", self.spec.name) else {}
            group = self.groups[name] = Group(self.spec.partitions, named)
            group.read, group.committed = list(self.begins), list(self.begins)
        return self.groups[name]

    def join(self, name: str, member: str, now: int) -> None:
        """`member` joins (again): the group is rebalanced."""
        group = self.group(name)
        if member in group.members:
            group.members.remove(member)
            group.owner = ["" if owner == member else owner for owner in group.owner]
        group.members.append(member)
        self._rebalance(group, now)

    def leave(self, name: str, member: str, now: int) -> None:
        """`member` left or is thought dead."""
        group = self.group(name)
        if member in group.members:
            group.members.remove(member)
            self._rebalance(group, now)

    def _rebalance(self, group: Group, now: int) -> None:
        """Range assignment over the members in the order of their names (Kafka's RangeAssignor)."""
        group.generation += 1
        members = sorted(group.members)
        before = list(group.owner)
        count = len(group.owner)
        share, extra = divmod(count, len(members)) if members else (0, 0)
        wanted = [m for i, m in enumerate(members) for _ in range(share + (i < extra))] or [""] * count
        if self.cooperative and members:  # sticky: whoever has a partition and may keep it, keeps it
            quota = {m: share + (i < extra) for i, m in enumerate(members)}
            kept = [""] * count
            for part, owner in enumerate(before):
                if quota.get(owner, 0) > 0:
                    kept[part], quota[owner] = owner, quota[owner] - 1
            free = [m for m in members for _ in range(quota[m])]
            wanted = [owner or free.pop(0) for owner in kept]
        group.owner = wanted
        for part in range(count):
            if self.variant == "keeps the partition" and before[part] in members and before[part] != wanted[part]:
                group.kept[part] = before[part]
            if not self.cooperative or before[part] != wanted[part]:
                group.read[part] = max(group.committed[part], self.begins[part])
        if not self.cooperative:
            group.stopped_us = now + self.pause_us
        for member in members:
            mine = [part for part, owner in enumerate(group.owner) if owner == member]
            self.told(
                "assigned", queue=self.spec.name, partitions=mine, generation=group.generation, consumer=member,
                **group.named,
            )  # fmt: skip

    # -- reading -----------------------------------------------------------------------------------------------

    def take(self, name: str, member: str, most: int, now: int) -> list[Delivery]:
        """The next messages of the partitions that `member` has."""
        group = self.group(name)
        found: list[Delivery] = []
        if now < group.stopped_us:
            return found
        for part, owner in enumerate(group.owner):
            while member in (owner, group.kept[part]) and len(found) < most:
                index = group.read[part] - self.begins[part]
                if index < 0:
                    group.read[part] = self.begins[part]
                    continue
                if index >= len(self.parts[part]):
                    break
                message = self.parts[part][index][0]
                position = group.read[part]
                group.read[part] += 1
                attempt = group.attempts[part, position] = group.attempts.get((part, position), 0) + 1
                receipt = f"{self.spec.name}/{name}@{group.generation}:{part}:{position}"
                found.append(Delivery(message, self.spec.name, receipt, attempt, position))
        return found

    def _at(self, receipt: str, member: str) -> tuple[Group, int, int]:
        """What a receipt is of: group, partition, position.  Raises `Stale` after a rebalance that took it away."""
        where, _, rest = receipt.rpartition("@")
        generation, part, position = (int(word) for word in rest.split(":"))
        group = self.group(where.partition("/")[2])
        if self.spec.fenced and generation != group.generation and group.owner[part] != member:
            owner = group.owner[part] or "nobody"
            raise Stale(f"partition {part} belongs to {owner} now (generation {group.generation})")
        return group, part, position

    def ack(self, receipt: str, member: str) -> bool:
        """Commit the position behind it: it and all before it in its partition count as done.  Never late: False."""
        group, part, position = self._at(receipt, member)
        if position + 1 > group.committed[part]:
            for old in range(group.committed[part], position + 1):
                group.attempts.pop((part, old), None)
            group.committed[part] = position + 1
            self.told(
                "committed", queue=self.spec.name, partition=part, position=position + 1, consumer=member,
                **group.named,
            )  # fmt: skip
        return False

    def nack(self, delivery: Delivery, member: str, now: int) -> int:
        """Go back to it: it and all behind it are read again.  −1: it was put aside after so many attempts."""
        group, part, position = self._at(delivery.receipt, member)
        if self.spec.attempts and group.attempts.get((part, position), 0) >= self.spec.attempts:
            self.term(delivery, member, "attempts", now)
            return -1
        group.read[part] = min(group.read[part], position)
        return 0

    def term(self, delivery: Delivery, member: str, reason: str, now: int) -> None:
        """Put a copy aside and go on behind it (what Kafka's clients do by hand with a dead-letter topic).

        The copy is the reader's: the log may have deleted the record meanwhile.
        """
        group, part, position = self._at(delivery.receipt, member)
        message = delivery.message
        attempts = group.attempts.get((part, position), 1)
        to = self.spec.dead_letters
        if to:
            dead = message.dead(Death(self.spec.name, reason, attempts, now))
            self.told(
                "dead", message=message.id, queue=self.spec.name, to=to, reason=reason, attempts=attempts,
                deaths=len(dead.deaths),
            )  # fmt: skip
            self.buried.append((to, dead))
        else:
            self.told("dropped", message=message.id, queue=self.spec.name, why=reason, told=False)
        self.ack(delivery.receipt, member)

    def seek(self, name: str, position: int) -> None:
        """Let a group read again from `position` in every partition: history is kept, so it can be replayed."""
        group = self.group(name)
        for part, begin in enumerate(self.begins):
            group.read[part] = group.committed[part] = max(begin, min(position, begin + len(self.parts[part])))

    # -- time and disk -----------------------------------------------------------------------------------------

    def tick(self, now: int) -> None:
        """Delete what is older than the log's retention."""
        if self.spec.ttl_us is not None:
            for part, kept in enumerate(self.parts):
                while kept and kept[0][1] + self.spec.ttl_us <= now:
                    self._forget(part, "expired")

    @property
    def due(self) -> int | None:
        """When something will be due next (µs): the oldest is deleted, or a rebalance is over."""
        heads = [group.stopped_us for group in self.groups.values() if group.stopped_us]
        if self.spec.ttl_us is not None:
            heads += [kept[0][1] + self.spec.ttl_us for kept in self.parts if kept]
        return min(heads) if heads else None

    def resume(self, now: int) -> None:
        """Forget rebalances that are over."""
        for group in self.groups.values():
            if group.stopped_us <= now:
                group.stopped_us = 0

    def sync(self) -> None:
        """What was written is on the disk now."""
        self.dirty = False
        for part, stored in enumerate(self.parts):
            first = self._synced[part] - self.begins[part]
            for index in range(max(first, 0), len(stored)):
                stored[index] = (*stored[index][:2], True)
            self._synced[part] = self.begins[part] + len(stored)

    def restart(self, power: bool, now: int, torn: Rng | None = None) -> list[Message]:
        """The broker ended and came back: members have to join again; returns what is lost.

        With `torn` each partition's disk got some unsynced records whole and the front of one more; recovery cuts the
        partition there.
        """
        lost: list[Message] = []
        unsafe = self.kept == "memory" or (power and self.kept in ("lazy", "flushed"))
        for part, kept in enumerate(self.parts):
            fresh = sum(not synced for _, _, synced in kept) if unsafe else 0
            whole = torn.randint(0, fresh - 1) if torn is not None and fresh else 0
            cut = len(kept) - fresh + whole
            if torn is not None and fresh:
                self.told("torn", message=kept[cut][0].id, queue=self.spec.name, whole=whole, partition=part)
            for message, _, _ in kept[cut:] if fresh else ():
                why = "volatile" if self.kept == "memory" else "unsynced"
                self.told("dropped", message=message.id, queue=self.spec.name, why=why, told=False)
                self._window.forget(message.dedup_id)
                lost.append(message)
            if fresh:
                self.parts[part] = [(message, at, True) for message, at, _ in kept[:cut]]
                self._synced[part] = end = self.begins[part] + cut
                for group in self.groups.values():
                    group.committed[part] = min(group.committed[part], end)
        if self.kept == "memory":
            self._window.clear()
        for group in self.groups.values():
            group.members.clear()
            group.owner = [""] * self.spec.partitions
            group.attempts.clear()
            group.read = list(group.committed)
        return lost

    # -- looking -----------------------------------------------------------------------------------------------

    def peek(self, most: int = 50) -> list[tuple[Message, int]]:
        """The oldest messages of all partitions; attempts are a group's matter, so they say 0."""
        every = sorted(((at, part, i, m) for part, kept in enumerate(self.parts) for i, (m, at, _) in enumerate(kept)),
                       key=lambda entry: entry[:3])  # fmt: skip
        return [(message, 0) for _, _, _, message in every[:most]]

    def stats(self, now: int) -> QueueStats:
        """``ready`` is the lag of the slowest group, ``leased`` what it has read and not committed."""
        lag = read = 0
        oldest = now
        for group in self.groups.values():
            lags = [self.begins[p] + len(kept) - group.read[p] for p, kept in enumerate(self.parts)]
            if sum(lags) >= lag:
                lag = sum(lags)
                read = sum(group.read[p] - group.committed[p] for p in range(len(self.parts)))
                unread = [(kept, lags[p]) for p, kept in enumerate(self.parts) if 0 < lags[p] <= len(kept)]
                oldest = min((kept[-behind][1] for kept, behind in unread), default=now)
        if not self.groups:
            lag = sum(map(len, self.parts))
        members = sum(len(group.members) for group in self.groups.values())
        kept = float(sum(map(len, self.parts)))
        return QueueStats(lag, read, 0, now - oldest, members, {"kept": kept})

    @property
    def unfinished(self) -> int:
        """Messages that some group has not committed."""
        if not self.groups:
            return sum(map(len, self.parts))
        ends = [begin + len(kept) for begin, kept in zip(self.begins, self.parts, strict=True)]
        return max(
            sum(end - max(done, begin) for end, done, begin in zip(ends, group.committed, self.begins, strict=True))
            for group in self.groups.values()
        )

    @property
    def has_room(self) -> bool:
        """Only what its retention deletes makes room in a log, never what was read."""
        return not self.spec.capacity or sum(map(len, self.parts)) < self.spec.capacity
