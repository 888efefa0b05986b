"""Write, read and space amplification: measured, with the formula beside it, and what one GET touched.

The numerator and the denominator stand under each number, so that nobody has to guess whether the log is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import (
    QCheckBox,
    QHeaderView,
    QLabel,
    QTableWidget,
    QTableWidgetItem,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import Panel
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["CostPanel"]


class CostPanel(Panel):
    """A table of amplifications and a tree of looks."""

    title = "Costs"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dirty = True
        self._with_log = QCheckBox(self.tr("Count the log as written"))
        self._with_log.toggled.connect(self._again)
        self._table = QTableWidget(0, 5)
        self._table.setHorizontalHeaderLabels(
            [self.tr("Amplification"), self.tr("Measured"), self.tr("Typical"), self.tr("Worst"), self.tr("Which is")]
        )
        self._table.verticalHeader().hide()
        self._table.setShowGrid(False)
        self._table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
        self._table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._table.horizontalHeader().setStretchLastSection(True)
        self._table.setAccessibleName(self.tr("Amplification, measured and by formula"))
        self._note = QLabel(self.tr("Small data shows small amplification: it takes some levels to see the formula."))
        self._note.setWordWrap(True)
        self._note.setProperty("kind", "muted")
        self._looks = QTreeWidget()
        self._looks.setHeaderLabels([self.tr("What the last GET touched"), self.tr("Result")])
        self._looks.header().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._looks.setRootIsDecorated(False)
        self._looks.setAccessibleName(self.tr("What the last GET touched"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(theme.UNIT,) * 4)
        layout.addWidget(self._with_log)
        layout.addWidget(self._table)
        layout.addWidget(self._note)
        layout.addWidget(self._looks, 1)

    def _again(self) -> None:
        self._dirty = True
        self.on_frame()

    def on_step(self, step: Step) -> None:
        self._dirty = True

    def on_seek(self, view: View) -> None:
        self._dirty = True

    def on_frame(self) -> None:
        if not self._dirty or self.bench is None:
            return
        self._dirty = False
        facts = self.bench.view().facts
        self._fill(facts)
        self._looks.clear()
        for look in facts.get("looks", ()):
            self._looks.addTopLevelItem(QTreeWidgetItem([_where(look), _result(look)]))
        answer = facts.get("answer")
        if answer:
            found = self.tr("not there") if answer["value"] is None else str(answer["value"])[:40]
            right = (
                "✓"
                if answer["right"]
                else self.tr("✗ an honest witness remembers {v}").replace("{v}", str(answer["expected"])[:40])
            )
            self._looks.addTopLevelItem(QTreeWidgetItem([f"{answer['key']} = {found}", right]))

    def _fill(self, facts: Mapping[str, Any]) -> None:
        meters, formulas = facts.get("amplification", {}), facts.get("formulas", {})
        write = "write_with_log" if self._with_log.isChecked() else "write"
        self._table.setRowCount(3)
        for line, (name, meter_name) in enumerate((("write", write), ("read", "read"), ("space", "space"))):
            meter, formula = meters.get(meter_name, {}), formulas.get(name, {})
            value = meter.get("value")
            over = f"{meter.get('numerator', 0):,} {meter.get('over', '')}"
            under = f"{meter.get('denominator', 0):,} {meter.get('under', '')}"
            cells = [
                name,
                "–" if value is None else f"{value:.2f}",
                _number(formula.get("typical")),
                _number(formula.get("worst")),
                f"{over} ÷ {under}; {self.tr('formula')}: {formula.get('text', '–')}",
            ]
            for column, text in enumerate(cells):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self._table.setItem(line, column, item)
        rows = sum(self._table.rowHeight(line) for line in range(3))
        bar = self._table.horizontalScrollBar().sizeHint().height()
        self._table.setFixedHeight(self._table.horizontalHeader().height() + rows + bar + 4)

    def outline(self) -> str:
        cells = ((self._table.item(line, 0), self._table.item(line, 1)) for line in range(self._table.rowCount()))
        return ", ".join(f"{a.text()} {b.text()}" for a, b in cells if a is not None and b is not None)


def _number(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else "–"


def _where(look: Mapping[str, Any]) -> str:
    table = f" of table {look['table']} in L{look['level']}" if "table" in look else ""
    rest = ", ".join(
        f"{name} {value}" for name, value in look.items() if name not in ("key", "where", "table", "level", "found")
    )
    return f"{look['where']}{table}" + (f" ({rest})" if rest else "")


def _result(look: Mapping[str, Any]) -> str:
    if look["where"] == "filter":
        return "maybe" if look.get("found") else "surely not: skipped"
    return "found" if look.get("found") else "no"
