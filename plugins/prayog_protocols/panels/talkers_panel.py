"""Who talks with whom, how much, and in which protocols; and what the experiment measured."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from prayog_protocols.engine.streams.conversations import Conversation, Endpoint, conversations, endpoints
from prayog_protocols.engine.streams.hierarchy import Hierarchy, Level, hierarchy
from prayog_protocols.panels.capture_panel import CapturePanel, asked
from prayog_protocols.panels.choice import Choice
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["TalkersPanel", "rows_of"]

_LISTED = 200
_VIEWS = {
    "tcp": "TCP connections", "udp": "UDP conversations", "ip": "Pairs of machines", "ends": "Machines",
    "layers": "Protocols within each other",
}  # fmt: skip
_HEADS = {
    "ends": ("Address", "Sent packets", "Sent bytes", "Received packets", "Received bytes"),
    "layers": ("Protocol", "Packets", "Share", "Bytes", "Innermost in"),
}
_TALK = ("No.", "A", "B", "→ packets", "→ bytes", "← packets", "← bytes", "Begins (s)", "Lasts (s)")
_FORMS = {"server": "One server", "swarm": "Peer to peer"}
Counted = list[Conversation] | list[Endpoint] | Hierarchy


class TalkersPanel(CapturePanel):
    """A table; choosing a conversation chooses its first packet."""

    title = "Who talks"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._firsts: list[int] = []
        self.what = QComboBox()
        self.what.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.what.setAccessibleName("What is counted")
        for name, words in _VIEWS.items():
            self.what.addItem(words, name)
        self.what.activated.connect(lambda _n: self.show_capture())
        self.note = paragraph("", "muted")
        self.table = TextTable("Conversations", _TALK, numbers=range(3, 9))
        self.table.itemSelectionChanged.connect(self._picked)
        self.measured = TextTable("Measured", ("Way", "Bytes", "Packets", "Requests", "Mean delay", "Worst delay"),
                                  numbers=range(1, 6), wrapped=0)  # fmt: skip
        self.measured.hide()
        self.loads = TextTable("Load of each machine", ("Machine", "Sent bytes", "Share", "Received bytes"),
                               numbers=(1, 3), wrapped=0)  # fmt: skip
        self.loads.hide()
        bar = QHBoxLayout()
        bar.setSpacing(theme.UNIT)
        bar.addWidget(QLabel("Count"))
        bar.addWidget(self.what)
        bar.addWidget(self.note, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.UNIT,) * 4)
        column.addWidget(self.measured)
        column.addWidget(self.loads)
        column.addLayout(bar)
        column.addWidget(self.table, 1)

    def show_capture(self) -> None:
        self._show_measured()
        capture, name = self.capture, str(self.what.currentData())
        if capture is None or self.bench is None:
            self.table.show_rows([])
            self.note.setText("No packets yet. Press Play.")
            return
        self.note.setText("Counting…")
        job = self.bench.jobs.submit(asked, capture, counted, name)
        job.succeeded.connect(lambda counted: self._show(capture, name, counted))

    def draw(self) -> None:
        super().draw()
        self._show_measured()

    def _show_measured(self) -> None:
        """What the run measured itself: ways to hear of news, or who had to send how much."""
        facts = self.bench.view().facts if self.bench is not None else {}
        ways: Mapping[str, Mapping[str, Any]] = facts.get("ways") or {}
        loads: list[Mapping[str, Any]] = list(facts.get("loads") or ())
        self.measured.setVisible(bool(ways))
        self.measured.show_rows([
            [way, f"{one['bytes']:,}", f"{one['packets']:,}", f"{one['requests']:,}", f"{one['mean_delay_ms']:g} ms",
             f"{one['worst_delay_ms']:g} ms" if "worst_delay_ms" in one else "not measured"]
            for way, one in ways.items()
        ])  # fmt: skip
        self.measured.setFixedHeight(self.measured.whole_height())
        most = max((one["sent"] for one in loads), default=0)
        self.loads.setVisible(bool(loads))
        self.loads.show_rows([
            [f"{_FORMS.get(one['form'], one['form'])}: {one['name']}", f"{one['sent']:,}",
             "▇" * max(bool(one["sent"]), round(20 * one["sent"] / most)) if most else "", f"{one['received']:,}"]
            for one in loads
        ])  # fmt: skip
        self.loads.setFixedHeight(min(self.loads.whole_height(), theme.scaled(220)))

    def _show(self, capture: Capture, name: str, counted: Counted) -> None:
        if capture is not self.capture or name != self.what.currentData():
            return
        heads = _HEADS.get(name, _TALK)
        self.table.set_heads(heads, (), range(3, 9) if heads is _TALK else range(1, 5))
        total = 0 if isinstance(counted, Hierarchy) else len(counted)
        rows = rows_of(counted if isinstance(counted, Hierarchy) else counted[:_LISTED])
        self._firsts = [one.first for one in counted[:_LISTED] if isinstance(one, Conversation)] if isinstance(
            counted, list) else []  # fmt: skip
        self.table.blockSignals(True)
        self.table.show_rows(rows)
        self.table.blockSignals(False)
        more = f"{total:,} of {name if name in ('tcp', 'udp', 'ip') else 'them'}" if total > _LISTED else ""
        part = ""
        if isinstance(counted, Hierarchy) and counted.looked < counted.total:
            part = f"Counted on {counted.looked:,} of {counted.total:,} packets, spread evenly."
        self.note.setText(f"{more}, the first {_LISTED} are listed." if more else part or f"{len(rows):,} lines.")

    def _picked(self) -> None:
        row = self.table.currentRow()
        if 0 <= row < len(self._firsts):
            self.choose(Choice(self._firsts[row]))

    def outline(self) -> str:
        return f"{self.what.currentText()}: {self.note.text()}"

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(280), theme.scaled(160))


def rows_of(counted: Counted) -> list[list[str]]:
    """The cells of the table."""
    if isinstance(counted, Hierarchy):
        return list(_levels(counted.root, counted.root, 0))
    rows = []
    for one in counted:
        if isinstance(one, Endpoint):
            rows.append([_end(one.address, one.port), f"{one.sent_packets:,}", f"{one.sent_bytes:,}",
                         f"{one.received_packets:,}", f"{one.received_bytes:,}"])  # fmt: skip
        else:
            rows.append([f"{one.number}", _end(one.a, one.a_port), _end(one.b, one.b_port), f"{one.a_packets:,}",
                         f"{one.a_bytes:,}", f"{one.b_packets:,}", f"{one.b_bytes:,}", f"{one.start_ns / 1e9:.3f}",
                         f"{one.duration_ns / 1e9:.3f}"])  # fmt: skip
    return rows


def _levels(level: Level, root: Level, depth: int) -> Iterator[list[str]]:
    share = f"{100 * level.packets / max(1, root.packets):.1f} %"
    yield ["   " * depth + level.title, f"{level.packets:,}", share, f"{level.bytes:,}", f"{level.last:,}"]
    for one in level.inside.values():
        yield from _levels(one, root, depth + 1)


def _end(address: str, port: int) -> str:
    return f"{address} : {port}" if port else address


def counted(capture: Capture, name: str) -> Counted:
    """What is counted under a name."""
    if name == "layers":
        return hierarchy(capture)
    return endpoints(capture, "ip") if name == "ends" else conversations(capture, name)
