"""The canvas: places, motion by the clock, the pointer, the keyboard, exports and the words for it."""

from __future__ import annotations

import math

import pytest
from fakebench import FakeBench, world
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QAccessible, QColor, QImage, QPainter, QPixmap
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QMenu

from prayog_sdk.qt import accessible, theme, words
from prayog_sdk.qt.arrange import arrange, beside, nearest
from prayog_sdk.qt.batch import draw_lines, draw_symbols
from prayog_sdk.qt.canvas import CanvasPanel
from prayog_sdk.qt.grip import Grip
from prayog_sdk.qt.scene import DOTS_ONLY
from prayog_sdk.qt.shapes import draw_node
from prayog_sim.run import Action, Flight, Look, NodeView, View, tally


@pytest.fixture
def canvas(qtbot):
    bench = FakeBench(world())
    panel = CanvasPanel()
    qtbot.addWidget(panel)
    panel.resize(720, 480)
    panel.show()
    bench.show(panel)
    yield panel
    bench.close()


def play(panel, us):
    bench = panel.bench
    while bench.run.next_at is not None and bench.run.next_at <= us:
        bench.step()
    bench.clock_us = us
    bench.frame()


@given(st.integers(1, 130), st.floats(0.5, 3))
def test_every_node_has_a_place_of_its_own_inside_the_picture(count, aspect):
    names = [f"n{i}" for i in range(count)]
    places = arrange(names, {}, aspect)
    assert list(places) == names
    assert all(0 <= x <= 1 and 0 <= y <= 1 for x, y in places.values())
    assert len({(round(x, 6), round(y, 6)) for x, y in places.values()}) == count


def test_seven_stand_in_a_ring_and_a_moved_node_stays_where_it_was_put():
    places = arrange([f"n{i}" for i in range(7)], {"n3": (0.1, 0.2)})
    assert places["n0"] == (pytest.approx(0.5), pytest.approx(0.0, abs=1e-9))
    assert places["n3"] == (0.1, 0.2)


@given(st.floats(0, 1))
def test_messages_there_and_back_keep_apart(share):
    there, back = beside((0, 0), (100, 0), share, 6, 20), beside((100, 0), (0, 0), 1 - share, 6, 20)
    assert there[0] == pytest.approx(back[0])
    assert there[1] == pytest.approx(6)
    assert back[1] == pytest.approx(-6)
    assert 20 <= there[0] <= 80


def test_nearest_goes_the_way_that_was_asked():
    places = [("left", (-10.0, 0.0)), ("right", (10.0, 1.0)), ("far", (50.0, 0.0)), ("down", (0.0, 10.0))]
    assert nearest((0, 0), places, (1, 0)) == "right"
    assert nearest((0, 0), places, (-1, 0)) == "left"
    assert nearest((0, 0), places, (0, 1)) == "down"
    assert nearest((0, 0), places, (0, -1)) == ""


def test_a_message_glides_with_the_clock(canvas):
    play(canvas, 50_000)
    scene = canvas._scene
    flight = scene.view.flights[0]
    start, end = scene.dot(flight, flight.sent_at), scene.dot(flight, flight.arrives_at)
    half = scene.dot(flight, (flight.sent_at + flight.arrives_at) / 2)
    assert half.x() == pytest.approx((start.x() + end.x()) / 2)
    assert scene.dot(flight, flight.arrives_at + 10_000) == end  # it waits, it does not fly on
    canvas.bench.reduced_motion = True
    canvas.repaint()
    assert scene.dot(flight, flight.sent_at) == scene.dot(flight, flight.arrives_at)


def _ink(widget, colour):
    image = widget.grab().toImage()
    wanted = QColor(colour).rgb()
    return sum(image.pixel(x, y) == wanted for x in range(0, image.width(), 2) for y in range(0, image.height(), 2))


def test_messages_timers_and_losses_leave_ink(canvas):
    empty = _ink(canvas, theme.current().accent)
    play(canvas, 58_000)
    assert canvas._scene.view.flights
    assert _ink(canvas, theme.current().accent) > empty
    assert _ink(canvas, theme.current().bad) == 0
    canvas.bench.do(Action("cut", {"src": "n1", "dst": "n2"}))
    assert _ink(canvas, theme.current().bad) > 0


def test_a_crash_empties_the_upper_half(canvas):
    play(canvas, 140_000)
    centre = canvas._scene.place("n3")
    above = (centre + QPointF(canvas._scene.radius * 0.4, -canvas._scene.radius * 0.55)).toPoint()
    below = (centre + QPointF(-canvas._scene.radius * 0.3, canvas._scene.radius * 0.55)).toPoint()

    def colours():
        image = canvas.grab().toImage()
        return image.pixelColor(above).name(), image.pixelColor(below).name()

    up = colours()
    assert up[0] != theme.current().surface
    canvas.bench.do(Action("crash", {"node": "n3"}))
    down = colours()
    assert down[0] == theme.current().surface
    assert down[1] != theme.current().surface


def test_a_click_selects_and_a_drag_moves(canvas):
    centre = canvas._scene.place("n2").toPoint()
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=centre)
    assert canvas.bench.selection == "n2"
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=centre)
    QTest.mouseMove(canvas, QPoint(300, 240))
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=QPoint(300, 240))
    assert math.dist(canvas._scene.place("n2").toTuple(), (300, 240)) < 2
    canvas.resize(1000, 700)
    assert canvas._scene.place("n2").x() > 300  # a place is a share of the picture
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(5, 690))
    assert canvas.bench.selection == ""


def test_targets_are_24_pixels_even_when_nodes_are_tiny(qtbot):
    bench = FakeBench(world(400))
    panel = CanvasPanel()
    qtbot.addWidget(panel)
    panel.resize(900, 600)
    bench.show(panel)
    centre = panel._scene.place("n17")
    assert panel._scene.radius < 12
    assert panel._scene.hit(centre + QPointF(0, 12), 0) == "n17"
    bench.close()


def test_the_keyboard_walks_acts_and_moves(canvas):
    bench = canvas.bench
    play(canvas, 52_000)
    canvas.setFocus()
    names = canvas._scene.entities()
    assert any(name.startswith("#") for name in names)
    for name in names:
        assert canvas.focusNextPrevChild(True)
        assert canvas._scene.focus == name
    assert "arrives in" in bench.said[-1]
    assert canvas.focusNextPrevChild(False)
    canvas._focus("n1")
    assert bench.said[-1].startswith("n1: leader in term 3")
    QTest.keyClick(canvas, Qt.Key.Key_Down)
    assert canvas._scene.focus != "n1"
    canvas._focus("n3")
    QTest.keyClick(canvas, Qt.Key.Key_Return)
    assert bench.selection == "n3"
    before = canvas._scene.place("n3")
    QTest.keyClick(canvas, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert canvas._scene.place("n3").x() > before.x()
    QTest.keyClick(canvas, Qt.Key.Key_K)
    assert bench.done[-1] == Action("crash", {"node": "n3", "in_flight": "keep"})
    assert canvas._scene.view.nodes["n3"].status == "down"
    canvas._focus(canvas._scene.entities()[-1])
    ident = int(canvas._scene.focus[1:])
    QTest.keyClick(canvas, Qt.Key.Key_X)
    assert bench.done[-1] == Action("drop", {"ident": ident})
    assert all(flight.ident != ident for flight in canvas._scene.view.flights)


def test_the_menu_lists_the_actions_of_what_is_in_focus(canvas):
    canvas.setFocus()
    canvas._focus("n2")
    QTest.keyClick(canvas, Qt.Key.Key_F10, Qt.KeyboardModifier.ShiftModifier)
    menu = canvas.findChild(QMenu)
    titles = [entry.text() for entry in menu.actions()]
    assert "Crash\tK" in titles
    assert "Cut one way…" in titles  # it asks for the other end
    assert not any("Heal" in title for title in titles)
    menu.close()


def test_many_messages_are_dots_in_one_call(canvas, monkeypatch):
    flights = tuple(
        Flight(i, f"n{i % 5 + 1}", f"n{(i + 1) % 5 + 1}", 0, 1000 + i, "m", "m") for i in range(DOTS_ONLY + 1)
    )
    view = View(0, 0, canvas._scene.view.nodes, flights)
    calls = []
    from prayog_sdk.qt import flightpaint

    monkeypatch.setattr(flightpaint, "draw_symbols", lambda *args: calls.append(len(args[2])))
    canvas._set_view(view)
    canvas.grab()
    assert calls == [DOTS_ONLY + 1]


def test_a_jump_shows_the_losses_of_that_moment(canvas):
    bench = canvas.bench
    bench.step(200)
    lost = [step.seq for step in bench.trace for e in step.effects if e.kind == "send" and e.data["arrives"] is None]
    assert lost
    bench.seek(lost[0])
    assert canvas._scene.losses[-1].at == bench.trace[lost[0]].at


def test_pictures_are_saved_with_their_label(canvas, tmp_path):
    play(canvas, 60_000)
    writers = canvas.exports()
    writers["svg"](tmp_path / "a.svg")
    writers["png"](tmp_path / "a.png")
    text = (tmp_path / "a.svg").read_text()
    assert "toy 1.0" in text
    assert ">n1<" in text.replace("\n", "")
    image = QImage(str(tmp_path / "a.png"))
    assert (image.width(), image.height()) == (1440, 960)


def test_the_canvas_in_words(canvas):
    play(canvas, 150_000)
    canvas.bench.do(Action("crash", {"node": "n3"}))
    canvas.bench.do(Action("partition", {"groups": "n1,n2|n3,n4,n5"}))
    said = canvas.outline()
    assert "n1: leader in term 3, 3 entries." in said
    assert "n3: down." in said
    assert "Partition: n1 n2 | n3 n4 n5." in said


def test_cuts_in_words():
    nodes = {name: NodeView(name) for name in ("a", "b", "c")}
    assert list(words.cut_sentence(View(0, 0, nodes, (), (("a", "b"),)))) == ["nothing from a reaches b (one-way)"]
    both = View(0, 0, nodes, (), (("a", "b"), ("b", "a")))
    assert list(words.cut_sentence(both)) == ["a and b cannot reach each other"]
    apart = View(0, 0, nodes, (), (("a", "b"), ("b", "a"), ("a", "c"), ("c", "a")))
    assert list(words.cut_sentence(apart)) == ["partition: a | b c"]


def test_a_run_without_nodes_says_so(qtbot):
    from prayog_sdk.run import Computation

    class Sum(Computation):
        def start(self):
            return {"sum": 0}

        def fold(self, state, step):
            return state

        def perform(self, action):
            return iter(())

    bench = FakeBench(Sum())
    panel = CanvasPanel()
    qtbot.addWidget(panel)
    bench.show(panel)
    panel.grab()
    assert panel.exports() == {}
    bench.close()


@pytest.mark.parametrize("scale", [1.0, 2.0])
def test_batches_draw_what_a_loop_draws(qapp, scale):
    import numpy as np

    rng = np.random.default_rng(5)
    atlas = QPixmap(round(24 * scale), round(12 * scale))
    atlas.setDevicePixelRatio(scale)
    atlas.fill(QColor("red"))
    painter = QPainter(atlas)
    painter.fillRect(12, 0, 12, 12, QColor("blue"))
    painter.end()
    x, y = rng.integers(10, 190, (2, 50)).astype(float)
    column = rng.integers(0, 2, 50).astype(float)
    ends = rng.integers(0, 200, (40, 4)).astype(float)

    def picture(draw):
        image = QImage(round(200 * scale), round(200 * scale), QImage.Format.Format_RGB32)
        image.setDevicePixelRatio(scale)
        image.fill(QColor("white"))
        painter = QPainter(image)
        draw(painter)
        painter.end()
        return image

    def batch(painter):
        draw_symbols(painter, atlas, x, y, column, 12)
        draw_lines(painter, ends)

    def loop(painter):
        for px, py, kind in zip(x, y, column, strict=True):
            painter.fillRect(round(px - 6), round(py - 6), 12, 12, QColor("blue" if kind else "red"))
        for a, b, c, d in ends:
            painter.drawLine(QPointF(a, b), QPointF(c, d))

    assert picture(batch) == picture(loop)


# -- a message in the hand -----------------------------------------------------------------------------------------


def _hold(canvas, share):
    """Press on the first message and pull it `share` of its link towards the receiver."""
    play(canvas, 50_000)
    scene = canvas._scene
    flight = scene.view.flights[0]
    link = scene.on_link(flight.src, flight.dst, 1.0) - scene.on_link(flight.src, flight.dst, 0.0)
    begin = scene.dot(flight, canvas.bench.clock_us)
    QTest.mousePress(canvas, Qt.MouseButton.LeftButton, pos=begin.toPoint())
    QTest.mouseMove(canvas, (begin + link * share).toPoint())
    return flight, (begin + link * share).toPoint()


def test_a_message_pulled_back_arrives_later_and_pulled_on_sooner(canvas):
    for share in (-0.5, 0.25):
        flight, to = _hold(canvas, share)
        assert canvas._scene.pulled is not None
        assert "arrives" in canvas._scene.pulled[1]
        QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=to)
        action = canvas.bench.done[-1]
        assert (action.name, action.args["ident"]) == ("delay", flight.ident)
        now = canvas._scene.flight(f"#{flight.ident}")
        assert (now.arrives_at > flight.arrives_at) == (share < 0)
        assert canvas._scene.pulled is None


def test_pulled_to_the_end_it_arrives_now_and_a_click_only_selects(canvas):
    flight, to = _hold(canvas, 3)
    assert canvas._scene.pulled[1].startswith("arrives now")
    QTest.mouseRelease(canvas, Qt.MouseButton.LeftButton, pos=to)
    assert canvas._scene.flight(f"#{flight.ident}").arrives_at == 50_000
    done = len(canvas.bench.done)
    other = canvas._scene.view.flights[1]
    QTest.mouseClick(canvas, Qt.MouseButton.LeftButton, pos=canvas._scene.dot(other, 50_000).toPoint())
    assert len(canvas.bench.done) == done
    assert canvas.bench.selection.startswith("#")


def test_while_pulling_it_says_which_other_message_it_passes(canvas):
    play(canvas, 50_000)
    scene = canvas._scene
    first, second = Flight(1, "n1", "n2", 0, 60_000, "a", "a"), Flight(2, "n3", "n2", 0, 70_000, "b", "b")
    scene.set_view(View(0, 50_000, scene.view.nodes, (first, second)))
    grip = Grip(scene, "#1", scene.dot(first, 50_000), 50_000, can_delay=True)
    link = scene.on_link("n1", "n2", 1.0) - scene.on_link("n1", "n2", 0.0)
    grip.pull(scene.dot(first, 50_000) - link * 0.3)
    assert scene.pulled[1].endswith("after b from n3")
    assert Grip(scene, "#1", scene.dot(first, 50_000), 50_000, can_delay=False).pull(QPointF()) is False


# -- partitions, tallies, screen readers ---------------------------------------------------------------------------


def test_a_partition_is_a_line_and_says_what_became_of_messages(canvas):
    play(canvas, 60_000)
    canvas.bench.do(Action("partition", {"groups": "n1,n2|n3,n4,n5", "in_flight": "keep"}))
    canvas.grab()
    assert canvas._scene.in_flight == "What was on its way across still arrives."
    canvas.bench.do(Action("partition", {"groups": "n1|n2,n3,n4,n5"}))
    assert canvas._scene.in_flight == "What was on its way across is lost."
    before = _ink(canvas, theme.current().bad)
    canvas.bench.seek(len(canvas.bench.trace) - 1)
    assert canvas._scene.in_flight == "What was on its way across is lost."
    assert _ink(canvas, theme.current().bad) == before > 0


def test_answers_are_dots_of_three_kinds_and_are_said(qapp):
    def picture(answers):
        node = NodeView("n1", look=Look("candidate", "", 1, "candidate", "", answers))
        image = QImage(80, 80, QImage.Format.Format_RGB32)
        image.fill(QColor("white"))
        painter = QPainter(image)
        draw_node(painter, node, QPointF(40, 40), 32)
        painter.end()
        return image

    pictures = [picture(answers) for answers in ((), (True,), (False,), (None,))]
    assert not any(a == b for i, a in enumerate(pictures) for b in pictures[i + 1 :])
    node = NodeView("n1", look=Look("candidate", "C", 1, "candidate", "", tally(["n2", "n3", "n4"], ["n3"], ["n4"])))
    assert words.node_sentence(node) == "n1: candidate. answers: 1 yes, 1 no, 1 to come"


def test_a_screen_reader_finds_every_node_and_message(canvas):
    play(canvas, 50_000)
    face = QAccessible.queryAccessibleInterface(canvas)
    names = canvas._scene.entities()
    assert face.childCount() == len(names) > 5
    first = face.child(0)
    assert first.text(QAccessible.Text.Name) == "n1"
    assert first.text(QAccessible.Text.Description) == words.node_sentence(canvas._scene.view.nodes["n1"])
    centre = canvas._scene.place("n1").toPoint()
    assert first.rect().contains(canvas.mapToGlobal(centre))
    message = face.child(5)
    assert " from n1 to " in message.text(QAccessible.Text.Name)
    there = canvas.mapToGlobal(canvas._scene.place("n4").toPoint())
    assert face.childAt(there.x(), there.y()).text(QAccessible.Text.Name) == "n4"
    canvas._focus("n2")
    assert face.focusChild().text(QAccessible.Text.Name) == "n2"
    assert face.child(len(names)) is None
    assert face.indexOfChild(message) == 5


def test_nothing_of_it_is_left_when_the_canvas_is_gone(qapp):
    before = set(accessible._ALIVE)
    panel = CanvasPanel()
    bench = FakeBench(world())
    bench.show(panel)
    QAccessible.queryAccessibleInterface(panel).child(0)
    mine = set(accessible._ALIVE) - before
    assert len(mine) == 2
    bench.close()
    panel.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert not mine & set(accessible._ALIVE)
