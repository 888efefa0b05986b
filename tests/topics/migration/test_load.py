"""The load keeps its promises: nothing twice, nothing missing, wherever it is killed and whatever the rows hold."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from prayog_migration.engine import shop
from prayog_migration.engine.plan import Choices, Plan
from prayog_migration.engine.planning import make_plan
from prayog_migration.engine.real import load as loading_module
from prayog_migration.engine.real.build import Builder, TargetNotEmpty
from prayog_migration.engine.real.control import Control
from prayog_migration.engine.real.demo import make_shop
from prayog_migration.engine.real.load import Cancelled, TableLoad
from prayog_migration.engine.real.loading import LoadFailed, load_all
from prayog_migration.engine.real.moving import assess, move, server_of
from prayog_migration.engine.real.quarantine import Quarantine
from prayog_migration.engine.real.state import State
from prayog_migration.engine.real.store import Store, open_store
from prayog_migration.engine.real.validation import validate
from prayog_sdk.services.postgres import EmbeddedPostgres

from .pairs import Databases, has_mariadb, run

ROWS = 6_000


@pytest.fixture(scope="module")
def source(databases: Databases) -> Store:
    store = open_store(databases.sqlite())
    make_shop(store, ROWS, 7)
    return store


@pytest.fixture(params=["postgresql", "sqlite", "mysql"])
def target(request: pytest.FixtureRequest, databases: Databases) -> Store:
    if request.param == "mysql" and not has_mariadb():
        pytest.skip("no MariaDB server is installed")
    if request.param == "postgresql" and EmbeddedPostgres(databases.folder / "x").probe().status == "missing":
        pytest.skip("no embedded PostgreSQL wheel is installed")
    return open_store(databases.make(request.param))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loading_module, "CHUNK_ROWS", 300)


def ready(source: Store, target: Store) -> Plan:
    """A plan that was built on the target."""
    plan = make_plan(source.catalogue(), server_of(target))
    with target.writer() as writer:
        Builder(target, plan).before_rows(writer)
    return plan


CHILD = """
import sys
from prayog_migration.engine.real import load
from prayog_migration.engine.real.loading import load_all
from prayog_migration.engine.real.moving import server_of
from prayog_migration.engine.real.store import open_store
from prayog_migration.engine.planning import make_plan
load.CHUNK_ROWS = 200
source, target = open_store(sys.argv[1]), open_store(sys.argv[2])
plan = make_plan(source.catalogue(), server_of(target))
load_all(source, target, plan, told=lambda progress: print(progress.table, flush=True))
"""


def test_a_load_that_is_killed_again_and_again_ends_equal(source: Store, target: Store) -> None:
    plan = ready(source, target)
    dice, kills = random.Random(3), 0
    while True:
        process = subprocess.Popen([sys.executable, "-c", CHILD, source.url, target.url], stdout=subprocess.PIPE)
        assert process.stdout is not None
        for _ in range(dice.randrange(1, 12)):
            process.stdout.readline()
        time.sleep(dice.random() / 50)
        process.send_signal(signal.SIGKILL)
        code = process.wait(30)
        process.stdout.close()
        kills += code == -signal.SIGKILL
        if code == 0 or kills >= 2:
            break
    assert kills >= 1
    load_all(source, target, plan)
    assert all(verdict.equal for verdict in validate(source, target, plan))
    with target.writer() as writer:
        counted = {one.table: one.rows for one in State(target).checkpoints(writer)}
    assert counted == shop.row_counts(ROWS)


def test_a_second_load_does_nothing(source: Store, target: Store) -> None:
    plan = ready(source, target)
    first = load_all(source, target, plan)
    assert load_all(source, target, plan) == first


def test_tables_that_were_there_are_refused(source: Store, databases: Databases) -> None:
    target = open_store(databases.sqlite())
    run(target.url, "CREATE TABLE ORDERS (mine INTEGER)")
    with pytest.raises(TargetNotEmpty, match="orders"):
        ready(source, target)


def test_poison_rows_are_found_and_counted(databases: Databases, target: Store, small_chunks: None) -> None:
    source = open_store(databases.sqlite())
    run(source.url, "CREATE TABLE t (id INTEGER PRIMARY KEY, n INTEGER, s TEXT CHECK (length(s) < 50))")
    bad = {4, 5, 699, 700, 701, 1234, 2000}
    # Between SQLite files a text in an INTEGER column is nothing to complain of.
    odd = {n for n in bad if n % 2} if target.dialect != "sqlite" else set()
    with source.writer() as writer, writer.transaction():
        writer.execute("PRAGMA ignore_check_constraints = ON")
        rows = ((n, "x" if n in odd else n, "s" * (60 if n in bad - odd else 5)) for n in range(1, 2_101))
        writer.insert("main.t", ("id", "n", "s"), rows)
    plan = ready(source, target)
    load_all(source, target, plan)
    (verdict,) = validate(source, target, plan)
    assert verdict.equal
    assert (verdict.source_rows, verdict.target_rows, verdict.quarantined) == (2_100, 2_100 - len(bad), len(bad))
    with target.writer() as writer:
        held = Quarantine(target).rows(writer, "t")
    assert {key for _, key, *_ in held} == {f"[{n}]" for n in bad}
    reasons = {reason for *_, reason, _ in held if "integer" in reason}
    assert reasons == ({"text where an integer belongs"} if odd else set())


@pytest.mark.parametrize(
    ("policy", "text", "made"),
    [
        ("strip", "a\0b", "ab"),
        ("replace", "a\0b", "a\ufffdb"),
        ("escape", "a\0b\\", "a\\x00b\\\\"),
        ("null", "a\0b", None),
    ],
)
def test_policies_are_applied_and_counted(databases: Databases, policy: str, text: str, made: str | None) -> None:
    if EmbeddedPostgres(databases.folder / "x").probe().status == "missing":
        pytest.skip("no embedded PostgreSQL wheel is installed")
    source, target = open_store(databases.sqlite()), open_store(databases.postgres())
    run(source.url, "CREATE TABLE t (id INTEGER PRIMARY KEY, b TEXT)")
    with source.writer() as writer:
        writer.execute("INSERT INTO t VALUES (1, 'fine'), (2, ?)", (text,))
    plan = assess(source, target, choices=Choices(policies=(("t.b", policy),)), try_it=False)
    move(source, target, plan)
    (verdict,) = validate(source, target, plan)
    assert verdict.equal
    assert verdict.changed == {f"b: {policy}": 1}
    with target.reader() as reader:
        assert reader.query("SELECT b FROM t WHERE id = 2") == [(made,)]


def test_cancel_is_heeded_within_two_seconds(source: Store, target: Store) -> None:
    plan = ready(source, target)
    control = Control()
    control.rate = 300
    caught: list[BaseException] = []

    def work() -> None:
        try:
            load_all(source, target, plan, control)
        except Cancelled as cancelled:
            caught.append(cancelled)

    worker = threading.Thread(target=work)
    worker.start()
    time.sleep(0.2)
    began = time.monotonic()
    control.cancel()
    worker.join(5)
    assert caught
    assert time.monotonic() - began < 2
    control = Control()
    load_all(source, target, plan, control)
    assert all(verdict.equal for verdict in validate(source, target, plan))


def test_pause_holds_and_resume_goes_on(source: Store, databases: Databases) -> None:
    target = open_store(databases.sqlite())
    plan = ready(source, target)
    control = Control()
    control.pause()
    worker = threading.Thread(target=lambda: load_all(source, target, plan, control))
    worker.start()
    time.sleep(0.2)
    with target.writer() as writer:
        assert not any(one.rows for one in State(target).checkpoints(writer))
    control.resume()
    worker.join(20)
    assert all(verdict.equal for verdict in validate(source, target, plan))


class Flaky:
    """A target whose connection dies at given chunks, before the commit or just after it."""

    def __init__(self, store: Store, at: dict[int, str]) -> None:
        self.store, self.at, self.count = store, at, 0

    def __getattr__(self, name: str) -> object:
        return getattr(self.store, name)

    def writer(self) -> object:
        return FlakyWriter(self, self.store.writer())


class FlakyWriter:
    def __init__(self, target: Flaky, writer: object) -> None:
        self.target, self.writer = target, writer

    def __getattr__(self, name: str) -> object:
        return getattr(self.writer, name)

    def __enter__(self) -> FlakyWriter:
        return self

    def __exit__(self, *exc: object) -> None:
        self.writer.close()  # type: ignore[attr-defined]

    def transaction(self) -> object:
        return self._transaction()

    def insert_columns(self, *arguments: object) -> object:
        self.target.count += 1
        return self.writer.insert_columns(*arguments)  # type: ignore[attr-defined]

    def _transaction(self) -> object:
        from contextlib import contextmanager

        @contextmanager
        def cut() -> Iterator[None]:
            before = self.target.count
            with self.writer.transaction():  # type: ignore[attr-defined]
                yield
                if self.target.count > before and self.target.at.get(self.target.count) == "before":
                    raise ConnectionResetError
            if self.target.count > before and self.target.at.get(self.target.count) == "after":
                raise ConnectionResetError

        return cut()

    def fault(self, error: BaseException) -> object:
        return self.target.store.fault(error)


def test_a_connection_lost_around_commit_changes_nothing(
    source: Store, databases: Databases, small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After COMMIT was sent nobody knows what became of it: only the checkpoint does."""
    from prayog_migration.engine.real.store import Fault

    store = open_store(databases.sqlite())
    plan = ready(source, store)
    usual = store.fault
    monkeypatch.setattr(
        store, "fault", lambda e: Fault("connection", "", "") if isinstance(e, ConnectionResetError) else usual(e)
    )
    target = Flaky(store, {2: "before", 4: "after", 5: "before", 9: "after", 12: "after"})
    faults = Counter[str]()
    load_all(source, target, plan, told=lambda p: faults.update([p.fault.kind] if p.fault else []))  # type: ignore[arg-type]
    assert faults["connection"] == 5
    assert all(verdict.equal for verdict in validate(source, store, plan))


def test_what_does_not_go_away_is_told(source: Store, databases: Databases) -> None:
    target = open_store(databases.sqlite())
    plan = ready(source, target)
    run(target.url, "DROP TABLE payments")
    with pytest.raises(LoadFailed, match="payments"):
        load_all(source, target, plan)


def test_a_table_without_key_is_loaded_whole_or_not_at_all(databases: Databases) -> None:
    if EmbeddedPostgres(databases.folder / "x").probe().status == "missing":
        pytest.skip("no embedded PostgreSQL wheel is installed")
    source, target = open_store(databases.postgres()), open_store(databases.sqlite())
    insert = "INSERT INTO t SELECT n / 2, 'x' FROM generate_series(1, 3000) n"
    run(source.url, "CREATE TABLE t (a integer, b text)", insert)
    plan = ready(source, target)
    control = Control()
    load = TableLoad(source, target, plan, plan.tables[0], control)
    assert load.walk is None
    control.cancel()
    with source.reader() as reader, target.writer() as writer:
        with pytest.raises(Cancelled):
            load.step(reader, writer, load.begin(reader, writer))
        assert writer.query("SELECT count(*) FROM t")[0][0] == 0
    load_all(source, target, plan)
    (verdict,) = validate(source, target, plan)
    assert verdict.equal
    assert verdict.target_rows == 3_000


def test_five_megabytes_in_a_row_do_not_fill_the_memory(databases: Databases, tmp_path: Path) -> None:
    source, target = open_store(databases.sqlite()), open_store(databases.sqlite())
    run(source.url, "CREATE TABLE t (id INTEGER PRIMARY KEY, b BLOB)")
    with source.writer() as writer, writer.transaction():
        writer.insert("main.t", ("id", "b"), ((n, os.urandom(1_000) * 5_000) for n in range(30)))
    child = (
        "import sys, resource\n"
        "from prayog_migration.engine.real.moving import assess, move\n"
        "from prayog_migration.engine.real.store import open_store\n"
        "source, target = open_store(sys.argv[1]), open_store(sys.argv[2])\n"
        "move(source, target, assess(source, target))\n"
        "from pathlib import Path\n"
        "status = Path('/proc/self/status')\n"
        "print(int(status.read_text().partition('VmHWM:')[2].split()[0]) // 1024 if status.exists() else 0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", child, source.url, target.url], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) < 200, "megabytes, of 150 in the table"
