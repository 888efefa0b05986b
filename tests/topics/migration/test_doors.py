"""A database of the learner's own that cannot be opened is told in a sentence before the migration begins."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path

import pytest

from prayog_migration.engine.real.doors import Unopened, check_source, check_target
from prayog_migration.engine.real.store import Store, open_store

from .room import Bench


def at(path: Path) -> Store:
    return open_store(f"sqlite:///{path}")


def database(path: Path, sql: str = "CREATE TABLE t (id INTEGER PRIMARY KEY)") -> Store:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.executescript(sql)
    return at(path)


def test_a_file_that_cannot_be_a_source_says_why(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    (tmp_path / "letter.db").write_text("Dear Meera, the shop is moving.")
    gone = database(tmp_path / "gone.db", "CREATE TABLE t (a); DROP TABLE t")
    for store, words in (
        (at(tmp_path / "nowhere.db"), "There is no file"), (at(tmp_path), "is a folder"),
        (at(tmp_path / "empty.db"), "is empty"), (at(tmp_path / "letter.db"), "begins with"), (gone, "has no table"),
    ):  # fmt: skip
        with pytest.raises(Unopened, match=words):
            check_source(store)
    check_source(database(tmp_path / "odd 'ओड़'.db"))


def test_a_place_that_cannot_be_a_target_says_why(tmp_path: Path) -> None:
    source = database(tmp_path / "shop.db")
    (tmp_path / "letter.db").write_text("Dear Meera, the shop is moving.")
    for store, words in (
        (source, "the same file"), (at(tmp_path), "is a folder"), (at(tmp_path / "none" / "new.db"), "does not exist"),
        (at(Path("/proc/new.db")), "Nothing can be written|folder /proc"), (at(tmp_path / "letter.db"), "no SQLite"),
    ):  # fmt: skip
        with pytest.raises(Unopened, match=words):
            check_target(store, source)
    check_target(at(tmp_path / "new.db"), source)
    assert not (tmp_path / "new.db").exists(), "looking makes nothing"


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_is_not_there_is_told_without_the_password(scheme: str) -> None:
    with pytest.raises(Unopened, match="cannot be opened") as told:
        check_source(open_store(f"{scheme}://meera:secret-word@127.0.0.1:1/shop"))
    assert "secret-word" not in str(told.value)
    assert "its server must be running" in str(told.value)


def test_a_slip_of_the_pen_is_read_on_the_page_and_nothing_begins(bench: Bench) -> None:
    bench.open("lost_minutes")
    wizard = bench.panel("wizard")
    page = wizard.page("plan")
    page.source.kind.setCurrentIndex(4)  # a SQLite file of the learner's own
    page.source.own.setText("/nowhere/shop.db")
    page._begin.click()
    bench.until(lambda: "There is no file /nowhere/shop.db" in wizard.outline())
    assert bench.said[-1].startswith("There is no file")
    assert bench.page.host.run.kind == "world"
