"""The crash-point matrix: rows are crash points of one handler, columns strategies; a cell opens its run."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from prayog_queues import crash_points
from prayog_queues.crash_points import Cell
from prayog_queues.engine.handlers import POINTS, YOURS
from prayog_queues.engine.setup import Setup
from prayog_sdk.qt import theme
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.scrolled import Sideways
from prayog_sdk.qt.state import LoadingState, paragraph
from prayog_sim.world import World

__all__ = ["MatrixPage"]


class MatrixPage(QWidget):
    """Computed once in a process; kept until the learner's own handler changes."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bench: Bench | None = None
        self._job: Job | None = None
        self._code = ""
        self.cells: list[Cell] = []
        self.buttons: dict[tuple[str, str], QPushButton] = {}
        self._about = paragraph(
            self.tr(
                "One consumer crashes once, at one point of its handler. Which points lose an order, which charge "
                "twice? It depends on what stands before what: compare the columns."
            )
        )
        self._go = QPushButton(self.tr("Run all of them"))
        self._go.setProperty("kind", "primary")
        self._go.clicked.connect(self.compute)
        self._note = paragraph("", "muted")
        self._note.hide()
        self._loading: LoadingState | None = None
        self._grid = QWidget()
        self._cells = QGridLayout(self._grid)
        self._cells.setContentsMargins(0, 0, 0, 0)
        self._cells.setSpacing(theme.UNIT // 2)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.UNIT)
        self._column.addWidget(self._about)
        self._column.addWidget(self._go, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addWidget(self._note)
        self._column.addWidget(Sideways(self._grid))
        self._column.addStretch(1)

    def bind(self, bench: Bench) -> None:
        self._bench = bench

    def release(self) -> None:
        if self._job is not None:
            self._job.cancel()
        self._bench = None

    def on_run(self, bench: Bench) -> None:
        """The learner's own handler is a column when there is one."""
        code = bench.params.code if bench.params.handler == YOURS else ""
        if code != self._code and code:
            self._code = code
            self._go.setText(self.tr("Run all of them, yours too"))

    def compute(self) -> None:
        """All runs, in a process."""
        if self._bench is None or self._job is not None:
            return
        self._job = job = self._bench.jobs.submit_process(crash_points.matrix, self._code)
        self._loading = LoadingState(self.tr("Running every crash point with every strategy"))
        self._loading.follow(job)
        self._column.insertWidget(3, self._loading)
        self._go.setEnabled(False)
        job.succeeded.connect(self.show_cells)
        job.failed.connect(lambda sentence, _details: self._tell(sentence))
        job.finished.connect(self._over)

    def _over(self) -> None:
        self._job = None
        self._go.setEnabled(True)
        if self._loading is not None:
            self._loading.deleteLater()
            self._loading = None

    def _tell(self, words: str) -> None:
        self._note.setText(words)
        self._note.setVisible(bool(words))

    def show_cells(self, cells: list[Cell]) -> None:
        """Fill the grid."""
        self.cells, self.buttons = cells, {}
        while (item := self._cells.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        columns = list(dict.fromkeys(cell.strategy for cell in cells))
        for i, name in enumerate(columns):
            self._cells.addWidget(self._head(name), 0, i + 1)
        for row, point in enumerate(POINTS, 1):
            self._cells.addWidget(self._head(point.replace("_", " ")), row, 0)
            for cell in (c for c in cells if c.point == point):
                self._cells.addWidget(self._button(cell), row, columns.index(cell.strategy) + 1)
        self._tell(self.tr("Choose a cell to watch its run; it opens at the event that shows it."))

    @staticmethod
    def _head(words: str) -> QLabel:
        label = QLabel(words)
        label.setProperty("kind", "muted")
        label.setWordWrap(True)
        return label

    def _button(self, cell: Cell) -> QPushButton:
        words, kind = words_of(cell)
        button = QPushButton(words)
        button.setEnabled(cell.seq >= 0)
        colour = getattr(theme.current(), kind) if cell.seq >= 0 else theme.current().muted
        button.setStyleSheet(f"QPushButton {{ color: {colour}; padding: 3px 6px; }}")
        about = self.tr("Nothing is wrong in this run.") if cell.seq >= 0 else self.tr("It never comes to that point.")
        button.setToolTip(cell.sentence or about)
        button.setAccessibleName(f"{cell.strategy}, crash {cell.point.replace('_', ' ')}: {words}")
        button.setAccessibleDescription(cell.sentence or about)
        button.clicked.connect(partial(self._open, cell))
        self.buttons[cell.point, cell.strategy] = button
        return button

    def _open(self, cell: Cell) -> None:
        """Make that run again and put it on the bench, at the event that shows it."""
        bench = self._bench
        if bench is None or self._job is not None:
            return
        setup = crash_points.setup_of(cell.point, cell.strategy, self._code)
        if cell.strategy == YOURS:  # code of the learner's runs where the bench runs it
            plain = asdict(Setup())
            changed = {name: value for name, value in asdict(setup).items() if value != plain[name]}
            bench.start(changed, crash_points.SEED)
            return

        def work(_ctx: Ctx) -> World:
            return crash_points.played(setup)

        def show(run: World) -> None:
            if self._bench is None:
                run.close()
                return
            self._bench.show(f"{cell.strategy}, crash {cell.point.replace('_', ' ')}", run)
            self._bench.seek(cell.seq)
            self._bench.say(cell.sentence or words_of(cell)[0])

        self._job = self._bench.jobs.submit(work) if self._bench is not None else None
        if self._job is not None:
            self._job.succeeded.connect(show)
            self._job.finished.connect(self._over)

    def outline(self) -> str:
        """The matrix in words."""
        return "\n".join(
            f"{c.strategy}, crash {c.point.replace('_', ' ')}: {words_of(c)[0]}" for c in self.cells
        )  # fmt: skip

    def recolour(self) -> None:
        if self.cells:
            self.show_cells(self.cells)


def words_of(cell: Cell) -> tuple[str, str]:
    """A cell in words, and its tone."""
    if cell.seq < 0:
        return "–", "muted"
    if not cell.finished:
        return "? not finished", "warn"
    parts = [f"{cell.lost} lost"] * bool(cell.lost) + [f"{cell.duplicate} twice"] * bool(cell.duplicate)
    return (f"✗ {', '.join(parts)}", "bad") if parts else ("✓ once", "good")


