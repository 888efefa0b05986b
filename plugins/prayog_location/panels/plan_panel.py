"""The plan: how the table shrank to the answer, and every part that the index looked at, in order, with its reason.

It reads like the EXPLAIN of a database, and grows while the question is answered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHeaderView, QLabel, QSizePolicy, QTreeWidget, QTreeWidgetItem, QVBoxLayout, QWidget

from prayog_location.panels.gathered_panel import GatheredPanel
from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import guarded
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["Funnel", "PlanPanel"]

LISTED = 3_000
SIGNS = {"visited": "▣ opened", "pruned": "▢ left out", "refined": "▨ tested", "inside": "■ taken whole"}


@guarded
class Funnel(QWidget):
    """Four bars: all places, candidates, tested, answers.  Lengths are logarithmic, numbers are written."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._rows: list[tuple[str, int | None]] = []
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Funnel from all places to the answer"))

    def show_counts(self, total: int, answer: Mapping[str, Any] | None) -> None:
        """Show `total` places and the counts of an ``answer`` step (None: not known yet)."""
        known = answer or {}
        self._rows = [
            (self.tr("all places"), total or None),
            (self.tr("candidates"), known.get("candidates")),
            (self.tr("tested"), known.get("refined")),
            (self.tr("answers"), known.get("count")),
        ]
        self.setAccessibleDescription("; ".join(f"{name}: {_number(value)}" for name, value in self._rows))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        line = self.fontMetrics().height() + theme.UNIT
        return QSize(theme.scaled(200), 4 * line + theme.UNIT)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        colours, metrics = theme.current(), self.fontMetrics()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        line = metrics.height() + theme.UNIT
        names = max((metrics.horizontalAdvance(name) for name, _ in self._rows), default=0) + theme.UNIT
        numbers = metrics.horizontalAdvance("10,000,000") + theme.UNIT
        room = max(8.0, self.width() - names - numbers - 2.0 * theme.UNIT)
        most = max((value or 0 for _, value in self._rows), default=0)
        for row, (name, value) in enumerate(self._rows):
            top = row * line + theme.UNIT / 2
            painter.setPen(QColor(colours.muted))
            painter.drawText(QRectF(theme.UNIT, top, names, line), Qt.AlignmentFlag.AlignVCenter, name)
            share = math.log10(1 + (value or 0)) / math.log10(1 + most) if most else 0.0
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.line))
            bar = QRectF(names + theme.UNIT, top + line * 0.28, room, line * 0.44)
            painter.drawRoundedRect(bar, 3, 3)
            if value:
                painter.setBrush(QColor(colours.good if row == 3 else colours.accent))
                painter.drawRoundedRect(QRectF(bar.left(), bar.top(), max(4.0, room * share), bar.height()), 3, 3)
            painter.setPen(QColor(colours.text))
            right = QRectF(self.width() - numbers - theme.UNIT, top, numbers, line)
            painter.drawText(right, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, _number(value))
        painter.end()


class PlanPanel(GatheredPanel):
    """Question, funnel, and the visits as a tree."""

    title = "Plan"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._new: list[Mapping[str, Any]] = []
        self._items: dict[str, QTreeWidgetItem] = {}
        self._rebuild = True
        self._question = QLabel("")
        self._question.setWordWrap(True)
        self._question.setProperty("step", "1")  # follows the text size, as a font would not
        self._funnel = Funnel()
        self._verdict = QLabel("")
        self._verdict.setWordWrap(True)
        self._tree = QTreeWidget()
        self._tree.setHeaderLabels([self.tr("Part"), self.tr("What"), self.tr("Places"), self.tr("Why")])
        self._tree.setUniformRowHeights(True)
        self._tree.setAlternatingRowColors(True)
        self._tree.setAccessibleName(self.tr("Parts that the index looked at"))
        self._tree.header().setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        self._tree.header().setStretchLastSection(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(theme.UNIT, theme.UNIT, theme.UNIT, theme.UNIT)
        for widget in (self._question, self._funnel, self._verdict):
            layout.addWidget(widget)
        layout.addWidget(self._tree, 1)

    def on_step(self, step: Step) -> None:
        if step.kind in ("query", "swapped"):
            self._rebuild = True
            self._new.clear()
        if self._gathered.take(step):
            self._dirty = True
            if step.kind == "visit":
                self._new.append(step.data)

    def on_seek(self, view: View) -> None:
        super().on_seek(view)
        self._new = sorted(
            (visit for visits in self._gathered.visits.values() for visit in visits), key=lambda visit: visit["depth"]
        )
        self._rebuild = True

    def draw(self) -> None:
        query, answer = self._gathered.query, self._gathered.answer
        question = (
            query["question"] if query is not None else self.tr("nothing was asked yet. Draw a circle on the map.")
        )
        self._question.setText(question[:1].upper() + question[1:])
        total = self._gathered.table["points"] if self._gathered.table else 0
        self._funnel.show_counts(total, answer)
        self._verdict.setText(self._words())
        if self._rebuild:
            self._rebuild = False
            self._tree.clear()
            self._items = {}
        self._append()

    def _append(self) -> None:
        new, self._new = self._new, []
        room = max(0, LISTED - len(self._items))
        self._tree.setUpdatesEnabled(False)
        for visit in new[:room]:
            item = QTreeWidgetItem(
                [visit["code"] or "root", SIGNS[visit["action"]], f"{visit['points']:,}", visit["reason"]]
            )
            item.setToolTip(3, visit["reason"])
            item.setTextAlignment(2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            above = self._items.get(visit["parent"])
            if above is not None:
                above.addChild(item)
                above.setExpanded(True)
            else:
                self._tree.addTopLevelItem(item)
            self._items[visit["code"]] = item
        if new:
            for column in range(3):
                self._tree.resizeColumnToContents(column)
            self._tree.setColumnWidth(0, min(self._tree.columnWidth(0), theme.scaled(150)))
        self._tree.setUpdatesEnabled(True)

    def _words(self) -> str:
        looked = self._gathered.looked_at
        if self._gathered.query is None:
            return ""
        text = self.tr("{n} parts looked at").replace("{n}", f"{looked:,}")
        if looked > LISTED:
            text += self.tr("; the first {n} are listed").replace("{n}", f"{LISTED:,}")
        oracle = self._gathered.oracle
        if oracle is not None and oracle["same"]:
            text += self.tr(" · ✓ the same places as a full scan")
        elif oracle is not None:
            text += (
                self.tr(" · ✗ {n} missed, {m} too many")
                .replace("{n}", f"{oracle['missing']:,}")
                .replace("{m}", f"{oracle['extra']:,}")
            )
        return text

    def outline(self) -> str:
        return f"{self._question.text()}. {self._words()}"


def _number(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"
