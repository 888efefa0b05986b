"""What the learner made: saved runs to open, pass on and delete, and how often predictions were right."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale, QSize, Qt, Signal
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLabel, QWidget

from prayog.ui.accuracy import AccuracyLine
from prayog.ui.desk import Desk
from prayog.ui.grid import CardGrid
from prayog.ui.page import Page
from prayog.ui.pieces import button, column, drop, flow, heading, overline, row, text
from prayog.ui.place import Place
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card as Surface
from prayog_sdk.qt.icons import IconLabel
from prayog_sdk.qt.state import EmptyState

if TYPE_CHECKING:
    from prayog.store.repo import Repo, SavedFile
    from prayog_sdk.qt.jobs import Ctx
    from prayog_sdk.saved import SavedRun

__all__ = ["MyWork", "RunCard"]

_PICTURE = QSize(320, 168)


@dataclass(frozen=True, slots=True)
class _Shown:
    file: SavedFile
    preview: bytes
    problem: str


class RunCard(Surface):
    """One saved run.  Deleting is asked about in the card itself."""

    def __init__(self, page: MyWork, shown: _Shown) -> None:
        super().__init__(margin=2 * theme.UNIT)
        self._page, self.file = page, shown.file
        self.setAccessibleName(shown.file.title)
        self.body.addWidget(_preview(shown.preview))
        self.body.addWidget(heading(shown.file.title or shown.file.path.stem, 1))
        card = page.desk.card(shown.file.topic)
        saved = QDateTime.fromMSecsSinceEpoch(shown.file.at)
        when = QLocale().toString(saved, QLocale.FormatType.ShortFormat)
        steps = self.tr("{0} steps").format(QLocale().toString(shown.file.steps))
        self.body.addWidget(overline(" · ".join((card.title if card else shown.file.topic, when, steps))))
        if shown.problem:
            self.body.addWidget(text(shown.problem, "bad"))
        self.body.addStretch(1)
        self._bar = QHBoxLayout()
        self.body.addLayout(self._bar)
        self._offer()

    def _offer(self) -> None:
        drop(self._bar)
        act = button(self.tr("Open"), "primary")
        act.setEnabled(self.file.there)
        act.clicked.connect(lambda: self._page.open_file(self.file.path))
        export = button(self.tr("Save a copy…"))
        export.setEnabled(self.file.there)
        export.clicked.connect(lambda: self._page.export(self.file.path))
        self.delete = button(self.tr("Delete"), "quiet")
        self.delete.clicked.connect(self._ask)
        self._bar.addLayout(flow(act, export, self.delete))

    def _ask(self) -> None:
        drop(self._bar)
        question = text(self.tr("Delete this run for good?"))
        self.yes = button(self.tr("Delete"), "primary")
        self.yes.clicked.connect(lambda: self._page.delete(self.file.path))
        no = button(self.tr("Keep it"))
        no.clicked.connect(self._offer)
        self._bar.addLayout(column(question, flow(self.yes, no)))
        no.setFocus(Qt.FocusReason.OtherFocusReason)
        self._page.desk.say(question.text(), important=True)


class MyWork(Page):
    """See the module."""

    opened = Signal(object, object)
    """A `Place` and the `SavedRun` to show there."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, "", parent=parent)
        self.title.setText(self.tr("My work"))
        self.setAccessibleName(self.tr("My work"))
        self.lead.setText(self.tr("Saved runs and your predictions. All of it is on this machine only."))
        self.lead.show()
        from_file = button(self.tr("Open a file…"), "", "open")
        from_file.clicked.connect(self.choose)
        self.tools.addWidget(from_file)
        self._runs: list[_Shown] | None = None
        desk.progress_changed.connect(self.read_runs)
        desk.topics_changed.connect(self.refresh)

    def shown(self) -> None:
        self.read_runs()

    def read_runs(self) -> None:
        """Read the list of saved runs and their pictures, in a job."""
        if self.desk.store is not None:
            job = self.desk.jobs.submit(_read_runs, self.desk.store)
            job.succeeded.connect(self._read)
            job.failed.connect(lambda sentence, details: self.desk.say(sentence, important=True))

    def _read(self, runs: list[_Shown]) -> None:
        self._runs = runs
        self.refresh()

    def fill(self) -> None:
        """Paint what is known now."""
        drop(self.body)
        self.body.addWidget(self._predictions())
        if self._runs is None:
            self.body.addWidget(text(self.tr("Reading your saved runs…"), "muted"))
            return
        if not self._runs:
            state = EmptyState(
                self.tr("No saved runs yet"),
                self.tr("On the bench, Ctrl+S saves a run: its settings, its seed and everything you did."),
                icon="save",
                actions=[(self.tr("Go to Home"), lambda: self.wanted.emit(Place("home")))],
            )
            state.setMinimumHeight(theme.scaled(240))
            self.body.addWidget(state)
            return
        grid = CardGrid(least=320, most=3)
        for shown in self._runs:
            grid.add(RunCard(self, shown))
        self.body.addLayout(column(heading(self.tr("Saved runs"), 2), grid, gap=12))

    def _predictions(self) -> QWidget:
        answers = [right for _, right in self.desk.standing.predictions]
        surface = Surface(margin=3 * theme.UNIT)
        line = row(gap=4 * theme.UNIT)
        if answers:
            words = self.tr("{0} of {1} predictions right").format(sum(answers), len(answers))
            why = self.tr("Only your first answer to a question counts.")
            line.addLayout(column(heading(words, 1), text(why, "muted"), -1, gap=4), 1)
            line.addWidget(AccuracyLine(answers), 2)
        else:
            words = self.tr("No predictions yet")
            why = self.tr("Lessons ask what you expect before anything happens. How often you are right shows here.")
            line.addWidget(IconLabel("plot", role="muted", size=28), 0, Qt.AlignmentFlag.AlignTop)
            line.addLayout(column(heading(words, 1), text(why, "muted"), gap=4), 1)
        surface.body.addLayout(line)
        return surface

    # What can be done with a run

    def choose(self) -> None:
        """Ask for a file and open it."""
        dialog = QFileDialog(self.window(), self.tr("Open a saved run"), str(self.desk.data_folder))
        dialog.setNameFilter(self.tr("Saved runs (*.prayog)"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.open_file(Path(name)))
        dialog.open()

    def open_file(self, path: Path) -> None:
        """Open the run in `path` on the bench."""
        job = self.desk.jobs.submit(_open, path)
        job.succeeded.connect(lambda run: self._opened(path, run))
        job.failed.connect(lambda sentence, details: self.desk.say(sentence, important=True))

    def _opened(self, path: Path, run: SavedRun) -> None:
        card = self.desk.card(run.topic)
        if card is None or not self.desk.usable(card):
            sentence = self.tr("{0} needs the topic “{1}”, which is not here. Add it on the page Plugins.")
            self.desk.say(sentence.format(path.name, run.topic), important=True)
            self.desk.noticed.emit(sentence.format(path.name, run.topic))
            return
        self.opened.emit(Place("saved", run.topic, path.name), run)

    def export(self, path: Path) -> None:
        """Ask where a copy of the file goes, and write it."""
        dialog = QFileDialog(self.window(), self.tr("Save a copy"), str(Path.home() / path.name))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("prayog")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.copy_to(path, Path(name)))
        dialog.open()

    def copy_to(self, path: Path, target: Path) -> None:
        """Write a copy of the run in `path` to `target`."""
        job = self.desk.jobs.submit(_copy, path, target)
        job.succeeded.connect(lambda _: self.desk.say(self.tr("Saved as {0}").format(target.name), important=True))
        job.failed.connect(lambda sentence, details: self.desk.say(sentence, important=True))

    def delete(self, path: Path) -> None:
        """Delete the file and its card."""
        store = self.desk.store
        if store is not None:
            job = self.desk.jobs.submit(_delete, store, path)
            job.succeeded.connect(lambda _: self.desk.say(self.tr("Deleted {0}").format(path.name), important=True))
            job.failed.connect(lambda sentence, details: self.desk.say(sentence, important=True))
            job.finished.connect(self.read_runs)


def _preview(data: bytes) -> QLabel:
    label = QLabel()
    label.setFixedHeight(_PICTURE.height())
    label.setAlignment(Qt.AlignmentFlag.AlignCenter)
    picture = QPixmap()
    if data and picture.loadFromData(data):
        keep, smooth = Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
        label.setPixmap(picture.scaled(_PICTURE, keep, smooth))
        label.setAccessibleName(QCoreApplication.translate("MyWork", "Picture of the run"))
        return label
    return IconLabel("canvas", role="faint", size=48) if not data else label


def _read_runs(ctx: Ctx, store: Repo) -> list[_Shown]:
    from prayog_sdk.saved import SavedError, open_run

    shown = []
    for file in store.saved_runs():
        ctx.check()
        preview, problem = b"", ""
        if not file.there:
            problem = f"{file.path.name} is not where it was; delete this card, or put the file back."
        else:
            try:
                preview = open_run(file.path).preview
            except SavedError as error:
                problem = f"{error}."
        shown.append(_Shown(file, preview, problem))
    return shown


def _open(ctx: Ctx, path: Path) -> SavedRun:
    from prayog_sdk.saved import open_run

    return open_run(path)


def _copy(ctx: Ctx, path: Path, target: Path) -> None:
    data = path.read_bytes()
    fresh = target.with_name(f".{target.name}.part")
    fresh.write_bytes(data)
    fresh.replace(target)


def _delete(ctx: Ctx, store: Repo, path: Path) -> None:
    path.unlink(missing_ok=True)
    store.forget_saved_run(path)
