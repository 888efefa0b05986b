"""A lesson beside the bench: one step at a time, with prediction, deed, check, hints and myth.

The pane shows and asks; what a step needs from the run comes in through `show_judged` and `note_deed`.

Rules
1. Back, next and skip are always there: nothing gates.
2. A step is done when what it asks for is done: answered (or skipped), acted, checked.
3. A step that is missing in the chosen language is shown in English with a badge that says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from prayog.ui.bench.dots import Dots
from prayog.ui.bench.end_page import EndPage
from prayog.ui.bench.step_page import LANGUAGES, StepPage
from prayog.ui.pieces import heading
from prayog_sdk.checks import Verdict
from prayog_sdk.lessons import Answer, Lesson, LessonStep
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import EmptyState
from prayog_sim.run import Action

__all__ = ["LessonPane"]


class LessonPane(QWidget):
    """Shows a `Lesson`, or an invitation when there is none."""

    recorded = Signal(object)
    """An `Answer`; `at_step` is filled in by the page, which knows the run."""
    action_asked = Signal(object)
    scenario_asked = Signal(str)
    restart_asked = Signal()
    compare_asked = Signal()
    open_there = Signal(int)
    language_asked = Signal(str)
    step_shown = Signal(object)
    """A `LessonStep` is shown now: its check is to be judged."""
    step_done = Signal(object)
    """A `LessonStep` is done, for the first time."""
    lesson_done = Signal()
    next_asked = Signal()
    leave_asked = Signal()

    def __init__(self, parent: QWidget | None = None, *, simple: bool = False) -> None:
        super().__init__(parent)
        self._simple = simple
        self.lesson: Lesson | None = None
        self.answers: dict[str, Answer] = {}
        self.has_next = False
        self.place = 0
        """Which step is shown, from 0."""
        self._done: set[str] = set()
        self._skipped: set[str] = set()
        self._acted: set[str] = set()
        self._passed: set[str] = set()
        self._hints: dict[str, int] = {}
        self._judged: set[str] = set()
        self.page: StepPage | None = None
        """The step that is shown."""
        self._values: Mapping[str, Any] = {}

        self._title = heading("", 1)
        self._language = QPushButton()
        self._language.setProperty("kind", "quiet")
        self._language.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._language.clicked.connect(self._other_language)
        self._dots = Dots()
        self._area = QScrollArea()
        self._area.setAccessibleName(self.tr("Lesson"))
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._back = QPushButton(self.tr("Back"))
        self._back.clicked.connect(lambda: self.go(self.place - 1))
        self._next = QPushButton(self.tr("Next"))
        self._next.clicked.connect(self._go_on)

        head = QHBoxLayout()
        head.addWidget(self._title, 1)
        head.addWidget(self._language, 0, Qt.AlignmentFlag.AlignTop)
        foot = QHBoxLayout()
        foot.addWidget(self._back)
        foot.addStretch(1)
        foot.addWidget(self._next)
        self._head, self._foot = QWidget(), QWidget()
        top = QVBoxLayout(self._head)
        top.setContentsMargins(2 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT, theme.UNIT)
        top.addLayout(head)
        top.addWidget(self._dots)
        self._foot.setLayout(foot)
        foot.setContentsMargins(2 * theme.UNIT, theme.UNIT, 2 * theme.UNIT, theme.UNIT)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self._head)
        layout.addWidget(self._area, 1)
        layout.addWidget(self._foot)
        self.close_lesson()

    # -- lessons and steps ---------------------------------------------------------------------------------------

    def open(self, lesson: Lesson, languages: tuple[str, ...], *, keep: bool = False) -> None:
        """Show `lesson` from its first step, or (`keep`) where the learner is: another language of the same."""
        self._languages = languages
        if not keep:
            for kept in (self._done, self._skipped, self._acted, self._passed, self._judged):
                kept.clear()
            self._hints.clear()
            self.answers = {}
            self.place = 0
        self.lesson = lesson
        self._head.show()
        self._foot.show()
        self._title.setText(lesson.title)
        other = self._other(lesson.lang)
        self._language.setVisible(other is not None)
        if other is not None:
            self._language.setText(LANGUAGES.get(other, other))
            self._language.setAccessibleName(self.tr("Read in {language}").format(language=LANGUAGES.get(other, other)))
        self.go(self.place)

    def close_lesson(self) -> None:
        """No lesson: say what could be done."""
        self.lesson = None
        self._head.hide()
        self._foot.hide()
        self.page = None
        words = self.tr("No lesson is open. Press play, or try one of the tools above. Set-up has more scenarios.")
        if self._simple:
            words = self.tr("No lesson is open. Press play, or try one of the tools above.")
        actions = ((self.tr("Lessons of this topic"), self.leave_asked.emit),)
        invitation = EmptyState(self.tr("Free play"), words, icon="lesson", actions=actions)
        for button in invitation.findChildren(QPushButton):
            button.setProperty("kind", "")  # the thing to press first is Play
        self._area.setWidget(invitation)

    @property
    def step(self) -> LessonStep | None:
        """The step that is shown; None after the last one."""
        if self.lesson is None or self.place >= len(self.lesson.items):
            return None
        return self.lesson.items[self.place]

    def go(self, place: int) -> None:
        """Show step `place` (from 0); behind the last one comes the end of the lesson."""
        lesson = self.lesson
        if lesson is None:
            return
        self.place = max(0, min(place, len(lesson.items)))
        step = self.step
        self.page = self._made(step, lesson) if step is not None else None
        self._area.setWidget(self.page if self.page is not None else self._end(lesson))
        self._show_progress()
        if step is not None:
            self.step_shown.emit(step)
            self._look_done()

    def hint(self) -> None:
        """Open the next hint (Ctrl+H)."""
        step = self.step
        if step is None or self.page is None:
            return
        shown = self._hints.get(step.id, 0)
        if shown < len(step.hints):
            self._hints[step.id] = shown + 1
            self.page.show_hints(shown + 1)

    def submit(self) -> None:
        """Record the prediction that is asked for (Ctrl+Enter)."""
        if self.page is not None and self.page.card is not None:
            self.page.card.submit()

    # -- what the page tells -------------------------------------------------------------------------------------

    def answer(self, value: Any) -> None:
        """Record `value` as the answer to the question that is shown; it was given elsewhere."""
        if self.page is not None and self.page.card is not None:
            self.page.card.answer(value)

    def set_late(self, late: bool) -> None:
        """The run went on, so that a prediction about it would not count."""
        if self.page is not None and self.page.card is not None:
            self.page.card.set_late(late)

    def show_values(self, values: Mapping[str, Any]) -> None:
        """New live numbers."""
        self._values = values
        if self.page is not None:
            self.page.show_values(values)

    def show_check(self, verdict: Verdict | None, *, more: bool, error: str = "") -> None:
        """How the step's check stands."""
        step = self.step
        if self.page is None or self.page.row is None or step is None:
            return
        self.page.row.show_verdict(verdict, more=more, error=error)
        if verdict is not None and verdict.ok and step.id not in self._passed:
            self._passed.add(step.id)
            self._look_done()

    def show_outcome(self, answer: Answer, verdict: Verdict) -> None:
        """How the step's prediction stands."""
        step = self.step
        if self.page is not None and self.page.card is not None and step is not None:
            self._judged.add(step.id)
            self.page.card.show_verdict(answer, verdict)
            self._look_done()

    @property
    def wants_outcome(self) -> bool:
        """A recorded prediction waits to be compared."""
        card = self.page.card if self.page is not None else None
        return card is not None and card.phase in ("recorded", "judged")

    def passed(self) -> bool:
        """The check of the shown step held once (a step without one never passes this way)."""
        step = self.step
        return step is not None and step.id in self._passed

    def note_deed(self, action: Action | None, scenario: str | None) -> None:
        """The learner did an action, or opened a scenario, in whatever way."""
        step = self.step
        if step is None or step.do is None:
            return
        do = step.do
        wanted = do.action.name if do.action is not None else None
        if (
            (scenario is not None and scenario == do.scenario)
            or (action is not None and action.name == wanted)
            or (action is not None and do.action is None and do.scenario is None)
        ):
            self._acted.add(step.id)
        self._look_done()

    # -- what the learner does -----------------------------------------------------------------------------------

    def _made(self, step: LessonStep, lesson: Lesson) -> StepPage:
        answer = self.answers.get(step.predict.id) if step.predict is not None else None
        page = StepPage(step, lesson.lang, self._values, answer, self._hints.get(step.id, 0))
        page.recorded.connect(self._recorded)
        page.skipped.connect(self._skip_answer)
        page.hint_asked.connect(self.hint)
        for inside, outside in (
            (page.restart_asked, self.restart_asked), (page.compare_asked, self.compare_asked),
            (page.open_there, self.open_there), (page.action_asked, self.action_asked),
            (page.scenario_asked, self.scenario_asked),
        ):  # fmt: skip
            inside.connect(outside)
        return page

    def _end(self, lesson: Lesson) -> EndPage:
        checked = [step for step in lesson.items if step.check is not None]
        passed = sum(step.id in self._passed for step in checked)
        foreseen = max(len(self._judged), len(self.answers))
        asked = sum(step.predict is not None for step in lesson.items)
        page = EndPage(passed, len(checked), foreseen, asked, has_next=self.has_next)
        page.next_asked.connect(self.next_asked)
        page.play_asked.connect(self.close_lesson)
        page.leave_asked.connect(self.leave_asked)
        if passed == len(checked):
            self.lesson_done.emit()
        return page

    def _recorded(self, value: Any) -> None:
        step = self.step
        if step is not None and step.predict is not None:
            self.recorded.emit(Answer(step.predict.id, value))
            self._look_done()

    def _skip_answer(self) -> None:
        step = self.step
        if step is not None:
            self._skipped.add(step.id)
            self._look_done()

    def _other(self, lang: str) -> str | None:
        return next((each for each in self._languages if each != lang), None)

    def _other_language(self) -> None:
        if self.lesson is not None and (other := self._other(self.lesson.lang)) is not None:
            self.language_asked.emit(other)

    def _go_on(self) -> None:
        self.go(self.place + 1)

    def _look_done(self) -> None:
        """Is the shown step complete?  Then Next is the thing to press, and the myth's truth is told."""
        step = self.step
        if step is None:
            return
        answered = step.predict is None or step.predict.id in self.answers or step.id in self._skipped
        acted = step.do is None or step.id in self._acted or step.id in self._passed
        checked = step.check is None or step.id in self._passed
        told = step.id in self._passed or step.id in self._judged or step.id in self._skipped
        if self.page is not None and self.page.truth is not None and told:
            self.page.truth.show()
        if answered and acted and checked and step.id not in self._done:
            self._done.add(step.id)
            self.step_done.emit(step)
        self._show_progress()

    def _show_progress(self) -> None:
        lesson, step = self.lesson, self.step
        if lesson is None:
            return
        self._dots.show_steps([(each.id in self._done, each.title) for each in lesson.items], self.place)
        self._back.setEnabled(self.place > 0)
        done = step is not None and step.id in self._done
        self._next.setVisible(step is not None)
        last = self.place + 1 >= len(lesson.items)
        self._next.setText((self.tr("Finish") if last else self.tr("Next")) if done else self.tr("Skip this step"))
        kind = "primary" if done else ""
        if self._next.property("kind") != kind:
            self._next.setProperty("kind", kind)
            self._next.style().unpolish(self._next)
            self._next.style().polish(self._next)
