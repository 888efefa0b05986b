"""What can be tried beside the eight steps: questions to both, rules, casts, files, shards, a column that changes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from prayog_migration.engine.kind_of import kind_of
from prayog_migration.engine.model import Catalogue, Column, Dialect, Table
from prayog_migration.engine.real.job import Job, Order
from prayog_migration.engine.real.preparing import Refused
from prayog_migration.engine.real.trials import forget, trials
from prayog_migration.engine.real.worker import Worker
from prayog_sdk.services.postgres import EmbeddedPostgres

from .pairs import Databases, has_mariadb, run

Said = list[tuple[str, str, Mapping[str, Any]]]


class Lab:
    """A worker without a process of its own, and what it said."""

    def __init__(self, source: str, target: str, folder: Path) -> None:
        self.said: Said = []
        self.folder = folder
        self.worker = Worker(Order(source, target, live=True), lambda kind, node, data: self.said.append(
            (kind, node, data)))  # fmt: skip
        self.worker.job.reconnect()

    @property
    def job(self) -> Job:
        return self.worker.job

    def do(self, name: str, **arguments: Any) -> Said:
        """What was said of a command."""
        before = len(self.said)
        self.worker._perform({"do": name, "folder": str(self.folder), **arguments})
        return self.said[before:]

    def only(self, name: str, kind: str, **arguments: Any) -> Mapping[str, Any]:
        found = [data for what, _, data in self.do(name, **arguments) if what == kind]
        assert len(found) == 1, self.said[-1]
        return found[0]


@pytest.fixture
def lab(databases: Databases, tmp_path: Path) -> Iterator[Callable[[Dialect], Lab]]:
    made: list[Lab] = []

    def make(dialect: Dialect) -> Lab:
        if dialect == "mysql" and not has_mariadb():
            pytest.skip("no MariaDB server is installed")
        if dialect == "postgresql" and EmbeddedPostgres(databases.folder / "x").probe().status == "missing":
            pytest.skip("no embedded PostgreSQL wheel is installed")
        source = databases.sqlite()
        run(
            source,
            "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(20) NOT NULL, phone VARCHAR(20), age INTEGER"
            " CHECK (age > 0))",
            "CREATE TABLE visits (id INTEGER PRIMARY KEY, person INTEGER NOT NULL REFERENCES people(id), note TEXT)",
            "INSERT INTO people VALUES (1, 'Asha', '+911', 30), (2, 'Ravi', '+912', 31), (3, 'Meera', NULL, 32)",
            "INSERT INTO visits VALUES (1, 1, ''), (2, 1, NULL), (3, 2, 'late'), (4, 3, 'early')",
        )
        made.append(Lab(source, databases.make(dialect), tmp_path / "beside"))
        return made[-1]

    yield make
    for one in made:
        forget(one.job, str(one.folder))
        one.job.close()


DIALECTS = pytest.mark.parametrize("dialect", ["sqlite", "postgresql", "mysql"])


def moved(lab: Lab) -> Lab:
    for name in ("assess", "schema", "copy", "validate"):
        assert lab.do(name)[-1][0] == "done", lab.said[-1]
    return lab


@DIALECTS
def test_both_are_asked_at_one_position(lab: Callable[[Dialect], Lab], dialect: Dialect) -> None:
    one = moved(lab(dialect))
    run(one.job.order.source, "INSERT INTO people VALUES (4, 'Kabir', NULL, 20)")  # not applied yet
    answers = [data for kind, _, data in one.do("ask") if kind == "answer"]
    assert len(answers) == 2
    assert all(answer["same"] for answer in answers), answers
    mine = one.only("ask", "answer", sql="SELECT name FROM people WHERE age < 31 ORDER BY name")
    assert (mine["same"], mine["source_rows"], mine["target_rows"]) == (True, 2, 2)
    run(one.job.order.target, "UPDATE people SET name = 'X' WHERE id = 2")
    wrong = one.only("ask", "answer", sql="SELECT id, name FROM people")
    assert (wrong["only_source"], wrong["only_target"]) == (["2 | Ravi"], ["2 | X"])
    assert one.only("ask", "answer", sql="SELECT nothing FROM nowhere")["problem"]


@DIALECTS
def test_every_rule_is_tried(lab: Callable[[Dialect], Lab], dialect: Dialect) -> None:
    one = lab(dialect)
    one.do("assess")
    assert "Validate first" in one.only("rules", "refused")["sentence"]
    rules = moved(one).only("rules", "tried")["rules"]
    tried = {(table, kind): outcome for table, kind, _, outcome, _ in rules}
    assert tried["people", "check"] == tried["visits", "foreign key"] == tried["people", "not null"] == "refused"


def test_a_cast_is_shown_before_it_is_decided(lab: Callable[[Dialect], Lab]) -> None:
    one = lab("postgresql")
    cut = one.only("cast", "cast", table="people", column="name", type="varchar(4)", policy="cut")
    assert (cut["looked"], cut["fits"], cut["changed"], cut["aside"]) == (3, 2, 1, 0)
    assert cut["samples"][0][:3] == ["Meera", "Meer", "changed"]
    aside = one.only("cast", "cast", table="people", column="phone", type="date", policy="quarantine")
    assert aside["aside"] == 2
    assert aside["samples"][0][3]
    odd = one.only("cast", "cast", table="people", column="phone", type="phonenumber", policy="null")
    assert "knows no type" in odd["problem"]
    assert one.do("cast", table="nobody", column="x", type="text", policy="null")[-1][0] == "refused"


@pytest.mark.parametrize(
    "spelled",
    [
        ("int8", "bigint"), ("varchar(5)", "character varying(5)"), ("bool", "boolean"),
        ("decimal(9,2)", "numeric(9,2)"),
        ("timestamptz", "timestamp with time zone"),
    ],
)  # fmt: skip
def test_people_spell_types_otherwise_than_the_catalogue(spelled: tuple[str, str]) -> None:
    mine, theirs = (
        kind_of(Catalogue("postgresql", "18"), Table("t", ()), Column("c", type_)) for type_ in spelled
    )
    assert mine == theirs


def test_files_lose_what_they_cannot_say(lab: Callable[[Dialect], Lab]) -> None:
    pytest.importorskip("duckdb", reason="DuckDB is not installed")
    one = lab("sqlite")
    filed = {node: data for kind, node, data in one.do("files", table="visits") if kind == "filed"}
    lost = {kind: {row[0] for row in data["columns"] if row[3]} for kind, data in filed.items()}
    assert lost == {"csv": {"note"}, "json": set(), "parquet": set()}
    assert all(Path(data["path"]).stat().st_size == data["bytes"] for data in filed.values())


def test_without_duckdb_files_are_refused_with_a_sentence(
    lab: Callable[[Dialect], Lab], monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "duckdb", None)
    monkeypatch.delitem(sys.modules, "prayog_migration.engine.real.formats", raising=False)
    assert "DuckDB" in lab("sqlite").only("files", "refused", table="visits")["sentence"]


def test_shards_are_shown_complete_and_disjoint(lab: Callable[[Dialect], Lab]) -> None:
    one = lab("sqlite")
    for by in ("hash", "range"):
        told = one.only("shards", "divided", column="person", count=3, by=by)
        ((table, rows, parts, complete, disjoint),) = told["verdicts"]
        assert (table, rows, sum(parts), complete, disjoint) == ("visits", 4, 4, True, True)
    assert told["bounds"] == ["2", "3"]
    assert told["whole"] == ["people"]
    assert "Take hash" in one.only("shards", "refused", column="note", count=2, by="range")["sentence"]
    assert "2 to 8" in one.only("shards", "refused", column="person", count=50, by="hash")["sentence"]


@DIALECTS
def test_a_column_changes_in_steps_and_breaks_in_one(lab: Callable[[Dialect], Lab], dialect: Dialect) -> None:
    one = lab(dialect)
    what = {"table": "people", "column": "phone", "new": "mobile"}

    def change(step: str) -> Mapping[str, Any]:
        return one.only("change", "changed", what=step, **what)

    assert one.do("change", what="forward", **what)[-1][0] == "refused"
    assert change("begin")["rows"] == 3
    stages = [change("forward") for _ in range(3)]
    assert [told["reached"] for told in stages] == ["expand", "fill", "check"]
    assert change("back")["reached"] == "fill"
    stages += [change("forward"), change("forward")]
    assert stages[-1]["reached"] == "contract"
    assert [told["differing"] for told in stages[1:]] == [0] * 4
    for told in stages:
        assert all(done > 0 and not failed for _, _, done, failed, _, _ in told["versions"]), told["versions"]
    assert one.do("change", what="back", **what)[-1][0] == "refused"
    change("begin")
    at_once = change("at once")
    ((_, _, done, failed, _, sentences),) = at_once["versions"]
    assert done
    assert failed
    assert "phone" in sentences[0]
    assert trials(one.job, {})
    with pytest.raises(Refused, match="There are the steps"):
        trials(one.job, {"what": "explode"})["change"]()


def test_what_was_set_aside_is_no_surplus_on_the_way_back(lab: Callable[[Dialect], Lab]) -> None:
    one = moved(lab("postgresql"))
    run(one.job.order.source, "UPDATE people SET name = 'a' || char(0) || 'b' WHERE id = 2")
    one.do("sync")
    for _ in range(40):
        one.worker._guarded(one.worker._flow.turn)
        time.sleep(0.02)
    before = one.only("audit", "balance")
    assert before["quarantined"] > 0
    aside = one.only("aside", "aside")
    assert aside["count"] == before["quarantined"]
    assert any(table == "people" and reason for table, _, _, _, reason, _ in aside["rows"])
    assert one.do("switch")[-1][0] == "done", one.said[-1]
    after = one.only("audit", "balance")
    assert (after["lost"], after["duplicated"], after["stayed"]) == (0, 0, before["quarantined"])
    assert after["source_rows"] == after["target_rows"]
    run(one.job.order.target, "INSERT INTO people VALUES (9, 'Noor', NULL, 40)")
    assert one.do("back")[-1][0] == "done", one.said[-1]
    assert one.only("audit", "balance")["quarantined"] == before["quarantined"]
