"""A page of the lab with this topic, driven as a learner would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pytestqt.qtbot import QtBot

import prayog_migration
from prayog.settings import Settings
from prayog.ui.bench.page import BenchPage
from prayog_sdk import manifest
from prayog_sdk.qt.jobs import JobManager
from prayog_sdk.services import Services
from prayog_sdk.topic import Topic


class Bench:
    """One open topic."""

    def __init__(self, page: BenchPage, qtbot: QtBot) -> None:
        self.page, self._qtbot = page, qtbot
        self.said: list[str] = []
        page.said.connect(self.said.append)

    def open(self, scenario: str) -> None:
        self.page.open_scenario(self.page.topic.scenario(scenario))
        self.until(lambda: self.page.driver.branch is not None)

    def panel(self, name: str) -> Any:
        dock = self.page.docks.dock(name)
        assert dock is not None
        dock.show()
        dock.raise_()
        self.until(lambda: dock.slot.panel is not None)
        return dock.slot.panel

    def until(self, test: Callable[[], bool]) -> None:
        self._qtbot.waitUntil(test, timeout=60_000)

    def happened(self, kind: str, node: str) -> bool:
        return any(step.kind == kind and step.node == node for step in self.page.host.trace)

    def frame(self) -> None:
        self.page.host.wake()
        self._qtbot.wait(150)


@contextmanager
def opened(qtbot: QtBot, folder: Path) -> Iterator[Bench]:
    """The topic on a page; no problem may have been met when it is closed again."""
    topic = Topic.load(manifest.read_folder(Path(prayog_migration.__file__).parent, "built-in"))
    jobs, services = JobManager(), Services(folder / "services", environ={})
    page = BenchPage(topic, jobs=jobs, services=services, store=None, settings=Settings(), data_dir=folder / "data")
    problems: list[Any] = []
    page.problem.connect(problems.append)
    page.resize(1280, 800)
    page.show()
    yield Bench(page, qtbot)
    page.close_topic()
    page.close()
    page.deleteLater()
    jobs.shutdown()
    services.close()
    assert not [problem.sentence for problem in problems]
