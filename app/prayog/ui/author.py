"""`prayog dev`: the lab opens on a topic that is being written, and shows it anew at the same step after each save.

Rules
1. What is shown again is the same run: same set-up, seed and actions, played to the step where its author was; and of
   a lesson the same step.
2. A mistake is a problem card like any other; the next save tries again, from the last run that could be shown.
3. A run that a mistake cut short is no place where its author went: the longer one before it is remembered.
4. An editor may write a file in several steps: nothing happens until the folder was quiet for a moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QFileSystemWatcher, QObject, Qt, QTimer

from prayog.ui.place import Place, first_place
from prayog_sdk.manifest import ManifestError, Problem, read_folder

if TYPE_CHECKING:
    from prayog.ui.bench.page import BenchPage
    from prayog.ui.bench.starts import Start
    from prayog.ui.window import Window

__all__ = ["Author"]

_QUIET_MS = 300
_SOURCES = (".py", ".toml", ".lab", ".md")


class Author(QObject):
    """Watches `folder` for `window`; made after the window's first paint."""

    def __init__(self, window: Window, folder: Path, place: Place) -> None:
        super().__init__(window)
        self._window = window
        self._folder = folder
        self._place = place
        self._start: Start | None = None
        self._lesson_step = 0
        self._quiet = QTimer(self, singleShot=True, interval=_QUIET_MS)
        self._quiet.timeout.connect(self._again)
        self._watcher = QFileSystemWatcher(self)
        self._watcher.fileChanged.connect(self._quiet.start)
        self._watcher.directoryChanged.connect(self._quiet.start)
        self._watch()

    def _watch(self) -> None:
        """Also what is new: an editor that writes a file by renaming another ends the watch on it."""
        wanted = {str(path) for path in _sources(self._folder)}
        if new := wanted - {*self._watcher.files(), *self._watcher.directories()}:
            self._watcher.addPaths(sorted(new))

    def _again(self) -> None:
        self._watch()
        self._remember()
        self._window.stage.close_topic()
        self._window.desk.look().succeeded.connect(self._show)

    def _remember(self) -> None:
        """What is shown now; when that is a problem card, what was shown last."""
        stage = self._window.stage
        if stage.place is not None and stage.place.topic == self._place.topic:
            self._place = stage.place
        if stage.bench is not None:
            self._remember_run(stage.bench)

    def _remember_run(self, bench: BenchPage) -> None:
        branch, start = bench.driver.branch, bench.runs.start
        if branch is None or start is None:
            return
        self._lesson_step = bench.coach.lesson.place
        at, end = bench.driver.at, len(branch.run.trace)
        if start is self._start and at == end - 1 and end < (start.upto or 0):
            return
        actions = tuple(branch.run.actions) if start.script is None else ()
        self._start = replace(start, actions=actions, upto=end, upto_us=None, show_at=at)

    def _show(self) -> None:
        window = self._window
        try:
            manifest = read_folder(self._folder)
        except (ManifestError, OSError) as error:
            window.go(self._place)
            problem = error.problem() if isinstance(error, ManifestError) else Problem("manifest", str(error))
            window.stage.show_problem(problem)
            return
        if self._place.topic != manifest.id:  # it was renamed, or could not be read when the window was opened
            self._place = first_place(self._folder)
        window.go(self._place)
        if self._start is not None and self._start.kind == "world":
            window.stage.shown.connect(self._return, Qt.ConnectionType.SingleShotConnection)

    def _return(self) -> None:
        """The topic is open again: go to the step where its author was."""
        from prayog.ui.bench.starts import Start

        bench, start = self._window.stage.bench, self._start
        if bench is None or start is None:
            return
        bench.coach.lesson.go(self._lesson_step)
        if start.script is not None:  # it may be what was changed
            name = start.scenario
            found = bench.host.hook("scenario", lambda: bench.topic.scenario(name), None)
            if found is None:
                return
            fresh = Start.of_scenario(found)
            self._start = start = replace(fresh, seed=start.seed, upto=start.upto, show_at=start.show_at)
        bench.runs.begin(start)


def _sources(folder: Path) -> Iterator[Path]:
    yield folder
    for path in folder.rglob("*"):
        if "__pycache__" not in path.parts and (path.is_dir() or path.suffix in _SOURCES):
            yield path
