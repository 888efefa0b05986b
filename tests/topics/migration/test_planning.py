"""What becomes of a source: types by rules that a learner may change, names, advice from the values, drafts."""

from __future__ import annotations

import pytest

from prayog_migration.engine.advice import advise
from prayog_migration.engine.ddl import statements
from prayog_migration.engine.defaults import translate_default
from prayog_migration.engine.expressions import KeptByType, Names, Untranslatable, translate
from prayog_migration.engine.kind_of import kind_of
from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import (
    Catalogue,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Key,
    Part,
    Table,
    Trigger,
    Unique,
)
from prayog_migration.engine.names import Namespace
from prayog_migration.engine.plan import Choices, Plan, Server
from prayog_migration.engine.planning import make_plan
from prayog_migration.engine.profile import ColumnProfile, TableProfile
from prayog_migration.engine.programs import draft_trigger
from prayog_migration.engine.queries import Words, translate_query
from prayog_migration.engine.rules import RULES, Rule
from prayog_migration.engine.values import fit_of

POSTGRES, SQLITE, MARIADB = Server("postgresql", "16"), Server("sqlite", "3.40"), Server("mysql", "10.11-MariaDB")


def kind(dialect: Dialect, text: str, values: tuple[str, ...] = ()) -> Kind:
    return kind_of(Catalogue(dialect), Table("t", ()), Column("c", text, values=values))


@pytest.mark.parametrize(
    ("dialect", "text", "wanted"),
    [
        ("sqlite", "", Kind("any")),
        ("sqlite", "UNSIGNED BIG INT", Kind("integer", 64)),
        ("sqlite", "VARCHAR(10)", Kind("text", 10)),
        ("sqlite", "bool", Kind("boolean")),
        ("sqlite", "FLOATING POINT", Kind("integer", 64)),  # it contains INT: SQLite says so too
        ("sqlite", "DATETIME", Kind("timestamp")),
        ("mysql", "int(10) unsigned zerofill", Kind("integer", 32, unsigned=True)),
        ("mysql", "tinyint(1)", Kind("boolean", 8)),
        ("mysql", "tinyint(1) unsigned", Kind("integer", 8, unsigned=True)),
        ("mysql", "decimal(20,4)", Kind("decimal", 20, 4)),
        ("mysql", "timestamp(3)", Kind("timestamp", 3, zone=True)),
        ("postgresql", "character varying(10)", Kind("text", 10)),
        ("postgresql", "timestamp(3) without time zone", Kind("timestamp", 3)),
        ("postgresql", "time with time zone", Kind("time", 6, zone=True)),
        ("postgresql", "numeric", Kind("decimal")),
        ("postgresql", "bit varying(5)", Kind("bit", 5)),
    ],
)
def test_kinds(dialect: Dialect, text: str, wanted: Kind) -> None:
    found = kind(dialect, text)
    assert (found.name, found.size, found.scale, found.unsigned, found.zone) == (
        (wanted.name, wanted.size, wanted.scale, wanted.unsigned, wanted.zone)
    )


def test_an_array_has_elements() -> None:
    assert kind("postgresql", "integer[]").element == Kind("integer", 32)


def orders(**more: object) -> Catalogue:
    table = Table(
        "orders",
        (
            Column("id", "INTEGER", False, identity="auto"),
            Column("placed_at", "DATETIME"),
            Column("total", "NUMERIC(10,2)", default="0"),
            Column("Total", "TEXT") if more.get("clash") else Column("note", "TEXT"),
        ),
        key=Key(("id",)),
    )
    return Catalogue("sqlite", tables=(table,))


def test_rules_of_the_learner_come_first() -> None:
    rule = Rule("postgresql", "timestamp with time zone", column="*.*_at", verdict="converted", reason="ours are UTC")
    plan = make_plan(orders(), POSTGRES, rules=(rule, *RULES))
    types = {column.name: column.type for column in plan.tables[0].target.columns}
    assert types["placed_at"] == "timestamp with time zone"
    assert types["total"] == "numeric(10,2)"
    by_type = Rule("postgresql", "money", written=r"NUMERIC\(10,2\)")
    assert "money" in {c.type for c in make_plan(orders(), POSTGRES, rules=(by_type, *RULES)).tables[0].target.columns}


def test_choices_decide_over_rules_and_advice() -> None:
    choices = Choices(types=(("orders.total", "text"),), policies=(("orders.note", "strip"),))
    plan = make_plan(orders(), POSTGRES, choices=choices)
    assert plan.tables[0].target.column("total").type == "text"
    assert [column.policy for column in plan.tables[0].columns if column.source == "note"] == ["strip"]


def test_a_rule_for_a_type_is_for_all_its_columns_but_those_decided_by_themselves() -> None:
    rules = (("numeric(*)", "numeric({size},4)"), ("TEXT", "xml"), ("date*", "varchar({size})"))
    plan = make_plan(orders(), POSTGRES, choices=Choices(rules=rules))
    types = {column.name: column.type for column in plan.tables[0].target.columns}
    assert types["total"] == "numeric(10,4)"
    assert types["note"] == "xml"
    assert types["placed_at"].startswith("timestamp"), "a date has no size, so that rule is not for it"
    plan = make_plan(orders(), POSTGRES, choices=Choices(types=(("orders.note", "text"),), rules=rules))
    assert plan.tables[0].target.column("note").type == "text"


def test_a_rule_for_a_type_counts_between_databases_of_one_kind_too() -> None:
    plan = make_plan(orders(), SQLITE, choices=Choices(rules=(("DATETIME", "TEXT"),)))
    assert plan.tables[0].target.column("placed_at").type == "TEXT"


def test_a_table_may_stay_behind_and_is_still_mentioned() -> None:
    plan = make_plan(orders(), POSTGRES, choices=Choices(left_out=("orders",)))
    assert not plan.tables
    assert [(f.verdict, f.reason) for f in plan.findings if f.name == "orders"] == [("lost", "left out by your choice")]


def test_every_kind_has_a_rule_on_every_target() -> None:
    """A type that nobody has heard of is moved as text; there is no column without a place."""
    for dialect in ("sqlite", "postgresql", "mysql"):
        for text in ("SDO_GEOMETRY", "hstore", "vector(3)", "point", "int4range", "xml", "money", "year", "interval"):
            table = Table("t", (Column("c", text),))
            for server in (POSTGRES, SQLITE, MARIADB):
                plan = make_plan(Catalogue(dialect, tables=(table,)), server)  # type: ignore[arg-type]
                assert plan.tables[0].target.columns[0].type


def test_names_that_fold_together_are_told_apart_and_told() -> None:
    plan = make_plan(orders(clash=True), MARIADB)
    assert [column.name for column in plan.tables[0].target.columns] == ["id", "placed_at", "total", "Total_2"]
    assert ("orders.Total", "Total_2") in plan.renames


def test_long_names_are_cut_to_bytes_and_stay_apart() -> None:
    space = Namespace("postgresql", folds=False)
    names = [space.take("कखग" * 20), space.take("कखग" * 20), space.take("कखग" * 21)]
    assert all(len(name.encode()) <= 63 for name in names)
    assert len(set(names)) == 3
    assert space.take("_wiz_state") == "x_wiz_state", "the prefix is the wizard's own"


def sql(plan: Plan) -> dict[str, str]:
    return {one.name: one.sql for one in statements(plan, lambda name, schema: f'"{name}"')}


def test_indexes_of_mysql_do_not_meet_in_postgresql() -> None:
    def table(name: str) -> Table:
        index = Index("by_name", (Part("name"),))
        return Table(name, (Column("name", "varchar(10)"),), indexes=(index,))

    plan = make_plan(Catalogue("mysql", tables=(table("a"), table("b"))), POSTGRES)
    assert {"a_by_name", "b_by_name"} <= set(sql(plan))


def test_a_partial_unique_index_stays_one_where_there_are_none() -> None:
    index = Index("one_active", (Part("user"),), unique=True, where="active = 1")
    columns = (Column("id", "INTEGER", False, identity="auto"), Column("user", "INTEGER"), Column("active", "BOOLEAN"))
    catalogue = Catalogue("sqlite", tables=(Table("t", columns, key=Key(("id",)), indexes=(index,)),))
    assert 'WHERE "active" = TRUE' in sql(make_plan(catalogue, POSTGRES))["one_active"]
    made = sql(make_plan(catalogue, MARIADB))
    assert "INVISIBLE" in made["t"]
    assert "CASE WHEN `active` = 1 THEN `user` END" in made["t"]


def test_text_keys_of_mysql_are_as_long_as_their_values() -> None:
    profile = ColumnProfile("k")
    profile.feed(["x" * 150], [()], None)
    catalogue = Catalogue("sqlite", tables=(Table("t", (Column("k", "TEXT", False),), key=Key(("k",))),))
    plan = make_plan(catalogue, MARIADB, {"t": TableProfile("t", {"k": profile}, 1)})
    assert plan.tables[0].target.columns[0].type == "varchar(300)"


def test_case_counts_less_in_a_key_and_does_so_on_the_target() -> None:
    table = Table("t", (Column("code", "TEXT", collation="NOCASE"),), uniques=(Unique(("code",)),))
    made = sql(make_plan(Catalogue("sqlite", tables=(table,)), POSTGRES))
    assert any('lower("code" COLLATE "C")' in one for one in made.values())


def test_a_foreign_key_to_nothing_is_lost_and_said_so() -> None:
    keys = (ForeignKey(("a",), "gone"), ForeignKey(("a",), "t", ("b",)))
    table = Table("t", (Column("a", "INTEGER"), Column("b", "INTEGER")), foreign_keys=keys)
    plan = make_plan(Catalogue("sqlite", tables=(table,)), POSTGRES)
    reasons = [f.reason for f in plan.findings if f.kind == "foreign key"]
    assert "not there" in reasons[0]
    assert "not unique" in reasons[1]
    assert not plan.tables[0].target.foreign_keys


COLUMNS = {
    "active": ("active", Kind("boolean"), Kind("boolean")),
    "x": ("x", Kind("text"), Kind("text")),
    "n": ("n", Kind("integer", 64), Kind("integer", 64)),
    "d": ("d", Kind("date"), Kind("date")),
    "method": ("way", Kind("text", 10), Kind("text", 10)),
}


@pytest.mark.parametrize(
    ("source", "target", "text", "wanted"),
    [
        ("sqlite", "postgresql", "ACTIVE IN (0, 1)", '"active" IN (FALSE, TRUE)'),
        ("sqlite", "postgresql", "n and active", '("n") <> 0 AND "active"'),
        ("sqlite", "postgresql", 'x like "A%"', "\"x\" ILIKE 'A%'"),
        ("sqlite", "postgresql", "x glob '[a-z]*.?'", "\"x\" ~ '^[a-z].*\\..$'"),
        ("sqlite", "postgresql", "length(d) = 10", 'LENGTH(CAST("d" AS TEXT)) = 10'),
        ("sqlite", "postgresql", "x collate nocase = 'AB'", "LOWER(\"x\" COLLATE \"C\") = LOWER('AB' COLLATE \"C\")"),
        ("postgresql", "sqlite", "((method)::text = ANY ((ARRAY['a'::varchar])::text[]))", "(\"way\" IN ('a'))"),
        ("postgresql", "sqlite", "x ~~ 'a*%'::text", "\"x\" GLOB 'a[*]*'"),
        ("postgresql", "mysql", "x <> ALL (ARRAY['a'::text])", "NOT `x` IN ('a')"),
        ("postgresql", "mysql", "x ~ '^a'", "`x` REGEXP '^a'"),
        ("mysql", "postgresql", "`active` = 1 or `n` & 1", '"active" = TRUE OR ("n" & 1) <> 0'),
    ],
)
def test_expressions(source: Dialect, target: Dialect, text: str, wanted: str) -> None:
    assert translate(text, Names(source, target, COLUMNS), condition=True) == wanted


def test_expressions_without_an_equivalent_say_why() -> None:
    names = Names("sqlite", "postgresql", COLUMNS)
    with pytest.raises(KeptByType):
        translate("typeof(n) = 'integer'", names)
    with pytest.raises(Untranslatable, match="regular expressions"):
        translate("x ~ 'a'", Names("postgresql", "sqlite", COLUMNS))
    with pytest.raises(Untranslatable, match="nowhere"):
        translate("nowhere > 3", names)


@pytest.mark.parametrize(
    ("source", "target", "text", "here", "there", "wanted"),
    [
        ("sqlite", "postgresql", "(datetime('now'))", "DATETIME", "timestamp", "(now() AT TIME ZONE 'UTC')"),
        ("sqlite", "postgresql", "'yes'", "BOOLEAN", "boolean", "true"),
        ("sqlite", "postgresql", "abc", "TEXT", "text", "'abc'"),
        ("sqlite", "mysql", "'it''s \\ x'", "TEXT", "text", "'it''s \\\\ x'"),
        ("mysql", "postgresql", "b'101'", "bit(5)", "bit(5)", "B'00101'"),
        ("mysql", "sqlite", "b'101'", "bit(5)", "INTEGER", "5"),
        ("mysql", "postgresql", "'p,q'", "set('p','q')", "text[]", '\'{"p","q"}\''),
        ("postgresql", "sqlite", "'{a,b}'::text[]", "text[]", "TEXT", '\'["a", "b"]\''),
        ("postgresql", "mysql", "'-5'::integer", "integer", "int", "-5"),
        ("postgresql", "mysql", "now()", "timestamp(3) with time zone", "datetime(3)", "CURRENT_TIMESTAMP(3)"),
    ],
)
def test_defaults(source: Dialect, target: Dialect, text: str, here: str, there: str, wanted: str) -> None:
    names = Names(source, target, {})
    assert translate_default(text, names, kind(source, here), kind(target, there)) == wanted


def test_a_default_that_the_column_would_refuse_is_lost() -> None:
    with pytest.raises(Untranslatable, match="zero date"):
        translate_default("'0000-00-00'", Names("mysql", "postgresql", {}), Kind("date"), Kind("date"))


@pytest.mark.parametrize(
    ("declared", "values", "type_", "policy"),
    [
        ("INTEGER", [1, 2, "x", *range(500)], "", "quarantine"),
        ("INTEGER", [1, 2.5, *range(500)], "numeric", "quarantine"),
        ("INTEGER", ["x", "y", 1], "text", "quarantine"),
        ("DATETIME", [1_700_000_000, None], "bigint", "quarantine"),
        ("DATE", ["2024-01-01 10:00:00", "2024-01-02"], "timestamp without time zone", "quarantine"),
        ("DATETIME", ["2024-01-01 10:00:00+05:30"], "timestamp with time zone", "quarantine"),
        ("NUMERIC(10,2)", [1.005, 2], "numeric", "quarantine"),
        ("BOOLEAN", [0, 1, 7], "smallint", "quarantine"),
        ("VARCHAR(3)", ["long one"], "text", "quarantine"),
        ("BLOB", [b"x", "text"], "", "recode"),
        ("BLOB", ["text"], "text", "quarantine"),
        ("", [1, 2, None], "bigint", "quarantine"),
        ("", [b"x"], "bytea", "quarantine"),
        ("", [1, "x"], "", "quarantine"),
    ],
)
def test_advice_follows_the_values(declared: str, values: list[object], type_: str, policy: str) -> None:
    table = Table("t", (Column("c", declared),))
    (column,) = make_plan(Catalogue("sqlite", tables=(table,)), POSTGRES).tables[0].columns
    profile = ColumnProfile("c", temporal=column.kind.name in ("date", "timestamp"), numeric=True)
    fit = fit_of("sqlite", column.kind, "postgresql", column.target_kind)
    profile.feed(values, [(n,) for n in range(len(values))], fit)
    advice = advise(profile, "sqlite", column.kind, "postgresql", column.target_kind, True)
    assert (advice.type, advice.policy) == (type_, policy)
    assert len(profile.samples) == min(5, profile.misfit)


def test_zero_dates_become_null_where_they_may() -> None:
    profile = ColumnProfile("c", temporal=True)
    date = Kind("date")
    profile.feed(["0000-00-00", "2024-01-01"], [(1,), (2,)], fit_of("mysql", date, "postgresql", date))
    assert advise(profile, "mysql", date, "postgresql", date, True).policy == "null"
    assert advise(profile, "mysql", date, "postgresql", date, False).policy == "quarantine"


def test_views_compare_like_with_like() -> None:
    kinds = {"flag": Kind("text"), "paid": Kind("boolean")}
    query = translate_query("SELECT * FROM t WHERE flag = 0 AND paid = 1", Words("sqlite", "postgresql", kinds=kinds))
    assert "flag = '0'" in query
    assert "paid = TRUE" in query


def test_a_trigger_is_drafted_not_installed() -> None:
    body = "UPDATE p SET x = 1; SELECT RAISE(ABORT, 'no') WHERE NEW.a > 3;"
    trigger = Trigger("guard", "t", "BEFORE", ("UPDATE",), "CREATE TRIGGER …", when="NEW.a > OLD.a", body=body)
    draft = draft_trigger(trigger, "sqlite", "postgresql")
    assert "IF NEW.a > 3 THEN RAISE EXCEPTION '%', 'no'; END IF;" in draft
    assert 'BEFORE UPDATE ON "t" FOR EACH ROW WHEN (NEW.a > OLD.a)' in draft
    assert draft_trigger(trigger, "sqlite", "mysql").startswith("-- To be written by hand")
    plan = make_plan(Catalogue("sqlite", triggers=(trigger,)), POSTGRES)
    assert not plan.triggers
    assert [f.verdict for f in plan.findings if f.kind == "trigger"] == ["draft"]
