"""Other engines given the same: who is how quick with the same writes, and who brings back what after a crash?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QCheckBox, QPushButton, QSpinBox, QWidget

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
from prayog_writes.panels.tree import told_bytes

__all__ = ["EnginesPanel"]

Data = Mapping[str, Any]
_DAMAGES = {"none": "Process dies", "cut": "3 bytes cut off", "flip": "One bit flipped"}
_MOST_CRASHED = 20_000  # rows: each engine writes them one by one, and reads them back three times
_TITLES = {"prayog": "this engine", "leveldb": "LevelDB", "rocksdb": "RocksDB", "sqlite": "SQLite", "lmdb": "LMDB"}


class EnginesPanel(Panel):
    """One row an engine; those that are not installed say so."""

    title = "Other engines"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._peers: dict[str, Data] = {}
        self._absent: dict[str, str] = {}
        self._crashes: dict[str, dict[str, Data]] = {}
        self._dirty = True
        self._busy = False
        self._count = QSpinBox()
        self._count.setRange(100, 1_000_000)
        self._count.setValue(20_000)
        self._count.setSingleStep(1_000)
        self._count.setGroupSeparatorShown(True)
        self._count.setSuffix(self.tr(" operations"))
        self._count.lineEdit().setTextMargins(theme.UNIT, 0, 0, 0)  # the style sheet’s padding does not reach it
        self._count.setAccessibleName(self.tr("Operations"))
        self._sync = QCheckBox(self.tr("sync every batch of 100"))
        self._go = QPushButton(self.tr("Write into all"))
        self._go.setProperty("kind", "primary")
        self._go.clicked.connect(self._start)
        self._crash = QPushButton(self.tr("Crash all"))
        self._crash.setToolTip(self.tr("Each engine writes in a process that dies; its log is cut, or a bit flips"))
        self._crash.clicked.connect(self._start_crash)
        head = QWidget()
        row = FlowLayout(head)
        for widget in (self._go, self._crash, self._count, self._sync):
            row.addWidget(widget)
        self._note = paragraph("", "muted")
        self._bars = BarsView(self.tr("Writes a second"), shared=True)
        heads = [
            self.tr("Engine"), self.tr("Same rows"), self.tr("Writes/s"), self.tr("On disk"), self.tr("Tables"),
            self.tr("Rows"),
        ]  # fmt: skip
        self._table = TextTable(self.tr("The same writes into every engine"), heads, numbers=(2, 3, 4, 5))
        self._table.setMinimumHeight(theme.scaled(150))
        heads = [self.tr("Engine"), self.tr("Acknowledged"), *(self.tr(words) for words in _DAMAGES.values())]
        self._fates = TextTable(self.tr("What each engine brings back after a crash"), heads, numbers=(1,))
        self._fates.setMinimumHeight(theme.scaled(150))
        self._fates.itemSelectionChanged.connect(self._tell)
        self._words = paragraph("")
        column = column_in(self)
        for part in (head, self._note, self._fates, self._words, self._bars, self._table):
            column.addWidget(part)
        column.addStretch(1)

    # -- the bench -----------------------------------------------------------------------------------------------

    def on_run(self, bench: Bench) -> None:
        self._gather(bench.trace[: bench.at + 1])

    def on_step(self, step: Step) -> None:
        self._take(step)

    def on_seek(self, view: View) -> None:
        if self.bench is not None:
            self._gather(self.bench.trace[: view.seq + 1])

    def on_theme(self) -> None:
        for table in (self._table, self._fates):
            table.setMinimumHeight(theme.scaled(150))
        self._bars.updateGeometry()

    def on_frame(self) -> None:
        if self.bench is not None and (self._dirty or self.bench.run.busy != self._busy):
            self._dirty, self._busy = False, self.bench.run.busy
            self._draw()

    def _gather(self, steps: list[Step]) -> None:
        self._peers, self._absent, self._crashes, self._dirty = {}, {}, {}, True
        for step in steps:
            self._take(step)

    def _take(self, step: Step) -> None:
        if step.kind == "peer":
            self._peers[step.node] = step.data
        elif step.kind == "absent" and step.node in _TITLES:
            self._absent[step.node] = str(step.data["sentence"])
        elif step.kind == "crashed":
            self._crashes[step.node] = {}
        elif step.kind == "peer_crash":
            self._crashes.setdefault(step.node, {})[str(step.data["damage"])] = step.data
        else:
            return
        self._dirty = True

    def _start(self) -> None:
        if self.bench is not None:
            sync = "always" if self._sync.isChecked() else "never"
            do_for_real(
                self.bench, self.tr("Other engines"), Action("compare", {"count": self._count.value()}),
                sync=sync, batch=100, memtable_kib=1024,
            )  # fmt: skip

    def _start_crash(self) -> None:
        if self.bench is not None:
            sync = "always" if self._sync.isChecked() else "never"
            action = Action("crash_peers", {"count": min(self._count.value(), _MOST_CRASHED), "engine": "all"})
            do_for_real(self.bench, self.tr("Crashes of other engines"), action, sync=sync, batch=1)

    # -- showing -------------------------------------------------------------------------------------------------

    def _draw(self) -> None:
        assert self.bench is not None
        rows, bars = [], []
        for name, data in self._peers.items():
            title = self.tr(_TITLES.get(name, name))
            same = "✓ " + self.tr("yes") if data["same"] else "✗ " + self.tr("no")
            rows.append([
                title, same, f"{data['per_second'] or 0:,}", told_bytes(data["disk_bytes"]), f"{data['tables']:,}",
                f"{data['keys']:,}",
            ])  # fmt: skip
            look = 0 if name == "prayog" else -1
            bars.append(BarRow(title, (Bar("w", data["per_second"] or 0, f"{data['per_second'] or 0:,} /s", look),)))
        self._bars.show_rows(bars)
        self._table.show_rows(rows, strong=[line for line, row in enumerate(rows) if row[1].startswith("✗")])
        self._table.setVisible(bool(rows))
        self._fates.show_rows([self._fate(name, found) for name, found in self._crashes.items()])
        self._fates.setVisible(bool(self._crashes))
        self._tell()
        if self._busy:
            words = self.tr("One engine after the other…")
        elif rows:
            words = self.tr(
                "w: writes a second on this machine, now. Ours is Python, the others are C and C++ called from Python."
            )
        elif self._crashes:
            words = self.tr("A copy of what the dead process left is damaged. Choose a row to read what was said.")
        else:
            words = self.tr("The same operations go into this engine, LevelDB, RocksDB, SQLite and LMDB.")
        self._note.setText(" ".join([words, *self._absent.values()]))

    def _fate(self, name: str, found: Mapping[str, Data]) -> list[str]:
        told = next((f"{data['acknowledged']:,}" for data in found.values()), "")
        return [self.tr(_TITLES.get(name, name)), told, *(self._survivors(found.get(each)) for each in _DAMAGES)]

    def _survivors(self, data: Data | None) -> str:
        if data is None:
            return ""
        if not data["opens"]:
            return "✗ " + self.tr("does not open")
        if not data["lost"] and not data["wrong"]:
            return "✓ " + self.tr("all")
        words = [self.tr("{n} lost").format(n=f"{data['lost']:,}")] if data["lost"] else []
        if data["wrong"]:
            words.append(self.tr("{n} wrong").format(n=f"{data['wrong']:,}"))
        words.append(self.tr("a prefix") if data["prefix"] else self.tr("with a hole"))
        return ", ".join(words)

    def _tell(self) -> None:
        """What was done to the chosen engine's files, and what it said."""
        chosen, names = self._fates.currentRow(), list(self._crashes)
        told = []
        if 0 <= chosen < len(names):
            for data in self._crashes[names[chosen]].values():
                at, file = data["at"], data["file"]
                place = "" if at is None else self.tr(" at byte {n} of {file}").format(n=f"{at:,}", file=file)
                said = f": {data['sentence']}" if data["sentence"] else ""
                told.append(f"{self.tr(_DAMAGES[data['damage']])}{place}: {self._survivors(data)}{said}")
        self._words.setText("\n".join(told))

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"csv": self._write}

    def _write(self, path: Path) -> None:
        import csv

        names = ("writes", "us", "per_second", "same", "disk_bytes", "tables", "keys")
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["engine", *names])
            rows.writerows([name, *(data[key] for key in names)] for name, data in self._peers.items())

    def outline(self) -> str:
        told = {name: "same" if data["same"] else "other" for name, data in self._peers.items()}
        same = "; ".join(f"{_TITLES.get(name, name)}: {word} rows" for name, word in told.items())
        fates = "; ".join(" · ".join(self._fate(name, found)) for name, found in self._crashes.items())
        return f"{self._note.text()} {self._bars.accessibleDescription()} {same} {fates}".strip()
