"""A queue in SQLite: one table a queue, leases in its rows, one transaction a call.

SQLite has one writer at a time and no row locks: ``BEGIN IMMEDIATE`` is the claim's lock, and nothing is skipped.  With
``synchronous=FULL`` a confirmed message is synced (WAL mode: sync of the log at each commit), with ``NORMAL`` it is
written and synced at a checkpoint (SQLite documentation, "PRAGMA synchronous").

Rules
1. A receipt is ``seq.attempt.stored``: a later hand-out of a row has another, so only the newest settles it (a fencing
   token).  The moment is in it because SQLite gives the number of a deleted last row again.  (With AUTOINCREMENT it
   would not, for one more page to write at each insertion.)
2. The row of a dead message carries all its deaths; they are only added to.
3. `peek` and `stats` only read.
4. A lease alone is never worth a sync, whatever the durability: one that is lost with the power had a consumer on the
   same machine, which is gone too.  The sync of the next acknowledgement or insertion covers it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from prayog_queues.engine.envelope import Death, Delivery, Message
from prayog_queues.engine.model.routing import route
from prayog_queues.engine.port import Queue, QueueStats, Receipt, Refused, Stale, Topology, Unable, Unanswered
from prayog_queues.engine.real.declared import Declared
from prayog_queues.engine.real.wire import decode, encode, now_us, safe_name

__all__ = ["SqliteBroker"]

_DEADLINE_S = 5.0
_LOOK_S = 0.005
"""Between two looks of a `fetch` that waits: SQLite cannot wake anybody in another process."""


class SqliteBroker(Declared):
    """The queues in the file `path`; `durability` ``synced`` (FULL) or ``lazy`` (NORMAL)."""

    name = "sqlite"

    def __init__(self, path: Path | str, durability: str = "synced") -> None:
        super().__init__()
        self.durability = durability
        self._topology = Topology()
        self._sql: dict[str, _Sql] = {}
        self.db = sqlite3.connect(path, timeout=_DEADLINE_S, isolation_level=None, check_same_thread=False)
        self.db.execute("PRAGMA journal_mode=WAL")
        self._syncs = durability != "synced"
        self._sync(durability == "synced")

    def declare(self, topology: Topology) -> None:
        for queue in topology.queues:
            if queue.partitions:
                raise Unable("This SQLite queue is no log: its rows are gone once acknowledged.")
            if queue.single_active:
                raise Unable("This SQLite queue does not know who is connected, so it has no single active consumer.")
            if queue.full == "spill":
                raise Unable("A queue in SQLite is on the disk already; it has nothing to spill.")
        with self._writing():
            for queue in topology.queues:
                sql = _Sql(safe_name(queue.name))
                for line in sql.create(queue):
                    self.db.execute(line)
                self._queues[queue.name], self._sql[queue.name] = queue, sql
        self._topology = Topology(
            _joined(self._topology.queues, topology.queues), _joined(self._topology.exchanges, topology.exchanges),
            tuple(dict.fromkeys((*self._topology.bindings, *topology.bindings))),
        )  # fmt: skip

    def publish(self, message: Message, to: str) -> Receipt:
        queue = self._queues.get(to)
        if queue is None or queue.dedup_us or queue.capacity:
            return self.publish_many([message], to)[0]
        position = self._alone(self._sql[to].insert, _values(message, queue)).lastrowid
        return Receipt(to, position or -1)

    def publish_many(self, messages: Sequence[Message], to: str) -> list[Receipt]:
        with self._writing():
            return [self._insert(message, to) for message in messages]

    def _insert(self, message: Message, to: str) -> Receipt:
        targets = [to] if to in self._queues else route(self._topology, message, to)
        if not targets:
            raise Refused(f"No queue is bound to {to} for a message of type {message.type}.", "unroutable")
        receipts = [self._into(message, self._queues[name]) for name in targets]
        return receipts[0]

    def _into(self, message: Message, queue: Queue) -> Receipt:
        sql, now = self._sql[queue.name], now_us()
        if queue.dedup_us and message.dedup_id:
            self.db.execute(sql.forget, (now,))
            if self.db.execute(sql.remember, (message.dedup_id, now + queue.dedup_us)).rowcount == 0:
                self.told("deduplicated", message=message.id, queue=queue.name)
                return Receipt(queue.name, duplicate=True)
        if queue.capacity and self.db.execute(sql.count).fetchone()[0] >= queue.capacity:
            if queue.full != "drop old":
                raise Refused(f"The queue {queue.name} is full ({queue.capacity} messages).", "full")
            (victim,) = self.db.execute(sql.drop_oldest).fetchone() or (None,)
            if victim is not None:
                self.told("dropped", message=decode(victim).id, queue=queue.name, why="full", told=False)
        position = self.db.execute(sql.insert, _values(message, queue)).lastrowid
        return Receipt(queue.name, position or -1)

    def fetch(self, queue: str, most: int = 1, wait_us: int = 0, consumer: str = "") -> list[Delivery]:
        until = time.monotonic() + wait_us / 1e6
        while not (found := self._claim(self._known(queue), most, consumer)) and time.monotonic() < until:
            time.sleep(_LOOK_S)
        return found

    def _claim(self, queue: Queue, most: int, consumer: str) -> list[Delivery]:
        sql, found = self._sql[queue.name], []
        with self._writing(synced=False):
            now = now_us()
            until = now + queue.lease_us if queue.lease_us else None
            rows = self.db.execute(sql.ready(queue), (now, most)).fetchall()
            for seq, data, attempts, stored, owner, expires in rows:
                if owner:  # it is out, and its lease is over
                    over = f"{seq}.{attempts}.{stored}"
                    self.told(
                        "lease_expired", message=decode(data).id, receipt=over, queue=queue.name, consumer=owner
                    )  # fmt: skip
                if expires is not None and expires <= now:
                    self.told("expired", message=decode(data).id, queue=queue.name)
                    self._bury(queue, seq, data, attempts, "expired")
                elif queue.attempts and attempts >= queue.attempts:
                    self._bury(queue, seq, data, attempts, "attempts")
                else:
                    self.db.execute(sql.lease, (until if until is not None else 1 << 62, consumer or "-", seq))
                    message, receipt = decode(data), f"{seq}.{attempts + 1}.{stored}"
                    found.append(Delivery(message, queue.name, receipt, attempts + 1, -1, until))
        return found

    def ack(self, delivery: Delivery) -> None:
        sql = self._sql[self._known(delivery.queue).name]
        seq, attempt, stored = _row(delivery)
        if self._queues[delivery.queue].fenced:
            done = self._alone(sql.ack, (seq, attempt, stored, now_us())).rowcount
        else:
            done = self._alone(sql.ack_unfenced, (seq, stored)).rowcount
        if not done:
            raise _stale(delivery)

    def nack(self, delivery: Delivery, delay_us: int = 0) -> None:
        queue = self._known(delivery.queue)
        with self._writing():
            data, attempts = self._held(delivery)
            if queue.attempts and attempts >= queue.attempts:
                self._bury(queue, _row(delivery)[0], data, attempts, "attempts")
                return
            delay_us = delay_us or (queue.backoff_us << min(attempts - 1, 10))
            self.db.execute(self._sql[queue.name].lease_back, (now_us() + delay_us, _row(delivery)[0]))

    def term(self, delivery: Delivery, reason: str) -> None:
        queue = self._known(delivery.queue)
        with self._writing():
            data, attempts = self._held(delivery)
            self._bury(queue, _row(delivery)[0], data, attempts, reason)

    def extend(self, delivery: Delivery) -> Delivery:
        queue = self._known(delivery.queue)
        until = now_us() + queue.lease_us
        with self._writing():
            self._held(delivery)
            self.db.execute(self._sql[queue.name].extend, (until, _row(delivery)[0]))
        return Delivery(delivery.message, delivery.queue, delivery.receipt, delivery.attempt, -1, until)

    def peek(self, queue: str, most: int = 50) -> list[tuple[Message, int]]:
        rows = self.db.execute(self._sql[self._known(queue).name].peek, (most,))
        return [(decode(data), attempts) for data, attempts in rows]

    def stats(self, queue: str) -> QueueStats:
        known, now = self._known(queue), now_us()
        ready, leased, oldest = self.db.execute(self._sql[queue].stats, {"now": now}).fetchone()
        dead = 0
        if known.dead_letters in self._sql:
            dead = self.db.execute(self._sql[known.dead_letters].count).fetchone()[0]
        return QueueStats(ready or 0, leased or 0, dead, now - oldest if oldest else 0)

    def remove(self, topology: Topology) -> None:
        with self._writing():
            for queue in topology.queues:
                for line in _Sql(safe_name(queue.name)).drop:
                    self.db.execute(line)
                self._queues.pop(queue.name, None)
                self._sql.pop(queue.name, None)

    def close(self) -> None:
        self.db.close()

    # -- inside --------------------------------------------------------------------------------------------------

    def _sync(self, wanted: bool) -> None:
        """Whether the next transaction is synced (a pragma takes effect between transactions only)."""
        wanted = wanted and self.durability == "synced"
        if wanted is not self._syncs:
            self.db.execute(f"PRAGMA synchronous={'FULL' if wanted else 'NORMAL'}")
            self._syncs = wanted

    def _alone(self, statement: str, values: tuple[Any, ...]) -> sqlite3.Cursor:
        """One statement, which is a transaction of its own."""
        self._sync(True)
        try:
            return self.db.execute(statement, values)
        except sqlite3.OperationalError as error:
            raise _busy(error) from error

    @contextlib.contextmanager
    def _writing(self, synced: bool = True) -> Iterator[None]:
        """One transaction; the whole or nothing."""
        self._sync(synced)
        try:
            self.db.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise _busy(error) from error
        try:
            yield
        except BaseException:
            self.db.execute("ROLLBACK")
            raise
        self.db.execute("COMMIT")

    def _held(self, delivery: Delivery) -> tuple[bytes, int]:
        """The row of a hand-out that is not over."""
        found = self.db.execute(self._sql[delivery.queue].held, (*_row(delivery), now_us())).fetchone()
        if found is None:
            raise _stale(delivery)
        return found[0], int(found[1])

    def _bury(self, queue: Queue, seq: int, data: bytes, attempts: int, reason: str) -> None:
        message = decode(data).dead(Death(queue.name, reason, attempts, now_us()))
        self.db.execute(self._sql[queue.name].delete, (seq,))
        if queue.dead_letters not in self._queues:
            self._tell_dropped(message, queue, reason)
            return
        row = (encode(message), message.key, message.priority, None, now_us())
        self.db.execute(self._sql[queue.dead_letters].insert, row)
        self._tell_dead(message, queue, reason, attempts)


class _Sql:
    """The statements for one table."""

    def __init__(self, name: str) -> None:
        table = f"q_{name}"
        self._table = table
        self.insert = f"INSERT INTO {table}(body, key, priority, expires, stored) VALUES (?, ?, ?, ?, ?)"
        self.count = f"SELECT count(*) FROM {table}"
        self.drop_oldest = (
            f"DELETE FROM {table} WHERE seq = (SELECT min(seq) FROM {table} WHERE owner = '') RETURNING body"
        )
        self.forget = f"DELETE FROM d_{name} WHERE until <= ?"
        self.remember = f"INSERT INTO d_{name}(id, until) VALUES (?, ?) ON CONFLICT DO NOTHING"
        self.lease = f"UPDATE {table} SET visible = ?, owner = ?, attempts = attempts + 1 WHERE seq = ?"
        self.lease_back = f"UPDATE {table} SET visible = ?, owner = '' WHERE seq = ?"
        self.extend = f"UPDATE {table} SET visible = ? WHERE seq = ?"
        held = "seq = ? AND attempts = ? AND stored = ? AND owner <> '' AND visible > ?"
        self.held = f"SELECT body, attempts FROM {table} WHERE {held}"
        self.ack = f"DELETE FROM {table} WHERE {held}"
        self.ack_unfenced = f"DELETE FROM {table} WHERE seq = ? AND stored = ?"
        self.delete = f"DELETE FROM {table} WHERE seq = ?"
        self.peek = f"SELECT body, attempts FROM {table} ORDER BY seq LIMIT ?"
        self.stats = (
            "SELECT total(owner = '' OR visible <= :now), total(owner <> '' AND visible > :now), "
            f"min(stored) FILTER (WHERE owner = '') FROM {table}"
        )
        self.drop = (f"DROP TABLE IF EXISTS {table}", f"DROP TABLE IF EXISTS d_{name}")
        self._ready: str | None = None

    def create(self, queue: Queue) -> Iterator[str]:
        """Table and, where the queue asks for it, the indexes."""
        yield (
            f"CREATE TABLE IF NOT EXISTS {self._table}(seq INTEGER PRIMARY KEY, body BLOB, key TEXT, "
            "priority INTEGER, expires INTEGER, stored INTEGER, visible INTEGER DEFAULT 0, "
            "attempts INTEGER DEFAULT 0, owner TEXT DEFAULT '')"
        )
        yield f"CREATE TABLE IF NOT EXISTS d{self._table[1:]}(id TEXT PRIMARY KEY, until INTEGER) WITHOUT ROWID"
        if queue.by_key:
            yield f"CREATE INDEX IF NOT EXISTS k{self._table[1:]} ON {self._table}(key, seq)"
        if queue.priorities:
            yield f"CREATE INDEX IF NOT EXISTS p{self._table[1:]} ON {self._table}(priority DESC, seq)"

    def ready(self, queue: Queue) -> str:
        """What can be handed out: oldest first, or by priority; of a key only its oldest message."""
        if self._ready is None:
            table, first = self._table, "priority DESC, seq" if queue.priorities else "seq"
            alone = (
                f"AND NOT EXISTS (SELECT 1 FROM {table} AS older WHERE older.key = {table}.key"
                f" AND older.seq < {table}.seq) "
                if queue.by_key else ""
            )  # fmt: skip
            self._ready = (
                f"SELECT seq, body, attempts, stored, owner, expires FROM {table} WHERE visible <= ? {alone}"
                f"ORDER BY {first} LIMIT ?"
            )
        return self._ready


def _joined(old: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[Any, ...]:
    """Both, the newer of those with one name."""
    return tuple({each.name: each for each in (*old, *new)}.values())


def _row(delivery: Delivery) -> tuple[int, int, int]:
    """Row, attempt and moment of storing."""
    seq, attempt, stored = delivery.receipt.split(".")
    return int(seq), int(attempt), int(stored)


def _values(message: Message, queue: Queue) -> tuple[bytes, str, int, int | None, int]:
    """A new row."""
    now, ttl = now_us(), message.ttl_us if queue.ttl_us is None else queue.ttl_us
    return encode(message), message.key, message.priority, now + ttl if ttl is not None else None, now


def _busy(error: sqlite3.OperationalError) -> Unanswered:
    return Unanswered(f"SQLite was busy for {_DEADLINE_S:g} s: {error}.")


def _stale(delivery: Delivery) -> Stale:
    return Stale(f"The hand-out {delivery.receipt} of {delivery.message.id} is over: lease ended, or settled.")
