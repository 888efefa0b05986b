"""Databases that nobody has seen: random tables, types, keys and values, some of which fit nothing.

The same seed makes the same database.  Longer hunts: raise `SEEDS`.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prayog_migration.engine.proof import proof_of
from prayog_migration.engine.real import verify_alone
from prayog_migration.engine.real.moving import assess, move
from prayog_migration.engine.real.rules_tried import try_rules
from prayog_migration.engine.real.store import Store, open_store
from prayog_migration.engine.real.validation import validate
from prayog_sdk.services.postgres import EmbeddedPostgres

from .pairs import Databases, has_mariadb

SEEDS = (21, 48)
DIRECTIONS = [
    ("sqlite", "postgresql"),
    ("sqlite", "mysql"),
    ("postgresql", "sqlite"),
    ("postgresql", "mysql"),
    ("mysql", "sqlite"),
    ("mysql", "postgresql"),
]

SQLITE = (
    "INTEGER",
    "INT",
    "TEXT",
    "VARCHAR(5)",
    "CHAR(3)",
    "REAL",
    "NUMERIC",
    "NUMERIC(8,3)",
    "DECIMAL(4,0)",
    "BOOLEAN",
    "DATE",
    "DATETIME",
    "TIME",
    "BLOB",
    "",
    "JSON",
    "UUID",
    "ANYTHING",
    "TIMESTAMPTZ",
    "TINYINT(1)",
    "MONEY",
    "SMALLINT",
)
ODD = ("x", "now", 3, 2.5, b"\x00\xff", "0000-00-00", float("inf"), 10**18, "true", "2024-02-30", "", -(2**63), "a\0b")
POSTGRESQL: dict[str, tuple[str, ...]] = {
    "integer": ("0", "-1", "2147483647"),
    "bigint": ("9223372036854775807",),
    "numeric": ("1.50", "NaN", "1e40"),
    "numeric(40,20)": ("1.00000000000000000001",),
    "real": ("0.1", "NaN", "-0"),
    "double precision": ("0.1", "Infinity"),
    "boolean": ("t", "f"),
    "text": ("", "it's", "tab\t\n\\", "é🪔\x1f"),
    "varchar(6)": ("abc", "é🪔xyz "),
    "char(4)": ("a", ""),
    "bytea": ("\\x", "\\x00ff"),
    "date": ("2024-02-29", "infinity", "0044-03-15 BC"),
    "time": ("24:00:00", "00:00:00.000001"),
    "timestamp": ("2024-02-29 10:00:00.123456", "infinity"),
    "timestamptz": ("2024-02-29 10:00:00+05:30",),
    "interval": ("1 year 2 mons", "-00:00:01"),
    "json": ('{"b": 1,"a":[1.0]}',),
    "jsonb": ('{"b": 1}',),
    "uuid": ("0e37df36-f698-11e6-8dd4-cb9ced3df976",),
    "integer[]": ("{}", "{1,NULL}", "[0:1]={1,2}"),
    "text[]": ('{"a b","q\\"",NULL,""}',),
    "inet": ("10.0.0.0/8",),
    "bit(3)": ("101",),
    "varbit": ("", "0011"),
    "int4range": ("[1,5)", "empty"),
    "money": ("$1,234.50",),
    "oid": ("4294967295",),
    "tsvector": ("'a':1",),
}
MYSQL: dict[str, tuple[str, ...]] = {
    "tinyint": ("-128",),
    "tinyint(1)": ("0", "1", "5"),
    "int": ("-2147483648",),
    "bigint unsigned": ("18446744073709551615",),
    "decimal(65,30)": ("1.000000000000000000000000000001",),
    "float": ("0.1", "16777217"),
    "double": ("1e308",),
    "bit(13)": ("b'1010101010101'",),
    "bit(64)": ("b'" + "1" * 64 + "'",),
    "char(5)": ("'ab'", "'é🪔'"),
    "varchar(10)": ("'it''s'", "'a '", "'\\\\'"),
    "text": ("'tab\\t\\n'", "'nul\\0x'"),
    "binary(3)": ("x'00'",),
    "blob": ("x'5c00'",),
    "date": ("'2024-02-29'", "'0000-00-00'"),
    "datetime(6)": ("'2024-02-29 10:00:00.000100'",),
    "timestamp(2)": ("'2024-02-29 10:00:00.10'",),
    "time": ("'-838:59:59'", "'10:00:00'"),
    "year": ("2024", "0"),
    "enum('a','b''c','')": ("'a'", "''"),
    "set('x','y z')": ("''", "'x,y z'"),
    "json": ("'{\"b\": 1}'",),
    "varchar(5) character set latin1": ("'é'",),
    "smallint unsigned": ("65535",),
}
NO_KEY = {"json", "jsonb", "text", "blob", "money", "tsvector", "integer[]", "text[]"}


def fitting(dice: random.Random, type_: str) -> Any:
    """A value that a SQLite column of that type was meant for."""
    if "INT" in type_:
        return dice.choice((0, 1)) if "(1)" in type_ else dice.randrange(10**6)
    return {
        "BOOLEAN": lambda: dice.choice((0, 1)),
        "DATE": lambda: f"{dice.randrange(1, 9999):04}-{dice.randrange(1, 13):02}-{dice.randrange(1, 29):02}",
        "DATETIME": lambda: f"20{dice.randrange(10, 30)}-01-01" + dice.choice(("", " 10:00", "T01:02:03.000100")),
        "TIMESTAMPTZ": lambda: f"20{dice.randrange(10, 30)}-01-01 10:00:00" + dice.choice(("+05:30", "Z", "-11:00")),
        "TIME": lambda: dice.choice(("10:00", "00:00:00.000001")),
        "BLOB": lambda: dice.randbytes(dice.randrange(9)),
        "JSON": lambda: dice.choice(('{"a": 1.50, "b": [null]}', "[]", '"x"')),
        "UUID": lambda: f"{dice.getrandbits(128):032x}",
        "REAL": lambda: dice.choice((dice.random() * 1e6, 1e300, -0.0, 5e-324)),
        "NUMERIC": lambda: dice.choice((dice.randrange(10**4), 0.1 + 0.2, 1e20)),
        "NUMERIC(8,3)": lambda: round(dice.random() * 1000, 3),
        "DECIMAL(4,0)": lambda: dice.randrange(10**4),
        "MONEY": lambda: round(dice.random() * 1000, 2),
    }.get(type_, lambda: "".join(dice.choice("ab'\"\\\t\n é🪔%_N") for _ in range(dice.randrange(6))))()


def sqlite_database(dice: random.Random, store: Store) -> None:
    with store.writer() as writer:
        for n in range(3):
            columns = [(f"{dice.choice(('a', 'B', 'c d', 'ñ', 'order'))}{m}", dice.choice(SQLITE)) for m in range(5)]
            told = [f'"{name}" {type_}' for name, type_ in columns]
            head = dice.choice(
                ("id INTEGER PRIMARY KEY", "id TEXT PRIMARY KEY", "id INTEGER NOT NULL UNIQUE", "id INTEGER")
            )
            if dice.random() < 0.3:
                told.append(f'PRIMARY KEY (id, "{columns[0][0]}")')
                head = "id INTEGER"
            if n and dice.random() < 0.5:
                told.append('FOREIGN KEY (id) REFERENCES "t 0" (id)')
            writer.execute(f'CREATE TABLE "t {n}" ({", ".join([head, *told])})')
            unique = dice.choice(("", "UNIQUE "))
            writer.execute(f'CREATE {unique}INDEX "i {n}" ON "t {n}" ("{columns[-1][0]}") WHERE id > 5')
            for row in range(dice.choice((0, 3, 120))):
                values = [dice.choice(ODD) if dice.random() < 0.05 else fitting(dice, type_) for _, type_ in columns]
                values = [None if dice.random() < 0.1 else value for value in values]
                marks = ", ".join("?" * 6)
                writer.execute(f'INSERT OR IGNORE INTO "t {n}" VALUES ({marks})', [row, *values])


def server_database(pool: dict[str, tuple[str, ...]], dice: random.Random, store: Store) -> None:
    mysql = store.dialect == "mysql"
    with store.writer() as writer:
        for n in range(3):
            columns = [(f"{dice.choice(('a', 'B', 'c d', 'order'))}{m}", dice.choice(list(pool))) for m in range(6)]
            told = [f"{store.quote(name)} {type_}" for name, type_ in columns]
            told = [f"{one} NULL" if mysql else one for one in told]
            keys = [name for name, type_ in columns if type_ not in NO_KEY]
            head = dice.choice(("id integer PRIMARY KEY", "id integer NOT NULL UNIQUE", "id integer"))
            name = store.quote(f"t {n}")
            writer.execute(f"CREATE TABLE {name} ({', '.join([head, *told])})")
            if keys:
                writer.execute(f"CREATE INDEX {store.quote(f'i {n}')} ON {name} ({store.quote(keys[-1])})")
            for row in range(dice.choice((0, 4, 30))):
                values = [None if dice.random() < 0.15 else dice.choice(pool[type_]) for _, type_ in columns]
                if not mysql:
                    values = [value and "'" + value.replace("'", "''") + "'" for value in values]
                shown = ", ".join("NULL" if value is None else value or "''" for value in values)
                writer.execute(f"INSERT INTO {name} VALUES ({row}, {shown})")


MAKERS: dict[str, Callable[[random.Random, Store], None]] = {
    "sqlite": sqlite_database,
    "postgresql": lambda dice, store: server_database(POSTGRESQL, dice, store),
    "mysql": lambda dice, store: server_database(MYSQL, dice, store),
}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("direction", DIRECTIONS, ids="-".join)
def test_a_random_database_arrives(databases: Databases, direction: tuple[str, str], seed: int, tmp_path: Path) -> None:
    if "mysql" in direction and not has_mariadb():
        pytest.skip("no MariaDB server is installed")
    if "postgresql" in direction and EmbeddedPostgres(databases.folder / "x").probe().status == "missing":
        pytest.skip("no embedded PostgreSQL wheel is installed")
    source, target = (open_store(databases.make(dialect)) for dialect in direction)
    MAKERS[direction[0]](random.Random(seed), source)
    plan = assess(source, target)
    move(source, target, plan)
    assert [(one.table, one.differences) for one in validate(source, target, plan) if not one.equal] == []
    assert [one for one in try_rules(target, plan) if one.outcome == "accepted"] == []
    proof = tmp_path / "proof.json"
    schemas = ["public" if store.dialect == "postgresql" else "" for store in (source, target)]
    proof.write_text(json.dumps(proof_of(plan, *schemas)))
    command = [sys.executable, "-I", verify_alone.__file__, proof, source.url, target.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
