"""A challenge beside the bench: the goal, what was spent, how the checks stand, and the verdict by replay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from prayog.ui.bench.checks_pane import CheckRow
from prayog.ui.bench.verdicts import Judged
from prayog.ui.pieces import drop, heading
from prayog_sdk.grading import ChallengeResult, SeedResult
from prayog_sdk.lessons import Challenge
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card
from prayog_sdk.qt.icons import IconLabel
from prayog_sdk.qt.jobs import Job
from prayog_sdk.qt.state import LoadingState, paragraph
from prayog_sdk.qt.text import MarkdownView
from prayog_sim.run import TimedAction

__all__ = ["ChallengePane"]


class ChallengePane(QWidget):
    """Shows one `Challenge`."""

    hand_in_asked = Signal()
    open_there = Signal(int)
    open_seed = Signal(object)
    """Show the replay on a seed that failed: a `SeedResult`."""
    leave_asked = Signal()

    def __init__(self, challenge: Challenge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.challenge = challenge
        self._hints = 0
        self._rows: dict[str, CheckRow] = {}
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(2 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT)
        column.setSpacing(2 * theme.UNIT)
        kind = QLabel(self.tr("Challenge"))
        kind.setProperty("kind", "muted")
        column.addWidget(kind)
        column.addWidget(heading(challenge.title, 2))
        goal = Card()
        line = QHBoxLayout()
        line.addWidget(IconLabel("challenges", role="accent", size=18), 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(paragraph(challenge.goal), 1)
        goal.body.addLayout(line)
        column.addWidget(goal)
        if challenge.body:
            body = MarkdownView(challenge.body)
            body.setAccessibleName(challenge.title)
            column.addWidget(body)
        self._budget = paragraph("")
        if challenge.budget:
            column.addWidget(heading(self.tr("Budget"), 1))
            column.addWidget(self._budget)
        column.addWidget(heading(self.tr("On your run so far"), 1))
        for text in challenge.checks:
            row = CheckRow(text)
            row.open_there.connect(self.open_there)
            self._rows[text] = row
            column.addWidget(row)
        words = self.tr("It is graded by running your actions again on these seeds: {seeds}. Nothing is secret.")
        if challenge.played == "script":
            words = self.tr("It is graded by playing the scenario with your code on these seeds: {seeds}.")
        column.addWidget(paragraph(words.format(seeds=challenge.seeds_in_words), "muted"))
        self._result = QVBoxLayout()
        column.addLayout(self._result)
        self._hint_box = QVBoxLayout()
        column.addLayout(self._hint_box)
        column.addStretch(1)
        self._area = area = QScrollArea()
        area.setAccessibleName(challenge.title)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(page)
        self.hand_in = QPushButton(self.tr("Hand in"))
        self.hand_in.setProperty("kind", "primary")
        self.hand_in.setToolTip(self.tr("Ctrl+Enter"))
        self.hand_in.clicked.connect(self.hand_in_asked)
        leave = QPushButton(self.tr("Leave"))
        leave.clicked.connect(self.leave_asked)
        foot = QHBoxLayout()
        foot.setContentsMargins(2 * theme.UNIT, theme.UNIT, 2 * theme.UNIT, theme.UNIT)
        foot.addWidget(leave)
        foot.addStretch(1)
        foot.addWidget(self.hand_in)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(area, 1)
        layout.addLayout(foot)
        self.show_spent(())
        self._show_hints()

    def name_checks(self, titles: Mapping[str, str]) -> None:
        """The titles of the checks, where they have one."""
        for text, row in self._rows.items():
            row.set_title(titles.get(text, text))

    def show_spent(self, actions: Sequence[TimedAction]) -> None:
        """What of the budget is used."""
        lines = []
        for name, allowed in self.challenge.budget.items():
            used = sum(name in ("actions", timed.action.name) for timed in actions)
            what = self.tr("actions of any kind") if name == "actions" else name.replace("_", " ")
            words = self.tr("{what}: {used} of {allowed}").format(what=what, used=used, allowed=allowed)
            lines.append(words if used <= allowed else self.tr("{words}, which is too many").format(words=words))
        self._budget.setText("\n".join(lines))

    def show_judged(self, judged: Judged, *, more: bool) -> None:
        for text, row in self._rows.items():
            row.show_verdict(
                judged.verdicts.get(f"challenge:{text}"), more=more, error=judged.errors.get(f"challenge:{text}", "")
            )

    def follow(self, job: Job) -> None:
        """The grading has begun."""
        drop(self._result)
        self.hand_in.setEnabled(False)
        words = self.tr("Running your actions again on {n} seeds…")
        if self.challenge.played == "script":
            words = self.tr("Running your code on {n} seeds…")
        loading = LoadingState(words.format(n=len(self.challenge.seeds)))
        loading.setMinimumHeight(theme.scaled(120))
        loading.follow(job)
        self._result.addWidget(loading)
        job.finished.connect(self._graded)
        job.failed.connect(self.show_sentence)
        job.cancelled.connect(self._cancelled)

    def _graded(self) -> None:
        self.hand_in.setEnabled(True)

    def _cancelled(self) -> None:
        drop(self._result)

    def show_sentence(self, sentence: str, details: str = "") -> None:
        drop(self._result)
        card = Card(kind="warn")
        card.body.addWidget(paragraph(sentence))
        self._result.addWidget(card)

    def show_result(self, result: ChallengeResult) -> None:
        """Passed or not, and on which seed it first failed."""
        drop(self._result)
        card = Card(kind="good" if result.ok else "bad")
        line = QHBoxLayout()
        line.addWidget(
            IconLabel("ok" if result.ok else "failed", role="good" if result.ok else "bad", size=20),
            0,
            Qt.AlignmentFlag.AlignTop,
        )
        words = heading(self.tr("Passed") if result.ok else self.tr("Not yet"), 1)
        line.addWidget(words, 1)
        card.body.addLayout(line)
        card.body.addWidget(paragraph(result.reason))
        for note in result.notes:
            card.body.addWidget(paragraph(note, "muted"))
        failed = next((seed for seed in result.seeds if not seed.ok), None)
        if failed is not None:
            button = QPushButton(self.tr("Show seed {seed}").format(seed=failed.seed))
            button.clicked.connect(lambda _=False, s=failed: self._open(s))
            card.body.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        self._result.addWidget(card)
        QTimer.singleShot(0, card, lambda: self._area.ensureWidgetVisible(card))

    def hint(self) -> None:
        """Open the next hint (Ctrl+H)."""
        if self._hints < len(self.challenge.hints):
            self._hints += 1
            self._show_hints()

    def _open(self, seed: SeedResult) -> None:
        self.open_seed.emit(seed)

    def _show_hints(self) -> None:
        drop(self._hint_box)
        hints = self.challenge.hints
        for number, hint in enumerate(hints[: self._hints], 1):
            card = Card(margin=theme.UNIT * 3 // 2)
            label = QLabel(self.tr("Hint {n} of {all}").format(n=number, all=len(hints)))
            label.setProperty("kind", "muted")
            card.body.addWidget(label)
            told = MarkdownView(hint)
            told.setAccessibleName(label.text())
            card.body.addWidget(told)
            self._hint_box.addWidget(card)
        if self._hints < len(hints):
            button = QPushButton(self.tr("A hint, please") if not self._hints else self.tr("Another hint"))
            button.setProperty("kind", "quiet")
            button.clicked.connect(self.hint)
            self._hint_box.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
