"""Step 3: the tables of both sides in SQL, a dry run, and making them."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QComboBox

from prayog_migration.panels.course import Course
from prayog_migration.panels.ddl_view import DdlView
from prayog_migration.panels.page import Asks, Page, row_of
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable

__all__ = ["SchemaPage"]

_REST = "everything else (views, triggers, types)"


class SchemaPage(Page):
    """One table at a time, source at the left, target at the right."""

    name = "schema"

    def __init__(self, asks: Asks) -> None:
        super().__init__(asks)
        self._course: Course | None = None
        self._shown: Any = None
        self.buttons(
            (
                ("Preview and dry run", lambda: asks.act("preview"), "Makes all in a scratch database and drops it"),
                ("Make the tables", lambda: asks.act("schema"), "With their keys; the rest comes after the rows"),
            ),
            primary=1,
        )  # fmt: skip
        self._dry = paragraph("")
        self.body.addWidget(self._dry)
        self._refused = TextTable(
            "What the target refused in the dry run", ("Kind", "Name", "The target says"), wrapped=2
        )
        self._refused.hide()
        self.body.addWidget(self._refused)
        self._tables = QComboBox()
        self._tables.setAccessibleName("Table whose SQL is shown")
        self._tables.setMinimumContentsLength(18)
        self._tables.currentIndexChanged.connect(self._texts)
        self._pick = row_of(self._tables)
        self.body.addWidget(self._pick)
        self.body.addWidget(paragraph("Words that stand on one side only are underlined.", "muted"))
        self._view = DdlView()
        self.body.addWidget(self._view, 1)

    def draw(self, course: Course) -> None:
        self._course = course
        shown = (tuple(course.ddl), id(course.dryrun))
        if shown == self._shown:
            return
        self._shown = shown
        tried = course.dryrun
        if not tried:
            self._dry.setText(
                "Nothing was tried yet. The dry run makes everything beside the target, and drops it again."
            )
        elif tried["ok"]:
            self._dry.setText(f"✓ Dry run: the target took all {tried['statements']} statements.")
        else:
            self._dry.setText(
                f"✗ Dry run: the target refused {len(tried['refused'])} of {tried['statements']} statements."
            )
        refused = tried.get("refused", ())
        self._refused.show_rows([[str(cell) for cell in one] for one in refused])
        self._refused.setVisible(bool(refused))
        before = self._tables.currentText()
        self._tables.blockSignals(True)
        self._tables.clear()
        self._tables.addItems([title or _REST for title in course.ddl])
        self._tables.setCurrentText(before)
        self._tables.blockSignals(False)
        self._pick.setVisible(bool(course.ddl))
        self._view.setVisible(bool(course.ddl))
        self._texts()

    def _texts(self) -> None:
        title = self._tables.currentText()
        found = self._course.ddl.get("" if title == _REST else title, {}) if self._course else {}
        self._view.show_texts(str(found.get("source", "")), str(found.get("target", "")))

    def restyle(self) -> None:
        """Text size or theme changed."""
        self._view.restyle()

    def words(self) -> str:
        return self._dry.text()
