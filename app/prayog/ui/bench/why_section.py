"""Why an event did what it did, and not something else: the conditions that its node tried, each with its values."""

from __future__ import annotations

from itertools import groupby

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QVBoxLayout, QWidget

from prayog.ui.bench.host import Host
from prayog.ui.pieces import drop
from prayog_sdk.guards import Guard
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph
from prayog_sdk.why import Why, again
from prayog_sim.world import World

__all__ = ["WhySection"]

_SAID = {True: "✓", False: "✗"}


class WhySection(QWidget):
    """A button that opens the conditions of event `seq` of `run`; they are worked out on a copy, in a worker."""

    opened = Signal(bool)
    """The learner opened or closed it."""

    def __init__(self, host: Host, run: World, seq: int, *, shown: bool) -> None:
        super().__init__()
        self._host = host
        self._run = run
        self._seq = seq
        self._button = QPushButton(self.tr("Why? Which conditions were tried"))
        self._button.setCheckable(True)
        self._button.setProperty("kind", "quiet")
        self._button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._told = QVBoxLayout()
        self._told.setSpacing(theme.UNIT // 2)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.UNIT, 0, 0)
        column.addWidget(self._button)
        column.addLayout(self._told)
        self._button.setChecked(shown)
        self._button.toggled.connect(self._toggle)
        if shown:
            self._ask()

    def _toggle(self, on: bool) -> None:
        self.opened.emit(on)
        drop(self._told)
        if on:
            self._ask()

    def _ask(self) -> None:
        once_more = self._host.hook("why", lambda: again(self._run, self._seq), None)
        if once_more is not None:
            job = self._host.jobs.submit(lambda _ctx: once_more.explain())
            job.succeeded.connect(self._show)
            job.failed.connect(self._fail)

    def _fail(self, sentence: str, _details: str) -> None:
        self._say(sentence)

    def _show(self, why: Why) -> None:
        drop(self._told)
        if not self._button.isChecked():
            return
        if not why.guards:
            self._say(
                self.tr("{handler} tried no condition.").format(handler=why.handler)
                if why.handler
                else self.tr("No node decided anything here: it was done to the run from outside.")
            )
        for (method, rule), guards in groupby(why.guards, key=lambda guard: (guard.method, guard.rule)):
            if method:
                self._say(f"{method}: {rule}" if rule else method)
            for guard in guards:
                self._told.addWidget(self._row(guard))
        if why.more:
            self._say(self.tr("and more"))

    def _row(self, guard: Guard) -> QWidget:
        words = f"{_SAID[guard.held]} {guard.text}"
        if guard.times > 1:
            words += f"  ×{guard.times}"
        values = "  ·  ".join(f"{name} = {value}" for name, value in guard.values)
        below = values or ("" if guard.method else guard.rule)
        row = paragraph(f"{words}\n     {below}" if below else words)
        row.setToolTip(guard.where)
        return row

    def _say(self, words: str) -> None:
        self._told.addWidget(paragraph(words, "muted"))
