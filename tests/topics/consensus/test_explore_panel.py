"""The explorer on the real bench: a search in another process, its way step by step, and both on the bench."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTreeWidgetItem
from pytestqt.qtbot import QtBot

from prayog.settings import Settings
from prayog.ui.bench.page import BenchPage
from prayog_sdk.qt.jobs import JobManager
from prayog_sdk.services import Services
from prayog_sim.explorer import Verdict

from .playing import topic


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


def explorer(page: BenchPage, qtbot: QtBot, scenario: str) -> Any:
    page.open_scenario(topic().scenario(scenario))
    qtbot.waitUntil(lambda: page.driver.branch is not None, timeout=20_000)
    slot = next(slot for slot in page.docks.slots() if slot.spec.id == "explore")
    dock = page.docks.dock("explore")
    assert dock is not None
    dock.show()
    dock.raise_()
    qtbot.waitUntil(lambda: slot.panel is not None, timeout=20_000)
    return slot.panel


def offered(panel: Any, group: int) -> list[QTreeWidgetItem]:
    head = panel._steps._next.topLevelItem(group)
    return [head.child(row) for row in range(head.childCount())]


def test_a_search_its_way_and_the_bench(bench: BenchPage, qtbot: QtBot) -> None:
    panel = explorer(bench, qtbot, "floodmax_myth")
    form = panel._form
    form._variant.setCurrentIndex(form._variant.findData("log-rounds"))
    form._numbers["nodes"].setValue(4)
    assert "It works in rounds" in form._time.text()
    assert form._numbers["steps"].isVisibleTo(form)
    assert not form._numbers["timers"].isVisibleTo(form)
    panel._go.click()
    qtbot.waitUntil(lambda: panel._depths.words() != "", timeout=30_000)
    verdict = panel._verdict()
    assert isinstance(verdict, Verdict)
    assert (verdict.outcome, panel._depths._counts[0]) == ("fails", 1)
    assert "stopped at a violation" in panel.outline()

    panel._follow.click()
    walked = panel._steps
    qtbot.waitUntil(lambda: walked._moment is not None, timeout=20_000)
    assert verdict.path is not None
    assert walked._moment.path == verdict.path.actions
    assert "decided for" in walked._wrong.text()
    walked._back.click()
    qtbot.waitUntil(lambda: walked._moment.place == len(verdict.path.actions) - 1, timeout=20_000)
    assert not walked._wrong.isVisibleTo(walked)
    assert walked._on.isEnabled()
    walked._bench.click()
    qtbot.waitUntil(lambda: len(bench.driver.branches) == 2, timeout=20_000)
    assert [step.kind for step in bench.host.trace].count("violation") == 0

    panel._pages.setCurrentWidget(panel._found)
    panel._open.click()
    qtbot.waitUntil(lambda: len(bench.driver.branches) == 3, timeout=20_000)
    assert any(step.kind == "violation" for step in bench.host.trace)


def test_choices_are_taken_by_keyboard_and_barred_ones_say_why(bench: BenchPage, qtbot: QtBot) -> None:
    panel = explorer(bench, qtbot, "raft_at_rest")
    assert "There is no clock" in panel._form._time.text()
    panel._pages.setCurrentWidget(panel._steps)
    panel._steps._begin.click()
    qtbot.waitUntil(lambda: panel._steps._moment is not None, timeout=20_000)
    assert [item.text(0) for item in offered(panel, 0)] == [f"n{n} timer election" for n in (1, 2, 3)]
    assert {item.text(1) for item in offered(panel, 1) if "crash" in item.text(0)} == {"the bounds allow no crash"}
    tree = panel._steps._next
    tree.setFocus()
    qtbot.keyClick(tree, Qt.Key.Key_Return)  # the first that can be chosen is current
    qtbot.waitUntil(lambda: panel._steps._moment.place == 1, timeout=20_000)
    assert panel._steps._moment.changed == {"n1"}
    assert tree.hasFocus()
    assert "● n1" in [panel._steps._nodes.item(row, 0).text() for row in range(3)]
    tree.itemActivated.emit(offered(panel, 1)[0], 0)  # one that cannot be chosen
    assert panel._walking is None
    panel._steps._path.itemActivated.emit(panel._steps._path.topLevelItem(0), 0)
    qtbot.waitUntil(lambda: panel._steps._moment.place == 0, timeout=20_000)
    assert len(panel._steps._moment.path) == 1


@pytest.mark.parametrize(
    ("asked", "words"),
    [("propose n1", "reads name key=value"), ("propose node=n9", "found n9"), ("x=1", "needs node=")],
)
def test_what_cannot_be_explored_is_said(bench: BenchPage, qtbot: QtBot, asked: str, words: str) -> None:
    panel = explorer(bench, qtbot, "raft_at_rest")
    panel._form._actions.setText(asked)
    panel._steps._begin.click()
    qtbot.waitUntil(lambda: words in panel._note.text(), timeout=20_000)
    assert panel._walking is None
