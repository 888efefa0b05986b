"""The bench's place in the window: loads a topic, shows its bench, and shows what went wrong instead of a bench.

It holds the one open topic.  Loading happens in a job (imports of numpy or pyqtgraph would hold up the window);
what is seen meanwhile and what is seen when it fails are states of this page, not windows in the way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from prayog.ui.commands import Command
from prayog.ui.desk import Desk
from prayog.ui.place import Place

if TYPE_CHECKING:
    from prayog.ui.bench.page import BenchPage
    from prayog_sdk.lessons import Challenge, Lesson
    from prayog_sdk.manifest import Problem
    from prayog_sdk.qt.jobs import Job
    from prayog_sdk.saved import SavedRun
    from prayog_sdk.topic import Topic

__all__ = ["Stage"]

Item = TypeVar("Item", "Lesson", "Challenge")


class Stage(QStackedWidget):
    """`show_place` opens an item of a topic; `wanted` asks for another `Place`."""

    wanted = Signal(object)
    occupied = Signal(bool)
    """There is something to come back to (True), or there is not any more."""
    shown = Signal()
    """A topic's bench is there, and its item was asked for."""
    opened = Signal(str)
    """The id of the topic that is open now; ``""`` when none is."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.desk = desk
        self.place: Place | None = None
        self.topic: Topic | None = None
        self.bench: BenchPage | None = None
        self._job: Job | None = None
        self._saved: SavedRun | None = None
        desk.settings_changed.connect(self._settings_changed)

    @property
    def busy(self) -> bool:
        """There is something to come back to."""
        return self.count() > 0

    def show_place(self, place: Place, saved: SavedRun | None = None) -> None:
        """Open the item that `place` names; another topic than the open one is closed first."""
        if self.topic is not None and self.topic.id == place.topic and self.bench is not None:
            self.place, self._saved = place, saved
            self._show_item()
            return
        self.close_topic()
        self.place, self._saved = place, saved
        self._load(place)

    def close_topic(self) -> None:
        """Let go of the open topic and everything it shows."""
        if self._job is not None:
            self._job.cancel()
            self._job = None
        bench, topic = self.bench, self.topic
        self.bench = self.topic = self.place = self._saved = None
        if bench is not None:
            bench.save_layout()
            bench.close_topic()
        self._clear()
        if topic is not None:
            self.desk.registry.close(topic.id)
        self.opened.emit("")
        self.occupied.emit(False)

    def commands(self) -> list[Command]:
        """What the bench offers to the palette and the key list."""
        return self.bench.commands() if self.bench is not None else []

    def show_problem(self, problem: Problem) -> None:
        """Show that the topic could not be opened, or was closed because it failed again and again."""
        from prayog.ui.problem_card import centred, problem_card

        place = self.place
        self._clear()
        card = problem_card(problem, self._title())
        if place is not None:
            card.retry.connect(lambda: self.show_place(place))
        self._put(centred(card))
        self.desk.say(problem.sentence, important=True)

    def fail(self, problem: Problem, panel: QWidget | None) -> None:
        """A part of the open topic raised where nobody listened; `panel` is the panel to blame, if it is known."""
        if self.bench is not None and panel is not None:
            self.bench.fail_panel(panel, problem)
        self._bench_problem(problem)

    def _settings_changed(self) -> None:
        if self.bench is not None:
            self.bench.use_settings(self.desk.settings)

    def _title(self) -> str:
        card = self.desk.card(self.place.topic) if self.place else None
        return card.title if card else (self.place.topic if self.place else "")

    def _load(self, place: Place) -> None:
        from prayog_sdk.qt.state import LoadingState

        if self.desk.looked and (unknown := self.desk.unknown_wheel(place.topic)):
            self._ask(place, *unknown)
            return
        loading = LoadingState(self.tr("Opening {0}…").format(self._title()))
        loading.cancelled.connect(self._cancel)
        self._put(loading)
        self.occupied.emit(True)
        self.opened.emit(place.topic)
        self._job = self.desk.open(place.topic, self._opened, lambda problem: self._failed(place, problem))

    def _ask(self, place: Place, wheel: Path, digest: str) -> None:
        """A wheel from outside is opened only after the learner said so, once for each wheel."""
        from prayog_sdk.qt.state import EmptyState

        card = self.desk.card(place.topic)
        authors = ", ".join(card.manifest.authors) if card and card.manifest else ""
        came = self.tr("It is not part of the lab: it came in the file {0}, and does not say who wrote it.")
        if authors:
            came = self.tr("It is not part of the lab: it came in the file {0}, and says that {1} wrote it.")
        risk = self.tr(
            "Its code runs with your rights on this computer, so open it only if you trust who gave it to you."
        )

        def agree() -> None:
            self.desk.change(trusted=(*self.desk.settings.trusted, digest))
            self._clear()
            self._load(place)

        actions = ((self.tr("Open it"), agree), (self.tr("Leave it closed"), self._cancel))
        groups = " ".join(digest[i : i + 8] for i in range(0, len(digest), 8))  # a line of 64 letters does not fit
        shown = f"{came.format(wheel.name, authors)} {risk}\n\nSHA-256 {groups}"
        head = self.tr("Open {0}?").format(self._title())
        self._put(EmptyState(head, shown, icon="plugins", actions=actions))
        self.occupied.emit(True)

    def _cancel(self) -> None:
        place = self.place
        self.close_topic()
        self.wanted.emit(Place("topic", place.topic) if place else Place("home"))

    def _opened(self, topic: Topic) -> None:
        if self.place is None or self.place.topic != topic.id:  # left, or another topic was asked for meanwhile
            self.desk.registry.close(topic.id)
            return
        self._job = None
        if self.desk.store is None:  # the first click was quicker than the database
            self.desk.store_opened.connect(lambda: self._opened(topic), Qt.ConnectionType.SingleShotConnection)
            return
        from prayog.catalog import problem_of

        self.topic = topic
        try:
            from prayog.ui.bench.page import BenchPage

            bench = BenchPage(
                topic,
                jobs=self.desk.jobs,
                services=self.desk.services,
                store=self.desk.store,
                settings=self.desk.settings,
                data_dir=self.desk.profile.data(topic.id),
                simple=self.desk.kit is not None and self.desk.kit.simple,
                parent=self,
            )
            bench.problem.connect(self._bench_problem)
            bench.said.connect(self.desk.say)
            bench.left.connect(self._left)
            self.bench = bench
            self._clear()
            self._put(bench)
        except Exception as error:  # noqa: BLE001 - a topic's hooks run here; the window goes on
            self._fail(problem_of(error, "open", topic.manifest.module))
            return
        self._show_item()
        self.shown.emit()

    def _failed(self, place: Place, problem: Problem) -> None:
        if self.place == place:  # otherwise the learner went on to something else meanwhile
            self._job = None
            self.show_problem(problem)

    def _fail(self, problem: Problem) -> None:
        place, topic, bench = self.place, self.topic, self.bench
        self.bench = self.topic = None
        if bench is not None:
            bench.close_topic()
        if topic is not None:
            self.desk.registry.close(topic.id)
        self.place = place
        self.show_problem(problem)

    def _show_item(self) -> None:
        topic, place, bench = self.topic, self.place, self.bench
        if topic is None or place is None or bench is None:
            return
        from prayog.catalog import problem_of

        try:
            self._open_item(bench, topic, place)
        except Exception as error:  # noqa: BLE001 - a file of the topic's is not there any more, or has a mistake
            problem = problem_of(error, "open", topic.id)
            if bench.driver.branch is None:
                self._fail(problem)
            else:
                bench.warn(problem.sentence)
        else:
            bench.setFocus()

    def _open_item(self, bench: BenchPage, topic: Topic, place: Place) -> None:
        """Raises what the topic's files raise, or `LookupError` with a sentence."""
        lang = self.desk.settings.language
        if place.kind == "scenario":
            scenario, kit = topic.scenario(place.item), self.desk.kit
            if kit is not None and kit.seed is not None and kit.open == f"{topic.id}/{scenario.id}":
                scenario = replace(scenario, seed=kit.seed)
            bench.open_scenario(scenario)
        elif place.kind == "lesson":
            bench.open_lesson(_named(topic.lessons(lang), place))
            guess, self.desk.guess = self.desk.guess, None
            if guess is not None and guess[0] == place:
                bench.coach.lesson.answer(guess[1])
        elif place.kind == "challenge":
            bench.open_challenge(_named(topic.challenges(lang), place))
        elif self._saved is not None:
            bench.open_saved(self._saved)

    def _bench_problem(self, problem: Problem) -> None:
        if self.topic is not None and self.desk.registry.report(self.topic.id, problem):
            if self.bench is not None:
                self.bench.close_topic()
            self.bench = self.topic = None
            self.show_problem(problem)
        else:
            self.desk.say(problem.sentence, important=True)

    def _left(self) -> None:
        self.wanted.emit(Place("topic", self.topic.id) if self.topic else Place("topics"))

    def _put(self, widget: QWidget) -> None:
        self.addWidget(widget)
        self.setCurrentWidget(widget)

    def _clear(self) -> None:
        while (widget := self.widget(0)) is not None:
            self.removeWidget(widget)
            widget.hide()
            widget.deleteLater()


class _Gone(LookupError):
    """An item that was there when the cards were read; the message is a sentence."""


def _named(found: Iterable[Item], place: Place) -> Item:
    for each in found:
        if each.id == place.item:
            return each
    raise _Gone(f"The {place.kind} {place.item!r} is not in this topic any more")
