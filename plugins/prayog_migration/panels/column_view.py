"""A column that is renamed while two versions of the application use it: expand, fill, check, contract; or at once."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QPushButton, QVBoxLayout

from prayog_migration.engine.schema_change import STAGES
from prayog_migration.panels.choice import Choice
from prayog_migration.panels.course import Course
from prayog_migration.panels.fitted import FittedTable
from prayog_migration.panels.page import Asks, row_of, tone
from prayog_migration.panels.ways import Part
from prayog_migration.panels.words import seconds_in_words
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph

__all__ = ["ColumnView"]

_NOTHING = (
    "Version 1 of the application knows the old name, version 2 the new one, and for a while both run. Choose a "
    "column: its rows are copied into a scratch database of the target’s kind, and each stage runs while both versions "
    "write."
)
_NEXT = {
    None: "expand: add the column, and triggers that keep both equal",
    "expand": "fill: old rows, a thousand at a time",
    "fill": "check: are both columns equal everywhere?",
    "check": "contract: drop the old column",
}
_DID = {
    "begin": "The copy was made", "forward": "", "back": "Taken back, to", "at once": "Renamed in one step",
}  # fmt: skip


class ColumnView(Part):
    """What is renamed, the buttons of the stages, and a line for each stage that was done."""

    def __init__(self, asks: Asks) -> None:
        super().__init__()
        self._asks = asks
        self._course: Course | None = None
        self._table = Choice("Table of the column", self._columns)
        self._column = Choice("Column that is renamed")
        self._new = QLineEdit("mobile")
        self._new.setAccessibleName("New name")
        self._new.setMinimumWidth(theme.scaled(110))
        self._begin = self._button("Copy the rows", "begin", "5,000 rows at most, into a database of the lab’s own")
        self._go = self._button("", "forward", "Runs while the application writes")
        self._back = self._button("Take the last stage back", "back", "Possible until contract")
        self._once = self._button("Rename in one step instead", "at once", "RENAME COLUMN while version 1 runs")
        self._away = self._button("Put away", "put away", "Drops the scratch database")
        self._sum = paragraph(_NOTHING)
        heads = ("Stage", "Version 1", "Version 2", "Unlike", "Longest wait, and what failed")
        self._stages = FittedTable("Stages", heads, numbers=(3,), wrapped=4)
        self._sql = QPlainTextEdit()
        self._sql.setReadOnly(True)
        self._sql.setTabChangesFocus(True)
        self._sql.setAccessibleName("SQL of the last stage")
        self._sql.setFixedHeight(theme.scaled(120))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        name = row_of(
            self._table, self._column, paragraph("shall be called", "muted"), self._new, self._begin, self._away
        )
        for part in (self._sum, name, row_of(self._go, self._back, self._once), self._stages, self._sql):
            column.addWidget(part)
        column.addStretch(1)
        self._shown: Any = None
        self.restyle()

    def _button(self, title: str, what: str, tip: str) -> QPushButton:
        button = QPushButton(title)
        button.setToolTip(tip)
        button.setAccessibleDescription(tip)
        button.clicked.connect(lambda _checked=False: self._do(what))
        return button

    def _do(self, what: str) -> None:
        self._asks.act(
            "change", what=what, table=self._table.currentText(), column=self._column.currentText(),
            new=self._new.text().strip(),
        )  # fmt: skip

    def _columns(self) -> None:
        if self._course is not None:
            self._column.show_entries(self._course.columns(self._table.currentText()), "phone")

    def draw(self, course: Course) -> None:
        self._course = course
        self._table.show_entries(course.tables, "customers")
        self._columns()
        shown = course.stamp("changed", "assessed")
        if self._shown == shown:
            return
        self._shown = shown
        done = course.changed
        reached = done[-1].get("reached") if done else None
        over = reached in ("contract", "at once")
        self._begin.setText("Begin anew" if done else "Copy the rows")
        self._begin.setEnabled(bool(course.tables))
        tone(self._begin, "" if done and not over else "primary")
        self._go.setText(f"Next, {_NEXT.get(reached, '')}")
        self._go.setEnabled(bool(done) and not over)
        tone(self._go, "primary" if done and not over else "")
        self._back.setEnabled(reached in STAGES[:3])
        self._once.setEnabled(bool(done) and reached is None)
        self._away.setEnabled(bool(done))
        for part in (self._go, self._back, self._once):
            part.setVisible(bool(done) and not over)
        self._stages.show_rows([_line(one) for one in done])
        sql = "\n".join(f"{one};" for one in done[-1]["sql"]) if done else ""
        self._sql.setPlainText(sql)
        self._sql.setVisible(bool(sql))
        self._sum.setText(_summary(done[0], reached) if done else _NOTHING)

    def restyle(self) -> None:
        self._sql.setFont(theme.mono())

    def words(self) -> str:
        return self._sum.text()


def _summary(begun: Any, reached: Any) -> str:
    what = f"{begun['table']}.{begun['old']} → {begun['new']}, {begun['rows']:,} rows. "
    if reached == "at once":
        return what + "In one step version 1 fails from that moment on, until the last of its instances is replaced."
    if reached == "contract":
        return what + "✓ Done, and no request failed. Only this last stage cannot be taken back."
    steps = " → ".join(f"✓ {one}" if reached and STAGES.index(one) <= STAGES.index(reached) else one for one in STAGES)
    return what + steps


def _line(one: Any) -> list[str]:
    step, reached = one["step"], one.get("reached")
    versions = {version: (done, failed, longest, said) for version, _, done, failed, longest, said in
                one.get("versions", ())}  # fmt: skip
    stage = f"{_DID[step]} {reached or 'the beginning'}".strip() if step in ("forward", "back") else _DID[step]
    if one.get("filled"):
        stage += f" ({one['filled']:,} rows)"
    waits = [longest for _, _, longest, _ in versions.values()]
    told = [f"{seconds_in_words(max(waits) / 1e6)}"] if waits else []
    told += [sentence for *_, said in versions.values() for sentence in said]
    unlike = f"{one['differing']:,}" if reached in STAGES[:3] and step != "begin" else ""
    return [stage, *(_version(versions.get(number)) for number in (1, 2)), unlike, "; ".join(told)]


def _version(seen: Any) -> str:
    if seen is None:
        return "–"
    done, failed, _, _ = seen
    return f"{'✗' if failed else '✓'} {done} done, {failed} failed"
