"""All topics as plugins: where each comes from, turning one on or off, and adding one.

A topic is code.  Before one is copied into the profile, its card is read (nothing is imported) and shown with its
authors and its source, and the learner decides.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QFileDialog, QWidget

from prayog.ui.desk import Desk
from prayog.ui.page import Page
from prayog.ui.pieces import IconTile, button, chip, column, drop, flow, heading, overline, row, text
from prayog.ui.place import Place
from prayog.ui.problem_card import problem_card
from prayog.ui.shelf import Card
from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card as Surface

if TYPE_CHECKING:
    from prayog.catalog import Found
    from prayog.paths import Profile
    from prayog_sdk.qt.jobs import Ctx

__all__ = ["PluginsPage"]


class PluginsPage(Page):
    """See the module."""

    def __init__(self, desk: Desk, parent: QWidget | None = None) -> None:
        super().__init__(desk, "", parent=parent)
        self.title.setText(self.tr("Plugins"))
        self.setAccessibleName(self.tr("Plugins"))
        self.lead.setText(self.tr("Every topic is a plugin, those that come with the lab too."))
        self.lead.show()
        folder = button(self.tr("Add a folder…"), "", "plus")
        folder.clicked.connect(self.choose_folder)
        wheel = button(self.tr("Add a wheel…"), "", "plus")
        wheel.clicked.connect(self.choose_wheel)
        where = button(self.tr("Open the folder"), "", "external")
        where.clicked.connect(self.open_folder)
        for each in (folder, wheel, where):
            self.tools.addWidget(each)
        self._offer = column(gap=0)
        self._list = column(gap=12)
        self.body.addLayout(self._offer)
        self.body.addLayout(self._list)
        desk.topics_changed.connect(self.refresh)

    def fill(self) -> None:
        """Paint every topic that was found."""
        drop(self._list)
        if not self.desk.looked:
            self._list.addWidget(text(self.tr("Looking for topics…"), "muted"))
        for card in self.desk.cards:
            self._list.addWidget(self._row(card))

    def _row(self, card: Card) -> QWidget:
        entry = self.desk.entry(card)
        problems = list(entry.problems if entry is not None else card.problems)
        if card.manifest is None:
            shown = problem_card(problems[0], card.id, quiet=True)
            shown.retry.connect(self.desk.look)
            return shown
        surface = Surface(margin=2 * theme.UNIT)
        line = row(IconTile(card.manifest.icon or "plugins"), gap=2 * theme.UNIT)
        about = self.tr("{0} · version {1}").format(self._source(card), card.manifest.version)
        if card.manifest.authors:
            about += " · " + ", ".join(card.manifest.authors)
        line.addLayout(column(heading(card.title, 1), overline(about), overline(card.found.where), gap=2), 1)
        if problems:
            line.addWidget(chip(self.tr("Problem"), "bad"))
        elif entry is not None and entry.state == "open":
            line.addWidget(chip(self.tr("Open")))
        on = QCheckBox(self.tr("On"))
        on.setAccessibleName(self.tr("{0} is on").format(card.title))
        on.setMinimumHeight(28)
        on.setChecked(card.id not in self.desk.settings.disabled)
        on.setEnabled(not card.found.problems)
        on.toggled.connect(lambda checked: self.desk.turn(card.id, on=checked))
        line.addWidget(on)
        surface.body.addLayout(line)
        for problem in problems:
            shown = problem_card(problem, card.title, quiet=True)
            shown.retry.connect(self.desk.look)
            surface.body.addWidget(shown)
        return surface

    def _source(self, card: Card) -> str:
        return {
            "built-in": self.tr("Comes with the lab"),
            "entry point": self.tr("Installed package"),
            "folder": self.tr("Folder"),
            "wheel": self.tr("Wheel"),
        }[card.found.source]

    # Adding

    def choose_folder(self) -> None:
        """Ask for a topic's folder."""
        dialog = QFileDialog(self.window(), self.tr("Choose a topic’s folder"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        self._ask(dialog)

    def choose_wheel(self) -> None:
        """Ask for a topic's wheel."""
        dialog = QFileDialog(self.window(), self.tr("Choose a topic’s wheel"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilter(self.tr("Wheels (*.whl)"))
        self._ask(dialog)

    def _ask(self, dialog: QFileDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.consider(Path(name)))
        dialog.open()

    def open_folder(self) -> None:
        """Show the drop-in folder in the system's file manager."""
        self.desk.profile.topics.mkdir(parents=True, exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(self.desk.profile.topics)))

    def consider(self, path: Path) -> None:
        """Read the card of the topic at `path` and ask whether it is to be added."""
        job = self.desk.jobs.submit(_look_at, path, self.desk.profile)
        job.succeeded.connect(lambda found: self._considered(path, found))
        job.failed.connect(lambda sentence, details: self.desk.say(sentence, important=True))

    def _considered(self, path: Path, found: list[Found]) -> None:
        drop(self._offer)
        surface = Surface(margin=3 * theme.UNIT)
        usable = [one for one in found if one.manifest is not None and not one.problems]
        no = button(self.tr("Do not add"))
        no.clicked.connect(lambda: drop(self._offer))
        if not usable:
            sentence = found[0].problems[0].sentence if found else self.tr("There is no topic in it.")
            surface.body.addWidget(heading(self.tr("{0} cannot be added").format(path.name), 1))
            surface.body.addWidget(text(sentence))
            no.setText(self.tr("Close"))
            surface.body.addLayout(flow(no))
        else:
            manifest = usable[0].manifest
            assert manifest is not None
            surface.body.addWidget(heading(self.tr("Add “{0}”?").format(manifest.title), 1))
            surface.body.addWidget(text(manifest.summary, "muted"))
            authors = ", ".join(manifest.authors) or self.tr("no author named")
            surface.body.addWidget(overline(self.tr("{0} · version {1} · {2}").format(authors, manifest.version, path)))
            warning = self.tr(
                "A topic is a program: it can do on this machine what you can do. Add it when you trust its authors."
            )
            surface.body.addWidget(text(warning))
            self.add_button = button(self.tr("Add it"), "primary")
            self.add_button.clicked.connect(lambda: self.add(path))
            surface.body.addLayout(flow(self.add_button, no))
            self.desk.say(self.tr("Add “{0}”?").format(manifest.title), important=True)
        self._offer.addWidget(surface)
        self.verticalScrollBar().setValue(0)

    def add(self, path: Path) -> None:
        """Copy the topic at `path` into the profile and look for topics again."""
        drop(self._offer)
        job = self.desk.jobs.submit(_copy, path, self.desk.profile.topics)
        job.succeeded.connect(self._added)
        job.failed.connect(lambda sentence, details: self.desk.say(sentence, important=True))

    def _added(self, name: str) -> None:
        self.desk.say(self.tr("{0} was added.").format(name), important=True)
        self.desk.look().succeeded.connect(lambda _: self.wanted.emit(Place("topics")))


def _look_at(ctx: Ctx, path: Path, profile: Profile) -> list[Found]:
    """What discovery says of `path`, from a copy in a folder of its own."""
    from prayog.catalog import find
    from prayog.paths import Profile as Place_

    with tempfile.TemporaryDirectory(prefix="prayog-", ignore_cleanup_errors=True) as folder:
        staged = Place_(Path(folder))
        _copy(ctx, path, staged.topics)
        known = {(one.id, one.where) for one in find(None)}
        return [one for one in find(staged) if (one.id, one.where) not in known]


def _copy(ctx: Ctx, path: Path, topics: Path) -> str:
    from prayog.paths import ProfileProblem

    target = topics / path.name
    if target.exists():
        raise ProfileProblem(f"{path.name} is in the folder of topics already; take the old one away first.")
    topics.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        shutil.copytree(path, target, ignore=shutil.ignore_patterns("__pycache__", ".git", ".venv"))
    else:
        shutil.copy2(path, target)
    return path.name
