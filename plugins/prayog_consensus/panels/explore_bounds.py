"""The bounds of an exploration as a form: what may happen, how often, and what time is in it."""

from __future__ import annotations

import dataclasses

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QLineEdit, QSpinBox, QWidget

from prayog_consensus.engine.exploring import ASKED, Small, timing
from prayog_consensus.engine.families import family
from prayog_consensus.engine.setup import CORRECT, Setup
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.state import paragraph

__all__ = ["BoundsForm"]

_LONG = 28  # letters of the line of actions that are always seen


class BoundsForm(QWidget):
    """Gives a `Small` for the algorithm and the options of the run that is shown."""

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._params = Setup()
        self._variant = QComboBox()
        self._variant.setAccessibleName(self.tr("Variant"))
        self._variant.setMinimumContentsLength(12)
        self._variant.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._actions = QLineEdit()
        self._actions.setAccessibleName(self.tr("Asked for"))
        self._actions.setPlaceholderText(self.tr("propose node=n1 value=1; …"))
        self._actions.setToolTip(self.tr("What somebody may ask of the nodes, each once, at any time."))
        self._actions.setMinimumWidth(self._actions.fontMetrics().averageCharWidth() * _LONG)
        self._numbers: dict[str, QSpinBox] = {}
        numbers = QWidget()
        row = FlowLayout(numbers)
        for name, title, low, high, hint in (
            ("nodes", self.tr("nodes"), 2, 5, self.tr("Servers; clients come on top.")),
            ("crashes", self.tr("crashes"), 0, 4, self.tr("A node that crashed may start again.")),
            ("torn", self.tr("torn writes"), 0, 2, self.tr("A crash leaves part of what was not synced.")),
            ("pauses", self.tr("pauses"), 0, 3, self.tr("A node stops, and goes on as if nothing had been.")),
            ("drops", self.tr("lost"), 0, 4, self.tr("Messages that are lost.")),
            ("duplicates", self.tr("doubled"), 0, 3, self.tr("Messages that arrive twice.")),
            ("messages", self.tr("on their way"), 1, 40, self.tr("So many messages at a time, at most.")),
            ("epochs", self.tr("terms"), 1, 6, self.tr("Or views, or ballots: no node goes beyond.")),
            ("timers", self.tr("timers"), 0, 9, self.tr("So many timers fire in one run.")),
            ("steps", self.tr("steps of the clock"), 1, 60, self.tr("There the clock stands still.")),
        ):
            box = QSpinBox()
            box.setRange(low, high)
            box.setValue(getattr(Small("raft"), name))
            box.setSuffix(f" {title}")
            box.setAccessibleName(title)
            box.setToolTip(hint)
            box.lineEdit().setTextMargins(theme.UNIT, 0, 0, 0)
            box.valueChanged.connect(self._tell)
            self._numbers[name] = box
            row.addWidget(box)
        self._late = QCheckBox(self.tr("late messages"))
        self._late.setToolTip(self.tr("A message may take longer than a step of the clock."))
        self._late.toggled.connect(self._tell)
        row.addWidget(self._late)
        self._time: QLabel = paragraph("", "muted")
        form = QFormLayout(self)
        form.setContentsMargins(0, theme.UNIT, 0, 0)
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.addRow(self.tr("Variant"), self._variant)
        form.addRow(self.tr("At most"), numbers)
        form.addRow(self.tr("Asked for"), self._actions)
        form.addRow(self._time)
        self._variant.currentIndexChanged.connect(self._tell)
        self._actions.editingFinished.connect(self._tell)

    def show_params(self, params: Setup) -> None:
        """The run that is shown has these knobs."""
        before, self._params = self._params, params
        chosen = family(params.algorithm)
        known = {CORRECT: self.tr("correct")}
        known |= {str(v.params["variant"]): v.title for v in chosen.variants if "variant" in v.params}
        if before.algorithm != params.algorithm or not self._variant.count():
            self._variant.clear()
            for name, title in known.items():
                self._variant.addItem(title, name)
            self._actions.setText("; ".join(ASKED.get(chosen.name, ())))
        self._variant.setCurrentIndex(max(0, self._variant.findData(params.variant)))
        self._tell()

    def small(self) -> Small:
        """What the form says."""
        params = self._params
        lines = tuple(line.strip() for line in self._actions.text().split(";") if line.strip())
        small = Small(
            params.algorithm, variant=self._variant.currentData() or CORRECT, options=params.options, actions=lines,
            topology=params.topology, ids=params.ids, late=self._late.isChecked(),
        )  # fmt: skip
        numbers = {name: box.value() for name, box in self._numbers.items()}
        if small.ids.replace(",", " ").split() and small.ids[0].isdigit():
            numbers["nodes"] = len(small.ids.replace(",", " ").split())
        return dataclasses.replace(small, **numbers)  # type: ignore[arg-type]  # all of them are whole numbers

    def _tell(self) -> None:
        clock, said = timing(self.small())
        self._time.setText(said)
        self._numbers["timers"].setVisible(clock is None)
        for widget in (self._numbers["steps"], self._late):
            widget.setVisible(clock is not None)
        self.changed.emit()
