"""A queue in PostgreSQL: rows with leases, claimed with SKIP LOCKED, waiting consumers woken by NOTIFY.

``FOR UPDATE SKIP LOCKED`` makes workers pass over rows that another is just claiming (manual, SELECT, "The Locking
Clause": an inconsistent view, meant for queue-like tables).  The claim commits at once: what protects a message
afterwards is its lease, a moment in its row, and no lock is held during the work.

Rules
1. Each call is one statement, so it is a transaction of its own, or a part of the caller's: with
   ``broker.db.transaction()`` an effect and its acknowledgement are committed together.
2. NOTIFY is a hint: it is sent with the commit, to whoever listens just then.  A consumer looks first, and looks again
   at least every `POLL_S`.
3. All moments are the server's, so clients need not agree about the time.
4. A connection that was lost is opened again by the next call; the call in which it was lost is `Unanswered`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import psycopg
from psycopg import errors, sql
from psycopg.rows import TupleRow

from prayog_queues.engine.envelope import Death, Delivery, Message
from prayog_queues.engine.model.routing import route
from prayog_queues.engine.port import Queue, QueueStats, Receipt, Refused, Stale, Topology, Unable, Unanswered
from prayog_queues.engine.real.declared import Declared
from prayog_queues.engine.real.wire import decode, encode, now_us, safe_name

__all__ = ["POLL_S", "PostgresBroker"]

POLL_S = 1.0
_DEADLINE_S = 10
_NOW = "(extract(epoch FROM statement_timestamp()) * 1000000)::bigint"


class PostgresBroker(Declared):
    """The queues in `schema` of the database at `url`.

    ``wake``: how a waiting `fetch` learns of new messages: ``notify``, or ``poll`` every `poll_s` seconds.
    ``durability``: ``synced``, or ``lazy`` (``synchronous_commit = off``).
    """

    name = "postgres"

    def __init__(
        self, url: str, schema: str = "prayog_queues", *, durability: str = "synced",
        wake: Literal["notify", "poll"] = "notify", poll_s: float = 0.1,
    ) -> None:  # fmt: skip
        super().__init__()
        self.schema = safe_name(schema)
        self.wake, self.poll_s = wake, poll_s
        self._url, self._durability = url, durability
        self._topology = Topology()
        self._sql: dict[str, _Sql] = {}
        self._listening = False
        self._db: psycopg.Connection[TupleRow] | None = None

    @property
    def db(self) -> psycopg.Connection[TupleRow]:
        """The connection, open; autocommit unless its user begins a transaction.  Raises `Unanswered`."""
        if self._db is None or self._db.closed:
            commit = "on" if self._durability == "synced" else "off"
            options = f"-c statement_timeout={_DEADLINE_S}s -c synchronous_commit={commit}"
            try:
                self._db = psycopg.connect(self._url, autocommit=True, connect_timeout=_DEADLINE_S, options=options)
            except psycopg.OperationalError as error:
                raise Unanswered(f"PostgreSQL takes no connection: {_brief(error)}") from error
            self._listening = False
        return self._db

    def declare(self, topology: Topology) -> None:
        for queue in topology.queues:
            if queue.partitions:
                raise Unable("This PostgreSQL queue is no log: its rows are gone once acknowledged.")
            if queue.single_active:
                raise Unable("This PostgreSQL queue does not know who is connected, so it has no single active one.")
            if queue.full == "spill":
                raise Unable("A queue in PostgreSQL is on the disk already; it has nothing to spill.")
        with self.asking():
            # Two that create the same thing at once may both find it missing ("duplicate key value" in pg_namespace).
            self.db.execute("SELECT pg_advisory_lock(hashtext('prayog_queues'))")
            try:
                self._ask(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(self.schema)))
                for queue in topology.queues:
                    made = _Sql(self.schema, safe_name(queue.name), queue, self.wake)
                    for line in made.create:
                        self._ask(line)
                    self._queues[queue.name], self._sql[queue.name] = queue, made
            finally:
                self.db.execute("SELECT pg_advisory_unlock(hashtext('prayog_queues'))")
        old = self._topology
        self._topology = Topology(
            tuple(self._queues.values()),
            tuple({each.name: each for each in (*old.exchanges, *topology.exchanges)}.values()),
            tuple(dict.fromkeys((*old.bindings, *topology.bindings))),
        )

    def publish(self, message: Message, to: str) -> Receipt:
        targets = self._targets(message, to)
        if len(targets) == 1:
            return self._into([message], self._queues[targets[0]])[0]
        with self.asking(), self.db.transaction():
            receipts = [self._into([message], self._queues[name])[0] for name in targets]
            return receipts[0]

    def publish_many(self, messages: Sequence[Message], to: str) -> list[Receipt]:
        if to in self._queues:
            return self._into(messages, self._queues[to])
        with self.asking(), self.db.transaction():
            return [self.publish(message, to) for message in messages]

    def _targets(self, message: Message, to: str) -> list[str]:
        targets = [to] if to in self._queues else route(self._topology, message, to)
        if not targets:
            raise Refused(f"No queue is bound to {to} for a message of type {message.type}.", "unroutable")
        return targets

    def _into(self, messages: Sequence[Message], queue: Queue) -> list[Receipt]:
        made = self._sql[queue.name]
        if (queue.dedup_us or queue.capacity) and len(messages) > 1:
            with self.asking(), self.db.transaction():
                return [self._into([message], queue)[0] for message in messages]
        with self.asking():
            if queue.capacity:
                self._make_room(queue, made)
            if queue.dedup_us and messages[0].dedup_id:
                with self.db.transaction():
                    if not self._ask(made.remember, (messages[0].dedup_id, queue.dedup_us)):
                        self.told("deduplicated", message=messages[0].id, queue=queue.name)
                        return [Receipt(queue.name, duplicate=True)]
                    return [Receipt(queue.name, seq) for (seq, *_) in self._ask(made.insert, _values(messages, queue))]
            rows = self._ask(made.insert, _values(messages, queue))
        return [Receipt(queue.name, seq) for (seq, *_) in rows]

    def _make_room(self, queue: Queue, made: _Sql) -> None:
        """Counted before the insertion: two producers at once may both find the last place free."""
        ((count,),) = self._ask(made.count)
        if count < queue.capacity:
            return
        if queue.full != "drop old":
            raise Refused(f"The queue {queue.name} is full ({queue.capacity} messages).", "full")
        for (body,) in self._ask(made.drop_oldest):
            self.told("dropped", message=decode(body).id, queue=queue.name, why="full", told=False)

    def fetch(self, queue: str, most: int = 1, wait_us: int = 0, consumer: str = "") -> list[Delivery]:
        known, until = self._known(queue), time.monotonic() + wait_us / 1e6
        with self.asking():
            if wait_us and self.wake == "notify" and not (self._db and self._listening):
                self._ask(sql.SQL("LISTEN {}").format(sql.Identifier(self._sql[queue].channel)))
                self._listening = True
            while True:
                found = self._claim(known, most, consumer)
                left = until - time.monotonic()
                if found or left <= 0:
                    return found
                if self.wake == "poll":
                    time.sleep(min(left, self.poll_s))
                    continue
                for _ in self.db.notifies(timeout=min(left, POLL_S, known.lease_us / 2e6 or POLL_S), stop_after=1):
                    pass

    def _claim(self, queue: Queue, most: int, consumer: str) -> list[Delivery]:
        made, found = self._sql[queue.name], []
        lease = queue.lease_us or 1 << 60
        rows = self._ask(made.claim, (most, lease, consumer or "-"))
        for seq, body, attempts, until, before, expired in sorted(rows):
            message, receipt = decode(body), f"{seq}.{attempts}"
            if before:
                self.told(
                    "lease_expired", message=message.id, receipt=f"{seq}.{attempts - 1}", queue=queue.name,
                    consumer=before,
                )  # fmt: skip
            if expired:
                self.told("expired", message=message.id, queue=queue.name)
            if expired or (queue.attempts and attempts > queue.attempts):
                self._bury(queue, seq, message, attempts - 1, "expired" if expired else "attempts")
                continue
            found.append(Delivery(message, queue.name, receipt, attempts, -1, until if queue.lease_us else None))
        return found

    def ack(self, delivery: Delivery) -> None:
        if self.ack_many([delivery]):
            raise _stale(delivery)

    def ack_many(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Acknowledge all in one statement; those that were stale come back."""
        if not deliveries:
            return []
        made = self._sql[self._known(deliveries[0].queue).name]
        rows = [_row(delivery) for delivery in deliveries]
        with self.asking():
            done = {seq for (seq,) in self._ask(made.ack, ([seq for seq, _ in rows], [n for _, n in rows]))}
        return [delivery for delivery, (seq, _) in zip(deliveries, rows, strict=True) if seq not in done]

    def nack(self, delivery: Delivery, delay_us: int = 0) -> None:
        queue = self._known(delivery.queue)
        if queue.attempts and delivery.attempt >= queue.attempts:
            self.term(delivery, "attempts")
            return
        delay_us = delay_us or (queue.backoff_us << min(delivery.attempt - 1, 10))
        with self.asking():
            if not self._ask(self._sql[queue.name].back, (delay_us, *_row(delivery))):
                raise _stale(delivery)

    def term(self, delivery: Delivery, reason: str) -> None:
        queue = self._known(delivery.queue)
        with self.asking(), self.db.transaction():
            if not self._ask(self._sql[queue.name].held, _row(delivery)):
                raise _stale(delivery)
            self._bury(queue, _row(delivery)[0], delivery.message, delivery.attempt, reason)

    def extend(self, delivery: Delivery) -> Delivery:
        queue = self._known(delivery.queue)
        with self.asking():
            rows = self._ask(self._sql[queue.name].extend, (queue.lease_us, *_row(delivery)))
        if not rows:
            raise _stale(delivery)
        return Delivery(delivery.message, delivery.queue, delivery.receipt, delivery.attempt, -1, rows[0][0])

    def peek(self, queue: str, most: int = 50) -> list[tuple[Message, int]]:
        with self.asking():
            rows = self._ask(self._sql[self._known(queue).name].peek, (most,))
        return [(decode(body), attempts) for body, attempts in rows]

    def stats(self, queue: str) -> QueueStats:
        known = self._known(queue)
        with self.asking():
            ((ready, leased, oldest),) = self._ask(self._sql[queue].stats)
            dead = 0
            if known.dead_letters in self._sql:
                ((dead,),) = self._ask(self._sql[known.dead_letters].count)
        return QueueStats(ready, leased, dead, oldest or 0)

    def remove(self, topology: Topology) -> None:
        with self.asking():
            for queue in topology.queues:
                made = self._sql.pop(queue.name, None) or _Sql(self.schema, safe_name(queue.name), queue, self.wake)
                for line in made.drop:
                    self._ask(line)
                self._queues.pop(queue.name, None)
            left = "SELECT 1 FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = %s LIMIT 1"
            if not self._ask(sql.SQL(left).format(), (self.schema,)):
                self._ask(sql.SQL("DROP SCHEMA IF EXISTS {}").format(sql.Identifier(self.schema)))

    def close(self) -> None:
        if self._db is not None:
            self._db.close()

    # -- inside --------------------------------------------------------------------------------------------------

    def _ask(self, statement: sql.Composed, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        cursor = self.db.execute(statement, values)
        return cursor.fetchall() if cursor.description else []

    @contextlib.contextmanager
    def asking(self) -> Iterator[None]:
        """What the client library raises inside becomes the port's (for who uses `db` as well)."""
        try:
            yield
        except errors.QueryCanceled as error:
            raise Unanswered(f"PostgreSQL gave no answer within {_DEADLINE_S} s.") from error
        except psycopg.OperationalError as error:
            raise Unanswered(f"The connection to PostgreSQL was lost: {_brief(error)}") from error

    def _bury(self, queue: Queue, seq: int, message: Message, attempts: int, reason: str) -> None:
        dead = message.dead(Death(queue.name, reason, attempts, now_us()))
        with self.db.transaction():
            self._ask(self._sql[queue.name].delete, (seq,))
            if queue.dead_letters in self._queues:
                to = self._queues[queue.dead_letters]
                self._ask(self._sql[to.name].insert, _values([dead], to, lives=True))
        if queue.dead_letters not in self._queues:
            self._tell_dropped(message, queue, reason)
            return
        self._tell_dead(dead, queue, reason, attempts)


class _Sql:
    """The statements for one table."""

    def __init__(self, schema: str, name: str, queue: Queue, wake: str) -> None:
        self.channel = f"{schema}_{name}"[:60]
        table, seen = sql.Identifier(schema, f"q_{name}"), sql.Identifier(schema, f"d_{name}")

        def say(text: str) -> sql.Composed:
            return sql.SQL(text.replace("NOW_US", _NOW)).format(
                table=table, seen=seen, channel=sql.Literal(self.channel), index=sql.Identifier(f"k_{name}"),
            )  # fmt: skip

        self.create = [
            # A row is updated at each hand-out; with room in its page that does not touch the index (HOT).
            say("CREATE TABLE IF NOT EXISTS {table} (seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body bytea,"
                " key text, priority int, expires bigint, stored bigint DEFAULT NOW_US, visible bigint DEFAULT 0,"
                " attempts int DEFAULT 0, owner text DEFAULT '') WITH (fillfactor = 70)"),
            say("CREATE TABLE IF NOT EXISTS {seen} (id text PRIMARY KEY, until bigint)"),
            *([say("CREATE INDEX IF NOT EXISTS {index} ON {table} (key, seq)")] if queue.by_key else []),
        ]  # fmt: skip
        self.drop = [say("DROP TABLE IF EXISTS {table}"), say("DROP TABLE IF EXISTS {seen}")]
        told = ", pg_notify({channel}, '')" if wake == "notify" else ""
        self.insert = say(
            "WITH made AS (INSERT INTO {table} (body, key, priority, expires) SELECT b, k, p, NOW_US + l"
            " FROM unnest(%s::bytea[], %s::text[], %s::int[], %s::bigint[]) AS row(b, k, p, l) RETURNING seq)"
            f" SELECT seq{told} FROM made ORDER BY seq"
        )
        self.remember = say(
            "INSERT INTO {seen} AS s VALUES (%s, NOW_US + %s) ON CONFLICT (id) DO UPDATE SET until = excluded.until"
            " WHERE s.until <= NOW_US RETURNING id"
        )
        self.count = say("SELECT count(*) FROM {table}")
        self.drop_oldest = say(
            "DELETE FROM {table} WHERE seq = (SELECT min(seq) FROM {table} WHERE owner = '') RETURNING body"
        )
        alone = (
            " AND NOT EXISTS (SELECT 1 FROM {table} AS older WHERE older.key = q.key AND older.seq < q.seq)"
            if queue.by_key else ""
        )  # fmt: skip
        order = "priority DESC, seq" if queue.priorities else "seq"
        self.claim = say(
            f"WITH free AS (SELECT seq, owner AS before FROM {{table}} AS q WHERE visible <= NOW_US{alone}"
            f" ORDER BY {order} LIMIT %s FOR UPDATE SKIP LOCKED)"
            " UPDATE {table} AS q SET visible = NOW_US + %s, attempts = attempts + 1, owner = %s FROM free"
            " WHERE q.seq = free.seq"
            " RETURNING q.seq, body, attempts, visible, before, coalesce(expires <= NOW_US, false)"
        )
        held = "owner <> '' AND visible > NOW_US"
        still = held if queue.fenced else "true"
        newest = "AND q.attempts = a.n" if queue.fenced else ""
        self.ack = say(
            "DELETE FROM {table} AS q USING unnest(%s::bigint[], %s::int[]) AS a(seq, n)"
            f" WHERE q.seq = a.seq {newest} AND {still} RETURNING q.seq"
        )
        one = f"seq = %s AND attempts = %s AND {held}"
        self.back = say(f"UPDATE {{table}} SET visible = NOW_US + %s, owner = '' WHERE {one} RETURNING seq")
        self.held = say(f"SELECT 1 FROM {{table}} WHERE {one} FOR UPDATE")
        self.extend = say(f"UPDATE {{table}} SET visible = NOW_US + %s WHERE {one} RETURNING visible")
        self.delete = say("DELETE FROM {table} WHERE seq = %s")
        self.peek = say("SELECT body, attempts FROM {table} ORDER BY seq LIMIT %s")
        self.stats = say(
            f"SELECT count(*) FILTER (WHERE NOT ({held})), count(*) FILTER (WHERE {held}),"
            " NOW_US - min(stored) FILTER (WHERE owner = '') FROM {table}"
        )


def _values(messages: Sequence[Message], queue: Queue, lives: bool = False) -> tuple[list[Any], ...]:
    ttls = [None if lives else m.ttl_us if queue.ttl_us is None else queue.ttl_us for m in messages]
    return [encode(m) for m in messages], [m.key for m in messages], [m.priority for m in messages], ttls


def _row(delivery: Delivery) -> tuple[int, int]:
    seq, _, attempt = delivery.receipt.partition(".")
    return int(seq), int(attempt)


def _stale(delivery: Delivery) -> Stale:
    return Stale(f"The hand-out {delivery.receipt} of {delivery.message.id} is over: lease ended, or settled.")


def _brief(error: Exception) -> str:
    return f"{(str(error).strip().splitlines() or [type(error).__name__])[0].rstrip('.')}."
