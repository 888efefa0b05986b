"""The panels on the real bench: what is shown follows from the run, what is clicked becomes an action or a seek."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, QSizeF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

import prayog_queues
from prayog.settings import Settings
from prayog.ui.bench.page import BenchPage
from prayog_queues.engine.definitions import from_rabbitmq
from prayog_queues.engine.flow import Flow
from prayog_queues.engine.port import Topology
from prayog_queues.panels.flights import moving
from prayog_queues.panels.flow_paint import FlowPainter
from prayog_queues.panels.flow_places import Places
from prayog_queues.panels.flow_plan import Plan
from prayog_queues.panels.flow_view import FlowView
from prayog_queues.panels.following import Follower
from prayog_sdk import manifest
from prayog_sdk.headless import run_scenario
from prayog_sdk.qt.actions import ActionDialog
from prayog_sdk.qt.jobs import JobManager
from prayog_sdk.scenario import read
from prayog_sdk.services import Services
from prayog_sdk.topic import Topic
from prayog_sim.run import Action
from prayog_sim.trace import Step

from .telling import Story


@cache
def topic() -> Topic:
    return Topic.load(manifest.read_folder(Path(prayog_queues.__file__).parent, "built-in"))


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


def panel(page: BenchPage, qtbot: QtBot, name: str, until_us: int = 60_000_000, **knobs: object) -> Any:
    """The panel `name` on a run with these knobs, played to `until_us` or to its end."""
    page.open_scenario(topic().scenario("charged_twice"))
    qtbot.waitUntil(lambda: page.driver.branch is not None, timeout=20_000)
    before = page.host.run
    page.host.start(knobs, 7)
    qtbot.waitUntil(lambda: page.driver.branch is not None and page.host.run is not before, timeout=20_000)
    run = page.host.run
    while run.busy and len(run.trace) < 60_000 and (not len(run.trace) or run.trace[-1].at < until_us):
        if (step := run.step()) is None or any(effect.kind == "finished" for effect in step.effects):
            break
    page.driver.last()
    return shown(page, qtbot, name)


def shown(page: BenchPage, qtbot: QtBot, name: str) -> Any:
    slot = next(slot for slot in page.docks.slots() if slot.spec.id == name)
    dock = page.docks.dock(name)
    if dock is not None:
        dock.show()
        dock.raise_()
    qtbot.waitUntil(lambda: slot.panel is not None, timeout=20_000)
    return slot.panel


def title(page: BenchPage) -> str:
    return page.driver.branch.title if page.driver.branch is not None else ""


def settled(page: BenchPage, qtbot: QtBot, found: Any, test: Callable[[], bool]) -> None:
    """Wait until the panel shows what it should."""

    def there() -> bool:
        found.on_frame()
        return test()

    qtbot.waitUntil(there, timeout=20_000)


# -- flow --------------------------------------------------------------------------------------------------------


def test_the_flow_shows_where_messages_are_and_what_is_wrong(bench: BenchPage, qtbot: QtBot, tmp_path: Path) -> None:
    flow = panel(bench, qtbot, "flow", messages=60, rate=60.0, crash=10.0, consumers=2)
    settled(bench, qtbot, flow, lambda: "60 sent" in flow.outline())
    assert "more than once" in flow.outline()
    qtbot.waitUntil(lambda: "60 published" in flow._bar._verdict.text(), timeout=20_000)  # the judge reads in portions
    assert list(flow._view.plan.boxes) == ["p:p1", "q:orders", "c:w1", "c:w2", "e:charge"]
    bench.driver.seek(0)
    settled(bench, qtbot, flow, lambda: "0 sent" in flow.outline())
    assert "Consumer w2" in flow.outline(), "nodes stand there before anything happened"
    for ending, writer in flow.exports().items():
        writer(tmp_path / f"flow.{ending}")
    assert from_rabbitmq((tmp_path / "flow.rabbitmq.json").read_text("utf-8")).topology.queues[0].name == "orders"
    assert "<svg" in (tmp_path / "flow.svg").read_text("utf-8")


def test_wiring_by_pointer_and_by_key_is_an_action_of_the_run(bench: BenchPage, qtbot: QtBot) -> None:
    flow = panel(bench, qtbot, "flow", 500_000, kind="topic", messages=30)
    settled(bench, qtbot, flow, lambda: "x:events" in flow._view.plan.boxes)
    view: FlowView = flow._view
    begin, end = view.plan.boxes["x:events"].center().toPoint(), view.plan.boxes["q:email"].center().toPoint()
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=begin)
    QTest.mouseMove(view, (begin + end) / 2)
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=end)
    accept(flow, pattern="refund.*")
    settled(bench, qtbot, flow, lambda: "email (refund.*)" in flow.outline())
    done = bench.host.run.actions[-1].action
    assert (done.name, done.args["queue"], done.args["pattern"]) == ("bind", "email", "refund.*")
    view.setFocus()
    view.focus = ""
    for _ in view.plan.boxes:
        QTest.keyClick(view, Qt.Key.Key_Tab)
        if view.focus == "x:events":
            break
    assert view.focus == "x:events"
    assert "Exchange events, topic" in view.accessibleDescription()
    QTest.keyClick(view, Qt.Key.Key_B)
    accept(flow, queue="billing", pattern="gift.*")
    settled(bench, qtbot, flow, lambda: "billing (gift.*)" in flow.outline())
    wire = next(wire for wire in view.plan.wires if wire.binding is not None and wire.binding.pattern == "gift.*")
    bench.host.do(Action("unbind", {"exchange": "events", "queue": "billing", "pattern": "gift.*", "node": "broker"}))
    settled(bench, qtbot, flow, lambda: wire not in view.plan.wires)


def test_boxes_are_moved_by_pointer_and_by_key_and_stay_there(bench: BenchPage, qtbot: QtBot, tmp_path: Path) -> None:
    flow = panel(bench, qtbot, "flow", 500_000, kind="topic", messages=30)
    settled(bench, qtbot, flow, lambda: "x:events" in flow._view.plan.boxes)
    view: FlowView = flow._view
    before = {place: box.center() for place, box in view.plan.boxes.items()}
    for place, by in (("c:w1", QPoint(-40, 60)), ("x:events", QPoint(10, -70))):
        begin = before[place].toPoint()
        QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=begin)
        QTest.mouseMove(view, begin + by / 2)
        QTest.mouseMove(view, begin + by)
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=begin + by)
        assert (view.plan.boxes[place].center() - before[place] - by).manhattanLength() < 4, place
    assert not flow.findChildren(ActionDialog), "an exchange that is dropped on empty ground is not wired"
    view.setFocus()
    view.focus = "p:p1"
    QTest.keyClick(view, Qt.Key.Key_Down, Qt.KeyboardModifier.ControlModifier)
    assert view.plan.boxes["p:p1"].center().y() > before["p:p1"].y()
    kept = Places()
    kept.load(next(tmp_path.rglob("flow.json")))
    there = dict(view.plan.boxes)
    assert Plan(flow.flow, view._names, QSizeF(view.size()), kept).boxes == there
    view.in_order()
    assert {place: box.center() for place, box in view.plan.boxes.items()} == before
    (tmp_path / "bad.json").write_text('{"c:w1": [1], "p:p1": "x"}', encoding="utf-8")
    kept.load(tmp_path / "bad.json")
    assert not kept


def accept(owner: Any, **values: str) -> None:
    """Fill the small form that asks for the arguments of an action."""
    dialog = owner.findChildren(ActionDialog)[-1]
    for name, value in values.items():
        dialog._fields[name].setText(value)
    dialog.accept()


def test_what_is_on_its_way_is_drawn_where_it_is(bench: BenchPage, qtbot: QtBot) -> None:
    flow = panel(bench, qtbot, "flow", 60_000, messages=20, rate=20.0)
    seen = {}
    for seq in range(len(bench.host.trace)):
        bench.driver.seek(seq)
        for one in moving(bench.host.view().flights, flow.flow):
            seen[one.a[:1] + one.b[:1] + one.answer] = one
            assert one.share(one.sent_us) == 0
            assert one.share((one.sent_us + one.arrives_us) / 2) == pytest.approx(0.5, abs=0.01)
            assert one.share(one.arrives_us + 9) == 1
    assert {"pq", "qc"} <= set(seen), "an order goes to the queue, and from it to the consumer"
    assert seen["pq"].message == "p1-1"


def test_a_token_that_is_clicked_is_followed(bench: BenchPage, qtbot: QtBot) -> None:
    flow = panel(bench, qtbot, "flow", 500_000, messages=40, rate=200.0, consumers=1)
    settled(bench, qtbot, flow, lambda: flow.flow.depth("orders") > 3)
    view: FlowView = flow._view
    view.grab()
    at, message = next(spot for spot in view._spots if view.plan.at(spot[0]) == "q:orders")
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=at.toPoint())
    assert bench.host.selection == message == view.message
    messages = shown(bench, qtbot, "messages")
    settled(bench, qtbot, messages, lambda: message in messages.fold.lives)
    bench.host.select("")
    bench.host.select(message)
    assert messages._chosen == message


def test_arrows_walk_and_a_wire_is_found_under_the_pointer(qtbot: QtBot) -> None:
    topology = from_rabbitmq(
        '{"rabbit_version": "3.10", "queues": [{"name": "a", "durable": true, "vhost": "/"}], "exchanges": '
        '[{"name": "x", "type": "topic", "durable": true, "vhost": "/"}], "bindings": [{"source": "x", "vhost": "/", '
        '"destination": "a", "destination_type": "queue", "routing_key": "none.*"}]}'
    ).topology
    story = Story()
    story.tell("publish", "p1", message="m", key="k", number=1, to="x", attempt=1)
    flow = Flow(topology)
    for step in story.trace:
        flow.take(step)
    view = FlowView(flow)
    qtbot.addWidget(view)
    view.resize(800, 300)
    view.show_flow(flow, ("p1", "w1"), 0.0, still=True)
    view.show()
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.focus == "p:p1"
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.focus == "x:x"
    a, b = view.plan.end(view.plan.wires[0])
    wire = view.plan.wire_at(QPointF((a.x() + b.x()) / 2, (a.y() + b.y()) / 2))
    assert wire is not None
    assert flow.idle(wire.binding)  # type: ignore[arg-type] # a wire under the pointer has one
    assert not view.grab().isNull()


def test_a_busy_flow_draws_a_sample_and_says_so(qtbot: QtBot) -> None:
    story = Story()
    for i in range(900):
        story.at -= 700  # 0.9 ms for each order: a thousand a second
        story.tell("publish", "p1", message=f"m{i}", key="k", number=i, to="orders", attempt=1)
    flow = Flow(Topology())
    for step in story.trace:
        flow.take(step)
    image = QImage(600, 300, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    drawn = FlowPainter(painter, flow, Plan(flow, (), QSizeF(600, 300), Places()), story.at, still=False)
    drawn.paint("", "", None)
    painter.end()
    assert drawn.every >= 4


def test_presets_and_definitions_begin_a_run(bench: BenchPage, qtbot: QtBot, tmp_path: Path) -> None:
    flow = panel(bench, qtbot, "flow", 100_000, messages=5)
    before = bench.host.run
    flow._bar._take("kafka-like")
    qtbot.waitUntil(lambda: bench.host.run is not before, timeout=20_000)
    assert (bench.host.params.kind, bench.host.params.partitions) == ("log", 3)
    bad = tmp_path / "bad.json"
    bad.write_text("{ no", encoding="utf-8")
    flow._bar.open_file(str(bad))
    qtbot.waitUntil(lambda: "this is not" in flow._bar._advice.text(), timeout=20_000)
    flow._bar.open_file(str(tmp_path / "nowhere.json"))
    qtbot.waitUntil(lambda: "cannot be read" in flow._bar._advice.text(), timeout=20_000)
    good = tmp_path / "good.json"
    flow.exports()["rabbitmq.json"](good)
    before = bench.host.run
    flow._bar.open_file(str(good))
    qtbot.waitUntil(lambda: bench.host.run is not before, timeout=20_000)
    assert bench.host.params.kind == "own"
    assert flow._bar._found, "there is always something to say about plain knobs"


# -- verdict, messages, load -------------------------------------------------------------------------------------


def test_a_verdict_leads_to_the_step_that_proves_it(bench: BenchPage, qtbot: QtBot, tmp_path: Path) -> None:
    verdict = panel(bench, qtbot, "verdict", messages=60, rate=60.0, crash=10.0, consumers=2)
    settled(bench, qtbot, verdict, lambda: verdict._verdict is not None and verdict._verdict.finished)
    count = verdict._verdict.counts["duplicate"]
    assert count > 0
    assert verdict._chips["duplicate"].text() == f"✗ Duplicate effect {count}"
    assert verdict._chips["lost"].text() == "✓ Lost 0"
    verdict._chips["duplicate"].click()
    seqs = verdict._verdict.of("duplicate")[0].seqs
    assert bench.driver.at == seqs[-1]
    assert any(effect.kind == "effect" for effect in bench.host.trace[bench.driver.at].effects)
    settled(bench, qtbot, verdict, lambda: verdict._verdict.counts["duplicate"] == count)
    verdict._next.click()
    assert bench.driver.at == seqs[0]
    verdict._judge_log()
    qtbot.waitUntil(lambda: "No anomaly of a log" in verdict._list_head.text(), timeout=20_000)
    verdict.exports()["edn"](tmp_path / "run.edn")
    assert ":enqueue" in (tmp_path / "run.edn").read_text("utf-8")
    assert "duplicate effect" in verdict.outline()


def test_a_message_is_found_its_life_told_and_copied_as_a_test(
    bench: BenchPage, qtbot: QtBot, tmp_path: Path
) -> None:
    messages = panel(bench, qtbot, "messages", messages=60, rate=60.0, crash=10.0, consumers=2)
    settled(bench, qtbot, messages, lambda: len(messages.fold.lives) == 60)
    twice = next(life for life in messages.fold.lives.values() if life.effects > 1)
    messages.choose(twice.id)
    titles = [messages._story.item(row, 1).text() for row in range(messages._story.rowCount())]
    assert titles.count("Effect: charge") == twice.effects
    messages._go(titles.index("Effect: charge"))
    assert bench.driver.at == messages._moments[titles.index("Effect: charge")]
    bench.driver.last()
    settled(bench, qtbot, messages, lambda: messages.fold.lives[twice.id].effects == twice.effects)
    messages._copy.click()
    text = QGuiApplication.clipboard().text()
    file = tmp_path / "copied.lab"
    file.write_text(text, encoding="utf-8")
    played = run_scenario(topic(), read(file))
    assert played.ok, played
    messages._find.setText(twice.key)
    assert {life.key for life in messages._model.rows} == {twice.key}


@pytest.mark.parametrize(("engine", "sign"), [("correct", "✓"), ("counts a look", "✗")])
def test_looking_changes_nothing_and_the_badge_would_see_it(
    bench: BenchPage, qtbot: QtBot, engine: str, sign: str
) -> None:
    messages = panel(bench, qtbot, "messages", 400_000, messages=60, rate=100.0, engine=engine, consumers=1)
    settled(bench, qtbot, messages, lambda: bool(messages.fold.lives))
    messages._look.click()
    settled(bench, qtbot, messages, messages._badge.isVisible)
    assert messages._badge.text().startswith(sign)


def test_a_dead_letter_is_sent_back_from_the_inspector(bench: BenchPage, qtbot: QtBot) -> None:
    knobs = {"messages": 20, "poison": 100.0, "attempts": 1, "dead_letters": True}
    messages = panel(bench, qtbot, "messages", 400_000, **knobs)
    settled(bench, qtbot, messages, lambda: bool(messages.fold.select(state="dead")))
    dead = messages.fold.select(state="dead")[0].id
    messages.choose(dead)
    assert "One death so far." in messages._title.text()
    messages._redrive.click()
    settled(bench, qtbot, messages, lambda: messages.fold.lives[dead].state == "waiting")
    assert bench.host.run.actions[-1].action.args["message"] == dead


def test_the_flow_says_when_the_broker_is_down(bench: BenchPage, qtbot: QtBot) -> None:
    flow = panel(bench, qtbot, "flow", 300_000, messages=20)
    bench.host.do(Action("restart_broker", {"node": "broker"}))
    settled(bench, qtbot, flow, lambda: "The broker is down." in flow.outline())
    assert not flow._view.grab().isNull()


def test_the_load_speaks_of_littles_law(bench: BenchPage, qtbot: QtBot, tmp_path: Path) -> None:
    load = panel(bench, qtbot, "load", 3_000_000, messages=300, rate=40.0, work_ms=10.0)
    settled(bench, qtbot, load, lambda: "Little’s law: 40.0/s" in load.outline())
    assert load._tiles["Arrive"]._value.text() == "40.0/s"
    load._seek(1_000_000)
    assert bench.host.trace[bench.driver.at].at <= 1_000_000
    load.exports()["csv"](tmp_path / "load.csv")
    assert (tmp_path / "load.csv").read_text("utf-8").startswith("at,depth")
    growing = panel(bench, qtbot, "load", 1_900_000, messages=300, rate=90.0, work_ms=20.0)
    settled(bench, qtbot, growing, lambda: "it grows" in growing.outline())
    assert growing._tiles["Until all is settled"]._value.text() == "never"


# -- experiments and incidents -----------------------------------------------------------------------------------


def test_a_cell_of_the_matrix_opens_its_run(bench: BenchPage, qtbot: QtBot) -> None:
    matrix = panel(bench, qtbot, "experiments", 10_000, messages=5).matrix
    matrix.compute()
    qtbot.waitUntil(lambda: bool(matrix.cells), timeout=60_000)
    told = {(cell.point, cell.strategy): matrix.buttons[cell.point, cell.strategy].text() for cell in matrix.cells}
    assert told["after_effect", "ack last"] == "✗ 1 twice"
    assert told["after_ack", "ack first"] == "✗ 1 lost"
    assert told["after_record", "ack last"] == "–"
    assert {text for (_, strategy), text in told.items() if strategy == "inbox"} == {"✓ once"}
    matrix.buttons["after_effect", "ack last"].click()
    qtbot.waitUntil(lambda: title(bench) == "ack last, crash after effect", timeout=20_000)
    assert any(effect.kind == "effect" for effect in bench.host.trace[bench.driver.at].effects)


def test_five_ways_are_measured(bench: BenchPage, qtbot: QtBot) -> None:
    ways = panel(bench, qtbot, "experiments", 10_000, messages=5).ways
    ways.compute()
    qtbot.waitUntil(lambda: len(ways.outcomes) == 5, timeout=60_000)
    came = {outcome.name: (outcome.came, outcome.owed) for outcome in ways.outcomes}
    assert came["queue"] == came["log"] == (40, 40)
    assert came["fanout"] == (120, 120)
    assert came["websocket"][0] < 40
    assert came["http"][0] < 40
    ways._open(3)
    qtbot.waitUntil(lambda: title(bench) == "WebSocket", timeout=20_000)


def test_an_incident_from_briefing_to_debrief(bench: BenchPage, qtbot: QtBot) -> None:
    incidents = panel(bench, qtbot, "incidents", 10_000, messages=5)
    assert "charged twice" in incidents.outline()
    incidents._show.click()
    qtbot.waitUntil(lambda: bool(incidents._broken), timeout=60_000)
    assert title(bench) == "Charged twice"
    assert incidents._broken["duplicates"] > 0
    incidents._prove.click()
    qtbot.waitUntil(lambda: incidents._failed is not None, timeout=60_000)
    qtbot.waitUntil(lambda: incidents._job is None, timeout=20_000)
    assert "fails" in incidents.outline()
    row = incidents._form._rows["handler"]
    row.show_value("inbox")
    row.value = "inbox"
    incidents._prove.click()
    qtbot.waitUntil(lambda: 1 in incidents.solved, timeout=110_000)
    assert "Precisely:" in incidents.outline()


# -- much --------------------------------------------------------------------------------------------------------


def test_ten_thousand_messages_are_read_in_slices(qtbot: QtBot) -> None:
    """A panel reads a slice, lets the window go on, and draws once it is there; going back reads from the start."""
    story = Story()
    for i in range(10_000):
        story.publish(f"m{i}", f"k{i % 7}")
    last = len(story.trace) - 1
    parent, drawn = QWidget(), []
    qtbot.addWidget(parent)
    follower = Follower(lambda: Flow(Topology()), lambda: drawn.append(follower.fold.depth("orders")), parent)
    follower.follow(story.trace, last)
    assert follower.read < len(story.trace), "it did not read all of it at once"
    qtbot.waitUntil(lambda: follower.read == len(story.trace), timeout=20_000)
    assert drawn[-1] == 10_000
    follower.follow(story.trace, last // 2)
    assert follower.fold.depth("orders") == 10_000, "what was shown stays until the earlier moment is read"
    qtbot.waitUntil(lambda: follower.read == last // 2 + 1, timeout=20_000)
    assert drawn[-1] == follower.fold.depth("orders") == 5_000
    view = FlowView(follower.fold)
    qtbot.addWidget(view)
    view.resize(640, 400)
    view.show_flow(follower.fold, (), 0.0, still=True)
    assert not view.grab().isNull()


def test_the_matrix_of_guarantees_fills_as_answers_come(bench: BenchPage, qtbot: QtBot) -> None:
    backends = panel(bench, qtbot, "backends", 10_000, messages=5)
    backends.fold.take(answer(0, "sqlite", "late_ack", "yes"))
    backends.fold.take(answer(1, "nats", "late_ack", "no"))
    backends.draw()
    first = backends.cells["late_ack", "sqlite"]
    backends.fold.take(answer(2, "nats", "dedup", "emulated"))
    backends.fold.take(Step(3, 3, "outcome", "nats", {
        "backend": "nats", "title": "NATS", "published": 9, "effects": 11, "verdict": {"duplicate": 2}, "seconds": 1.5,
        "sentence": "two twice", "durability": "within two minutes", "emulates": {}, "cannot": [],
    }))  # fmt: skip
    backends.draw()
    assert backends.cells["late_ack", "sqlite"] is first, "what is there stays"
    assert [backends.cells[key].text() for key in (("late_ack", "nats"), ("dedup", "nats"))] == [
        "✗ no", "~ by the adapter",
    ]  # fmt: skip
    assert "Is late_ack so?" in first.accessibleName()
    assert backends._table.item(0, 0).text() == "✗ NATS"
    assert "two twice" in backends.outline()


def answer(seq: int, backend: str, probe: str, word: str) -> Step:
    data = {"backend": backend, "title": backend, "probe": probe, "question": f"Is {probe} so?", "answer": word}
    return Step(seq, seq, "guarantee", backend, {**data, "sentence": "seen", "seconds": 0.1})


def test_a_table_shows_its_double_takes(bench: BenchPage, qtbot: QtBot) -> None:
    table = panel(
        bench, qtbot, "table", 900_000, kind="table", take="naive", messages=60, rate=40.0, consumers=3, work_ms=60.0,
        poll_ms=100,
    )  # fmt: skip
    settled(bench, qtbot, table, lambda: "pending" in table.outline())
    assert table.fold.doubled > 0
    table._double.click()
    assert any(effect.kind == "delivered" for effect in bench.host.trace[bench.driver.at].effects)
    before = bench.host.run
    table._ways["skip locked"].click()
    qtbot.waitUntil(lambda: bench.host.run is not before, timeout=20_000)
    assert bench.host.params.take == "skip locked"
    plain = panel(bench, qtbot, "table", 10_000, messages=5)
    assert plain.outline() == "No table in this run."


def test_the_scenario_of_an_incident_opens_it_in_the_player(bench: BenchPage, qtbot: QtBot) -> None:
    bench.open_scenario(topic().scenario("incident_03_slow_worker"))
    qtbot.waitUntil(lambda: bench.driver.branch is not None, timeout=20_000)
    incidents = shown(bench, qtbot, "incidents")
    qtbot.waitUntil(lambda: incidents.incident.number == 3, timeout=20_000)
    assert "transcoded" in incidents.outline()


def test_probing_opens_a_session_beside_the_run(bench: BenchPage, qtbot: QtBot) -> None:
    backends = panel(bench, qtbot, "backends", 10_000, messages=5)
    backends._probe.click()
    qtbot.waitUntil(lambda: title(bench) == "Probes", timeout=30_000)
    bench.driver.play()
    settled(bench, qtbot, backends, lambda: ("order", "simulator") in backends.cells)
    assert backends.cells["order", "simulator"].text() == "✓ yes"
    assert "measured" in backends._note.text()


def test_an_experiment_on_the_real_database(bench: BenchPage, qtbot: QtBot) -> None:
    if not bench.host.services.embedded("postgres"):
        pytest.skip("no embedded PostgreSQL wheel is installed")
    table = panel(bench, qtbot, "table", 10_000, messages=5)
    table._group.button(1).click()
    table._lab._which.setCurrentIndex(table._lab._which.findData("skipped_id"))
    table._lab._go.click()
    qtbot.waitUntil(lambda: title(bench) == "A database as a queue", timeout=30_000)
    bench.driver.play()
    settled(bench, qtbot, table, lambda: "skipped_id" in table.fold.experiments
            and bool(table.fold.experiments["skipped_id"].conclusion))  # fmt: skip
    assert "a safe horizon" in table.outline()
