"""Each strategy does what its card says, while the shop is open: the events show it, and the promises hold."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from prayog_migration.engine.real.demo import make_shop
from prayog_migration.engine.real.shopper import Shift, Shop
from prayog_migration.engine.real.store import open_store
from prayog_migration.engine.setup import STRATEGIES
from prayog_migration.engine.strategies import HERE, ROUNDS, TRICKLE, Facts, forecast_here

from .pairs import Databases, Wizard, has_mariadb, run

PAIRS = [("sqlite", "postgresql"), ("postgresql", "sqlite"), ("mysql", "postgresql")]


def told(wizard: Wizard, kind: str) -> list[tuple[str, Mapping[str, Any]]]:
    return [(node, data) for k, node, data in list(wizard.said) if k == kind]


def moved(databases: Databases, pair: tuple[str, str], strategy: str, rows: int = 1_500) -> Wizard:
    """The shop moves and goes back with two writers; the wizard, closed, with all that it said."""
    if "mysql" in pair and not has_mariadb():
        pytest.skip("no MariaDB server is installed")
    source, target = (databases.make(dialect) for dialect in pair)
    make_shop(open_store(source), rows, 1)
    wizard = Wizard(source, target, strategy=strategy)
    with contextlib.closing(wizard), contextlib.closing(Shop(Shift(source, target, writers=2, rate=60))) as shop:
        shop.open()
        assert wizard.do("assess", "schema", "copy", "validate", "sync") == "done"
        wizard.wait(("caught_up",))
        if strategy == "dual write":
            wizard.wait(("reconciled",), seconds=20)
        for way in ("switch", "back"):
            assert wizard.do(way) == "done", wizard.last("refused")
        assert wizard.do("audit") == "done"
        for _, found in told(wizard, "balance"):
            assert (found["lost"], found["duplicated"], found["quarantined"]) == (0, 0, 0)
    return wizard


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
@pytest.mark.parametrize("strategy", ["incremental", "phased"])
def test_part_by_part_each_is_compared_before_the_next_begins(
    databases: Databases, pair: tuple[str, str], strategy: str
) -> None:
    wizard = moved(databases, pair, strategy)
    parts = told(wizard, "part")
    assert len(parts) > 1
    assert [node for node, _ in parts] == [str(n + 1) for n in range(len(parts))]
    assert all(data["equal"] and data["of"] == len(parts) for _, data in parts)
    assert len({table for _, data in parts for table in data["tables"]}) == 7
    places = {id(data): n for n, (kind, _, data) in enumerate(wizard.said) if kind in ("part", "chunk")}
    for (_, before), (_, after) in pairwise(parts):
        chunks = [data for node, data in told(wizard, "chunk") if node in after["tables"]]
        assert min(places[id(data)] for data in chunks) > places[id(before)]
    order = [table for _, data in parts for table in data["tables"]]
    assert order.index("customers") < order.index("orders") < order.index("order_items")


def test_a_trickling_copy_holds_itself_back(databases: Databases) -> None:
    wizard = moved(databases, ("sqlite", "postgresql"), "trickle", 6_000)
    rates = [data for _, data in told(wizard, "throttled")]
    assert rates
    for one in rates:
        assert one["rate"] == pytest.approx(one["measured_s"] * TRICKLE, rel=0.01)


def test_in_a_parallel_run_both_sides_agree_before_they_change(databases: Databases) -> None:
    wizard = moved(databases, ("sqlite", "postgresql"), "parallel run")
    rounds = [data for _, data in told(wizard, "answered")]
    assert len(rounds) == ROUNDS
    assert all(one["questions"] == one["same"] > 0 and one["source_us"] > 0 for one in rounds)


def test_sides_that_do_not_agree_are_not_changed(databases: Databases) -> None:
    source, target = databases.sqlite(), databases.postgres()
    run(source, "CREATE TABLE acct (id INTEGER PRIMARY KEY, rupees INTEGER)", "INSERT INTO acct VALUES (1, 5), (2, 6)")
    with contextlib.closing(Wizard(source, target, strategy="parallel run")) as wizard:
        assert wizard.do("assess", "schema", "copy", "validate", "sync") == "done"
        wizard.wait(("caught_up",))
        run(target, "UPDATE acct SET rupees = 999 WHERE id = 2")  # somebody else writes to the target
        assert wizard.do("switch") == "refused"
        assert "did not say the same" in wizard.last("refused")["sentence"]
        assert not told(wizard, "promoted")
        run(source, "UPDATE acct SET rupees = 7 WHERE id = 1")


def test_a_dual_write_is_reconciled_and_held_when_the_sides_part(databases: Databases) -> None:
    source, target = databases.sqlite(), databases.postgres()
    run(source, "CREATE TABLE acct (id INTEGER PRIMARY KEY, rupees INTEGER)", "INSERT INTO acct VALUES (1, 5), (2, 6)")
    with contextlib.closing(Wizard(source, target, strategy="dual write")) as wizard:
        assert wizard.do("assess", "schema", "copy", "validate", "sync") == "done"
        assert wizard.wait(("reconciled",), seconds=20)[2]["lost"] == 0
        run(target, "UPDATE acct SET rupees = 999 WHERE id = 2")
        seen = len(wizard.said)
        assert wizard.wait(("reconciled",), since=seen, seconds=20)[2]["lost"] == 1
        held = wizard.wait(("step",), since=seen)[2]
        assert held["phase"] == "paused"
        assert "parted" in held["sentence"]
        assert moved(databases, ("sqlite", "sqlite"), "dual write")


def test_every_card_says_what_is_done_here_and_what_it_costs() -> None:
    facts = Facts(100_000, 10_000_000, 50_000, 20_000, 40)
    for strategy in STRATEGIES:
        assert HERE[strategy]
        found = forecast_here(strategy, facts)
        assert found.strategy == strategy
        assert found.way_back is (strategy != "big bang")
        assert found.freeze_s < 1 or strategy == "big bang"
    assert forecast_here("trickle", facts).duration_s > forecast_here("backfill + live sync", facts).duration_s
