"""The write-ahead log, record by record and byte by byte, and what each recovery mode would bring back.

When the database is down, a record can be chosen and cut off, or a bit in it flipped; then all four modes are tried.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.panel import Panel
from prayog_sim.run import Action, View
from prayog_sim.trace import Step

__all__ = ["LogPanel"]


class LogPanel(Panel):
    """Records above, recovery modes below."""

    title = "Log and crash lab"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dirty = True
        self._note = QLabel("")
        self._note.setWordWrap(True)
        self._records = _table([self.tr("Bytes"), self.tr("Sequence"), self.tr("Writes"), self.tr("First write")])
        self._records.setAccessibleName(self.tr("Records of the log"))
        self._modes = _table([self.tr("Recovery mode"), self.tr("Opens"), self.tr("Survive"), self.tr("In words")])
        self._modes.setAccessibleName(self.tr("What each recovery mode brings back"))
        buttons = QWidget()
        row = FlowLayout(buttons)
        row.setContentsMargins(0, 0, 0, 0)
        self._buttons: dict[str, QPushButton] = {}
        acts: tuple[tuple[str, str, Callable[[], None]], ...] = (
            ("crash", self.tr("Kill the process"), lambda: self._do("crash")),
            ("power", self.tr("Pull the plug"), lambda: self._do("power_fail")),
            ("cut", self.tr("Cut here"), self._cut),
            ("flip", self.tr("Flip a bit here"), self._flip),
            ("try", self.tr("Try all four modes"), lambda: self._do("try_modes")),
            ("open", self.tr("Reopen"), lambda: self._do("reopen")),
        )
        for name, title, act in acts:
            button = QPushButton(title)
            button.clicked.connect(lambda _checked=False, act=act: act())
            self._buttons[name] = button
            row.addWidget(button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(theme.UNIT,) * 4)
        layout.addWidget(self._note)
        layout.addWidget(buttons)
        layout.addWidget(self._records, 3)
        layout.addWidget(self._modes, 2)

    def _do(self, name: str, **args: Any) -> None:
        if self.bench is not None:
            self.bench.do(Action(name, args))

    def _chosen(self) -> tuple[int, int] | None:
        """First byte and end of the chosen record; the last one when none is chosen."""
        log = self._log()
        records = log.get("records") or []
        if not records:
            return None
        line = self._records.currentRow()
        record = records[line if 0 <= line < len(records) else -1]
        return int(record["start"]), int(record["end"])

    def _cut(self) -> None:
        chosen = self._chosen()
        self._do("cut_wal", at=chosen[1] - 3 if chosen else -3)

    def _flip(self) -> None:
        chosen = self._chosen()
        self._do("flip_byte", file="log", at=(chosen[0] + chosen[1]) // 2 if chosen else 100, bit=6)

    def _log(self) -> Mapping[str, Any]:
        return (self.bench.view().facts.get("wal") if self.bench is not None else None) or {}

    def on_step(self, step: Step) -> None:
        self._dirty = True

    def on_seek(self, view: View) -> None:
        self._dirty = True

    def on_frame(self) -> None:
        if not self._dirty or self.bench is None or not self.isVisible():
            return
        self._dirty = False
        facts = self.bench.view().facts
        up = bool(facts.get("open"))
        for name, button in self._buttons.items():
            button.setEnabled(up == (name in ("crash", "power")))
        log = facts.get("wal") or {}
        if up or not log:
            bytes_now = facts.get("log", {}).get("bytes", 0)
            self._note.setText(
                self.tr(
                    "The log holds {n} bytes. Stop the database to look into it: kill it, or pull the plug."
                ).replace("{n}", f"{bytes_now:,}")
            )
        else:
            damage = "; ".join(f"{d['start']:,}–{d['end']:,}: {d['why']}" for d in log.get("damage", ()))
            self._note.setText(
                f"{log['file']}, {log['bytes']:,} bytes. {damage or self.tr('Every checksum is right.')}"
            )
        rows = [] if up else [
            [f"{r['start']:,}–{r['end']:,}", str(r["sequence"]), str(r["count"]), str(r["first"])]
            for r in log.get("records", ())
        ]  # fmt: skip
        _fill(self._records, rows)
        _fill(
            self._modes,
            [
                [
                    mode, "✓" if found["opens"] else "✗",
                    f"{found['survived']:,} of {found['acknowledged']:,}" if found["opens"] else "–",
                    found["sentence"] or self._loss(found["lost"]),
                ]
                for mode, found in facts.get("modes", {}).items()
            ],
        )  # fmt: skip
        survival = facts.get("survival")
        if survival and up:
            words = self.tr("Reopened: {n} of {m} acknowledged writes survived ({lost} lost).")
            self._note.setText(
                words.replace("{n}", f"{survival['survived']:,}").replace("{m}", f"{survival['acknowledged']:,}")
                .replace("{lost}", f"{survival['lost']:,}")
            )  # fmt: skip

    def _loss(self, lost: int) -> str:
        return self.tr("{n} lost").replace("{n}", f"{lost:,}") if lost else self.tr("nothing is lost")

    def outline(self) -> str:
        return self._note.text()


def _table(headers: list[str]) -> QTableWidget:
    table = QTableWidget(0, len(headers))
    table.setHorizontalHeaderLabels(headers)
    table.verticalHeader().hide()
    table.setShowGrid(False)
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
    table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    table.horizontalHeader().setStretchLastSection(True)
    table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
    return table


def _fill(table: QTableWidget, rows: list[list[str]]) -> None:
    table.setRowCount(len(rows))
    for line, cells in enumerate(rows):
        for column, text in enumerate(cells):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            table.setItem(line, column, item)
