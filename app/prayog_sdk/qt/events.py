"""The event table: every step in words, with a filter, the way to any step, and export.

It is the full peer of the pictures: what happened can be read, searched and walked here with the keyboard alone
(up and down move the shown moment), and by a screen reader.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QPoint, QSize, Qt, QTimer
from PySide6.QtGui import QFontMetricsF, QGuiApplication, QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)  # fmt: skip

from prayog_sdk import exports
from prayog_sdk.qt import icons, theme
from prayog_sdk.qt.eventmodel import TIME, EventModel
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.state import EmptyState
from prayog_sdk.run import has_clock
from prayog_sim.lines import line
from prayog_sim.run import View
from prayog_sim.trace import Step, Trace

__all__ = ["EventsPanel"]

_GROW_MS = 100  # new rows are shown ten times a second
_TYPING_MS = 150
_LONGEST_NAME = 16  # letters; a longer one is cut


class EventsPanel(Panel):
    """The table over the trace of the bench."""

    title = "Events"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name = "node-10"
        """The longest name of a node that the column has room for."""
        self._model = EventModel(self)
        self._model.searched.connect(self._on_searched)
        self._following = False  # the current row is being set by us, not by the learner
        self._filter = QLineEdit()
        self._filter.setPlaceholderText("Filter: words, node:n1, kind:crash, or #120 to go there")
        self._filter.setAccessibleName("Filter events")
        self._filter.setAccessibleDescription(
            "Words that must be in the line; node: and kind: compare with a name; # and a number goes to that event"
        )
        self._filter.setClearButtonEnabled(True)
        self._search_sign = self._filter.addAction(
            icons.icon("search", "muted"), QLineEdit.ActionPosition.LeadingPosition
        )
        self._count = QLabel()
        self._count.setProperty("kind", "muted")
        self._table = self._make_table()
        self._empty = EmptyState("No events yet", "Press play or step, or do something to the run.", icon="table")
        bar = QHBoxLayout()
        bar.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, theme.UNIT // 2)
        bar.setSpacing(theme.UNIT)
        bar.addWidget(self._filter, 1)
        bar.addWidget(self._count)
        self._pages = QStackedLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addLayout(self._pages, 1)
        self._pages.addWidget(self._empty)  # after the layout has its widget: a stack shows its first page at once
        self._pages.addWidget(self._table)
        self.setFocusProxy(self._filter)
        self._typing = QTimer(self, singleShot=True, interval=_TYPING_MS)
        self._typing.timeout.connect(self._apply_filter)
        self._growing = QTimer(self, singleShot=True, interval=_GROW_MS)
        self._growing.timeout.connect(self._grow)
        self._filter.textChanged.connect(lambda _text: self._typing.start())
        self._filter.returnPressed.connect(self._on_return)
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self._filter.setFocus)
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        copy = QShortcut(QKeySequence(QKeySequence.StandardKey.Copy), self._table, self.copy)
        copy.setContext(Qt.ShortcutContext.WidgetShortcut)
        self.on_theme()

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        self._show_trace(bench)
        self._show_at(bench.at)

    def on_step(self, step: Step) -> None:
        if not self._growing.isActive():
            self._growing.start()

    def on_frame(self) -> None:
        if self.bench is not None and not self._growing.isActive():
            self._grow()

    def on_seek(self, view: View) -> None:
        if self.bench is None:
            return
        if self.bench.trace is not self._model.trace:
            self._show_trace(self.bench)
        self._model.grow()
        self._show_at(view.seq)

    def _show_trace(self, bench: Bench) -> None:
        self._model.set_trace(bench.trace)
        self._table.setColumnHidden(TIME, not has_clock(bench.run))
        names = [name for name in bench.run.view(bench.at).nodes if len(name) <= _LONGEST_NAME]
        self._name = max(["node-10", *names], key=len)
        self.on_theme()

    def on_theme(self) -> None:
        self._search_sign.setIcon(icons.icon("search", "muted"))
        metrics = QFontMetricsF(self.font())
        self._table.verticalHeader().setDefaultSectionSize(max(24, round(metrics.height() * 1.5)))
        self._table.setIconSize(QSize(theme.scaled(14), theme.scaled(14)))
        for column, sample in enumerate(("1,000,000", "10,000.204 s", self._name)):
            self._table.setColumnWidth(column, round(metrics.horizontalAdvance(sample)) + theme.scaled(3 * theme.UNIT))

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        if self.bench is None:
            return {}
        trace, label = self.bench.trace, self.bench.label()
        writers = {"csv": exports.to_csv, "jsonl": exports.to_jsonl, "txt": exports.to_text}
        return {ending: functools.partial(_write, write, trace, label) for ending, write in writers.items()}

    def outline(self) -> str:
        if self.bench is None or self.bench.at < 0:
            return f"{self._model.rowCount():,} events; before the first."
        return f"Event {self.bench.at:,} of {self._model.rowCount():,}: {line(self.bench.trace[self.bench.at])}"

    def unbind(self) -> None:
        self._model.stop()
        self._typing.stop()
        self._growing.stop()
        super().unbind()

    def set_filter(self, query: str) -> None:
        """Show only what matches `query`, at once."""
        self._filter.setText(query)
        self._apply_filter()

    def copy(self) -> None:
        """The selected rows as text on the clipboard."""
        rows = sorted(index.row() for index in self._table.selectionModel().selectedRows())
        columns = [column for column in range(self._model.columnCount()) if not self._table.isColumnHidden(column)]
        text = "\n".join(
            "\t".join(self._model.text(self._model.step(row), column) for column in columns) for row in rows
        )
        QGuiApplication.clipboard().setText(text)
        if self.bench is not None and rows:
            self.bench.say(f"Copied {len(rows):,} event{'s' if len(rows) != 1 else ''}.")

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self._model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setFrameShape(QTableView.Shape.NoFrame)
        table.setTabKeyNavigation(False)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setAccessibleName("Events")
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._on_menu)
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().hide()
        head = table.horizontalHeader()
        head.setStretchLastSection(True)
        head.setHighlightSections(False)
        head.setSectionsClickable(False)
        table.selectionModel().currentRowChanged.connect(self._on_row)
        return table

    def _grow(self) -> None:
        self._model.grow()
        if self.bench is not None:
            self._show_at(self.bench.at)

    def _show_at(self, seq: int) -> None:
        """Make the row of `seq` the current one, without asking the bench to go there."""
        self._pages.setCurrentIndex(1 if len(self._model.trace) else 0)
        self._model.set_at(seq)
        row = self._model.row_of(seq)
        self._following = True
        if row < 0:
            self._table.selectionModel().clear()
        elif row != self._table.currentIndex().row() or not self._table.selectionModel().hasSelection():
            self._table.selectionModel().setCurrentIndex(
                self._model.index(row, 3),
                QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows,
            )
        self._following = False
        self._say_count()

    def _on_row(self, current: QModelIndex, _before: QModelIndex) -> None:
        if self.bench is None or self._following or not current.isValid():
            return
        keys = QGuiApplication.keyboardModifiers()
        if keys & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier):
            return  # a range is being selected
        self.bench.seek(self._model.step(current.row()).seq)

    def _on_return(self) -> None:
        text = self._filter.text().strip().replace(",", "")
        if not text.startswith("#") or not text[1:].isdigit() or self.bench is None:
            self._apply_filter()
            return
        last = len(self.bench.trace) - 1
        self.bench.seek(min(int(text[1:]), last))
        self._filter.clear()
        self._table.setFocus()

    def _apply_filter(self) -> None:
        self._typing.stop()
        text = self._filter.text()
        if text.lstrip().startswith("#"):
            return
        self._following = True
        self._model.set_filter(text)
        self._following = False
        if self.bench is not None:
            self._show_at(self.bench.at)

    def _on_searched(self, looked: int, last: int) -> None:
        self._say_count()
        if looked == last and self.bench is not None:
            self._show_at(self.bench.at)

    def _say_count(self) -> None:
        rows, known = self._model.rowCount(), len(self._model.trace)
        if not self._filter.text().strip() or self._filter.text().lstrip().startswith("#"):
            self._count.setText(f"{known:,} event{'s' if known != 1 else ''}")
        elif self._model.searching:
            self._count.setText(f"{rows:,} found, searching…")
        else:
            self._count.setText(f"{rows:,} of {known:,}")

    def _on_menu(self, place: QPoint) -> None:
        index = self._table.indexAt(place)
        if not index.isValid() or self.bench is None:
            return
        step, bench = self._model.step(index.row()), self.bench
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Go to this event", lambda: bench.seek(step.seq))
        if step.cause >= 0:
            menu.addAction("Go to what led to it", lambda: bench.seek(step.cause))
        if step.node:
            menu.addAction(f"Select {step.node}", lambda: bench.select(step.node))
            menu.addAction(f"Only {step.node}", lambda: self.set_filter(f"node:{step.node}"))
        menu.addAction(f"Only “{step.kind}”", lambda: self.set_filter(f"kind:{step.kind}"))
        menu.addSeparator()
        menu.addAction("Copy", self.copy)
        menu.popup(self._table.viewport().mapToGlobal(place))


def _write(
    write: Callable[[Trace, exports.Label], Iterator[str]], trace: Trace, label: exports.Label, to: Path
) -> None:
    with to.open("w", encoding="utf-8", newline="") as file:
        file.writelines(write(trace, label))
