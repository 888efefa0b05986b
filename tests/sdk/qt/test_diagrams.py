"""Space-time diagram and series plot: the columns behind them, the cone, the pointer, the keyboard, the files."""

from __future__ import annotations

import csv
import itertools
import subprocess
import sys

import pytest
from fakebench import FakeBench, world
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from prayog_sdk.qt import stock, theme
from prayog_sdk.qt.diagram import DENSE, LINES, Diagram
from prayog_sdk.qt.lanes import KINDS, Lanes, cone
from prayog_sdk.qt.panel import Panel
from prayog_sdk.qt.reader import TraceReader
from prayog_sdk.qt.series import SeriesPanel
from prayog_sdk.qt.spacetime import SpacetimePanel
from prayog_sdk.qt.timeaxis import marks
from prayog_sim.run import Action
from prayog_sim.trace import Effect, Step, Trace


def _lanes(trace, names=()):
    lanes = Lanes(names)
    for step in trace:
        lanes.add(step)
    return lanes


@pytest.fixture
def run():
    run = world()
    run.run(until_us=200_000)
    run.do(Action("crash", {"node": "n3"}))
    run.run(until_us=260_000)
    run.do(Action("restart", {"node": "n3"}))
    run.do(Action("pause", {"node": "n4"}))
    run.run(until_us=400_000)
    return run


@pytest.fixture
def spacetime(run, qtbot):
    bench = FakeBench(run)
    panel = SpacetimePanel()
    qtbot.addWidget(panel)
    panel.resize(800, 320)
    panel.show()
    bench.show(panel)
    qtbot.waitUntil(lambda: panel._reader.through)
    yield panel
    bench.close()


def test_columns_have_every_step_and_every_message(run):
    lanes = _lanes(run.trace)
    columns = lanes.columns()
    assert columns.at.tolist() == [step.at for step in run.trace]
    assert [list(lanes.names)[lane] for lane in columns.lane] == [step.node for step in run.trace]
    received = [s for s in run.trace if s.kind in ("deliver", "drop") and "src" in s.data]
    assert len(columns.lines) == len(received)
    for row, step in zip(columns.lines.tolist(), received, strict=True):
        assert row[0] == run.trace[step.cause].at
        assert row[2] == step.at
        assert list(lanes.names)[row[1]] == step.data["src"]
    lost = sum(
        e.kind == "lost" or (e.kind == "send" and e.data["arrives"] is None) for s in run.trace for e in s.effects
    )
    assert len(columns.lost) == lost
    assert len(columns.pending) == len(run.view().flights)


def test_spans_of_crash_and_pause(run):
    spans = _lanes(run.trace).spans
    names = list(_lanes(run.trace).names)
    assert [(names[s.lane], s.kind, s.until is None) for s in spans] == [("n3", "down", False), ("n4", "paused", True)]


def test_the_cone_is_happened_before(run):
    lanes = _lanes(run.trace)
    columns = lanes.columns()
    steps, seq = list(run.trace), 60
    side = cone(columns.lane, columns.cause, seq, lanes.names.get("", -1))
    # by definition: the closure of "same node, earlier" and "cause"
    past, todo = set(), [seq]
    while todo:
        here = steps[todo.pop()]
        before = {s.seq for s in steps[: here.seq] if s.node == here.node and here.node}
        for other in before | ({here.cause} if here.cause >= 0 else set()):
            if other not in past:
                past.add(other)
                todo.append(other)
    assert {i for i, value in enumerate(side) if value == -1} == past
    for later in range(seq + 1, len(steps), 7):
        back = cone(columns.lane, columns.cause, later, lanes.names.get("", -1))
        assert (back[seq] == -1) == (side[later] == 1)


@given(st.integers(0, 10**9), st.integers(1, 10**9), st.integers(1, 20))
def test_time_marks_are_round_and_not_too_many(start, span, most):
    found = marks(start, start + span, most)
    assert len(found) <= 2 * most + 2
    assert all(start <= at <= start + span for at, _ in found)
    assert len({b[0] - a[0] for a, b in itertools.pairwise(found)}) <= 1


def _long(count, nodes=5):
    """A synthetic trace: every fourth step is a message from the step four before."""
    for seq in range(count):
        node = f"n{seq % nodes}"
        if seq % 4 == 3:
            src = f"n{(seq - 3) % nodes}"
            yield Step(seq, seq * 10, "deliver", node, {"src": src, "ident": seq, "label": "m"}, seq - 3)
        elif seq % 5_000 == 2_500:
            yield Step(seq, seq * 10, "crash", node, {})
        else:
            yield Step(seq, seq * 10, "timer", node, {"name": "t"}, seq - 1 if seq else -1)


def _picture(diagram, width=900, height=320):
    image = QImage(width, height, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    diagram.paint(painter, width, height)
    painter.end()
    return image


def _ink(image, colour):
    wanted = QColor(colour).rgb()
    return sum(image.pixel(x, y) == wanted for x in range(0, image.width(), 1) for y in range(0, image.height(), 3))


@pytest.mark.parametrize("upright", [False, True])
def test_where_it_is_dense_strips_stand_in_and_faults_still_show(qapp, upright, monkeypatch):
    diagram = Diagram(_lanes(_long(20_000)), upright=upright)
    strips = []
    real = Diagram._paint_density
    monkeypatch.setattr(Diagram, "_paint_density", lambda self, *args: strips.append(1) or real(self, *args))
    diagram.width, diagram.height = 900, 320
    diagram.scale = 20_000 * 10 / diagram.along
    assert 20_000 / diagram.along > DENSE
    image = _picture(diagram)
    assert strips
    assert _ink(image, theme.current().bad) > 0  # four crashes
    strips.clear()
    diagram.scale = 5
    _picture(diagram)
    assert not strips


def test_lines_keep_to_their_budget(qapp, monkeypatch):
    import prayog_sdk.qt.diagram as module

    drawn = []
    monkeypatch.setattr(module, "draw_lines", lambda painter, ends: drawn.append(len(ends)))
    monkeypatch.setattr(module, "DENSE", 1e9)
    diagram = Diagram(_lanes(_long(60_000)))
    diagram.width, diagram.height = 900, 320
    diagram.scale = 60_000 * 10 / diagram.along
    _picture(diagram)
    assert 0 < max(drawn) <= LINES


def test_only_what_is_visible_is_looked_at(qapp):
    diagram = Diagram(_lanes(_long(2_400)))
    diagram.start, diagram.scale = 10_000.0, 2.0
    blank = Diagram(Lanes([f"n{i}" for i in range(5)]))
    blank.start, blank.scale = 10_000.0, 2.0
    assert _picture(diagram) != _picture(blank)
    diagram.start = blank.start = 9_000_000.0
    assert _picture(diagram) == _picture(blank)


def test_points_and_times_are_inverse(qapp):
    for upright in (False, True):
        diagram = Diagram(Lanes(["a", "b", "c"]), start=500, scale=20, upright=upright, width=800, height=400)
        point = diagram.point(1_500, 2)
        assert diagram.time_at(point.x(), point.y()) == pytest.approx(1_500)
        assert diagram.lane_at(point.x(), point.y()) == 2


def test_a_click_goes_to_the_step(spacetime):
    view, bench = spacetime._view, spacetime.bench
    step = next(s for s in bench.trace if s.kind == "crash")
    place = view.diagram.point(step.at, view.diagram.lanes.lane(step.node)).toPoint()
    assert bench.trace[view.hit(QPointF(place))].node == "n3"
    QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=place)
    assert bench.trace[bench.at].node == "n3"
    assert abs(bench.trace[bench.at].at - step.at) <= 12 * view.diagram.scale


def test_a_drag_pans_and_the_wheel_zooms_about_the_pointer(spacetime):
    view = spacetime._view
    before = view.diagram.start
    QTest.mousePress(view, Qt.MouseButton.LeftButton, pos=QPoint(400, 100))
    QTest.mouseMove(view, QPoint(300, 100))
    QTest.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(300, 100))
    assert view.diagram.start == pytest.approx(before + 100 * view.diagram.scale)
    assert not spacetime._follow.isChecked()
    assert spacetime.bench.sought == []
    point, scale = QPointF(500, 100), view.diagram.scale
    at = view.diagram.time_at(500, 100)
    wheel = QWheelEvent(
        point, view.mapToGlobal(point), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(view, wheel)
    assert view.diagram.scale < scale
    assert view.diagram.time_at(500, 100) == pytest.approx(at)


def test_the_keyboard_walks_lanes_zooms_and_toggles(spacetime, qtbot):
    view, bench = spacetime._view, spacetime.bench
    bench.seek(40)
    node = bench.trace[40].node
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert bench.at > 40
    assert bench.trace[bench.at].node == node
    QTest.keyClick(view, Qt.Key.Key_Left)
    assert bench.at == 40
    QTest.keyClick(view, Qt.Key.Key_Down)
    assert bench.trace[bench.at].node != node or node == "n5"
    scale = view.diagram.scale
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert view.diagram.scale < scale
    QTest.keyClick(view, Qt.Key.Key_0)
    assert view.diagram.start <= bench.trace[0].at
    QTest.keyClick(view, Qt.Key.Key_T)
    assert view.diagram.upright
    QTest.keyClick(view, Qt.Key.Key_C)
    qtbot.waitUntil(lambda: view.diagram.cone is not None)
    assert "may have led to event" in bench.said[-1]
    QTest.keyClick(view, Qt.Key.Key_C)
    assert view.diagram.cone is None


def test_it_follows_a_run_that_goes_on(spacetime):
    view, bench = spacetime._view, spacetime.bench
    view.diagram.scale = 50.0
    read = len(view.diagram.lanes)
    bench.step(100)
    assert len(view.diagram.lanes) == read + 100
    along = (bench.clock_us - view.diagram.start) / view.diagram.scale
    assert 0 <= along <= view.diagram.along


def test_another_run_begins_anew(spacetime, qtbot):
    other = world(3)
    other.run(until_us=60_000)
    spacetime.bench.change_run(other)
    qtbot.waitUntil(lambda: spacetime._reader.through)
    assert list(spacetime._view.diagram.lanes.names) == ["n1", "n2", "n3"]
    assert len(spacetime._view.diagram.lanes) == len(other.trace)


def test_the_diagram_is_saved_and_explained(spacetime, tmp_path):
    for ending, write in spacetime.exports().items():
        write(tmp_path / f"a.{ending}")
    assert "toy 1.0" in (tmp_path / "a.svg").read_text()
    assert "crash" in (tmp_path / "a.txt").read_text()
    assert QImage(str(tmp_path / "a.png")).width() == 2 * spacetime._view.width()
    spacetime._help.click()
    menu = spacetime.findChild(QMenu)
    assert len(menu.actions()) == len(KINDS) + 3
    menu.close()
    assert spacetime.outline().startswith("Steps of 5 lanes")


def test_a_reader_reads_in_slices(qtbot, monkeypatch):
    import prayog_sdk.qt.reader as module

    ticks = itertools.count()
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(ticks) * module._SLICE_S * 0.3)
    seen, sizes = [], []
    reader = TraceReader(lambda step: seen.append(step.seq))
    reader.grown.connect(lambda through: sizes.append(len(seen)))
    reader.begin(Trace(Step(i, i, "tick", "n1", {}) for i in range(1_000)))
    qtbot.waitUntil(lambda: reader.through)
    assert seen == list(range(1_000))
    assert len(sizes) > 3


# -- series --------------------------------------------------------------------------------------------------------


@pytest.fixture
def series(run, qtbot):
    bench = FakeBench(run)
    panel = SeriesPanel()
    qtbot.addWidget(panel)
    panel.resize(700, 320)
    panel.show()
    bench.show(panel)
    qtbot.waitUntil(lambda: panel._plot is not None and panel._reader.through)
    yield panel
    bench.close()


def _keys(panel):
    return [panel._keys.itemAt(i).widget() for i in range(panel._keys.count())]


def test_each_node_has_its_curve_letter_and_dashes(series, run):
    texts = [key.text().split() for key in _keys(series)]
    assert sorted(text[1] for text in texts) == ["n1", "n2", "n3", "n4", "n5"]
    assert [text[0] for text in texts] == list("ABCDE")
    dashes = {tuple(item.opts["pen"].dashPattern()) for item in series._items.values()}
    assert len(dashes) == 5


def test_the_legend_has_the_values_of_the_shown_moment(series, run):
    bench = series.bench
    seq = next(s.seq for s in run.trace for e in s.effects if e.kind == "gauge" and e.data["value"] == 3)
    bench.seek(seq)
    node = run.trace[seq].node
    assert next(key for key in _keys(series) if f" {node} " in f"{key.text()} ").text().split()[-1] == "3"
    assert f"{node} 3" in series.outline()


def test_a_key_hides_its_curve(series):
    key = _keys(series)[0]
    name = next(iter(series._items))
    key.click()
    assert not series._items[name].isVisible()
    key.click()
    assert series._items[name].isVisible()


def test_the_table_and_the_export_have_every_value_and_no_smoothing(series, run, tmp_path):
    gauges = [(s.seq, e.data["value"]) for s in run.trace for e in s.effects if e.kind == "gauge"]
    series._smooth.setChecked(True)
    series._twin.setChecked(True)
    assert series._pages.currentWidget() is series._table
    assert series._rows.rowCount() == len(gauges)
    assert series._rows.index(7, 3).data() == str(gauges[7][1])
    series.exports()["csv"](tmp_path / "a.csv")
    rows = list(csv.reader((tmp_path / "a.csv").read_text().splitlines()[1:]))
    assert [(int(row[0]), float(row[4])) for row in rows[1:]] == gauges


def test_the_plot_follows_the_theme(series, look):
    look(theme.dark)
    series.on_theme()
    image = series._plot.grab().toImage()
    assert image.pixelColor(image.width() - 3, 3).name() == theme.dark.surface


def test_other_effects_and_unknown_gauges_are_left_out(qapp):
    from prayog_sdk.qt.gauges import Gauges
    from prayog_sdk.specs import SeriesSpec

    gauges = Gauges([SeriesSpec("lag", "Lag", "ms")])
    gauges.add(Step(0, 5, "tick", "a", {}, -1, (Effect("gauge", {"name": "other", "value": 1}),)))
    gauges.add(Step(1, 7, "tick", "a", {}, -1, (Effect("gauge", {"name": "lag", "value": 2}),)))
    gauges.add(Step(2, 9, "tick", "b", {}, -1, (Effect("gauge", {"name": "lag", "value": 4}),)))
    (curve,) = gauges.curves.values()
    assert curve.values.tolist() == [2, 4]  # one curve for all nodes
    assert (curve.at(6), curve.at(7), curve.at(8.5), curve.at(99)) == (None, 2, 2, 4)


# -- stock ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", list(stock.STOCK))
def test_stock_panels_bind_live_and_go(name, run, qtbot):
    bench = FakeBench(run)
    panel = stock.make(name)
    assert isinstance(panel, Panel)
    qtbot.addWidget(panel)
    panel.resize(500, 300)
    panel.show()
    bench.show(panel)
    bench.step(5)
    bench.select("n1")
    bench.seek(10)
    panel.on_theme()
    panel.grab()
    assert isinstance(panel.outline(), str)
    bench.close()
    assert panel.bench is None
    bench.select("n2")  # nobody listens any more
    QApplication.processEvents()


def test_an_unknown_stock_panel_is_named():
    with pytest.raises(ValueError, match="no stock panel 'kanvas'; there are canvas, spacetime"):
        stock.make("kanvas")


def test_panels_do_not_load_heavy_libraries_before_they_draw():
    code = (
        "import sys; from prayog_sdk.qt import stock; from prayog_sdk.qt import form, text, state, cards, events;"
        "from prayog_sdk.qt import canvas, spacetime, series, tree, outline, nodes;"
        "print([m for m in ('numpy', 'pyqtgraph', 'sqlalchemy', 'folium', 'markdown_it', 'multiprocessing.spawn') "
        "if m in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
