"""Every feature of a SQLite table that reflection is known to lose is read, and none of the wizard's own objects is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prayog_migration.engine.model import Catalogue, Table
from prayog_migration.engine.real.store import open_store
from prayog_migration.engine.sqlite_statements import index_parts, read_table, read_trigger
from prayog_migration.engine.sqlite_tokens import tokens

from .pairs import run

SCHEMA = """
CREATE TABLE p (id INTEGER PRIMARY KEY, x TEXT);
CREATE TABLE [Order Details] (
 "Order" INT NOT NULL ON CONFLICT IGNORE, -- a comment, with ) in it
 a INT DEFAULT -5, b TEXT COLLATE nocase DEFAULT 'it''s', c INT GENERATED ALWAYS AS (a*2) STORED, d AS (a+1),
 e INT REFERENCES P(ID) ON DELETE CASCADE ON UPDATE SET NULL DEFERRABLE INITIALLY DEFERRED,
 f DATETIME DEFAULT (strftime('%s','now')),
 h VARCHAR(10) CONSTRAINT hh CHECK (length(h) < (10)) UNIQUE ON CONFLICT REPLACE,
 weird WEIRDTYPE(3), `select` DOUBLE PRECISION NOT NULL DEFAULT 1.5e3, typeless,
 CONSTRAINT pk PRIMARY KEY ("Order", a DESC) ON CONFLICT FAIL
 CONSTRAINT uq UNIQUE (b COLLATE rtrim, A)
 CHECK (a > 0 AND (b <> ')')), FOREIGN KEY (E, a) REFERENCES nowhere (q, r) MATCH full
);
CREATE TABLE numbered (id INTEGER PRIMARY KEY AUTOINCREMENT, v ANY, w BLOB) STRICT;
CREATE TABLE never (id INTEGER PRIMARY KEY AUTOINCREMENT);
CREATE TABLE keyed (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
CREATE TABLE no_alias (id INTEGER PRIMARY KEY DESC, v);
CREATE TABLE int_key (id INT PRIMARY KEY, v);
CREATE TABLE copied AS SELECT id, x FROM p;
ALTER TABLE p ADD COLUMN later NUMERIC CHECK (later > 0);
CREATE UNIQUE INDEX i1 ON "Order Details" (lower(b), a DESC) WHERE a > 3 AND b IS NOT NULL;
CREATE INDEX i2 ON "Order Details" (b COLLATE binary, "select" COLLATE nocase DESC);
CREATE INDEX i3 ON "Order Details" (b || 'x' COLLATE nocase, h);
CREATE VIEW v1 (q, w) AS SELECT 1, id FROM p;
CREATE VIEW v2 AS SELECT * FROM gone;
CREATE TRIGGER tr AFTER UPDATE OF a, b ON "Order Details" FOR EACH ROW WHEN new.a > old.a
 BEGIN UPDATE p SET x = 'end'; SELECT CASE WHEN 1 THEN 2 END; END;
CREATE TRIGGER tr2 INSTEAD OF INSERT ON v1 BEGIN SELECT 1; END;
CREATE VIRTUAL TABLE ft USING fts5(a, b);
CREATE TABLE _wiz_log (a);
CREATE TRIGGER _wiz_t AFTER INSERT ON p BEGIN SELECT 1; END;
CREATE INDEX _wiz_i ON p (x);
PRAGMA user_version = 7;
INSERT INTO numbered VALUES (41, 1, x'00');
DELETE FROM numbered;
"""


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    path: Path = tmp_path_factory.mktemp("catalogue") / "a.sqlite"
    path.touch()
    statements = [one for one in SCHEMA.split(";\n") if one.strip()]
    run(f"sqlite:///{path}", *statements)
    return open_store(f"sqlite:///{path}").catalogue()


@pytest.fixture(scope="module")
def orders(catalogue: Catalogue) -> Table:
    return catalogue.table("Order Details")


def test_columns(orders: Table) -> None:
    assert [(c.name, c.type) for c in orders.columns][-3:] == [
        ("weird", "WEIRDTYPE(3)"),
        ("select", "DOUBLE PRECISION"),
        ("typeless", ""),
    ]
    found: dict[str, Any] = {c.name: c for c in orders.columns}
    assert (found["a"].default, found["b"].default, found["f"].default) == ("-5", "'it''s'", "(strftime('%s','now'))")
    assert found["b"].collation == "nocase"
    assert found["Order"].conflict == "IGNORE"
    assert not found["Order"].nullable
    assert found["a"].nullable, "a column of such a key may be NULL in SQLite"


def test_generated_columns(orders: Table) -> None:
    assert (orders.column("c").generated, orders.column("c").stored, orders.column("c").type) == ("a*2", True, "INT")
    assert (orders.column("d").generated, orders.column("d").stored) == ("a+1", False)
    assert "c" not in {column.name for column in orders.plain_columns}


def test_keys_and_uniques(orders: Table) -> None:
    assert orders.key is not None
    assert (orders.key.columns, orders.key.name, orders.key.conflict) == (("Order", "a"), "pk", "FAIL")
    assert orders.key.parts[1].descending
    h, uq = orders.uniques
    assert (h.columns, h.conflict) == (("h",), "REPLACE")
    assert (uq.name, uq.columns, uq.parts[0].collation) == ("uq", ("b", "a"), "rtrim")


def test_foreign_keys_keep_actions_and_the_declared_spelling(orders: Table) -> None:
    inline, table = orders.foreign_keys
    assert (inline.parent, inline.parent_columns) == ("p", ("id",))
    assert (inline.on_delete, inline.on_update) == ("CASCADE", "SET NULL")
    assert inline.deferrable
    assert inline.initially_deferred
    assert (table.columns, table.parent, table.match) == (("e", "a"), "nowhere", "FULL")


def test_checks(orders: Table, catalogue: Catalogue) -> None:
    assert [(check.name, check.expression) for check in orders.checks] == [
        ("hh", "length(h) < (10)"),
        ("", "a > 0 AND (b <> ')')"),
    ]
    assert catalogue.table("p").checks[0].expression == "later > 0"


def test_indexes(orders: Table) -> None:
    indexes = {index.name: index for index in orders.indexes}
    assert set(indexes) == {"i1", "i2", "i3"}
    first = indexes["i1"]
    assert (first.unique, first.where) == (True, "a > 3 AND b IS NOT NULL")
    parts = [(p.text, p.expression, p.descending) for p in first.parts]
    assert parts == [("lower(b)", True, False), ("a", False, True)]
    assert [(p.text, p.collation) for p in indexes["i2"].parts] == [("b", ""), ("select", "nocase")]
    assert indexes["i3"].parts[0].text == "b || 'x'"


def test_the_rowid_and_its_names(catalogue: Catalogue) -> None:
    identities = {table.name: next(c.identity for c in table.columns) for table in catalogue.tables if table.key}
    assert identities["p"] == identities["numbered"] == "auto"
    assert identities["no_alias"] == identities["int_key"] == identities["keyed"] == ""
    assert catalogue.table("numbered").strict
    assert catalogue.table("keyed").without_rowid
    assert not catalogue.table("keyed").column("k").nullable
    assert catalogue.table("int_key").column("id").nullable


def test_counters_of_empty_tables(catalogue: Catalogue) -> None:
    assert catalogue.table("numbered").next_number == 42
    assert catalogue.table("never").next_number == 1


def test_views_triggers_and_the_rest(catalogue: Catalogue) -> None:
    assert [(view.name, view.columns) for view in catalogue.views] == [("v1", ("q", "w")), ("v2", ())]
    first, second = catalogue.triggers
    assert (first.timing, first.events, first.columns) == ("AFTER", ("UPDATE",), ("a", "b"))
    assert first.when == "new.a > old.a"
    assert first.body.endswith("SELECT CASE WHEN 1 THEN 2 END;")
    assert second.timing == "INSTEAD OF"
    kinds = {table.name: table.kind for table in catalogue.tables}
    assert (kinds["ft"], kinds["ft_data"], catalogue.table("ft").engine) == ("virtual", "shadow", "fts5")
    assert {other.name for other in catalogue.others} == {"v2", "user_version = 7"}
    names = [one.name for one in (*catalogue.tables, *catalogue.triggers)]
    assert not [name for name in names if name.startswith("_wiz")]


@pytest.mark.parametrize("text", ["'it''s'", '"a""b"', "`a``b`", "[a b]", "x'00ff'", "1.5e-3", "0xFF", "a->>b", "<>"])
def test_a_word_is_one_word(text: str) -> None:
    assert next(tokens(f"/* ' */ {text} -- '\n")).text == (text if text != "a->>b" else "a")


def test_statements_with_comments_and_odd_commas() -> None:
    head = "CREATE TABLE IF NOT EXISTS main.t"
    table = read_table(f"{head} (a /* , */ INT, b CHECK (b IN ('(', ')')), CHECK (a)CHECK (b))")
    assert [column.name for column in table.columns] == ["a", "b"]
    assert [check.expression for check in table.checks] == ["b IN ('(', ')')", "a", "b"]
    assert index_parts("CREATE INDEX i ON t ((a), b COLLATE nocase)")[0][1].collation == "nocase"
    assert read_trigger("CREATE TRIGGER t DELETE ON x BEGIN SELECT 1; END").timing == "BEFORE"
    with pytest.raises(ValueError, match="TABLE"):
        read_table("CREATE VIEW v AS SELECT 1")
