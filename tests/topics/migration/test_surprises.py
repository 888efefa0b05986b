"""What the source's people, the disk and the learner do in the middle of it, each told in a sentence that helps."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import Any

import pytest

from prayog_migration.engine.real import flow, room
from prayog_migration.engine.real.store import open_store

from .pairs import Databases, Wizard, has_mariadb, run

ACCT = "CREATE TABLE acct (id integer PRIMARY KEY, code varchar(20))"
needs_mariadb = pytest.mark.skipif(not has_mariadb(), reason="no MariaDB server is installed")
EVERY = ["sqlite", "postgresql", pytest.param("mysql", marks=needs_mariadb)]


@pytest.mark.parametrize("dialect", EVERY)
def test_a_new_table_on_the_source_is_noticed_and_can_be_taken_along(databases: Databases, dialect: str) -> None:
    source, target = databases.make(dialect), databases.sqlite()
    run(source, ACCT, "INSERT INTO acct VALUES (1, 'a')")
    with contextlib.closing(Wizard(source, target)) as wizard:
        assert wizard.do("assess", "schema", "copy", "validate", "sync") == "done"
        wizard.wait(("caught_up",))
        run(source, "CREATE TABLE refund (id integer PRIMARY KEY, rupees integer)", "INSERT INTO refund VALUES (7, 70)")
        said = wizard.wait(("drift",), seconds=10)[2]["sentence"]
        assert "no plan: refund." in said
        assert "Plan again" in said
        seen = len(wizard.said)
        assert wizard.do("replan", "copy", "validate", "sync") == "done"
        wizard.wait(("caught_up",), since=seen)
        assert wizard.do("switch") == "done", wizard.last("refused")
        assert wizard.last("balance")["target_rows"] == 2


def test_a_new_table_is_noticed_at_the_switch_over_and_can_be_left_behind(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(flow, "_LOOK_SECONDS", 1e9)  # the stream does not look by itself
    source, target = databases.sqlite(), databases.sqlite()
    run(source, ACCT, "INSERT INTO acct VALUES (1, 'a')")
    with contextlib.closing(Wizard(source, target)) as wizard:
        assert wizard.do("assess", "schema", "copy", "validate", "sync") == "done"
        wizard.wait(("caught_up",))
        run(source, "CREATE TABLE scratch (id integer PRIMARY KEY)")
        assert wizard.do("switch") == "drift"
        assert "scratch" in wizard.last("drift")["sentence"]
        assert wizard.do("sync", "switch") == "done", wizard.last("refused")


def test_an_audit_before_anything_was_copied_is_refused_in_a_sentence(databases: Databases) -> None:
    source, target = databases.sqlite(), databases.sqlite()
    run(source, ACCT)
    with contextlib.closing(Wizard(source, target)) as wizard:
        assert wizard.do("audit") == "refused"
        assert "Assess first" in wizard.last("refused")["sentence"]
        assert wizard.do("assess", "schema", "audit") == "refused"
        assert "Copy first" in wizard.last("refused")["sentence"]
        assert wizard.do("copy", "audit") == "done"
        assert wizard.do("cancel", "audit") == "refused"


class _Impatient(Wizard):
    """Lowers the fence at a given moment of the first switch-over."""

    moment = ""

    def _hear(self, kind: str, node: str, data: Mapping[str, Any]) -> None:
        super()._hear(kind, node, data)
        if kind == "switching" and node == self.moment:
            self.moment = ""
            self.worker.hear({"do": "unfence"})


@pytest.mark.parametrize("moment", ["fenced", "drained", "verified"])
def test_lowering_the_fence_before_the_sides_change_calls_everything_off(databases: Databases, moment: str) -> None:
    source, target = databases.sqlite(), databases.postgres()
    run(source, ACCT, "INSERT INTO acct VALUES (1, 'a')")
    with contextlib.closing(_Impatient(source, target)) as wizard:
        assert wizard.do("assess", "schema", "copy", "validate", "sync") == "done"
        wizard.wait(("caught_up",))
        wizard.moment = moment
        assert wizard.do("switch") == "refused"
        assert "You lowered the fence" in wizard.last("refused")["sentence"]
        assert wizard.last("unfenced")
        assert "promoted" not in [kind for kind, _, _ in wizard.said]
        run(source, "INSERT INTO acct VALUES (2, 'goes on')")
        assert wizard.do("audit") == "done"
        assert wizard.last("balance")["target_rows"] == 2
        assert wizard.do("switch") == "done", wizard.last("refused")


def test_a_full_disk_is_told_in_bytes(databases: Databases) -> None:
    source, target = databases.sqlite(), databases.postgres()
    run(source, ACCT, "INSERT INTO acct VALUES (1, 'a'), (2, 'b')")
    with contextlib.closing(Wizard(source, target)) as wizard:
        assert wizard.do("assess", "schema") == "done"
        job = wizard.worker.job
        need, free = room.needed_bytes(job), room.free_bytes(open_store(target))
        assert 0 < need < 1_000
        assert free is not None
        said = room.sentence(job, "could not extend file")
        assert f"({need:,} bytes)" in said
        assert "are free there" in said
        assert wizard.do("copy") == "done"
        assert room.needed_bytes(job) == 0
    assert room.free_bytes(open_store("postgresql://far.example/x")) is None


@pytest.mark.parametrize("dialect", EVERY)
def test_odd_names_and_numbers_are_followed_there_and_back(databases: Databases, dialect: str) -> None:
    """A question mark and a percent sign in names; an integer column that holds a number beyond 64 bits."""
    other = "mysql" if has_mariadb() else "sqlite"
    source, target = databases.make(dialect), databases.make(other if dialect == "postgresql" else "postgresql")
    q = "`" if dialect == "mysql" else '"'
    columns = f"{q}why?{q} varchar(9), {q}per%s{q} numeric(25, 1)"
    run(source, f"CREATE TABLE odd (id integer NOT NULL PRIMARY KEY, {columns})")
    run(source, "INSERT INTO odd VALUES (1, '?', 18446744073709551615), (2, '%s', 9007199254740993.0)")
    with contextlib.closing(Wizard(source, target)) as wizard:
        assert wizard.do("assess", "schema", "copy", "validate", "sync") == "done"
        wizard.wait(("caught_up",))
        run(source, f"UPDATE odd SET {q}why?{q} = 'so' WHERE id = 1", "DELETE FROM odd WHERE id = 2")
        for step in ("audit", "switch", "back", "audit"):
            assert wizard.do(step) == "done", wizard.last("refused")
            found = wizard.last("balance")
            assert (found["source_rows"], found["target_rows"], found["lost"], found["duplicated"]) == (1, 1, 0, 0)


def test_a_divided_table_is_followed_and_an_unlogged_one_is_named(databases: Databases) -> None:
    source, target = databases.postgres(), databases.sqlite()
    run(source, "CREATE TABLE day (id integer NOT NULL, month integer NOT NULL, PRIMARY KEY (id, month)) PARTITION BY"
        " LIST (month)", "CREATE TABLE day_1 PARTITION OF day FOR VALUES IN (1)",
        "CREATE TABLE day_2 PARTITION OF day DEFAULT", "INSERT INTO day VALUES (1, 1), (2, 2)",
        "CREATE UNLOGGED TABLE hits (id integer PRIMARY KEY)")  # fmt: skip
    with contextlib.closing(Wizard(source, target)) as wizard:
        assert wizard.do("assess") == "done"
        assert any("hits is UNLOGGED" in said for said in wizard.last("assessed")["unfollowed"])
    with contextlib.closing(Wizard(source, target, choices={"left_out": ["hits"]})) as wizard:
        assert wizard.do("assess", "schema", "copy", "validate", "sync") == "done"
        run(source, "INSERT INTO day VALUES (3, 2)", "UPDATE day SET month = 2 WHERE id = 1")
        assert wizard.do("audit") == "done"
        found = wizard.last("balance")
        assert (found["target_rows"], found["lost"], found["duplicated"]) == (3, 0, 0)


@needs_mariadb
def test_sets_and_binary_keys_of_mariadb_go_there_and_back(databases: Databases) -> None:
    source, target = databases.mariadb(), databases.postgres()
    run(source, "CREATE TABLE tag (k VARBINARY(8) PRIMARY KEY, s SET('x', 'y z'))",
        "INSERT INTO tag VALUES ('', 'x,y z'), ('a', ''), ('A', NULL)")  # fmt: skip
    with contextlib.closing(Wizard(source, target)) as wizard:
        assert wizard.do("assess", "schema", "copy", "validate", "sync") == "done"
        wizard.wait(("caught_up",))
        run(source, "UPDATE tag SET s = 'x' WHERE k = ''", "DELETE FROM tag WHERE k = 'A'")
        assert wizard.do("audit", "switch") == "done", wizard.last("refused")
        run(target, "UPDATE tag SET s = '{x,\"y z\"}' WHERE k = 'a'")
        assert wizard.do("back") == "done", wizard.last("refused")
        found = wizard.last("balance")
        assert (found["target_rows"], found["lost"], found["duplicated"]) == (2, 0, 0)
    store = open_store(source)
    with store.writer() as writer:
        assert writer.query("SELECT s FROM tag ORDER BY k") == [("x",), ("x,y z",)]
