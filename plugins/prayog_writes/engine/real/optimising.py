"""Other ways to make writes and reads cheaper, each tried on real SQL databases on this machine, with what it costs.

Every experiment does the same work twice, plainly and with the optimisation, and reports both times and the price that
is paid for the gain, measured as well.  They run on SQLite and, where it is, on PostgreSQL.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from prayog_sdk.run import Emit
from prayog_sdk.services import ServiceMissing, Services
from prayog_writes.engine.real.sql import Sql, SqliteSql, Stop

__all__ = ["DATABASES", "EXPERIMENTS", "experiment"]

DATABASES = ("SQLite", "PostgreSQL")


@dataclass(frozen=True, slots=True)
class Result:
    """Seconds ``plain`` and ``better``, ``what`` was compared, what it ``cost``; ``figures``: the cost in numbers."""

    plain: float
    better: float
    what: str
    cost: str
    figures: dict[str, float] = field(default_factory=dict)

    def told(self, database: str) -> dict[str, object]:
        """As the trace shows it."""
        plain, better = round(1e6 * self.plain), round(1e6 * self.better)
        return {
            "on": database, "what": self.what, "plain_us": plain, "better_us": better,
            "gain": round(self.plain / self.better, 2) if self.better else None, "cost": self.cost,
            "figures": {name: round(value, 3) for name, value in self.figures.items()},
        }  # fmt: skip


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _rows(sql: Sql, name: str = "orders") -> Callable[[int, int], None]:
    """A table that takes rows one by one; what is returned writes rows from … to, each as a commit of its own."""
    sql.run(f"CREATE TABLE {name} (id INTEGER PRIMARY KEY, item TEXT)")

    def write(begin: int, end: int) -> None:
        for n in range(begin, end):
            sql.run(f"INSERT INTO {name} VALUES (?, 'chai')", n)

    return write


def _shop(sql: Sql, count: int) -> None:
    """Customers and ten times as many orders, `count` of them."""
    sql.wait_for_disk(False)
    people = count // 10 + 1
    sql.run("CREATE TABLE customers (id INTEGER PRIMARY KEY, name TEXT)")
    sql.run("CREATE TABLE orders (id INTEGER PRIMARY KEY, customer INTEGER, item TEXT, price INTEGER)")
    with sql.together():
        sql.many("INSERT INTO customers VALUES (?, ?)", ((n, f"customer{n}") for n in range(people)))
        rows = ((n, n * 7919 % people, "masala chai " * 3, n % 50) for n in range(count))
        sql.many("INSERT INTO orders VALUES (?, ?, ?, ?)", rows)
    sql.run("ANALYZE")


def _again(times: int, sql: Sql, query: str) -> Callable[[], None]:
    def ask() -> None:
        for _ in range(times):
            sql.run(query)

    return ask


def _batch(sql: Sql, count: int) -> Result:
    one_by_one = _rows(sql)

    def batched() -> None:
        for low in range(count, 2 * count, 100):
            with sql.together():
                rows = ((n,) for n in range(low, min(low + 100, 2 * count)))
                sql.many("INSERT INTO orders VALUES (?, 'chai')", rows)

    before = sql.fsyncs()
    plain = _timed(lambda: one_by_one(0, count))
    between = sql.fsyncs()
    better = _timed(batched)
    after = sql.fsyncs()
    figures: dict[str, float] = {}
    told = "up to 100 rows are lost together, and the first of a batch waits for the last"
    if before is not None and between is not None and after is not None:
        figures = {"fsyncs_plain": between - before, "fsyncs_better": after - between}
        told = f"{between - before:,} fsyncs of the log became {after - between:,}; {told}"
    return Result(plain, better, "one commit a row, or commits of 100 rows", told, figures)


def _no_wait(sql: Sql, count: int) -> Result:
    write = _rows(sql)
    plain = _timed(lambda: write(0, count))
    sql.wait_for_disk(False)
    better = _timed(lambda: write(count, 2 * count))
    unsafe = sql.unsafe_bytes()
    sql.wait_for_disk(True)
    return Result(
        plain, better, "each commit waits for the disk, or is acknowledged before",
        f"{unsafe:,} bytes of the log were acknowledged and not surely on the disk after the last commit: a power "
        "failure would lose them",
        {"unsafe_bytes": unsafe},
    )  # fmt: skip


def _queue(sql: Sql, count: int) -> Result:
    write = _rows(sql)
    waiting: queue.SimpleQueue[int | None] = queue.SimpleQueue()

    def behind() -> None:
        ended = False
        while not ended:
            rows = [waiting.get()]
            while not waiting.empty() and len(rows) < 500:
                rows.append(waiting.get())
            ended = rows[-1] is None
            with sql.together():
                sql.many("INSERT INTO orders VALUES (?, 'chai')", ((n,) for n in rows if n is not None))

    plain = _timed(lambda: write(0, count))
    worker = threading.Thread(target=behind)
    worker.start()

    def hand_in() -> None:
        for n in range(count, 2 * count):
            waiting.put(n)

    better = _timed(hand_in)
    queued = waiting.qsize()
    waiting.put(None)
    drained = _timed(worker.join)
    return Result(
        plain, better, "until the user may go on: written, or only queued",
        f"after the last “saved” {queued:,} rows were only in memory, and the last was on disk {1000 * drained:.0f} ms "
        "later; they are lost when the process dies",
        {"rows_at_risk": queued, "behind_ms": 1000 * drained},
    )  # fmt: skip


def _index(sql: Sql, count: int) -> Result:
    _shop(sql, 10 * count)

    def find() -> None:
        for n in range(20):
            sql.run("SELECT count(*) FROM orders WHERE customer = ?", n)

    def insert(begin: int) -> float:
        def work() -> None:
            with sql.together():
                sql.many("INSERT INTO orders VALUES (?, ?, 'x', 0)", ((begin + n, n) for n in range(count)))

        return _timed(work)

    plain, without = _timed(find), insert(100 * count)
    sql.run("CREATE INDEX orders_customer ON orders (customer)")
    better, with_index = _timed(find), insert(200 * count)
    return Result(
        plain, better, "20 searches by customer, without and with an index",
        f"{count:,} inserts took {1000 * without:.1f} ms without and {1000 * with_index:.1f} ms with the index",
        {"insert_plain_ms": 1000 * without, "insert_better_ms": 1000 * with_index},
    )  # fmt: skip


def _cache(sql: Sql, count: int) -> Result:
    _shop(sql, 5 * count)
    query = "SELECT customer, sum(price) FROM orders GROUP BY customer ORDER BY 2 DESC, 1 LIMIT 10"
    kept: list[list[tuple[object, ...]]] = []

    def cached() -> None:
        for _ in range(20):
            if not kept:
                kept.append(sql.run(query))

    plain, better = _timed(_again(20, sql, query)), _timed(cached)
    sql.run("UPDATE orders SET price = price + 100000 WHERE id = 1")
    stale = kept[0] != sql.run(query)
    words = "wrong until somebody throws it away" if stale else "still right"
    return Result(
        plain, better, "the same question 20 times, asked each time or remembered",
        f"after an update the remembered answer is {words}", {"stale": float(stale)},
    )  # fmt: skip


def _replica(sql: Sql, count: int) -> Result:
    _shop(sql, count)
    sql.wait_for_disk(True)  # what is not on the disk is not sent to a standby either
    query = "SELECT count(*) FROM orders a JOIN orders b ON a.customer = b.customer"
    ids = iter(range(count, count + 60))

    def write(times: int) -> None:
        for _ in range(times):
            sql.run("INSERT INTO orders VALUES (?, 1, 'x', 0)", next(ids))

    def both() -> None:
        for _ in range(20):
            sql.run(query)
            write(1)

    copy = sql.replica()
    try:
        plain = _timed(both)
        better = _timed(lambda: write(20))  # what the main database itself still has to do
        copy.catch_up()
        stale = 0
        for n in range(20):
            write(1)
            stale += copy.count("orders") < count + 41 + n
        lag = _timed(copy.catch_up)
        left = count + 60 - copy.count("orders")
    finally:
        copy.close()
    return Result(
        plain, better, "work of the main database: 20 reads and writes, or the writes alone",
        f"of 20 reads from the copy, each right after a write, {stale} were stale; to bring it up to date took "
        f"{1000 * lag:.1f} ms",
        {"stale_reads": stale, "lag_ms": 1000 * lag, "rows_behind_then": left},
    )  # fmt: skip


def _view(sql: Sql, count: int) -> Result:
    _shop(sql, 5 * count)
    query = "SELECT customer, count(*) AS orders, sum(price) AS spent FROM orders GROUP BY customer"
    plain = _timed(_again(10, sql, query))
    sql.materialise("totals", query)
    better = _timed(_again(10, sql, "SELECT * FROM totals"))
    sql.run("UPDATE orders SET price = price + 1 WHERE id = 1")
    stale = sorted(sql.run("SELECT * FROM totals")) != sorted(sql.run(query))
    refresh = _timed(lambda: sql.refresh("totals", query))
    fresh = sorted(sql.run("SELECT * FROM totals")) == sorted(sql.run(query))
    how = "a table that is filled anew, as it has no materialised views" if sql.name == "SQLite" else "REFRESH"
    return Result(
        plain, better, "totals of all customers 10 times: computed, or read as they are kept",
        f"after one update the kept totals were {'stale' if stale else 'right'}; bringing them up to date ({how}) took "
        f"{1000 * refresh:.1f} ms, as it computes everything again",
        {"stale": float(stale), "refresh_ms": 1000 * refresh, "fresh_then": float(fresh)},
    )  # fmt: skip


def _denormalised(sql: Sql, count: int) -> Result:
    _shop(sql, 5 * count)
    join = "SELECT o.id, c.name, o.item FROM orders o JOIN customers c ON c.id = o.customer"
    sql.run(f"CREATE TABLE wide AS {join}")
    plain, better = _timed(_again(5, sql, join)), _timed(_again(5, sql, "SELECT id, name, item FROM wide"))
    rename = _timed(lambda: sql.run("UPDATE customers SET name = 'Asha' WHERE name = 'customer1'"))
    rewrite = _timed(lambda: sql.run("UPDATE wide SET name = 'Asha' WHERE name = 'customer1'"))
    changed = sql.run("SELECT count(*) FROM wide WHERE name = 'Asha'")[0][0]
    return Result(
        plain, better, "orders with their customers' names, by a join or from one wide table",
        f"to rename one customer, {changed} rows are rewritten instead of 1: {1000 * rewrite:.1f} ms instead of "
        f"{1000 * rename:.1f} ms",
        {"rows_rewritten": changed, "rename_ms": 1000 * rename, "rewrite_ms": 1000 * rewrite},
    )  # fmt: skip


_ALL: dict[str, Callable[[Sql, int], Result]] = {
    "batch": _batch, "no_wait": _no_wait, "queue": _queue, "index": _index, "cache": _cache, "replica": _replica,
    "view": _view, "denormalise": _denormalised,
}  # fmt: skip
EXPERIMENTS = tuple(_ALL)


def experiment(
    name: str, database: str, folder: Path, count: int, services: Services | None, stop: Stop = lambda: False
) -> Iterator[Emit]:
    """Do the experiment `name` with `count` rows on `database` and tell gain and cost; or why it cannot be done."""
    try:
        if database == "SQLite":
            sql: Sql = SqliteSql(folder, stop)
        elif services is None:
            raise ServiceMissing("PostgreSQL was not given to this session.", "Begin it from the bench.")
        else:
            from prayog_writes.engine.real.postgresql import PostgresSql  # its driver takes a while to import

            sql = PostgresSql(services, folder, stop)
        try:
            result = _ALL[name](sql, count)
        finally:
            sql.close()
    except ServiceMissing as missing:
        yield "absent", name, {"on": database, "sentence": str(missing)}
        return
    yield "experiment", name, result.told(database)
