"""The incident player: a briefing, the run that hurts, evidence, knobs that may be turned, and a proof on fifty seeds.

Nobody passes by stopping the consumers: a repair counts only when all work gets done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QComboBox, QFrame, QLabel, QPushButton, QVBoxLayout, QWidget

from prayog_queues import trying
from prayog_queues.engine.incidents import INCIDENTS, Incident
from prayog_queues.engine.incidents.incident import SEEDS
from prayog_queues.proving import Proof
from prayog_queues.trying import Tried
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.form import ParamsForm
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.markdown import say
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.state import LoadingState, paragraph
from prayog_sdk.qt.texttable import TextTable

__all__ = ["IncidentsPanel"]

_ROOM = 640  # px at 100 % text below which the knobs stand under the evidence


class IncidentsPanel(Panel):
    """One incident at a time."""

    title = "Incidents"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self._loading: LoadingState | None = None
        self._scenario = ""
        self.solved: set[int] = set()
        self._broken: Mapping[str, Any] = {}
        self._yours: Mapping[str, Any] = {}
        self._form: ParamsForm | None = None
        self._failed: Proof | None = None
        self._which = QComboBox()
        self._which.setAccessibleName(self.tr("Incident"))
        for one in INCIDENTS:
            self._which.addItem(f"{one.number}. {one.title}", one.number)
        self._which.currentIndexChanged.connect(lambda _index: self._choose())
        self._show = QPushButton(self.tr("Show the run that hurts"))
        self._show.setProperty("kind", "primary")
        self._show.clicked.connect(lambda: self._try({}))
        head = QWidget()
        row = FlowLayout(head)
        for widget in (self._which, self._show):
            row.addWidget(widget)
        self._briefing = paragraph("")
        self._evidence = TextTable(
            self.tr("Evidence"), [self.tr("Evidence"), self.tr("As it was"), self.tr("Yours")], numbers=(1, 2),
            wrapped=0,
        )  # fmt: skip
        self._knobs_head = _head(self.tr("What you may turn"))
        self._knobs = QVBoxLayout()
        self._goal = paragraph("", "muted")
        self._once = QPushButton(self.tr("Try once"))
        self._once.setToolTip(self.tr("Play it with your knobs and look at it on the bench"))
        self._once.clicked.connect(lambda: self._try(self._values()))
        self._prove = QPushButton(self.tr("Prove it on {n} seeds").replace("{n}", str(len(SEEDS))))
        self._prove.clicked.connect(self._begin_proof)
        buttons = QWidget()
        line = FlowLayout(buttons)
        for widget in (self._once, self._prove):
            line.addWidget(widget)
        self._told = QVBoxLayout()
        self._told.setSpacing(theme.UNIT)
        self._column = column_in(self)
        self._column.setSpacing(theme.UNIT)
        self._sides = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._sides.setSpacing(3 * theme.UNIT)
        left, right = QVBoxLayout(), QVBoxLayout()
        for side in (left, right):
            side.setSpacing(theme.UNIT)
        left.addWidget(self._evidence)
        left.addLayout(self._told)
        left.addStretch(1)
        right.addWidget(self._knobs_head)
        right.addWidget(self._goal)
        right.addWidget(buttons)
        right.addLayout(self._knobs)
        right.addStretch(1)
        self._sides.addLayout(left, 3)
        self._sides.addLayout(right, 2)
        for part in (head, self._briefing):
            self._column.addWidget(part)
        self._column.addLayout(self._sides)
        self._column.addStretch(1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() > theme.scaled(_ROOM)
        self._sides.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)

    @property
    def incident(self) -> Incident:
        """The one that is shown."""
        return trying.numbered(self._which.currentData())

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        self._choose()

    def on_run(self, bench: Bench) -> None:
        """A scenario that is an incident's is that incident."""
        scenario = bench.label().scenario
        if scenario == self._scenario:
            return
        self._scenario = scenario
        found = next((one.number for one in INCIDENTS if one.scenario == scenario), None)
        if found is not None and self._job is None:
            self.choose(found)

    def unbind(self) -> None:
        if self._job is not None:
            self._job.cancel()
        super().unbind()

    def choose(self, number: int) -> None:
        """Show incident `number`."""
        self._which.setCurrentIndex(self._which.findData(number))

    def _choose(self) -> None:
        if self.bench is None:
            return
        if self._job is not None:
            self._job.cancel()
        one = self.incident
        self._broken, self._yours, self._failed = {}, {}, None
        self._briefing.setText(one.briefing)
        _empty(self._knobs)
        _empty(self._told)
        self._form = ParamsForm(trying.knobs_of(one))
        self._knobs.addWidget(self._form)
        self._goal.setText(self.tr("Repaired when: {goal}, and all work is done.").replace("{goal}", one.goal))
        self._show_evidence()

    def _values(self) -> dict[str, Any]:
        """What the learner turned away from the broken run."""
        if self._form is None:
            return {}
        self._form.flush()
        plain = trying.knobs_of(self.incident)()
        return {name: value for name, value in self._form.values().items() if value != getattr(plain, name)}

    def _show_evidence(self) -> None:
        rows = [
            [f"{clue.measure.replace('_', ' ')}: {clue.text}", _cell(self._broken, clue.measure),
             _cell(self._yours, clue.measure)]
            for clue in self.incident.clues
        ]  # fmt: skip
        self._evidence.show_rows(rows)
        self._evidence.setMinimumHeight(theme.scaled(130))

    # -- playing -----------------------------------------------------------------------------------------------

    def _start(self, job: Job, words: str) -> None:
        self._job = job
        for button in (self._show, self._once, self._prove, self._which):
            button.setEnabled(False)
        self._loading = LoadingState(words)
        self._loading.follow(job)
        self._told.insertWidget(0, self._loading)
        job.failed.connect(lambda sentence, _details: self._tell(sentence, "bad"))
        job.finished.connect(self._over)

    def _over(self) -> None:
        self._job = None
        for button in (self._show, self._once, self._prove, self._which):
            button.setEnabled(True)
        if self._loading is not None:
            self._loading.deleteLater()
            self._loading = None

    def _try(self, knobs: Mapping[str, Any], seed: int | None = None) -> None:
        bench, number = self.bench, self.incident.number
        if bench is None or self._job is not None:
            return

        def work(_ctx: Ctx) -> Tried:
            return trying.try_once(number, knobs, seed)

        job = bench.jobs.submit(work)
        job.succeeded.connect(lambda tried: self._tried(tried, dict(knobs)))
        self._start(job, self.tr("Playing it once"))

    def _tried(self, tried: Tried, knobs: Mapping[str, Any]) -> None:
        if self.bench is None:
            tried.run.close()
            return
        if knobs:
            self._yours = tried.values
        else:
            self._broken = tried.values
        self._show_evidence()
        words = self.tr("{title}, your knobs") if knobs else "{title}"
        title = words.replace("{title}", self.incident.title)
        self.bench.show(title, tried.run)
        self.bench.seek(tried.at if tried.at is not None and not tried.ok else len(tried.run.trace) - 1)
        if knobs:
            words = self.tr("✓ It holds on this seed. Prove it on all.") if tried.ok else f"✗ {_sentence(tried.reason)}"
            self._tell(words, "good" if tried.ok else "warn")
        else:
            words = self.tr("✗ On the bench, at the step where it shows: {why}")
            self._tell(words.replace("{why}", _sentence(tried.reason)), "warn")

    def _begin_proof(self) -> None:
        bench = self.bench
        if bench is None or self._job is not None:
            return
        job = bench.jobs.submit_process(trying.prove_all, self.incident.number, self._values())
        job.succeeded.connect(self._proved)
        self._start(job, self.tr("Playing it on {n} seeds").replace("{n}", str(len(SEEDS))))

    def _proved(self, proofs: list[Proof]) -> None:
        _empty(self._told, keep=self._loading)
        last = proofs[-1]
        if not last.ok:
            self._failed = last
            words = self.tr("✗ Seed {seed} fails, after {n} that held: {why}")
            words = words.replace("{seed}", str(last.seed)).replace("{n}", str(len(proofs) - 1))
            self._tell(words.replace("{why}", last.reason), "bad",
                       (self.tr("Show that run"), lambda: self._try(self._values(), last.seed)))  # fmt: skip
            return
        one = self.incident
        self.solved.add(one.number)
        index = self._which.currentIndex()
        self._which.setItemText(index, f"✓ {one.number}. {one.title}")
        held = self.tr("✓ It holds on all {n} seeds, with all work done.").replace("{n}", str(len(proofs)))
        self._tell(self.tr("Often said: {note}\nPrecisely: {truth}\nSource: {source}").replace("{note}", one.note)
                   .replace("{truth}", one.precisely).replace("{source}", one.source))  # fmt: skip
        self._tell(f"{held}\n{one.debrief}", "good")

    # -- telling -----------------------------------------------------------------------------------------------

    def _tell(self, words: str, kind: str = "card", action: tuple[str, Callable[[], None]] | None = None) -> None:
        frame = QFrame()
        frame.setProperty("kind", kind)
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(*(theme.UNIT,) * 4)
        inside.addWidget(paragraph(words))
        if action is not None:
            button = QPushButton(action[0])
            button.clicked.connect(lambda _checked=False: action[1]())
            inside.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        self._told.insertWidget(0, frame)
        if self.bench is not None:
            self.bench.say(words.splitlines()[0])

    def outline(self) -> str:
        if self.bench is None:
            return ""
        one = self.incident
        told = [label.text() for i in range(self._told.count()) if (item := self._told.itemAt(i)) is not None
                and (frame := item.widget()) is not None for label in frame.findChildren(QLabel)]  # fmt: skip
        return "\n".join([f"{one.number}. {one.title}", one.briefing, self._goal.text(), *told])

    def on_theme(self) -> None:
        self._show_evidence()


def _cell(values: Mapping[str, Any], name: str) -> str:
    return say(values[name]) if name in values else "–"


def _sentence(reason: str) -> str:
    return reason if reason.endswith(".") else f"{reason}."


def _head(words: str) -> QLabel:
    label = QLabel(words)
    label.setProperty("step", "1")
    return label


def _empty(layout: QVBoxLayout, keep: QWidget | None = None) -> None:
    for i in reversed(range(layout.count())):
        item = layout.itemAt(i)
        widget = item.widget() if item is not None else None
        if widget is not None and widget is not keep:
            layout.removeWidget(widget)
            widget.hide()
            widget.deleteLater()
