"""The bench of this topic for tests of its panels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

import prayog_writes
from prayog.settings import Settings
from prayog.ui.bench.page import BenchPage
from prayog_sdk import manifest
from prayog_sdk.qt.jobs import JobManager
from prayog_sdk.services import Services
from prayog_sdk.topic import Topic


class Bench:
    """A page of the lab with this topic, driven as a learner would."""

    def __init__(self, page: BenchPage, qtbot: QtBot) -> None:
        self.page, self._qtbot = page, qtbot
        self.said: list[str] = []
        page.said.connect(self.said.append)

    @property
    def trace(self) -> Any:
        return self.page.host.trace

    @property
    def at(self) -> int:
        return self.page.host.at

    def open(self, scenario: str) -> None:
        """Show the scenario, paused."""
        self.page.open_scenario(self.page.topic.scenario(scenario))
        self._qtbot.waitUntil(lambda: self.page.driver.branch is not None, timeout=30_000)

    def play(self, steps: int = 1 << 40) -> None:
        """Play as fast as it goes, to its end or until the trace has so many steps."""
        driver = self.page.driver
        driver.set_speed(float("inf"))
        driver.play()
        self.until(lambda: len(self.trace) >= steps or not (driver.playing and driver.can_go_on))
        driver.pause()
        self.frame()

    def panel(self, name: str) -> Any:
        """The panel, in front."""
        dock = self.page.docks.dock(name)
        assert dock is not None
        dock.show()
        dock.raise_()
        self.until(lambda: dock.slot.panel is not None)
        self.frame()
        return dock.slot.panel

    def frame(self) -> None:
        """Let the bench draw."""
        self.page.host.wake()
        self._qtbot.wait(60)

    def until(self, test: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(test, timeout=30_000)


@pytest.fixture
def bench(qtbot: QtBot, tmp_path: Path) -> Iterator[Bench]:
    topic = Topic.load(manifest.read_folder(Path(prayog_writes.__file__).parent, "built-in"))
    jobs = JobManager()
    services = Services(tmp_path / "services", environ={})
    page = BenchPage(topic, jobs=jobs, services=services, store=None, settings=Settings(), data_dir=tmp_path / "data")
    problems: list[Any] = []
    page.problem.connect(problems.append)
    qtbot.addWidget(page)
    page.resize(1280, 800)
    page.show()
    yield Bench(page, qtbot)
    page.close_topic()
    jobs.shutdown()
    services.close()
    assert not [problem.sentence for problem in problems]
