"""The event table's rows: a view on the trace itself, so that a million steps cost nothing to show.

A filter is worked off in small pieces between two frames; what was found so far is shown while the rest is looked
at.  (`QSortFilterProxyModel` over Python rows took half a minute for a million; a worker thread must not touch
the trace of a run that goes on.)

Rules
1. A row is a step, or with a filter an index into the steps that pass.
2. Rows are added in batches (`grow`), never one by one.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QFont

from prayog_sdk.qt import icons
from prayog_sdk.qt.markers import marker
from prayog_sim.clock import format_us
from prayog_sim.lines import line
from prayog_sim.trace import Step, Trace

__all__ = ["TIME", "EventModel", "matcher"]

Index = QModelIndex | QPersistentModelIndex
_HEADS = ("#", "Time", "Node", "What happened")
_NUMBER, TIME, _NODE, _WHAT = range(4)
_SLICE_S = 0.008  # of a frame, for the filter
_LOOK = 64  # steps between two looks at the clock
_SHOW_S = 0.1  # between two batches of found rows: showing them costs more than finding them


def matcher(query: str) -> Callable[[Step], bool] | None:
    """The test of a filter text; None when it is empty.

    Words must all be met: ``node:n1`` and ``kind:crash`` compare with a name (of a kind, also an effect's),
    other words are looked for in the line, without regard to case.
    """
    tests: list[Callable[[Step], bool]] = []
    words = []
    for word in query.lower().split():
        key, colon, value = word.partition(":")
        if colon and key in ("node", "kind") and value:
            tests.append(_node_test(value) if key == "node" else _kind_test(value))
        else:
            words.append(word)
    if words:
        tests.append(lambda step: _holds(line(step).lower(), words))
    if not tests:
        return None
    return lambda step: all(test(step) for test in tests)


class EventModel(QAbstractTableModel):
    """Steps of `trace`, all or those that pass the filter."""

    searched = Signal(int, int)
    """The filter looked at so many steps, of so many; equal when it is through."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._trace = Trace()
        self._length = 0  # steps known to the views
        self._test: Callable[[Step], bool] | None = None
        self._rows: array[int] | None = None  # with a filter: the steps that pass
        self._looked = 0
        self._found = array("q")  # not shown yet
        self._shown_at = -1.0
        self._at = -1
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._search)

    @property
    def trace(self) -> Trace:
        return self._trace

    @property
    def searching(self) -> bool:
        return self._timer.isActive()

    def set_trace(self, trace: Trace) -> None:
        """Show another trace."""
        self.beginResetModel()
        self._trace, self._length = trace, len(trace)
        self._begin_search()
        self.endResetModel()

    def set_filter(self, query: str) -> None:
        self.beginResetModel()
        self._test = matcher(query)
        self._begin_search()
        self.endResetModel()

    def grow(self) -> None:
        """Show the steps that came since."""
        fresh = len(self._trace)
        if fresh == self._length:
            return
        if self._rows is None:
            self.beginInsertRows(QModelIndex(), self._length, fresh - 1)
            self._length = fresh
            self.endInsertRows()
        else:
            self._length = fresh
            self._timer.start()

    def stop(self) -> None:
        """Stop looking; for closing time."""
        self._timer.stop()

    def set_at(self, seq: int) -> None:
        """The step that is shown; its row is set in bold."""
        before, self._at = self._at, seq
        for step in {before, seq}:
            row = self.row_of(step)
            if row >= 0:
                self.dataChanged.emit(self.index(row, 0), self.index(row, _WHAT), [Qt.ItemDataRole.FontRole])

    def row_of(self, seq: int) -> int:
        """The row of step `seq`, or of the last one before it that is shown; -1 when there is none."""
        if self._rows is None:
            return min(seq, self._length - 1)
        return bisect_right(self._rows, seq) - 1

    def step(self, row: int) -> Step:
        return self._trace[row if self._rows is None else self._rows[row]]

    def rowCount(self, parent: Index | None = None) -> int:
        if parent is not None and parent.isValid():
            return 0
        return self._length if self._rows is None else len(self._rows)

    def columnCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(_HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            if role == Qt.ItemDataRole.DisplayRole:
                return _HEADS[section]
            if role == Qt.ItemDataRole.TextAlignmentRole:
                return _alignment(section)
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        column = index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        step = self.step(index.row())
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(step, column)
        if role == Qt.ItemDataRole.ToolTipRole and column == _WHAT:
            return line(step)
        if role == Qt.ItemDataRole.FontRole and step.seq == self._at:
            font = QFont()
            font.setWeight(QFont.Weight.DemiBold)
            return font
        if column == _WHAT and role in (Qt.ItemDataRole.DecorationRole, Qt.ItemDataRole.AccessibleTextRole):
            found = marker(step)
            if role == Qt.ItemDataRole.DecorationRole:
                return icons.icon(found.icon, found.role, 14) if found else None
            return f"{found.title}: {line(step)}" if found else line(step)
        return None

    def text(self, step: Step, column: int) -> str:
        if column == _NUMBER:
            return f"{step.seq:,}"
        if column == TIME:
            return format_us(step.at)
        if column == _NODE:
            return step.node
        return line(step)

    def _begin_search(self) -> None:
        self._rows = None if self._test is None else array("q")
        self._looked, self._found, self._shown_at = 0, array("q"), -1.0  # the first batch is shown at once
        if self._test is None:
            self._timer.stop()
            self.searched.emit(self._length, self._length)
        else:
            self._timer.start()

    def _search(self) -> None:
        """Look at steps for a slice of a frame, then show what was found."""
        assert self._test is not None
        assert self._rows is not None
        test, steps = self._test, self._trace
        looked, last = self._looked, self._length
        now = time.perf_counter()
        until = now + _SLICE_S
        while looked < last and now < until:
            stop = min(looked + _LOOK, last)
            self._found.extend(seq for seq in range(looked, stop) if test(steps[seq]))
            looked = stop
            now = time.perf_counter()
        self._looked = looked
        if looked >= last:
            self._timer.stop()
        if self._found and (looked >= last or now >= self._shown_at + _SHOW_S):
            self._shown_at = now
            first, found, self._found = len(self._rows), self._found, array("q")
            self.beginInsertRows(QModelIndex(), first, first + len(found) - 1)
            self._rows.extend(found)
            self.endInsertRows()
        self.searched.emit(looked, last)


def _alignment(column: int) -> int:
    side = Qt.AlignmentFlag.AlignRight if column in (_NUMBER, TIME) else Qt.AlignmentFlag.AlignLeft
    return int(side | Qt.AlignmentFlag.AlignVCenter)


def _node_test(name: str) -> Callable[[Step], bool]:
    return lambda step: step.node.lower() == name


def _kind_test(kind: str) -> Callable[[Step], bool]:
    return lambda step: (
        step.kind.lower() == kind
        or (step.kind == "action" and str(step.data.get("name", "")).lower() == kind)
        or any(effect.kind.lower() == kind for effect in step.effects)
    )


def _holds(text: str, words: list[str]) -> bool:
    return all(word in text for word in words)
