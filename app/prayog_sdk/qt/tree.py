"""The state of the selected node as a tree: what a crash would spare and what it would take, and what just changed.

Changed since the last step is bold *and* has a dot before it.  Enter (or a double click) on a value asks which
step gave it; the answer stands below, with the way there.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QPoint, Qt, QTimer
from PySide6.QtGui import QBrush, QColor, QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QPushButton,
    QStackedLayout,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from prayog_sdk.qt import theme
from prayog_sdk.qt.cards import Card
from prayog_sdk.qt.explain import Explainer, Path, follow
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.state import EmptyState, paragraph
from prayog_sdk.qt.words import flight_sentence, node_sentence
from prayog_sim.clock import format_us
from prayog_sim.lines import line, short
from prayog_sim.run import View

__all__ = ["StatePanel"]

_EVERY_MS = 66
_SETTLE_MS = 80  # after a jump: the view before is asked for when the scrubber rests
_MOST = 200  # children of one value
_PATH = Qt.ItemDataRole.UserRole
_HALVES = {"durable": "Durable: survives a crash", "volatile": "Volatile: lost in a crash", "facts": "Facts"}


class StatePanel(Panel):
    """The inspector of one node (or message, or of the facts of a run without nodes)."""

    title = "State"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._before: View | None = None
        self._now: View | None = None
        self._head = paragraph("", step=1)
        self._said = paragraph("", "muted")
        self._tree = QTreeWidget()
        self._tree.setColumnCount(2)
        self._tree.setHeaderLabels(["Name", "Value"])
        self._tree.setHeaderHidden(True)
        self._tree.setUniformRowHeights(True)
        self._tree.setFrameShape(QTreeWidget.Shape.NoFrame)
        self._tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._tree.setMinimumHeight(theme.scaled(120))
        self._tree.setAccessibleName("State")
        self._tree.setAccessibleDescription("Enter on a value asks which step gave it")
        self._tree.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._tree.customContextMenuRequested.connect(self._on_menu)
        self._tree.itemActivated.connect(self._on_activated)
        self._tree.header().setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        self._answer, self._answer_text, self._go = self._make_answer()
        self._explainer = Explainer(self)
        self._explainer.found.connect(self._on_found)
        self._empty = EmptyState("Nothing selected", "Select a node on the canvas, in the outline or here.")
        page = QWidget()
        inside = QVBoxLayout(page)
        inside.setContentsMargins(theme.UNIT, theme.UNIT, theme.UNIT, theme.UNIT)
        inside.setSpacing(theme.UNIT // 2)
        for part in (self._head, self._said):
            inside.addWidget(part)
        inside.addWidget(self._tree, 1)
        inside.addWidget(self._answer)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(page)
        self._timer = QTimer(self, singleShot=True, interval=_EVERY_MS)
        self._timer.timeout.connect(self._draw)
        self._settling = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settling.timeout.connect(self._look_back)

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        bench.signals.selection_changed.connect(self._on_selection)
        self._now = bench.view()
        self._settling.start()
        self._draw()

    def on_frame(self) -> None:
        if self.bench is None:
            return
        view = self.bench.view()
        if self._now is None or view.seq != self._now.seq:
            self._before, self._now = self._now, view
        if not self._timer.isActive():
            self._timer.start()

    def on_seek(self, view: View) -> None:
        self._before, self._now = None, view
        self._settling.start()
        self._draw()

    def on_theme(self) -> None:
        self._tree.setIndentation(theme.scaled(14))
        self._draw()

    def outline(self) -> str:
        return f"{self._head.text()}. {self._said.text()}" if self._head.text() else ""

    def unbind(self) -> None:
        for timer in (self._timer, self._settling):
            timer.stop()
        self._explainer.stop()
        if self.bench is not None:
            self.bench.signals.selection_changed.disconnect(self._on_selection)
        super().unbind()

    def _make_answer(self) -> tuple[Card, Any, QPushButton]:
        card = Card(margin=theme.UNIT)
        text = paragraph("")
        go = QPushButton("Go there")
        go.clicked.connect(self._on_go)
        card.body.addWidget(text)
        card.body.addWidget(go, 0, Qt.AlignmentFlag.AlignRight)
        card.hide()
        return card, text, go

    def _on_selection(self, _name: str) -> None:
        self._answer.hide()
        self._explainer.stop()
        self._draw()

    def _look_back(self) -> None:
        """After a jump: what did the step that is shown change?"""
        if self.bench is not None and self._now is not None and self._now.seq >= 0:
            self._before = self.bench.run.view(self._now.seq - 1)
            self._draw()

    def _draw(self) -> None:
        if self.bench is None or self._now is None:
            return
        view, name = self._now, self.bench.selection
        node = view.nodes.get(name)
        flight = next((f for f in view.flights if f"#{f.ident}" == name), None)
        self._pages.setCurrentIndex(1 if node or flight or view.facts else 0)
        if node is not None:
            sentence = node_sentence(node).partition(": ")[2]
            waits = ", ".join(f"{timer} in {format_us(max(0, due - view.at))}" for timer, _set, due in node.timers)
            self._head.setText(name)
            self._said.setText(f"{sentence[:1].upper()}{sentence[1:]}" + (f"\nTimers: {waits}" if waits else ""))
            memory = {} if node.status == "down" else node.volatile
            self._fill_halves({(name, "durable"): node.durable, (name, "volatile"): memory})
        elif flight is not None:
            self._head.setText(f"Message {flight.label}")
            self._said.setText(flight_sentence(flight, self.bench.clock_us))
            self._fill_halves({})
            self._fill(self._tree.invisibleRootItem(), {"content": flight.msg}, ("", "msg"), None)
        else:
            self._head.setText("The run")
            self._said.setText(f"At {format_us(view.at)}")
            self._fill_halves({("", "facts"): view.facts})

    def _fill_halves(self, halves: Mapping[tuple[str, str], Mapping[str, Any]]) -> None:
        root = self._tree.invisibleRootItem()
        wanted = [half for (_, half), values in halves.items() if values]
        for index in reversed(range(root.childCount())):
            if _child(root, index).data(0, _PATH) not in wanted:
                root.takeChild(index)
        for place, half in enumerate(wanted):
            if place >= root.childCount() or _child(root, place).data(0, _PATH) != half:
                item = QTreeWidgetItem([_HALVES[half]])
                item.setData(0, _PATH, half)
                root.insertChild(place, item)
                item.setFirstColumnSpanned(True)
                item.setExpanded(True)
                item.setForeground(0, QBrush(QColor(theme.current().muted)))
        for (name, half), values in halves.items():
            if values:
                group = _child(root, wanted.index(half))
                before = follow(self._before, (name, half)) if self._before is not None else None
                self._fill(group, values, (name, half), before)

    def _fill(self, parent: QTreeWidgetItem, value: Any, path: Path, before: Any) -> None:
        """Write the parts of `value` below `parent`; items that are there stay, so that open branches stay open."""
        parts = _parts(value)
        while parent.childCount() > min(len(parts), _MOST + 1):
            parent.takeChild(parent.childCount() - 1)
        for index, (name, part) in enumerate(parts[: _MOST + 1]):
            if index >= parent.childCount():
                QTreeWidgetItem(parent)
            item = _child(parent, index)
            if index == _MOST:
                _write(item, f"and {len(parts) - _MOST:,} more", "", False)
                continue
            old = _part(before, name)
            changed = before is not None and old != part
            inner = _parts(part)
            _write(item, name, short(part, 120) if not inner or not item.isExpanded() else "", changed)
            item.setData(0, _PATH, (*path, name))
            self._fill(item, part if inner else None, (*path, name), old if changed or inner else None)

    def _on_activated(self, item: QTreeWidgetItem, _column: int = 0) -> None:
        path = item.data(0, _PATH)
        if self.bench is None or not isinstance(path, tuple) or path[1] == "msg":
            return
        self._answer_text.setText(f"Looking for the step that gave {'.'.join(path[2:])} this value…")
        self._go.hide()
        self._answer.show()
        self._asked = tuple(path)
        self._explainer.start(self.bench, self._asked)

    def _on_found(self, seq: int) -> None:
        if self.bench is None:
            return
        name = ".".join(self._asked[2:])
        if seq >= 0:
            text = f"{name} got this value at event {seq:,}: {line(self.bench.trace[seq])}"
        elif seq == -1:
            text = f"{name} has had this value from the start."
        else:
            text = f"The last 5,000 steps of {self._asked[0] or 'the run'} did not change {name}."
        self._answer_text.setText(text)
        self._go.setVisible(seq >= 0)
        self._go.setProperty("seq", seq)
        self.bench.say(text)

    def _on_go(self) -> None:
        if self.bench is not None:
            self.bench.seek(int(self._go.property("seq")))

    def _on_menu(self, place: QPoint) -> None:
        item = self._tree.itemAt(place)
        if item is None or not isinstance(item.data(0, _PATH), tuple):
            return
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Explain this value", lambda: self._on_activated(item))
        value = item.text(1)
        menu.addAction("Copy value", lambda: QGuiApplication.clipboard().setText(value))
        menu.popup(self._tree.viewport().mapToGlobal(place))


def _parts(value: Any) -> list[tuple[str, Any]]:
    """The named parts of a value that has some; none for a plain one."""
    if isinstance(value, Mapping):
        return [(str(key), part) for key, part in value.items()]
    if isinstance(value, list | tuple):
        return [(str(index), part) for index, part in enumerate(value)]
    if isinstance(value, set | frozenset):
        return [(str(index), part) for index, part in enumerate(sorted(value, key=str))]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(field.name, getattr(value, field.name)) for field in dataclasses.fields(value)]
    return []


def _part(value: Any, name: str) -> Any:
    return next((part for key, part in _parts(value) if key == name), None)


def _write(item: QTreeWidgetItem, name: str, text: str, changed: bool) -> None:
    shown = f"• {name}" if changed else name
    if item.text(0) != shown:
        item.setText(0, shown)
    if item.text(1) != text:
        item.setText(1, text)
        item.setToolTip(1, text)
    for column in (0, 1):
        font = item.font(column)
        if (font.weight() >= font.Weight.DemiBold) != changed:
            font.setWeight(font.Weight.DemiBold if changed else font.Weight.Normal)
            item.setFont(column, font)
    if changed:
        item.setData(1, Qt.ItemDataRole.AccessibleTextRole, f"{text}, changed")
        item.setForeground(0, QBrush(QColor(theme.current().accent)))
    elif item.data(1, Qt.ItemDataRole.AccessibleTextRole):
        item.setData(1, Qt.ItemDataRole.AccessibleTextRole, None)
        item.setData(0, Qt.ItemDataRole.ForegroundRole, None)


def _child(parent: QTreeWidgetItem, index: int) -> QTreeWidgetItem:
    item = parent.child(index)
    assert item is not None
    return item
