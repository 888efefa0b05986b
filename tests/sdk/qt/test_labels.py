"""Labels keep out of each other's way, and the line of a partition parts its sides."""

from __future__ import annotations

import math

import pytest
from fakebench import FakeBench, world
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QPointF, QRectF, QSizeF

from prayog_sdk.qt.border import border
from prayog_sdk.qt.canvas import CanvasPanel
from prayog_sdk.qt.labels import Labels, around
from prayog_sim.run import Action

SIZE = QSizeF(60, 20)
places = st.tuples(st.floats(0, 100), st.floats(0, 100))


def test_a_taken_place_is_not_taken_again():
    labels = Labels(QRectF(0, 0, 300, 300))
    centre = QPointF(150, 150)
    labels.keep_free(QRectF(130, 130, 40, 40))
    got = [labels.place(around(centre, 22, SIZE)) for _ in range(4)]
    assert all(got)
    boxes = [box for _, box in got]
    assert boxes[0].top() > 170  # below comes first
    assert not any(a.intersects(b) for i, a in enumerate(boxes) for b in boxes[i + 1 :])


def test_without_room_a_label_is_left_out_unless_it_must_be_there():
    labels = Labels(QRectF(0, 0, 70, 30))
    labels.keep_free(QRectF(0, 0, 70, 15))
    assert labels.place([QRectF(5, 0, 60, 20)]) is None
    index, box = labels.place([QRectF(5, 0, 60, 20), QRectF(5, 25, 60, 20)], must=True)
    assert index in (0, 1)
    assert QRectF(0, 0, 70, 30).contains(box)


def test_a_little_over_the_edge_is_moved_in():
    index, box = Labels(QRectF(0, 0, 100, 100)).place([QRectF(95 - 60, -5, 60, 20)])
    assert (index, box.top()) == (0, 0)


@given(st.lists(places, min_size=1, max_size=4), st.lists(places, min_size=1, max_size=4))
def test_a_border_has_each_side_on_its_own_hand(side, others):
    ends = border(side, others, (0.0, 0.0), (100.0, 100.0))
    if ends is None:
        return
    (ax, ay), (bx, by) = ends
    assert all(-1e-3 <= part <= 100 + 1e-3 for part in (ax, ay, bx, by))
    length = math.hypot(bx - ax, by - ay)
    way = ((bx - ax) / max(length, 1e-9), (by - ay) / max(length, 1e-9))
    hands = [[way[0] * (y - ay) - way[1] * (x - ax) for x, y in part] for part in (side, others)]
    if length > 1:
        assert max(hands[0]) < min(hands[1]) + 1e-6 or max(hands[1]) < min(hands[0]) + 1e-6


def test_a_side_that_surrounds_the_other_has_no_border():
    around_it = [(0.0, 0.0), (100.0, 0.0), (0.0, 100.0), (100.0, 100.0)]
    assert border([(50.0, 50.0)], around_it, (0.0, 0.0), (100.0, 100.0)) is None
    assert border([(0.0, 0.0)], around_it[1:], (0.0, 0.0), (100.0, 100.0)) is not None


@pytest.mark.parametrize("size", [(720, 480), (660, 280), (420, 240)])
def test_names_and_reasons_cover_neither_nodes_nor_each_other(qtbot, size):
    bench = FakeBench(world())
    panel = CanvasPanel()
    qtbot.addWidget(panel)
    panel.resize(*size)
    bench.show(panel)
    bench.step(60)
    bench.do(Action("crash", {"node": "n3"}))
    panel.grab()
    taken = panel._painter.labels._taken  # first the nodes, then what was written
    bodies, written = taken[:5], taken[5:]
    assert len(written) >= 5
    assert not any(a.intersects(b) for i, a in enumerate(written) for b in [*bodies, *written[i + 1 :]])
    bench.close()
