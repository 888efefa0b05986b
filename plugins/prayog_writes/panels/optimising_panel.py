"""Other ways to make writes and reads cheaper, measured on real databases: what each gains, and what it costs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QSpinBox, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.run import Action, View
from prayog_sim.trace import Step
from prayog_writes.panels.bars import Bar, BarRow, BarsView
from prayog_writes.panels.real_disk import do_for_real

__all__ = ["OptimisingPanel"]

Data = Mapping[str, Any]
_TITLES = {
    "batch": "Batches", "no_wait": "Commit without waiting", "queue": "Write-behind queue", "index": "Index",
    "cache": "Cache", "replica": "Read replica",
    "view": "Materialised view", "denormalise": "Denormalised table",
}  # fmt: skip


class OptimisingPanel(Panel):
    """Bars of time, a table, and the chosen experiment in words."""

    title = "Optimisations"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._found: dict[tuple[str, str], Data] = {}
        self._missing: set[str] = set()
        self._dirty = True
        self._busy = False
        self._what = QComboBox()
        self._what.setAccessibleName(self.tr("Experiment"))
        self._on = QComboBox()
        self._on.addItems([self.tr("both"), "SQLite", "PostgreSQL"])
        self._on.setAccessibleName(self.tr("Database"))
        self._count = QSpinBox()
        self._count.setRange(10, 100_000)
        self._count.setValue(500)
        self._count.lineEdit().setTextMargins(theme.UNIT, 0, 0, 0)  # the style sheet’s padding does not reach it
        self._count.setAccessibleName(self.tr("Rows"))
        self._one = QPushButton(self.tr("Try it"))
        self._one.clicked.connect(lambda: self._start([str(self._what.currentData())]))
        self._all = QPushButton(self.tr("Try all"))
        self._all.clicked.connect(lambda: self._start(list(self._names())))
        head = QWidget()
        row = FlowLayout(head)
        for widget in (self._what, self._on, QLabel(self.tr("rows")), self._count, self._one, self._all):
            row.addWidget(widget)
        self._note = paragraph("", "muted")
        self._bars = BarsView(self.tr("Time without and with each optimisation"), shared=False)
        heads = [self.tr(word) for word in ("Optimisation", "On", "Without", "With", "Gain", "Cost")]
        self._table = TextTable(self.tr("What each optimisation gains and costs"), heads, numbers=(2, 3, 4))
        self._table.setMinimumHeight(theme.scaled(130))
        self._table.itemSelectionChanged.connect(self._tell)
        self._words = paragraph("")
        column = column_in(self)
        for part in (head, self._note, self._table, self._words, self._bars):
            column.addWidget(part)
        column.addStretch(1)

    # -- the bench -----------------------------------------------------------------------------------------------

    def on_run(self, bench: Bench) -> None:
        if not self._what.count():
            for name in self._names():
                self._what.addItem(self.tr(_TITLES.get(name, name)), name)
        self._gather(bench.trace[: bench.at + 1])

    def on_step(self, step: Step) -> None:
        self._take(step)

    def on_seek(self, view: View) -> None:
        if self.bench is not None:
            self._gather(self.bench.trace[: view.seq + 1])

    def on_theme(self) -> None:
        self._table.setMinimumHeight(theme.scaled(130))
        self._bars.updateGeometry()

    def on_frame(self) -> None:
        if self.bench is not None and (self._dirty or self.bench.run.busy != self._busy):
            self._dirty, self._busy = False, self.bench.run.busy
            self._draw()

    @staticmethod
    def _names() -> tuple[str, ...]:
        from prayog_writes.engine.real.optimising import EXPERIMENTS

        return tuple(EXPERIMENTS)

    def _gather(self, steps: list[Step]) -> None:
        self._found, self._missing = {}, set()
        for step in steps:
            self._take(step)
        self._dirty = True

    def _take(self, step: Step) -> None:
        if step.kind == "experiment":
            self._found[step.node, str(step.data.get("on", "SQLite"))] = step.data
            self._dirty = True
        elif step.kind == "absent" and step.node in _TITLES:
            self._missing.add(str(step.data["sentence"]))
            self._dirty = True

    def _start(self, names: list[str]) -> None:
        if self.bench is not None:
            for name in names:
                on = self._on.currentText() if self._on.currentIndex() else "both"
                action = Action("optimise", {"what": name, "count": self._count.value(), "on": on})
                do_for_real(self.bench, self.tr("Real databases"), action)

    # -- showing -------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        assert self.bench is not None
        rows, lines = [], []
        for (name, on), data in self._found.items():
            title = self.tr(_TITLES.get(name, name))
            plain, better = data["plain_us"], data["better_us"]
            gain = _times(data["gain"])
            lines.append([title, on, _time(plain), _time(better), gain, str(data["cost"])])
            bars = (Bar("–", plain, _time(plain), -1), Bar("+", better, f"{_time(better)}, {gain}", 0))
            rows.append(BarRow(f"{title}, {on}", bars))
        self._bars.show_rows(rows)
        self._table.show_rows(lines)
        self._table.setVisible(bool(lines))
        if self._busy:
            words = self.tr("At work on the real database…")
        elif lines:
            words = self.tr("Bars: – without, + with the optimisation. Times on this machine, now; the ratio matters.")
        else:
            words = self.tr("Each does the same work twice on a real database, plainly and with the optimisation.")
        self._note.setText(" ".join([words, *sorted(self._missing)]))
        self._tell()

    def _tell(self) -> None:
        chosen = self._table.currentRow()
        found = list(self._found.items())
        if not found:
            self._words.setText("")
            return
        (name, on), data = found[chosen if 0 <= chosen < len(found) else -1]
        words = self.tr("{title} on {on}: {what}. The price: {cost}.").format(
            title=self.tr(_TITLES.get(name, name)), on=on, what=data["what"], cost=data["cost"]
        )  # fmt: skip
        figures = (f"{figure.replace('_', ' ')} {value:,g}" for figure, value in data["figures"].items())
        self._words.setText(f"{words} ({', '.join(figures)})" if data["figures"] else words)

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"csv": self._write}

    def _write(self, path: Path) -> None:
        import csv

        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["experiment", "on", "plain_us", "better_us", "gain", "what", "cost"])
            for (name, on), data in self._found.items():
                rows.writerow([name, on, *(data[key] for key in ("plain_us", "better_us", "gain", "what", "cost"))])

    def outline(self) -> str:
        return f"{self._note.text()} {self._bars.accessibleDescription()} {self._words.text()}".strip()


def _times(gain: float | None) -> str:
    return "–" if gain is None else f"{gain:,.0f} ×" if gain >= 100 else f"{gain:,.1f} ×"


def _time(us: float) -> str:
    return f"{us:,.0f} µs" if us < 1_000 else f"{us / 1_000:,.1f} ms" if us < 1_000_000 else f"{us / 1e6:,.2f} s"
