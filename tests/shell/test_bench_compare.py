"""Compare A and B: two runs on one transport, with the same done to both."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from prayog.ui.bench.compare import CompareView
from prayog_sim.run import Action

from .room import GOSSIP, Room


def press_d(lab: Room, widget: QWidget) -> None:
    widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    widget.setFocus()
    lab.qtbot.keyClick(widget, Qt.Key.Key_D)


def compared(lab: Room, scenario: str) -> CompareView:
    page = lab.open(scenario)
    press_d(lab, page.docks)
    assert page.centre.compare.running
    lab.until(lambda: page.centre.compare.follower.driver.branch is not None)
    return page.centre.compare


def there(lab: Room, view: CompareView) -> None:
    """Wait until B shows the moment that A shows."""
    lab.until(lambda: view.follower.clock_us == lab.page.host.clock_us)


def test_b_goes_along_with_a_forward_and_back(room: Callable[..., Room]) -> None:
    lab = room(GOSSIP)
    view = compared(lab, "rumour")
    a, b = lab.page.host, view.follower
    assert (a.seed + 1, a.params) == (b.seed, b.params)
    lab.play()
    there(lab, view)
    assert b.at > 0
    assert b.trace[b.at].at <= a.clock_us
    assert b.run.next_at is None or b.run.next_at > a.clock_us
    assert b.trace.hash() != a.trace.hash()
    lab.page.driver.seek(2)
    there(lab, view)
    assert b.trace[b.at].at <= a.clock_us < b.trace[b.at + 1].at
    assert [slot.panel is not None for slot in view._slots] == [True, True]


def test_what_is_done_to_a_is_done_to_b(room: Callable[..., Room]) -> None:
    lab = room(GOSSIP)
    view = compared(lab, "rumour")
    for _ in range(4):
        lab.page.driver.step()
    there(lab, view)
    lab.page.do(Action("crash", {"node": "n2"}))
    there(lab, view)
    b = view.follower
    lab.until(lambda: b.view().nodes["n2"].status == "down")
    assert [timed.action.name for timed in b.run.actions] == ["crash"]
    b.do(Action("restart", {"node": "n2"}))  # as from a menu on B's picture
    lab.until(lambda: b.view().nodes["n2"].status == "up")
    assert lab.page.driver.view().nodes["n2"].status == "up"


def test_the_same_knobs_and_seed_never_part_and_another_seed_does(room: Callable[..., Room]) -> None:
    lab = room(GOSSIP)
    view = compared(lab, "rumour")
    lab.play()
    lab.until(lambda: "They part at event" in view._note.text())
    view._seed.setValue(lab.page.host.seed)
    lab.until(lambda: "Up to here they are the same" in view._note.text())
    rows: Any = [
        [view._table.item(line, column).text() for column in range(3)] for line in range(view._table.rowCount())
    ]
    assert rows
    assert all(a == b for _, a, b in rows)


def test_another_knob_is_another_b(room: Callable[..., Room]) -> None:
    lab = room(GOSSIP)
    view = compared(lab, "rumour")
    view._form.set_values({"nodes": 9})
    view._form.edited.emit(view._form.values())
    lab.until(lambda: len(view.follower.view().nodes) == 9)
    assert "nodes = 9" in view._b.text()
    assert len(lab.page.driver.view().nodes) == 5


def test_an_algorithm_without_a_clock_is_compared_too(room: Callable[..., Room]) -> None:
    lab = room()
    view = compared(lab, "three")
    lab.play()
    lab.until(lambda: view.follower.view().facts == lab.page.driver.view().facts)


def test_it_stays_for_a_new_run_and_leaves_nothing_behind(room: Callable[..., Room]) -> None:
    lab = room(GOSSIP)
    view = compared(lab, "rumour")
    before = view.follower.driver.branch
    lab.page.runs.again()
    lab.ready()
    lab.until(lambda: view.follower.driver.branch is not before)
    assert lab.page.centre.currentWidget() is view
    press_d(lab, view)
    assert not view.running
    assert lab.page.centre.currentWidget() is lab.page.docks
    assert [lens for lens in lab.page.host.lenses if lens in view._slots] == []
    compared(lab, "rumour")  # and the page can be closed while two runs are compared
