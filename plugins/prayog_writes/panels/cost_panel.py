"""Write, read and space amplification: measured, with the formula beside it, and what one GET touched.

The numerator and the denominator stand below, so that nobody has to guess whether the log is in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QCheckBox, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import Panel
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["CostPanel"]

_HINTS = ("", "Counted in this run.", "What the formula says for this much data.", "The worst case of the formula.")


class CostPanel(Panel):
    """A table of amplifications and a list of looks."""

    title = "Costs"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._dirty = True
        self._with_log = QCheckBox(self.tr("Count the log as written"))
        self._with_log.toggled.connect(self._again)
        heads = [self.tr("Meter"), self.tr("Measured"), self.tr("Typical"), self.tr("Worst")]
        name = self.tr("Amplification, measured and by formula")
        self._table = TextTable(name, heads, numbers=(1, 2, 3), hints=_HINTS)
        self._fractions = paragraph("", "muted")
        touched = self.tr("What the last GET touched")
        self._looks = TextTable(touched, [touched, self.tr("Result")])
        self._looks.setMinimumHeight(theme.scaled(90))
        column = column_in(self)
        for part in (self._with_log, self._table, self._fractions):
            column.addWidget(part)
        column.addWidget(self._looks, 1)

    def _again(self) -> None:
        self._dirty = True
        self.on_frame()

    def on_step(self, step: Step) -> None:
        self._dirty = True

    def on_seek(self, view: View) -> None:
        self._dirty = True

    def on_theme(self) -> None:
        self._looks.setMinimumHeight(theme.scaled(90))
        self._again()

    def on_frame(self) -> None:
        if not self._dirty or self.bench is None:
            return
        self._dirty = False
        facts = self.bench.view().facts
        self._fill(facts)
        rows = [[_where(look), _result(look)] for look in facts.get("looks", ())]
        answer = facts.get("answer")
        if answer:
            found = self.tr("not there") if answer["value"] is None else str(answer["value"])[:40]
            right = "✓"
            if not answer["right"]:
                right = self.tr("✗ an honest witness remembers {v}").format(v=str(answer["expected"])[:40])
            rows.append([f"{answer['key']} = {found}", right])
        self._looks.show_rows(rows, strong=(len(rows) - 1,) if answer else ())

    def _fill(self, facts: Mapping[str, Any]) -> None:
        meters, formulas = facts.get("amplification", {}), facts.get("formulas", {})
        write = "write_with_log" if self._with_log.isChecked() else "write"
        rows, fractions = [], []
        for name, meter_name in (("write", write), ("read", "read"), ("space", "space")):
            meter, formula = meters.get(meter_name, {}), formulas.get(name, {})
            measured, typical, worst = meter.get("value"), formula.get("typical"), formula.get("worst")
            rows.append([name, _number(measured), _number(typical), _bound(worst)])
            if meter:
                fraction = self.tr("{name}: {a} {over} ÷ {b} {under}")
                fractions.append(fraction.format(
                    name=name, a=f"{meter['numerator']:,}", over=meter["over"], b=f"{meter['denominator']:,}",
                    under=meter["under"],
                ))  # fmt: skip
        self._table.show_rows(rows)
        self._table.setFixedHeight(self._table.whole_height())
        self._fractions.setText("\n".join(fractions))

    def outline(self) -> str:
        cells = ((self._table.item(line, 0), self._table.item(line, 1)) for line in range(self._table.rowCount()))
        return ", ".join(f"{a.text()} {b.text()}" for a, b in cells if a is not None and b is not None)


def _number(value: Any) -> str:
    return f"{value:.2f}" if isinstance(value, int | float) else "–"


def _bound(value: Any) -> str:
    """A worst case, which is no measurement: from 10 on with one decimal, so that the last column holds it whole."""
    return f"{value:,.1f}" if isinstance(value, int | float) and value >= 10 else _number(value)


def _where(look: Mapping[str, Any]) -> str:
    table = f" of table {look['table']} in L{look['level']}" if "table" in look else ""
    rest = ", ".join(
        f"{name} {value}" for name, value in look.items() if name not in ("key", "where", "table", "level", "found")
    )
    return f"{look['where']}{table}" + (f" ({rest})" if rest else "")


def _result(look: Mapping[str, Any]) -> str:
    if look["where"] == "filter":
        return "maybe" if look.get("found") else "no: skipped"
    return "found" if look.get("found") else "no"
