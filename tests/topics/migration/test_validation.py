"""A verdict is worth what it finds: every planted difference, down to the cell, and no false alarm."""

from __future__ import annotations

import json
import subprocess
import sys
from hashlib import md5
from pathlib import Path

import pytest

from prayog_migration.engine.canonical import digests, joined, sql_text, texts
from prayog_migration.engine.kind_of import kind_of
from prayog_migration.engine.literals import array_items, array_text, canonical_json, plain_decimal
from prayog_migration.engine.model import Catalogue, Column, Table
from prayog_migration.engine.plan import Plan
from prayog_migration.engine.proof import proof_of
from prayog_migration.engine.real import validation, verify_alone
from prayog_migration.engine.real.demo import make_shop
from prayog_migration.engine.real.moving import assess, move
from prayog_migration.engine.real.replay import own_questions, replay
from prayog_migration.engine.real.rules_tried import try_rules
from prayog_migration.engine.real.store import Store, open_store
from prayog_migration.engine.real.validation import validate
from prayog_migration.engine.temporal import is_date, shape_of, to_utc
from prayog_sdk.services.postgres import EmbeddedPostgres

from .pairs import Databases, run


@pytest.fixture(params=["sqlite", "postgresql"])
def shop(
    request: pytest.FixtureRequest, databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> tuple[Store, Store, Plan]:
    if request.param == "postgresql" and EmbeddedPostgres(databases.folder / "x").probe().status == "missing":
        pytest.skip("no embedded PostgreSQL wheel is installed")
    monkeypatch.setattr(validation, "SEGMENT_ROWS", 300)
    source, target = open_store(databases.sqlite()), open_store(databases.make(request.param))
    make_shop(source, 2_000, 11)
    plan = assess(source, target, try_it=False)
    move(source, target, plan)
    return source, target, plan


FIRST_WITHOUT = "(SELECT min(id) FROM orders WHERE note IS NULL)"
CUSTOMER = "INSERT INTO customers (id, name, phone, city, pincode, joined)"


@pytest.mark.parametrize(
    ("damage", "table", "kind", "cells"),
    [
        ("UPDATE orders SET total = total + 0.01 WHERE id = 123", "orders", "different", ("total",)),
        (f"UPDATE orders SET note = '' WHERE id = {FIRST_WITHOUT}", "orders", "different", ("note",)),
        ("DELETE FROM payments WHERE id = 77", "payments", "missing", ()),
        ("UPDATE stock SET quantity = quantity + 1 WHERE product_id = 2 AND warehouse = 'BOM-2'", "stock", "different",
         ("quantity",)),
        (f"{CUSTOMER} VALUES (99999, 'x', 'y', 'z', '1', '2024-01-01')", "customers", "extra", ()),
    ],
    ids=["amount", "empty and NULL", "payment", "text key", "customer"],
)  # fmt: skip
def test_one_planted_row_is_found(
    shop: tuple[Store, Store, Plan], damage: str, table: str, kind: str, cells: tuple[str, ...], tmp_path: Path
) -> None:
    source, target, plan = shop
    run(target.url, damage)
    verdicts = {verdict.table: verdict for verdict in validate(source, target, plan)}
    assert [name for name, verdict in verdicts.items() if not verdict.equal] == [table]
    (difference,) = verdicts[table].differences
    assert difference.kind == kind
    assert tuple(cell[0] for cell in difference.cells) == cells
    assert sum(not segment.equal for segment in verdicts[table].segments) == 1
    proof = tmp_path / "proof.json"
    proof.write_text(json.dumps(proof_of(plan, "", "public" if target.dialect == "postgresql" else "")))
    command = [sys.executable, "-I", verify_alone.__file__, proof, source.url, target.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stdout
    assert f"DIFFERENT  {table}:" in done.stdout
    assert done.stdout.count("DIFFERENT") == 1


def test_the_script_imports_nothing_of_the_lab() -> None:
    assert "prayog" not in Path(verify_alone.__file__).read_text()


def test_equal_rows_do_not_cancel_out(databases: Databases) -> None:
    source, target = open_store(databases.sqlite()), open_store(databases.sqlite())
    run(source.url, "CREATE TABLE t (a TEXT)", "INSERT INTO t VALUES ('x'), ('x'), ('y')")
    plan = assess(source, target)
    move(source, target, plan)
    assert validate(source, target, plan)[0].equal
    run(target.url, "DELETE FROM t WHERE a = 'x'")
    (verdict,) = validate(source, target, plan)
    assert [one.kind for one in verdict.differences] == ["missing", "missing"]


def test_rules_that_do_not_work_are_found(shop: tuple[Store, Store, Plan]) -> None:
    _, target, plan = shop
    tried = try_rules(target, plan)
    assert {one.outcome for one in tried} == {"refused"}, [one for one in tried if one.outcome != "refused"]
    assert {one.kind for one in tried} == {"key", "unique", "not null", "foreign key", "check"}
    if target.dialect == "postgresql":
        for name in ("payments_check", "payments_upi_ref_key"):
            run(target.url, f"ALTER TABLE payments DROP CONSTRAINT {name}")
        accepted = [(one.kind, one.name) for one in try_rules(target, plan) if one.outcome == "accepted"]
        assert accepted == [("unique", "payments_upi_ref_key"), ("check", "payments_check")]


def test_the_same_questions_get_the_same_answers(shop: tuple[Store, Store, Plan]) -> None:
    source, target, plan = shop
    questions = [*own_questions(plan), "SELECT city, count(*) FROM customers GROUP BY city", "SELECT nonsense"]
    answers = replay(source, target, plan, questions)
    assert [answer.same for answer in answers] == [True] * (len(questions) - 1) + [False]
    assert "nonsense" in answers[-1].problem
    run(target.url, "UPDATE customers SET city = 'Ujjain' WHERE id = 1")
    (answer,) = replay(source, target, plan, questions[-2:-1])
    assert any("Ujjain" in row for row in answer.only_target)


VALUES = {
    "bigint": [0, -5, 2**62, None],
    "numeric(20,5)": ["1.50000", "-0.00001", "0", "12345678901234", None],
    "double precision": [0.1, -0.0, 1e300, 5e-324, float("inf"), None],
    "real": [0.1, 16777217.0, None],
    "boolean": [1, 0, None],
    "text": ["", "ä\x1f", "🪔", "a\\b\t\n", None],
    "character(4)": ["ab", "", None],
    "bytea": [b"", b"\x00\xff", None],
    "date": ["2024-02-29", "0001-01-01", None],
    "timestamp": ["2024-02-29 10:00:00", "2024-02-29 10:00:00.500000", "2024-02-29", None],
    "timestamp with time zone": ["2024-02-29 10:00:00+05:30", "2024-02-29 23:00:00.25-11:00", None],
    "time": ["10:00", "10:00:00.500", None],
    "uuid": ["0E37DF36-F698-11E6-8DD4-CB9CED3DF976", None],
}


def test_postgresql_computes_the_same_texts(databases: Databases) -> None:
    """Two ways to the same digest: in this process from what is sent, and in SQL from what is stored."""
    if EmbeddedPostgres(databases.folder / "x").probe().status == "missing":
        pytest.skip("no embedded PostgreSQL wheel is installed")
    store = open_store(databases.postgres())
    for type_, values in VALUES.items():
        kind = kind_of(Catalogue("postgresql"), Table("t", ()), Column("v", type_))
        run(store.url, "DROP TABLE IF EXISTS t", f"CREATE TABLE t (n integer, v {type_})")
        with store.writer() as writer, writer.transaction():
            writer.insert(store.name("t"), ("n", "v"), enumerate(values))
        sent = list(texts(kind)(values))
        with store.reader() as reader:
            expression = sql_text(kind, "v")
            assert expression is not None
            stored = [value for (value,) in reader.query(f"SELECT coalesce({expression}, chr(30)) FROM t ORDER BY n")]
            read = list(texts(kind)([value for (value,) in reader.query("SELECT v FROM t ORDER BY n")]))
        assert sent == stored == read, type_
    assert digests(joined([["a"], ["b"]])) == [int.from_bytes(md5(b"a\x1fb").digest()[:8], "big")]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("1.50e1", "15"), ("-0.00", "0"), ("1e-7", "0.0000001"), (".5", "0.5"), ("007", "7"), ("NaN", "NaN")],
)
def test_a_decimal_has_one_text(text: str, wanted: str) -> None:
    assert plain_decimal(text) == wanted


def test_json_and_arrays_have_one_text() -> None:
    assert canonical_json('{"b": 1.0, "a": [null, 18446744073709551616]}') == '{"a":[null,18446744073709551616],"b":1}'
    with pytest.raises(ValueError, match="JSON"):
        canonical_json("NaN")
    items = ["a b", 'q"', None, "", ["x", "NULL"], "back\\slash"]
    assert array_items(array_text(items)) == items


def test_moments() -> None:
    assert to_utc("2024-03-01 01:00:00+05:30") == "2024-02-29 19:30:00"
    assert to_utc("2023-12-31T23:30:00.5-01:00") == "2024-01-01 00:30:00.5"
    assert to_utc("2024-01-01 10:00:00") is None
    days = {"2024-02-29": True, "2023-02-29": False, "1900-02-29": False, "2000-02-29": True, "2024-04-31": False}
    assert {day: bool(is_date(day)) for day in days} == days
    shapes = [shape_of(text) for text in ("now", "10:00", "2024-01-01", "2024-01-01 24:00", "0000-01-01")]
    assert shapes == ["", "time", "date", "", ""]
