"""The trigger log of a SQLite file: a copy that follows it ends equal, whatever the application does."""

from __future__ import annotations

import random
import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from prayog_migration.engine.changes import Bag
from prayog_migration.engine.identity import Unfollowable, identity
from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Table
from prayog_migration.engine.plan import ColumnMove, Plan, Server, TableMove
from prayog_migration.engine.real.capture import CaptureLost, Drift
from prayog_migration.engine.real.sqlite import SqliteStore
from prayog_migration.engine.real.sqlite_capture import SqliteCapture
from prayog_migration.engine.triggers import drop_fence, fence

SCHEMA = """
    CREATE TABLE acct (id INTEGER PRIMARY KEY, code TEXT UNIQUE, nick TEXT COLLATE NOCASE, city TEXT, note BLOB,
                       twice INT GENERATED ALWAYS AS (id * 2) UNIQUE);
    CREATE UNIQUE INDEX nicks ON acct (nick);
    CREATE UNIQUE INDEX cities ON acct (lower(city)) WHERE city IS NOT NULL;
    CREATE TABLE seat (train INT, coach TEXT, berth INT, name TEXT, PRIMARY KEY (train, coach, berth)) WITHOUT ROWID;
    CREATE TABLE `odd "name"` (k TEXT NOT NULL COLLATE NOCASE PRIMARY KEY, v);
    CREATE TABLE child (id INTEGER PRIMARY KEY, acct INT REFERENCES acct (id) ON DELETE CASCADE ON UPDATE CASCADE);
"""


def plan_of(store: SqliteStore) -> Plan:
    catalogue = store.catalogue()
    moves = [
        TableMove(
            table,
            table,
            tuple(ColumnMove(c.name, c.name, Kind("any"), c.type, c.type, Kind("any")) for c in table.plain_columns),
        )
        for table in catalogue.tables
    ]
    return Plan(catalogue, Server("sqlite"), tuple(moves))


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    made = SqliteStore(f"sqlite:///{tmp_path / 'shop.sqlite'}")
    with sqlite3.connect(made.path) as db:
        db.executescript(SCHEMA)
    return made


class Copy:
    """Follows a capture; a table is a mapping from key to row."""

    def __init__(self, plan: Plan, capture: SqliteCapture) -> None:
        self.plan, self.capture = plan, capture
        self.position = capture.prepare()
        self.tables: list[dict[Any, Any]] = [{} for _ in plan.tables]

    def drain(self, limit: int = 1000) -> bool:
        batch = self.capture.read(self.position, limit, "0")
        if batch is None:
            return False
        for number, folding in batch.tables.items():
            assert not isinstance(folding, Bag)
            for net in folding.nets():
                self.tables[number].pop(net.origin, None)
            for net in folding.nets():
                if net.key is not None:
                    self.tables[number][net.key] = net.row
        self.position = batch.position
        return True

    def follow(self, limit: int = 1000) -> None:
        while self.drain(limit):
            pass


def source_rows(store: SqliteStore, plan: Plan) -> list[list[Any]]:
    with store.reader() as reader:
        return [sorted(reader.rows(move.source, move.reads), key=repr) for move in plan.tables]


def anything(db: sqlite3.Connection, dice: random.Random) -> None:
    """Something an application may do; what a constraint refuses is part of it."""
    n, m = dice.randrange(1, 12), dice.randrange(1, 12)
    code, nick, city = f"c{dice.randrange(8)}", dice.choice(["asha", "Asha", "RAVI", "ravi", "zoya", None]), None
    city = dice.choice(["Indore", "INDORE", "Pune", "pune", "Leh", None])
    policy = dice.choice(["", "OR REPLACE", "OR REPLACE", "OR IGNORE", "OR ROLLBACK", "OR FAIL"])
    statements = [
        (f"INSERT {policy} INTO acct (id, code, nick, city, note) VALUES (?, ?, ?, ?, x'00ff')", (n, code, nick, city)),
        (f"INSERT {policy} INTO acct (code, nick, city) VALUES (?, ?, ?)", (code, nick, city)),
        (f"UPDATE {policy} acct SET code = ?, city = ? WHERE id = ?", (code, city, n)),
        (f"UPDATE {policy} acct SET id = ? WHERE id = ?", (m, n)),
        (f"UPDATE {policy} acct SET nick = ? WHERE id >= ?", (nick, n)),
        ("UPDATE acct SET note = x'01' WHERE id = ?", (n,)),
        ("DELETE FROM acct WHERE id = ?", (n,)),
        ("INSERT INTO acct (id, code) VALUES (?, ?) ON CONFLICT (code) DO UPDATE SET id = excluded.id", (n, code)),
        ("INSERT INTO acct (id, code) VALUES (?, ?) ON CONFLICT DO NOTHING", (n, code)),
        (f"INSERT {policy} INTO seat VALUES (?, 'S1', ?, 'Meera')", (n % 3, m % 3)),
        (f"UPDATE {policy} seat SET berth = ? WHERE train = ?", (m % 3, n % 3)),
        (f"INSERT {policy} INTO `odd \"name\"` VALUES (?, ?)", (dice.choice("aAbB"), dice.choice([1, b"x"]))),
        ("UPDATE `odd \"name\"` SET k = upper(k) WHERE k = ?", (dice.choice("ab"),)),
        ("INSERT INTO child (acct) SELECT id FROM acct ORDER BY random() LIMIT 1", ()),
        ("DELETE FROM child WHERE id % 5 = 0", ()),
    ]  # fmt: skip
    sql, values = dice.choice(statements)
    with suppress(sqlite3.IntegrityError):
        db.execute(sql, values)


@pytest.mark.parametrize("seed", range(10))
def test_a_copy_that_follows_the_log_ends_equal(store: SqliteStore, seed: int) -> None:
    dice = random.Random(seed)
    plan = plan_of(store)
    copy = Copy(plan, SqliteCapture(store, plan))
    writers = []
    for recursive in (False, True):
        db = sqlite3.connect(store.path, isolation_level=None)
        db.execute("PRAGMA foreign_keys = ON")
        db.execute(f"PRAGMA recursive_triggers = {int(recursive)}")
        writers.append(db)
    for _ in range(10):
        db = dice.choice(writers)
        db.execute("BEGIN IMMEDIATE")
        for _ in range(dice.randrange(1, 6)):
            anything(db, dice)
            if not db.in_transaction:
                break
        if db.in_transaction:
            db.execute(dice.choice(["COMMIT", "COMMIT", "COMMIT", "ROLLBACK"]))
        if dice.random() < 0.4:
            copy.drain(limit=dice.choice([1, 3, 1000]))
        if dice.random() < 0.1:
            copy.capture.forget(copy.position)
    copy.follow()
    assert [sorted(table.values(), key=repr) for table in copy.tables] == source_rows(store, plan)
    for db in writers:
        db.close()


def test_a_log_without_guards_would_miss_evicted_rows(store: SqliteStore) -> None:
    """The negative control: the guards are what makes the test above pass."""
    plan = plan_of(store)
    copy = Copy(plan, SqliteCapture(store, plan))
    with sqlite3.connect(store.path) as db:
        db.execute("INSERT INTO acct (id, code) VALUES (1, 'a')")
    copy.follow()
    with sqlite3.connect(store.path) as db:
        guard = db.execute("SELECT sql FROM sqlite_master WHERE name = '_wiz_bi_acct'").fetchone()[0]
        db.execute("DROP TRIGGER _wiz_bi_acct")
        db.execute("INSERT OR REPLACE INTO acct (id, code) VALUES (2, 'a')")
        db.execute(guard)
    copy.follow()
    assert len(copy.tables[0]) == 2
    assert len(source_rows(store, plan)[0]) == 1


def test_everything_added_is_taken_away_again(store: SqliteStore) -> None:
    def objects() -> list[tuple[str, str]]:
        with sqlite3.connect(store.path) as db:
            return db.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()

    before, mode = objects(), sqlite3.connect(store.path).execute("PRAGMA journal_mode").fetchone()
    capture = SqliteCapture(store, plan_of(store))
    capture.prepare()
    capture.prepare()
    added = {name for name, _ in objects()} - {name for name, _ in before}
    assert all(name.startswith("_wiz") or name == "sqlite_sequence" for name in added)
    assert "_wiz_log" in capture.remove()
    assert capture.remove() == []
    assert [one for one in objects() if one[0] != "sqlite_sequence"] == before
    assert sqlite3.connect(store.path).execute("PRAGMA journal_mode").fetchone() == mode


def test_a_log_that_somebody_cut_is_lost(store: SqliteStore) -> None:
    drop = "DROP TRIGGER _wiz_guard;"
    for harm in (f"{drop} DELETE FROM _wiz_log WHERE seq = 2", f"{drop} DELETE FROM _wiz_log", drop,
                 "DROP TRIGGER _wiz_au_acct"):  # fmt: skip
        plan = plan_of(store)
        copy = Copy(plan, SqliteCapture(store, plan))
        with sqlite3.connect(store.path) as db:
            db.executescript("DELETE FROM acct; INSERT INTO acct (code) VALUES ('a'), ('b'), ('c');")
            for cut in ("DELETE FROM _wiz_log WHERE seq = 2", "DELETE FROM _wiz_log"):
                with pytest.raises(sqlite3.IntegrityError, match="still needs these changes"):
                    db.execute(cut)
            db.executescript(harm)
        with pytest.raises(CaptureLost, match="copy begins again"):
            copy.follow()


@pytest.mark.parametrize(
    ("ddl", "said"),
    [
        ("ALTER TABLE acct ADD COLUMN gst TEXT", "column gst is new"),
        ("ALTER TABLE acct RENAME COLUMN city TO town", "column town is new, column city is gone"),
        ("DROP TABLE seat", "seat is gone"),
        ("DROP TABLE child; CREATE TABLE child (id TEXT PRIMARY KEY, acct INT)", "column id was INTEGER and is TEXT"),
    ],
)
def test_a_change_of_the_tables_pauses_and_names_it(store: SqliteStore, ddl: str, said: str) -> None:
    plan = plan_of(store)
    copy = Copy(plan, SqliteCapture(store, plan))
    with sqlite3.connect(store.path) as db:
        db.execute("INSERT INTO acct (code) VALUES ('a')")
    copy.follow()
    with sqlite3.connect(store.path) as db:
        db.executescript(ddl)
    before = copy.position
    with pytest.raises(Drift, match=said):
        copy.follow()
    assert copy.position == before, "nothing was skipped"


def test_tables_that_cannot_be_followed_are_refused_with_a_way_out(store: SqliteStore) -> None:
    with sqlite3.connect(store.path) as db:
        db.executescript("CREATE TABLE loose (a, b); CREATE TABLE nullable (a TEXT PRIMARY KEY);")
    tables: dict[str, Table] = {table.name: table for table in store.catalogue().tables}
    for name in ("loose", "nullable"):
        with pytest.raises(Unfollowable, match=r"Add one .* or choose the big bang"):
            identity(tables[name], "sqlite")


def test_a_fence_refuses_every_write_and_lets_the_wizard_through(store: SqliteStore) -> None:
    tables = [move.source for move in plan_of(store).tables]
    db = sqlite3.connect(store.path, isolation_level=None)
    db.execute("INSERT INTO acct (id, code) VALUES (1, 'a')")
    for statement in ["BEGIN IMMEDIATE", *fence(tables), "COMMIT"]:
        db.execute(statement)
    for statement in ("INSERT INTO acct (code) VALUES ('b')", "UPDATE acct SET code = 'c'", "DELETE FROM acct"):
        with pytest.raises(sqlite3.IntegrityError, match="FENCED: this database has moved"):
            db.execute(statement)
    db.execute("BEGIN IMMEDIATE")
    db.execute("UPDATE _wiz_gate SET open = 1")
    db.execute("UPDATE acct SET code = 'w'")
    db.execute("UPDATE _wiz_gate SET open = 0")
    db.execute("COMMIT")
    for statement in drop_fence(tables):
        db.execute(statement)
    db.execute("INSERT INTO acct (code) VALUES ('b')")
    db.close()
