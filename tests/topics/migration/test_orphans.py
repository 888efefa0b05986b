"""Children of a row in quarantine go with it, and come back with it; at the switch-over every rule holds."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from typing import Any

import pytest

from prayog_migration.engine.real.quarantine import Quarantine
from prayog_migration.engine.real.store import open_store

from .pairs import Databases, Wizard, has_mariadb, run

SHOP = (
    "CREATE TABLE city (id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(40))",
    "CREATE TABLE shop (id INTEGER NOT NULL PRIMARY KEY, city INTEGER REFERENCES city (id), name VARCHAR(40))",
    "CREATE TABLE bill (id INTEGER NOT NULL PRIMARY KEY, shop INTEGER REFERENCES shop (id), rupees INTEGER)",
    "INSERT INTO city VALUES (1, 'Indore'), (2, 'Leh')",
    "INSERT INTO shop VALUES (10, 1, 'a'), (20, 2, 'b')",
    "INSERT INTO bill VALUES (100, 10, 5), (101, 10, 6), (200, 20, 7)",
)
POISON = {"sqlite": "'x' || char(0)", "mysql": "concat('x', char(0))"}


def _quarantined(url: str) -> dict[str, list[int]]:
    target = open_store(url)
    with target.writer() as writer:
        rows = Quarantine(target).rows(writer)
    found: dict[str, list[int]] = {}
    for table, _, _, _, _, reason, raw in rows:
        assert reason
        found.setdefault(table, []).append(int(json.loads(raw)["id"]))
    return {table: sorted(ids) for table, ids in found.items()}


def _orphans(url: str) -> int:
    store = open_store(url)
    with store.writer() as writer:
        found = [
            writer.query(f"SELECT count(*) FROM {a} c WHERE NOT EXISTS (SELECT 1 FROM {b} p WHERE p.id = c.{b})")
            for a, b in (("shop", "city"), ("bill", "shop"))
        ]
    return sum(int(rows[0][0]) for rows in found)


def _balance(wizard: Wizard) -> tuple[Any, ...]:
    found = wizard.last("balance")
    assert found["source_rows"] == found["target_rows"] + found["quarantined"]
    return found["lost"], found["duplicated"], found["quarantined"]


@pytest.mark.parametrize("source_dialect", ["sqlite", "mysql"])
def test_children_go_into_quarantine_with_their_parent_and_come_back(
    databases: Databases, source_dialect: str
) -> None:
    if source_dialect == "mysql" and not has_mariadb():
        pytest.skip("no MariaDB server is installed")
    source, target = databases.make(source_dialect), databases.postgres()
    run(source, *SHOP)
    with contextlib.closing(Wizard(source, target)) as wizard:
        assert wizard.do("assess", "schema", "copy", "validate", "sync") == "done"
        wizard.wait(("caught_up",))
        run(source, f"UPDATE city SET name = {POISON[source_dialect]} WHERE id = 1")
        run(source, "INSERT INTO bill VALUES (102, 10, 8)")
        assert wizard.do("audit") == "done"
        assert _balance(wizard) == (0, 0, 5)
        assert _quarantined(target) == {"city": [1], "shop": [10], "bill": [100, 101, 102]}
        run(source, "UPDATE bill SET rupees = 50 WHERE id = 100")  # changed at the source while it is aside
        run(source, "UPDATE city SET name = 'Indore' WHERE id = 1")  # and mended
        assert wizard.do("audit") == "done"
        assert _balance(wizard) == (0, 0, 0)
        assert _quarantined(target) == {}
        run(source, f"UPDATE city SET name = {POISON[source_dialect]} WHERE id = 2")
        assert wizard.do("switch") == "done", wizard.last("refused")
        assert _balance(wizard) == (0, 0, 3)
        assert _quarantined(target) == {"city": [2], "shop": [20], "bill": [200]}
        assert _orphans(target) == 0


def test_what_the_source_itself_holds_without_a_parent_stays(databases: Databases) -> None:
    source, target = databases.sqlite(), databases.sqlite()
    run(source, *SHOP, "INSERT INTO bill VALUES (300, 99, 1)")
    with contextlib.closing(Wizard(source, target)) as wizard:
        assert wizard.do("assess", "schema", "copy", "validate") == "done"
        assert _balance(wizard) == (0, 0, 0)
    with contextlib.closing(sqlite3.connect(target.removeprefix("sqlite:///"))) as connection:
        assert connection.execute("SELECT count(*) FROM bill").fetchone() == (4,)
