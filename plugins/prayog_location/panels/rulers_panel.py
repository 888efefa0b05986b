"""Three rulers between two places, and the rounds in which Vincenty's formula finds the third."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtWidgets import QFormLayout, QLabel, QLineEdit, QPushButton, QWidget

from prayog_location.panels.gathered_panel import GatheredPanel
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.run import Action

__all__ = ["RulersPanel"]

EXAMPLES = (
    ("Indore – Delhi", "22.7196, 75.8577", "28.6139, 77.2090"),
    ("Along a meridian", "0, 77", "8, 77"),
    ("Near the pole", "89, 0", "89, 90"),
    ("Across the date line", "-16.8, 179.9", "-16.8, -179.9"),
    ("Almost opposite", "0, 0", "0.5, 179.7"),
)


class RulersPanel(GatheredPanel):
    """Pins in, three distances out."""

    title = "Three rulers"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._from, self._to = QLineEdit(EXAMPLES[0][1]), QLineEdit(EXAMPLES[0][2])
        form = QFormLayout()
        for edit, name in ((self._from, self.tr("From")), (self._to, self.tr("To"))):
            edit.setAccessibleName(name)
            edit.setToolTip(self.tr("Latitude, longitude"))
            edit.returnPressed.connect(self._measure)
            form.addRow(name, edit)
        buttons = QWidget()
        row = FlowLayout(buttons)
        row.setContentsMargins(0, 0, 0, 0)
        measure = QPushButton(self.tr("Measure"))
        measure.setProperty("kind", "primary")
        measure.clicked.connect(self._measure)
        row.addWidget(measure)
        for name, here, there in EXAMPLES:
            button = QPushButton(name)
            button.clicked.connect(self._example(here, there))
            row.addWidget(button)
        heads = [self.tr("Ruler"), self.tr("Distance"), self.tr("Difference"), self.tr("How")]
        self._distances = TextTable(self.tr("Three distances"), heads)
        self._note = QLabel("")
        self._note.setWordWrap(True)
        heads = [self.tr("Round"), "λ", self.tr("Change of λ"), self.tr("Distance")]
        self._rounds = TextTable(self.tr("Rounds of Vincenty’s formula"), heads)
        layout = column_in(self)
        layout.addLayout(form)
        layout.addWidget(buttons)
        layout.addWidget(self._distances)
        layout.addWidget(self._note)
        layout.addWidget(self._rounds, 1)
        self.on_theme()

    def on_theme(self) -> None:
        for table in (self._distances, self._rounds):
            table.setMinimumHeight(theme.scaled(120))

    def _example(self, here: str, there: str) -> Callable[[], None]:
        def use() -> None:
            self._from.setText(here)
            self._to.setText(there)
            self._measure()

        return use

    def _measure(self) -> None:
        if self.bench is not None:
            self.bench.do(Action("measure", {"from": self._from.text(), "to": self._to.text()}))

    def draw(self) -> None:
        rulers = self._gathered.rulers
        if self._gathered.pins and not (self._from.hasFocus() or self._to.hasFocus()):
            self._from.setText("{:.4f}, {:.4f}".format(*self._gathered.pins["from"]))
            self._to.setText("{:.4f}, {:.4f}".format(*self._gathered.pins["to"]))
        truth = rulers.get("ellipsoid", {}).get("metres")
        rows = []
        for ruler in rulers.values():
            off = "–"
            if truth and ruler["name"] != "ellipsoid":
                metres = ruler["metres"] - truth
                off = f"{metres:+,.0f} m ({100 * metres / truth:+.2f} %)"
            rows.append([ruler["title"], f"{ruler['metres'] / 1000:,.3f} km", off, ruler["note"]])
        self._distances.show_rows(rows or [[self.tr("Nothing was measured yet"), "", "", ""]])
        self._distances.setFixedHeight(self._distances.whole_height())
        ellipsoid = rulers.get("ellipsoid")
        if ellipsoid is None:
            self._note.setText(self.tr("On an ellipsoid the distance is found in rounds; they are listed here."))
            self._rounds.show_rows([])
            return
        self._note.setText(ellipsoid["note"] + ".")
        self._note.setProperty("kind", "" if ellipsoid["converged"] else "warn")
        self._note.style().polish(self._note)
        self._rounds.show_rows(
            [
                [
                    str(r["round"]),
                    f"{r['lambda_deg']:.9f}°",
                    f"{r['change_rad']:.2e} rad",
                    f"{r['metres'] / 1000:,.6f} km",
                ]
                for r in ellipsoid["rounds"]
            ]
        )

    def outline(self) -> str:
        return "; ".join(f"{r['title']}: {r['metres'] / 1000:,.3f} km" for r in self._gathered.rulers.values())
