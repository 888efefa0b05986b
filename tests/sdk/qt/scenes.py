"""Scenes for the preview: the stock panels over a toy cluster with a crash, a pause and a cut."""

from __future__ import annotations

from fakebench import FakeBench, world
from PySide6.QtWidgets import QWidget

from prayog_sdk.qt.canvas import CanvasPanel
from prayog_sdk.qt.events import EventsPanel
from prayog_sdk.qt.nodes import NodesPanel
from prayog_sdk.qt.outline import OutlinePanel
from prayog_sdk.qt.series import SeriesPanel
from prayog_sdk.qt.spacetime import SpacetimePanel
from prayog_sdk.qt.tree import StatePanel
from prayog_sim.run import Action


def story(nodes=5, until=400_000, **more):
    run = world(nodes, **more)
    run.run(until_us=until // 2)
    run.do(Action("crash", {"node": "n3"}))
    run.run(until_us=until // 2 + 30_000)
    run.do(Action("pause", {"node": "n4"}))
    run.do(Action("cut", {"src": "n1", "dst": "n2"}))
    run.run(until_us=until)
    return run


def _panel(kind, width, height, run=None, select="n2"):
    bench = FakeBench(run or story())
    panel = kind()
    panel.resize(width, height)
    bench.show(panel)
    bench.select(select)
    panel.bench_for_preview = bench
    return panel


def events() -> QWidget:
    return _panel(EventsPanel, 760, 320)


def nodes() -> QWidget:
    return _panel(NodesPanel, 760, 240)


def outline() -> QWidget:
    return _panel(OutlinePanel, 420, 420)


def state() -> QWidget:
    panel = _panel(StatePanel, 320, 460, select="n1")
    bench = panel.bench_for_preview
    for _ in range(5):
        bench.step()
    half = panel._tree.topLevelItem(0)
    panel._tree.setCurrentItem(half.child(0))
    panel._on_activated(half.child(0))
    panel._settling.stop()
    panel._draw()
    return panel


def _mid(run, extra):
    """A moment between two steps."""
    bench_time = run.trace[len(run.trace) - 1].at + extra
    return bench_time


def canvas() -> QWidget:
    panel = _panel(CanvasPanel, 720, 480)
    panel.bench_for_preview.clock_us = _mid(panel.bench.run, 7_000)
    return panel


def canvas_partition() -> QWidget:
    run = world(5, loss=0.3)
    run.run(until_us=210_000)
    run.do(Action("partition", {"groups": "n1,n2|n3,n4,n5", "in_flight": "keep"}))
    run.run(until_us=470_000)
    panel = _panel(CanvasPanel, 720, 480, run)
    panel.bench_for_preview.clock_us = _mid(run, 100)
    return panel


def canvas_many() -> QWidget:
    run = world(120, latency=(20_000, 260_000))
    run.run(until_us=260_000)
    panel = _panel(CanvasPanel, 900, 600, run)
    panel.bench_for_preview.clock_us = _mid(run, 100)
    print(len(panel._scene.view.flights), "in flight")
    return panel


def _spacetime(run, width=900, height=320, wait=2.0):
    import time

    from PySide6.QtWidgets import QApplication

    panel = _panel(SpacetimePanel, width, height, run)
    panel.show()
    until = time.monotonic() + wait
    while time.monotonic() < until and (not panel._reader.through or not panel._view._placed):
        QApplication.processEvents()
    return panel


def spacetime() -> QWidget:
    return _spacetime(story(until=450_000))


def spacetime_cone() -> QWidget:
    import time

    from PySide6.QtWidgets import QApplication

    panel = _spacetime(story(until=450_000))
    panel.bench.seek(30)
    panel._cone.setChecked(True)
    until = time.monotonic() + 2
    while panel._view.diagram.cone is None and time.monotonic() < until:
        QApplication.processEvents()
    return panel


def spacetime_upright() -> QWidget:
    panel = _spacetime(story(until=450_000), 420, 640)
    panel._turn.setChecked(True)
    panel._view.fit()
    return panel


def spacetime_dense() -> QWidget:
    run = story(until=3_000_000)
    panel = _spacetime(run, wait=20)
    panel._view.fit()
    return panel


def series() -> QWidget:
    from PySide6.QtWidgets import QApplication

    run = story(until=900_000)
    panel = _panel(SeriesPanel, 760, 340, run)
    panel.show()
    while not panel._reader.through or panel._plot is None:
        QApplication.processEvents()
    panel.bench.seek(90)
    return panel


def series_table() -> QWidget:
    panel = series()
    panel._twin.setChecked(True)
    return panel


WIDGETS = {
    "series": series,
    "series_table": series_table,
    "spacetime": spacetime,
    "spacetime_cone": spacetime_cone,
    "spacetime_upright": spacetime_upright,
    "spacetime_dense": spacetime_dense,
    "canvas": canvas,
    "canvas_partition": canvas_partition,
    "canvas_many": canvas_many,
    "state": state,
    "events": events,
    "nodes": nodes,
    "outline": outline,
}
