"""Counters beside theory: what was measured on this run, what the formula says, and the same for other sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from prayog_consensus.engine.families import family
from prayog_consensus.sweeping import SIZES, Point, sweep
from prayog_sdk.qt import theme
from prayog_sdk.qt.jobs import Job
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["TheoryPanel"]


class TheoryPanel(Panel):
    """A table of formulas, one column a size; the sweep runs in another process."""

    title = "Counters and theory"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self._points: list[Point] = []
        self._dirty = True
        self._go = QPushButton(self.tr("Measure 3 to 9 nodes"))
        self._go.setProperty("kind", "primary")
        self._go.clicked.connect(self._start)
        self._note = QLabel("")
        self._note.setWordWrap(True)
        self._note.setProperty("kind", "muted")
        self._table = TextTable(self.tr("Counters and formulas"), ())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(theme.UNIT,) * 4)
        layout.addWidget(self._go, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._note)
        layout.addWidget(self._table, 1)

    def on_run(self, bench: Bench) -> None:
        self._points = []
        self._dirty = True

    def on_step(self, step: Step) -> None:
        self._dirty = True

    def on_seek(self, view: View) -> None:
        self._dirty = True

    def on_frame(self) -> None:
        if not self._dirty or self.bench is None or not self.isVisible():
            return
        self._dirty = False
        chosen = family(self.bench.params.algorithm)
        self._go.setEnabled(bool(chosen.formulas))
        if not chosen.formulas:
            self._note.setText(self.tr("{name} has no formula here.").replace("{name}", chosen.title))
        elif not self._points and self._job is None:
            self._note.setText(
                self.tr(
                    "“Measured” is this run, once its counter stands still. The sweep runs each formula’s own scenario."
                )
            )
        self._fill(chosen.formulas)

    def _fill(self, formulas: Any) -> None:
        assert self.bench is not None
        sizes = sorted({point.nodes for point in self._points})
        heads = [
            self.tr("Count"),
            self.tr("Measured"),
            self.tr("Formula here"),
            *(f"n = {n}" for n in sizes),
            self.tr("Why"),
        ]
        self._table.set_heads(heads, numbers=range(1, len(heads) - 1))
        rows = []
        here = self.bench.params.nodes
        for formula in formulas:
            found = {p.nodes: p for p in self._points if p.formula == formula.name}
            value = self.bench.measure(formula.measure)
            cells = [formula.name, "–" if value is None else str(value), _expected(formula.expect(here))]
            cells += [found[n].text if n in found else "" for n in sizes]
            source = f" ({formula.source})" if formula.source else ""
            rows.append([*cells, formula.words + source])
        self._table.show_rows(rows)

    def _start(self) -> None:
        if self.bench is None:
            return
        if self._job is not None:
            self._job.cancel()
            return
        self._job = job = self.bench.jobs.submit_process(sweep, self.bench.params.algorithm, SIZES)
        self._go.setText(self.tr("Cancel"))
        job.progressed.connect(lambda done, total, text: self._note.setText(f"{done} / {total}: {text}"))
        job.succeeded.connect(self._show)
        job.failed.connect(lambda sentence, _trace: self._note.setText(sentence))
        job.finished.connect(self._finished)

    def _show(self, points: list[Point]) -> None:
        self._points = points
        wrong = [point for point in points if not point.same]
        self._note.setText(
            self.tr("All counts equal their formulas.")
            if not wrong
            else self.tr("{n} counts differ: see ✗.").replace("{n}", str(len(wrong)))
        )

    def _finished(self) -> None:
        self._job = None
        self._go.setText(self.tr("Measure 3 to 9 nodes"))
        self._dirty = True
        self.on_frame()  # the bench may stand still, and then draws no frame

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"csv": self._write}

    def _write(self, path: Path) -> None:
        import csv

        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["formula", "nodes", "measured", "expected"])
            writer.writerows([point.formula, point.nodes, point.measured, point.expected] for point in self._points)

    def outline(self) -> str:
        return "; ".join(f"{point.formula}, {point.nodes} nodes: {point.text}" for point in self._points)

    def unbind(self) -> None:
        super().unbind()
        if self._job is not None:
            self._job.cancel()


def _expected(value: int | tuple[int, int]) -> str:
    return str(value) if isinstance(value, int) else f"{value[0]} to {value[1]}"
