"""``prayog shots``: a picture of every page, topic and scenario, light and dark, at 100 % and 200 % text.

The pictures are made of the real window on a profile of their own (with the learner's topics, without the learner's
progress), so whoever changes a colour, a layout or a text sees all that it changes.  It works without a display.

Rules
1. File names sort as a learner would meet the pages: number, what it is, theme, text size.
2. A part that cannot be shown is named at the end, and the exit status is 1; the other pictures are made.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QEventLoop, QTimer

from prayog import settings as _settings
from prayog.catalog import find
from prayog.cli import BadInput
from prayog.cli_topics import nearest
from prayog.paths import Profile, temporary_profile
from prayog.ui import startup
from prayog.ui.place import PAGES, Place
from prayog.ui.shelf import Card
from prayog.ui.window import Window
from prayog_sdk.qt.state import ProblemCard

__all__ = ["main"]

_SIZE = (1280, 800)
_PATIENCE_S = 40.0
_SETTLE_MS = 350  # for painted frames, fades and web views
_PLAY_S = 1.5
_SPEED = 8.0  # so that something has happened by then; the first steps at once, as the wait for them can be long
_STEPS = 12
_BROKEN = {
    "plugin.toml": 'id = "with_a_mistake"\napi = "1.0"\ntitle = "A topic with a mistake"\n'
    'summary = "It imports a library that is not here."\nmodule = "prayog_with_a_mistake.topic"\n',
    "__init__.py": "",
    "topic.py": "import a_library_that_is_not_here\n",
}
"""A topic that fails when it is opened, for the picture of a problem card."""


class _Late(RuntimeError):
    """Something did not come in time; the message says what."""


def main(profile: Profile, args: argparse.Namespace) -> int:
    """Make the pictures that `args` asks for (``out``, ``topic``, ``theme``) and print their names."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    usable = [found.id for found in find(profile, args.safe) if not found.problems]
    topic, _, scenario = (args.topic or "").partition("/")
    if topic and topic not in usable:
        raise BadInput(f"There is no topic {topic!r} that can be shown; {nearest(topic, usable, 'prayog list')}")
    out = Path(args.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"The pictures cannot be written to {out}: {error.strerror or error}.") from error
    startup.make_application()
    missed: list[str] = []
    for theme in (args.theme,) if args.theme else ("light", "dark"):
        with temporary_profile() as own:
            if profile.topics.is_dir():
                shutil.copytree(profile.topics, own.topics, ignore=shutil.ignore_patterns("__pycache__"))
            settings = replace(_settings.Settings(), theme=theme, motion="reduced")
            _settings.save(own.settings, settings)
            missed += _Camera(own, out, theme, topic, scenario).run()
    for sentence in missed:
        print(f"not shown: {sentence}", file=sys.stderr)
    return 1 if missed else 0


class _Camera:
    """Walks one window through everything there is to see."""

    def __init__(self, profile: Profile, out: Path, theme: str, topic: str, scenario: str) -> None:
        self._profile, self._out, self._theme, self._only, self._one = profile, out, theme, topic, scenario
        self._window: Window
        self._number = 0
        self._missed: list[str] = []

    def run(self) -> list[str]:
        """Make all pictures; sentences about what could not be shown."""
        self._window = window = startup.open_window(self._profile)
        try:
            window.resize(*_SIZE)
            window.show()
            self._wait(lambda: window.desk.looked and window.desk.store is not None, "the topics")
            window.desk.probe()
            self._wait(lambda: not window.desk.jobs.busy, "the services")
            cards = [card for card in window.desk.cards if window.desk.usable(card) and self._only in ("", card.id)]
            if self._one:
                self._bench(cards[0], Place("scenario", cards[0].id, self._one), self._one)
                return self._missed
            self._pages()
            for card in cards:
                self._topic(card)
            self._problem()
            window.desk.change(text_percent=200)
            self._pages()
            for card in [card for card in cards if card.scenarios][:1]:
                self._page(Place("topic", card.id), card.id)
                self._bench(card, Place("scenario", card.id, card.scenarios[0].id), card.scenarios[0].id)
                if card.lessons:
                    self._lesson(card)
        finally:
            window.close()
            window.deleteLater()
            QCoreApplication.processEvents()
        return self._missed

    def _pages(self) -> None:
        for page in PAGES:
            self._page(Place(page), page)
        self._window.go(Place("home"))
        self._window.shell.palette()
        self._picture("palette")
        self._window.shell.keys()
        self._picture("keys")
        if self._window.shell.popup is not None:
            self._window.shell.popup.dismiss()

    def _topic(self, card: Card) -> None:
        self._page(Place("topic", card.id), card.id)
        for scenario in card.scenarios:
            self._bench(card, Place("scenario", card.id, scenario.id), scenario.id)
        if card.lessons:
            self._lesson(card)
        self._failed_check(card)
        self._window.stage.close_topic()

    def _page(self, place: Place, name: str) -> None:
        self._window.go(place)
        self._wait(lambda: not self._window.desk.jobs.busy, name)
        self._picture(name)

    def _bench(self, card: Card, place: Place, name: str) -> None:
        with self._reporting(f"{card.id}/{name}"):
            self._open(place)
            self._play()
            self._picture(f"{card.id}-{name}")

    def _lesson(self, card: Card) -> None:
        """The first lesson, at its middle step."""
        lesson = card.lessons[0]
        with self._reporting(f"{card.id}/{lesson.id}"):
            self._open(Place("lesson", card.id, lesson.id))
            bench = self._window.stage.bench
            assert bench is not None
            bench.coach.lesson.go(len(lesson.items) // 2)
            self._play()
            self._picture(f"{card.id}-lesson")

    def _failed_check(self, card: Card) -> None:
        """A broken variant that its check catches; in a topic without one, a challenge handed in too early."""
        topic, bench = self._window.stage.topic, self._window.stage.bench
        variants = topic.broken() if topic is not None else []
        with self._reporting(f"{card.id}/failed check"):
            if bench is not None and variants:
                bench.hunt(variants[0])
                self._ready()
                self._play()
                bench.show_tab("checks")
            elif card.challenges:
                self._open(Place("challenge", card.id, card.challenges[0].id))
                bench = self._window.stage.bench
                assert bench is not None
                bench.coach.hand_in()
                self._wait(lambda: not self._window.desk.jobs.busy, "the judge")
            else:
                return
            self._picture(f"{card.id}-failed-check")

    def _problem(self) -> None:
        """A topic that cannot be opened."""
        folder = self._profile.topics / "prayog_with_a_mistake"
        folder.mkdir(parents=True)
        for name, words in _BROKEN.items():
            (folder / name).write_text(words, encoding="utf-8")
        window = self._window
        window.desk.look()
        with self._reporting("the problem card"):
            self._wait(lambda: window.desk.card("with_a_mistake") is not None, "the topic with a mistake")
            window.go(Place("scenario", "with_a_mistake", "none"))
            self._wait(lambda: window.stage.findChild(ProblemCard) is not None, "the problem card")
            self._picture("problem")
        window.stage.close_topic()
        window.status.say("")
        shutil.rmtree(folder)
        window.desk.look()
        self._wait(lambda: window.desk.card("with_a_mistake") is None, "the topics")

    # The means

    def _open(self, place: Place) -> None:
        self._window.go(place)
        self._wait(lambda: self._window.stage.bench is not None or self._failed(), str(place))
        if self._failed():
            raise _Late(self._window.status.text())
        self._ready()

    def _ready(self) -> None:
        bench = self._window.stage.bench
        assert bench is not None
        self._wait(lambda: not self._window.desk.jobs.busy and bench.driver.branch is not None, "the run")
        self._sleep(_SETTLE_MS)

    def _failed(self) -> bool:
        return self._window.stage.bench is None and self._window.stage.findChild(ProblemCard) is not None

    def _play(self) -> None:
        """Let the run go on for a moment, or to its end."""
        bench = self._window.stage.bench
        assert bench is not None
        driver = bench.driver
        for _ in range(_STEPS if bench.host.run.kind == "world" else 0):
            driver.step()
        driver.auto_slow = False
        driver.set_speed(_SPEED)
        driver.play()
        until = time.monotonic() + _PLAY_S
        while driver.moving and time.monotonic() < until:
            self._sleep(30)
        driver.pause()
        self._wait(lambda: not self._window.desk.jobs.busy, "the verdicts")

    def _picture(self, name: str) -> None:
        self._sleep(_SETTLE_MS)
        self._number += 1
        percent = self._window.desk.settings.text_percent
        size = "" if percent == 100 else f"-{percent}"
        file = self._out / f"{self._theme}-{self._number:03}-{name}{size}.png"
        if self._window.grab().save(str(file)):
            print(file, flush=True)
        else:
            self._missed.append(f"{file} cannot be written")

    @contextmanager
    def _reporting(self, name: str) -> Iterator[None]:
        """Turn what goes wrong with one picture into a sentence, and go on with the next."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - code of topics runs inside
            self._missed.append(f"{name}: {error}")

    def _wait(self, ready: Callable[[], bool], what: str) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not ready():
            if time.monotonic() > until:
                raise _Late(f"{what} did not come within {_PATIENCE_S:.0f} s")
            self._sleep(20)

    def _sleep(self, milliseconds: int) -> None:
        loop = QEventLoop()
        QTimer.singleShot(milliseconds, loop.quit)
        loop.exec()
