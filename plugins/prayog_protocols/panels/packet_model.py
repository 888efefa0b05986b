"""The rows of the packet list: a million cost nothing, because a row is made when it is seen.

A row of a short conversation is made at once. For one of thousands of packets the whole conversation must be read
first: that is a worker's job (for a file that of another process), and until it is done the row says what the headers
say.

Rules
1. No row is kept for a packet that nobody looked at; at most `_KEPT` are.
2. What is worked out in a worker belongs to a capture; results for another one are dropped.
"""

from __future__ import annotations

from collections import OrderedDict
from ipaddress import IPv4Address, IPv6Address
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QBrush, QColor

from prayog_protocols.engine.capture.columns import IPV4, IPV6
from prayog_protocols.engine.listing import Row
from prayog_protocols.engine.recording import ORIGINS, origin_of
from prayog_protocols.panels.capture_panel import asked, is_long
from prayog_sdk.qt import theme
from prayog_sdk.qt.jobs import Job, JobManager

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["HEADS", "PacketModel", "quick"]

Index = QModelIndex | QPersistentModelIndex
HEADS = ("No.", "Time", "Source", "Destination", "Protocol", "Length", "From", "Info")
_HINTS = ("", "Seconds since the first packet", "", "", "", "Bytes on the wire",
          "O observed · S synthesised · M simulated (made by a model)", "")  # fmt: skip
_SIGNS = {"observed": "● O", "synthesised": "◐ S", "simulated": "○ M", "": ""}
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
_KEPT = 4_000
_BATCH = 100  # rows that are asked for at once


def rows(capture: Capture, indexes: list[int]) -> dict[int, Row]:
    """The lines of some packets."""
    return {index: capture.row(index) for index in indexes}


def quick(capture: Capture, index: int) -> Row:
    """What the columns tell about a packet."""
    columns, records = capture.columns, capture.records
    source = target = ""
    kind = int(columns.ethertype[index])
    if kind == IPV4:
        source, target = str(IPv4Address(int(columns.src[index]))), str(IPv4Address(int(columns.dst[index])))
    elif kind == IPV6 and len(columns.addresses6):
        source, target = (
            str(IPv6Address(columns.addresses6[int(side[index])].tobytes())) for side in (columns.src, columns.dst)
        )
    protocol = {6: "TCP", 17: "UDP", 1: "ICMP", 58: "ICMPv6"}.get(int(columns.proto[index]), "…")
    ports = f"{columns.sport[index]} → {columns.dport[index]}" if columns.sport[index] or columns.dport[index] else ""
    since = int(records.times[index]) - int(records.times[0])
    return Row(index + 1, since, source, target, protocol, int(records.lengths[index]), ports)


class PacketModel(QAbstractTableModel):
    """All packets of a capture, or those that a filter keeps."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.capture: Capture | None = None
        self.jobs: JobManager | None = None
        self._kept: npt.NDArray[np.int64] | None = None
        self._rows: OrderedDict[int, Row] = OrderedDict()
        self._wanted: list[int] = []  # packets whose rows somebody wants to see and a worker has to make
        self._job: Job | None = None

    def show_capture(self, capture: Capture | None, *, fresh: bool = True) -> None:
        """Show another capture, or the same with more packets."""
        self.beginResetModel()
        self.capture = capture
        self._kept = None
        self._rows.clear()
        self._wanted.clear()
        if fresh and self._job is not None:
            self._job.cancel()
            self._job = None
        self.endResetModel()

    def keep(self, indexes: npt.NDArray[np.int64] | None) -> None:
        """Show these packets only; None: all."""
        self.beginResetModel()
        self._kept = indexes
        self.endResetModel()

    def extend(self, indexes: npt.NDArray[np.int64]) -> None:
        """A filter found more."""
        import numpy as np

        if not len(indexes) or self._kept is None:
            return
        count = len(self._kept)
        self.beginInsertRows(QModelIndex(), count, count + len(indexes) - 1)
        self._kept = np.concatenate([self._kept, indexes])
        self.endInsertRows()

    # -- places --------------------------------------------------------------------------------------------------

    def packet_at(self, row: int) -> int:
        """Index of the packet in a row."""
        return row if self._kept is None else int(self._kept[row])

    def row_of(self, index: int) -> int:
        """Row of a packet; -1 when the filter leaves it out."""
        if self.capture is None or not 0 <= index < len(self.capture):
            return -1
        if self._kept is None:
            return index
        import numpy as np

        row = int(np.searchsorted(self._kept, index))
        return row if row < len(self._kept) and self._kept[row] == index else -1

    def row(self, index: int) -> Row:
        """A packet's line."""
        assert self.capture is not None
        known = self._rows.get(index)
        if known is not None:
            return known
        if self.jobs is not None and is_long(self.capture, index) is not None:
            self._read_later(index)
            return quick(self.capture, index)
        made = self._rows[index] = self.capture.row(index)
        while len(self._rows) > _KEPT:
            self._rows.popitem(last=False)
        return made

    def _read_later(self, index: int) -> None:
        """Ask for a row; what is not wanted any more when its turn comes is left out."""
        if index in self._wanted:
            return
        self._wanted.append(index)
        del self._wanted[:-_BATCH]
        if self._job is None:
            self._ask()

    def _ask(self) -> None:
        wanted, self._wanted = sorted(self._wanted), []
        if not wanted or self.jobs is None or self.capture is None:
            return
        capture = self.capture
        job = self._job = self.jobs.submit(asked, capture, rows, wanted)
        job.succeeded.connect(lambda made: self._came(capture, made))
        job.finished.connect(lambda: self._through(job))

    def _came(self, capture: Capture, made: dict[int, Row]) -> None:
        if capture is not self.capture:
            return
        self._rows.update(made)
        for index in made:
            row = self.row_of(index)
            if row >= 0:
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(HEADS) - 1))

    def _through(self, job: Job) -> None:
        if job is self._job:
            self._job = None
            self._ask()

    # -- Qt ------------------------------------------------------------------------------------------------------

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        if parent.isValid() or self.capture is None:
            return 0
        return len(self.capture) if self._kept is None else len(self._kept)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(HEADS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return HEADS[section]
        if role == Qt.ItemDataRole.ToolTipRole:
            return _HINTS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section in (0, 1, 5):
            return _RIGHT
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if self.capture is None or not index.isValid():
            return None
        column = index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            packet = self.packet_at(index.row())
            return self._text(packet, self.row(packet), column)
        if role == Qt.ItemDataRole.TextAlignmentRole and column in (0, 1, 5):
            return _RIGHT
        if role == Qt.ItemDataRole.ForegroundRole:
            gravity = self.row(self.packet_at(index.row())).gravity
            colours = theme.current()
            if gravity in ("error", "warning"):
                return QBrush(QColor(colours.bad if gravity == "error" else colours.warn))
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            packet = self.packet_at(index.row())
            if column == 6:
                origin = origin_of(self.capture, packet)
                return f"{origin}: {ORIGINS[origin]}" if origin else "An opened file: whoever captured it knows."
            return self._text(packet, self.row(packet), column)
        return None

    def _text(self, packet: int, row: Row, column: int) -> str:
        assert self.capture is not None
        match column:
            case 0:
                return f"{row.number:,}"
            case 1:
                return f"{row.time_ns / 1e9:.6f}"
            case 2:
                return row.source
            case 3:
                return row.destination
            case 4:
                return row.protocol
            case 5:
                return f"{row.length:,}"
            case 6:
                return _SIGNS[origin_of(self.capture, packet)]
        mark = {"error": "✗ ", "warning": "! "}.get(row.gravity, "")
        return mark + row.info

