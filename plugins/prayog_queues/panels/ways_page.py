"""The comparison card: the same job by queue, publish/subscribe, log, WebSocket and HTTP, run here and now."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from prayog_queues import five_ways
from prayog_queues.five_ways import WAYS, Outcome
from prayog_sdk.qt import theme
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.clock import format_us
from prayog_sim.world import World

__all__ = ["WaysPage"]


class WaysPage(QWidget):
    """What was measured, and what holds by nature."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench: Bench | None = None
        self._job: Job | None = None
        self.outcomes: list[Outcome] = []
        about = paragraph(
            self.tr(
                "Forty orders go to one receiver, whose process dies at the fifteenth and is back after 600 ms. "
                "Who still gets all of them? Choose a row to watch its run."
            )
        )
        self._go = QPushButton(self.tr("Run all five"))
        self._go.setProperty("kind", "primary")
        self._go.clicked.connect(self.compute)
        self._note = paragraph("", "muted")
        self._note.hide()
        self._seen = TextTable(
            self.tr("What happened"),
            [self.tr("Way"), self.tr("Effects"), self.tr("Missing"), self.tr("Twice"), self.tr("Sender knows of"),
             self.tr("Typical"), self.tr("Slowest"), self.tr("In words")],
            numbers=(1, 2, 3, 4, 5, 6),
            hints=["", "", "", "", self.tr("Orders for which the sender was told that they were taken")],
        )  # fmt: skip
        self._seen.cellActivated.connect(lambda row, _column: self._open(row))
        self._seen.cellClicked.connect(lambda row, _column: self._open(row))
        self._nature = TextTable(
            self.tr("By their nature"),
            [self.tr("Way"), self.tr("Kept after reading"), self.tr("Read again"), self.tr("Order"), self.tr("Fan-out"),
             self.tr("Back-pressure"), self.tr("Receiver away"), self.tr("Typical failure")],
        )  # fmt: skip
        self._nature.show_rows(
            [[w.title, w.kept, w.again, w.order, w.copies, w.pressure, w.away, w.fails] for w in WAYS]
        )
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(theme.UNIT)
        layout.addWidget(about)
        layout.addWidget(self._go, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self._note)
        layout.addWidget(self._seen)
        layout.addWidget(paragraph(self.tr("What each is by its nature"), "muted"))
        layout.addWidget(self._nature)
        layout.addStretch(1)
        self._seen.hide()
        self.resize_tables()

    def bind(self, bench: Bench) -> None:
        self._bench = bench

    def release(self) -> None:
        if self._job is not None:
            self._job.cancel()
        self._bench = None

    def resize_tables(self) -> None:
        """All rows are seen: the page scrolls, not the tables."""
        for table in (self._seen, self._nature):
            table.setFixedHeight(table.whole_height() + theme.scaled(16))

    def compute(self) -> None:
        """All runs, in a process."""
        if self._bench is None or self._job is not None:
            return
        self._go.setEnabled(False)
        self._job = job = self._bench.jobs.submit_process(five_ways.five_ways)
        job.progressed.connect(lambda _done, _total, text: self._tell(text))
        job.succeeded.connect(self.show_outcomes)
        job.failed.connect(lambda sentence, _details: self._tell(sentence))
        job.finished.connect(self._over)

    def _over(self) -> None:
        self._job = None
        self._go.setEnabled(True)

    def _tell(self, words: str) -> None:
        self._note.setText(words)
        self._note.setVisible(bool(words))

    def show_outcomes(self, outcomes: list[Outcome]) -> None:
        """Fill the upper table."""
        self.outcomes = outcomes
        self._tell("")
        titles = {way.name: way.title for way in WAYS}
        rows, strong = [], []
        for i, o in enumerate(outcomes):
            missing = o.owed - o.came
            if missing:
                strong.append(i)
            rows.append([
                f"{'✗' if missing or o.twice else '✓'} {titles[o.name]}", f"{o.came} of {o.owed}", str(missing),
                str(o.twice), str(o.told), format_us(o.p50_us), format_us(o.slowest_us), o.sentence,
            ])  # fmt: skip
        self._seen.show_rows(rows, strong)
        self._seen.show()
        self.resize_tables()

    def _open(self, row: int) -> None:
        bench = self._bench
        if bench is None or self._job is not None or not 0 <= row < len(self.outcomes):
            return
        outcome = self.outcomes[row]

        def work(_ctx: Ctx) -> World:
            return five_ways.ran(outcome.name)

        def show(run: World) -> None:
            if self._bench is None:
                run.close()
                return
            self._bench.show(next(way.title for way in WAYS if way.name == outcome.name), run)
            self._bench.seek(outcome.seq)
            self._bench.say(outcome.sentence)

        self._job = bench.jobs.submit(work)
        self._job.succeeded.connect(show)
        self._job.finished.connect(self._over)

    def outline(self) -> str:
        """Both tables in words."""
        titles = {way.name: way.title for way in WAYS}
        return "\n".join(f"{titles[o.name]}: {o.came} of {o.owed} effects. {o.sentence}" for o in self.outcomes)
