"""What the run is made of: scenario, knobs, seed, and the broken variants to hunt.

The form of the knobs is made when the pane is first seen: it may have hundreds of widgets, and a change of theme or of
the size of text styles every widget that there is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from prayog.ui.pieces import heading
from prayog_sdk import params as _params
from prayog_sdk.qt import theme
from prayog_sdk.qt.form import ParamsForm
from prayog_sdk.qt.state import paragraph
from prayog_sdk.specs import Variant

if TYPE_CHECKING:
    from prayog_sdk.scenario import Scenario

__all__ = ["SetupPane"]


class SetupPane(QScrollArea):
    """Everything that makes a new run."""

    edited = Signal(dict)
    scenario_asked = Signal(str)
    variant_asked = Signal(object)
    """A `Variant`."""

    def __init__(self, params_type: type[Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._params_type = params_type
        self._form: ParamsForm | None = None
        self._values: Mapping[str, Any] = {}
        self._can_change = True
        self._scenarios: Sequence[Scenario] = ()
        self._variants: Sequence[Variant] = ()
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(2 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT)
        column.setSpacing(theme.UNIT)

        self._scenario_title = heading(self.tr("Scenario"), 1)
        self.scenario = QComboBox()
        self.scenario.setAccessibleName(self.tr("Scenario"))
        self.scenario.activated.connect(
            lambda place: self.scenario_asked.emit(self._scenarios[place].id) if place < len(self._scenarios) else None
        )
        self._about = paragraph("", "muted")
        column.addWidget(self._scenario_title)
        column.addWidget(self.scenario)
        column.addWidget(self._about)
        column.addSpacing(2 * theme.UNIT)

        self._knobs_title = heading(self.tr("Knobs"), 1)
        self._note = paragraph(self.tr("A change starts a new run with the same seed."), "muted")
        has_knobs = bool(_params.fields(params_type))
        column.addWidget(self._knobs_title)
        column.addWidget(self._note)
        if not has_knobs:  # `setVisible(True)` here, before there is a parent, would show windows of their own
            self._knobs_title.hide()
            self._note.hide()
        column.addSpacing(theme.UNIT)
        self._form_place = QVBoxLayout()
        column.addLayout(self._form_place)

        self._broken = QWidget()
        broken = QVBoxLayout(self._broken)
        broken.setContentsMargins(0, 2 * theme.UNIT, 0, 0)
        broken.setSpacing(theme.UNIT)
        broken.addWidget(heading(self.tr("Broken variants"), 1))
        broken.addWidget(paragraph(self.tr("Known mistakes in the engine. Switch one on and catch it."), "muted"))
        self.variant = QComboBox()
        self.variant.setAccessibleName(self.tr("Broken variant"))
        self.variant.currentIndexChanged.connect(self._tell_variant)
        self._story = paragraph("", "muted")
        for choice in (self.scenario, self.variant):  # the longest title would widen the pane beyond its bar
            choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            choice.setMinimumContentsLength(12)
        self._hunt = QPushButton(self.tr("Switch it on"))
        self._hunt.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._hunt.clicked.connect(self._hunt_it)
        for widget in (self.variant, self._story, self._hunt):
            broken.addWidget(widget)
        column.addWidget(self._broken)
        column.addStretch(1)
        self._broken.hide()
        self.setWidget(inside)

    def set_scenarios(self, scenarios: Sequence[Scenario]) -> None:
        self._scenarios = list(scenarios)
        self.scenario.clear()
        self.scenario.addItems([each.title for each in scenarios])
        for widget in (self._scenario_title, self.scenario, self._about):
            widget.setVisible(bool(scenarios))

    def set_variants(self, variants: Sequence[Variant]) -> None:
        self._variants = list(variants)
        self.variant.clear()
        self.variant.addItems([each.title for each in variants])
        self._broken.setVisible(bool(variants))
        self._tell_variant()

    def show_run(
        self, scenario: str, values: Mapping[str, Any], *, can_change: bool, knobs: Sequence[str] | None = None
    ) -> None:
        """Show what is on the bench; `knobs` limits what may be changed (a challenge)."""
        place = next((i for i, each in enumerate(self._scenarios) if each.id == scenario), -1)
        self.scenario.setCurrentIndex(place)
        self._about.setText(self._scenarios[place].about if place >= 0 else "")
        self._about.setVisible(bool(self._about.text()))
        self._values, self._can_change = dict(values), can_change
        self._fill_form()
        words = self.tr("A change starts a new run with the same seed.")
        if knobs is not None:
            words = (
                self.tr("This challenge lets you change: {knobs}.").format(knobs=", ".join(knobs))
                if knobs
                else self.tr("This challenge is won with the knobs as they are.")
            )
        self._note.setText(words)

    def showEvent(self, event: QShowEvent) -> None:
        if self._form is None:
            self._form = ParamsForm(self._params_type, self)
            self._form.edited.connect(self.edited)
            self._fill_form()
            self._form_place.addWidget(self._form)  # shown by the next event: both at once would be 75 ms
        super().showEvent(event)

    def _fill_form(self) -> None:
        if self._form is not None:
            self._form.set_values(self._values)
            self._form.setEnabled(self._can_change)

    def _tell_variant(self) -> None:
        place = self.variant.currentIndex()
        story = self._variants[place].story if 0 <= place < len(self._variants) else ""
        self._story.setText(story)
        self._story.setVisible(bool(story))

    def _hunt_it(self) -> None:
        place = self.variant.currentIndex()
        if 0 <= place < len(self._variants):
            self.variant_asked.emit(self._variants[place])
