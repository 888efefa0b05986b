"""Going back restores the old side: what the move had changed is as it was, what was written since is new."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any

import pytest

from prayog_migration.engine.real import switching
from prayog_migration.engine.real.store import Store, open_store

from .pairs import Databases, Wizard, has_mariadb, run

needs_mariadb = pytest.mark.skipif(not has_mariadb(), reason="no MariaDB server is installed")
THERE = ("assess", "schema", "copy", "validate", "sync")


def rows(store: Store, table: str, *columns: str) -> list[tuple[Any, ...]]:
    with store.reader() as reader:
        return sorted(reader.rows(store.catalogue().table(table), columns), key=lambda row: int(row[0]))


@contextlib.contextmanager
def moved(source: str, target: str) -> Any:
    """A wizard after its switch-over."""
    with contextlib.closing(Wizard(source, target)) as wizard:
        assert wizard.do(*THERE) == "done", wizard.said[-1]
        wizard.wait(("caught_up",))
        assert wizard.do("switch") == "done", wizard.last("refused")
        yield wizard


def go_back(wizard: Wizard) -> None:
    assert wizard.do("back") == "done", wizard.said[-1]


BOOKING = (
    "SET sql_mode=''",
    "CREATE TABLE booking (id INT AUTO_INCREMENT PRIMARY KEY, made DATETIME DEFAULT '0000-00-00 00:00:00',"
    " wait TIME, paid TINYINT(1), total BIGINT UNSIGNED, place POINT, tags SET('ac','window'), long_text LONGTEXT,"
    " note VARCHAR(20))",
    "INSERT INTO booking VALUES (1, '0000-00-00', '-00:00:01', 5, 18446744073709551615, POINT(1, 2), 'ac',"
    " repeat('x', 9000), 'a'), (2, '2024-00-10', '23:59:59', 1, 0, NULL, '', 'y', 'b'),"
    " (3, '0000-00-00', NULL, NULL, NULL, NULL, NULL, NULL, 'c')",
)
READ = ("id", "made", "wait", "paid", "total", "place", "tags", "long_text", "note")


@needs_mariadb
@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_changed_values_of_mariadb_go_back_as_they_were(databases: Databases, dialect: str) -> None:
    source, target = databases.mariadb(), databases.make(dialect)
    run(source, *BOOKING)
    old = open_store(source)
    before = rows(old, "booking", *READ)
    with moved(source, target) as wizard:
        run(
            target,
            "UPDATE booking SET note = 'changed' WHERE id = 2",
            "UPDATE booking SET made = '2025-05-05 05:05:05' WHERE id = 3",
            "INSERT INTO booking (id, made, wait, paid, note) VALUES (2000, '2025-01-01 00:00:00', '10:00:00', 5, 'n')"
            if dialect == "sqlite"
            else "INSERT INTO booking (id, made, note) VALUES (2000, '2025-01-01 00:00:00', 'n')",
        )
        go_back(wizard)
        assert wizard.last("balance")["lost"] == wizard.last("balance")["duplicated"] == 0
    after = rows(old, "booking", *READ)
    assert after[0] == before[0]
    assert after[1] == (*before[1][:-1], "changed")
    assert after[2][1] == "2025-05-05 05:05:05"
    assert after[3][0] == "2000"


@pytest.mark.parametrize("dialect", ["sqlite", pytest.param("mysql", marks=needs_mariadb)])
def test_arrays_and_far_dates_of_postgresql_go_back(databases: Databases, dialect: str) -> None:
    source, target = databases.postgres(), databases.make(dialect)
    run(
        source,
        "CREATE TABLE log (id integer PRIMARY KEY, at timestamp, tags text[], grid int[], note text)",
        "INSERT INTO log VALUES (1, 'infinity', '{a,\"b \\\"c\",NULL}', '[0:1]={1,2}', 'x'),"
        " (2, '0044-03-15 01:02:03 BC', '{}', '{{1,2},{3,4}}', 'y')",
    )
    before = rows(open_store(source), "log", "id", "at", "tags", "grid", "note")
    quoted = "[\"p\", \"q r\", null]"
    with moved(source, target) as wizard:
        run(
            target,
            "UPDATE log SET note = 'z'",
            f"INSERT INTO log (id, tags, grid) VALUES (3, '{quoted}', '[[5], [6]]')",
        )
        go_back(wizard)
    after = rows(open_store(source), "log", "id", "at", "tags", "grid", "note")
    assert after[:2] == [(*row[:-1], "z") for row in before]
    assert after[2][2:4] == ('{p,"q r",NULL}', "{{5},{6}}")


def test_a_row_that_differs_in_truth_is_still_found_on_the_way_back(databases: Databases) -> None:
    """Alike is only what the old value becomes: another one on the old side is a difference."""
    source, target = databases.sqlite(), databases.postgres()
    run(
        source,
        "CREATE TABLE bill (id integer PRIMARY KEY, day DATE, n integer)",
        "INSERT INTO bill VALUES (1, 'someday', 1), (2, 'never', 2), (3, '2024-01-01', 3), (4, '2024-01-02', 4)",
    )
    choices: Sequence[tuple[str, str]] = [("bill.day", "null")]
    with contextlib.closing(
        Wizard(source, target, choices={"policies": choices, "types": [("bill.day", "date")]})
    ) as wizard:
        assert wizard.do(*THERE) == "done", wizard.said[-1]
        wizard.wait(("caught_up",))
        assert wizard.do("switch") == "done", wizard.last("refused")
        assert wizard.do("audit") == "done"
        assert wizard.last("balance")["lost"] == wizard.last("balance")["duplicated"] == 0
        run(source, "DROP TRIGGER IF EXISTS x")  # the fence refuses writes: take it from this one table
        with contextlib.closing(open_store(source).connect()) as connection:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        run(source, *(f'DROP TRIGGER "{name}"' for name in names), "UPDATE bill SET n = 20 WHERE id = 2")
        assert wizard.do("audit") == "done"
        assert wizard.last("balance")["lost"] == 1
        assert wizard.last("validated")["differences"][0][0] == "2"


def test_a_keyless_table_that_could_not_come_back_is_told_before_anything_is_copied(databases: Databases) -> None:
    source, target = databases.postgres(), databases.sqlite()
    run(source, "CREATE TABLE ping (at timestamp)")
    with contextlib.closing(Wizard(source, target)) as wizard:
        assert wizard.do("assess", "schema") == "refused"
        assert "there would be no way back" in wizard.last("assessed")["unfollowed"][0]


@needs_mariadb
def test_counters_stay_within_what_their_column_takes(databases: Databases) -> None:
    """Sakila's ids are TINYINT UNSIGNED: a thousand numbers cannot be skipped."""
    source, target = databases.mariadb(), databases.mariadb()
    run(
        source,
        "CREATE TABLE category (id TINYINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, name VARCHAR(9))",
        "INSERT INTO category VALUES (200, 'Action')",
    )
    with moved(source, target):
        run(target, "INSERT INTO category (name) VALUES ('New')")
        assert 200 < int(rows(open_store(target), "category", "id")[1][0]) < 210


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql", pytest.param("mysql", marks=needs_mariadb)])
def test_counters_of_the_old_side_go_on_after_what_the_new_side_gave_away(databases: Databases, dialect: str) -> None:
    """A serial, a sequence that only feeds a key, one of its own, one that counts down, one of a divided table."""
    source, target = databases.postgres(), databases.make(dialect)
    run(
        source,
        "CREATE TABLE a (id serial PRIMARY KEY, v text)",
        "CREATE SEQUENCE seven INCREMENT 7 START 3",
        "CREATE TABLE b (id integer PRIMARY KEY DEFAULT nextval('seven'), v text)",
        "CREATE TABLE c (id integer GENERATED BY DEFAULT AS IDENTITY (INCREMENT -3 START -5 MINVALUE -90 MAXVALUE -1)"
        " PRIMARY KEY, v text)",
        "CREATE TABLE d (id integer GENERATED BY DEFAULT AS IDENTITY, day date, PRIMARY KEY (id, day))"
        " PARTITION BY RANGE (day)",
        "CREATE TABLE d1 PARTITION OF d DEFAULT",
        *(f"INSERT INTO {name} (v) VALUES ('x'), ('y')" for name in "abc"),
        "INSERT INTO d (day) VALUES ('2024-01-01')",
    )
    with moved(source, target) as wizard:
        run(
            target,
            *(f"INSERT INTO {name} (id, v) VALUES (7000, 'far')" for name in "ab"),
            "INSERT INTO c (id, v) VALUES (-50, 'far')",
        )
        go_back(wizard)
    old = open_store(source)
    run(source, *(f"INSERT INTO {name} (v) VALUES ('n'), ('m')" for name in "abc"))
    found = {name: [int(id_) for id_, _ in rows(old, name, "id", "v")] for name in "abc"}
    assert found["a"][-3] == 7000 < found["a"][-2] < found["a"][-1]
    assert found["b"][-3] == 7000 < found["b"][-2] == found["b"][-1] - 7
    assert -90 <= found["c"][0] == found["c"][1] - 3 < -50 - 3


LOGGED = (
    "CREATE TABLE film (id integer PRIMARY KEY, title varchar(20))",
    "CREATE TABLE film_log (film_id integer PRIMARY KEY, title varchar(20))",
)
INSERTED = "INSERT INTO film_log (film_id, title) VALUES (new.id, new.title)"


def metadata_of(url: str) -> str:
    with open_store(url).writer() as writer:
        return str(writer.query("SELECT @@GLOBAL.binlog_row_metadata")[0][0])


@pytest.mark.parametrize("dialect", ["sqlite", pytest.param("mysql", marks=needs_mariadb)])
def test_triggers_of_the_application_rest_on_the_side_that_is_not_in_charge(databases: Databases, dialect: str) -> None:
    """What they do is in the stream already: done again it would refuse or double rows."""
    source, target = databases.make(dialect), databases.make(dialect)
    body = f"BEGIN {INSERTED}; END" if dialect == "sqlite" else INSERTED
    run(source, *LOGGED, f"CREATE TRIGGER film_insert AFTER INSERT ON film FOR EACH ROW {body}")
    run(source, "INSERT INTO film VALUES (1, 'Sholay')")

    def both(url: str) -> list[list[tuple[Any, ...]]]:
        store = open_store(url)
        return [rows(store, name, column, "title") for name, column in (("film", "id"), ("film_log", "film_id"))]

    before = metadata_of(source) if dialect == "mysql" else ""
    with moved(source, target) as wizard:
        run(target, "INSERT INTO film VALUES (2, 'Lagaan')", "UPDATE film SET title = 'SHOLAY' WHERE id = 1")
        go_back(wizard)
        assert wizard.last("balance")["lost"] == wizard.last("balance")["duplicated"] == 0
        run(source, "INSERT INTO film VALUES (3, 'Dangal')", "DELETE FROM film WHERE id = 2")
        assert wizard.do("audit") == "done"
        assert wizard.last("balance")["lost"] == wizard.last("balance")["duplicated"] == 0
        found = both(source)
        assert found == both(target)
        assert [title for _, title in found[0]] == ["SHOLAY", "Dangal"]
        assert [title for _, title in found[1]] == ["Sholay", "Lagaan", "Dangal"]
        assert wizard.do("clean") == "done"
    for url in (source, target):
        assert [one.name for one in open_store(url).catalogue().triggers] == ["film_insert"]
    if dialect == "mysql":  # both directions needed it, on one server
        assert metadata_of(source) == before


@needs_mariadb
def test_columns_that_the_old_side_computes_are_not_written_there(databases: Databases) -> None:
    source, target = databases.sqlite(), databases.mariadb()
    run(source, "CREATE TABLE t (id integer PRIMARY KEY, a text, b text AS (printf('%s!', a)) STORED)")
    run(source, "INSERT INTO t (id, a) VALUES (1, 'x')")
    with moved(source, target) as wizard:
        run(target, "INSERT INTO t (id, a, b) VALUES (2, 'y', 'y!')")
        go_back(wizard)
    assert rows(open_store(source), "t", "id", "a", "b") == [(1, "x", "x!"), (2, "y", "y!")]


@needs_mariadb
@pytest.mark.parametrize("dialect", ["postgresql", "sqlite"])
def test_what_only_mariadb_writes_so_goes_back_when_it_was_written_anew(databases: Databases, dialect: str) -> None:
    source, target = databases.mariadb(), databases.make(dialect)
    run(source, "CREATE TABLE t (id INT PRIMARY KEY, y YEAR, d TIME)", "INSERT INTO t VALUES (1, 2024, '30:00:00')")
    with moved(source, target) as wizard:
        run(target, "INSERT INTO t VALUES (2, 0, '-01:02:03')")
        go_back(wizard)
    assert rows(open_store(source), "t", "id", "y", "d")[1] == ("2", "0000", "-01:02:03")


@needs_mariadb
def test_triggers_are_made_although_the_rows_are_compared_after_the_promotion(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot that stays open for the comparison would keep MariaDB from making them, for ever."""
    monkeypatch.setattr(switching, "_IN_FREEZE_S", -1)
    source, target = databases.mariadb(), databases.mariadb()
    run(source, *LOGGED, f"CREATE TRIGGER film_insert AFTER INSERT ON film FOR EACH ROW {INSERTED}")
    run(source, "INSERT INTO film VALUES (1, 'Sholay')")
    with moved(source, target):
        run(target, "INSERT INTO film VALUES (2, 'Lagaan')")
        assert len(rows(open_store(target), "film_log", "film_id")) == 2
