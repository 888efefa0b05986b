"""Files, shards and a column that changes under a running application."""

from __future__ import annotations

from pathlib import Path

import pytest

from prayog_migration.engine import shop
from prayog_migration.engine.planning import make_plan
from prayog_migration.engine.real.demo import make_shop
from prayog_migration.engine.real.formats import FORMATS, round_trip
from prayog_migration.engine.real.moving import server_of
from prayog_migration.engine.real.schema_change import SchemaChange
from prayog_migration.engine.real.shards import check_shards, load_shard
from prayog_migration.engine.real.store import Store, open_store
from prayog_migration.engine.schema_change import ColumnChange
from prayog_migration.engine.sharding import Sharding, shards_of, split
from prayog_sdk.services.postgres import EmbeddedPostgres

from .pairs import Databases, has_mariadb, run


@pytest.fixture(scope="module")
def small(databases: Databases) -> Store:
    store = open_store(databases.sqlite())
    make_shop(store, 3_000, 5)
    return store


def test_formats_lose_what_the_lesson_says(small: Store, tmp_path: Path) -> None:
    catalogue = small.catalogue()
    lost = {}
    with small.reader() as reader:
        for kind in FORMATS:
            report = round_trip(reader, catalogue, catalogue.table("products"), kind, tmp_path / f"f.{kind}")
            assert report.rows == shop.row_counts(3_000)["products"]
            assert report.bytes > 0
            lost[kind] = {loss.name for loss in report.columns if not loss.kept}
        orders = round_trip(reader, catalogue, catalogue.table("orders"), "csv", tmp_path / "orders.csv")
    assert lost == {"csv": {"price", "photo"}, "json": {"price", "photo"}, "parquet": set()}
    (note,) = [loss for loss in orders.columns if loss.name == "note"]
    assert note.changed > 0
    assert "NULL" in note.why


def test_a_file_of_rows_that_fit_no_type(databases: Databases, tmp_path: Path) -> None:
    store = open_store(databases.sqlite())
    run(store.url, "CREATE TABLE t (n INTEGER, s TEXT)", "INSERT INTO t VALUES (1, 'a,\"\nb'), ('x', NULL), (3, '')")
    with store.reader() as reader:
        report = round_trip(reader, store.catalogue(), store.catalogue().table("t"), "parquet", tmp_path / "f")
    assert report.misfits == 1
    assert all(loss.kept for loss in report.columns)


@pytest.mark.parametrize(
    "how",
    [Sharding("customer_id", 3), Sharding("customer_id", 3, "range", (100, 200))],
    ids=["hash", "range"],
)
def test_shards_are_complete_and_disjoint(small: Store, databases: Databases, how: Sharding) -> None:
    targets = [open_store(databases.sqlite()) for _ in range(3)]
    plan = make_plan(small.catalogue(), server_of(targets[0]))
    divided, whole, warnings = split(how, small.catalogue())
    assert {table.name for table in divided} == {"orders", "reviews"}
    assert any("orders (id) is unique within each shard only" in one for one in warnings)
    for number, target in enumerate(targets):
        load_shard(small, target, plan, how, number)
        load_shard(small, target, plan, how, number)  # again: it is done, and stays as it is
    verdicts = check_shards(small, targets, plan, how)
    assert all(one.complete and one.disjoint for one in verdicts)
    assert all(part.rows for one in verdicts if one.table == "orders" for part in one.shards)
    with targets[0].reader() as reader:
        assert reader.count(plan.table("products").target) == shop.row_counts(3_000)["products"]
        assert {table.name for table in whole} >= {"products", "stock"}
    run(targets[1].url, "UPDATE orders SET customer_id = customer_id + 1 WHERE id IN (SELECT id FROM orders LIMIT 5)")
    broken = {one.table: one for one in check_shards(small, targets, plan, how)}
    assert not broken["orders"].complete


def test_a_shard_is_a_function_of_the_value_alone() -> None:
    hashed = Sharding("k", 4)
    assert shards_of(hashed, [1, "1", 2]) == shards_of(hashed, ["1", 1, "2"])
    assert shards_of(Sharding("k", 3, "range", ("h", "p")), ["a", "h", "z", None]) == [0, 1, 2, 0]
    with pytest.raises(ValueError, match="2 bounds"):
        Sharding("k", 3, "range", (5,))


RENAME = ColumnChange("people", "phone", "mobile", "varchar(20)")


@pytest.fixture(params=["postgresql", "mysql", "sqlite"])
def people(request: pytest.FixtureRequest, databases: Databases) -> Store:
    if request.param == "mysql" and not has_mariadb():
        pytest.skip("no MariaDB server is installed")
    if request.param == "postgresql" and EmbeddedPostgres(databases.folder / "x").probe().status == "missing":
        pytest.skip("no embedded PostgreSQL wheel is installed")
    store = open_store(databases.make(request.param))
    run(store.url, "CREATE TABLE people (id integer PRIMARY KEY, name varchar(20), phone varchar(20))")
    with store.writer() as writer, writer.transaction():
        writer.insert(store.name("people"), ("id", "name", "phone"), ((n, f"n{n}", f"+91{n}") for n in range(2_500)))
    return store


def both(store: Store, where: str = "") -> list[tuple[str, str]]:
    with store.reader() as reader:
        return reader.query(f"SELECT phone, mobile FROM {store.name('people')} {where}")  # type: ignore[return-value]


def test_a_column_is_renamed_while_both_versions_run(people: Store) -> None:
    change = SchemaChange(people, RENAME)
    assert change.forward() == "expand"
    run(people.url, "INSERT INTO people (id, name, phone) VALUES (9001, 'v1', 'old way')")
    run(people.url, "INSERT INTO people (id, name, mobile) VALUES (9002, 'v2', 'new way')")
    run(people.url, "UPDATE people SET phone = 'v1 again' WHERE id = 9002")
    run(people.url, "UPDATE people SET mobile = 'v2' WHERE id = 9001")
    assert both(people, "WHERE id > 9000 ORDER BY id") == [("v2", "v2"), ("v1 again", "v1 again")]
    heard: list[int] = []
    assert change.forward(heard.append) == "fill"
    assert heard[-1] == 2_502
    run(people.url, "UPDATE people SET phone = 'moved' WHERE id = 7")
    assert change.forward() == "check"
    assert all(old == new for old, new in both(people))
    assert change.forward() == "contract"
    assert [column.name for column in people.catalogue().table("people").columns] == ["id", "name", "mobile"]
    assert not people.catalogue().triggers
    with pytest.raises(ValueError, match="gone"):
        change.back()


def test_every_stage_has_a_way_back(people: Store) -> None:
    before = people.catalogue().table("people").columns
    change = SchemaChange(people, RENAME)
    for _ in range(3):
        change.forward()
    assert change.reached == "check"
    assert [change.back() for _ in range(3)] == ["fill", "expand", None]
    assert people.catalogue().table("people").columns == before
    assert not people.catalogue().triggers
    assert change.forward() == "expand", "and forward again"


def test_filling_goes_on_where_it_was_stopped(people: Store) -> None:
    change = SchemaChange(people, RENAME)
    change.forward()

    def stop(rows: int) -> None:
        if rows >= 2_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        change.forward(stop)
    heard: list[int] = []
    assert SchemaChange(people, RENAME).forward(heard.append) == "fill"
    assert heard == [2_500]
    assert all(old == new for old, new in both(people))


def test_a_value_that_differs_stops_the_change(people: Store) -> None:
    change = SchemaChange(people, RENAME)
    change.forward()
    change.forward()
    drop = {"postgresql": "ALTER TABLE people DISABLE TRIGGER USER", "mysql": "DROP TRIGGER `_wiz_people_mobileU`"}
    run(people.url, drop.get(people.dialect, 'DROP TRIGGER "_wiz_people_mobileV"'))
    run(people.url, "UPDATE people SET mobile = 'other' WHERE id = 3")
    with pytest.raises(ValueError, match="1 rows"):
        change.forward()
    assert change.reached == "fill"


def test_no_lock_is_waited_for_long(databases: Databases) -> None:
    """A DDL that waits makes everybody behind it wait: it gives up, and goes through when the lock is free."""
    if EmbeddedPostgres(databases.folder / "x").probe().status == "missing":
        pytest.skip("no embedded PostgreSQL wheel is installed")
    store = open_store(databases.postgres())
    run(store.url, "CREATE TABLE people (id integer PRIMARY KEY, name text, phone text)")
    change = SchemaChange(store, RENAME)
    with store.connect() as other:
        other.execute("BEGIN")
        other.execute("SELECT * FROM people")
        control = change._control
        waited: list[float] = []

        def wait(seconds: float) -> None:
            waited.append(seconds)
            other.execute("ROLLBACK")

        control.wait = wait  # type: ignore[method-assign]
        assert change.forward() == "expand"
    assert waited
