"""Whole databases in every direction: each row arrives or is in quarantine, and what the source forbids is forbidden.

The rows are compared twice: by the lab's own validation and by the script that knows nothing of it.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from prayog_migration.engine.plan import Plan
from prayog_migration.engine.proof import proof_of
from prayog_migration.engine.real import verify_alone
from prayog_migration.engine.real.demo import make_nasty
from prayog_migration.engine.real.moving import assess, move
from prayog_migration.engine.real.quarantine import Quarantine
from prayog_migration.engine.real.sqlite import SqliteStore
from prayog_migration.engine.real.store import Store, open_store
from prayog_migration.engine.real.validation import TableVerdict, validate
from prayog_sdk.services.postgres import EmbeddedPostgres

from .pairs import Databases, has_mariadb, run
from .ugly import MARIADB, MARIADB_FORBIDS, POSTGRESQL, POSTGRESQL_FORBIDS

SOURCES = ("sqlite", "postgresql", "mysql")
DIRECTIONS = [(a, b) for a in SOURCES for b in SOURCES]


@dataclass(frozen=True)
class Moved:
    """A database that was moved, and what was found."""

    source: Store
    target: Store
    plan: Plan
    verdicts: Sequence[TableVerdict]


@pytest.fixture(scope="module", params=DIRECTIONS, ids="-".join)
def moved(request: pytest.FixtureRequest, databases: Databases) -> Moved:
    if "mysql" in request.param and not has_mariadb():
        pytest.skip("no MariaDB server is installed")
    if "postgresql" in request.param and EmbeddedPostgres(databases.folder / "x").probe().status == "missing":
        pytest.skip("no embedded PostgreSQL wheel is installed")
    source, target = (open_store(databases.make(dialect)) for dialect in request.param)
    if isinstance(source, SqliteStore):
        make_nasty(source)
    else:
        run(source.url, *(POSTGRESQL if source.dialect == "postgresql" else MARIADB))
    plan = assess(source, target)
    move(source, target, plan)
    return Moved(source, target, plan, validate(source, target, plan))


def test_every_row_is_on_the_target_or_in_quarantine(moved: Moved) -> None:
    assert {verdict.table: verdict.differences for verdict in moved.verdicts if not verdict.equal} == {}
    assert sum(verdict.source_rows for verdict in moved.verdicts) > 500
    assert sum(verdict.quarantined for verdict in moved.verdicts) < 20


def test_the_script_that_stands_alone_agrees(moved: Moved, tmp_path: Path) -> None:
    proof = tmp_path / "proof.json"
    schemas = ["public" if store.dialect == "postgresql" else "" for store in (moved.source, moved.target)]
    proof.write_text(json.dumps(proof_of(moved.plan, *schemas)))
    command = [sys.executable, "-I", verify_alone.__file__, proof, moved.source.url, moved.target.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_rows_in_quarantine_say_why(moved: Moved) -> None:
    with moved.target.writer() as writer:
        rows = Quarantine(moved.target).rows(writer)
    assert all(reason and json.loads(raw) for _, _, _, _, _, reason, raw in rows)


def test_nothing_of_the_source_goes_unmentioned(moved: Moved) -> None:
    catalogue = moved.plan.source
    told = {(finding.kind, finding.name) for finding in moved.plan.findings}
    names = " ".join(name for _, name in told)
    for table in catalogue.tables:
        assert ("table", table.title) in told or ("partition", table.title) in told
        for part in (*table.indexes, *table.exclusions, *(key for key in table.foreign_keys if key.name)):
            assert f"{table.title}.{part.name}" in names or ("partition", table.title) in told, part
    for kind, objects in (("view", catalogue.views), ("trigger", catalogue.triggers), ("type", catalogue.types)):
        for one in objects:
            assert any(one.name in name and kind in what for what, name in told), one
    assert all(finding.verdict != "blocked" for finding in moved.plan.findings)


def test_what_the_source_forbids_is_forbidden(moved: Moved) -> None:
    cases = {"postgresql": POSTGRESQL_FORBIDS, "mysql": MARIADB_FORBIDS, "sqlite": NASTY_FORBIDS}[moved.source.dialect]
    accepted = []
    for name, values in cases:
        table = next((one for one in moved.plan.tables if one.source.name == name), None)
        assert table is not None, name
        if not _refused(moved.target, table.target.name, table.target.schema, values):
            accepted.append((name, values))
    assert accepted == KNOWN_WEAKER.get((moved.source.dialect, moved.target.dialect), [])


NASTY_FORBIDS = (
    ("affinity", {"id": 1}),
    ("computed", {"id": 91, "a": -1}),
    ("computed", {"id": 92, "a": 1, "b": 100}),
    ("ruled", {"id": 91, "kind": "cheque"}),
    ("ruled", {"id": 92, "kind": "upi", "amount": -1}),
    ("ruled", {"id": 93, "kind": "upi", "active": 2}),
    ("ruled", {"id": 94, "kind": None}),
    ("texts", {"id": 991, "code": "CODE1"}),
    ("texts", {"id": 992, "body": "PLAIN"}),
    ("employee", {"id": 991, "boss": 12345}),
    ("pairs", {"a": "a", "b": 1}),
    ("int_key", {"id": 1}),
    ("Select", {"from": 99, "bracket": None}),
    ("strict_one", {"id": 99, "n": "text"}),
    ("chicken", {"id": 99, "egg_id": 12345}),
)

KNOWN_WEAKER: dict[tuple[str, str], list[Any]] = {}
"""What a target accepts although the source does not: nothing."""


def _refused(store: Store, table: str, schema: str, values: dict[str, Any]) -> bool:
    """Whether the target refuses the row; whatever it does is undone."""
    columns, marks = ", ".join(map(store.quote, values)), ", ".join("?" * len(values))
    # As texts, PostgreSQL takes them for whatever the column is.
    texts = store.dialect == "postgresql"
    given = [str(value) if texts and value is not None else value for value in values.values()]
    over = " OVERRIDING SYSTEM VALUE" if texts else ""
    with store.writer() as writer:
        if store.dialect == "sqlite":
            writer.execute("PRAGMA foreign_keys = ON")
        try:
            with writer.transaction():
                writer.execute(f"INSERT INTO {store.name(table, schema)} ({columns}){over} VALUES ({marks})", given)
                if store.dialect == "postgresql":
                    writer.execute("SET CONSTRAINTS ALL IMMEDIATE")
                if store.dialect == "sqlite" and writer.query("PRAGMA foreign_key_check"):
                    return True  # it would be refused at COMMIT
                raise _Accepted
        except _Accepted:
            return False
        except Exception as error:  # noqa: BLE001 - the drivers' families of errors differ
            return store.fault(error).kind == "row"


class _Accepted(Exception):
    pass


def test_counters_go_on(moved: Moved) -> None:
    """The first new row gets a number that the source would have given, or a later one, even in an empty table."""
    wanted = {"sqlite": {"empty_numbers": 1, "used_numbers": 501, "employee": 400},
              "postgresql": {"empty_one": 77, "node": 501}, "mysql": {"empty_one": 77}}  # fmt: skip
    for name, least in wanted[moved.source.dialect].items():
        table = moved.plan.table(name).target
        text = next(column.name for column in table.columns if "text" in column.type.lower() or "char" in column.type)
        with moved.target.writer() as writer, contextlib.suppress(_Accepted), writer.transaction():
            qualified = moved.target.name(table.name, table.schema)
            writer.execute(f"INSERT INTO {qualified} ({moved.target.quote(text)}) VALUES ('fresh')")
            key = moved.target.quote(table.key.columns[0] if table.key else "")
            (number,) = writer.query(f"SELECT {key} FROM {qualified} WHERE {moved.target.quote(text)} = 'fresh'")[0]
            assert number == least, name
            raise _Accepted
