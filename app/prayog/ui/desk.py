"""What the pages share: settings, topics, jobs, services, progress, and the signals when one of them changes.

It exists so that a page needs one object, and so that nothing heavy is loaded before it is needed: each part is
made when it is first asked for, and everything slow happens in a job.

Rules
1. Only the GUI thread touches a desk; what runs in a job gets plain values and gives plain values back.
2. A page listens to a signal and paints; it keeps no copy of its own.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from prayog import settings as _settings
from prayog.paths import Profile
from prayog.settings import Settings
from prayog.ui.tongue import Tongue
from prayog_sdk.qt import theme

if TYPE_CHECKING:
    from prayog.catalog import Entry, Registry
    from prayog.kit import Kit
    from prayog.store.repo import Repo
    from prayog.ui.place import Place
    from prayog.ui.shelf import Card
    from prayog.ui.standing import Standing
    from prayog_sdk.manifest import Problem
    from prayog_sdk.qt.jobs import Ctx, Job, JobManager
    from prayog_sdk.services import Services, ServiceState
    from prayog_sdk.topic import Topic

__all__ = ["Desk"]

_LATER = (
    "markdown_it", "prayog_sdk.qt.text", "prayog.ui.catalogue", "prayog.ui.topic_page", "prayog.ui.challenges",
    "prayog.ui.my_work", "prayog.ui.services_page", "prayog.ui.plugins_page", "prayog.ui.settings_page",
    "prayog.ui.palette",
)  # fmt: skip


class Desk(QObject):
    """Made once per window; `close` lets go of everything."""

    settings_changed = Signal()
    dressing = Signal()
    """The look of everything is about to change."""
    topics_changed = Signal()
    """Topics were found, or the state of one changed."""
    services_changed = Signal()
    progress_changed = Signal()
    store_opened = Signal()
    """`store` is there from now on."""
    keys_wanted = Signal()
    """The list of keys is asked for."""
    noticed = Signal(str)
    """A sentence that deserves a bar."""
    said = Signal(str, bool)
    """A sentence for the status line and the screen reader; True when it is important."""

    def __init__(
        self, profile: Profile, settings: Settings, *, safe: bool = False, kit: Kit | None = None,
        own: Path | None = None,
    ) -> None:  # fmt: skip
        """`own` is the folder of a topic that is being written, to be found beside all others."""
        super().__init__()
        self.profile = profile
        self.settings = settings
        self.safe = safe
        self.kit = kit
        self.own = own
        self.window: QWidget | None = None
        """What wears the theme."""
        self._tongue = Tongue("en")
        self.cards: list[Card] = []
        self._warm = False
        self.looked = False
        """Topics were looked for at least once; until then pages show that they are being looked for."""
        self.states: dict[str, ServiceState] = {}
        self._standing: Standing | None = None
        self.guess: tuple[Place, Any] | None = None
        """A prediction made on the home page, for the lesson that is opened with it."""
        self.store: Repo | None = None
        self._repos: list[Repo] = []  # what a job opened; kept here so that closing early closes it too

    @property
    def standing(self) -> Standing:
        """How far the learner is, as the journal had it when it was last read."""
        if self._standing is None:
            from prayog.ui.standing import Standing

            self._standing = Standing()
        return self._standing

    @cached_property
    def jobs(self) -> JobManager:
        from prayog_sdk.qt.jobs import JobManager

        return JobManager(self)

    @cached_property
    def registry(self) -> Registry:
        from prayog.catalog import Registry

        registry = Registry(unpacked=self.profile.unpacked)
        registry.watch(lambda entry: self.topics_changed.emit())
        return registry

    @cached_property
    def services(self) -> Services:
        from prayog_sdk.services import Services

        return Services(self.profile.services)

    # Settings

    def change(self, **values: Any) -> None:
        """Change settings, keep them, and apply them to what is open."""
        changed = replace(self.settings, **values)
        if changed == self.settings:
            return
        again = changed.language != self.settings.language
        self.settings = changed
        self.speak()
        try:
            _settings.save(self.profile.settings, changed)
        except _settings.SettingsProblem as problem:
            self.say(str(problem), important=True)
        self.dress()
        self.settings_changed.emit()
        if again and self.looked:
            self.look()

    def speak(self) -> None:
        """Put the language of the settings on the lab's own words, unless it is on already."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        if self._tongue.lang != self.settings.language:
            self._tongue.hush(app)
            self._tongue = Tongue(self.settings.language)
            self._tongue.speak(app)

    def dress(self) -> None:
        """Put the theme and the text size on the window, unless they are on already."""
        app, window = QApplication.instance(), self.window
        assert isinstance(app, QApplication)
        if window is None:
            return
        wanted = self.theme()
        size = round(theme.BASE_POINTS * self.settings.text_percent / 100, 2)
        worn = app.property("prayogTheme"), round(app.font().pointSizeF(), 2)
        if worn != (wanted.name, size) or not window.styleSheet():
            self.dressing.emit()
            theme.apply(app, wanted, self.settings.text_percent, window)

    def theme(self) -> theme.Theme:
        """The theme that the settings ask for; ``system`` follows the colour scheme of the system."""
        choice = self.settings.theme
        if choice == "system":
            choice = "dark" if QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark else "light"
        return theme.dark if choice == "dark" else theme.light

    @property
    def data_folder(self) -> Path:
        """Where the learner's own files and saved runs go."""
        return Path(self.settings.data_folder) if self.settings.data_folder else self.profile.runs

    def say(self, sentence: str, *, important: bool = False) -> None:
        """Tell the learner something without getting in the way."""
        self.said.emit(sentence, important)

    # Topics

    def look(self) -> Job:
        """Look for topics and read their cards, in a job."""
        job = self.jobs.submit(_look, self.profile, self.safe, self.kit, self.own, self.settings.language)
        job.succeeded.connect(self._looked)
        job.failed.connect(lambda sentence, details: self.say(sentence, important=True))
        return job

    def _looked(self, cards: list[Card]) -> None:
        self.cards = cards
        self.looked = True
        self.registry.refresh([card.found for card in cards])
        self.topics_changed.emit()
        if self.store is None:
            self.read_progress()
        if not self._warm:
            self._warm = True
            self.jobs.submit(_warm_up)
        self.probe(sorted({need for card in cards if card.manifest for need in card.manifest.needs}))

    def card(self, topic_id: str) -> Card | None:
        """The first card with this id, as the registry counts them."""
        return next((card for card in self.cards if card.id == topic_id), None)

    def usable(self, card: Card) -> bool:
        """The topic can be opened: nothing is wrong with it and the learner did not turn it off."""
        return card.manifest is not None and not card.found.problems and card.id not in self.settings.disabled

    def turn(self, topic_id: str, *, on: bool) -> None:
        """Turn a topic on or off for this learner."""
        off = set(self.settings.disabled) - {topic_id}
        self.change(disabled=tuple(sorted(off if on else off | {topic_id})))
        self.topics_changed.emit()

    def unknown_wheel(self, topic_id: str) -> tuple[Path, str] | None:
        """The wheel that this topic came in and its SHA-256, unless nobody has to be asked before it is opened."""
        entry = self.registry.get(topic_id)
        if entry is None or entry.found.source != "wheel":
            return None
        wheel = Path(entry.found.where)
        try:
            digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
        except OSError:
            return None  # opening it says what is wrong
        pinned = self.kit.trusted.values() if self.kit is not None else ()
        return None if digest in (*self.settings.trusted, *pinned) else (wheel, digest)

    def entry(self, card: Card) -> Entry | None:
        """The registry's entry for exactly this card (two topics may claim one id)."""
        return next((e for e in self.registry.entries if e.found.where == card.found.where and e.id == card.id), None)

    def open(self, topic_id: str, opened: Callable[[Topic], None], failed: Callable[[Problem], None]) -> Job | None:
        """Open a topic; `opened` or `failed` is called, at once when there is nothing to do.

        Neither is called when the job that is returned is cancelled: the topic is then as if it was never asked for.
        """
        from prayog_sdk.manifest import Problem

        if not self.looked:  # asked for in the first moment after the start
            once = Qt.ConnectionType.SingleShotConnection
            self.topics_changed.connect(lambda: self.open(topic_id, opened, failed), once)
            return None
        entry = self.registry.get(topic_id)
        if entry is None:
            failed(Problem("discovery", self.tr("There is no topic called {0}.").format(topic_id), topic_id))
            return None
        if entry.topic is not None:
            opened(entry.topic)
            return None
        if entry.state == "blocked":
            failed(entry.problems[0])
            return None
        if entry.state == "loading":
            return None
        job = self.jobs.submit(_load, self.registry.begin(entry))

        def finish(outcome: Topic | Problem) -> None:
            self.registry.finish(entry, outcome)
            if isinstance(outcome, Problem):
                failed(outcome)
            else:
                opened(outcome)

        job.succeeded.connect(finish)
        job.failed.connect(lambda sentence, details: finish(Problem("load", sentence, entry.found.where, details)))
        job.cancelled.connect(lambda: self.registry.leave(entry))
        return job

    def go_safe(self) -> None:
        """Only the topics that come with the lab, from now on."""
        self.safe = True
        self.look()

    # Progress

    def read_progress(self) -> None:
        """Open the progress of the profile when it is not open, and read the standing, in a job."""
        job = self.jobs.submit(_read, self.profile, self._repos)
        job.succeeded.connect(self._read)
        job.failed.connect(lambda sentence, details: self.say(sentence, important=True))

    def _read(self, outcome: tuple[Repo, Standing, str]) -> None:
        first = self.store is None
        self.store, self._standing, sentence = outcome
        if sentence:
            self.say(sentence, important=True)
            self.noticed.emit(sentence)
        if first:
            self.store_opened.emit()
        self.progress_changed.emit()

    # Services

    def probe(self, names: Sequence[str] = ()) -> Job | None:
        """Look which services are there (all when none is named); the answers arrive in `states`."""
        job = self.jobs.submit(_probe, self.services, tuple(names))
        job.succeeded.connect(self._probed)
        return job

    def _probed(self, states: dict[str, ServiceState]) -> None:
        self.states.update(states)
        self.services_changed.emit()

    def close(self) -> None:
        """Cancel jobs, close topics, stop what was started."""
        app = QApplication.instance()
        if isinstance(app, QApplication):
            self._tongue.hush(app)
        if "registry" in self.__dict__:
            for entry in list(self.registry.entries):
                self.registry.close(entry.id)
        if "jobs" in self.__dict__:
            self.jobs.shutdown()
        if "services" in self.__dict__:
            with contextlib.suppress(OSError):
                self.services.close()
        for repo in self._repos:
            repo.close()


def _look(ctx: Ctx, profile: Profile, safe: bool, kit: Kit | None, own: Path | None, lang: str) -> list[Card]:
    from prayog.catalog import find
    from prayog.ui.shelf import read_card

    cards = []
    for found in find(profile, safe, kit, own):
        ctx.check()
        cards.append(read_card(found, lang))
    return cards


def _warm_up(ctx: Ctx) -> None:
    """Import what the pages need, one module at a time, so that the first visit of a page is quick."""
    for name in _LATER:
        ctx.check()
        importlib.import_module(name)


def _read(ctx: Ctx, profile: Profile, repos: list[Repo]) -> tuple[Repo, Standing, str]:
    from prayog.store import StoreProblem
    from prayog.store.repo import Repo
    from prayog.ui.standing import read_standing

    sentence = ""
    if not repos:
        try:
            repos.append(Repo.open(profile))
            sentence = repos[0].notice
        except StoreProblem as problem:
            repos.append(Repo.in_memory())
            sentence = str(problem)
    ctx.check()
    return repos[0], read_standing(repos[0]), sentence


def _load(ctx: Ctx, load: Callable[[], Topic | Problem]) -> Topic | Problem:
    importlib.import_module("prayog.ui.bench.page")  # its imports are the slow part of opening; done while loading
    return load()


def _probe(ctx: Ctx, services: Services, names: tuple[str, ...]) -> dict[str, ServiceState]:
    found = {}
    for name in names or services.names():
        ctx.check()
        if name in services.names():
            found[name] = services.probe(name)
    return found
