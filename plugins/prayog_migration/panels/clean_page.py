"""Step 8: everything of ours goes, ticked off one by one; and the report."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from prayog_migration.panels.course import Course
from prayog_migration.panels.fitted import FittedTable
from prayog_migration.panels.page import Asks, Page, tone
from prayog_migration.panels.path import lacking
from prayog_migration.panels.scores import scores
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable

__all__ = ["CleanPage"]


class CleanPage(Page):
    """The list, and the report."""

    name = "cleanup"

    def __init__(self, asks: Asks) -> None:
        super().__init__(asks)
        self._path = ""
        self._write, _, self._open = self.buttons(
            (
                ("Write the report", lambda: asks.act("report"), "Before cleaning up: it tells what is remembered"),
                ("Clean up", lambda: asks.act("clean"), "Removes all whose name begins with _wiz, on both sides"),
                ("Open the report", self._show, "In the browser"),
            ),
            primary=1,
        )  # fmt: skip
        self._sum = paragraph("")
        self.body.addWidget(self._sum)
        self._compared = paragraph("Predicted and measured", step=1)
        self.body.addWidget(self._compared)
        self._scores = FittedTable("Predicted and measured", ("", "Predicted", "Measured", ""), wrapped=3)
        self.body.addWidget(self._scores)
        self._table = TextTable("What was taken away", ("", "Object"))
        self.body.addWidget(self._table, 1)
        self.body.addStretch(0)
        self._report = paragraph("", "muted")
        self.body.addWidget(self._report)

    def _show(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._path))

    def draw(self, course: Course) -> None:
        self._path = course.report
        self._open.setEnabled(bool(self._path) and Path(self._path).exists())
        self._report.setText(
            f"The report: {self._path}. Beside it lie proof.json and verify.py, a verifier without a line of ours."
            if self._path else "No report was written yet."
        )  # fmt: skip
        rows = scores(course)
        self._scores.show_rows(rows)
        self._compared.setVisible(bool(rows))
        clean = course.clean
        self._table.setVisible(bool(clean))
        if not clean:
            self._sum.setText("Triggers, slots, publications and tables of ours are still there; all begin with _wiz.")
            self._table.show_rows([])
            return
        gone, left = clean["gone"], clean["left"]
        self._sum.setText(
            f"✓ Removed {len(gone)} objects; nothing of ours is left on either side." if not left
            else f"✗ {len(left)} objects are still there. Clean up again: it goes on where it stopped."
        )  # fmt: skip
        self._table.show_rows([["✓ gone", name] for name in gone] + [["✗ left", name] for name in left])

    def lead(self, course: Course) -> None:
        """The report first: what is cleaned up is not remembered; and at the end it is there to be read."""
        super().lead(course)
        over = bool(course.clean) and not course.clean["left"]
        self._write.setEnabled(bool(course.started) and not over)
        if self._primary is not None:
            tone(self._primary, "primary" if course.report and not over else "")
        ready = bool(lacking(self.name, course))
        tone(self._write, "" if course.report or over or ready else "primary")
        tone(self._open, "primary" if over and course.report else "")

    def words(self) -> str:
        return f"{self._sum.text()} {self._report.text()}"
