"""Find the bug: one rule is missing; play, break, look at the promises, and name it.

Promises turn from ✓ to ✗ while the run goes on.  Hints come in three steps and cost points; time is told and costs
nothing.  The hunt itself, its hints and its score are in `prayog_consensus.hunting`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import QElapsedTimer, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QBoxLayout,
    QButtonGroup,
    QFrame,
    QLabel,
    QPushButton,
    QRadioButton,
    QScrollArea,
    QSizePolicy,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from prayog_consensus import hunting
from prayog_consensus.engine.families import family
from prayog_consensus.hunting import Hunt, Proof, Score
from prayog_consensus.panels.promises import Promises, empty
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.state import paragraph
from prayog_sdk.vocabulary import by_hand
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["HuntPanel"]

_ROOM = 560


class HuntPanel(Panel):
    """The hunt, its promises, the choices, the hints."""

    title = "Find the bug"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.hunt: Hunt | None = None
        self._job: Job | None = None
        self._hints = self._actions = 0
        self._wrong: set[str] = set()
        self._over = self._dirty = False
        self._clock = QElapsedTimer()
        self._new = QPushButton(self.tr("New hunt"))
        self._new.setProperty("kind", "primary")
        self._new.clicked.connect(self.begin)
        self._number = QSpinBox()
        self._number.setRange(1, 9_999)
        self._number.setPrefix(self.tr("number "))
        self._number.lineEdit().setTextMargins(theme.UNIT, 0, 0, 0)
        self._number.setAccessibleName(self.tr("Number of the hunt"))
        self._number.setToolTip(self.tr("The same number is the same hunt, on every machine."))
        self._state = paragraph("", "muted")
        head = QWidget()
        line = FlowLayout(head)
        for widget in (self._new, self._number):
            line.addWidget(widget)
        self._story = paragraph("")
        self._promises = Promises()
        self._choices = QVBoxLayout()
        self._choices.setSpacing(2)
        self._group = QButtonGroup(self)
        self._name = QPushButton(self.tr("This rule is missing"))
        self._name.clicked.connect(self._guess)
        self._hint = QPushButton(self.tr("Hint"))
        self._hint.clicked.connect(self._next_hint)
        self._give_up = QPushButton(self.tr("Give up"))
        self._give_up.setProperty("kind", "quiet")
        self._give_up.clicked.connect(lambda: self._end(found=False))
        self._again = QPushButton(self.tr("Start this run again"))
        self._again.setProperty("kind", "quiet")
        self._again.clicked.connect(self._restart)
        self._told = QVBoxLayout()
        self._told.setSpacing(theme.UNIT)
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight)
        self._columns.setSpacing(3 * theme.UNIT)
        left, right = QVBoxLayout(), QVBoxLayout()
        for side in (left, right):
            side.setSpacing(theme.UNIT)
        self._promises_head = _head(self.tr("Promises"))
        left.addWidget(self._promises_head)
        left.addWidget(self._promises)
        left.addStretch(1)
        self._choices_head = _head(self.tr("Which rule is missing?"))
        right.addWidget(self._choices_head)
        right.addLayout(self._choices)
        buttons = QWidget()
        row = FlowLayout(buttons)
        for widget in (self._name, self._hint, self._again, self._give_up):
            row.addWidget(widget)
        self._buttons = buttons
        right.addWidget(buttons)
        right.addLayout(self._told)
        right.addStretch(1)
        self._columns.addLayout(left, 1)
        self._columns.addLayout(right, 1)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(*(theme.UNIT,) * 4)
        column.setSpacing(theme.UNIT)
        column.addWidget(head)
        column.addWidget(self._story)
        column.addWidget(self._state)
        column.addLayout(self._columns, 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)

    def bind(self, bench: Bench) -> None:
        self._promises.bind(bench)
        super().bind(bench)
        self._number.setValue(len(hunting.scores(self._file())) + 1)

    def unbind(self) -> None:
        super().unbind()
        self._promises.release()
        if self._job is not None:
            self._job.cancel()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() > theme.scaled(_ROOM)
        self._columns.setDirection(QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom)

    # -- the hunt ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Hide a broken variant behind the number and start a run with it."""
        if self.bench is None or self._job is not None:
            return
        algorithm, seed = self.bench.params.algorithm, self._number.value()
        self._work(lambda _ctx: hunting.begin(algorithm, seed), self._begun)

    def _begun(self, hunt: Hunt) -> None:
        self.hunt = hunt
        self._hints = self._actions = 0
        self._wrong = set()
        self._over = False
        empty(self._told)
        self._clock.start()
        if self.bench is not None:
            self.bench.start(hunt.knobs, hunt.seed)
        self._show()

    def _restart(self) -> None:
        if self.bench is not None and self.hunt is not None:
            self.bench.start(self.hunt.knobs, self.hunt.seed)

    def _guess(self) -> None:
        button = self._group.checkedButton()
        if self.hunt is None or self._over:
            return
        if button is None:
            self._tell(self.tr("Choose one of the rules first."))
            return
        if self.hunt.right(button.property("variant")):
            self._end(found=True)
            return
        self._wrong.add(button.property("variant"))
        words = self.tr("✗ Not that one: {story}")
        self._tell(words.replace("{story}", button.toolTip()), "warn")
        self._show()

    def _next_hint(self) -> None:
        if self.hunt is None or self._over:
            return
        self._hints += 1
        if self._hints == 1:
            self._tell(self.tr("The promise that breaks: {what}").replace("{what}", self.hunt.promise))
        elif self._hints == 2:
            self._tell(self.tr("A situation in which it does: {what}").replace("{what}", self.hunt.situation))
        else:
            algorithm, seed = self.hunt.algorithm, self.hunt.seed
            self._work(lambda ctx: hunting.proof(algorithm, seed, ctx.progress), self._proved)
        self._show_state()

    def _proved(self, proof: Proof) -> None:
        if self.bench is None:
            proof.run.close()
            return
        words = self.tr(
            "The shortest run that shows it is on the bench: {n} events, {m} actions of {k} were needed. "
            "At its end: {why}"
        )
        words = words.replace("{n}", str(len(proof.run.trace))).replace("{m}", str(proof.after))
        self._tell(words.replace("{k}", str(proof.before)).replace("{why}", proof.reason))
        self.bench.show(self.tr("The shortest run"), proof.run)

    def _end(self, *, found: bool) -> None:
        if self.hunt is None or self._over or self.bench is None:
            return
        self._over = True
        title, story = self.hunt.answer
        score = self._score(found)
        sign = (
            self.tr("✓ Found, {n} points.").replace("{n}", str(score.points)) if found else self.tr("It was this one.")
        )
        self._tell(f"{sign} {title}. {story}", "good" if found else "")
        try:
            hunting.note(self._file(), score)
        except OSError as error:
            self.bench.say(self.tr("The score could not be kept: {why}").replace("{why}", str(error.strerror or error)))
        self._number.setValue(self._number.value() + 1)
        self._show()

    def _score(self, found: bool) -> Score:
        assert self.hunt is not None
        seconds = int(self._clock.elapsed() / 1000)
        return Score(self.hunt.algorithm, self.hunt.seed, seconds, self._actions, self._hints, len(self._wrong), found)

    def _file(self) -> Path:
        assert self.bench is not None
        return self.bench.data_dir() / "hunts.jsonl"

    def _work(self, work: Callable[[Ctx], Any], done: Callable[[Any], None]) -> None:
        if self.bench is None or self._job is not None:
            return
        self._job = job = self.bench.jobs.submit(work)
        self._show_state()
        job.succeeded.connect(done)
        job.failed.connect(lambda sentence, _trace: self._tell(sentence, "bad"))
        job.finished.connect(self._finished)

    def _finished(self) -> None:
        self._job = None
        self._show_state()

    # -- the run -------------------------------------------------------------------------------------------------

    def on_run(self, bench: Bench) -> None:
        self._promises.start()
        self._dirty = True
        self._show()

    def on_step(self, step: Step) -> None:
        self._promises.take(step)
        if by_hand(step) and self._on_bench() and not self._over:
            self._actions += 1
        self._dirty = True

    def on_seek(self, view: View) -> None:
        self._promises.seek()
        self._dirty = True

    def on_frame(self) -> None:
        if self.bench is None or not self._dirty or not self.isVisible():
            return
        self._dirty = False
        self._show_state()
        if self._on_bench():
            self._promises.look()

    def _on_bench(self) -> bool:
        """The run on the bench is the one that is hunted."""
        return (
            self.bench is not None and self.hunt is not None
            and getattr(self.bench.params, "variant", "") == hunting.mask(self.hunt.seed)
        )  # fmt: skip

    # -- what is shown -------------------------------------------------------------------------------------------

    def _show(self) -> None:
        """Everything, after a new hunt or another run."""
        if self.bench is None:
            return
        chosen = family(self.bench.params.algorithm)
        possible = hunting.huntable(chosen.name)
        self._new.setEnabled(possible)
        self._number.setEnabled(possible)
        if not possible:
            words = self.tr(
                "{name} has fewer than two rules that can be taken away, so there is nothing to choose from. "
                "Choose another algorithm in Set-up: {others}."
            )
            self._story.setText(words.replace("{name}", chosen.title).replace("{others}", ", ".join(hunting.hunted())))
        elif self.hunt is None or not self._on_bench():
            words = self.tr(
                "One rule of {name} is taken away, and nobody tells which. Play, send writes, kill, cut, delay; "
                "watch which promise breaks, and name the rule. A hint costs {hint} points of {start}, a wrong name "
                "{wrong}; the first {free} actions are free."
            )
            words = words.replace("{name}", chosen.title).replace("{hint}", str(hunting.HINT))
            words = words.replace("{start}", str(hunting.START)).replace("{wrong}", str(hunting.WRONG))
            self._story.setText(words.replace("{free}", str(hunting.FREE_ACTIONS)))
        else:
            words = self.tr(
                "{name} without one of its rules is on the bench, in a set-up in which that matters. Nothing is done "
                "by itself: time out a server, write, cut, crash, and break a promise."
            )
            self._story.setText(words.replace("{name}", chosen.title))
        self._show_choices()
        for widget in (self._promises_head, self._promises):
            widget.setVisible(self._on_bench())
        self._promises.draw()
        self._show_state()

    def _show_choices(self) -> None:
        empty(self._choices)
        hunting_now = self.hunt is not None and self._on_bench()
        self._choices_head.setVisible(hunting_now)
        self._buttons.setVisible(hunting_now and not self._over)
        for button in self._group.buttons():
            self._group.removeButton(button)
        if self.hunt is None or not hunting_now:
            return
        right = self.hunt.answer[0] if self._over else ""
        for name, title, story in self.hunt.choices:
            button = QRadioButton(f"{title} ✓" if title == right else title)
            button.setToolTip(story)
            button.setAccessibleDescription(story)
            button.setProperty("variant", name)
            button.setEnabled(not self._over and name not in self._wrong)
            button.setMinimumHeight(max(24, theme.scaled(26)))
            self._group.addButton(button)
            self._choices.addWidget(button)

    def _show_state(self) -> None:
        playing = self.hunt is not None and self._on_bench() and not self._over
        self._hint.setEnabled(playing and self._hints < 3 and self._job is None)
        self._hint.setText(self.tr("Hint {n} of 3").replace("{n}", str(min(3, self._hints + 1))))
        self._name.setEnabled(playing)
        self._give_up.setEnabled(playing)
        if self.bench is None:
            return
        known = hunting.scores(self._file()) if not playing else []
        if playing and self.hunt is not None:
            score = self._score(True)
            words = self.tr("Hunt {n} · {s} · {a} actions · {h} hints · {w} wrong · {p} points to win")
            parts = {
                "{n}": str(score.seed), "{s}": _time(score.seconds), "{a}": str(score.actions), "{h}": str(score.hints),
                "{w}": str(score.wrong), "{p}": str(score.points),
            }  # fmt: skip
            for key, value in parts.items():
                words = words.replace(key, value)
            self._state.setText(words)
        elif known:
            words = self.tr("Hunts so far: {n}, found: {f}. Best with {name}: {b} points.")
            words = words.replace("{n}", str(len(known))).replace("{f}", str(sum(score.found for score in known)))
            words = words.replace("{b}", str(hunting.best(known, self.bench.params.algorithm)))
            self._state.setText(words.replace("{name}", family(self.bench.params.algorithm).title))
        else:
            self._state.setText("")
        self._state.setVisible(bool(self._state.text()))

    def _tell(self, words: str, kind: str = "") -> None:
        frame = QFrame()
        frame.setProperty("kind", kind or "card")
        inside = QVBoxLayout(frame)
        inside.setContentsMargins(*(theme.UNIT,) * 4)
        inside.addWidget(paragraph(words))
        self._told.insertWidget(0, frame)
        if self.bench is not None:
            self.bench.say(words)

    def on_theme(self) -> None:
        self._promises.draw()

    def outline(self) -> str:
        broken = "; ".join(f"{name}: {words}" for name, (words, _) in self._promises.broken.items())
        return f"{self._story.text()} {self._state.text()} {broken}".strip()


def _head(words: str) -> QLabel:
    label = QLabel(words)
    label.setProperty("step", "1")
    label.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    return label


def _time(seconds: int) -> str:
    return f"{seconds // 60}:{seconds % 60:02d}"
