"""The pages as a learner uses them: one button leads on, trials are begun and read there, and little is drawn twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from prayog_migration.engine.steps import first
from prayog_migration.panels.breaking import Breaking
from prayog_migration.panels.clean_page import CleanPage
from prayog_migration.panels.column_view import ColumnView
from prayog_migration.panels.data_page import DataPage
from prayog_migration.panels.fault_words import FAULTS
from prayog_migration.panels.head import Held
from prayog_migration.panels.path import onward
from prayog_migration.panels.questions_view import QuestionsView
from prayog_migration.panels.rules_view import RulesView
from prayog_migration.panels.scores import scores
from prayog_migration.panels.type_editor import TypeEditor
from prayog_migration.topic import FAULTS as KNOWN
from prayog_sdk.qt.texttable import TextTable

from .room import Bench
from .told import START, Events, Told, step


@pytest.fixture
def told(qtbot: QtBot) -> Told:
    return Told()


# -- one button leads on -------------------------------------------------------------------------------------------


def test_the_way_leads_back_to_what_is_missing_and_on_to_what_comes() -> None:
    events = Events(START)
    assert onward("plan", events.course) == ("assess", "Go on to 2 Assess")
    assert onward("data", events.course) == ("schema", "First: 3 Schema")
    assert onward("switch", events.course) == ("sync", "First: 6 Live sync")
    facts: dict[str, Any] = {"planned": True, "assessed": True, "tables_made": True}
    events.add("step", "schema", phase="done", sentence="", facts=facts)
    assert onward("data", events.course) == ("", ""), "there is something to do on the page itself"
    assert onward("schema", events.course) == ("data", "Go on to 4 Data")
    events.add("step", "data", phase="done", sentence="", facts={**facts, "loaded": True, "captured": True})
    assert onward("data", events.course) == ("validate", "Go on to 5 Validate")


def test_a_capture_that_was_let_go_leads_back_to_the_copy() -> None:
    events = Events(START, step("data", loaded=True))
    assert onward("sync", events.course) == ("data", "First: 4 Data")


def test_the_big_bang_goes_from_the_comparison_to_the_switch_over() -> None:
    events = Events(("start", "", {"strategy": "big bang"}), step("validate", loaded=True, equal=True, rules_made=True))
    assert onward("validate", events.course) == ("switch", "Go on to 7 Switch over")
    assert onward("switch", events.course) == ("", "")


def test_after_the_clean_up_every_page_leads_to_its_end() -> None:
    events = Events(START, step("sync", loaded=True, captured=True, caught_up=True))
    assert onward("sync", events.course)[0] == "switch"
    events.add("clean", gone=["table _wiz_state"], left=[])
    assert events.course.step == "cleanup"
    assert {onward(name, events.course)[0] for name in ("plan", "data", "sync", "switch")} == {"cleanup"}
    assert onward("cleanup", events.course) == ("", "")


def test_what_is_held_comes_with_the_button_that_lets_it_go_on(told: Told, qtbot: QtBot) -> None:
    held = Held(told)
    qtbot.addWidget(held)
    events = Events(START, ("drift", "copy", {"sentence": "orders has a new column gst_1."}))
    events.add("step", "data", phase="paused", sentence="orders has a new column gst_1.", facts={})
    held.draw("data", events.course)
    (button,) = held.findChildren(QPushButton)
    assert "gst_1" in held.words()
    button.click()
    assert told.acts == [("replan", {})]
    events.add("done", "replan", us=1)
    events.add("step", "data", phase="waiting", sentence="", facts={})
    held.draw("data", events.course)
    assert held.isHidden()


def test_what_is_held_is_told_on_whatever_page_is_seen(told: Told, qtbot: QtBot) -> None:
    held = Held(told)
    qtbot.addWidget(held)
    events = Events(START, ("drift", "flow", {"sentence": "orders has a new column gst_1."}))
    held.draw("data", events.course)
    assert not held.isHidden()
    assert "gst_1" in held.words()
    events.add("done", "replan", us=1)
    held.draw("data", events.course)
    assert held.isHidden()


def test_a_step_that_comes_too_early_is_told_which_comes_first() -> None:
    assert first("switch", ["caught_up"]).startswith("Switch over comes later: first do step 6, Live sync")
    assert "step 4, Data" in first("sync", ["captured"])


def test_a_refusal_is_read_on_the_page(told: Told, qtbot: QtBot) -> None:
    held = Held(told)
    qtbot.addWidget(held)
    events = Events(START, ("refused", "sync", {"sentence": "This step comes later."}))
    held.draw("plan", events.course)
    assert "comes later" in held.words()
    events.add("action", name="assess")
    held.draw("plan", events.course)
    assert held.words() == ""


# -- what was broken, and what came of it --------------------------------------------------------------------------


def test_what_came_of_a_fault_is_told_once_though_its_numbers_differ() -> None:
    events = Events(START, ("injected", "cut", {"sentence": "Every connection broke."}))
    for port in (40_001, 40_002):
        events.add("fault", "flow", sentence=f"A connection broke (port {port}). The wizard tries again.")
    events.add("fault", "flow", sentence="The target has no room left (53100). It waits.")
    assert [one.partition(" (")[0] for one in events.course.blows[0].then] == [
        "A connection broke", "The target has no room left",
    ]  # fmt: skip


def test_every_fault_says_what_it_will_do_and_what_came_of_it(told: Told, qtbot: QtBot) -> None:
    assert set(FAULTS) == set(KNOWN)
    panel = Breaking(told)
    qtbot.addWidget(panel)
    events = Events(START, ("injected", "kill", {"sentence": "Worker 7 was killed."}))
    events.add("worker", what="died", sentence="The worker was ended by signal 9.", code=-9, pid=7)
    events.add("worker", what="started", sentence="Worker 8 works in epoch 3.", code=None, pid=8)
    events.add("injected", "poison", sentence="There is a NUL character in name.")
    events.add("injected", "heal", sentence="All is well.")
    events.add("applied", "forward", changes=1, quarantined=1)
    assert events.course.blows[1].then == ["The row was set aside, with the reason."], "it is not what healing led to"
    events.add("refused", "fill_disk", sentence="The target is a file.")
    panel.draw(events.course)
    assert panel.words() == "Fill the disk: Not done: The target is a file."
    kill = events.course.blows[0]
    assert (kill.did, kill.then) == (
        "Worker 7 was killed.", ["The worker was ended by signal 9.", "Worker 8 works in epoch 3."],
    )  # fmt: skip
    for button in panel.findChildren(QPushButton):
        button.setEnabled(True)
        button.click()
    assert [name for name, _ in told.acts] == ["fault"] * len(FAULTS) + ["heal"]
    assert all(len(button.accessibleDescription()) > 30 for button in panel.findChildren(QPushButton))


# -- predicted and measured ----------------------------------------------------------------------------------------


def test_predictions_are_scored_against_what_happened(told: Told, qtbot: QtBot) -> None:
    forecast = {"strategy": "backfill + live sync", "freeze_s": 0.1, "duration_s": 2.0, "at_risk": 0, "way_back": True}
    events = Events(START, ("probed", "", {"forecasts": [forecast], "rows_s": 1000.0}))
    assert scores(events.course) == []
    chunk = {"rows": 500, "bytes": 9, "of": 500, "rows_s": 400.0, "quarantined": 0, "done": True}
    events.add("chunk", "orders", **chunk)
    events.add("done", "copy", us=1_000_000)
    events.add("action", name="sync")
    events.add("caught_up", "forward")
    marks = [["fenced", 1_000], ["promoted", 250_000]]
    events.add("promoted", "target", freeze_us=250_000, marks=marks, epoch=2, final="7")
    events.add("balance", "forward", lost=0, duplicated=0, quarantined=0)
    lines = {line[0]: line[1:3] for line in scores(events.course)}
    assert lines["Freeze"] == ["100 ms", "250 ms"]
    assert lines["Work of the wizard"] == ["2.0 s", "1.0 s"]
    assert lines["Speed of the copy"] == ["1,000 rows/s", "500 rows/s"]
    page = CleanPage(told)
    qtbot.addWidget(page)
    page.draw(events.course)
    assert page._scores.rowCount() == len(lines)


def test_lags_of_two_directions_are_not_one_curve() -> None:
    events = Events(START)
    lag = {"behind_us": 0, "applied_s": 1, "kept_bytes": -1, "cap_bytes": -1}
    events.add("lag", "forward", changes=7, bytes=-1, **lag)
    events.add("lag", "reverse", changes=-1, bytes=99_000, **lag)
    assert [one.bytes for one in events.course.lags] == [99_000]


# -- little is drawn twice -----------------------------------------------------------------------------------------


@pytest.fixture
def set_rows(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tables in which a row was set, one entry a row."""
    rows: list[str] = []
    before = TextTable._set_row

    def counted(table: TextTable, *args: Any) -> None:
        rows.append(table.accessibleName())
        before(table, *args)

    monkeypatch.setattr(TextTable, "_set_row", counted)
    return rows


def test_a_line_of_the_log_is_appended_and_the_others_stay(told: Told, qtbot: QtBot) -> None:
    page = DataPage(told)
    qtbot.addWidget(page)
    events = Events(START)
    for number in range(150):
        events.add("fault", "copy", sentence=f"fault {number}")
    page.draw(events.course)
    changed: list[tuple[int, int]] = []
    page._log.document().contentsChange.connect(lambda _, gone, added: changed.append((gone, added)))
    events.add("fault", "copy", sentence="one more")
    page.draw(events.course)
    page.draw(events.course)
    assert sum(gone for gone, _ in changed) == 0
    assert 0 < sum(added for _, added in changed) < 80
    assert page._log.toPlainText().endswith("one more")
    other = Events(START, ("fault", "copy", {"sentence": "another run"}))
    page.draw(other.course)
    assert "one more" not in page._log.toPlainText()


def test_events_that_a_table_does_not_show_set_none_of_its_rows(
    told: Told, qtbot: QtBot, set_rows: list[str]
) -> None:
    rules = [[f"t{number}", "key", "id", "refused", "duplicate key"] for number in range(40)]
    events = Events(START, step("validate", loaded=True, rules_made=True), ("tried", "", {"rules": rules}))
    views = [RulesView(told), QuestionsView(told), Breaking(told)]
    for view in views:
        qtbot.addWidget(view)
        view.draw(events.course)
    assert len(set_rows) == 40
    lag = {"changes": 1, "bytes": -1, "behind_us": 0, "applied_s": 1, "kept_bytes": -1, "cap_bytes": -1}
    for _ in range(20):
        events.add("lag", "forward", **lag)
        events.add("traffic", "app", written=1)
        for view in views:
            view.draw(events.course)
    assert len(set_rows) == 40
    events.add("injected", "kill", sentence="Worker 7 was killed.")
    views[2].draw(events.course)
    assert len(set_rows) == 41


# -- trials ---------------------------------------------------------------------------------------------------------


def test_a_type_is_tried_before_it_is_decided(told: Told, qtbot: QtBot) -> None:
    decided: list[tuple[str, ...]] = []
    editor = TypeEditor(told, lambda *choice: decided.append(choice))
    qtbot.addWidget(editor)
    editor.show_column("people", "name", "text", "quarantine")
    editor._type.setText("varchar(4)")
    editor._policy.setCurrentText("cut")
    editor._go.click()
    assert told.acts == [
        ("cast", {"table": "people", "column": "name", "type": "varchar(4)", "policy": "cut"})
    ]
    cast = {"type": "varchar(4)", "policy": "cut", "looked": 3, "problem": "", "fits": 2, "changed": 1, "aside": 0,
            "samples": [["Meera", "Meer", "changed", ""], ["Asha", "Asha", "fits", ""]]}  # fmt: skip
    editor.draw(Events(START, ("cast", "people.name", cast)).course)
    assert "1 would be changed" in editor.words()
    assert editor._samples.rowCount() == 2
    editor._policy.setCurrentText("null")
    assert editor.words().startswith("Tried with varchar(4), cut")
    editor._decide.click()
    assert decided == [("people", "name", "varchar(4)", "null")]


def test_the_stages_of_a_column_are_read_line_by_line(told: Told, qtbot: QtBot) -> None:
    view = ColumnView(told)
    qtbot.addWidget(view)
    what = {"table": "people", "old": "phone", "new": "mobile", "rows": 3, "sql": ["ALTER TABLE people …"]}
    events = Events(START, ("changed", "begin", {**what, "reached": None, "sql": []}))
    view.draw(events.course)
    assert view._go.text().startswith("Next, expand")
    versions = [[1, "phone", 90, 0, 1_500, []]]
    events.add("changed", "forward", **what, reached="expand", differing=0, filled=0, versions=versions)
    view.draw(events.course)
    assert view._go.text().startswith("Next, fill")
    assert view._stages.item(1, 1).text() == "✓ 90 done, 0 failed"  # type: ignore[union-attr]
    events.add("changed", "put away", reached=None)
    view.draw(events.course)
    assert view._stages.isHidden()


def test_trials_are_begun_and_read_on_their_pages(bench: Bench) -> None:
    bench.open("lost_minutes")
    wizard = bench.panel("wizard")
    wizard.page("plan").rows.setValue(1_000)
    wizard.page("plan").target.kind.setCurrentIndex(1)  # a new SQLite file
    wizard.page("plan")._begin.click()
    bench.until(lambda: bench.page.host.run.kind == "session")
    wizard = bench.panel("wizard")

    def does(name: str, **args: Any) -> None:
        before = len(bench.page.host.trace)
        wizard.act(name, **args)
        bench.until(lambda: any(s.kind in ("done", "refused") and s.node == name
                                for s in bench.page.host.trace[before:]))  # fmt: skip
        bench.frame()

    for name in ("assess", "schema", "copy", "validate"):
        does(name)
    wizard.go("validate")
    page = wizard.page("validate")
    for way, name, words in (("questions", "ask", "7 of 7 questions"), ("rules", "rules", "refused what they forbid"),
                             ("aside", "aside", "0 rows are set aside")):  # fmt: skip
        page.ways.choose(way)
        does(name)
        assert words in wizard.outline()
    wizard.go("schema")
    page = wizard.page("schema")
    for way, name, args, words in (
        ("shards", "shards", {"column": "customer_id", "count": 3, "by": "hash"}, "Complete and disjoint"),
        ("column", "change", {"what": "begin", "table": "customers", "column": "phone", "new": "mobile"}, "100 rows"),
        ("files", "files", {"table": "orders"}, "orders: "),
    ):
        if way == "files":
            pytest.importorskip("duckdb", reason="DuckDB is not installed")
        page.ways.choose(way)
        does(name, **args)
        assert words in wizard.outline(), wizard.outline()
    does("clean")
    left = Path(bench.page.host.services.folder("migration")) / "beside"
    assert not left.exists()
    wizard.go("cleanup")
    does("report")
    wizard._course.step = "sync"  # as the wizard tells a moment after going back
    wizard.draw()
    assert wizard._shown == "cleanup", "writing the report takes nobody to another page"
