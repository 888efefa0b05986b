"""Saving and exporting, as the learner asks for it: names are proposed, nothing is written over unasked.

What is written and how is in `files`; this asks for a place, does the work in a worker, and says what came of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QObject, Qt
from PySide6.QtWidgets import QFileDialog, QMenu

from prayog.store import StoreProblem
from prayog.ui.bench import files
from prayog.ui.bench.branch import Branch
from prayog.ui.bench.pictures import write_picture
from prayog.ui.bench.slot import Slot
from prayog_sdk.exports import Label
from prayog_sdk.lessons import Answer
from prayog_sdk.qt.jobs import Ctx
from prayog_sdk.saved import SavedError

if TYPE_CHECKING:
    from prayog.ui.bench.page import BenchPage

__all__ = ["Filing"]

Parts = tuple[Branch, Label, tuple[Answer, ...], str, int, int]
"""Branch, label, predictions, notes, number of steps, virtual µs: what a saved run is made of."""


class Filing(QObject):
    """The files of a bench."""

    def __init__(self, page: BenchPage) -> None:
        super().__init__(page)
        self._page = page
        self._host = page.host
        self.choose: Callable[[str, Path, str], Path | None] = self._ask
        """Asks for a place: title, proposed path, file ending; None when the learner thought better of it."""
        self.notes = ""

    def parts(self, branch: Branch) -> Parts:
        """The run on `branch` as far as it is recorded."""
        upto = len(branch.run.trace)
        until = max(round(branch.clock_us), branch.run.trace[upto - 1].at if upto else 0)
        answers = tuple(self._page.coach.lesson.answers.values())
        return branch, self._host.label(), answers, self.notes, upto, until

    def save(self) -> None:
        """Save the run as a `.prayog` file."""
        branch = self._host.driver.branch
        if branch is None:
            return
        path = self._place(self.tr("Save the run"), "prayog")
        if path is None:
            return
        self._host.driver.pause()
        job = self._host.jobs.submit(_save, path, self.parts(branch), self._preview())
        job.succeeded.connect(lambda steps: self._saved(path, steps))
        job.failed.connect(self._failed)

    def export_trace(self, form: str) -> None:
        """Write the run up to the shown event in one of the `TRACE_FORMS`."""
        driver = self._host.driver
        if driver.branch is None:
            return
        path = self._place(self.tr("Export the trace"), form)
        if path is None:
            return
        driver.pause()
        path = path.with_suffix(f".{form}")
        job = self._host.jobs.submit(files.write_trace, driver.run.trace, driver.at + 1, self._host.label(), path)
        job.succeeded.connect(self._written)
        job.failed.connect(self._failed)

    def export_panel(self, slot: Slot, ending: str) -> None:
        """Write what a panel shows: in its own form, or as a picture."""
        path = self._place(self.tr("Export {title}").format(title=slot.spec.title), ending, slot.spec.id)
        if path is None:
            return
        writer = slot.exports().get(ending)
        try:
            if writer is not None:
                writer(path)
            elif slot.panel is not None:
                write_picture(slot.panel, path, ending, str(self._host.label()))
        except OSError as error:
            self._page.warn(str(error))
        except Exception as error:  # noqa: BLE001 - the panel's code
            slot.fail("export", error)
        else:
            self._written(path)

    def fill_menu(self, menu: QMenu) -> None:
        """What can be saved and exported now."""
        there = self._host.driver.branch is not None
        menu.addAction(self.tr("Save the run…\tCtrl+S"), self.save).setEnabled(there)
        menu.addSection(self.tr("The trace up to the shown event"))
        for form, words in (
            ("jsonl", self.tr("JSON lines…")), ("csv", self.tr("CSV…")), ("txt", self.tr("Text…")),
            ("shiviz", self.tr("ShiViz log…")), ("edn", self.tr("History for Jepsen (EDN)…")),
        ):  # fmt: skip
            menu.addAction(words, partial(self.export_trace, form)).setEnabled(there)
        seen = [slot for slot in self._page.docks.slots() if slot.seen]
        if seen:
            menu.addSection(self.tr("A panel as a picture"))
            for slot in seen:
                menu.addAction(f"{slot.spec.title}…", partial(self.export_panel, slot, "png"))

    def _saved(self, path: Path, steps: int) -> None:
        page = self._page
        page.said.emit(self.tr("Saved as {name}.").format(name=path.name))
        if page.store is not None:
            try:
                page.store.add_saved_run(path, page.topic.id, self._host.scenario, page.title(), steps)
            except StoreProblem as problem:
                page.warn(str(problem))

    def _written(self, path: Path) -> None:
        self._page.said.emit(self.tr("Written to {name}.").format(name=path.name))

    def _failed(self, sentence: str, details: str) -> None:
        self._page.warn(sentence)

    def _place(self, title: str, ending: str, part: str = "") -> Path | None:
        """A place for a file: proposed under a name that is free."""
        folder = self._page.folder()
        folder.mkdir(parents=True, exist_ok=True)
        return self.choose(title, files.free_path(folder / files.file_name(self._host.label(), ending, part)), ending)

    def _ask(self, title: str, proposed: Path, ending: str) -> Path | None:
        # The system's dialog asks before a file is replaced; nothing is replaced without that.
        chosen, _ = QFileDialog.getSaveFileName(self._page, title, str(proposed), f"*.{ending}")
        return Path(chosen) if chosen else None

    def _preview(self) -> bytes:
        """The first panel that is seen, as a small PNG."""
        panel = next((slot.panel for slot in self._page.docks.slots() if slot.seen), None)
        if panel is None:
            return b""
        data = QByteArray()
        buffer = QBuffer(data)
        buffer.open(QIODevice.OpenModeFlag.WriteOnly)
        panel.grab().scaledToWidth(480, Qt.TransformationMode.SmoothTransformation).save(buffer, "PNG")
        return bytes(data.data())


def _save(ctx: Ctx, path: Path, parts: Parts, preview: bytes) -> int:
    """Write the file in a worker; the number of its steps."""
    saved = files.saved_run(ctx, *parts, preview)
    try:
        saved.save(path, replace=path.exists())
    except SavedError as error:
        raise OSError(str(error)) from error
    return saved.steps
