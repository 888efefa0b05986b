"""The explorer: all packets, the layers of one, and its bytes, each leading to the others.

Choose a packet, a field or a byte: the other two follow.  A second click on the same byte goes to the next field in it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QSize, Qt
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QFontMetricsF, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QScrollArea,
    QSplitter,
    QStackedLayout,
    QTabBar,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from prayog_protocols.engine.provenance import SIGNS, Span, among
from prayog_protocols.engine.provenance import spans as spans_of
from prayog_protocols.engine.recording import ORIGINS
from prayog_protocols.engine.showing import explain
from prayog_protocols.panels.capture_panel import FEW, CapturePanel
from prayog_protocols.panels.choice import Choice, of_node
from prayog_protocols.panels.filter_line import FilterLine
from prayog_protocols.panels.hex_view import HexView
from prayog_protocols.panels.layer_tree import LayerTree
from prayog_protocols.panels.packet_model import PacketModel
from prayog_protocols.panels.saving import writers
from prayog_sdk.qt import theme
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.state import EmptyState, paragraph

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from prayog_protocols.engine.capture.capture import Capture
    from prayog_protocols.engine.tree import Node, Packet

__all__ = ["PacketsPanel"]

_NARROW = 640  # px at 100 % text below which tree and bytes stand above each other
_LEAST, _LEAST_NARROW = 230, 400  # px at 100 % text that list, tree and bytes need; in less the panel scrolls
_ENDINGS = "Captures (*.pcap *.pcapng *.cap *.pcap.gz *.pcapng.gz);;All files (*)"
_READABLE = (".pcap", ".pcapng", ".cap", ".gz")


class PacketsPanel(CapturePanel):
    """List, tree, bytes."""

    title = "Packets"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._packet: Packet | None = None
        self._shown = -1  # index of the packet in the tree
        self._waiting = -1  # index of one that a worker reads
        self._source = 0
        self._spans: list[Span] = []  # where the bytes of the frame come from
        self._searching: Job | None = None
        self._following = False
        self.filter = FilterLine()
        self.filter.used.connect(self._use_filter)
        self.open_button = QPushButton("Open…")
        self.open_button.setToolTip("Open a capture of your own (pcap, pcapng); or drop one here")
        self.open_button.clicked.connect(self._ask)
        self.count = paragraph("", "muted")
        self.count.setWordWrap(False)
        self.model = PacketModel(self)
        self.table = self._make_table()
        self.tree = LayerTree()
        self.tree.picked.connect(self._pick_node)
        self.tree.over.connect(self._over)
        self.hex = HexView()
        self.hex.picked.connect(self._pick_byte)
        self.hex.over.connect(self._over_byte)
        self.sources = QTabBar()
        self.sources.setAccessibleName("Which bytes")
        self.sources.setDrawBase(False)
        self.sources.setExpanding(False)
        self.sources.currentChanged.connect(self._show_source)
        self.legend = paragraph("", "muted")
        self.legend.setContentsMargins(theme.UNIT // 2, 0, theme.UNIT // 2, 0)
        self.words = paragraph("")
        self.words.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._lay_out()
        self.setAcceptDrops(True)
        find = QShortcut(QKeySequence(QKeySequence.StandardKey.Find), self, self.filter.edit.setFocus)
        find.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.on_theme()

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, theme.UNIT // 2)
        bar.setSpacing(theme.UNIT)
        bar.addWidget(self.filter, 1)
        bar.addWidget(self.count, 0, Qt.AlignmentFlag.AlignTop)
        bar.addWidget(self.open_button, 0, Qt.AlignmentFlag.AlignTop)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.sources)
        column.addWidget(self.hex, 1)
        column.addWidget(self.legend)
        self._halves = QSplitter(Qt.Orientation.Horizontal)
        self._halves.addWidget(self.tree)
        self._halves.addWidget(right)
        self._halves.setSizes([560, 440])
        self._halves.setChildrenCollapsible(False)
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._split.addWidget(self.table)
        self._split.addWidget(self._halves)
        self._split.setSizes([380, 620])
        self._split.setChildrenCollapsible(False)
        full = QWidget()
        whole = QVBoxLayout(full)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self._split, 1)
        self.words.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, theme.UNIT // 2)
        whole.addWidget(self.words)
        self._full = full
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidget(full)
        self._empty = EmptyState(
            "No packets yet", "Press Play: this run makes its packets itself. Or open a capture from Wireshark.",
            icon="sequence", actions=(("Open a capture…", self._ask),),
        )  # fmt: skip
        self._pages = QStackedLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addLayout(self._pages, 1)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(area)

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.model)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setFrameShape(QTableView.Shape.NoFrame)
        table.setTabKeyNavigation(False)
        table.setAccessibleName("Packets")
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().hide()
        head = table.horizontalHeader()
        head.setStretchLastSection(True)
        head.setHighlightSections(False)
        head.setSectionsClickable(False)
        head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.selectionModel().currentRowChanged.connect(self._on_row)
        return table

    # -- the bench -----------------------------------------------------------------------------------------------

    def bind(self, bench: Bench) -> None:
        self.model.jobs = bench.jobs
        super().bind(bench)

    def on_run(self, bench: Bench) -> None:
        super().on_run(bench)
        self._stop_search()
        self._packet, self._shown, self._waiting = None, -1, -1
        self.model.show_capture(None)
        self.filter.edit.blockSignals(True)
        self.filter.show_text("")
        self.filter.edit.blockSignals(False)

    def show_capture(self) -> None:
        self._pages.setCurrentIndex(0 if self.capture is None else 1)
        self._following = True
        self.model.show_capture(self.capture, fresh=self.capture is not self.model.capture)
        self._following = False
        self._shown = -1
        text = self.filter.edit.text()
        if text:
            self._search(text)
        self._say_count()
        if self.capture is None:
            self.show_packet(None)
        elif self.choice is None and self.bench is not None and not self.bench.selection:
            self.choose(Choice(0))
        else:
            self.show_choice()

    def draw(self) -> None:
        super().draw()
        if self.bench is not None and self.capture is not None:
            asked = str(self.bench.view().facts.get("filter", ""))
            if asked and asked != self.filter.edit.text() and not self.filter.edit.hasFocus():
                self.filter.show_text(asked)
                self._search(asked)

    def show_choice(self) -> None:
        if self.choice is None or self.capture is None:
            self.show_packet(None)
            return
        if self.choice.index != self._shown:
            self._read(self.choice.index)
        row = self.model.row_of(self.choice.index)
        self._following = True
        if row >= 0 and row != self.table.currentIndex().row():
            self.table.selectionModel().setCurrentIndex(
                self.model.index(row, 0),
                QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows,
            )
        self._following = False
        self._mark()

    def _read(self, index: int) -> None:
        """Take a packet apart: at once, or in a worker when its conversation is long and was not read yet."""
        self._waiting = index
        job = self.read(index, self._was_read)
        if job is not None:
            found = self.capture.flows.of(index) if self.capture is not None else None
            count = f" of {self.capture.flows.size(*found):,} packets" if self.capture is not None and found else ""
            self.words.setText(f"Reading the conversation{count} to which this packet belongs…")
            job.failed.connect(lambda sentence, _details: self.words.setText(f"It could not be read: {sentence}."))

    def _was_read(self, packet: Packet) -> None:
        if packet.number - 1 == self._waiting:
            self.show_packet(packet)
            self._mark()

    def show_packet(self, packet: Packet | None) -> None:
        """Show the layers and bytes of a packet."""
        self._packet, self._waiting = packet, -1
        self._shown = -1 if packet is None else packet.number - 1
        origin = self.origin(self._shown) if packet is not None else ""
        link = self.capture.interface(self._shown).link if self.capture is not None and packet is not None else 1
        self._spans = spans_of(packet.sources[0].data, origin, link) if packet is not None and origin else []
        self.tree.show_packet(packet, self._mixed())
        self.sources.blockSignals(True)
        while self.sources.count():
            self.sources.removeTab(0)
        for source in packet.sources if packet is not None else ():
            self.sources.addTab(f"{source.name} · {len(source.data):,} bytes")
        self.sources.setVisible(self.sources.count() > 1)
        self.sources.blockSignals(False)
        self._source = -1
        self._show_source(0)
        self._tell(None)

    def _show_source(self, number: int) -> None:
        packet = self._packet
        if packet is None:
            self.hex.show_bytes(b"", [])
            self._show_legend([])
            return
        if number == self._source:
            return
        self._source = number
        layers = [(one.start // 8, (one.end + 7) // 8) for one in packet.layers if one.source == number and one.bits]
        spans = self._spans if number == 0 else []
        self.hex.show_bytes(packet.sources[number].data, layers, self._mixed() if number == 0 else [])
        self._show_legend(spans)

    def _mixed(self) -> list[Span]:
        """The spans where they differ: of a packet that is all of one kind the legend tells enough."""
        return self._spans if len({span.origin for span in self._spans}) > 1 else []

    def _show_legend(self, spans: list[Span]) -> None:
        """What the inks of the bytes mean, with how many there are of each."""
        counts = {word: sum(one.end - one.start for one in spans if one.origin == word) for word in SIGNS}
        told = [f"{SIGNS[word]} {word} {count:,}" for word, count in counts.items() if count]
        self.legend.setText("   ".join(told))
        self.legend.setToolTip("\n".join(f"{SIGNS[word]} {word}: {ORIGINS[word]}" for word in SIGNS))
        self.legend.setVisible(bool(told))

    def _mark(self) -> None:
        """Mark the chosen field in tree and bytes."""
        packet = self._packet
        node = self.choice.node_in(packet) if self.choice is not None and packet is not None else None
        if node is not None and node.source != self._source:
            self.sources.setCurrentIndex(node.source)
        self.tree.mark(node)
        self.hex.mark(node.start, node.bits) if node is not None else self.hex.mark(0, 0)
        self._tell(node)

    # -- choosing ------------------------------------------------------------------------------------------------

    def _on_row(self, current: QModelIndex, _before: QModelIndex) -> None:
        if current.isValid() and not self._following:
            self.choose(Choice(self.model.packet_at(current.row())))

    def _pick_node(self, node: Node) -> None:
        self.choose(of_node(self._shown, node))

    def _pick_byte(self, byte: int) -> None:
        packet = self._packet
        if packet is None:
            return
        chosen = self.choice.node_in(packet) if self.choice is not None else None
        bit = byte * 8
        if (
            chosen is not None
            and chosen.source == self._source
            and bit <= chosen.start < bit + 8
            and chosen.end < bit + 8
        ):
            bit = chosen.end
        node = packet.at(self._source, bit)
        if node is not None:
            self.choose(of_node(self._shown, node))

    def _over(self, node: Node | None) -> None:
        if node is not None and node.source == self._source:
            self.hex.mark_soft(node.start, node.bits)
        else:
            self.hex.mark_soft(0, 0)

    def _over_byte(self, byte: int) -> None:
        packet = self._packet
        node = packet.at(self._source, byte * 8) if packet is not None and byte >= 0 else None
        self._over(node)
        if node is not None:
            self._tell(node)
        elif packet is not None and self.choice is not None:
            self._tell(self.choice.node_in(packet))

    def _tell(self, node: Node | None) -> None:
        """Say what a field is, or what is remarkable about the packet."""
        packet = self._packet
        if packet is None:
            self.words.setText("")
            return
        if node is None:
            notes = [f"{note.severity}: {note.sentence}" for note in packet.notes][:3]
            origin = self.origin(self._shown)
            told = f"{origin}: {ORIGINS[origin]}" if origin else ""
            hint = "" if notes or origin else "Choose a field or a byte."
            self.words.setText("  ".join([f"Packet {packet.number:,}.", *notes, told, hint]).strip())
            return
        said = explain(node)
        bits = f"   {said.picture}" if said.picture and (node.start % 8 or node.bits % 8) else ""
        stands = f" — {said.stands_for}" if said.stands_for else ""
        origins = among(self._spans, node.position, node.position + node.size) if node.source == 0 else ""
        origin = ", ".join(f"{sign} {word}" for word, sign in SIGNS.items() if sign in origins)
        where = "; ".join(part for part in (said.name, said.where, origin) if part)
        source = f"  [{said.source}]" if said.source else ""
        wrong = "".join(
            f"  ! {note.sentence}" for note in packet.notes
            if note.source == node.source and note.start < node.end and node.start < note.start + note.bits
        )  # fmt: skip
        self.words.setText(f"{said.title}{stands}   ({where}){bits}\n{said.meaning}{source}{wrong}")

    # -- filters -------------------------------------------------------------------------------------------------

    def _use_filter(self, text: str) -> None:
        asked = "" if self.bench is None else str(self.bench.view().facts.get("filter", ""))
        if text != asked:
            self.do("filter", text=text)
        self._search(text)

    def _search(self, text: str) -> None:
        """Keep what fits; what was found so far is shown while the rest is looked at."""
        self._stop_search()
        if self.capture is None or self.bench is None:
            return
        import numpy as np

        self._following = True
        if not text.strip():
            self.model.keep(None)
        else:
            self.model.keep(np.zeros(0, np.int64))
            found: list[npt.NDArray[np.int64]] = []
            job = self._searching = self.bench.jobs.submit(_search, self.capture, text, found)
            job.progressed.connect(lambda *_news: self._found(job, found))
            job.succeeded.connect(lambda _none: self._found(job, found))
            job.finished.connect(lambda: self._through(job))
        self._following = False
        self._say_count()

    def _found(self, job: Job, found: list[npt.NDArray[np.int64]]) -> None:
        if job is self._searching:
            while found:
                self.model.extend(found.pop(0))
            self._say_count()

    def _through(self, job: Job) -> None:
        if job is self._searching:
            self._searching = None
            self._say_count()
            self.show_choice()

    def _stop_search(self) -> None:
        if self._searching is not None:
            self._searching.cancel()
            self._searching = None

    def _say_count(self) -> None:
        total = 0 if self.capture is None else len(self.capture)
        rows = self.model.rowCount()
        if self._searching is not None:
            self.count.setText(f"{rows:,} of {total:,}, searching…")
        elif self.filter.edit.text().strip() and rows != total:
            self.count.setText(f"{rows:,} of {total:,}")
        else:
            self.count.setText(f"{total:,} packets")

    # -- files ---------------------------------------------------------------------------------------------------

    def _ask(self) -> None:
        dialog = QFileDialog(self.window(), "Open a capture", "", _ENDINGS)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.open_file)
        dialog.open()

    def open_file(self, path: str) -> None:
        """Open a capture of the learner's own, as a new run."""
        if self.bench is not None:
            self.bench.start({"study": "capture", "file": path}, self.bench.seed)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls()]
        if len(paths) == 1 and paths[0].lower().endswith(_READABLE):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        self.open_file(event.mimeData().urls()[0].toLocalFile())

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        if self.capture is None or self.bench is None:
            return {}
        comments = self.bench.view().facts.get("comments", {})
        return writers(self.capture, self.recording, functools.partial(dict, comments))

    # -- looks ---------------------------------------------------------------------------------------------------

    def on_theme(self) -> None:
        self.hex.restyle()
        self.tree.restyle()
        self.filter.restyle()
        metrics = QFontMetricsF(self.font())
        self.table.verticalHeader().setDefaultSectionSize(max(22, round(metrics.height() * 1.35)))
        samples = ("1,000,000", "100.000000", "192.168.100.100", "192.168.100.100", "WebSocket", "65,535", "M")
        for column, sample in enumerate(samples):
            wide = round(metrics.horizontalAdvance(sample)) + theme.scaled(2 * theme.UNIT)
            self.table.setColumnWidth(column, max(wide, theme.scaled(52)))
        self.words.setMinimumHeight(round(metrics.lineSpacing() * 2) + theme.UNIT)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        narrow = self.width() < theme.scaled(_NARROW)
        way = Qt.Orientation.Vertical if narrow else Qt.Orientation.Horizontal
        if self._halves.orientation() != way:
            self._halves.setOrientation(way)
        for column in (1, 5, 6):
            self.table.setColumnHidden(column, narrow)
        self._full.setMinimumHeight(theme.scaled(_LEAST_NARROW if narrow else _LEAST))

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(320), theme.scaled(260))

    def outline(self) -> str:
        if self.capture is None:
            return "No packets yet."
        if self.choice is None:
            return f"{len(self.capture):,} packets; none is chosen."
        row = self.model.row(self.choice.index)
        return f"Packet {row.number:,} of {len(self.capture):,}, {row.protocol}: {row.info}. {self.words.text()}"

    def unbind(self) -> None:
        self._stop_search()
        self.filter.close_list()
        self.model.show_capture(None)
        super().unbind()


def _search(ctx: Ctx, capture: Capture, text: str, found: list[npt.NDArray[np.int64]]) -> None:
    """Hand over what fits, a batch at a time; runs in a worker, which lets the file's own process search."""
    reader = capture.reader if len(capture) > FEW else None
    batches = matching(capture, text) if reader is None else reader.stream(ctx, capture, matching, text)
    for count, batch in enumerate(batches):
        found.append(batch)
        ctx.progress(count)


def matching(capture: Capture, text: str) -> Iterator[npt.NDArray[np.int64]]:
    """Packets that fit, in batches."""
    from prayog_protocols.engine.filter import compile_filter

    return compile_filter(text).stream(capture)
