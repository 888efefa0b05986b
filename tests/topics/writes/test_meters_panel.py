"""Amplification on the bench: measured beside the formula, thresholds on the chart of L0, and what a get touched."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest


def drawn(plot: Any) -> list[tuple[list[float], list[float]]]:
    """The curves of a plot as (xs, ys)."""
    return [tuple(map(list, item.getData())) for item, _, _ in plot._pens]


def test_measured_and_formula_are_on_one_chart(bench: Any) -> None:
    bench.open("leveled")
    bench.play(900)
    panel = bench.panel("meters")
    panel._draw()
    moments = panel._course.moments
    measured, formula = drawn(panel._plots["write"])
    assert measured[1] == [m.values["write"] for m in moments]
    assert formula[1] == [m.theory["write"][0] for m in moments]
    assert [x * 1024 for x in measured[0]] == pytest.approx([m.user for m in moments])
    facts = bench.page.host.view().facts["amplification"]["write"]
    assert f"{facts['numerator']:,} bytes written to tables" in panel._fractions.text()
    panel._with_log.setChecked(True)
    assert drawn(panel._plots["write"])[0][1] == [m.values["write_with_log"] for m in moments]
    assert "tables and log" in panel._fractions.text()


def test_the_stall_thresholds_are_lines_on_the_chart_of_l0(bench: Any) -> None:
    bench.open("burst")
    bench.play()
    panel = bench.panel("meters")
    panel._draw()
    limits = bench.page.host.view().facts["limits"]
    lines = {mark.value() for mark in panel._plots["l0"]._marks}
    assert lines == {limits["trigger"], limits["slowdown"], limits["stop"]}
    ((_, ys),) = drawn(panel._plots["l0"])
    assert max(ys) == max(m.values["l0"] for m in panel._course.moments) > 0


def test_a_click_on_a_curve_goes_to_its_moment(bench: Any, tmp_path: Path) -> None:
    bench.open("leveled")
    bench.play(900)
    panel = bench.panel("meters")
    panel._draw()
    moment = panel._course.moments[10]
    panel._plots["space"].clicked.emit(moment.user / 1024)
    bench.frame()
    assert bench.at == moment.seq
    assert panel._plots["space"]._title.text().endswith(f"{moment.values['space']:.2f}")
    panel.exports()["csv"](tmp_path / "meters.csv")
    rows = list(csv.reader((tmp_path / "meters.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == len(panel._course.moments) + 1
    assert int(rows[11][0]) == moment.seq


def test_what_a_get_touched_is_listed_place_by_place(bench: Any) -> None:
    bench.open("undead_row")
    bench.play()
    panel = bench.panel("costs")
    bench.frame()
    looks = [step for step in bench.trace if step.kind == "look"]
    last = [step for step in looks if step.cause == looks[-1].cause]
    assert panel._looks.rowCount() == len(last) + 1
    assert panel._looks.item(len(last), 0).text().startswith("asha = ")
    assert panel._table.rowCount() == 3
    value = bench.page.host.view().facts["amplification"]["write"]["value"]
    assert panel._table.item(0, 1).text() == f"{value:.2f}"
