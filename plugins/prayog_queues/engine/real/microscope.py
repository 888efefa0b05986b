"""A database as a queue under the microscope: six experiments on the embedded PostgreSQL, each measured here and now.

``double_take`` (naive workers), ``skip_locked`` (a lock held during the work), ``polling`` (interval against latency
and load), ``notify_price`` (commits with NOTIFY), ``skipped_id`` (numbers are given before commits), ``statements``
(what one message costs, with its row versions).

Rules
1. Each has tables of its own in a schema that is dropped at the end.
2. Contenders take turns in one run, so their ratios mean something; single numbers depend on the machine.
3. A worker is a thread with a connection of its own: the client library waits outside of Python's lock.
"""

from __future__ import annotations

import os
import statistics
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import TupleRow

from prayog_sdk.run import Cancelled, Emit
from prayog_sdk.services import Services

__all__ = ["EXPERIMENTS", "experiment"]

Connection = psycopg.Connection[TupleRow]
Stop = Callable[[], bool]
_WORKERS = 4
_HELD_S = 0.005


class _Lab:
    """A schema of its own, and connections to it."""

    def __init__(self, url: str, stop: Stop) -> None:
        self._stop = stop
        self.schema = f"prayog_microscope_{os.getpid()}"
        self._url = url
        self._opened: list[Connection] = []
        self.db = self.connect()
        self.db.execute(f"CREATE SCHEMA {self.schema}")

    def connect(self, **more: Any) -> Connection:
        options = f"-c search_path={self.schema} -c statement_timeout=20s"
        db = psycopg.connect(self._url, autocommit=True, options=options, **more)
        self._opened.append(db)
        return db

    def table(self, rows: int = 0) -> None:
        """A fresh queue with so many rows."""
        self.db.execute("DROP TABLE IF EXISTS q")
        self.db.execute("CREATE TABLE q (id bigserial PRIMARY KEY, body text, state text DEFAULT 'new', sent float8)")
        self.db.execute("INSERT INTO q (body) SELECT 'order ' || n FROM generate_series(1, %s) AS n", (rows,))

    def heed(self) -> None:
        """Raise `Cancelled` when the learner has stopped it."""
        if self._stop():
            raise Cancelled

    def sleep(self, seconds: float) -> None:
        """Wait, heeding the learner."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.heed()
            time.sleep(min(left, 0.25))

    def close(self) -> None:
        self.db.execute(f"DROP SCHEMA {self.schema} CASCADE")
        for db in self._opened:
            db.close()


def experiment(services: Services, folder: Path, stop: Stop, args: Mapping[str, Any]) -> Iterator[Emit]:
    """Steps ``experiment``, ``measured`` (one for each row of its table) and ``concluded``.

    Raises `Cancelled` when `stop` says so.
    """
    what = str(args.get("what") or "double_take")
    if what not in EXPERIMENTS:
        sentence = f"There is no experiment {what!r}; there are: {', '.join(EXPERIMENTS)}."
        yield "problem", "database", {"sentence": sentence}
        return
    title, question, work = EXPERIMENTS[what]
    yield "experiment", "database", {"what": what, "title": title, "question": question}
    url = services.own_postgres("queues").url() if services.embedded("postgres") else services.url("postgres")
    lab = _Lab(url, stop)
    try:
        for kind, data in work(lab):
            yield kind, "database", {"what": what, **data}
    finally:
        lab.close()


def _all(workers: int, work: Callable[[int], None]) -> float:
    """Let so many threads do `work(number)`; how long all took (s).  Raises what the first of them raised."""
    problems: list[BaseException] = []

    def one(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 - raised again below
            problems.append(error)

    threads = [threading.Thread(target=one, args=(n,), daemon=True) for n in range(workers)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]
    return time.perf_counter() - began


# -- two workers, one row --------------------------------------------------------------------------------------------


def _double_take(lab: _Lab) -> Iterator[tuple[str, dict[str, Any]]]:
    found = {}
    for label, take in (("SELECT, then UPDATE", _naive), ("FOR UPDATE SKIP LOCKED", _skipping)):
        lab.table(200)
        taken: list[int] = []
        links = [lab.connect() for _ in range(_WORKERS)]

        def work(number: int, take: Any = take, links: Any = links, taken: Any = taken) -> None:
            while (row := take(links[number])) is not None:
                taken.append(row)
                lab.heed()

        seconds = _all(_WORKERS, work)
        twice = len(taken) - len(set(taken))
        found[label] = twice
        yield "measured", {
            "label": label, "rows": 200, "taken": len(taken), "twice": twice, "seconds": round(seconds, 3),
            "sentence": f"{_WORKERS} workers took 200 rows {len(taken)} times; {twice} hand-outs were of a row "
            f"taken already.",
        }  # fmt: skip
    naive, locked = found.values()
    yield "concluded", {
        "holds": naive > 0 and locked == 0,
        "sentence": "Between the SELECT and the UPDATE another worker reads the same row. A lock that others "
        "skip closes "
        "the gap.",
    }  # fmt: skip


def _naive(db: Connection) -> int | None:
    row = db.execute("SELECT id FROM q WHERE state = 'new' ORDER BY id LIMIT 1").fetchone()
    if row is None:
        return None
    db.execute("UPDATE q SET state = 'taken' WHERE id = %s", (row[0],))
    return int(row[0])


def _skipping(db: Connection) -> int | None:
    row = db.execute(
        "UPDATE q SET state = 'taken' WHERE id = (SELECT id FROM q WHERE state = 'new' ORDER BY id LIMIT 1 "
        "FOR UPDATE SKIP LOCKED) RETURNING id"
    ).fetchone()
    return int(row[0]) if row else None


# -- a lock that is held ---------------------------------------------------------------------------------------------


def _skip_locked(lab: _Lab) -> Iterator[tuple[str, dict[str, Any]]]:
    rates: dict[str, list[float]] = {"FOR UPDATE": [], "FOR UPDATE SKIP LOCKED": []}
    for _ in range(3):
        for clause, found in rates.items():
            found.append(_held(lab, clause))
    for clause, found in rates.items():
        rate = statistics.median(found)
        yield "measured", {
            "label": clause, "per_second": round(rate), "workers": _WORKERS, "held_ms": 1_000 * _HELD_S,
            "sentence": f"{rate:.0f} messages a second with {_WORKERS} workers that hold their row for 5 ms.",
        }  # fmt: skip
    plain, skip = (statistics.median(found) for found in rates.values())
    yield "concluded", {
        "holds": skip >= 3 * plain, "ratio": round(skip / plain, 2),
        "sentence": f"SKIP LOCKED is {skip / plain:.1f} times as fast: without it every worker waits for the "
        f"lock on the "
        "same first row, so four work like one.",
    }  # fmt: skip


def _held(lab: _Lab, clause: str) -> float:
    """Messages a second."""
    count = 120
    lab.table(count)
    links = [lab.connect() for _ in range(_WORKERS)]
    text = f"SELECT id FROM q WHERE state = 'new' ORDER BY id LIMIT 1 {clause}"

    def work(number: int) -> None:
        db = links[number]
        while True:
            lab.heed()
            with db.transaction():
                row = db.execute(text).fetchone()
                if row is None and not db.execute("SELECT 1 FROM q WHERE state = 'new' LIMIT 1").fetchone():
                    return
                if row is None:
                    continue
                time.sleep(_HELD_S)
                db.execute("DELETE FROM q WHERE id = %s", (row[0],))

    return count / _all(_WORKERS, work)


# -- asking again and again, or being told ---------------------------------------------------------------------------


_WAYS = (("ask every 1 s", 1.0), ("ask every 100 ms", 0.1), ("ask every 10 ms", 0.01), ("LISTEN", None))
"""Seconds between two questions; None: be told."""


def _polling(lab: _Lab) -> Iterator[tuple[str, dict[str, Any]]]:
    found: dict[str, tuple[float, int]] = {}
    for label, interval in _WAYS:
        lab.table()
        delays, queries = _waited(lab, interval, 12 if interval == 1.0 else 40)
        median = statistics.median(delays)
        found[label] = median, queries
        yield "measured", {
            "label": label, "p50_ms": round(1_000 * median, 2), "p95_ms": round(1_000 * sorted(delays)[-2], 2),
            "messages": len(delays), "queries": queries, "queries_per_message": round(queries / len(delays), 1),
            "sentence": f"Half of the messages waited for {1_000 * median:.1f} ms; {queries} queries for "
            f"{len(delays)} of them.",
        }  # fmt: skip
    polled, told = found["ask every 100 ms"][0], found["LISTEN"][0]
    yield "concluded", {
        "holds": told < polled / 3, "ratio": round(polled / told, 1),
        "sentence": f"A message waits for half an interval on average, and an empty queue is asked all the "
        f"same. LISTEN was "
        f"{polled / told:.0f} times as quick as asking every 100 ms. It is a hint: whoever does not listen just "
        f"then hears "
        "nothing, so look once at the start and keep a slow poll.",
    }  # fmt: skip


def _waited(lab: _Lab, interval: float | None, count: int) -> tuple[list[float], int]:
    """How long each of `count` messages waited (s), and how many queries the worker made."""
    sender, worker = lab.connect(), lab.connect()
    if interval is None:
        worker.execute("LISTEN q")
    delays: list[float] = []
    queries = 0

    def send() -> None:
        for number in range(count):
            try:
                lab.sleep(0.25 if interval == 1.0 else 0.03 + 0.017 * (number % 7))
            except Cancelled:
                return
            sender.execute("INSERT INTO q (body, sent) VALUES ('order', %s)", (time.perf_counter(),))
            if interval is None:
                sender.execute("NOTIFY q")

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    while len(delays) < count:
        lab.heed()
        rows = worker.execute("DELETE FROM q RETURNING sent").fetchall()
        queries += 1
        now = time.perf_counter()
        delays += [now - row[0] for row in rows]
        if interval is not None:
            lab.sleep(interval)
        elif not rows:
            for _ in worker.notifies(timeout=1, stop_after=1):
                pass
    thread.join()
    return delays, queries


# -- what NOTIFY costs -----------------------------------------------------------------------------------------------


def _notify_price(lab: _Lab) -> Iterator[tuple[str, dict[str, Any]]]:
    ratios = {}
    for writers in (1, 8, 16):
        lab.table()
        links = [lab.connect() for _ in range(writers)]
        _commits(lab, links, notify=True)  # new connections are slow at first
        plain, noisy = [], []
        for _ in range(3):
            plain.append(_commits(lab, links, notify=False))
            noisy.append(_commits(lab, links, notify=True))
        without, with_ = statistics.median(plain), statistics.median(noisy)
        ratios[writers] = with_ / without
        yield "measured", {
            "label": f"{writers} writer{'s' if writers > 1 else ''}", "without_per_second": round(without),
            "with_per_second": round(with_), "ratio": round(with_ / without, 2),
            "sentence": f"{without:.0f} commits a second without NOTIFY and {with_:.0f} with it.",
        }  # fmt: skip
    yield "concluded", {
        "holds": ratios[16] < 0.8 and ratios[16] < ratios[1] + 0.1,
        "sentence": f"Commits that notify take one lock for the whole server and follow one another: with 16 writers "
        f"{100 * (1 - ratios[16]):.0f} % of the rate is gone. Notify once for many rows, or poll.",
    }  # fmt: skip


def _commits(lab: _Lab, links: list[Connection], *, notify: bool) -> float:
    """Commits a second of all writers together."""
    each = max(15, 240 // len(links))

    def work(number: int) -> None:
        db = links[number]
        for _ in range(each):
            lab.heed()
            with db.transaction():
                db.execute("INSERT INTO q (body) VALUES ('order')")
                if notify:
                    db.execute("NOTIFY q")

    return each * len(links) / _all(len(links), work)


# -- numbers before commits ------------------------------------------------------------------------------------------


def _skipped_id(lab: _Lab) -> Iterator[tuple[str, dict[str, Any]]]:
    lab.table()
    slow, quick, reader = lab.connect(), lab.connect(), lab.connect()
    slow.execute("BEGIN")
    first = _number(slow, "INSERT INTO q (body) VALUES ('slow') RETURNING id")
    yield "measured", {
        "label": "A begins", "id": first,
        "sentence": f"Transaction A gets number {first} and stays open.",
    }  # fmt: skip
    second = _number(quick, "INSERT INTO q (body) VALUES ('quick') RETURNING id")
    yield "measured", {
        "label": "B commits", "id": second,
        "sentence": f"Transaction B gets number {second} and commits.",
    }  # fmt: skip
    seen = [row[0] for row in reader.execute("SELECT id FROM q WHERE id > 0 ORDER BY id")]
    position = max(seen)
    yield "measured", {
        "label": "a reader", "id": position, "seen": seen,
        "sentence": f"A reader sees {seen} and remembers that it has read up to {position}.",
    }  # fmt: skip
    slow.execute("COMMIT")
    later = [row[0] for row in reader.execute("SELECT id FROM q WHERE id > %s ORDER BY id", (position,))]
    yield "measured", {
        "label": "the reader again", "seen": later,
        "sentence": f"A commits. The reader asks for numbers above {position} and gets {later or 'nothing'}.",
    }  # fmt: skip
    slow.execute("BEGIN")
    _number(slow, "INSERT INTO q (body) VALUES ('slow again') RETURNING id")
    _number(quick, "INSERT INTO q (body) VALUES ('quick again') RETURNING id")
    oldest = "pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
    safe = f"SELECT id FROM q WHERE xmin::text::bigint < {oldest} ORDER BY id"
    held = [row[0] for row in reader.execute(safe)]
    slow.execute("COMMIT")
    after = [row[0] for row in reader.execute(safe)]
    yield "measured", {
        "label": "a safe horizon", "seen": held, "then": after,
        "sentence": f"A reader that stops below the oldest open transaction sees {held}, and after the commit {after}.",
    }  # fmt: skip
    yield "concluded", {
        "holds": first not in seen and first not in later and len(after) == 4,
        "sentence": f"Number {first} is never read: a sequence gives numbers before the commit, and commits may "
        f"come in "
        "another order. Stop at the oldest open transaction, or let one writer append.",
    }  # fmt: skip


def _number(db: Connection, text: str) -> int:
    row = db.execute(text).fetchone()
    assert row is not None
    return int(row[0])


# -- what one message costs ------------------------------------------------------------------------------------------


def _statements(lab: _Lab) -> Iterator[tuple[str, dict[str, Any]]]:
    costs = {}
    for batch in (1, 50):
        lab.table(400)
        lab.db.execute("ANALYZE q")
        worker = lab.connect()
        statements = 0
        began = time.perf_counter()
        while True:
            lab.heed()
            rows = worker.execute(
                "UPDATE q SET state = 'taken' WHERE id IN (SELECT id FROM q WHERE state = 'new' ORDER BY id LIMIT %s "
                "FOR UPDATE SKIP LOCKED) RETURNING id", (batch,),
            ).fetchall()  # fmt: skip
            statements += 1
            if not rows:
                break
            worker.execute("DELETE FROM q WHERE id = ANY(%s)", ([row[0] for row in rows],))
            statements += 1
        rate = 400 / (time.perf_counter() - began)
        costs[batch] = rate
        lab.db.execute("SELECT pg_stat_force_next_flush()")
        dead = lab.db.execute("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = 'q' AND schemaname = %s",
                              (lab.schema,)).fetchone()  # fmt: skip
        pages = _number(lab.db, "SELECT pg_relation_size('q') / 8192")
        yield "measured", {
            "label": f"batches of {batch}", "statements": statements, "per_message": round(statements / 400, 2),
            "per_second": round(rate), "pages": pages, "dead_versions": dead[0] if dead else 0,
            "sentence": f"{statements} statements for 400 messages, {rate:.0f} a second; the empty table still "
            f"has {pages} "
            "pages until VACUUM.",
        }  # fmt: skip
    yield "concluded", {
        "holds": costs[50] > 5 * costs[1], "ratio": round(costs[50] / costs[1], 1),
        "sentence": f"Each statement is a commit with a sync; batches of 50 were {costs[50] / costs[1]:.0f} "
        f"times as fast. "
        "Each hand-out leaves an old version of its row, which VACUUM has to clear.",
    }  # fmt: skip


EXPERIMENTS: Mapping[str, tuple[str, str, Callable[[_Lab], Iterator[tuple[str, dict[str, Any]]]]]] = {
    "double_take": ("The double take", "Do two workers take one row?", _double_take),
    "skip_locked": ("SKIP LOCKED", "What does it gain when rows are locked during the work?", _skip_locked),
    "polling": ("Asking or being told", "How long does a message wait, and what does asking cost?", _polling),
    "notify_price": ("The price of NOTIFY", "What do commits pay for it?", _notify_price),
    "skipped_id": ("The skipped number", "Does “id > last seen” see every row?", _skipped_id),
    "statements": ("Statements for a message", "What do batches save, and what stays behind?", _statements),
}
"""Name → title, question, and what is done."""
