"""Compare A and B: the run on the bench beside another seed, or the same seed with other knobs, on one transport.

Both halves are the panel that the learner chooses.  Everything that is done to A is done to B at the same time; play,
step and scrubber move both.  Below stand the measures and checks of both, and where they part.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QScrollArea, QSpinBox, QSplitter, QVBoxLayout, QWidget

from prayog.ui.bench.follower import Follower
from prayog.ui.bench.host import Host
from prayog.ui.bench.parting import Parting, part
from prayog.ui.bench.slot import Slot
from prayog.ui.bench.verdicts import Paced
from prayog_sdk.params import ParamError, flat
from prayog_sdk.qt import theme
from prayog_sdk.qt.collapse import Fold
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.form import ParamsForm
from prayog_sdk.qt.jobs import Job
from prayog_sdk.qt.markdown import say
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sdk.specs import PanelSpec
from prayog_sim.rng import MAX_SEED

__all__ = ["CompareView"]

_STILL_MS = 250  # after the last movement: then the measures of both are worked out
_SIDE_BY_SIDE = 560  # px at 100 % text


class CompareView(QWidget):
    """In place of the panels, while two runs are compared."""

    left = Signal()

    def __init__(self, host: Host, params_type: type[Any], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._follower: Follower | None = None
        self._slots: list[Slot] = []
        self._job: Job | None = None
        self._panels = QComboBox()
        self._panels.setAccessibleName(self.tr("What is shown of both"))
        self._panels.currentIndexChanged.connect(lambda _place: self._show_panels())
        self._seed = QSpinBox()
        self._seed.setRange(0, min(MAX_SEED, 2**31 - 1))
        self._seed.setPrefix(self.tr("seed "))
        self._seed.lineEdit().setTextMargins(theme.UNIT, 0, 0, 0)
        self._seed.setAccessibleName(self.tr("Seed of B"))
        self._seed.setKeyboardTracking(False)
        self._seed.valueChanged.connect(lambda _seed: self._begin())
        back = QPushButton(self.tr("Back to the panels"))
        back.clicked.connect(self.left)
        self._form = ParamsForm(params_type)
        self._form.edited.connect(lambda _values: self._begin())
        self._a, self._b = paragraph("", step=1), paragraph("", step=1)
        self._sides = QSplitter(Qt.Orientation.Horizontal)
        self._sides.setChildrenCollapsible(False)
        self._holders: list[QVBoxLayout] = []
        for title in (self._a, self._b):
            side = QWidget()
            column = QVBoxLayout(side)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(0)
            column.addWidget(title)
            self._holders.append(column)
            self._sides.addWidget(side)
        self._sides.setMinimumHeight(theme.scaled(180))
        self._note = paragraph("")
        self._table = TextTable(self.tr("Measures and checks of A and B"), (), wrapped=0)
        self._table.set_heads([self.tr("Measured up to here"), "A", "B"], numbers=(1, 2))
        bar = QWidget()
        line = FlowLayout(bar)
        for widget in (back, QLabel(self.tr("Show")), self._panels, QLabel(self.tr("B has")), self._seed):
            line.addWidget(widget)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(*(theme.UNIT,) * 4)
        column.setSpacing(theme.UNIT)
        column.addWidget(bar)
        column.addWidget(Fold(self.tr("Other knobs for B"), self._form))
        column.addWidget(self._sides, 1)
        column.addWidget(self._note)
        column.addWidget(self._table)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)
        self._still = QTimer(self)
        self._still.setSingleShot(True)
        self._still.setInterval(_STILL_MS)
        self._still.timeout.connect(self._measure)

    @property
    def running(self) -> bool:
        """Two runs are compared."""
        return self._follower is not None

    @property
    def follower(self) -> Follower | None:
        """Where run B is."""
        return self._follower

    def begin(self, specs: list[PanelSpec]) -> None:
        """Compare the run on the bench; both are shown in one of `specs`, the first one to begin with."""
        host = self._host
        self._follower = Follower(host)
        self._panels.blockSignals(True)
        self._panels.clear()
        for spec in specs:
            self._panels.addItem(spec.title, spec)
        self._panels.blockSignals(False)
        self._seed.blockSignals(True)
        self._seed.setValue(host.seed + 1)
        self._seed.blockSignals(False)
        self._form.set_values(flat(host.params))
        host.signals.run_changed.connect(self._begin)
        for bench in (host, self._follower):
            bench.moved.connect(self._still.start)
        self._show_panels()
        self._begin()

    def end(self) -> None:
        """Let go of B and of the panels."""
        follower, self._follower = self._follower, None
        if follower is None:
            return
        self._still.stop()
        self._host.signals.run_changed.disconnect(self._begin)
        self._host.moved.disconnect(self._still.start)
        if self._job is not None:
            self._job.cancel()
            self._job = None
        self._drop_panels()
        follower.close()
        follower.deleteLater()

    # -- both runs -----------------------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Make B anew: other knobs, another seed, or another run on the bench."""
        follower, host = self._follower, self._host
        if follower is None or host.driver.branch is None:
            return
        values = self._form.values()
        try:
            job = follower.begin(values, self._seed.value())
        except ParamError as error:
            self._note.setText(str(error))
            return
        mine = flat(host.params)
        other = [f"{name} = {value}" for name, value in values.items() if mine.get(name) != value]
        self._a.setText(self.tr("A: seed {seed}").format(seed=host.seed))
        self._b.setText(", ".join([self.tr("B: seed {seed}").format(seed=self._seed.value()), *other]))
        self._note.setText(self.tr("B is made and catches up…"))
        job.failed.connect(lambda sentence, _details: self._note.setText(sentence))

    # -- panels --------------------------------------------------------------------------------------------------

    def _show_panels(self) -> None:
        self._drop_panels()
        spec = self._panels.currentData()
        if self._follower is None or spec is None:
            return
        for bench, holder in zip((self._host, self._follower), self._holders, strict=True):
            slot = Slot(spec, bench)
            self._slots.append(slot)
            holder.addWidget(slot, 1)
            bench.wake()

    def _drop_panels(self) -> None:
        for slot in self._slots:
            slot.let_go()
            slot.setParent(None)
            slot.deleteLater()
        self._slots.clear()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() > theme.scaled(_SIDE_BY_SIDE)
        self._sides.setOrientation(Qt.Orientation.Horizontal if wide else Qt.Orientation.Vertical)
        self._sides.setMinimumHeight(theme.scaled(180 if wide else 330))

    # -- in numbers ----------------------------------------------------------------------------------------------

    def _measure(self) -> None:
        """Both stand still: work out what they have in common and what not."""
        follower, host = self._follower, self._host
        if follower is None or follower.driver.branch is None or host.driver.playing:
            return
        if self._job is not None:
            self._job.cancel()
        sides = []
        for bench in (host, follower):
            checks = host.hook("prayog_checks", partial(host.topic.checks, bench.params), {})
            sides.append((Paced(bench.trace, bench.at + 1), checks, bench.measures))
        self._job = job = host.jobs.submit(part, *sides, host.timed)
        job.succeeded.connect(lambda parting: self._told(job, parting))

    def _told(self, job: Job, parting: Parting) -> None:
        if job is not self._job:
            return
        self._job = None
        rows = [(name, *("–" if value is None else say(value) for value in both)) for name, *both in parting.rows]
        self._table.show_rows(rows, strong=[i for i, (_, a, b) in enumerate(rows) if a != b])
        self._table.setFixedHeight(self._table.whole_height())
        self._table.setVisible(bool(parting.rows))
        refused = self._follower.alike.refused if self._follower is not None and self._follower.alike else []
        words = [parting.sentence, *(self.tr("Not done to B: {why}").format(why=why) for why in refused)]
        self._note.setText("\n".join(words))
