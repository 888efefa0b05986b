"""What a frame of the stock panels costs, beside the obvious way to build the same with Qt's own classes.

    python tests/bench/bench_qt.py [--steps 100000]

Prints medians in ms, and ratios taken in this one run.  The peers are a `QGraphicsView` with an item per step and
message, and a `QSortFilterProxyModel` over the same table model; they get a tenth of the size where they would take
minutes, and the line says so.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[1] / "sdk" / "qt"))

from fakebench import FakeBench, world
from PySide6.QtCore import QLineF, QRectF, QSortFilterProxyModel, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QApplication, QGraphicsScene, QGraphicsView, QTableView

from prayog_sdk.qt import theme
from prayog_sdk.qt.canvas import CanvasPanel
from prayog_sdk.qt.diagram import Diagram
from prayog_sdk.qt.eventmodel import EventModel
from prayog_sdk.qt.lanes import Lanes
from prayog_sim.run import Flight, Look, NodeView, View
from prayog_sim.trace import Step, Trace

SIZE = (1200, 700)
NODES = 5


def steps(count: int) -> list[Step]:
    """A trace of `count` steps in which two of five are deliveries."""
    rng = random.Random(1)
    made: list[Step] = []
    for seq in range(count):
        node = f"n{rng.randrange(NODES)}"
        if seq > 20 and rng.random() < 0.4:
            sent = made[seq - rng.randrange(1, 20)]
            data = {"src": sent.node, "ident": seq, "label": f"AE t3 i{seq}"}
            made.append(Step(seq, seq * 10, "deliver", node, data, sent.seq))
        else:
            made.append(Step(seq, seq * 10, "timer", node, {"name": "heartbeat"}, -1))
    return made


def clock(call: Callable[[int], object], times: int) -> tuple[float, float]:
    """Median and worst cost of `call(i)`, in ms."""
    costs = []
    for index in range(times):
        begun = time.perf_counter()
        call(index)
        costs.append((time.perf_counter() - begun) * 1e3)
    return statistics.median(costs), max(costs)


def spacetime(trace: list[Step]) -> None:
    lanes, begun = Lanes([f"n{i}" for i in range(NODES)]), time.perf_counter()
    for step in trace:
        lanes.add(step)
    lanes.columns()
    built = time.perf_counter() - begun
    print(f"\nspace-time diagram, {len(trace):,} steps, {len(lanes.columns().lines):,} messages, {SIZE[0]}x{SIZE[1]}")
    print(
        f"  reading the trace        {built * 1e3:9.0f} ms in slices of 8 ms ({built / len(trace) * 1e6:.1f} us a step)"
    )
    image = QImage(*SIZE, QImage.Format.Format_RGB32)
    diagram = Diagram(lanes, width=SIZE[0], height=SIZE[1])
    ours: dict[float, float] = {}
    span = trace[-1].at
    for share in (1.0, 0.1, 0.02, 0.01):
        diagram.scale = span * share / diagram.along

        def frame(index: int, share: float = share) -> None:
            diagram.start = span * (1 - share) * (index % 10) / 10
            painter = QPainter(image)
            diagram.paint(painter, *SIZE)
            painter.end()

        ours[share], worst = clock(frame, 20)
        print(f"  pan frame, {share:5.0%} visible   {ours[share]:9.1f} ms   worst {worst:.1f}")
    peer = trace[: min(len(trace), 40_000)]
    begun = time.perf_counter()
    scene = _items(peer)
    built = time.perf_counter() - begun
    print(f"  QGraphicsView, {len(peer):,} steps as items, built in {built:.1f} s; frames with as many steps visible:")
    view = QGraphicsView(scene)
    view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    view.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
    view.resize(*SIZE)
    view.show()
    QApplication.processEvents()
    for visible in (len(peer), 10_000, 1_000):
        view.resetTransform()
        view.scale(SIZE[0] / (10 * visible), 1)

        def pan(index: int) -> None:
            view.centerOn(peer[-1].at * (0.3 + 0.04 * (index % 10)), 300)
            view.viewport().repaint()

        def frame(index: int, visible: int = visible) -> None:
            diagram.scale = 10 * visible / diagram.along
            diagram.start = span * 0.05 * (index % 10)
            painter = QPainter(image)
            diagram.paint(painter, *SIZE)
            painter.end()

        (theirs, _), (mine, _) = clock(pan, 10), clock(frame, 10)
        print(f"    {visible:6,} steps: {theirs:7.1f} ms against {mine:5.1f} ms: {theirs / mine:.1f} x")
    view.close()


def _items(trace: list[Step]) -> QGraphicsScene:
    scene = QGraphicsScene()
    pen, brush = QPen(QColor("#888888"), 0), QColor("#2458d3")
    row = {f"n{i}": 60 + 120 * i for i in range(NODES)}
    for step in trace:
        if step.cause >= 0:
            sent = trace[step.cause]
            scene.addLine(QLineF(sent.at, row[sent.node], step.at, row[step.node]), pen)
        scene.addRect(QRectF(step.at - 2, row[step.node] - 3, 4, 6), Qt.PenStyle.NoPen, brush)
    return scene


def table(count: int) -> None:
    print(f"\nevent table, {count:,} rows")
    trace, app = Trace(steps(count)), QApplication.instance()
    model = EventModel()
    view = QTableView()
    view.setModel(model)
    view.verticalHeader().hide()
    view.resize(*SIZE)
    view.show()
    QApplication.processEvents()
    cost, _ = clock(lambda _i: (model.set_trace(trace), view.viewport().repaint()), 3)
    print(f"  show                     {cost:9.1f} ms")
    cost, worst = clock(lambda i: (view.scrollTo(model.index((i * 997_001) % count, 0)), view.viewport().repaint()), 20)
    print(f"  jump to a row and paint  {cost:9.1f} ms   worst {worst:.1f}")
    for query in ("node:n3", "kind:deliver", "i999"):
        gaps, begun = [], time.perf_counter()
        model.set_filter(query)
        while model.searching:
            last = time.perf_counter()
            app.processEvents()
            gaps.append((time.perf_counter() - last) * 1e3)
        total = (time.perf_counter() - begun) * 1e3
        held = f"longest hold-up {max(gaps):.0f} ms (95 % below {sorted(gaps)[int(len(gaps) * 0.95)]:.0f})"
        print(f"  filter {query:13}     {total:9.0f} ms in all, {held}, {model.rowCount():,} rows")
    model.set_filter("")
    small = Trace(trace[: count // 10])
    model.set_trace(small)
    proxy = QSortFilterProxyModel()
    proxy.setSourceModel(model)
    proxy.setFilterKeyColumn(3)
    begun = time.perf_counter()
    proxy.setFilterFixedString("i999")
    proxy.rowCount()
    held = time.perf_counter() - begun
    print(f"  QSortFilterProxyModel on a tenth of the rows holds the window for {held * 1e3:.0f} ms at once")
    view.close()


def canvas() -> None:
    print(f"\ncluster canvas, 20 nodes, {SIZE[0]}x{SIZE[1]}")
    bench = FakeBench(world(5))
    panel = CanvasPanel()
    panel.resize(*SIZE)
    panel.show()
    QApplication.processEvents()
    bench.show(panel)
    rng = random.Random(2)
    names = [f"n{i}" for i in range(20)]
    look = Look("follower", "F", 3, "follower in term 3")
    nodes = {name: NodeView(name, "up", {"log": 1}, {"x": 1}, (("election", 0, 300_000),), look) for name in names}
    for count in (50, 200, 2_000):
        flights = tuple(
            Flight(i, *rng.sample(names, 2), rng.randrange(100_000), rng.randrange(100_001, 200_000), "AE t3", None)
            for i in range(count)
        )
        panel._set_view(View(0, 0, nodes, flights))

        def move(index: int) -> None:
            bench.clock_us = 90_000.0 + 100 * index
            panel.repaint()

        move(0)
        cost, worst = clock(move, 30)
        print(f"  {count:5,} messages, only they move    {cost:6.1f} ms   worst {worst:.1f}")

        def step(index: int) -> None:
            panel._still = None
            move(index)

        cost, worst = clock(step, 10)
        print(f"  {count:5,} messages, every node too    {cost:6.1f} ms   worst {worst:.1f}")
        if count >= 200:
            held = _graphics_frame(names, flights)
            print(f"        QGraphicsView, an item each      {held:6.1f} ms   (messages only)")
    panel.close()
    bench.close()


def _graphics_frame(names: list[str], flights: tuple[Flight, ...]) -> float:
    scene = QGraphicsScene(0, 0, *SIZE)
    rng = random.Random(3)
    place = {name: (rng.randrange(SIZE[0]), rng.randrange(SIZE[1])) for name in names}
    dots = [(flight, scene.addEllipse(-4, -4, 8, 8, Qt.PenStyle.NoPen, QColor("#2458d3"))) for flight in flights]
    view = QGraphicsView(scene)
    view.setViewportUpdateMode(QGraphicsView.ViewportUpdateMode.FullViewportUpdate)
    view.setRenderHint(QPainter.RenderHint.Antialiasing)
    view.resize(*SIZE)
    view.show()
    QApplication.processEvents()

    def frame(index: int) -> None:
        at = 90_000 + 100 * index
        for flight, dot in dots:
            share = min(1, max(0, (at - flight.sent_at) / (flight.arrives_at - flight.sent_at)))
            (x0, y0), (x1, y1) = place[flight.src], place[flight.dst]
            dot.setPos(x0 + (x1 - x0) * share, y0 + (y1 - y0) * share)
        view.viewport().repaint()

    cost, _ = clock(frame, 20)
    view.close()
    return cost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    app = QApplication.instance() or QApplication([])
    theme.load_fonts()
    theme.apply(app, theme.light)
    spacetime(steps(options.steps))
    canvas()
    table(options.rows)


if __name__ == "__main__":
    main()
