"""The levels on the bench: slider, keyboard, mouse, motion, and the databases of other people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QMouseEvent
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from prayog_sim.run import Action
from prayog_writes.engine.database import Database
from prayog_writes.engine.disk import DiskFiles
from prayog_writes.engine.options import Options


def hover(widget: QWidget, x: float, y: float) -> None:
    """The mouse is over a place of `widget`."""
    place, none = QPointF(x, y), Qt.MouseButton.NoButton
    where = QPointF(widget.mapToGlobal(place))
    QApplication.sendEvent(
        widget, QMouseEvent(QEvent.Type.MouseMove, place, where, none, none, Qt.KeyboardModifier.NoModifier)
    )


def test_the_slider_goes_from_edit_to_edit_with_its_reason(bench: Any, qtbot: QtBot) -> None:
    bench.open("levels_form")
    bench.play(300)
    panel = bench.panel("levels")
    edits = [step.seq for step in bench.trace if step.kind == "edit"]
    panel._slider.setFocus()
    panel._slider.setValue(4)
    bench.frame()
    assert bench.at == edits[4]
    qtbot.keyClick(panel._slider, Qt.Key.Key_Right)
    bench.frame()
    assert bench.at == edits[5]
    assert bench.trace[edits[5]].data["reason"] in panel._reason.text()
    data = bench.trace[edits[5]].data
    assert f"edit {data['edit']}, byte {data['offset']:,} of the MANIFEST" in panel._count.text()


def test_a_table_is_chosen_by_keyboard_and_by_mouse(bench: Any, qtbot: QtBot) -> None:
    bench.open("levels_form")
    bench.play(420)
    panel = bench.panel("levels")
    view = panel._levels
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Down)
    first = panel._reason.text()
    assert first.startswith("Table ")
    assert "would read and rewrite" in first
    qtbot.keyClick(view, Qt.Key.Key_Down)
    qtbot.keyClick(view, Qt.Key.Key_Right)
    assert panel._reason.text().startswith("Table ")
    assert panel._reason.text() != first
    assert panel._reason.text() in view.accessibleDescription()
    for by_key in (0, 1):
        panel._way.setCurrentIndex(by_key)
        bench.frame()
        level, file = next((n, f) for n, files in enumerate(view.facts["levels"]) if n for f in files)
        box = view._boxes[int(file["number"])]
        hover(view, 1, 1)
        hover(view, box.x + box.w / 2, box.y + box.h / 2)
        assert panel._reason.text() == view.words(level, file)


def test_boxes_move_only_where_motion_is_wanted(bench: Any) -> None:
    bench.open("levels_form")
    bench.play(420)
    panel = bench.panel("levels")
    edit = [step.seq for step in bench.trace if step.kind == "edit" and step.data["deleted"]][-1]
    driver = bench.page.driver
    driver.seek(edit)
    bench.frame()
    driver.branch.clock_us += 0.5
    panel._dirty = True
    panel.on_frame()
    assert panel._levels._motion is not None
    bench.page.host.reduced_motion = True
    panel._dirty = True
    panel.on_frame()
    assert panel._levels._motion is None


@pytest.fixture
def friend(tmp_path: Path) -> Path:
    """A LevelDB folder of somebody else."""
    folder = tmp_path / "shop"
    with Database(DiskFiles(folder), Options(memtable=4_000, file=4_000, base=9_000, sync="never")) as db:
        for n in range(900):
            db.put(b"order%05d" % (n * 37 % 500), b"paid by UPI, number %d" % n)
    return folder


def test_a_database_of_somebody_else_is_looked_into(bench: Any, friend: Path) -> None:
    before = {path.name: path.read_bytes() for path in friend.iterdir()}
    bench.open("first_write")
    panel = bench.panel("levels")
    panel.look_into(str(friend))
    bench.until(lambda: bench.trace[-1].kind == "viewed" if len(bench.trace) else False)
    bench.frame()
    assert {path.name: path.read_bytes() for path in friend.iterdir()} == before
    assert "read only: nothing was changed" in panel._limits.text()
    assert "no damage found" in panel._limits.text()
    assert len(bench.page.driver.branches) == 2  # the learner's own run is still there
    assert sum(map(len, panel._levels.facts["levels"])) > 3
    assert all(f["entries"] > 0 for files in panel._levels.facts["levels"] for f in files)
    warned: list[str] = []
    bench.page.host.warned.connect(warned.append)
    bench.page.do(Action("put", {"key": "a", "value": "b"}))
    assert "opened to look only" in warned[0]
    assert {path.name: path.read_bytes() for path in friend.iterdir()} == before


def test_damage_of_somebody_elses_table_is_seen(bench: Any, friend: Path) -> None:
    table = sorted(friend.glob("*.ldb"))[0]
    data = bytearray(table.read_bytes())
    data[50] ^= 4
    table.write_bytes(data)
    bench.open("first_write")
    panel = bench.panel("levels")
    panel.look_into(str(friend))
    bench.until(lambda: bench.trace[-1].kind == "viewed" if len(bench.trace) else False)
    bench.frame()
    assert "damaged files: 1" in panel._limits.text()
    damaged = [f for files in panel._levels.facts["levels"] for f in files if f.get("damage")]
    assert [f["number"] for f in damaged] == [int(table.stem)]
    assert table.name in damaged[0]["damage"]


def test_a_folder_that_is_no_database_leaves_the_run_where_it_is(bench: Any, tmp_path: Path) -> None:
    bench.open("first_write")
    panel = bench.panel("levels")
    run = bench.page.host.run
    for folder, words in ((tmp_path, "has no file CURRENT"), (tmp_path / "gone", "is no folder")):
        panel.look_into(str(folder))
        assert words in panel._reason.text()
        assert words in bench.said[-1]
        assert bench.page.host.run is run
    (tmp_path / "CURRENT").write_text("MANIFEST-000009\n")
    panel.look_into(str(tmp_path))  # what is wrong with it shows only when it is read
    bench.until(lambda: any(step.kind == "problem" for step in bench.trace))
    bench.frame()
    assert "MANIFEST-000009" in panel._reason.text()
