"""The write-ahead log, record by record and byte by byte: cut or flip any byte, and see which writes each mode saves.

The table lists the records as the crash left them; what was done to the file since, and what each recovery mode brings
back, stands beside each.
"""

from __future__ import annotations

from base64 import b64decode
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QVBoxLayout, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.panel import Panel
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.run import Action, View
from prayog_sim.trace import Step
from prayog_writes.engine.logview import SHOWN_BYTES
from prayog_writes.engine.options import MODES
from prayog_writes.panels.halves import Halves
from prayog_writes.panels.hex_view import HexView
from prayog_writes.panels.logmap import ROLES, Part, fates, part_at, parts

__all__ = ["LogPanel"]

Facts = Mapping[str, Any]
_NARROW = 520
_SHORT = ("T", "A", "P", "S")
_LISTED = 300  # records at once: a longer table would hold up the window


class LogPanel(Panel):
    """Bytes at the left, records and their fate at the right."""

    title = "Crash lab"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dirty = True
        self._drawn: Facts | None = None
        self._parts: list[Part] = []
        self._data = b""
        self._damage: list[Facts] = []
        self._listed = (0, 1 << 60)
        self._note = paragraph("")
        self._mode = QComboBox()
        self._mode.addItems(MODES)
        self._mode.setCurrentText("point in time")
        self._mode.setAccessibleName(self.tr("Recovery mode for reopening"))
        acts: tuple[tuple[str, str, Callable[[], None]], ...] = (
            ("crash", self.tr("Kill the process"), lambda: self._do("crash")),
            ("power", self.tr("Pull the plug"), lambda: self._do("power_fail")),
            ("cut", self.tr("Cut before this byte"), lambda: self._do("cut_wal", at=self._hex.chosen)),
            ("try", self.tr("Try all four modes"), lambda: self._do("try_modes")),
            ("open", self.tr("Reopen:"), lambda: self._do("reopen", mode=self._mode.currentText())),
        )
        head = QWidget()
        row = FlowLayout(head)
        self._buttons: dict[str, QPushButton] = {}
        for name, title, act in acts:
            button = QPushButton(title)
            button.clicked.connect(lambda _checked=False, act=act: act())
            self._buttons[name] = button
            row.addWidget(button)
        row.addWidget(self._mode)
        self._hex = HexView(self.tr("Bytes of the log"))
        self._hex.moved.connect(self._chosen)
        self._byte = paragraph("", "muted")
        self._bits: list[QPushButton] = []
        bits = QWidget()
        row = FlowLayout(bits, theme.UNIT // 2)
        row.addWidget(QLabel(self.tr("flip:")))
        for bit in range(7, -1, -1):
            each = QPushButton()
            each.setStyleSheet("padding: 2px 6px;")
            each.setAccessibleName(self.tr("Flip bit {n}").format(n=bit))
            each.setToolTip(self.tr("Flip bit {n} of this byte (once more puts it back)").format(n=bit))
            each.clicked.connect(lambda _checked=False, bit=bit: self._flip(bit))
            self._bits.append(each)
            row.addWidget(each)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.UNIT // 2)
        column.addWidget(self._hex, 1)
        column.addWidget(self._byte)
        column.addWidget(bits)
        heads = [self.tr("Byte"), *_SHORT, self.tr("In the file"), self.tr("Writes"), self.tr("First write")]
        hints = (
            self.tr("Where the record begins"),
            *MODES,
            self.tr("What became of the record"),
            self.tr("Sequence numbers"),
            "",
        )
        self._records = TextTable(self.tr("Records of the log, and their fate in each mode"), heads, hints=hints)
        self._records.setMinimumHeight(theme.scaled(110))
        self._records.itemSelectionChanged.connect(self._show_record)
        self._halves = Halves(left, self._records, _NARROW, 58)
        self._sums = paragraph("", "muted")
        outer = column_in(self)
        outer.addWidget(head)
        outer.addWidget(self._note)
        outer.addWidget(self._halves, 1)
        outer.addWidget(self._sums)

    # -- the bench -----------------------------------------------------------------------------------------------

    def on_step(self, step: Step) -> None:
        self._dirty = True

    def on_seek(self, view: View) -> None:
        self._dirty = True

    def on_theme(self) -> None:
        self._hex.restyle()
        self._records.setMinimumHeight(theme.scaled(110))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._halves.fit(self.width())

    def on_frame(self) -> None:
        if not self._dirty or self.bench is None:
            return
        self._dirty = False
        facts = self.bench.view().facts
        up, guest = bool(facts.get("open")), bool(facts.get("guest"))
        wal = None if up else facts.get("wal")
        for name, button in self._buttons.items():
            button.setEnabled(not guest and up == (name in ("crash", "power")))
        # The plug of a real machine cannot be pulled from here; its process can be killed.
        self._buttons["power"].setVisible(self.bench.run.kind == "world")
        self._mode.setEnabled(not up and not guest)
        self._note.setText(self._state(facts, wal))
        if wal is not self._drawn:
            self._drawn = wal
            self._data = b64decode(wal["data"]) if wal else b""
            self._damage = list(wal["damage"]) if wal else []
            self._parts = parts(self._data)
            self._hex.show_bytes(self._data, self._parts)
        self._halves.setEnabled(bool(wal))
        self._tell_byte()
        self._fill(facts, wal)

    # -- words ---------------------------------------------------------------------------------------------------

    def _state(self, facts: Facts, wal: Facts | None) -> str:
        if facts.get("guest"):
            return self.tr("This is the database of another program: nothing can be broken here.")
        working = facts.get("progress")
        if working:
            return self.tr("At work: {what}, {n} rows so far…").format(what=working["what"], n=f"{working['rows']:,}")
        if wal is None:
            survival = facts.get("survival")
            if survival:
                words = self.tr("Reopened: {n} of {m} acknowledged writes survived, {lost} are lost.")
                return words.format(
                    n=f"{survival['survived']:,}", m=f"{survival['acknowledged']:,}", lost=f"{survival['lost']:,}"
                )  # fmt: skip
            words = self.tr("The log holds {n} bytes. Stop the database to look into it: kill it, or pull the plug.")
            return words.format(n=f"{facts.get('log', {}).get('bytes', 0):,}")
        told = [self.tr("{file}, {n} bytes.").format(file=wal["file"], n=f"{wal['bytes']:,}")]
        if facts.get("error"):
            told.append(str(facts["error"]))
        elif self._damaged(wal):
            told.append(self._damaged(wal))
        else:
            told.append(self.tr("Every checksum is right. Choose a byte; cut before it, or flip a bit of it."))
        if wal["bytes"] > SHOWN_BYTES:
            told.append(self.tr("The first {n} bytes are shown.").format(n=f"{SHOWN_BYTES:,}"))
        if wal["total"] > _LISTED:
            told.append(self.tr("{n} of {m} records are listed, those around the chosen byte.").format(
                n=_LISTED, m=f"{wal['total']:,}"
            ))  # fmt: skip
        return " ".join(told)

    @staticmethod
    def _damaged(wal: Facts) -> str:
        return "; ".join(f"{each['start']:,}–{each['end']:,}: {each['why']}" for each in wal["damage"][:3])

    def _chosen(self, byte: int) -> None:
        self._tell_byte()
        if not self._listed[0] <= byte < self._listed[1] and self.bench is not None:
            self._dirty = True
            self.on_frame()

    def _tell_byte(self) -> None:
        at = self._hex.chosen
        part = part_at(self._parts, at)
        if part is None:
            self._byte.setText("")
            for each in self._bits:
                each.setText("·")
            return
        value = self._data[at]
        words = self.tr("byte {at} of {n} = 0x{value}: {role}")
        role = self.tr(ROLES[part.role])
        if part.role == "broken":
            why = next((str(each["why"]) for each in self._damage if each["start"] <= at < each["end"]), "")
            role = f"{role}: {why}" if why else role
        self._byte.setText(words.format(at=f"{at:,}", n=f"{len(self._data):,}", value=f"{value:02x}", role=role))
        self._hex.setAccessibleDescription(self._byte.text())
        for place, each in enumerate(self._bits):
            each.setText(str(value >> (7 - place) & 1))

    def _fill(self, facts: Facts, wal: Facts | None) -> None:
        left = facts.get("wal_left")
        told = facts.get("modes", {}) if wal is not None else {}
        sums = (f"{letter} {mode}{self._sum(told.get(mode))}" for letter, mode in zip(_SHORT, MODES, strict=True))
        self._sums.setText(" · ".join(sums))
        if wal is None or left is None:
            self._records.show_rows([])
            return
        modes = {mode: facts.get("modes", {}).get(mode, {}) for mode in MODES}
        listed = self._window(left["records"])
        rows = []
        for record, fate in zip(listed, fates(listed, wal, modes), strict=True):
            first, last = record["sequence"], record["sequence"] + record["count"] - 1
            writes = f"{first:,}" if first == last else f"{first:,}–{last:,}"
            state, *saved = fate
            rows.append([f"{record['start']:,}", *saved, state, writes, str(record["first"])])
        chosen = self._records.currentRow()
        self._records.blockSignals(True)
        self._records.show_rows(rows)
        if 0 <= chosen < len(rows):
            self._records.selectRow(chosen)
        self._records.blockSignals(False)

    def _window(self, records: Sequence[Facts]) -> Sequence[Facts]:
        """The records around the chosen byte."""
        here = bisect_right(records, self._hex.chosen, key=lambda record: record["start"]) - 1
        begin = max(0, min(here - _LISTED // 2, len(records) - _LISTED))
        listed = records[begin : begin + _LISTED]
        self._listed = (listed[0]["start"], listed[-1]["end"]) if len(records) > _LISTED else (0, 1 << 60)
        return listed

    def _sum(self, mode: Facts | None) -> str:
        """How many acknowledged writes a mode brings back, tables included."""
        if not mode:
            return ""
        if not mode["opens"]:
            return ": " + self.tr("refuses")
        found = self.tr("{n} of {m}").format(n=f"{mode['survived']:,}", m=f"{mode['acknowledged']:,}")
        return f": {found}" if mode["prefix"] else f": {found}, " + self.tr("with a hole")

    # -- acting --------------------------------------------------------------------------------------------------

    def _do(self, name: str, **args: Any) -> None:
        if self.bench is not None:
            self.bench.do(Action(name, args))

    def _flip(self, bit: int) -> None:
        if self._data:
            self._do("flip_byte", file="log", at=self._hex.chosen, bit=bit)

    def _show_record(self) -> None:
        """The chosen record begins at the chosen byte."""
        item = self._records.item(self._records.currentRow(), 0)
        if item is not None:
            self._hex.choose(int(item.text().replace(",", "")))

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"log": self._write} if self._data else {}

    def _write(self, path: Path) -> None:
        path.write_bytes(self._data)

    def outline(self) -> str:
        return "; ".join(text for text in (self._note.text(), self._byte.text(), self._sums.text()) if text)
