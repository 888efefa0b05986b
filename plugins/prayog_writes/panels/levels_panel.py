"""The levels: a box a table, a slider over the MANIFEST, compactions at work; and the databases of other people.

The slider goes from edit to edit, each with its reason.  The thresholds of level 0 stand below it.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtCore import QRect, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QPushButton, QSlider, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.reader import TraceReader
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.state import paragraph
from prayog_sim.run import Action, View
from prayog_sim.trace import Step
from prayog_writes.panels.level_view import LevelView
from prayog_writes.panels.motion import Chronicle, motion, share_of_step
from prayog_writes.panels.tree import sublevels

__all__ = ["LevelsPanel"]

Facts = Mapping[str, Any]

_LONG = "compaction: L1 has 1,000,000 bytes of 1,000,000: score 1.00; table 100 is next in turn; 10 tables of L2 meet;"
_WORST = f"{_LONG} 1,000,000 bytes in, 1,000,000 out, 1,000 old versions and 1,000 tombstones dropped"
_LINES = 3  # of the reason at most, with large text 2: the picture must not jump when another table is hovered


class LevelsPanel(Panel):
    """The tree, the way it is drawn, and the slider over the edits."""

    title = "Levels"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dirty = True
        self._drawn = -2
        self._said = ""
        self._trouble = ""
        self._chronicle = Chronicle()
        self._reader = TraceReader(self._take, self)
        self._reader.grown.connect(lambda _through: self._again())
        self._way = QComboBox()
        self._way.addItems([self.tr("Area is bytes"), self.tr("Aligned by key range")])
        self._way.setAccessibleName(self.tr("How tables are drawn"))
        self._way.currentIndexChanged.connect(self._turn)
        self._open = QPushButton(self.tr("Open a database…"))
        self._open.setToolTip(self.tr("Look into a LevelDB or RocksDB folder of this machine; nothing in it changes"))
        self._open.clicked.connect(self._ask)
        self._count = QLabel()
        self._count.setProperty("kind", "muted")
        head = QWidget()
        row = FlowLayout(head)
        for widget in (self._way, self._open, self._count):
            row.addWidget(widget)
        self._slider = QSlider(Qt.Orientation.Horizontal)
        self._slider.setAccessibleName(self.tr("Edits of the MANIFEST"))
        self._slider.setRange(0, 0)
        self._slider.valueChanged.connect(self._slide)
        self._reason = paragraph("")
        self._reason.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._limits = paragraph("")
        self._levels = LevelView(self.tr("Levels of the tree"))
        self._levels.told.connect(self._tell)
        column = column_in(self)
        for part in (head, self._slider, self._reason, self._limits):
            column.addWidget(part)
        column.addWidget(self._levels, 1)

    # -- the bench -----------------------------------------------------------------------------------------------

    def on_run(self, bench: Bench) -> None:
        self._chronicle, self._trouble = Chronicle(), ""
        self._reader.begin(bench.trace)
        self._again()

    def _take(self, step: Step) -> None:
        self._chronicle.take(step)

    def on_step(self, step: Step) -> None:
        self._dirty = True

    def on_seek(self, view: View) -> None:
        self._again()

    def on_theme(self) -> None:
        self._fit()

    def unbind(self) -> None:
        super().unbind()
        self._reader.stop()

    def _again(self) -> None:
        self._dirty = True
        self._drawn = -2

    def on_frame(self) -> None:
        bench = self.bench
        if bench is None:
            return
        self._reader.go_on()
        view, at = bench.view(), bench.at
        share = 1.0
        if not bench.reduced_motion and at - self._drawn <= 1 and bench.run.kind == "world":
            share = share_of_step(bench.trace, at, bench.clock_us, bench.run.next_at)
        moves = motion(bench.trace, at, share, view.facts, self._chronicle.tables)
        if not self._dirty and moves is None:
            return
        self._drawn, self._dirty = at, moves is not None and moves.moving
        self._levels.whole = not view.facts.get("guest")
        self._levels.show_facts(view.facts, moves)
        self._show_place(at)
        self._show_limits(view.facts)
        self._say(self._why(view.facts))

    # -- words ---------------------------------------------------------------------------------------------------

    def _show_place(self, at: int) -> None:
        edits, now = len(self._chronicle.edits), self._chronicle.edit_at(at)
        self._slider.blockSignals(True)
        self._slider.setRange(0, max(0, edits - 1))
        self._slider.setValue(now - 1)
        self._slider.setEnabled(edits > 1)
        self._slider.blockSignals(False)
        if now:
            _, number, byte = self._chronicle.edits[now - 1]
            self._count.setText(self.tr("edit {n}, byte {b} of the MANIFEST").format(n=f"{number:,}", b=f"{byte:,}"))
        else:
            self._count.setText("")

    def _show_limits(self, facts: Facts) -> None:
        limits, top, kind = facts["limits"], facts["levels"][0], "muted"
        if facts.get("viewed"):
            words = f"{self._guest(facts['viewed'])} {facts['error']}".strip()
        elif facts.get("guest"):
            words = "" if facts["error"] else self.tr("Reading every block; nothing is changed…")
        else:
            words = self.tr("L0: {n} tables in {k} sub-levels · compaction from {trigger}, delay {slow}, stop {stop}")
            words = words.format(
                n=len(top), k=max(sublevels(top), default=-1) + 1, trigger=limits["trigger"], slow=limits["slowdown"],
                stop=limits["stop"],
            )  # fmt: skip
            kind = "warn" if len(top) >= limits["slowdown"] else "muted"
        if self._limits.property("kind") != kind:
            self._limits.setProperty("kind", kind)
            self._limits.style().polish(self._limits)
        self._limits.setText(words)

    def _guest(self, viewed: Facts) -> str:
        logs, damaged = viewed["rows_in_logs"], viewed["damaged"]
        words = self.tr("{engine}, read only: nothing was changed. {rows} rows in tables, {logs}; {damage}.")
        return words.format(
            engine=viewed["engine"], rows=f"{viewed['rows_in_tables']:,}",
            logs=self.tr("its log not read") if logs is None else self.tr("{n} in the log").format(n=f"{logs:,}"),
            damage=self.tr("damaged files: {n}").format(n=damaged) if damaged else self.tr("no damage found"),
        )  # fmt: skip

    def _why(self, facts: Facts) -> str:
        if self._trouble:
            return self._trouble
        if facts.get("guest") and facts["error"] and not any(facts["levels"]):
            return str(facts["error"])
        if facts["job"] and facts["job"].get("reason"):
            return self.tr("At work: {why}").format(why=facts["job"]["reason"])
        if not facts["reason"]:
            return self.tr("No table was written yet. Run a workload, or open somebody’s database.")
        return str(facts["reason"])

    def _say(self, words: str) -> None:
        self._said = words
        if not self._levels.has_choice:
            self._tell(words)

    def _tell(self, words: str) -> None:
        self._reason.setText(words or self._said)
        self._reason.setToolTip(self._reason.text())

    def _fit(self) -> None:
        """Reserve the lines that the longest reason needs, so that the picture stays where it is."""
        metrics = self._reason.fontMetrics()
        wide = max(80, self.width() - 2 * theme.UNIT)
        needed = metrics.boundingRect(QRect(0, 0, wide, 10_000), Qt.TextFlag.TextWordWrap, _WORST).height()
        lines = _LINES if theme.scaled(100) < 150 else 2
        self._reason.setFixedHeight(min(lines * metrics.lineSpacing(), needed) + 2)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    # -- acting --------------------------------------------------------------------------------------------------

    def _turn(self, index: int) -> None:
        self._levels.by_key = index == 1
        self._levels.update()

    def _slide(self, value: int) -> None:
        if self.bench is not None and value < len(self._chronicle.edits):
            self.bench.seek(self._chronicle.edits[value][0])

    def _ask(self) -> None:
        dialog = QFileDialog(self.window(), self.tr("Choose the folder of a LevelDB or RocksDB database"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.look_into)
        dialog.open()

    def look_into(self, folder: str) -> None:
        """Show the database in `folder` as a run of its own, beside the one on the bench."""
        if self.bench is None or not folder:
            return
        from prayog_writes.engine.real.guest import GuestSession
        from prayog_writes.engine.real.other import refusal

        self._trouble = refusal(Path(folder))
        if self._trouble:
            self.bench.say(self._trouble)
            self._again()
            self.on_frame()
            return
        self.bench.show(Path(folder).name, GuestSession())
        self.bench.do(Action("look_into", {"folder": folder}))

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"json": functools.partial(_write, self._levels.facts)}

    def outline(self) -> str:
        return f"{self._levels.accessibleDescription()}. {self._said} {self._limits.text()}".strip()


def _write(facts: Facts, path: Path) -> None:
    kept = {name: facts.get(name) for name in ("edits", "reason", "levels", "memtable", "log")}
    path.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
