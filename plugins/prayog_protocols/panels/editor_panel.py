"""The packet editor: a form and the bytes, both live.

Each field is automatic (worked out from the rest), set by hand, or wrong on purpose. What was recomputed after a
change is named, and in the bytes what differs from the first packet is marked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QBrush, QColor, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from prayog_protocols.engine.building import Draft
from prayog_protocols.engine.capture.writer import Writer
from prayog_protocols.engine.dissection import Dissection
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.panels.answers_view import AnswersView
from prayog_protocols.panels.capture_panel import CapturePanel
from prayog_protocols.panels.drafting import SETTINGS, Draughts, Row, read_value
from prayog_protocols.panels.editable_hex import EditableHex
from prayog_protocols.panels.entries import Entry, Way
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.state import paragraph

if TYPE_CHECKING:
    from prayog_protocols.engine.tree import Packet

__all__ = ["EditorPanel"]

_ROW = Qt.ItemDataRole.UserRole
_SAID = {"auto": "↻ auto", "manual": "✎ manual", "wrong": "✗ wrong"}
_HINTS = {
    "auto": "Worked out from the rest, or the default",
    "manual": "This value; what depends on it is worked out anew. It must fit.",
    "wrong": "These bits, whatever follows from them",
}


class EditorPanel(CapturePanel):
    """Change a packet, see what depends on what, and send it where a server listens."""

    title = "Editor"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.draughts: Draughts | None = None
        self._packet: Packet | None = None
        self._index = -1
        self._filling = False
        self._open_lists: dict[tuple[int, Way], bool] = {}
        self._sent = -1  # step from which on the answers are looked for; -1: nothing was sent
        self.answers = AnswersView()
        self.form = self._make_form()
        self.hex = EditableHex()
        self.hex.typed.connect(self._typed)
        self.hex.picked.connect(self._picked_byte)
        self.head = paragraph("", step=1)
        self.state = paragraph("")
        self.diff = paragraph("", "muted")
        buttons = QWidget()
        row = FlowLayout(buttons)
        self.settings: dict[str, QPushButton] = {}
        for setting in SETTINGS:
            button = QPushButton(_SAID[setting])
            button.setToolTip(_HINTS[setting])
            button.setCheckable(True)
            button.clicked.connect(lambda _checked=False, setting=setting: self._set(setting))
            self.settings[setting] = button
            row.addWidget(button)
        self.undo = QPushButton("Begin again")
        self.undo.setToolTip("The packet as it was")
        self.undo.clicked.connect(self._begin)
        self.send = QPushButton("Send it")
        self.send.setProperty("kind", "primary")
        self.send.clicked.connect(self._send)
        self.can_send = QLabel("")
        self.can_send.setProperty("kind", "muted")
        self.add = QPushButton("Add")
        self.add.setToolTip("One more entry in this list, like the chosen one")
        self.add.clicked.connect(lambda: self._entry(Draughts.add_entry))
        self.remove = QPushButton("Remove")
        self.remove.setToolTip("Take the chosen entry out of its list")
        self.remove.clicked.connect(lambda: self._entry(Draughts.remove_entry))
        for each in (self.add, self.remove, self.undo, self.send, self.can_send):
            row.addWidget(each)
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.form, 1)
        column.addWidget(buttons)
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.addWidget(left)
        self._split.addWidget(self.hex)
        self._split.setSizes([560, 440])
        self._split.setChildrenCollapsible(False)
        self._whole = QWidget()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(self._whole)
        around = QVBoxLayout(self)
        around.setContentsMargins(0, 0, 0, 0)
        around.addWidget(area)
        outer = QVBoxLayout(self._whole)
        outer.setContentsMargins(*(theme.UNIT,) * 4)
        outer.setSpacing(theme.UNIT // 2)
        top = QHBoxLayout()
        top.addWidget(self.head)
        outer.addLayout(top)
        outer.addWidget(self._split, 1)
        outer.addWidget(self.answers)
        outer.addWidget(self.state)
        outer.addWidget(self.diff)

    def _make_form(self) -> QTreeWidget:
        form = QTreeWidget()
        form.setColumnCount(3)
        form.setHeaderLabels(["Field", "Value", "Setting"])
        form.setUniformRowHeights(True)
        form.setAccessibleName("Fields of the packet")
        form.setAccessibleDescription("F2 or a double click changes a value; the buttons below choose its setting")
        form.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        form.itemDoubleClicked.connect(self._edit)
        form.itemActivated.connect(self._edit)
        form.itemChanged.connect(self._edited)
        form.itemExpanded.connect(lambda item: self._folded(item, True))
        form.itemCollapsed.connect(lambda item: self._folded(item, False))
        form.currentItemChanged.connect(lambda _item, _before: self._tell_current())
        form.setColumnWidth(0, theme.scaled(190))
        form.setColumnWidth(1, theme.scaled(170))
        return form

    # -- the bench -----------------------------------------------------------------------------------------------

    def show_capture(self) -> None:
        draughts, index = self.draughts, self.choice.index if self.choice is not None else -1
        if draughts is None or self.capture is None or not 0 <= index == self._index < len(self.capture) or (
            self.capture.raw(index) != draughts.original
        ):  # fmt: skip
            self._index = -1  # else only more packets came: what the learner did is kept
        self.show_choice()

    def show_choice(self) -> None:
        index = self.choice.index if self.choice is not None else -1
        if index != self._index:
            self._index = index
            self._begin()

    def _begin(self) -> None:
        """Take the chosen packet."""
        if self.capture is None or self._index < 0:
            self.draughts = None
            self.head.setText("Choose a packet to change it.")
            self.form.clear()
            self.hex.show_bytes(b"", [])
            for text in (self.state, self.diff):
                text.setText("")
            return
        self.draughts = Draughts.of(self.capture.raw(self._index), self.capture.interface(self._index).link)
        self.head.setText(f"A copy of packet {self._index + 1:,}")
        self._show()

    # -- the form ------------------------------------------------------------------------------------------------

    def _show(self) -> None:
        draughts = self.draughts
        if draughts is None:
            return
        self._filling = True
        current = self.form.currentItem()
        here = current.data(0, _ROW) if current is not None else None
        open_layers = {n for n, top in enumerate(self._tops()) if top.isExpanded()}
        first = self.form.topLevelItemCount() == 0
        self.form.clear()
        tops: dict[int, QTreeWidgetItem] = {}
        for number, layer in enumerate(draughts.layers):
            title = REGISTRY.protocols[layer.protocol].title if isinstance(layer, Draft) else "Data"
            top = QTreeWidgetItem([title, "" if isinstance(layer, Draft) else f"{len(layer):,} bytes", ""])
            tops[number] = top
            self.form.addTopLevelItem(top)
            last = number == max(n for n, one in enumerate(draughts.layers) if isinstance(one, Draft) or n == 0)
            top.setExpanded(number in open_layers or (first and last))
        for row in draughts.rows():
            item = self._item(row)
            tops[row.layer].addChild(item)
            if isinstance(here, Row) and (here.layer, here.field.key) == (row.layer, row.field.key):
                self.form.setCurrentItem(item)
        for number, top in tops.items():
            self._show_lists(top, number, here)
        self._filling = False
        self._show_bytes()
        self._tell()
        self._tell_current()

    def _show_lists(self, top: QTreeWidgetItem, layer: int, here: Row | Entry | None) -> None:
        """The options, lines and the like of a layer."""
        assert self.draughts is not None
        above: dict[Way, QTreeWidgetItem] = {}
        for entry in self.draughts.lists(layer):
            item = QTreeWidgetItem([entry.label, entry.value, _SAID.get(entry.setting, "")])
            item.setData(0, _ROW, entry)
            if entry.field is not None:
                item.setToolTip(0, f"{entry.field.meaning} {entry.field.source}".strip())
            if entry.editable:
                item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
            parent = next((above[entry.path[:n]] for n in range(len(entry.path) - 1, 0, -1) if entry.path[:n] in above),
                          top)  # fmt: skip
            parent.addChild(item)
            above[entry.path] = item
            if isinstance(here, Entry) and (here.layer, here.path) == (layer, entry.path):
                self.form.setCurrentItem(item)
            if len(entry.path) == 1 or not entry.setting:
                item.setExpanded(self._open_lists.get((layer, entry.path), len(entry.path) == 1))

    def _item(self, row: Row) -> QTreeWidgetItem:
        colours = theme.current()
        recomputed = self.draughts is not None and row.field.label in self.draughts.recomputed and row.changed
        label = ("    " if row.part else "") + (row.field.label or row.field.name)
        item = QTreeWidgetItem(
            [label, row.value, "" if row.part else _SAID[row.setting] + (" (new)" if recomputed else "")]
        )
        item.setData(0, _ROW, row)
        item.setToolTip(0, f"{row.field.meaning} {row.field.source}".strip())
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
        if row.changed:
            font = item.font(1)
            font.setBold(True)
            item.setFont(1, font)
            item.setForeground(1, QBrush(QColor(colours.accent)))
        if row.setting == "wrong":
            item.setForeground(2, QBrush(QColor(colours.bad)))
        return item

    def _folded(self, item: QTreeWidgetItem, open_: bool) -> None:
        entry = item.data(0, _ROW)
        if isinstance(entry, Entry) and not self._filling:
            self._open_lists[entry.layer, entry.path] = open_

    def _edit(self, item: QTreeWidgetItem, _column: int = 1) -> None:
        row = item.data(0, _ROW)
        if isinstance(row, Row) or (isinstance(row, Entry) and row.editable):
            self.form.editItem(item, 1)

    def _edited(self, item: QTreeWidgetItem, column: int) -> None:
        row = item.data(0, _ROW)
        if self._filling or column != 1 or not isinstance(row, Row | Entry) or self.draughts is None:
            return
        if item.text(1) == row.value:
            return
        self._change(row, item.text(1), "wrong" if row.setting == "wrong" else "manual")

    def _set(self, setting: str) -> None:
        item = self.form.currentItem()
        row = item.data(0, _ROW) if item is not None else None
        if isinstance(row, Row | Entry):
            self._change(row, row.value, setting)
        self._tell_current()

    def _change(self, row: Row | Entry, text: str, setting: str) -> None:
        draughts = self.draughts
        assert draughts is not None
        try:
            if isinstance(row, Entry):
                draughts.set_entry(row, text, setting)
            else:
                draughts.set(row.layer, row.field.key, read_value(row.field, text), setting)
        except ValueError as error:
            draughts.problem = str(error)
        self._show()

    def _entry(self, change: Callable[[Draughts, Entry], None]) -> None:
        """Add or remove the chosen entry of a list."""
        item = self.form.currentItem()
        entry = item.data(0, _ROW) if item is not None else None
        if isinstance(entry, Entry) and self.draughts is not None:
            change(self.draughts, entry)
            self._show()

    def _typed(self, data: bytes) -> None:
        if self.draughts is not None:
            self.draughts.set_bytes(data)
            self._show()

    # -- bytes and words -----------------------------------------------------------------------------------------

    def _show_bytes(self) -> None:
        draughts = self.draughts
        assert draughts is not None
        c = Dissection(REGISTRY, draughts.data)
        c.run(REGISTRY.find("link", draughts.link))
        self._packet = c.packet
        at, bar = self.hex.byte, self.hex.verticalScrollBar().value()
        own = [one for one in c.packet.layers if one.source == 0 and one.bits and one.name != "frame"]
        self.hex.show_bytes(draughts.data, [(one.start // 8, (one.end + 7) // 8) for one in own])
        self.hex.byte = min(at, max(0, len(draughts.data) - 1))
        self.hex.verticalScrollBar().setValue(bar)
        old, new = draughts.original, draughts.data
        differing = {n for n in range(max(len(old), len(new))) if old[n : n + 1] != new[n : n + 1]}
        self.hex.mark_bytes(differing)

    def _picked_byte(self, byte: int) -> None:
        node = self._packet.at(0, byte * 8) if self._packet is not None else None
        self.hex.mark(node.start, node.bits) if node is not None else self.hex.mark(0, 0)
        self.hex.byte = byte
        for item in (top.child(n) for top in self._tops() for n in range(top.childCount())):
            row = item.data(0, _ROW) if item is not None else None
            if item is not None and node is not None and isinstance(row, Row) and row.field is node.field:
                self.form.setCurrentItem(item)

    def _tops(self) -> list[QTreeWidgetItem]:
        items = (self.form.topLevelItem(n) for n in range(self.form.topLevelItemCount()))
        return [item for item in items if item is not None]

    def _tell(self) -> None:
        draughts = self.draughts
        assert draughts is not None
        wrong = (
            [note.sentence for note in self._packet.notes if note.severity == "error"]
            if self._packet is not None
            else []
        )
        if draughts.problem:
            self._say(f"✗ {draughts.problem}", "bad")
        elif draughts.recomputed:
            self._say(f"↻ Worked out anew: {', '.join(draughts.recomputed)}.", "")
        elif wrong:
            self._say(f"! {' '.join(wrong[:2])}", "warn")
        else:
            self._say("Change a value, or type over the bytes.", "muted")
        told = draughts.differences()
        self.diff.setText("; ".join(told[:6]) + (f"; and {len(told) - 6} more" if len(told) > 6 else ""))
        self.diff.setVisible(bool(told))
        able = self.bench is not None and any(spec.name == "send" for spec in self.bench.actions)
        able = able and self.bench is not None and self.bench.run.kind == "session"
        self.send.setEnabled(able)
        self.can_send.setText("" if able else "To send it, open a real conversation.")

    def _say(self, words: str, kind: str) -> None:
        self.state.setProperty("kind", kind)
        self.state.style().unpolish(self.state)
        self.state.style().polish(self.state)
        self.state.setText(words)

    def _tell_current(self) -> None:
        item = self.form.currentItem()
        row = item.data(0, _ROW) if item is not None else None
        able = (isinstance(row, Row) and not row.part) or (isinstance(row, Entry) and row.field is not None)
        for setting, button in self.settings.items():
            button.setEnabled(able)
            button.setChecked(able and row is not None and row.setting == setting)
        self.add.setEnabled(isinstance(row, Entry))
        self.remove.setEnabled(isinstance(row, Entry) and any(isinstance(step, int) for step in row.path))
        if isinstance(row, Row) and self._packet is not None and not self._filling:
            node = next((one for one in self._packet.walk() if one.field is row.field), None)
            self.hex.mark(node.start, node.bits) if node is not None else self.hex.mark(0, 0)

    def _send(self) -> None:
        draughts = self.draughts
        if draughts is None:
            return
        payload, before = (payload_of(data, draughts.link) for data in (draughts.data, draughts.original))
        if not payload:
            self._say("✗ There is nothing to send: the packet carries no bytes of an application.", "bad")
            return
        self._sent = len(self.bench.trace) if self.bench is not None else -1
        self.answers.setVisible(True)
        self.answers.show_answers(())  # waiting for both
        self.do("send", hex=draughts.data.hex(), payload=payload.hex(),
                before=before.hex() if before and before != payload else "")  # fmt: skip

    def draw(self) -> None:
        super().draw()
        if self._sent >= 0 and self.bench is not None:
            self.answers.show_answers(self.bench.trace[self._sent :])

    # -- the rest ------------------------------------------------------------------------------------------------

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        draughts = self.draughts
        if draughts is None:
            return {}

        def pcapng(path: Path) -> None:
            with path.open("wb") as file:
                writer = Writer(file, "made in Prayog's packet editor")
                writer.interface(draughts.link, "editor")
                writer.packet(draughts.data, 0, comment="; ".join(draughts.differences()) or "unchanged")

        return {"pcapng": pcapng, "bin": lambda path: _write(path, draughts.data)}

    def on_run(self, bench: Bench) -> None:
        super().on_run(bench)
        self._sent = -1
        self.answers.setVisible(False)

    def on_theme(self) -> None:
        self.hex.restyle()
        self.answers.restyle()
        self.form.setColumnWidth(0, theme.scaled(190))
        self.form.setColumnWidth(1, theme.scaled(170))
        if self.draughts is not None:
            self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        narrow = self.width() < theme.scaled(620)
        self._split.setOrientation(Qt.Orientation.Vertical if narrow else Qt.Orientation.Horizontal)
        self._whole.setMinimumHeight(theme.scaled(420 if narrow else 300))

    def outline(self) -> str:
        return f"{self.head.text()} {self.state.text()} {self.diff.text()}"

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(320), theme.scaled(220))


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def payload_of(data: bytes, link: int) -> bytes:
    """The application's bytes in a packet; none where it has no ports."""
    c = Dissection(REGISTRY, data)
    c.run(REGISTRY.find("link", link))
    for layer in c.packet.layers:
        if layer.name in ("tcp", "udp") and layer.source == 0:
            size = c.packet.value("ip.len")
            first = next((one for one in c.packet.layers if one.name in ("ip", "ipv6")), None)
            end = first.position + size if first is not None and isinstance(size, int) and first.name == "ip" else None
            return data[layer.end // 8 : end]
    return b""
