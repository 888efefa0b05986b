"""From log to target, strictly: whatever is done to the source, and wherever the applier dies, both end equal."""

from __future__ import annotations

import contextlib
import random
from typing import Any

import pytest

from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real.capture import View
from prayog_migration.engine.real.ledger import Ledger, Progress
from prayog_migration.engine.real.link import Link
from prayog_migration.engine.real.store import Row, Store, Writer, open_store
from prayog_migration.engine.values import Converter
from prayog_sdk.services.postgres import EmbeddedPostgres

from .pairs import Databases, copy, has_mariadb, plan_between, run

TYPES = {
    "postgresql": {"big": "text", "blob": "bytea", "at": "timestamp", "money": "numeric(12,2)", "id": "bigint"},
    "mysql": {"big": "longtext", "blob": "blob", "at": "datetime(6)", "money": "decimal(12,2)", "id": "bigint"},
    "sqlite": {"big": "text", "blob": "blob", "at": "datetime", "money": "numeric(12,2)", "id": "integer"},
}


def schema(dialect: str) -> list[str]:
    t = TYPES[dialect]
    return [
        f"CREATE TABLE acct (id {t['id']} PRIMARY KEY, code varchar(20) NOT NULL, note {t['big']}, city varchar(20),"
        f" paid {t['money']}, at {t['at']}, photo {t['blob']})",
        "CREATE TABLE seat (train integer NOT NULL, coach varchar(4) NOT NULL, name varchar(40),"
        " PRIMARY KEY (train, coach))",
        f"CREATE TABLE item (id {t['id']} PRIMARY KEY, acct {t['id']}, FOREIGN KEY (acct) REFERENCES acct (id)"
        " ON DELETE CASCADE ON UPDATE CASCADE)",
        f"CREATE TABLE part (item {t['id']} NOT NULL, n integer NOT NULL, acct {t['id']}, PRIMARY KEY (item, n),"
        " FOREIGN KEY (item) REFERENCES item (id) ON DELETE CASCADE ON UPDATE CASCADE,"
        " FOREIGN KEY (acct) REFERENCES acct (id) ON DELETE SET NULL)",
    ]


UNIQUE = "CREATE UNIQUE INDEX acct_code ON acct (code)"
PAIRS = [
    ("sqlite", "postgresql"),
    ("postgresql", "postgresql"),
    ("postgresql", "sqlite"),
    ("mysql", "postgresql"),
    ("postgresql", "mysql"),
    ("sqlite", "mysql"),
    ("mysql", "sqlite"),
    ("sqlite", "sqlite"),
]


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(request: pytest.FixtureRequest, databases: Databases) -> tuple[Store, Store]:
    if "mysql" in request.param and not has_mariadb():
        pytest.skip("no MariaDB server is installed")
    if "postgresql" in request.param and EmbeddedPostgres(databases.folder / "x").probe().status == "missing":
        pytest.skip("no embedded PostgreSQL wheel is installed")
    source, target = (open_store(databases.make(dialect)) for dialect in request.param)
    # Without WAL the copy, which reads in one transaction here, would keep the application from committing.
    run(source.url, *["PRAGMA journal_mode = WAL"] * (source.dialect == "sqlite"), *schema(source.dialect), UNIQUE)
    run(target.url, *schema(target.dialect))
    return source, target


class Application:
    """Somebody who writes to the source, in short transactions; some are undone."""

    def __init__(self, store: Store, seed: int) -> None:
        self.dice = random.Random(seed)
        self.dialect = store.dialect
        self.connection = store.connect()
        if self.dialect == "sqlite":
            self.connection.execute("PRAGMA foreign_keys = ON")
        self.mark = "?" if self.dialect == "sqlite" else "%s"

    def do(self, sql: str, *values: Any) -> None:
        cursor = self.connection.cursor()
        cursor.execute(sql.replace("?", self.mark), values or None) if values else cursor.execute(sql)
        cursor.close()

    def work(self, transactions: int) -> None:
        for _ in range(transactions):
            self.do("BEGIN IMMEDIATE" if self.dialect == "sqlite" else "BEGIN")
            try:
                for _ in range(self.dice.randrange(1, 7)):
                    self.something()
                self.do("ROLLBACK" if self.dice.random() < 0.1 else "COMMIT")
            except Exception as error:
                self.do("ROLLBACK")
                if not any(word in str(error).lower() for word in ("unique", "duplicate", "foreign")):
                    raise

    def something(self) -> None:
        dice = self.dice
        n, m, code = dice.randrange(1, 40), dice.randrange(1, 40), f"c{dice.randrange(60)}"
        big = dice.choice([None, "", "छोटा\t\n\\N", "x" * 40, dice.randbytes(4500).hex()])
        at = f"2024-02-{dice.randrange(10, 29)} 10:20:30.{dice.randrange(1, 9)}25000"
        kind = dice.randrange(14)
        if kind < 3:
            self.do("DELETE FROM acct WHERE id = ?", n)
            self.do(
                "INSERT INTO acct VALUES (?, ?, ?, ?, ?, ?, ?)",
                n, code, big, "Indore", dice.choice(["1.50", "-20.00", None]), at, dice.choice([None, b"\0\xff\\x"]),
            )  # fmt: skip
        elif kind < 6:
            self.do("UPDATE acct SET city = ? WHERE id = ?", dice.choice(["Pune", "Leh", None]), n)
        elif kind == 6:
            self.do("UPDATE acct SET id = ?, city = ? WHERE id = ?", m, "moved", n)
        elif kind == 7:  # two rows swap their unique values
            self.do("UPDATE acct SET code = ? WHERE id = ?", f"swap{n}", n)
            self.do("UPDATE acct SET code = ? WHERE id = ?", code, m)
        elif kind == 8:
            self.do("DELETE FROM acct WHERE id = ?", n)
        elif kind == 9:
            self.do("DELETE FROM seat WHERE train = ?", n % 5)
            self.do("INSERT INTO seat VALUES (?, ?, ?)", n % 5, f"S{m % 3}", "Meera")
        elif kind == 10:
            self.do("UPDATE seat SET coach = ? WHERE train = ? AND coach = ?", f"S{m % 4}", n % 5, f"S{n % 4}")
        elif kind == 11:
            self.do("UPDATE item SET id = ? WHERE id = ?", n, m)
        elif kind == 12:
            self.do("DELETE FROM part WHERE n = ?", m % 3)
            self.do("INSERT INTO part SELECT id, ?, acct FROM item", m % 3)
        else:
            self.do("DELETE FROM item WHERE id = ?", m)
            self.do("INSERT INTO item SELECT ?, id FROM acct WHERE id = ?", m, n)

    def close(self) -> None:
        self.connection.close()


class Crash(Exception):
    """The applier dies."""


class Mortal(Ledger):
    """Dies where it is told to: with everything written and nothing committed."""

    doomed = False

    def advance(self, writer: Writer, link: str, done: Progress) -> None:
        super().advance(writer, link, done)
        if self.doomed:
            raise Crash


class Line:
    """A link that may die at any moment and begins again from what the target says."""

    def __init__(self, source: Store, target: Store) -> None:
        self.source, self.target = source, target
        self.plan: Plan = plan_between(source, target)
        self.ledger = Mortal(target)
        self.ledger.claim()
        self.link = self.open()

    def open(self) -> Link:
        return Link("forward", self.source, self.target, self.plan, self.ledger, "test")

    def begin(self, between: Any = None) -> None:
        with self.link.begin() as reader:
            if between:
                between()
            copy(self.plan, reader, self.target)

    def die(self) -> None:
        """As a killed process does: connections break, what was not committed is undone."""
        self.link.close()
        self.ledger.claim()
        self.link = self.open()

    def drain(self, dice: random.Random, deaths: float = 0.0, view: View | None = None) -> None:
        until = view.position if view else self.link.capture.now()
        while not self.link.capture.reached(self.link.position, until):
            self.ledger.doomed = dice.random() < deaths
            try:
                self.link.once(dice.choice([1, 20, 100_000]), view)
            except Crash:
                self.die()

    def close(self) -> None:
        self.link.remove()
        self.link.close()
        self.ledger.release()


def same(line: Line, view: View | None = None) -> None:
    """Two ways to look: rows in the source's exchange form, converted; and the target's own rows read back."""
    with contextlib.ExitStack() as stack:
        new = stack.enter_context(line.target.reader())
        old = view.reader if view else stack.enter_context(line.source.reader())
        for move in line.plan.tables:
            rows, bad = Converter(line.plan.source.dialect, move, line.plan.target).rows(
                list(old.rows(move.source, move.reads))
            )
            assert not bad, bad[:3]
            found = list(new.rows(move.target, move.writes))
            assert sorted(map(text, rows), key=repr) == sorted(map(text, found), key=repr), move.source.title


def text(row: Row) -> tuple[Any, ...]:
    return tuple(v if v is None or isinstance(v, bytes) else number(str(v)) for v in row)


def number(value: str) -> str:
    """1.5 is 1.50, and a fraction of a second may have zeros at its end."""
    return value.rstrip("0").rstrip(".") if "." in value else value


@pytest.mark.parametrize("seed", [1, 2])
def test_a_stream_with_deaths_ends_equal(pair: tuple[Store, Store], seed: int) -> None:
    source, target = pair
    application = Application(source, seed)
    application.work(30)
    line = Line(source, target)
    with contextlib.closing(application), contextlib.closing(line):
        line.begin(between=lambda: application.work(15))
        dice = random.Random(seed)
        line.drain(dice, deaths=0.3)
        run(target.url, UNIQUE)
        for _ in range(6):
            application.work(10)
            line.drain(dice, deaths=0.3)
        same(line)
        application.work(5)
        view = line.link.capture.fix()
        application.work(5)  # both are compared at the view's position, whatever is written meanwhile
        line.drain(dice, deaths=0.3, view=view)
        same(line, view)
        view.reader.close()
        line.drain(dice)
        same(line)
    assert not [name for name in everything(source) if "_wiz" in name]


def everything(store: Store) -> list[str]:
    """Names of all there is in the source that could be ours."""
    with contextlib.closing(store.connect()) as connection:
        cursor = connection.cursor()
        if store.dialect == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master")
        elif store.dialect == "postgresql":
            cursor.execute(
                "SELECT relname FROM pg_class UNION SELECT slot_name FROM pg_replication_slots"
                " UNION SELECT pubname FROM pg_publication UNION SELECT proname FROM pg_proc"
            )
        else:
            cursor.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = database()"
                " UNION SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = database()"
            )
        return [str(row[0]) for row in cursor.fetchall()]
