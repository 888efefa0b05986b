"""Speed of the topic `migration` against what people use, as ratios taken in one run.

    python tests/bench/bench_migration.py [--rows N] [--memory-rows N] [--quick]

The source is a SQLite table of one million rows and seven columns (a key, a number, short and long text with tabs,
newlines and quotes, a decimal, a boolean, a time; about 110 bytes a row), the target a typed table with its key in the
PostgreSQL that comes with the lab, or in the one of PRAYOG_POSTGRES_URL.

* bulk: the resumable load with its checkpoints, against raw COPY of a prepared file from the same client (the limit),
  and against SQLAlchemy's executemany with psycopg.  Contenders take turns, the median of the ratios counts.
* changes: batches of updates, inserts, deletes and changed keys applied by staging and merging, against the same ones
  one statement a row, in one transaction.
* writers: a SQLite application that commits row by row, or fifty rows at a time, alone and while its keys are captured.
* validation: rows a second on either side, canonical texts and digests included.
* memory: the load of the whole shop in a process of its own; its highest resident memory.

Seconds differ between machines and moments; ratios less.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from prayog_migration.engine.changes import Change, folded
from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real.apply import Applier
from prayog_migration.engine.real.build import Builder
from prayog_migration.engine.real.capture import Batch
from prayog_migration.engine.real.checksum import Comparing, SourceSide, TargetSide
from prayog_migration.engine.real.demo import make_shop
from prayog_migration.engine.real.ledger import Ledger
from prayog_migration.engine.real.loading import load_all
from prayog_migration.engine.real.moving import assess
from prayog_migration.engine.real.sqlite import SqliteStore
from prayog_migration.engine.real.store import Store, open_store
from prayog_migration.engine.triggers import CAPTURE_TRIGGERS, followed, install
from prayog_sdk.services import Services

ROUNDS = 5
missed: list[str] = []

TABLE = (
    "CREATE TABLE sale (id INTEGER PRIMARY KEY AUTOINCREMENT, customer INTEGER NOT NULL, title VARCHAR(60) NOT NULL,"
    " amount NUMERIC(12,2) NOT NULL, paid BOOLEAN NOT NULL, at DATETIME NOT NULL, note TEXT)"
)
NOTES = (None, "tab\there", "two\nlines", 'say "namaste"', "it's fine", "दूसरी मंज़िल, कृपया", "a longer note on tea")


def line(what: str, value: float, target: float | None, text: str, low: bool = False) -> None:
    """One figure, and whether its target is met (`low`: at most, else at least)."""
    verdict = ""
    if target is not None:
        met = value <= target if low else value >= target
        verdict = f"  target {'≤' if low else '≥'} {target:g}: {'met' if met else 'MISSED'}"
        if not met:
            missed.append(f"{what}: {value:.2f} of {target:g}")
    print(f"  {what:<48} {value:10,.2f}  {text}{verdict}", flush=True)


def sales(rows: int) -> Iterator[tuple[Any, ...]]:
    for n in range(1, rows + 1):
        at = f"20{10 + n % 15}-{1 + n % 12:02}-{1 + n % 28:02} {n % 24:02}:{n % 60:02}:{n * 7 % 60:02}"
        title = f"Order {n} from Indore, kurta and tea"
        yield n, n * 7919 % 100_000, title, (n * 104729 % 10_000_000) / 100, n % 3 > 0, at, NOTES[n % 7]


def make_source(path: Path, rows: int) -> SqliteStore:
    store = SqliteStore(f"sqlite:///{path}")
    with store.writer() as writer:
        writer.execute(TABLE)
        with writer.transaction():
            names = ("id", "customer", "title", "amount", "paid", "at", "note")
            writer.insert(store.name("sale"), names, sales(rows))
    return store


def fresh(url: str) -> Store:
    """The target with nothing in it."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS prayog_bench CASCADE")
        connection.execute("CREATE SCHEMA prayog_bench")
    return open_store(url, "prayog_bench")


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def prepared(target: Store) -> bytes:
    """The loaded table as a COPY file."""
    made = io.BytesIO()
    with target.connect() as connection, connection.cursor().copy("COPY sale TO STDOUT") as copy:
        for data in copy:
            made.write(data)
    return made.getvalue()


def raw_copy(target: Store, data: bytes) -> float:
    with target.connect() as connection:
        connection.execute("TRUNCATE sale")

        def send() -> None:
            with connection.cursor().copy("COPY sale FROM STDIN") as copy:
                for begin in range(0, len(data), 65_536):
                    copy.write(data[begin : begin + 65_536])

        return timed(send)


def loaded(source: Store, url: str, plan: Plan) -> float:
    target = fresh(url)
    with target.writer() as writer:
        Builder(target, plan).before_rows(writer)
    return timed(lambda: load_all(source, target, plan))


def executemany(url: str, path: Path, rows: int) -> float:
    """What a script with SQLAlchemy does: select, then insert many with one statement, in one transaction."""
    import sqlalchemy as sa

    here = sa.create_engine(f"sqlite:///{path}")
    there = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    table = sa.Table("sale", sa.MetaData(schema="prayog_bench"), autoload_with=there)

    def work() -> None:
        with here.connect() as left, there.begin() as right:
            found = left.execute(sa.text(f"SELECT * FROM sale ORDER BY id LIMIT {rows}")).mappings()
            while some := found.fetchmany(10_000):
                right.execute(table.insert(), [{**row, "paid": bool(row["paid"])} for row in some])

    with there.begin() as connection:
        connection.execute(sa.text("TRUNCATE prayog_bench.sale"))
    seconds = timed(work)
    here.dispose()
    there.dispose()
    return seconds


def bulk(source: SqliteStore, url: str, rows: int) -> Plan:
    print(f"bulk, {rows:,} rows of one table")
    plan = assess(source, fresh(url), try_it=False)
    loaded(source, url, plan)
    target = open_store(url, "prayog_bench")
    data = prepared(target)
    pairs = []
    for _ in range(ROUNDS):
        ours = loaded(source, url, plan)
        pairs.append((ours, raw_copy(target, data)))
    ours = statistics.median(pair[0] for pair in pairs)
    raw = statistics.median(pair[1] for pair in pairs)
    line("raw COPY of the prepared file, rows/s", rows / raw, None, f"{len(data) / rows:.0f} bytes a row")
    line("resumable load, rows/s", rows / ours, None, "chunk and checkpoint in one transaction")
    line("load ÷ raw COPY", statistics.median(raw / ours for ours, raw in pairs), 0.5, "of the limit")
    few = max(1, rows // 10)
    naive = executemany(url, source.path, few) / few * rows
    line("load ÷ SQLAlchemy executemany", naive / ours, 5, f"{rows / naive:,.0f} rows/s, measured on {few:,} rows")
    return plan


BATCHES, BATCH = 5, 20_000


def _changes(number: int, rows: int) -> list[Change]:
    """One batch: six updates in ten, two inserts, a delete, a row that gets another key; of rows of its own."""
    found = []
    for n, (key, *cells) in enumerate(sales(BATCH)):
        old = (key + number * BATCH,)
        row = (*old, *cells[:3], int(cells[3]), cells[4], f"changed {n}")  # as SQLite gives it
        match n % 10:
            case 6 | 7:
                found.append(Change(0, "insert", after=(old[0] + rows,), row=(old[0] + rows, *row[1:])))
            case 8:
                found.append(Change(0, "delete", before=old))
            case 9:
                found.append(Change(0, "update", old, (old[0] + 2 * rows,), (old[0] + 2 * rows, *row[1:])))
            case _:
                found.append(Change(0, "update", old, old, row))
    return found


def changes(source: SqliteStore, url: str, plan: Plan, rows: int) -> None:
    print(f"changes, {BATCHES} batches of {BATCH:,}")
    rows = max(rows, BATCHES * BATCH)
    ours, single = [], []
    for _ in range(3):
        loaded(source, url, plan)
        target = open_store(url, "prayog_bench")
        ledger = Ledger(target)
        ledger.claim()
        with target.writer() as writer, writer.transaction():
            ledger.begin(writer, "forward", "0")
        applier = Applier(target, plan, ledger, "forward", lambda number, keys: [])
        batches = [
            Batch(folded(_changes(n, rows), ["sale"], exact=False), str(n + 1), exact=False) for n in range(BATCHES)
        ]
        try:
            ours.append(timed(lambda: [applier.apply(batch, "0") for batch in batches]))  # noqa: B023
        finally:
            applier.close()
            ledger.release()
        with target.writer() as writer:
            left = int(writer.query("SELECT count(*) FROM sale WHERE note LIKE 'changed%'")[0][0])
        assert left == BATCHES * BATCH * 9 // 10
        loaded(source, url, plan)
        single.append(row_by_row(target, _changes(0, rows)) / BATCH * BATCHES * BATCH)
    count = BATCHES * BATCH
    line("staged and merged, changes/s", count / statistics.median(ours), 50_000, "the position in each transaction")
    line(
        "÷ one statement a row", statistics.median(b / a for a, b in zip(ours, single, strict=True)), 5,
        f"{count / statistics.median(single):,.0f} changes/s, prepared, one transaction",
    )  # fmt: skip


def row_by_row(target: Store, todo: list[Change]) -> float:
    names = ("id", "customer", "title", "amount", "paid", "at", "note")
    update = f"UPDATE sale SET {', '.join(f'{name} = %s' for name in names)} WHERE id = %s"
    insert = f"INSERT INTO sale ({', '.join(names)}) OVERRIDING SYSTEM VALUE VALUES ({', '.join(['%s'] * 7)})"

    def cells(row: tuple[Any, ...]) -> tuple[Any, ...]:
        return (*row[:4], bool(row[4]), *row[5:])

    def work() -> None:
        with target.connect() as connection, connection.transaction(), connection.cursor() as cursor:
            for change in todo:
                if change.op == "insert":
                    cursor.execute(insert, cells(change.row or ()), prepare=True)
                elif change.op == "delete":
                    cursor.execute("DELETE FROM sale WHERE id = %s", change.before, prepare=True)
                else:
                    cursor.execute(update, (*cells(change.row or ()), *(change.before or ())), prepare=True)

    return timed(work)


WRITES = 8_000


def writers(folder: Path) -> None:
    print("writers of a SQLite file (WAL, synchronous=NORMAL), alone ÷ captured")
    table = next(one for one in make_source(folder / "w.sqlite", 50_000).catalogue().tables if one.name == "sale")
    for size in (1, 50):
        ratios, rates = [], []
        for _ in range(ROUNDS):
            alone = write_rate(folder / "w.sqlite", size)
            run_script(folder / "w.sqlite", list(install(followed([table]))))
            captured = write_rate(folder / "w.sqlite", size)
            run_script(folder / "w.sqlite", [f"DROP TRIGGER _wiz_{one}_sale" for one in CAPTURE_TRIGGERS])
            run_script(folder / "w.sqlite", ["DROP TABLE _wiz_log", "DROP TABLE _wiz_upto"])
            ratios.append(captured / alone)
            rates.append(captured)
        label = "row by row" if size == 1 else f"{size} rows a transaction"
        line(label, statistics.median(ratios), 0.5, f"{statistics.median(rates):,.0f} updates/s while captured")


def run_script(path: Path, statements: list[str]) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def write_rate(path: Path, size: int) -> float:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")

        def work() -> None:
            for begin in range(0, WRITES, size):
                connection.execute("BEGIN IMMEDIATE")
                for n in range(begin, begin + size):
                    key = 1 + n * 7919 % 50_000
                    connection.execute("UPDATE sale SET amount = ?, paid = ? WHERE id = ?", (n, n % 2, key))
                connection.execute("COMMIT")

        return WRITES / timed(work)


def validation(source: SqliteStore, url: str, plan: Plan, rows: int) -> None:
    print("validation, one table")
    loaded(source, url, plan)
    target = open_store(url, "prayog_bench")
    how = Comparing(plan, plan.tables[0])
    with source.reader() as here, target.reader() as there:
        left, right = SourceSide(source, here, how), TargetSide(target, there, how)
        sums = []
        mine = statistics.median(timed(lambda: sums.append(left.range_sum(None, None))) for _ in range(3))
        theirs = statistics.median(timed(lambda: sums.append(right.range_sum(None, None))) for _ in range(3))
    assert len(set(sums)) == 1, "both sides must agree"
    line("SQLite side, rows/s", rows / mine, 250_000, "converted, texts and digests in this process")
    line("PostgreSQL side, rows/s", rows / theirs, 250_000, "texts and digests on the server")


def memory(folder: Path, url: str, rows: int) -> None:
    print(f"memory, a shop of {rows:,} rows")
    path = folder / "shop.sqlite"
    make_shop(SqliteStore(f"sqlite:///{path}"), rows, 1)
    done = subprocess.run(
        [sys.executable, __file__, "--child", str(path), url], capture_output=True, text=True, check=True
    )
    megabytes, seconds = map(float, done.stdout.split())
    line("highest resident memory of the load, MB", megabytes, 200, f"{rows / seconds:,.0f} rows/s", low=True)


def highest_memory() -> int:
    """Bytes.  Linux counts for a new program also what its parent had (ru_maxrss), but not in VmHWM."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def child(path: str, url: str) -> None:
    """Assess without a dry run, load, and print the highest memory in MB and the seconds of the load."""
    source = open_store(f"sqlite:///{path}")
    plan = assess(source, fresh(url), try_it=False)
    seconds = loaded(source, url, plan)
    print(highest_memory() / 1e6, seconds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--memory-rows", type=int, default=10_000_000)
    parser.add_argument("--quick", action="store_true", help="a tenth of the rows, three rounds")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child:
        child(*given.child)
        return
    rows, most = given.rows, given.memory_rows
    if given.quick:
        global ROUNDS
        ROUNDS, rows, most = 3, rows // 10, most // 20
    with tempfile.TemporaryDirectory(prefix="prayog-") as folder:
        services = Services(Path(folder))
        try:
            url = services.url("postgres")
            source = make_source(Path(folder) / "sale.sqlite", rows)
            plan = bulk(source, url, rows)
            changes(source, url, plan, rows)
            writers(Path(folder))
            validation(source, url, plan, rows)
            memory(Path(folder), url, most)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("DROP SCHEMA IF EXISTS prayog_bench CASCADE")
        finally:
            services.close()
    print("all targets met" if not missed else "MISSED: " + "; ".join(missed))


if __name__ == "__main__":
    main()
