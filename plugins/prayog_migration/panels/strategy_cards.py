"""The seven strategies as cards: what each is, and what it would cost here; the chosen one is a checked button."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QButtonGroup, QSizePolicy, QVBoxLayout, QWidget

from prayog_migration.engine.setup import STRATEGIES
from prayog_migration.engine.strategies import ABOUT, HERE
from prayog_migration.panels.words import seconds_in_words
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import CardButton
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.state import paragraph

__all__ = ["StrategyCards", "cost_in_words"]


def cost_in_words(found: Mapping[str, Any]) -> str:
    """A forecast in a line."""
    risk = f"{found['at_risk']:,} rows at risk" if found["at_risk"] else "no row at risk"
    back = "a way back" if found["way_back"] else "no way back"
    return (
        f"freeze {seconds_in_words(found['freeze_s'])} · takes {seconds_in_words(found['duration_s'])} · "
        f"{found['space']:.1f}× space · {risk} · {back}"
    )


class StrategyCards(QWidget):
    """One of seven is chosen."""

    chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._group = QButtonGroup(self)
        self._costs = {}
        self._cards: dict[str, CardButton] = {}
        layout = FlowLayout(self, stretch=True)
        for name in STRATEGIES:
            card = CardButton(name, ABOUT[name], margin=theme.UNIT)
            card.setCheckable(True)
            card.setMinimumWidth(theme.scaled(190))
            card.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Minimum)  # as high as its neighbours
            cost = paragraph("", "muted", step=-1)
            inside = QVBoxLayout()
            inside.setSpacing(theme.UNIT // 2)
            inside.addWidget(paragraph(name[:1].upper() + name[1:], step=1))
            inside.addWidget(paragraph(ABOUT[name]))
            inside.addWidget(cost)
            inside.addStretch(1)
            card.body.addLayout(inside)
            card.clicked.connect(lambda _checked=False, name=name: self.chosen.emit(name))
            self._group.addButton(card)
            self._cards[name], self._costs[name] = card, cost
            layout.addWidget(card)

    def choose(self, name: str) -> None:
        """Mark `name` without telling anybody."""
        self._cards[name].setChecked(True)

    def show_costs(self, forecasts: Mapping[str, Mapping[str, Any]], measured: Mapping[str, str]) -> None:
        """Write forecasts on the cards, and what was measured on that of the strategy that ran."""
        for name, label in self._costs.items():
            found = forecasts.get(name)
            text = f"Predicted: {cost_in_words(found)}." if found else "Probe to see what it would cost here."
            if name in measured:
                text += f" Measured: {measured[name]}."
            text += f" {HERE[name]}"
            if label.text() != text:
                label.setText(text)
                self._cards[name].setAccessibleDescription(f"{ABOUT[name]} {text}")
                self._cards[name].updateGeometry()
