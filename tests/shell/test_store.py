"""Progress in SQLite: what was noted is there again; whatever state the file is in, nothing is lost."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from prayog.paths import Profile
from prayog.store import StoreProblem, migrations
from prayog.store.file import problem
from prayog.store.models import Model
from prayog.store.repo import Accuracy, Progress, Repo


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    return Profile(tmp_path)


@pytest.fixture
def repo(profile: Profile):
    opened = Repo.open(profile)
    yield opened
    opened.close()


def old_file(path: Path, version: int) -> None:
    """A progress file as the lab of that version left it, with one note inside."""
    db = sqlite3.connect(path, isolation_level=None)
    for step in migrations.MIGRATIONS[:version]:
        step(db)
    db.execute(f"PRAGMA user_version = {version}")
    db.execute("INSERT INTO event VALUES (1, 5, 'passed', 'gossip', 'lesson/spread', '{}')")
    db.close()


def test_notes_come_back_after_closing(profile: Profile) -> None:
    repo = Repo.open(profile)
    repo.record("seen", "gossip", "lesson/spread/1")
    repo.record("passed", "gossip", "lesson/spread", {"seed": 7})
    repo.close()
    repo = Repo.open(profile)
    found = repo.progress("gossip")
    assert found.seen == {"lesson/spread/1"}
    assert found.passed == {"lesson/spread"}
    assert found.last is not None
    assert found.last.data == {"seed": 7}
    assert repo.progress("sharding") == Progress("sharding")
    assert [note.kind for note in repo.journal()] == ["passed", "seen"]
    assert repo.journal(item="lesson/spread/1")[0].kind == "seen"
    repo.close()


def test_first_answers_make_the_accuracy(repo: Repo) -> None:
    repo.record("predicted", "gossip", "q1", {"value": 3, "ok": False})
    repo.record("predicted", "gossip", "q1", {"value": 5, "ok": True})  # a second try does not count
    repo.record("predicted", "gossip", "q2", {"value": 5, "ok": True})
    repo.record("predicted", "location", "q1", {"value": 5})  # not judged yet
    assert repo.prediction_accuracy() == Accuracy(1, 2)
    assert repo.prediction_accuracy("location") == Accuracy(0, 0)


def test_saved_runs_and_bookmarks(repo: Repo, tmp_path: Path) -> None:
    file = tmp_path / "चलो.prayog"
    file.write_bytes(b"")
    repo.add_saved_run(file, "gossip", "spread", "First try", 10)
    repo.add_saved_run(file, "gossip", "spread", "Second try", 20)
    repo.add_saved_run(tmp_path / "gone.prayog", "gossip", "", "Elsewhere", 1)
    by_title = {run.title: run for run in repo.saved_runs()}
    assert set(by_title) == {"Second try", "Elsewhere"}
    assert by_title["Second try"].there
    assert not by_title["Elsewhere"].there
    repo.forget_saved_run(file)
    assert file.exists()
    assert len(repo.saved_runs()) == 1

    number = repo.add_bookmark("gossip", "the moment n3 dies", {"seq": 12})
    assert [(m.title, m.data["seq"]) for m in repo.bookmarks("gossip")] == [("the moment n3 dies", 12)]
    repo.remove_bookmark(number)
    assert repo.bookmarks() == []


def test_all_threads_may_write(repo: Repo) -> None:
    def write(name: str) -> None:
        for number in range(20):
            repo.record("seen", "gossip", f"{name}/{number}")

    threads = [threading.Thread(target=write, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(repo.progress("gossip").seen) == 80


def test_unknown_kinds_are_refused(repo: Repo) -> None:
    with pytest.raises(ValueError, match="seen, tried, predicted, passed"):
        repo.record("liked", "gossip", "x")  # type: ignore[arg-type]


def test_the_store_in_memory_works_alike() -> None:
    repo = Repo.in_memory()
    repo.record("seen", "gossip", "x")
    assert repo.progress("gossip").seen == {"x"}
    repo.close()


def test_migrations_make_the_tables_of_the_models(profile: Profile) -> None:
    Repo.open(profile).close()
    made = inspect(create_engine(f"sqlite:///{profile.progress}"))
    for table in Model.metadata.tables.values():
        columns = {c["name"]: (str(c["type"]), c["nullable"]) for c in made.get_columns(table.name)}
        assert columns == {c.name: (str(c.type), c.nullable) for c in table.columns}
        assert {i["name"] for i in made.get_indexes(table.name)} == {i.name for i in table.indexes}
    assert set(made.get_table_names()) == set(Model.metadata.tables)


@pytest.mark.parametrize("version", range(1, migrations.VERSION))
def test_an_older_file_is_copied_and_brought_up_to_date(profile: Profile, version: int) -> None:
    old_file(profile.progress, version)
    repo = Repo.open(profile)
    assert repo.progress("gossip").passed == {"lesson/spread"}
    repo.add_bookmark("gossip", "new table", {})
    assert "kept as" in repo.notice
    repo.close()
    [copy] = profile.folder.glob("progress-before-*.db")
    db = sqlite3.connect(copy)
    assert db.execute("PRAGMA user_version").fetchone() == (version,)
    assert db.execute("SELECT count(*) FROM event").fetchone() == (1,)
    db.close()
    again = Repo.open(profile)
    assert again.notice == ""
    again.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(db: sqlite3.Connection) -> None:
        db.execute("DROP TABLE event")
        raise sqlite3.OperationalError("database or disk is full")

    old_file(profile.progress, 2)
    monkeypatch.setattr(migrations, "MIGRATIONS", (*migrations.MIGRATIONS[:2], broken))
    with pytest.raises(StoreProblem, match="full"):
        Repo.open(profile)
    monkeypatch.undo()
    repo = Repo.open(profile)
    assert repo.progress("gossip").passed == {"lesson/spread"}
    repo.close()


def test_a_newer_file_is_left_alone(profile: Profile) -> None:
    old_file(profile.progress, migrations.VERSION)
    with sqlite3.connect(profile.progress) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    before = profile.progress.read_bytes()
    with pytest.raises(StoreProblem, match=r"newer lab \(form 99; this one knows 3\)"):
        Repo.open(profile)
    with sqlite3.connect(profile.progress) as db:
        assert db.execute("SELECT count(*) FROM event").fetchone() == (1,)
    db.close()
    assert len(before) == len(profile.progress.read_bytes())


@pytest.mark.parametrize("damage", ["text", "middle"])
def test_a_damaged_file_is_set_aside(profile: Profile, damage: str) -> None:
    repo = Repo.open(profile)
    for number in range(200):
        repo.record("seen", "gossip", f"item-{number:04}" * 10)
    repo.close()
    whole = profile.progress.read_bytes()
    broken = b"not a database" * 100 if damage == "text" else whole[:4096] + b"\xff" * 8192 + whole[12288:]
    for number in (1, 2):
        profile.progress.write_bytes(broken)
        repo = Repo.open(profile)
        assert f"progress-damaged-{number}.db" in repo.notice
        assert repo.progress("gossip") == Progress("gossip")
        repo.close()
    assert profile.folder.joinpath("progress-damaged-1.db").read_bytes() == broken
    assert profile.folder.joinpath("progress-damaged-2.db").read_bytes() == broken


def test_a_second_window_is_told(profile: Profile, repo: Repo) -> None:
    with pytest.raises(StoreProblem, match="Another window of the lab"):
        Repo.open(profile)
    repo.record("seen", "gossip", "x")  # the first one goes on
    repo.close()
    Repo.open(profile).close()


def test_a_full_disk_is_said_and_survived(profile: Profile, repo: Repo) -> None:
    pages = repo._connection.execute("PRAGMA page_count").fetchone()[0]
    repo._connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreProblem, match=r"disk that holds .* is full"):
        repo.record("seen", "gossip", "x", {"big": "x" * 100_000})
    repo._connection.execute("PRAGMA max_page_count = 100000")
    repo.record("seen", "gossip", "x")
    assert repo.progress("gossip").seen == {"x"}


def test_a_profile_that_is_a_file_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreProblem, match="cannot be written to"):
        Repo.open(Profile(tmp_path / "file"))


@pytest.mark.skipif(os.name == "nt", reason="folders are write-protected in another way on Windows")
@pytest.mark.parametrize("existing", [True, False])
def test_a_read_only_folder_is_said(profile: Profile, existing: bool) -> None:
    if existing:
        Repo.open(profile).close()
        profile.progress.chmod(0o444)
    for part in (profile.folder, *profile.folder.parents[:-3]):
        part.chmod(0o555 if part == profile.folder else 0o755)
    code = f"""
import os, pathlib
from prayog.paths import Profile
from prayog.store.repo import Repo
Repo.in_memory().close()
if os.getuid() == 0:
    os.setuid(65534)
try:
    Repo.open(Profile(pathlib.Path({str(profile.folder)!r})))
except Exception as error:
    print(type(error).__name__, error)
"""
    try:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    finally:
        profile.folder.chmod(0o755)
    assert done.stdout.startswith("StoreProblem The folder")
    assert "cannot be written to" in done.stdout


def test_a_problem_nobody_foresaw_is_still_a_sentence(tmp_path: Path) -> None:
    assert str(problem(sqlite3.OperationalError("odd"), tmp_path)).endswith(": odd.")


def test_the_package_is_light() -> None:
    code = "import sys, json, prayog.store, prayog.cli; print(json.dumps('sqlalchemy' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) is False
