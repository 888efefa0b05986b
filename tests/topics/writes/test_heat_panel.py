"""The key heat map: every operation of a workload in its range and its time."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from prayog_sim.run import Action
from prayog_writes.engine.study import Study
from prayog_writes.engine.workload import number_of_key, operations
from prayog_writes.panels.heat_sum import HeatSum
from prayog_writes.topic import Params, setup_of


def test_ranges_that_grow_coarser_lose_nothing() -> None:
    run = Study(setup_of(Params(keys=100, value_size=10), "manual"), 1)
    run.do(Action("run_workload", {"workload": "overwrite", "count": 100}))
    run.do(Action("run_workload", {"workload": "ascending", "count": 5_000}))
    heat = HeatSum()
    while (step := run.step()) is not None:
        heat.take(step)
    assert heat.columns[0].width == 1
    assert heat.width == 128
    counts, groups = heat.table("writes", 1_000)
    assert counts.sum() == 5_100
    stream = list(operations("ascending", 5_000, 100, 10, 1, 100))
    expected = [0] * len(counts)
    for op in stream:
        expected[number_of_key(op.key) // 128] += 1
    assert counts[:, 1:].sum(axis=1).tolist() == expected
    assert [(group[0].begin, group[-1].end) for group in groups][:2] == [(0, 100), (100, 300)]
    few, joined = heat.table("writes", 7)
    assert len(joined) <= 7
    assert few.sum(axis=1).tolist() == counts.sum(axis=1).tolist()
    assert joined[-1][-1].end == 5_100


def test_a_cell_tells_its_keys_and_leads_to_its_moment(bench: Any, qtbot: QtBot) -> None:
    bench.open("levels_form")
    bench.play()
    panel = bench.panel("heat")
    panel._draw()
    view = panel._views["reads"]
    assert panel._counts["reads"].sum() > 800  # YCSB B reads
    assert "0" not in view.accessibleDescription().split()[:1]
    view.setFocus()
    qtbot.keyClick(view, Qt.Key.Key_Up)
    for _ in range(3):
        qtbot.keyClick(view, Qt.Key.Key_Right)
    assert view._cell == (0, 3)
    column = panel._sum.columns[3]
    assert f"operations {column.begin + 1:,} to {column.end:,}" in panel._note.text()
    assert f"user{panel._sum.width:08d}" in panel._note.text()
    qtbot.keyClick(view, Qt.Key.Key_Return)
    bench.frame()
    assert bench.at == column.seq
    assert view._cursor == 3
    qtbot.mouseClick(view, Qt.MouseButton.LeftButton, pos=view._frame().center().toPoint())
    bench.frame()
    assert bench.at > column.seq


def test_without_a_workload_it_says_what_to_do(bench: Any) -> None:
    bench.open("first_write")
    panel = bench.panel("heat")
    assert panel._pages.currentIndex() == 0
    assert "Run a workload" in panel.outline()
