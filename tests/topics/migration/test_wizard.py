"""The wizard on the bench: pages follow a real move, from the plan to the report; and what pages make of events."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from prayog_migration.engine.setup import Setup
from prayog_migration.panels.course import Course
from prayog_migration.panels.ddl_view import differing
from prayog_migration.panels.heat_strip import strips_of
from prayog_migration.panels.rail import mark
from prayog_sim.run import Action
from prayog_sim.trace import Step

from .room import Bench


def test_a_real_move_is_followed_page_by_page(bench: Bench) -> None:
    bench.open("lost_minutes")
    wizard = bench.panel("wizard")
    wizard.act("assess")
    assert "No migration has begun" in bench.said[-1]
    assert "note" in bench.page.host.own
    assert "probe" not in bench.page.host.own
    wizard.page("plan").rows.setValue(1_000)
    wizard.page("plan").target.kind.setCurrentIndex(1)  # a new SQLite file
    wizard.page("plan")._chosen("big bang")
    wizard.page("plan")._begin.click()
    bench.until(lambda: bench.page.host.run.kind == "session")
    assert "note" not in bench.page.host.own, "what a drill can do is no tool of a real migration"
    assert "probe" in bench.page.host.own
    wizard = bench.panel("wizard")
    bench.page.driver.play()
    for name in ("probe", "assess", "preview", "schema", "copy", "validate", "report", "clean"):
        wizard.act(name)
        bench.until(lambda name=name: bench.happened("done", name))
        bench.frame()
    course = wizard._course
    assert course.kept is True
    assert course.badge == "lost 0 · duplicated 0 · quarantined 0"
    assert {mark(name, course)[0] for name in ("plan", "assess", "schema", "data", "validate", "cleanup")} == {"✓"}
    assert wizard.page("assess")._table.rowCount() > 20
    for name in ("plan", "assess", "schema", "data", "validate", "sync", "switch", "cleanup"):
        wizard.go(name)
        bench.frame()
        assert wizard.outline()
    assert "statements" in wizard.page("schema").words()
    assert Path(course.report).read_text(encoding="utf-8").startswith("<!doctype html>")
    assert all(one.done for one in course.loads.values())
    assert len(wizard.page("plan").cards._costs["big bang"].text()) > 40
    early = next(step.seq for step in bench.page.host.trace if step.kind == "assessed")
    bench.page.driver.pause()
    bench.page.driver.seek(early)
    bench.frame()
    assert wizard._course.balance == {}  # stepping back takes the comparison away
    bench.page.driver.last()
    bench.frame()
    assert wizard._course.kept is True


def test_drills_are_shown_row_by_row(bench: Bench) -> None:
    bench.open("lost_minutes")
    panel = bench.panel("tables")
    assert panel.outline().startswith("Old 600 rows, new 0. – 600 missing")  # before anything has happened
    bench.page.driver.set_speed(float("inf"))
    bench.page.driver.play()
    bench.until(lambda: len(bench.page.host.trace) > 900)
    bench.page.driver.pause()
    bench.frame()
    assert panel._tables.difference.count > 0
    assert "another value" in panel.outline()
    bench.open("four_companies")
    cards = bench.panel("strategies")
    bench.page.host.do(Action("choose", {"company": "kirana", "strategy": "dual write"}))
    bench.page.driver.play()
    bench.until(lambda: bench.happened("chosen", "kirana"))
    bench.frame()
    bench.until(lambda: cards._answers["kirana"].text().startswith("✗"))


def step(seq: int, kind: str, node: str = "", **data: Any) -> Step:
    return Step(seq, 1_000 * seq, kind, node, data)


def test_a_switch_that_was_called_off_is_no_freeze() -> None:
    course = Course()
    course.take(step(1, "switching", "fenced", at_us=300, to="target"))
    course.take(step(2, "unfenced", "source", sentence="It took too long."))
    assert (course.switches[0].freeze_us, course.switches[0].undone, course.side) == (
        None,
        "It took too long.",
        "source",
    )
    course.take(step(3, "switching", "fenced", at_us=200, to="target"))
    course.take(
        step(4, "promoted", "target", epoch=2, final="7", freeze_us=900, marks=[["fenced", 200], ["promoted", 900]])
    )
    assert [one.freeze_us for one in course.switches] == [None, 900]
    assert course.side == "target"


def test_a_copy_that_begins_again_shows_no_old_rows() -> None:
    course = Course()
    rows = {"rows": 10, "bytes": 5, "of": 20, "rows_s": 1, "quarantined": 1, "done": False}
    course.take(step(1, "chunk", "orders", **rows))
    course.take(step(2, "chunk", "payments", **rows))
    course.take(step(3, "restarted", "orders", sentence="vacuumed"))
    assert list(course.loads) == ["payments"]
    assert course.quarantined == 1
    course.take(step(4, "restarted", "", sentence="again"))
    assert course.rows == (0, 0)


def test_words_that_stand_on_one_side_only_are_found() -> None:
    assert differing("CREATE TABLE t (id INTEGER)", 'CREATE TABLE "t" (id bigint)') == {"integer"}
    assert differing("a a", "a") == {"a"}


def test_a_strip_tells_what_does_not_fit() -> None:
    profile = {
        "columns": [["age", "INT", "bigint", "quarantine", {"integer": 9, "text": 2}, 2, [["'x'", "no number"]]]]
    }
    (strip,) = strips_of(profile)
    assert strip.words == "age (INT): 9 integer, 2 text, 2 do not fit"


def test_a_password_is_in_no_knob() -> None:
    from prayog_migration.engine.real.secrets import keep, whole

    shown = keep("postgresql://asha:geheim@127.0.0.1/shop")
    assert "geheim" not in shown
    assert whole(shown).endswith("asha:geheim@127.0.0.1/shop")
    assert whole("shop.db") == "shop.db"
    with pytest.raises(ValueError, match="Enter it again"):
        whole("postgresql://ravi:•••@127.0.0.1/other")
    assert Setup(source=shown).source == shown
