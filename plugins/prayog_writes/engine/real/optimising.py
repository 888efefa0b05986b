"""Other ways to make writes and reads cheaper, each tried on real SQLite on this disk, with what it costs.

Every experiment does the same work twice, plainly and with the optimisation, and reports both times, the fsyncs where
they matter, and the price that is paid for the gain.
"""

from __future__ import annotations

import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from prayog_sdk.run import Emit

__all__ = ["EXPERIMENTS", "experiment"]

Result = tuple[float, float, str, str]
"""Seconds plainly, seconds optimised, what was compared, what it costs."""


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _database(path: Path, sync: str = "FULL") -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute(f"PRAGMA synchronous={sync}")
    return db


def _posts(db: sqlite3.Connection, count: int) -> None:
    db.execute("CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT)")
    db.execute("CREATE TABLE posts (id INTEGER PRIMARY KEY, user INTEGER, text TEXT, likes INTEGER)")
    db.execute("BEGIN")
    db.executemany("INSERT INTO users VALUES (?, ?)", ((n, f"user{n}") for n in range(count // 10 + 1)))
    rows = ((n, n * 7919 % (count // 10 + 1), "namaste " * 5, n % 50) for n in range(count))
    db.executemany("INSERT INTO posts VALUES (?, ?, ?, ?)", rows)
    db.execute("COMMIT")


def _batch(folder: Path, count: int) -> Result:
    db = _database(folder / "batch.sqlite")
    db.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)")

    def one_by_one() -> None:
        for n in range(count):
            db.execute("INSERT INTO t VALUES (?, 'v')", (n,))

    def batched() -> None:
        for low in range(count, 2 * count, 100):
            db.execute("BEGIN")
            db.executemany("INSERT INTO t VALUES (?, 'v')", ((n,) for n in range(low, min(low + 100, 2 * count))))
            db.execute("COMMIT")

    a, b = _timed(one_by_one), _timed(batched)
    db.close()
    return (
        a,
        b,
        "one commit a row against commits of 100 rows",
        "up to 100 rows are lost together; each waits for the others",
    )


def _queue(folder: Path, count: int) -> Result:
    db = _database(folder / "queue.sqlite")
    db.execute("CREATE TABLE t (k INTEGER PRIMARY KEY, v TEXT)")
    waiting: queue.SimpleQueue[int | None] = queue.SimpleQueue()

    def plain() -> None:
        for n in range(count):
            db.execute("INSERT INTO t VALUES (?, 'v')", (n,))

    def behind() -> None:
        ended = False
        while not ended:
            rows = [waiting.get()]
            while not waiting.empty() and len(rows) < 500:
                rows.append(waiting.get())
            ended = rows[-1] is None
            db.execute("BEGIN")
            db.executemany("INSERT INTO t VALUES (?, 'v')", ((n,) for n in rows if n is not None))
            db.execute("COMMIT")

    a = _timed(plain)
    worker = threading.Thread(target=behind)
    worker.start()

    def hand_in() -> None:
        for n in range(count, 2 * count):
            waiting.put(n)

    b = _timed(hand_in)
    waiting.put(None)
    drained = _timed(worker.join)
    db.close()
    return (
        a,
        b,
        "until the user may go on: written, or only queued",
        (
            f"the last row was on disk {1000 * drained:.0f} ms after the last “saved”; "
            "what is queued when the process dies is lost"
        ),
    )


def _index(folder: Path, count: int) -> Result:
    db = _database(folder / "index.sqlite", "OFF")
    _posts(db, 10 * count)

    def find() -> None:
        for n in range(20):
            db.execute("SELECT count(*) FROM posts WHERE user = ?", (n,)).fetchone()

    def insert(begin: int) -> float:
        rows = ((begin + n, n, "x", 0) for n in range(count))

        def work() -> None:
            db.execute("BEGIN")
            db.executemany("INSERT INTO posts VALUES (?, ?, ?, ?)", rows)
            db.execute("COMMIT")

        return _timed(work)

    a, without = _timed(find), insert(100 * count)
    db.execute("CREATE INDEX posts_user ON posts (user)")
    b, with_index = _timed(find), insert(200 * count)
    db.close()
    return (
        a,
        b,
        "20 searches by user, without and with an index",
        (f"{count} inserts took {1000 * without:.1f} ms without and {1000 * with_index:.1f} ms with the index"),
    )


def _cache(folder: Path, count: int) -> Result:
    db = _database(folder / "cache.sqlite", "OFF")
    _posts(db, 5 * count)
    query = "SELECT user, sum(likes) FROM posts GROUP BY user ORDER BY 2 DESC LIMIT 10"
    kept: list[list[tuple[int, int]]] = []

    def plain() -> None:
        for _ in range(20):
            db.execute(query).fetchall()

    def cached() -> None:
        for _ in range(20):
            if not kept:
                kept.append(db.execute(query).fetchall())

    a, b = _timed(plain), _timed(cached)
    db.execute("UPDATE posts SET likes = likes + 100000 WHERE id = 1")
    stale = kept[0] != db.execute(query).fetchall()
    db.close()
    return (
        a,
        b,
        "the same question 20 times, asked each time or remembered",
        (
            "after an update the remembered answer is "
            + ("wrong until somebody throws it away" if stale else "still right")
        ),
    )


def _replica(folder: Path, count: int) -> Result:
    main, copy = _database(folder / "main.sqlite", "OFF"), _database(folder / "copy.sqlite", "OFF")
    _posts(main, count)
    main.backup(copy)
    query = "SELECT count(*) FROM posts a JOIN posts b ON a.user = b.user"
    write = "INSERT INTO posts (user, text, likes) VALUES (1, 'x', 0)"

    def together() -> None:
        for _ in range(5):
            main.execute(query).fetchone()
            main.execute(write)

    def apart() -> None:  # what the main database itself still has to do
        for _ in range(5):
            main.execute(write)

    a, b = _timed(together), _timed(apart)
    behind = (
        main.execute("SELECT count(*) FROM posts").fetchone()[0]
        - copy.execute("SELECT count(*) FROM posts").fetchone()[0]
    )
    main.close()
    copy.close()
    return (
        a,
        b,
        "work of the main database: reads and writes, or writes alone",
        (f"the copy is {behind} rows behind until it is brought up to date: reads there are stale"),
    )


def _view(folder: Path, count: int) -> Result:
    db = _database(folder / "view.sqlite", "OFF")
    _posts(db, 5 * count)
    query = "SELECT user, count(*), sum(likes) FROM posts GROUP BY user"

    def plain() -> None:
        for _ in range(10):
            db.execute(query).fetchall()

    refresh = _timed(lambda: db.execute(f"CREATE TABLE totals AS {query}"))

    def stored() -> None:
        for _ in range(10):
            db.execute("SELECT * FROM totals").fetchall()

    a, b = _timed(plain), _timed(stored)
    db.close()
    return (
        a,
        b,
        "the sum computed 10 times, or read from a stored table",
        (
            f"each refresh costs {1000 * refresh:.1f} ms, and until then the table is stale "
            "(SQLite has no materialised views: it is a table)"
        ),
    )


def _denormalised(folder: Path, count: int) -> Result:
    db = _database(folder / "flat.sqlite", "OFF")
    _posts(db, 5 * count)
    db.execute("CREATE TABLE flat AS SELECT p.id, u.name, p.text FROM posts p JOIN users u ON u.id = p.user")
    a = _timed(
        lambda: [
            db.execute("SELECT u.name, p.text FROM posts p JOIN users u ON u.id = p.user").fetchall() for _ in range(5)
        ]
    )
    b = _timed(lambda: [db.execute("SELECT name, text FROM flat").fetchall() for _ in range(5)])
    changed = db.execute("UPDATE flat SET name = 'Asha' WHERE name = 'user1'").rowcount
    db.close()
    return (
        a,
        b,
        "posts with names, by a join or from one wide table",
        f"to rename one user, {changed} rows are rewritten instead of 1",
    )


_ALL: dict[str, Callable[[Path, int], Result]] = {
    "batch": _batch, "queue": _queue, "index": _index, "cache": _cache, "replica": _replica, "view": _view,
    "denormalise": _denormalised,
}  # fmt: skip
EXPERIMENTS = tuple(_ALL)


def experiment(name: str, folder: Path, count: int) -> Iterator[Emit]:
    """Do the experiment `name` with `count` rows and tell gain and cost."""
    for path in folder.glob("*.sqlite*"):
        path.unlink()
    plain, better, what, cost = _ALL[name](folder, count)
    gain = plain / better if better else None
    yield "experiment", name, {
        "what": what, "plain_us": round(1e6 * plain), "better_us": round(1e6 * better),
        "gain": None if gain is None else round(gain, 2), "cost": cost,
    }  # fmt: skip
