"""The brief's table of faults, in one process where that is enough: promises hold, or the wizard says what was lost."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from prayog_migration.engine.changes import Contradiction
from prayog_migration.engine.identity import Unfollowable
from prayog_migration.engine.real.capture import CannotCapture, CaptureLost, Drift, Memory, open_capture
from prayog_migration.engine.real.fence import FenceBusy, fence_of
from prayog_migration.engine.real.ledger import Fenced, Ledger
from prayog_migration.engine.real.link import Link
from prayog_migration.engine.real.store import Store, open_store
from prayog_sdk.services.postgres import EmbeddedPostgres

from .pairs import Databases, Wizard, copy, has_mariadb, plan_between, run
from .test_streams import everything, same

ACCT = "CREATE TABLE acct (id integer PRIMARY KEY, code varchar(20) NOT NULL UNIQUE, note text)"
needs_mariadb = pytest.mark.skipif(not has_mariadb(), reason="no MariaDB server is installed")
EVERY = ["sqlite", "postgresql", pytest.param("mysql", marks=needs_mariadb)]


class Pair:
    """A link between two databases with a table ``acct`` of three rows, loaded and in sync."""

    def __init__(self, databases: Databases, source: str, target: str, *more: str) -> None:
        made = source if "://" in source else databases.make(source)
        self.source, self.target = open_store(made), open_store(databases.make(target))
        for store in (self.source, self.target):
            run(store.url, *(["PRAGMA journal_mode = WAL"] if store.dialect == "sqlite" else []), ACCT, *more)
        self.write("INSERT INTO acct (id, code) VALUES (1, 'a'), (2, 'b'), (3, 'c')")
        self.plan = plan_between(self.source, self.target)
        self.ledger = Ledger(self.target)
        self.ledger.claim()
        self.link = Link("forward", self.source, self.target, self.plan, self.ledger, "test")
        with self.link.begin() as reader:
            copy(self.plan, reader, self.target)
        self.drain()

    def write(self, *statements: str) -> None:
        run(self.source.url, *statements)

    def drain(self) -> None:
        until = self.link.capture.now()
        while not self.link.capture.reached(self.link.position, until):
            self.link.once()

    def close(self) -> None:
        with contextlib.suppress(Exception):
            self.link.remove()
        self.link.close()
        self.ledger.release()


@pytest.fixture
def pairs(databases: Databases) -> Iterator[Any]:
    with contextlib.ExitStack() as stack:

        def make(source: str, target: str = "postgresql", *more: str) -> Pair:
            return stack.enter_context(contextlib.closing(Pair(databases, source, target, *more)))

        yield make


# 6: poison values in the stream


@pytest.mark.parametrize("source", ["sqlite", pytest.param("mysql", marks=needs_mariadb)])
def test_a_row_that_does_not_fit_is_held_and_let_in_when_it_is_mended(pairs: Any, source: str) -> None:
    pair = pairs(source)
    nul = {"sqlite": "cast(x'610062' AS text)", "mysql": "concat('a', 0x00)"}[source]
    pair.write(f"UPDATE acct SET note = {nul} WHERE id = 2")
    pair.drain()
    assert ids(pair.target) == [1, 3]
    assert quarantined(pair.target) == [("acct", "misfit")]
    pair.write("UPDATE acct SET code = 'bb' WHERE id = 2")  # it still does not fit
    pair.drain()
    assert (ids(pair.target), len(quarantined(pair.target))) == ([1, 3], 1)
    pair.write("UPDATE acct SET note = 'well again' WHERE id = 2")
    pair.drain()
    assert (ids(pair.target), quarantined(pair.target)) == ([1, 2, 3], [])
    pair.write("UPDATE acct SET note = NULL WHERE id = 2", "DELETE FROM acct WHERE id = 2")
    pair.drain()
    assert ids(pair.target) == [1, 3]


def test_what_the_targets_rules_refuse_is_held_too(pairs: Any) -> None:
    pair = pairs("postgresql")
    run(pair.target.url, "ALTER TABLE acct ADD CHECK (note IS DISTINCT FROM 'forbidden')")
    pair.write(
        "INSERT INTO acct VALUES (4, 'd', 'forbidden'), (5, 'e', 'fine')", "UPDATE acct SET note = 'x' WHERE id = 1"
    )
    pair.drain()
    assert ids(pair.target) == [1, 2, 3, 5]
    assert quarantined(pair.target) == [("acct", "23514")]
    pair.write("DELETE FROM acct WHERE id = 4")
    pair.drain()
    assert quarantined(pair.target) == []


# 7: the tables change under way


@pytest.mark.parametrize("source", EVERY)
@pytest.mark.parametrize(
    ("ddl", "said"),
    [
        ("ALTER TABLE acct ADD COLUMN gst varchar(15)", "column gst is new"),
        ("ALTER TABLE acct DROP COLUMN note", "column note is gone"),
        ("ALTER TABLE acct RENAME COLUMN note TO remark", "column remark is new"),
    ],
)
def test_a_change_of_columns_pauses_and_nothing_is_skipped(pairs: Any, source: str, ddl: str, said: str) -> None:
    pair = pairs(source)
    pair.write("UPDATE acct SET code = 'before' WHERE id = 1", ddl, "UPDATE acct SET code = 'after' WHERE id = 2")
    with pytest.raises(Drift, match=said):
        pair.drain()
    position = pair.link.position
    with pytest.raises(Drift, match="Plan again"):
        pair.link.once()
    assert pair.link.position == position
    assert "after" not in codes(pair.target)


@pytest.mark.parametrize("source", ["postgresql", pytest.param("mysql", marks=needs_mariadb)])
def test_truncate_is_a_change_like_any_other(pairs: Any, source: str) -> None:
    pair = pairs(source)
    pair.write("TRUNCATE TABLE acct", "INSERT INTO acct (id, code) VALUES (9, 'new')")
    pair.drain()
    assert ids(pair.target) == [9]
    same(pair)


# 8: clocks


def test_no_clock_decides_anything(pairs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Source and target a day apart, in other zones, and the clock of the wizard jumps back: only positions count."""
    pair = pairs(
        "postgresql", "postgresql", "CREATE TABLE seen (id integer PRIMARY KEY, at timestamp, zoned timestamptz)"
    )
    for store, zone in ((pair.source, "Asia/Kolkata"), (pair.target, "America/St_Johns")):
        with psycopg.connect(store.url, autocommit=True) as connection:
            name = connection.info.dbname
            connection.execute(f"ALTER DATABASE {name} SET timezone = '{zone}'".encode())
    now = [time.time_ns()]

    def backwards() -> int:
        now[0] -= 86_400 * 10**9
        return now[0]

    monkeypatch.setattr(time, "time_ns", backwards)
    monkeypatch.setattr(time, "time", lambda: backwards() / 1e9)
    pair.write(
        "INSERT INTO seen VALUES (1, '2024-03-31 02:30:00', '2024-03-31 02:30:00+05:30')",
        "UPDATE acct SET code = 'z' WHERE id = 1",
    )
    pair.drain()
    monkeypatch.undo()
    with pair.target.reader() as reader:
        assert reader.query("SELECT at, zoned FROM seen") == [("2024-03-31 02:30:00", "2024-03-30 21:00:00+00")]
    same(pair)


# 9: a long transaction at the switch-over


@pytest.mark.parametrize("dialect", EVERY)
def test_a_fence_waits_for_writers_only_so_long_and_then_lets_everybody_go_on(
    databases: Databases, dialect: str
) -> None:
    store = open_store(databases.make(dialect))
    wal = ["PRAGMA journal_mode = WAL"] if dialect == "sqlite" else []
    run(store.url, *wal, ACCT, "INSERT INTO acct (id, code) VALUES (1, 'a')")
    fence = fence_of(store, store.catalogue().tables)
    with contextlib.closing(store.connect()) as slow:
        slow.cursor().execute("BEGIN IMMEDIATE" if dialect == "sqlite" else "BEGIN")
        slow.cursor().execute("UPDATE acct SET note = 'slow' WHERE id = 1")
        with pytest.raises(FenceBusy, match="still open after"):
            fence.up(0.3)
        assert not fence.stands()
        slow.cursor().execute("COMMIT")
    fence.up(5.0)
    fence.up(5.0)
    assert fence.stands()
    for statement in ("INSERT INTO acct (id, code) VALUES (2, 'b')", "UPDATE acct SET code = 'c'", "DELETE FROM acct"):
        with pytest.raises(Exception, match="FENCED: this database has moved"):
            run(store.url, statement)
    with contextlib.closing(store.connect()) as reader:
        cursor = reader.cursor()
        if dialect != "sqlite":
            cursor.execute("BEGIN")
        cursor.execute("SELECT count(*) FROM acct")
        fence.down()  # whoever only reads is not waited for
    run(store.url, "INSERT INTO acct (id, code) VALUES (2, 'b')")
    fence.remove()
    assert not [name for name in everything(store) if "_wiz" in name]


@pytest.mark.parametrize("dialect", ["postgresql", pytest.param("mysql", marks=needs_mariadb)])
def test_a_transaction_with_an_old_snapshot_does_not_slip_through_the_fence(databases: Databases, dialect: str) -> None:
    store = open_store(databases.make(dialect))
    run(store.url, ACCT, "INSERT INTO acct (id, code) VALUES (1, 'a')")
    fence = fence_of(store, store.catalogue().tables)
    fence.prepare(5.0)
    with contextlib.closing(store.connect()) as old:
        cursor = old.cursor()
        if dialect == "postgresql":
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
            cursor.execute("SELECT 1")
        else:
            cursor.execute("START TRANSACTION WITH CONSISTENT SNAPSHOT")
        fence.up(5.0)
        with pytest.raises(Exception, match="FENCED"):
            cursor.execute("UPDATE acct SET note = 'late'")


# 10: a zombie


@pytest.mark.parametrize("target", EVERY)
def test_a_worker_that_was_replaced_commits_nothing(pairs: Any, target: str) -> None:
    pair = pairs("sqlite", target)
    pair.write("UPDATE acct SET code = 'zombie' WHERE id = 1")
    successor = Ledger(pair.target)
    assert successor.claim() == pair.ledger.epoch + 1
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the server may have ended its session already
        pair.drain()
    assert isinstance(caught.value, Fenced) or pair.target.fault(caught.value).kind == "connection"
    assert "zombie" not in codes(pair.target)
    with pytest.raises(Fenced):
        pair.ledger.rejoin()
    pair.link.close()
    pair.link = Link("forward", pair.source, pair.target, pair.plan, successor, "test")
    pair.drain()
    assert "zombie" in codes(pair.target)
    successor.release()


# 11: the log is gone


def test_a_slot_that_lost_its_log_is_noticed(pairs: Any, tmp_path: Path) -> None:
    own = EmbeddedPostgres(tmp_path / "own", logical=True)
    try:
        pair = pairs(own.url(), "sqlite")
        with psycopg.connect(pair.source.url, autocommit=True) as connection:
            connection.execute("ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'")
            connection.execute("SELECT pg_reload_conf()")
            pair.link.capture.close()
            for _ in range(2):
                connection.execute("SELECT pg_switch_wal(), pg_logical_emit_message(false, 'x', repeat('x', 100000))")
            connection.execute("CHECKPOINT")
        with pytest.raises(CaptureLost, match="the copy begins again"):
            pair.link.lag()
        with pytest.raises(CaptureLost, match="the copy begins again"):
            pair.link.once()
        pair.close()
    finally:
        own.stop()


def test_a_slot_that_somebody_made_anew_is_not_trusted(pairs: Any) -> None:
    pair = pairs("postgresql")
    pair.link.capture.close()
    pair.write("UPDATE acct SET code = 'unseen' WHERE id = 1")
    with psycopg.connect(pair.source.url, autocommit=True) as connection:
        connection.execute("SELECT pg_drop_replication_slot('_wiz_test_forward')")
        connection.execute("SELECT pg_create_logical_replication_slot('_wiz_test_forward', 'pgoutput')")
    with pytest.raises(CaptureLost, match="after what the target has"):
        pair.drain()


@needs_mariadb
def test_a_binlog_that_was_purged_is_noticed(pairs: Any) -> None:
    pair = pairs("mysql")
    pair.write("UPDATE acct SET code = 'unseen' WHERE id = 1", "FLUSH BINARY LOGS")
    last = open_store(pair.source.url)
    with contextlib.closing(last.connect()) as connection, connection.cursor() as cursor:
        for _ in range(100):  # as long as the server believes that somebody reads it, it keeps it
            cursor.execute("SHOW BINARY LOGS")
            names = [row[0] for row in cursor.fetchall()]
            if len(names) == 1:
                break
            cursor.execute(f"PURGE BINARY LOGS TO '{names[-1]}'")
            time.sleep(0.05)
    with pytest.raises(CaptureLost, match="purged its binlog"):
        pair.drain()


@needs_mariadb
def test_a_session_that_logs_statements_is_noticed(pairs: Any) -> None:
    pair = pairs("mysql")
    pair.write("SET SESSION binlog_format = 'STATEMENT'", "UPDATE acct SET code = 'x' WHERE id = 1")
    with contextlib.closing(pair.source.connect()) as connection, connection.cursor() as cursor:
        cursor.execute("SET SESSION binlog_format = 'STATEMENT'")
        cursor.execute("UPDATE acct SET code = 'y' WHERE id = 1")
    with pytest.raises(CaptureLost, match="binlog_format"):
        pair.drain()


# 12: tables without a key, published tables that must not break the application


def test_a_table_without_a_key_is_followed_row_by_row(pairs: Any) -> None:
    loose = "CREATE TABLE loose (a text, b numeric(8,2), c bytea)"
    pair = pairs("postgresql", "postgresql", loose)
    pair.write("INSERT INTO loose VALUES ('x', 1.5, '\\x00'), ('x', 1.5, '\\x00'), (NULL, NULL, NULL)")
    pair.write("UPDATE loose SET b = 2 WHERE ctid = (SELECT min(ctid) FROM loose)", "DELETE FROM loose WHERE a IS NULL")
    pair.write("INSERT INTO loose SELECT repeat('long', 2000), n, NULL FROM generate_series(1, 3) n")
    pair.write("UPDATE loose SET b = b + 1 WHERE a LIKE 'long%'")
    pair.drain()
    same(pair)
    with psycopg.connect(pair.source.url) as connection:
        kind = connection.execute("SELECT relreplident::text FROM pg_class WHERE relname = 'loose'").fetchone()
    assert kind == ("f",), "without it the application's own UPDATE would fail"
    pair.link.remove()
    with psycopg.connect(pair.source.url) as connection:
        kind = connection.execute("SELECT relreplident::text FROM pg_class WHERE relname = 'loose'").fetchone()
    assert kind == ("d",), "and it is as it was"


def test_sources_that_cannot_be_followed_are_refused_in_a_sentence(databases: Databases) -> None:
    store = open_store(databases.sqlite())
    run(store.url, "CREATE TABLE loose (a, b)")
    with pytest.raises(Unfollowable, match="choose the big bang"):
        open_capture(store, plan_between(store, store), "x", Memory())
    with contextlib.suppress(psycopg.OperationalError):
        local = open_store("postgresql://postgres@127.0.0.1:5432/postgres")
        with contextlib.closing(local.connect()) as connection:
            level = connection.execute("SHOW wal_level").fetchone()
        if level != ("logical",):
            with (
                contextlib.closing(open_capture(local, plan_between(local, local), "x", Memory())) as capture,
                pytest.raises(CannotCapture, match="wal_level = logical"),
            ):
                capture.prepare()


# 14: somebody else writes to the target


def test_somebody_who_writes_to_the_target_is_noticed(pairs: Any) -> None:
    pair = pairs("postgresql")
    run(pair.target.url, "DELETE FROM acct WHERE id = 2")
    pair.write("UPDATE acct SET note = 'x' WHERE id = 2")
    with pytest.raises(Contradiction, match="somebody else writes"):
        pair.drain()


# 9, 13 and 16 on a whole migration


def test_cancel_takes_everything_off_the_source_within_two_seconds(databases: Databases) -> None:
    source, target = databases.sqlite(), databases.postgres()
    with sqlite3.connect(open_store(source).path) as db:  # type: ignore[attr-defined]
        db.execute("CREATE TABLE big (id INTEGER PRIMARY KEY, text TEXT)")
        db.executemany("INSERT INTO big (text) VALUES (?)", (("x" * 200,) for _ in range(60_000)))
    with contextlib.closing(Wizard(source, target)) as wizard:
        assert wizard.do("assess", "schema") == "done"
        wizard.worker.hear({"do": "throttle", "rate": 20_000})
        wizard.worker.hear({"do": "copy"})
        wizard.wait(("captured",))
        assert [name for name in everything(open_store(source)) if "_wiz" in name]
        time.sleep(0.3)
        began = time.monotonic()
        wizard.worker.hear({"do": "cancel"})
        wizard.wait(("let_go",), seconds=10)
        assert time.monotonic() - began < 2.0
        assert not [name for name in everything(open_store(source)) if "_wiz" in name]
        wizard.worker.hear({"do": "throttle", "rate": 0})
        assert wizard.do("copy", "validate") == "done"
        assert wizard.last("balance")["target_rows"] == 60_000


def test_a_switch_over_that_cannot_be_done_in_time_changes_nothing(databases: Databases) -> None:
    source, target = databases.postgres(), databases.sqlite()
    run(source, ACCT, "INSERT INTO acct (id, code) VALUES (1, 'a')")
    with contextlib.closing(Wizard(source, target, freeze_s=0.6)) as wizard:
        wizard.do("assess", "schema", "copy", "validate", "sync")
        wizard.wait(("caught_up",))
        ended = threading.Event()

        def dawdle() -> None:
            with psycopg.connect(source) as slow:
                slow.execute("UPDATE acct SET note = 'slow'")
                ended.wait(20)

        thread = threading.Thread(target=dawdle)
        thread.start()
        time.sleep(0.2)
        assert wizard.do("switch") == "refused"
        assert "still open" in wizard.last("refused")["sentence"]
        ended.set()
        thread.join()
        run(source, "UPDATE acct SET note = 'goes on'")
        seen = len(wizard.said)
        assert wizard.do("switch") == "done", wizard.said[seen:]
        with pytest.raises(psycopg.Error, match="FENCED") as refused:
            run(source, "UPDATE acct SET note = 'too late'")
        assert refused.value.sqlstate == "PW001"
        assert wizard.do("clean") == "done"


# -- what is looked at -------------------------------------------------------------------------------------------


def ids(store: Store) -> list[int]:
    return sorted(int(row[0]) for row in ask(store, "SELECT id FROM acct"))


def codes(store: Store) -> list[str]:
    return [str(row[0]) for row in ask(store, "SELECT code FROM acct")]


def quarantined(store: Store) -> list[tuple[str, str]]:
    return [(str(t), str(c)) for t, c in ask(store, "SELECT tab, code FROM _wiz_quarantine")]


def ask(store: Store, sql: str) -> list[Any]:
    with contextlib.closing(store.connect()) as connection:
        cursor = connection.cursor()
        cursor.execute(sql)
        return list(cursor.fetchall())
