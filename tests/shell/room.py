"""A bench for tests, with everything that the window gives it, and the means to read and press what is on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QTextBrowser, QWidget

from prayog.settings import Settings
from prayog.store.repo import Repo
from prayog.ui.bench.pace import MAX
from prayog.ui.bench.page import BenchPage
from prayog_sdk.manifest import read_folder
from prayog_sdk.qt.jobs import JobManager
from prayog_sdk.qt.state import ProblemCard
from prayog_sdk.services import Services
from prayog_sdk.topic import Topic

HERE = Path(__file__).parent
SUMS = HERE / "bench" / "prayog_benchtopic"
GOSSIP = HERE.parent / "plugins" / "smallest"


class Room:
    """A bench with everything that the window gives it, and what it said."""

    def __init__(self, folder: Path, tmp: Path, qtbot: Any) -> None:
        self.qtbot = qtbot
        self.jobs = JobManager()
        self.store = Repo.in_memory()
        self.topic = Topic.load(read_folder(folder))
        self.said: list[str] = []
        self.problems: list[Any] = []
        self.page = self.make(tmp)

    def make(self, tmp: Path) -> BenchPage:
        page = BenchPage(
            self.topic, jobs=self.jobs, services=Services(tmp / "services"), store=self.store, settings=Settings(),
            data_dir=tmp / "data",
        )  # fmt: skip
        page.said.connect(self.said.append)
        page.problem.connect(self.problems.append)
        page.resize(1224, 760)
        page.show()
        page.setFocus()
        return page

    def open(self, scenario: str) -> BenchPage:
        self.page.open_scenario(self.topic.scenario(scenario))
        self.ready()
        return self.page

    def ready(self) -> None:
        """Wait until the run is made, and everything on the page shows it."""
        self.until(lambda: not self.page.runs.busy and self.page.driver.branch is not None)
        with self.qtbot.waitSignal(self.page.host.moved, timeout=8000):
            self.page.host.wake()

    def until(self, test: Callable[[], bool], ms: int = 8000) -> None:
        self.qtbot.waitUntil(test, timeout=ms)

    def play(self) -> None:
        """Play at full speed to the end."""
        self.page.driver.set_speed(MAX)
        self.page.driver.play()
        self.until(lambda: not self.page.driver.playing)

    def panel(self, name: str) -> Any:
        """The panel with this id, brought to the front."""
        dock = self.page.docks.dock(name)
        assert dock is not None
        dock.show()
        dock.raise_()
        self.until(lambda: dock.slot.panel is not None or dock.slot.findChild(ProblemCard) is not None)
        return dock.slot.panel

    def close(self) -> None:
        self.page.close_topic()
        self.jobs.shutdown()
        self.topic.close()
        self.store.close()


def words(widget: QWidget) -> str:
    """Everything that can be read in `widget`."""
    QApplication.processEvents()  # what was just put into a layout is shown by an event
    labels = [label.text() for label in widget.findChildren(QLabel) if not label.isHidden()]
    return "\n".join(labels + [text.toPlainText() for text in widget.findChildren(QTextBrowser) if not text.isHidden()])


def press(widget: QWidget, text: str) -> None:
    """Click the button with this text."""
    QApplication.processEvents()  # what was just put into a layout is shown by an event
    found = [b for b in widget.findChildren(QPushButton) if b.text() == text and b.isVisibleTo(widget)]
    assert found, f"no button {text!r} in: {[b.text() for b in widget.findChildren(QPushButton)]}"
    found[0].click()
