"""One question through every index: the same places, very different work."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton, QVBoxLayout, QWidget

from prayog_location.panels.gathering import Gathered
from prayog_location.panels.run_table import made
from prayog_sdk.qt import theme
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Panel
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["ComparePanel"]

COLUMNS = (
    ("Index", "The structure that was asked."),
    ("Build", "Milliseconds to build it on this machine."),
    ("Query", "Microseconds for one answer on this machine, median of five, without commentary."),
    ("Looked at", "Boxes, cells or key ranges that were looked at."),
    ("Candidates", "Places that the index handed over."),
    ("Tested", "Places whose distance was computed."),
    ("Answers", "Places that belong to the answer."),
    ("Useful", "Answers as a share of the candidates."),
    ("Same", "The same places as a full scan."),
)


class ComparePanel(Panel):
    """Runs all indexes in the background and lists work and time."""

    title = "All indexes"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._gathered = Gathered()
        self._asked: tuple[str, dict[str, Any]] | None = None
        self._job: Job | None = None
        self._rows: list[list[str]] = []
        self._go = QPushButton(self.tr("Ask all indexes"))
        self._go.setProperty("kind", "primary")
        self._go.clicked.connect(self._start)
        self._note = QLabel(self.tr("Ask a question on the map first; then all indexes can answer it."))
        self._note.setWordWrap(True)
        self._note.setProperty("kind", "muted")
        heads, hints = zip(*COLUMNS, strict=True)
        numbers = range(1, len(COLUMNS) - 1)
        self._table = TextTable(self.tr("All indexes on one question"), heads, numbers=numbers, hints=hints)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(theme.UNIT,) * 4)
        layout.addWidget(self._go, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._note)
        layout.addWidget(self._table, 1)
        self._show_state()

    def on_step(self, step: Step) -> None:
        if step.kind == "action":
            self._remember(step)
        self._gathered.take(step)

    def on_seek(self, view: View) -> None:
        assert self.bench is not None
        self._gathered.rebuild(self.bench.trace, view)
        self._asked = None
        for step in self.bench.trace[: view.seq + 1]:
            if step.kind == "action":
                self._remember(step)

    def on_frame(self) -> None:
        self._show_state()

    def _remember(self, step: Step) -> None:
        name = step.data["name"]
        if name in ("radius", "nearest", "box", "polygon"):
            self._asked = (name, {key: value for key, value in step.data.items() if key != "name"})

    def _show_state(self) -> None:
        self._go.setEnabled(self._asked is not None or self._job is not None)
        self._go.setText(self.tr("Cancel") if self._job is not None else self.tr("Ask all indexes"))
        if self._job is None and self._asked is not None and not self._rows:
            self._note.setText(self.tr("Builds nine indexes on the same places and asks each the question on the map."))

    def _start(self) -> None:
        if self._job is not None:
            self._job.cancel()
            return
        if self.bench is None or self._asked is None:
            return
        from prayog_location.engine.real.stopwatch import Timed, time_all

        own: Any = getattr(self.bench.run, "table", None)
        name, args = self._asked
        params, seed = self.bench.params, self.bench.seed

        def work(ctx: Ctx) -> list[Timed]:
            table = own if own is not None else made(ctx, params, seed)
            return list(time_all(table, name, args, params.leaf, ctx.progress))

        self._rows = []
        self._table.show_rows([])
        self._job = job = self.bench.jobs.submit(work)
        job.progressed.connect(self._progress)
        job.succeeded.connect(self._show)
        job.failed.connect(lambda sentence, _trace: self._note.setText(sentence))
        job.cancelled.connect(lambda: self._note.setText(self.tr("Cancelled.")))
        job.finished.connect(self._finished)
        self._show_state()

    def _progress(self, done: int, total: int, text: str) -> None:
        words = self.tr("{n} of {all}: {what}")
        self._note.setText(words.replace("{n}", str(done)).replace("{all}", str(total)).replace("{what}", text))

    def _finished(self) -> None:
        self._job = None
        self._show_state()

    def _show(self, timed: list[Any]) -> None:
        self._rows = [
            [
                row.index, f"{row.build_ms:,.0f} ms", f"{row.query_us:,.0f} µs", f"{row.looked_at:,}",
                f"{row.candidates:,}", f"{row.refined:,}", f"{row.answers:,}",
                f"{100 * row.answers / row.candidates:.0f} %" if row.candidates else "–",
                "✓ yes" if row.same else "✗ no",
            ]
            for row in timed
        ]  # fmt: skip
        self._table.show_rows(self._rows)
        quickest = min(timed, key=lambda row: row.query_us)
        words = self.tr(
            "Quickest here: {name}. The trees are written to be read, in Python; the grid answers thousands of "
            "questions at once."
        )
        self._note.setText(words.replace("{name}", quickest.index))

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"csv": self._write_csv}

    def _write_csv(self, path: Path) -> None:
        import csv

        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows([[name for name, _ in COLUMNS], *self._rows])

    def outline(self) -> str:
        return "; ".join(f"{row[0]}: {row[2]}, {row[3]} looked at" for row in self._rows)

    def unbind(self) -> None:
        super().unbind()
        if self._job is not None:
            self._job.cancel()
