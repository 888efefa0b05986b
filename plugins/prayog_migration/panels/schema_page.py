"""Step 3: what the schema becomes: tables of another database, with a dry run; a changed column, shards, or files."""

from __future__ import annotations

import json
from typing import Any

from PySide6.QtWidgets import QVBoxLayout

from prayog_migration.engine.setup import Setup
from prayog_migration.panels.choice import Choice
from prayog_migration.panels.column_view import ColumnView
from prayog_migration.panels.course import Course
from prayog_migration.panels.ddl_view import DdlView
from prayog_migration.panels.files_view import FilesView
from prayog_migration.panels.fitted import FittedTable
from prayog_migration.panels.page import Asks, Page, row_of
from prayog_migration.panels.shards_view import ShardsView
from prayog_migration.panels.types_view import TypesView
from prayog_migration.panels.ways import Part, Ways
from prayog_sdk.qt.state import paragraph

__all__ = ["SchemaPage"]

_REST = "everything else (views, triggers, types)"


class SchemaPage(Page):
    """The tables of this migration and the rules of types; beside them three other things that may become of a schema,
    to be tried."""

    name = "schema"

    def __init__(self, asks: Asks) -> None:
        super().__init__(asks)
        self._choices: dict[str, Any] = {}
        self.buttons(
            (
                ("Preview and dry run", lambda: asks.act("preview"), "Makes all in a scratch database and drops it"),
                ("Make the tables", lambda: asks.act("schema"), "With their keys; the rest comes after the rows"),
            ),
            primary=1,
        )  # fmt: skip
        self.ways = Ways(
            asks,
            (
                ("tables", "Tables of the target", lambda _: _Tables()),
                ("types", "Type rules", lambda asks: TypesView(asks, lambda: self._choices)),
                ("column", "A column that changes", ColumnView),
                ("shards", "Shards", ShardsView),
                ("files", "Files", FilesView),
            ),
        )
        self.body.addWidget(self.ways, 1)

    def show_setup(self, setup: Setup) -> None:
        """The decisions of the run on the bench."""
        self._choices = json.loads(setup.choices) if setup.choices else {}

    def draw(self, course: Course) -> None:
        self.ways.draw(course)

    def restyle(self) -> None:
        self.ways.restyle()

    def words(self) -> str:
        return self.ways.part.words()


class _Tables(Part):
    """One table at a time, source at the left, target at the right."""

    def __init__(self) -> None:
        super().__init__()
        self._course: Course | None = None
        self._shown: Any = None
        self._kind = paragraph("", "muted")
        self._dry = paragraph("")
        self._refused = FittedTable(
            "What the target refused in the dry run", ("Kind", "Name", "The target says"), wrapped=2
        )
        self._tables = Choice("Table whose SQL is shown", self._texts, 18)
        self._pick = row_of(self._tables)
        self._legend = paragraph("Words that stand on one side only are underlined.", "muted")
        self._view = DdlView()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        for part in (self._kind, self._dry, self._refused, self._pick, self._legend):
            column.addWidget(part)
        column.addWidget(self._view, 1)
        column.addStretch(0)

    def draw(self, course: Course) -> None:
        self._course = course
        shown = course.stamp("ddl", "dryrun", "start")
        if shown == self._shown:
            return
        self._shown = shown
        self._kind.setText(_kind(course))
        tried = course.dryrun
        if not tried:
            words = "Nothing was tried yet. The dry run makes everything beside the target, and drops it again."
        elif tried["ok"]:
            words = f"✓ Dry run: the target took all {tried['statements']} statements."
        else:
            words = f"✗ Dry run: the target refused {len(tried['refused'])} of {tried['statements']} statements."
        self._dry.setText(words)
        self._refused.show_rows([[str(cell) for cell in one] for one in tried.get("refused", ())])
        self._tables.show_entries([title or _REST for title in course.ddl])
        for part in (self._pick, self._legend, self._view):
            part.setVisible(bool(course.ddl))
        self._texts()

    def _texts(self) -> None:
        title = self._tables.currentText()
        found = self._course.ddl.get("" if title == _REST else title, {}) if self._course else {}
        self._view.show_texts(str(found.get("source", "")), str(found.get("target", "")))

    def restyle(self) -> None:
        self._view.restyle()

    def words(self) -> str:
        return f"{self._kind.text()} {self._dry.text()}"


def _kind(course: Course) -> str:
    """Whether both sides are of one kind, and what that means."""
    source, target = (_NAMES.get(str(course.started.get(side)), "") for side in ("source", "target"))
    if not source or not target:
        return ""
    if source == target:
        return f"Homogeneous, {source} → {target}: types go over as they are written."
    return (
        f"Heterogeneous, {source} → {target}: every type is translated by a rule (see Type rules). Another type for "
        "one column is chosen on the page Assess, and tried there on its values."
    )


_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MySQL/MariaDB"}
