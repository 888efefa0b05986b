"""Events, nodes, outline and state: the run in words."""

from __future__ import annotations

import csv
import json

import pytest
from fakebench import FakeBench, world
from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QTest

from prayog_sdk.qt import actions
from prayog_sdk.qt.eventmodel import TIME, EventModel, matcher
from prayog_sdk.qt.events import EventsPanel
from prayog_sdk.qt.markers import marker
from prayog_sdk.qt.nodes import NodesPanel
from prayog_sdk.qt.outline import OutlinePanel
from prayog_sdk.qt.tree import StatePanel
from prayog_sdk.run import Computation
from prayog_sdk.specs import ActionSpec, Arg
from prayog_sim.lines import line
from prayog_sim.node import Node
from prayog_sim.run import Action
from prayog_sim.trace import Effect, Step, Trace
from prayog_sim.world import World


@pytest.fixture
def bench(qapp):
    run = world()
    run.run(until_us=200_000)
    run.do(Action("crash", {"node": "n3"}))
    run.run(until_us=400_000)
    bench = FakeBench(run)
    yield bench
    bench.close()


@pytest.fixture
def events(bench, qtbot):
    panel = EventsPanel()
    qtbot.addWidget(panel)
    panel.resize(700, 300)
    panel.show()
    bench.show(panel)
    return panel


def _found(panel, qtbot):
    qtbot.waitUntil(lambda: not panel._model.searching)
    return [panel._model.step(row).seq for row in range(panel._model.rowCount())]


def test_every_step_is_a_row_in_words(events, bench):
    assert events._model.rowCount() == len(bench.trace)
    row = len(bench.trace) - 1
    cells = [events._model.index(row, column).data() for column in range(4)]
    assert cells[0] == str(row)
    assert cells[1] == "400 ms"
    assert cells[3] == line(bench.trace[row])


def test_the_model_keeps_the_rules_of_qt(bench, qtbot):
    model = EventModel()
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    trace = Trace(bench.trace[:50])
    model.set_trace(trace)
    for step in bench.trace[50:80]:
        trace.append(step)
    model.grow()
    model.set_filter("node:n1")
    qtbot.waitUntil(lambda: not model.searching)
    for step in bench.trace[80:]:
        trace.append(step)
    model.grow()
    qtbot.waitUntil(lambda: not model.searching)
    assert model.rowCount() == sum(step.node == "n1" for step in bench.trace)
    assert model.rowCount(model.index(0, 0)) == 0
    assert tester.model() is model
    assert model.index(0, 0).isValid()
    assert QModelIndex() != model.index(0, 0)


@pytest.mark.parametrize(
    ("query", "test"),
    [
        ("node:n1", lambda step: step.node == "n1"),
        ("kind:crash", lambda step: step.kind == "crash"),
        ("kind:note", lambda step: any(e.kind == "note" for e in step.effects)),
        ("heartbeat", lambda step: "heartbeat" in line(step)),
        ("N1 AE node:n2", lambda step: step.node == "n2" and "ae" in line(step).lower() and "n1" in line(step)),
        ("nowhere", lambda step: False),
    ],
)
def test_filters(events, bench, qtbot, query, test):
    events.set_filter(query)
    assert _found(events, qtbot) == [step.seq for step in bench.trace if test(step)]
    assert events._count.text() == f"{events._model.rowCount():,} of {len(bench.trace):,}"
    events.set_filter("")
    assert events._model.rowCount() == len(bench.trace)


def test_a_filter_works_in_slices_and_shows_what_it_has(qtbot, monkeypatch):
    import itertools

    import prayog_sdk.qt.eventmodel as module

    ticks = itertools.count()
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(ticks) * module._SLICE_S * 0.4)
    model = EventModel()
    model.set_trace(Trace(Step(i, i, "tick", "n1", {}) for i in range(1000)))
    sizes = []
    model.searched.connect(lambda looked, last: sizes.append((looked, model.rowCount())))
    model.set_filter("tick")
    qtbot.waitUntil(lambda: not model.searching)
    assert len(sizes) > 4
    assert all(rows <= looked for looked, rows in sizes)
    assert 0 < sizes[0][1] < 1000  # what is found at once is shown at once
    assert model.rowCount() == 1000


def test_the_row_of_a_step_that_is_filtered_out_is_the_one_before(events, bench, qtbot):
    events.set_filter("node:n1")
    found = _found(events, qtbot)
    bench.seek(found[3] + 1)
    assert bench.trace[found[3] + 1].node != "n1" or found[4] == found[3] + 1
    assert events._model.step(events._table.currentIndex().row()).seq <= found[3] + 1


def test_a_million_rows_cost_nothing_to_show(events, qtbot):
    class Long(Trace):
        asked = 0

        def __len__(self):
            return 1_000_000

        def __getitem__(self, index):
            Long.asked += 1
            return Step(index, index, "tick", "n1", {})

    events._model.set_trace(Long())
    events._table.scrollToBottom()
    events.grab()
    assert events._model.rowCount() == 1_000_000
    assert Long.asked < 2_000  # only what is seen


def test_new_steps_come_in_batches(events, bench, qtbot):
    before, batches = events._model.rowCount(), []
    events._model.rowsInserted.connect(lambda _parent, first, last: batches.append(last - first + 1))
    bench.step(30)
    qtbot.waitUntil(lambda: events._model.rowCount() == before + 30)
    assert batches == [30]
    assert events._table.currentIndex().row() == before + 29  # it follows the run


def test_walking_the_table_moves_the_moment(events, bench):
    events._table.setFocus()
    QTest.keyClick(events._table, Qt.Key.Key_Up)
    assert bench.sought == [len(bench.trace) - 2]
    assert bench.at == len(bench.trace) - 2
    events._model.set_at(bench.at)
    font = events._model.index(bench.at, 3).data(Qt.ItemDataRole.FontRole)
    assert font.weight() >= font.Weight.DemiBold


def test_a_seek_from_elsewhere_does_not_come_back(events, bench):
    bench.seek(17)
    assert bench.sought == [17]
    assert events._table.currentIndex().row() == 17


def test_a_number_goes_to_that_event(events, bench):
    QTest.keyClicks(events._filter, "#12")
    QTest.keyClick(events._filter, Qt.Key.Key_Return)
    assert bench.sought == [12]
    assert events._filter.text() == ""


def test_rows_are_copied_and_the_trace_exported(events, bench, tmp_path):
    index = events._model.index(3, 0)
    flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
    events._table.selectionModel().select(index, flags)
    events.copy()
    assert QGuiApplication.clipboard().text().endswith(line(bench.trace[3]))
    for ending, write in events.exports().items():
        write(tmp_path / f"a.{ending}")
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert len(lines) == len(bench.trace) + 1
    assert json.loads(lines[0])["prayog"]["topic"] == "toy"
    assert line(bench.trace[3]) in (tmp_path / "a.txt").read_text()


def test_the_names_of_the_nodes_have_room(bench, qtbot):
    wide = []
    for name in ("db", "coordinator-1"):
        panel = EventsPanel()
        qtbot.addWidget(panel)
        run = FakeBench(World({name: Node}, 1))
        run.show(panel)
        wide.append(panel._table.columnWidth(2))
        assert wide[-1] > panel._table.fontMetrics().horizontalAdvance(name)
        run.close()
    assert wide[0] < wide[1]


def test_another_run_replaces_the_rows(events, bench):
    run = world(3)
    run.run(until_us=60_000)
    bench.change_run(run)
    assert events._model.rowCount() == len(run.trace)


class Tally(Computation):
    def start(self):
        return {}

    def fold(self, state, step):
        return state

    def perform(self, action):
        return iter([("tick", "", {})])


def test_the_times_of_a_computation_are_not_shown(events, bench):
    assert not events._table.isColumnHidden(TIME)
    bench.change_run(Tally())
    assert events._table.isColumnHidden(TIME)
    run = world()
    run.run(until_us=60_000)
    bench.change_run(run)
    assert not events._table.isColumnHidden(TIME)


def test_no_events_is_said(bench, qtbot):
    fresh = FakeBench(world())
    panel = EventsPanel()
    qtbot.addWidget(panel)
    fresh.show(panel)
    assert panel._pages.currentWidget() is panel._empty
    fresh.step()
    qtbot.waitUntil(lambda: panel._pages.currentWidget() is panel._table)
    fresh.close()


def test_marks_tell_faults_violations_actions_and_notes_apart():
    def mark(kind, name="", *effects):
        found = marker(Step(0, 0, kind, "n1", {"name": name} if name else {}, -1, tuple(effects)))
        return found and (found.kind, found.icon)

    assert mark("deliver") is None
    assert mark("deliver", "", Effect("note", {"text": "x"})) == ("note", "info")
    assert mark("crash") == ("crash", "crash")
    assert mark("drop") == ("loss", "drop")
    assert mark("deliver", "", Effect("note", {}), Effect("violation", {})) == ("violation", "failed")
    assert mark("fault", "partition") == ("fault", "partition")
    assert mark("action", "write") == ("action", "chevron-right")
    assert mark("violation", "short log") == ("violation", "failed")


def test_the_node_table_follows_the_run_and_the_selection(bench, qtbot, tmp_path):
    panel = NodesPanel()
    qtbot.addWidget(panel)
    bench.show(panel)
    assert [panel._text(2, column) for column in range(3)] == ["n3", "down", "follower"]
    assert panel._text(0, 3).startswith("heartbeat in ")
    bench.select("n4")
    assert panel._table.currentRow() == 3
    panel._table.setCurrentCell(1, 0)
    assert bench.selection == "n2"
    panel.exports()["csv"](tmp_path / "nodes.csv")
    rows = list(csv.reader((tmp_path / "nodes.csv").read_text().splitlines()))
    assert rows[0][0] == "Node"
    assert len(rows) == 6


def test_the_outline_says_what_the_canvas_shows_and_acts(bench, qtbot):
    panel = OutlinePanel()
    qtbot.addWidget(panel)
    bench.show(panel)
    nodes = panel._groups["Nodes"]
    assert nodes.childCount() == 5
    assert nodes.child(2).text(0).startswith("n3: down")
    flights = panel._groups["Messages in flight"]
    assert flights.childCount() == len(bench.view().flights)
    panel._tree.setCurrentItem(flights.child(0))
    QTest.keyClick(panel._tree, Qt.Key.Key_Return)
    assert bench.selection == f"#{bench.view().flights[0].ident}"
    assert panel._groups["Cuts"].isHidden()
    bench.do(Action("cut", {"src": "n1", "dst": "n2"}))
    qtbot.waitUntil(lambda: not panel._groups["Cuts"].isHidden())
    assert "n3: down" in panel.outline()


def _items(panel):
    from PySide6.QtWidgets import QTreeWidgetItemIterator

    walk = QTreeWidgetItemIterator(panel._tree)
    found = {}
    while walk.value():
        found[walk.value().text(0)] = walk.value()
        walk += 1
    return found


@pytest.fixture
def state(bench, qtbot):
    panel = StatePanel()
    qtbot.addWidget(panel)
    panel.resize(320, 500)
    panel.show()
    bench.show(panel)
    bench.select("n1")
    return panel


def test_state_is_in_two_halves_and_what_changed_is_marked(state, bench, qtbot):
    halves = [state._tree.topLevelItem(i).text(0) for i in range(2)]
    assert halves == ["Durable: survives a crash", "Volatile: lost in a crash"]
    while bench.run.next_at is not None:
        bench.step()
        if bench.trace[bench.at].kind == "timer" and bench.trace[bench.at].node == "n1":
            break
    qtbot.waitUntil(lambda: "• log" in _items(state))
    changed = _items(state)["• log"]
    assert changed.font(0).weight() >= changed.font(0).Weight.DemiBold
    assert changed.data(1, Qt.ItemDataRole.AccessibleTextRole).endswith("changed")
    assert "term" in _items(state)


def test_state_after_a_jump_marks_what_that_step_changed(state, bench, qtbot):
    seq = next(s.seq for s in bench.trace if s.kind == "timer" and s.node == "n1" and s.data["name"] == "heartbeat")
    bench.seek(seq)
    qtbot.waitUntil(lambda: "• log" in _items(state))


def test_a_crash_leaves_the_durable_half_only(state, bench):
    bench.select("n3")
    assert [state._tree.topLevelItem(i).text(0)[:7] for i in range(state._tree.topLevelItemCount())] == ["Durable"]


def test_explain_finds_the_step_that_gave_a_value(state, bench, qtbot):
    items = _items(state)
    state._on_activated(items["log"])
    with qtbot.waitSignal(state._explainer.found) as caught:
        pass
    seq = caught.args[0]
    before, after = bench.run.view(seq - 1), bench.run.view(seq)
    assert after.nodes["n1"].durable["log"] == bench.view().nodes["n1"].durable["log"]
    assert before.nodes["n1"].durable["log"] != after.nodes["n1"].durable["log"]
    state._go.click()
    assert bench.at == seq


def test_explain_says_when_a_value_was_there_from_the_start(state, qtbot):
    state._on_activated(_items(state)["term"])
    with qtbot.waitSignal(state._explainer.found) as caught:
        pass
    assert caught.args == [-1]
    assert state._answer_text.text() == "term has had this value from the start."


def test_a_message_can_be_inspected(state, bench):
    flight = bench.view().flights[0]
    bench.select(f"#{flight.ident}")
    assert flight.label in state._head.text()
    assert "content" in _items(state) or state._tree.topLevelItemCount()


SPEC = ActionSpec("cut", "Cut", "", "link", (Arg("src", "node"), Arg("dst", "node"), Arg("how", "choice", "", "drop")))


def test_actions_know_what_they_must_ask_for():
    known, asked = actions.fill(SPEC, "n1")
    assert known == {"src": "n1", "how": "drop"}
    assert [arg.name for arg in asked] == ["dst"]
    assert actions.fill(ActionSpec("drop", "Lose", "", "message", (Arg("ident", "int"),)), "#17") == ({"ident": 17}, [])


def test_letters_prefer_what_is_selected():
    specs = [ActionSpec("kill", "Kill", target="node", key="K"), ActionSpec("keep", "Keep", target="run", key="K")]
    assert actions.by_key(specs, "k", "n1").name == "kill"
    assert actions.by_key(specs, "k", "").name == "keep"
    assert actions.by_key(specs, "z", "n1") is None


def test_the_dialog_asks_and_does(bench, qtbot):
    panel = NodesPanel()
    qtbot.addWidget(panel)
    panel.show()
    spec = next(spec for spec in bench.actions if spec.name == "cut")
    actions.perform(bench, spec, "n1", panel)
    dialog = panel.findChild(actions.ActionDialog)
    dialog._fields["dst"].setCurrentText("n2")
    dialog.accept()
    assert bench.done[-1].args["src"] == "n1"
    assert bench.done[-1].args["dst"] == "n2"
    assert ("n1", "n2") in bench.view().cuts


def test_matcher_of_nothing_is_none():
    assert matcher("  ") is None
