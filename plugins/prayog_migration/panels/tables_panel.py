"""Both databases of a drill, row by row, at the shown moment."""

from __future__ import annotations

from PySide6.QtWidgets import QStackedWidget, QVBoxLayout, QWidget

from prayog_migration.engine.drills.starts import behind, sides
from prayog_migration.engine.drills.tables import Tables
from prayog_migration.engine.setup import Setup
from prayog_migration.panels.key_grid import KeyGrid
from prayog_sdk.qt import theme
from prayog_sdk.qt.calm import CalmPanel
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.state import EmptyState, paragraph
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["TablesPanel"]


class TablesPanel(CalmPanel):
    """A sentence, the grid, and what failed so far."""

    title = "Old and new"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tables = Tables()
        self._failed = self._refused = self._late = self._behind = 0
        self._cut = ""
        self._seen = 0
        self._sum = paragraph("")
        self._more = paragraph("", "muted")
        self._grid = KeyGrid()
        self._empty = EmptyState(
            "No two databases here",
            "This drill has one table or none. The canvas shows who speaks to whom, and the events what failed.",
            icon="table",
        )
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(*(theme.UNIT,) * 4)
        column.addWidget(self._sum)
        column.addWidget(self._grid, 1)
        column.addWidget(self._more)
        self._stack = QStackedWidget()
        self._stack.addWidget(whole)
        self._stack.addWidget(self._empty)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._stack)

    def on_run(self, bench: Bench) -> None:
        self._restart()

    def on_step(self, step: Step) -> None:
        if step.seq == self._seen:
            self._take(step)

    def on_seek(self, view: View) -> None:
        if self.bench is not None:
            if view.seq + 1 < self._seen:
                self._restart()
            for step in self.bench.trace[self._seen : view.seq + 1]:
                self._take(step)
        super().on_seek(view)

    def _restart(self) -> None:
        setup = self.bench.params if self.bench is not None else None
        old, new = sides(setup) if isinstance(setup, Setup) else ({}, {})
        self._behind = len(behind(setup)) if old and isinstance(setup, Setup) else 0
        self._tables = Tables({"old": old, "new": new})
        self._failed = self._refused = self._late = self._seen = 0
        self._cut = ""

    def _take(self, step: Step) -> None:
        self._seen = step.seq + 1
        self._tables.take(step)
        for effect in step.effects:
            self._failed += effect.kind == "failed"
            self._refused += effect.kind == "refused"
            self._late += effect.kind == "set" and bool(self._cut) and step.node != self._cut
            if effect.kind == "cut":
                self._cut = str(effect.data["to"])

    def draw(self) -> None:
        sides = self._tables.sides
        there = bool(sides["old"] or sides["new"])
        self._stack.setCurrentIndex(0 if there else 1)
        if not there:
            return
        found = self._tables.difference
        self._grid.show_sides(sides)
        self._sum.setText(
            f"Old {len(sides['old'])} rows, new {len(sides['new'])}. – {len(found.missing)} missing on the new side · "
            f"+ {len(found.extra)} there and should not be · ≠ {len(found.other)} with another value."
        )
        self._grid.setAccessibleDescription(self._sum.text())
        if not self._seen:
            waits = f" {self._behind} changes are in the log that the new side has not heard." if self._behind else ""
            self._more.setText(f"Nothing has happened yet.{waits} Press play, or use a tool above.")
            return
        late = f" · {self._late} writes on the side that was left" if self._cut else ""
        self._more.setText(f"Requests: {self._failed} failed · {self._refused} refused and tried again{late}.")

    def outline(self) -> str:
        return f"{self._sum.text()} {self._more.text()}" if self._stack.currentIndex() == 0 else ""
