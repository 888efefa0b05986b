"""Four companies of the drill: what each has, what it can live with, and what the chosen strategy would cost."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QComboBox, QPushButton, QVBoxLayout, QWidget

from prayog_migration.engine.setup import STRATEGIES
from prayog_migration.engine.strategies import COMPANIES, Company
from prayog_migration.panels.page import row_of
from prayog_migration.panels.strategy_cards import cost_in_words
from prayog_migration.panels.words import count_in_words, seconds_in_words
from prayog_sdk.qt import theme
from prayog_sdk.qt.calm import CalmPanel
from prayog_sdk.qt.cards import Card
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.state import paragraph
from prayog_sim.run import Action

__all__ = ["StrategiesPanel"]


def limits_in_words(company: Company) -> str:
    """What it can live with."""
    limits = company.limits
    parts = []
    if limits.freeze_s < math.inf:
        parts.append(f"a freeze of {seconds_in_words(limits.freeze_s)}")
    if limits.duration_s < math.inf:
        parts.append(f"{seconds_in_words(limits.duration_s)} in all")
    if limits.space < math.inf:
        parts.append(f"{limits.space:.1f}× the space")
    if limits.days < math.inf:
        parts.append(f"{limits.days:.0f} {'day' if limits.days == 1 else 'days'} of work")
    if limits.at_risk < math.inf:
        parts.append(f"{limits.at_risk:.0f} rows at risk")
    words = f"At most {', '.join(parts)}."
    wants = [word for word, wanted in (("a way back", limits.way_back), ("both compared", limits.compared)) if wanted]
    return f"{words} Must have {' and '.join(wants)}." if wants else words


class StrategiesPanel(CalmPanel):
    """A card for each company."""

    title = "Strategies"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        column = QVBoxLayout()
        column.setContentsMargins(*(theme.UNIT,) * 4)
        cards = QWidget()
        flow = FlowLayout(cards, stretch=True)
        self._answers = {}
        for company in COMPANIES:
            card = Card(margin=theme.UNIT)
            card.setMinimumWidth(theme.scaled(260))
            facts = company.facts
            card.body.addWidget(paragraph(company.name.capitalize(), step=1))
            card.body.addWidget(paragraph(company.story))
            card.body.addWidget(
                paragraph(
                    f"{count_in_words(facts.rows)} rows, {count_in_words(facts.writes_s)} writes/s; "
                    f"{count_in_words(facts.copy_s)} rows/s copied. {limits_in_words(company)}",
                    "muted",
                )
            )
            choice = QComboBox()
            choice.addItems(STRATEGIES)
            choice.setAccessibleName(f"Strategy for the {company.name}")
            button = QPushButton("Choose")
            button.setAccessibleName(f"Choose for the {company.name}")
            button.clicked.connect(lambda _=False, name=company.name, box=choice: self._do(name, box.currentText()))
            card.body.addWidget(row_of(choice, button))
            answer = paragraph("")
            card.body.addWidget(answer)
            card.body.addStretch(1)
            self._answers[company.name] = answer
            flow.addWidget(card)
        column.addWidget(cards)
        column.addStretch(1)
        self.setLayout(column)

    def _do(self, company: str, strategy: str) -> None:
        if self.bench is not None:
            self.bench.do(Action("choose", {"company": company, "strategy": strategy}))

    def draw(self) -> None:
        chosen = self.bench.view().facts.get("companies", {}) if self.bench is not None else {}
        for name, label in self._answers.items():
            found = chosen.get(name, {})
            if "strategy" not in found:
                label.setText("")
                continue
            good = bool(found["fits"])
            words = f"✓ {found['strategy']} fits" if good else f"✗ {found['strategy']} {found['problem']}"
            label.setText(f"{words}. It would cost: {cost_in_words(found)}.")

    def outline(self) -> str:
        return " ".join(f"{name}: {label.text()}" for name, label in self._answers.items() if label.text())
