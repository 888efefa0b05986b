"""The shop moves while it is open: over, back, over again, and nothing that a customer was promised is lost."""

from __future__ import annotations

import contextlib
import sqlite3
import time

import pytest

from prayog_migration.engine.real.cleaning import leftovers
from prayog_migration.engine.real.demo import make_shop
from prayog_migration.engine.real.shopper import Shift, Shop
from prayog_migration.engine.real.store import open_store

from .pairs import Databases, Wizard, has_mariadb, run

PAIRS = [("sqlite", "postgresql"), ("mysql", "postgresql"), ("postgresql", "sqlite")]


@pytest.mark.parametrize("pair", PAIRS, ids="-".join)
def test_the_shop_moves_and_goes_back_while_its_writers_work(databases: Databases, pair: tuple[str, str]) -> None:
    if "mysql" in pair and not has_mariadb():
        pytest.skip("no MariaDB server is installed")
    source, target = (databases.make(dialect) for dialect in pair)
    make_shop(open_store(source), 1_500, 1)
    shop = Shop(Shift(source, target, writers=2, rate=50))
    wizard = Wizard(source, target)
    with contextlib.closing(wizard):
        with contextlib.closing(shop):
            shop.open()
            assert wizard.do("assess", "schema", "copy", "validate", "sync") == "done"
            assert holds(wizard)
            seen = 0
            for way in ("switch", "back", "switch"):
                wizard.wait(("caught_up",), since=seen)
                seen, before = len(wizard.said), shop.report()["written"]
                assert wizard.do(way) == "done", wizard.last("refused")
                assert holds(wizard)
                side = "source" if way == "back" else "target"
                until = time.monotonic() + 10
                while (now := shop.report()) and time.monotonic() < until:
                    if now["side"] == side and now["written"] >= before + 20:
                        break
                    time.sleep(0.02)
                assert shop.report()["side"] == side
                assert wizard.do("audit") == "done"
                assert holds(wizard)
        report = shop.report()
        assert report["failed"] == 0, report["errors"]
        assert report["refused"] > 0
        assert report["written"] > 20  # a busy machine writes less
        orders = shop.audit()
        assert (orders["lost_count"], orders["doubled"], orders["undead"]) == (0, 0, 0)
        assert orders["promised"] > 10
        assert wizard.do("audit") == "done"
        assert holds(wizard)
        wizard.do("clean")
        assert wizard.last("clean")["left"] == []
    assert [view.name for view in open_store(target).catalogue().views] == ["open_orders"]
    assert leftovers(open_store(source)) == leftovers(open_store(target)) == []


def test_the_big_bang_fences_copies_and_promotes_and_has_no_way_back(databases: Databases) -> None:
    source, target = databases.sqlite(), databases.postgres()
    make_shop(open_store(source), 500, 1)
    with contextlib.closing(Wizard(source, target, live=False, strategy="big bang")) as wizard:
        assert wizard.do("assess", "schema", "copy") == "done"
        with pytest.raises(sqlite3.IntegrityError, match="FENCED"):
            run(source, "UPDATE customers SET city = 'late'")
        assert wizard.do("cancel") == "done"
        run(source, "UPDATE customers SET city = 'in between'")
        assert wizard.do("copy", "validate") == "done"
        assert wizard.do("sync") == "refused"
        assert wizard.do("switch") == "done", wizard.last("refused")
        assert holds(wizard)
        assert wizard.last("promoted")["freeze_us"] > 0
        assert wizard.do("back") == "refused"
        assert "would lose everything" in wizard.last("refused")["sentence"]
        assert wizard.do("clean") == "done"
    assert leftovers(open_store(source)) == leftovers(open_store(target)) == []


def holds(wizard: Wizard) -> bool:
    found = wizard.last("balance")
    assert (found["lost"], found["duplicated"], found["quarantined"]) == (0, 0, 0), found
    assert found["source_rows"] == found["target_rows"] > 0
    return True
