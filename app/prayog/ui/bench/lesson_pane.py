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

from PySide6.QtCore import QRectF, QSize, Qt, QUrl, QUrlQuery, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from prayog.ui.bench.checks_pane import CheckRow
from prayog.ui.bench.predict_card import PredictCard
from prayog.ui.pieces import chip, drop, heading
from prayog_sdk.checks import Verdict
from prayog_sdk.lessons import Answer, Lesson, LessonStep
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card
from prayog_sdk.qt.icons import IconLabel
from prayog_sdk.qt.state import EmptyState, paragraph
from prayog_sdk.qt.text import MarkdownView
from prayog_sim.run import Action

__all__ = ["LANGUAGES", "LessonPane"]

LANGUAGES = {"en": "English", "hi-Latn": "Hinglish"}


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

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lesson: Lesson | None = None
        self.answers: dict[str, Answer] = {}
        self.has_next = False
        self._place = 0
        self._done: set[str] = set()
        self._skipped: set[str] = set()
        self._acted: set[str] = set()
        self._passed: set[str] = set()
        self._hints: dict[str, int] = {}
        self._judged: set[str] = set()
        self._card: PredictCard | None = None
        self._row: CheckRow | None = None
        self._body: MarkdownView | None = None
        self._truth: MarkdownView | None = None
        self._hint_box: QVBoxLayout | None = None
        self._hint_button: QPushButton | None = None
        self._values: Mapping[str, Any] = {}

        self._title = heading("", 1)
        self._language = QPushButton()
        self._language.setProperty("kind", "quiet")
        self._language.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._language.clicked.connect(self._other_language)
        self._dots = _Dots()
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._back = QPushButton(self.tr("Back"))
        self._back.clicked.connect(lambda: self.go(self._place - 1))
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
            self._place = 0
        self.lesson = lesson
        self._head.show()
        self._foot.show()
        self._title.setText(lesson.title)
        other = self._other(lesson.lang)
        self._language.setVisible(other is not None)
        if other is not None:
            self._language.setText(LANGUAGES.get(other, other))
            self._language.setAccessibleName(self.tr("Read in {language}").format(language=LANGUAGES.get(other, other)))
        self.go(self._place)

    def close_lesson(self) -> None:
        """No lesson: say what could be done."""
        self.lesson = None
        self._head.hide()
        self._foot.hide()
        self._card = self._row = self._body = self._truth = None
        self._area.setWidget(
            EmptyState(
                self.tr("Free play"),
                self.tr("No lesson is open. Press play, or try one of the tools above. Set-up has more scenarios."),
                icon="lesson",
            )
        )

    @property
    def step(self) -> LessonStep | None:
        """The step that is shown; None after the last one."""
        if self.lesson is None or self._place >= len(self.lesson.items):
            return None
        return self.lesson.items[self._place]

    def go(self, place: int) -> None:
        """Show step `place` (from 0); behind the last one comes the end of the lesson."""
        lesson = self.lesson
        if lesson is None:
            return
        self._place = max(0, min(place, len(lesson.items)))
        self._card = self._row = self._body = self._truth = self._hint_box = self._hint_button = None
        step = self.step
        self._area.setWidget(self._page(step) if step is not None else self._end())
        self._show_progress()
        if step is not None:
            self.step_shown.emit(step)
            self._look_done()

    def hint(self) -> None:
        """Open the next hint (Ctrl+H)."""
        step = self.step
        if step is None or self._hint_box is None:
            return
        shown = self._hints.get(step.id, 0)
        if shown < len(step.hints):
            self._hints[step.id] = shown + 1
            self._show_hints(step)

    def submit(self) -> None:
        """Record the prediction that is asked for (Ctrl+Enter)."""
        if self._card is not None:
            self._card.submit()

    # -- what the page tells -------------------------------------------------------------------------------------

    def answer(self, value: Any) -> None:
        """Record `value` as the answer to the question that is shown; it was given elsewhere."""
        if self._card is not None:
            self._card.answer(value)

    def set_late(self, late: bool) -> None:
        """The run went on, so that a prediction about it would not count."""
        if self._card is not None:
            self._card.set_late(late)

    def show_values(self, values: Mapping[str, Any]) -> None:
        """New live numbers."""
        self._values = values
        for view in (self._body, self._truth):
            if view is not None:
                view.set_values(values)

    def show_check(self, verdict: Verdict | None, *, more: bool, error: str = "") -> None:
        """How the step's check stands."""
        step = self.step
        if self._row is None or step is None:
            return
        self._row.show_verdict(verdict, more=more, error=error)
        if verdict is not None and verdict.ok and step.id not in self._passed:
            self._passed.add(step.id)
            self._look_done()

    def show_outcome(self, answer: Answer, verdict: Verdict) -> None:
        """How the step's prediction stands."""
        step = self.step
        if self._card is not None and step is not None:
            self._judged.add(step.id)
            self._card.show_verdict(answer, verdict)
            self._look_done()

    @property
    def wants_outcome(self) -> bool:
        """A recorded prediction waits to be compared."""
        return self._card is not None and self._card.phase in ("recorded", "judged")

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

    # -- pieces --------------------------------------------------------------------------------------------------

    def _page(self, step: LessonStep) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(2 * theme.UNIT, theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT)
        column.setSpacing(2 * theme.UNIT)
        assert self.lesson is not None
        column.addWidget(heading(step.title, 2))
        if step.lang != self.lesson.lang:
            column.addWidget(
                chip(self.tr("in {language} only, so far").format(language=LANGUAGES.get(step.lang, step.lang)), "warn")
            )
        if step.myth is not None:
            column.addWidget(self._myth(step.myth.says))
        if step.body:
            self._body = MarkdownView(step.body)
            self._body.set_values(self._values)
            self._body.link.connect(self._follow)
            column.addWidget(self._body)
        if step.predict is not None:
            self._card = PredictCard(step.predict)
            self._card.recorded.connect(self._recorded)
            self._card.skipped.connect(self._skip_answer)
            self._card.restart_asked.connect(self.restart_asked)
            self._card.compare_asked.connect(self.compare_asked)
            self._card.open_there.connect(self.open_there)
            if step.predict.id in self.answers:
                self._card.show_recorded(self.answers[step.predict.id])
            column.addWidget(self._card)
        if step.do is not None:
            column.addWidget(self._do(step))
        if step.check is not None:
            self._row = CheckRow(self.tr("Checked on your run"))
            self._row.open_there.connect(self.open_there)
            column.addWidget(self._row)
        if step.myth is not None:
            self._truth = MarkdownView(
                f"> [!TIP] {self.tr('What is so')}\n> {step.myth.truth}\n>\n> *{step.myth.source}*"
            )
            self._truth.hide()
            column.addWidget(self._truth)
        if step.hints:
            self._hint_box = QVBoxLayout()
            self._hint_box.setSpacing(theme.UNIT)
            column.addLayout(self._hint_box)
            self._show_hints(step)
        column.addStretch(1)
        return page

    def _myth(self, says: str) -> QWidget:
        card = Card(kind="warn")
        head = QLabel(self.tr("What many notes say"))
        head.setProperty("kind", "warn")
        card.body.addWidget(head)
        card.body.addWidget(paragraph(f"“{says}”"))
        return card

    def _do(self, step: LessonStep) -> QWidget:
        do = step.do
        assert do is not None
        card = Card()
        line = QHBoxLayout()
        line.addWidget(IconLabel("run-to", role="accent", size=18), 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(paragraph(do.text), 1)
        card.body.addLayout(line)
        if do.action is not None or do.scenario is not None:
            button = QPushButton(do.button or (self.tr("Do it") if do.action is not None else self.tr("Set up")))
            button.setProperty("kind", "primary")
            button.setObjectName("do")
            if do.action is not None:
                button.clicked.connect(lambda: self.action_asked.emit(do.action))
            else:
                button.clicked.connect(lambda: self.scenario_asked.emit(do.scenario))
            card.body.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        return card

    def _show_hints(self, step: LessonStep) -> None:
        box = self._hint_box
        assert box is not None
        drop(box)
        shown = self._hints.get(step.id, 0)
        for number, hint in enumerate(step.hints[:shown], 1):
            card = Card(margin=theme.UNIT * 3 // 2)
            label = QLabel(self.tr("Hint {n} of {all}").format(n=number, all=len(step.hints)))
            label.setProperty("kind", "muted")
            card.body.addWidget(label)
            card.body.addWidget(MarkdownView(hint))
            box.addWidget(card)
        if shown < len(step.hints):
            button = QPushButton(self.tr("A hint, please") if shown == 0 else self.tr("Another hint"))
            button.setProperty("kind", "quiet")
            button.setToolTip(self.tr("Ctrl+H"))
            button.clicked.connect(self.hint)
            box.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)

    def _end(self) -> QWidget:
        assert self.lesson is not None
        lesson = self.lesson
        checked = [step for step in lesson.items if step.check is not None]
        passed = [step for step in checked if step.id in self._passed]
        whole = len(passed) == len(checked)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(2 * theme.UNIT, 3 * theme.UNIT, 2 * theme.UNIT, 2 * theme.UNIT)
        column.setSpacing(2 * theme.UNIT)
        column.addWidget(IconLabel("ok" if whole else "info", role="good" if whole else "muted", size=32))
        column.addWidget(heading(self.tr("Lesson done") if whole else self.tr("That was the last step"), 2))
        told = (
            self.tr("Every check held on your own runs.")
            if whole
            else self.tr("{n} of {all} checks held on your runs. The others wait; go back when you like.").format(
                n=len(passed), all=len(checked)
            )
        )
        column.addWidget(paragraph(told))
        right = len(self._judged)
        asked = sum(step.predict is not None for step in lesson.items)
        if asked:
            column.addWidget(
                paragraph(
                    self.tr("You predicted {n} of {all} times before you looked.").format(
                        n=max(right, len(self.answers)), all=asked
                    ),
                    "muted",
                )
            )
        if self.has_next:
            further = QPushButton(self.tr("Next lesson"))
            further.setProperty("kind", "primary")
            further.clicked.connect(self.next_asked)
            column.addWidget(further, 0, Qt.AlignmentFlag.AlignLeft)
        play = QPushButton(self.tr("Keep playing with this bench"))
        play.clicked.connect(self.close_lesson)
        leave = QPushButton(self.tr("To the topic’s page"))
        leave.clicked.connect(self.leave_asked)
        column.addWidget(play, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(leave, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        if whole:
            self.lesson_done.emit()
        return page

    # -- what the learner does -----------------------------------------------------------------------------------

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

    def _follow(self, link: str) -> None:
        """A link in the text: ``lab:crash?node=n1`` does an action, ``lab:event?n=12`` shows an event."""
        url = QUrl(link)
        if url.scheme() != "lab":
            return
        args = dict(QUrlQuery(url).queryItems())
        if url.path() == "event" and args.get("n", "").isdigit():
            self.open_there.emit(int(args["n"]))
        elif url.path() == "scenario" and args.get("id"):
            self.scenario_asked.emit(args["id"])
        else:
            self.action_asked.emit(Action(url.path(), args))

    def _other(self, lang: str) -> str | None:
        return next((each for each in self._languages if each != lang), None)

    def _other_language(self) -> None:
        if self.lesson is not None and (other := self._other(self.lesson.lang)) is not None:
            self.language_asked.emit(other)

    def _go_on(self) -> None:
        self.go(self._place + 1)

    def _look_done(self) -> None:
        """Is the shown step complete?  Then Next is the thing to press, and the myth's truth is told."""
        step = self.step
        if step is None:
            return
        answered = step.predict is None or step.predict.id in self.answers or step.id in self._skipped
        acted = step.do is None or step.id in self._acted or step.id in self._passed
        checked = step.check is None or step.id in self._passed
        if self._truth is not None and (step.id in self._passed or step.id in self._judged or step.id in self._skipped):
            self._truth.show()
        if answered and acted and checked and step.id not in self._done:
            self._done.add(step.id)
            self.step_done.emit(step)
        self._show_progress()

    def _show_progress(self) -> None:
        lesson, step = self.lesson, self.step
        if lesson is None:
            return
        self._dots.show_steps([(each.id in self._done, each.title) for each in lesson.items], self._place)
        self._back.setEnabled(self._place > 0)
        done = step is not None and step.id in self._done
        self._next.setVisible(step is not None)
        last = self._place + 1 >= len(lesson.items)
        self._next.setText((self.tr("Finish") if last else self.tr("Next")) if done else self.tr("Skip this step"))
        kind = "primary" if done else ""
        if self._next.property("kind") != kind:
            self._next.setProperty("kind", kind)
            self._next.style().unpolish(self._next)
            self._next.style().polish(self._next)


class _Dots(QWidget):
    """The steps as dots: a filled one is done, a ring is where you are; said in words too."""

    def __init__(self) -> None:
        super().__init__()
        self._steps: list[tuple[bool, str]] = []
        self._place = 0
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_steps(self, steps: list[tuple[bool, str]], place: int) -> None:
        self._steps, self._place = steps, place
        done = sum(done for done, _ in steps)
        words = self.tr("Step {n} of {all}, {done} done").format(
            n=min(place + 1, len(steps)), all=len(steps), done=done
        )
        self.setAccessibleName(words)
        self.setToolTip(words)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(80), theme.scaled(16))

    def paintEvent(self, event: QPaintEvent) -> None:
        look = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        side, gap, y = theme.scaled(8), theme.scaled(8), self.height() / 2
        for i, (done, _) in enumerate(self._steps):
            box = QRectF(4 + i * (side + gap), y - side / 2, side, side)
            painter.setPen(Qt.PenStyle.NoPen if done else QPen(QColor(look.edge), 1.5))
            painter.setBrush(QColor(look.good) if done else Qt.BrushStyle.NoBrush)
            painter.drawEllipse(box)
            if i == self._place:
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(QPen(QColor(look.accent), 2))
                painter.drawEllipse(box.adjusted(-3, -3, 3, 3))
