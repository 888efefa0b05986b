"""What an algorithm promises, each ✓ or ✗ as the run goes on; a broken one says why and leads to its event.

Invariants are read from the trace (a violation is a step); checks of the whole history are judged in a worker.
"""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from prayog_consensus import hunting
from prayog_consensus.engine.families import family
from prayog_sdk.checks import Check, Verdict
from prayog_sdk.qt import theme
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.state import paragraph
from prayog_sim.trace import Step, Trace

__all__ = ["Promises", "empty"]

SHORT = 4_000
"""Checks that need the whole history are judged up to this many steps."""
_JUDGE_MS = 500


class Promises(QWidget):
    """The list.  Whoever owns it feeds steps and tells of seeks, and calls `look` once a frame."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench: Bench | None = None
        self._job: Job | None = None
        self._stale = False
        self._verdicts: dict[str, Verdict] = {}
        self.broken: dict[str, tuple[str, int]] = {}
        """Violated invariants: name -> what is wrong, and at which step."""
        self._list = QVBoxLayout(self)
        self._list.setContentsMargins(0, 0, 0, 0)
        self._list.setSpacing(theme.UNIT // 2)
        self._pause = QTimer(self)
        self._pause.setSingleShot(True)
        self._pause.setInterval(_JUDGE_MS)
        self._pause.timeout.connect(self._judge)

    def bind(self, bench: Bench) -> None:
        self._bench = bench

    def release(self) -> None:
        """Stop what runs."""
        self._bench = None
        self._pause.stop()
        if self._job is not None:
            self._job.cancel()

    def start(self) -> None:
        """Another run."""
        self.broken, self._verdicts, self._stale = {}, {}, True

    def take(self, step: Step) -> None:
        if step.kind == "violation":
            self.broken.setdefault(step.data["name"], (step.data["sentence"], step.seq))
        self._stale = True

    def seek(self) -> None:
        """The shown moment jumped."""
        self.broken, self._stale = {}, True
        if self._bench is not None:
            for step in self._bench.trace[: self._bench.at + 1]:
                self.take(step)

    def look(self) -> None:
        """Draw, and have the checks judged soon if something happened."""
        self.draw()
        if self._stale and not self._pause.isActive() and self._job is None:
            self._pause.start()

    # -- judging -------------------------------------------------------------------------------------------------

    def _checks(self) -> tuple[Check, ...]:
        return family(self._bench.params.algorithm).checks if self._bench is not None else ()

    def _judge(self) -> None:
        bench = self._bench
        if bench is None or self._job is not None or not self._stale or bench.at > SHORT:
            return
        self._stale = False
        trace, checks = Trace(bench.trace[: bench.at + 1]), list(self._checks())

        def work(_ctx: Ctx) -> dict[str, Verdict]:
            return {check.name: check.judge(trace) for check in checks}

        self._job = job = bench.jobs.submit(work)
        job.succeeded.connect(self._judged)
        job.finished.connect(self._over)

    def _judged(self, verdicts: dict[str, Verdict]) -> None:
        self._verdicts = verdicts
        self.draw()

    def _over(self) -> None:
        self._job = None
        if self._stale:
            self._pause.start()

    # -- drawing -------------------------------------------------------------------------------------------------

    def draw(self) -> None:
        """All promises, as they are known now."""
        empty(self._list)
        bench = self._bench
        if bench is None or self.isHidden():
            return
        titles = {check.name: check.title for check in self._checks()}
        for invariant in family(bench.params.algorithm).invariants(hunting.unmasked(bench.params)):
            words, at = self.broken.get(invariant.name, ("", -1))
            title = titles.pop(invariant.name.replace(" ", "_"), invariant.name.replace("_", " "))
            self._add(title, not words, words, at)
        for name, title in titles.items():
            verdict = self._verdicts.get(name)
            if verdict is None:
                continue
            if not verdict.ok and name in hunting.LATER and not verdict.final and bench.run.busy:
                self._list.addWidget(paragraph(self.tr("… {what}, not yet").replace("{what}", title), "muted"))
            else:
                self._add(title, verdict.ok, verdict.reason, verdict.at)

    def _add(self, title: str, ok: bool, why: str, at: int | None) -> None:
        if ok:
            self._list.addWidget(paragraph(f"✓ {title}"))
            return
        row = _Broken(f"✗ {title}: {why}")
        if at is not None and at >= 0:
            row.setToolTip(self.tr("{why}: go to event {n}").replace("{why}", why).replace("{n}", f"{at:,}"))
            row.clicked.connect(partial(self._go, at))
        self._list.addWidget(row)

    def _go(self, at: int, _checked: bool = False) -> None:
        if self._bench is not None:
            self._bench.seek(at)


class _Broken(QPushButton):
    """A broken promise in a line."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self._words = words
        self.setAccessibleName(words)
        self.setProperty("kind", "quiet")
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setMinimumHeight(max(24, theme.scaled(26)))
        self.setStyleSheet(f"text-align: left; padding: 2px 0; color: {theme.current().bad};")

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setText(self.fontMetrics().elidedText(self._words, Qt.TextElideMode.ElideRight, self.width() - 12))


def empty(layout: QBoxLayout) -> None:
    """Take all widgets out of `layout` and let them go."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
