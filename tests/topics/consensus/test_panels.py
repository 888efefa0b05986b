"""Find the bug, side by side and text: what they compute, and what they do on the real bench."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from prayog.settings import Settings
from prayog.ui.bench.page import BenchPage
from prayog_consensus import hunting
from prayog_consensus.alongside import Asked, Names, Pair, alongside, other_params
from prayog_consensus.columns import Columns
from prayog_consensus.engine.families import every, family
from prayog_consensus.engine.setup import Setup
from prayog_consensus.reign import stale_ms
from prayog_sdk.headless import played
from prayog_sdk.params import ParamError
from prayog_sdk.qt.jobs import JobManager
from prayog_sdk.services import Services
from prayog_sim.clock import s
from prayog_sim.run import Run

from .playing import topic

HUNTED = [chosen.name for chosen in every() if hunting.huntable(chosen.name)]


class Quiet:
    def progress(self, done: int, total: int = 0, text: str = "") -> None:
        """Nobody waits."""


# -- hunts -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", HUNTED)
def test_every_variant_can_be_hunted_and_proved(algorithm: str) -> None:
    numbers: dict[str, int] = {}
    for number in range(1, 400):
        numbers.setdefault(hunting.hidden(algorithm, number).name, number)
    assert set(numbers) == {variant.name for variant in family(algorithm).variants}
    for name, number in numbers.items():
        hunt = hunting.begin(algorithm, number)
        assert [choice for choice, _, _ in hunt.choices if hunt.right(choice)] == [name]
        assert hunt.knobs["variant"] == f"bug-{number}"
        assert name not in str(hunt.knobs)
        assert hunt.promise
        proof = hunting.proof(algorithm, number)
        assert 0 <= proof.after <= proof.before
        assert proof.reason


def test_the_hidden_variant_runs_as_if_it_had_been_named() -> None:
    number = next(n for n in range(1, 99) if hunting.hidden("raft", n).name == "votes_for_anyone")
    scenario = topic().scenario("raft_behind")
    hidden = played(topic(), scenario, overrides={"variant": hunting.mask(number)})
    named = played(topic(), scenario, overrides={"variant": "votes_for_anyone"})
    assert hidden.trace.hash() == named.trace.hash()
    assert hidden.trace.hash() != played(topic(), scenario).trace.hash()


def test_a_hunt_that_cannot_be_is_refused_in_a_sentence() -> None:
    with pytest.raises(ParamError, match="fewer than two rules"):
        hunting.begin("lcr", 1)
    with pytest.raises(ParamError, match="such as bug-7"):
        topic().build(Setup(variant="bug-x"), 1)


def test_points_and_their_list(tmp_path: Path) -> None:
    file = tmp_path / "hunts.jsonl"
    assert hunting.scores(file) == []
    first = hunting.Score("raft", 1, seconds=60, actions=15, hints=1, wrong=1, found=True)
    assert first.points == 100 - 20 - 25 - 3
    hunting.note(file, first)
    hunting.note(file, hunting.Score("raft", 2, 10, 0, 3, 0, found=False))
    with file.open("a") as out:
        out.write("not a score\n[1]\n")
    assert hunting.scores(file)[0] == first
    assert len(hunting.scores(file)) == 2
    assert hunting.best(hunting.scores(file), "raft") == first.points
    assert hunting.best(hunting.scores(file), "paxos") == 0


# -- side by side ------------------------------------------------------------------------------------------------


def beside(scenario: str, algorithm: str, variant: str = "correct", run: Run | None = None) -> Pair:
    card = topic().scenario(scenario)
    run = run or played(topic(), card)
    shown = topic().params(card.params)
    other = other_params(shown, algorithm, variant)
    return alongside(
        Quiet(), Asked(shown, other, card.seed, tuple(run.actions), run.trace[-1].at, len(run.trace))
    )  # fmt: skip


def test_whoever_leads_is_hit_where_the_leader_was_hit() -> None:
    pair = beside("raft_leader_dies", "vsr")
    crashes = [row for row in pair.other.rows if "crash" in row.words]
    assert [row.node for row in crashes] == ["n1"]  # VSR's first primary; Raft's leader was n2
    assert pair.shown.counters["Times somebody began to lead"] == 2
    assert pair.other.counters["Times somebody began to lead"] == 2
    assert not pair.other.left_out


def test_a_variant_beside_the_correct_one_differs_in_a_promise() -> None:
    pair = beside("raft_stale_read", "raft", "local_reads")
    title = next(check.title for check in family("raft").checks if check.name == "linearizable")
    assert pair.shown.counters[title] == "✓"
    assert pair.other.counters[title] == "✗"
    assert any(title in words for words in pair.differences)


def test_what_the_other_does_not_know_is_said() -> None:
    pair = beside("raft_two_kings", "bully")
    assert any("write" in words and "does not know" in words for words in pair.other.left_out)
    assert not any("partition" in words for words in pair.other.left_out)


def test_a_run_that_cannot_be_done_again_is_refused() -> None:
    run = played(topic(), topic().scenario("raft_behind"))
    with pytest.raises(ValueError, match="cannot be done again"):
        beside("raft_leader_dies", "vsr", run=run)


def test_names_are_matched_one_to_one() -> None:
    names = Names(("n1", "n2", "n3", "c1"), ("s1", "s2", "s3", "c1"))
    names.pin("n2", "s1")
    assert [names.of(name) for name in ("n1", "n2", "n3", "c1")] == ["s2", "s1", "s3", "c1"]
    assert names.text("n2,c1|n1,n3") == "s1,c1|s2,s3"


# -- text --------------------------------------------------------------------------------------------------------


def test_a_column_says_who_leads_who_stands_and_who_is_down() -> None:
    run = played(topic(), topic().scenario("raft_leader_dies"))
    columns = Columns(tuple(run.view().nodes))
    rows = [columns.feed(step) for step in run.trace]
    crash = next(row for row in rows if "crash" in row.words)
    dead = columns.nodes.index(crash.node)
    assert crash.cells[dead] == "x"
    assert rows[crash.seq - 1].cells[dead] == "L1"
    assert [cell for cell in rows[-1].cells if cell.startswith("L")] == ["L2"]
    assert any(cell.startswith("C2") for row in rows for cell in row.cells)
    assert f"[{'x'}]" in crash.text(columns.nodes)
    assert sum(not row.plain for row in rows) < len(rows) / 2


def test_how_long_a_king_believed_in_vain() -> None:
    trace = played(topic(), topic().scenario("raft_two_kings")).trace
    crowned = [(step.at, step.node) for step in trace for effect in step.effects if effect.kind == "leader"]
    fell = next(step.at for step in trace for effect in step.effects if effect.kind == "stepdown")
    assert stale_ms(trace) == (fell - crowned[1][0]) / 1_000
    assert stale_ms(played(topic(), topic().scenario("raft_leader_dies")).trace) == 0


# -- on the bench ------------------------------------------------------------------------------------------------


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[BenchPage]:
    jobs, services = JobManager(), Services(tmp_path / "services", environ={})
    page = BenchPage(topic(), jobs=jobs, services=services, store=None, settings=Settings(), data_dir=tmp_path)
    qtbot.addWidget(page)
    page.resize(1280, 800)
    page.show()
    yield page
    page.host.close()
    jobs.shutdown()
    services.close()


def panel(page: BenchPage, qtbot: QtBot, scenario: str, name: str) -> Any:
    page.open_scenario(topic().scenario(scenario))
    qtbot.waitUntil(lambda: page.driver.branch is not None, timeout=20_000)
    slot = next(slot for slot in page.docks.slots() if slot.spec.id == name)
    dock = page.docks.dock(name)
    assert dock is not None
    dock.show()
    dock.raise_()
    qtbot.waitUntil(lambda: slot.panel is not None, timeout=20_000)
    return slot.panel


def test_tools_of_one_kind_share_a_menu(bench: BenchPage, qtbot: QtBot) -> None:
    panel(bench, qtbot, "raft_at_rest", "text")
    buttons = {button.text(): button for button in bench.tools.findChildren(QToolButton)}
    assert {"Write", "Read", "Kill the leader", "Provoke", "Server", "Members"} <= set(buttons)
    menu = buttons["Provoke"].menu()
    assert menu is not None
    chosen = next(action for action in menu.actions() if action.text().startswith("Stale leader"))
    bench.driver.set_speed(float("inf"))
    bench.driver.play()
    qtbot.waitUntil(lambda: any(e.kind == "leader" for step in bench.host.trace for e in step.effects), timeout=20_000)
    bench.driver.pause()
    bench.driver.last()
    chosen.trigger()
    assert bench.host.run.actions[-1].action.name == "partition"


def test_a_hunt_from_beginning_to_end(bench: BenchPage, qtbot: QtBot, tmp_path: Path) -> None:
    hunt = panel(bench, qtbot, "raft_leader_dies", "hunt")
    hunt._number.setValue(9)
    hunt._new.click()
    qtbot.waitUntil(hunt._on_bench, timeout=20_000)
    assert len(hunt._group.buttons()) == hunting.CHOICES
    wrong = next(b for b in hunt._group.buttons() if not hunt.hunt.right(b.property("variant")))
    wrong.setChecked(True)
    hunt._name.click()
    for _ in range(3):
        hunt._hint.click()
    qtbot.waitUntil(lambda: bench.driver.branch.title == "The shortest run", timeout=20_000)

    def broken() -> bool:
        bench.driver.last()  # the run comes to the bench before the step where it is to be looked at
        return bool(hunt._promises.broken)

    qtbot.waitUntil(broken, timeout=20_000)
    right = next(b for b in hunt._group.buttons() if hunt.hunt.right(b.property("variant")))
    right.setChecked(True)
    hunt._name.click()
    (score,) = hunting.scores(tmp_path / "hunts.jsonl")
    assert (score.found, score.hints, score.wrong, score.points) == (True, 3, 1, 15)


def test_an_algorithm_without_bugs_says_so(bench: BenchPage, qtbot: QtBot) -> None:
    hunt = panel(bench, qtbot, "lcr_best", "hunt")
    assert not hunt._new.isEnabled()
    assert "nothing to choose from" in hunt.outline()
    assert "Raft" in hunt.outline()


def test_text_follows_the_shown_moment_and_leads_to_it(bench: BenchPage, qtbot: QtBot, tmp_path: Path) -> None:
    text = panel(bench, qtbot, "raft_behind", "text")
    bench.driver.set_speed(float("inf"))
    bench.driver.play()
    qtbot.waitUntil(lambda: len(bench.host.trace) > 40, timeout=20_000)
    bench.driver.pause()
    qtbot.waitUntil(lambda: text._fed == len(bench.host.trace), timeout=20_000)
    rows = text._view._model.shown
    text._view.chosen.emit(rows[3].seq)
    assert bench.driver.at == rows[3].seq
    text.exports()["txt"](tmp_path / "run.txt")
    lines = (tmp_path / "run.txt").read_text("utf-8").splitlines()
    assert lines[0].split() == ["time", "n1", "n2", "n3", "event"]
    assert len(lines) == 1 + len(rows)


def test_side_by_side_on_the_bench(bench: BenchPage, qtbot: QtBot) -> None:
    side = panel(bench, qtbot, "raft_leader_dies", "side")
    side._go.click()
    assert "Play first" in side._note.text()
    run = bench.host.run
    while run.trace[-1].at < s(1) if len(run.trace) else True:
        run.step()
    bench.driver.last()
    side._other.setCurrentIndex(side._other.findData("vsr"))
    side._go.click()
    qtbot.waitUntil(lambda: side._pair is not None, timeout=30_000)
    assert side._pair.other.title == "Viewstamped Replication"
    assert side._table.rowCount() > 8


def test_the_sweep_shows_its_columns_though_the_bench_stands_still(bench: BenchPage, qtbot: QtBot) -> None:
    theory = panel(bench, qtbot, "chang_roberts_three", "theory")
    theory._go.click()
    qtbot.waitUntil(lambda: theory._job is None, timeout=60_000)
    heads = [theory._table.horizontalHeaderItem(column).text() for column in range(theory._table.columnCount())]
    assert "n = 3" in heads
    assert heads[-1] == "Why"


def test_operations_are_walked_by_keyboard(bench: BenchPage, qtbot: QtBot) -> None:
    operations = panel(bench, qtbot, "raft_stale_read", "operations")
    bench.driver.set_speed(float("inf"))
    bench.driver.play()
    qtbot.waitUntil(lambda: len(operations._line.operations) > 1, timeout=20_000)
    bench.driver.pause()
    qtbot.keyClick(operations._line, Qt.Key.Key_Right)
    qtbot.keyClick(operations._line, Qt.Key.Key_Right)
    second = operations._line.operations[1]
    assert operations._line.accessibleDescription() == str(second)
    qtbot.keyClick(operations._line, Qt.Key.Key_Return)
    assert bench.driver.at == (second.steps[1] if second.steps[1] is not None else second.steps[0])
