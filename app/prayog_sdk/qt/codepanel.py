"""*Your code*: the stock panel in which a learner writes the function that the engine calls.

Run puts it on the bench and plays the script to its end; in a challenge it is tried on all published seeds as well.
What it printed and where it failed is read from the trace, so it is right for every run that is shown, at every moment.

Rules
1. The learner's text is kept after every pause in writing and when the panel goes; nothing replaces it unasked, and
   what was replaced comes back with Ctrl+Z and lies beside it in the profile.
2. Marks stand in the text only while it is the text of the run; a changed text has not been run yet, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedLayout,
    QVBoxLayout,
    QWidget,
)

from prayog_sdk.code import told
from prayog_sdk.code.draft import Draft
from prayog_sdk.code.source import read
from prayog_sdk.grading import ChallengeResult
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card
from prayog_sdk.qt.codeedit import CodeEdit
from prayog_sdk.qt.codetrial import CodeTrial
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.icons import icon
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.state import EmptyState, paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.run import View
from prayog_sim.trace import Step

if TYPE_CHECKING:
    from prayog_sdk.qt.jobs import Job
    from prayog_sdk.specs import CodeSpec

__all__ = ["CodePanel"]

_PAUSE_MS = 500
_SHOWN = 200  # rows of what was told
_TOLD_HEIGHT = 96  # px at 100 % text: the head and two rows


class CodePanel(Panel):
    """Bound to a bench, it shows the function of the set-up that is shown."""

    title = "Your code"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._spec: CodeSpec | None = None
        self._draft: Draft | None = None
        self._rows: list[told.Row] = []
        self._shown: list[told.Row] = []
        self._mine: set[str] = set()
        """Texts that were run from here, and the one to begin with: of those, nobody needs to be shown the code."""
        self._stale = True
        self._pages = QStackedLayout(self)
        self._empty = EmptyState(
            self.tr("Nothing to write here"),
            self.tr("This set-up has no part that you write. Challenges that begin with “Code it” have one."),
            icon="challenges",
        )
        self._pages.addWidget(self._empty)
        area = QScrollArea()  # with large text the parts take the height that they need
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(self._page())
        self._pages.addWidget(area)
        self._keeping = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._keeping.timeout.connect(self.keep)
        run = QShortcut(QKeySequence("F5"), self, self.run)
        run.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)

    def _page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(theme.UNIT, theme.UNIT, theme.UNIT, theme.UNIT)
        column.setSpacing(theme.UNIT)
        self._about = paragraph("")
        column.addWidget(self._about)
        column.addWidget(self._bar())
        column.addWidget(self._asking())
        self.edit = CodeEdit(self.tr("Your function"))
        self.edit.textChanged.connect(self._written)
        self.edit.leaving.connect(self._show_hint)
        self._undo.clicked.connect(self.edit.undo)
        self._problem = paragraph("", "bad")
        self._problem.hide()
        self.trial = CodeTrial()
        self.trial.seed_asked.connect(lambda seed: self.bench.show_seed(seed) if self.bench else None)
        self._told = TextTable(
            self.tr("What your function told"), (self.tr("Event"), self.tr("Line"), self.tr("What")),
            numbers=(0, 1), wrapped=2,
        )  # fmt: skip
        self._told.cellActivated.connect(lambda row, _column: self._go(row))
        self._told.cellClicked.connect(lambda row, _column: self._go(row))
        self._told.setMinimumHeight(theme.scaled(_TOLD_HEIGHT))
        self._told.hide()
        split = _Split(Qt.Orientation.Vertical)
        split.addWidget(self.edit)
        split.addWidget(self._told)
        split.setStretchFactor(0, 3)
        split.setStretchFactor(1, 1)
        split.setCollapsible(0, False)
        column.addWidget(split, 1)
        column.addWidget(self._problem)
        column.addWidget(self.trial)
        return page

    def _bar(self) -> QWidget:
        bar = QWidget()
        row = FlowLayout(bar)
        self._run = QPushButton(icon("play", "on_accent"), self.tr("Run"))
        self._run.setProperty("kind", "primary")
        self._run.setToolTip(self.tr("F5"))
        self._run.clicked.connect(self.run)
        self._undo = QPushButton(self.tr("Undo"))
        self._undo.setToolTip(self.tr("Ctrl+Z in the text"))
        self._reset = QPushButton(self.tr("Reset…"))
        self._reset.clicked.connect(self._ask_reset)
        self._theirs = QPushButton(self.tr("Show its code"))
        self._theirs.setToolTip(self.tr("The run on the bench was made with another text. Yours is kept beside it."))
        self._theirs.clicked.connect(lambda: self._exchange(self._running()))
        self._state = paragraph("", "muted")
        self._state.setWordWrap(False)
        for widget in (self._run, self._undo, self._reset, self._theirs, self._state):
            row.addWidget(widget)
        return bar

    def _asking(self) -> QWidget:
        """The question before the text goes back to the one to begin with: no window of its own."""
        self._question = Card(kind="warn", margin=theme.UNIT)
        self._question.body.addWidget(
            paragraph(self.tr("Go back to the text to begin with? Ctrl+Z brings yours back, and a copy is kept."))
        )
        line = QHBoxLayout()
        yes = QPushButton(self.tr("Reset"))
        yes.clicked.connect(self._do_reset)
        no = QPushButton(self.tr("Keep mine"))
        no.clicked.connect(self._question.hide)
        line.addWidget(yes)
        line.addWidget(no)
        line.addStretch(1)
        self._question.body.addLayout(line)
        self._question.hide()
        self._yes = yes
        return self._question

    # -- the bench -----------------------------------------------------------------------------------------------

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        bench.signals.trial_began.connect(self._trial_began)
        bench.signals.trial_ended.connect(self._trial_ended)

    def on_run(self, bench: Bench) -> None:
        """Is there another function to write?"""
        spec = bench.code
        if spec != self._spec:
            self.keep()
            self._spec = spec
            self.trial.clear()
            self._question.hide()
            self._draft = Draft(bench.data_dir(), spec.name, spec.starter) if spec is not None else None
            if spec is not None and self._draft is not None:
                self.edit.setAccessibleName(self.tr("Your function {name}").format(name=spec.name))
                self.edit.load(self._draft.read())
                self._mine = {spec.starter, self.edit.text()}
                self._about.setText(spec.about)
                bench.draft = self.edit.text()
        self._pages.setCurrentIndex(0 if spec is None else 1)
        self._rows, self._stale = [], True

    def unbind(self) -> None:
        self.keep()
        if self.bench is not None:
            self.bench.draft = None
        super().unbind()

    def on_step(self, step: Step) -> None:
        news = told.rows([step])
        self._rows += [row for row in news if not row.wrong or row.text not in {old.text for old in self._rows}]
        self._stale |= bool(news)

    def on_frame(self) -> None:
        if self._stale:
            self._stale = False
            self._show()

    def on_seek(self, view: View) -> None:
        assert self.bench is not None
        self._rows = told.rows(self.bench.trace[: view.seq + 1])
        self._stale = True

    def on_theme(self) -> None:
        self.edit.use_theme()
        self._told.setMinimumHeight(theme.scaled(_TOLD_HEIGHT))
        self._run.setIcon(icon("play", "on_accent"))

    def outline(self) -> str:
        if self._spec is None:
            return self.tr("There is nothing to write in this set-up.")
        wrong = [row.text for row in self._rows if row.wrong]
        parts = [self._spec.title, self._state.text(), *wrong[:3], self.trial.outline()]
        return "\n".join(part for part in parts if part)

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"py": self._write}

    def _write(self, path: Path) -> None:
        path.write_text(self.edit.text(), "utf-8", newline="\n")

    # -- the text ------------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Put the text on the bench."""
        if self.bench is None or self._spec is None:
            return
        self.keep()
        text = self.edit.text()
        mistake = read(text, self._spec.name).mistake
        if mistake is not None and mistake.line:
            self.edit.go_to(mistake.line)
        self._mine.add(text)
        self.bench.run_code(text)

    def keep(self) -> None:
        """Write the text to the profile."""
        self._keeping.stop()
        if self._draft is not None and self.edit.document().isModified():
            self._draft.write(self.edit.text())
            self.edit.document().setModified(False)
            self._say_problem(self._draft.problem)

    def _running(self) -> str:
        """The text of the run that is shown."""
        if self.bench is None or self._spec is None:
            return ""
        return getattr(self.bench.params, self._spec.knob, "") or self._spec.starter

    def _written(self) -> None:
        if self.bench is not None and self._spec is not None:
            self.bench.draft = self.edit.text()
            self._keeping.start()
            self._show_state()

    def _exchange(self, text: str) -> None:
        """Another text in the place of the learner's, which is kept."""
        if self._draft is not None:
            self.keep()
            self._draft.replace(text)
            self._say_problem(self._draft.problem)
            self.edit.exchange(text)
            self.edit.document().setModified(False)
            self._show()

    def _ask_reset(self) -> None:
        self._question.show()
        self._yes.setFocus()

    def _do_reset(self) -> None:
        self._question.hide()
        if self._spec is not None:
            self._exchange(self._spec.starter)
            self.edit.setFocus()

    # -- what is shown -------------------------------------------------------------------------------------------

    def _show(self) -> None:
        self._show_state()
        self._shown = self._rows[-_SHOWN:]
        wrong = [row for row in self._rows if row.wrong and row not in self._shown]
        self._shown = [*wrong, *self._shown]
        self._told.show_rows(
            [(str(row.at), str(row.line or ""), f"✗ {row.text}" if row.wrong else row.text) for row in self._shown],
            strong=[number for number, row in enumerate(self._shown) if row.wrong],
        )
        self._told.setVisible(bool(self._shown))

    def _show_state(self) -> None:
        running = self._running()
        same = self.edit.text() == running
        self._theirs.setVisible(not same and running not in self._mine)
        seeds = self.bench.trial_seeds if self.bench is not None else ""
        words = self.tr("This is the code of the run.") if same else self.tr("Not run yet.")
        if seeds and not same:
            words = self.tr("Not run yet. Run tries it on seeds {seeds}.").format(seeds=seeds)
        self._state.setText(words)
        self._undo.setEnabled(self.edit.document().isUndoAvailable())
        self._reset.setEnabled(self._spec is not None and self.edit.text() != self._spec.starter)
        self.edit.set_marks({row.line: row.text for row in reversed(self._rows) if row.wrong} if same else {})

    def _show_hint(self, leaving: bool) -> None:
        if leaving:
            self._state.setText(self.tr("Tab leaves the text now."))
        else:
            self._show_state()

    def _say_problem(self, sentence: str) -> None:
        self._problem.setText(sentence)
        self._problem.setVisible(bool(sentence))

    def _go(self, number: int) -> None:
        """To the line, and to the step that told it."""
        if self.bench is not None and 0 <= number < len(self._shown):
            row = self._shown[number]
            if row.line and self.edit.text() == self._running():
                self.edit.go_to(row.line)
            self.bench.seek(row.at)

    def _trial_began(self, job: Job) -> None:
        self.trial.follow(job)

    def _trial_ended(self, result: ChallengeResult, seeds: tuple[int, ...]) -> None:
        self.trial.show_result(result, seeds)


class _Split(QSplitter):
    """Takes what is left, and asks for no more than it needs: what its parts would like is scrolled out of sight."""

    def sizeHint(self) -> QSize:
        return self.minimumSizeHint()
