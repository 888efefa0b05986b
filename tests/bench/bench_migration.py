"""Speed of the topic `migration` against what people use, as ratios taken in one run.

    python tests/bench/bench_migration.py [--rows N] [--memory-rows N] [--quick]

The source is a SQLite table of one million rows and seven columns (a key, a number, short and long text with tabs,
newlines and quotes, a decimal, a boolean, a time; about 110 bytes a row), the target a typed table with its key in the
PostgreSQL that comes with the lab, or in the one of PRAYOG_POSTGRES_URL.

* bulk: the resumable load with its checkpoints, against raw COPY of a prepared file from the same client (the limit),
  and against SQLAlchemy's executemany with psycopg.  Contenders take turns, the median of the ratios counts.
* validation: rows a second on either side, canonical texts and digests included.
* memory: the load of the whole shop in a process of its own; its highest resident memory.

Seconds differ between machines and moments; ratios less.
"""

from __future__ import annotations

import argparse
import io
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg

from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real.build import Builder
from prayog_migration.engine.real.checksum import Comparing, SourceSide, TargetSide
from prayog_migration.engine.real.demo import make_shop
from prayog_migration.engine.real.loading import load_all
from prayog_migration.engine.real.moving import assess
from prayog_migration.engine.real.sqlite import SqliteStore
from prayog_migration.engine.real.store import Store, open_store
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
            validation(source, url, plan, rows)
            memory(Path(folder), url, most)
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("DROP SCHEMA IF EXISTS prayog_bench CASCADE")
        finally:
            services.close()
    print("all targets met" if not missed else "MISSED: " + "; ".join(missed))


if __name__ == "__main__":
    main()
