"""Real brokers side by side: what each really guarantees, probed here and now, and the same job on all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QLabel, QPushButton, QWidget

from prayog_queues.engine.measured import ANSWERS, Answer, Measured
from prayog_queues.engine.verdict import KINDS
from prayog_queues.panels.following import FollowingPanel
from prayog_queues.panels.for_real import do_for_real
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.jobs import Job
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.scrolled import Sideways, column_in
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.run import Action

__all__ = ["BackendsPanel"]

_SHOWN = {
    "lost": "Lost", "duplicate": "Twice", "unexpected": "Unexpected", "reordered": "Overtaken", "stale_ack": "Late ack",
    "overlap": "At once",
}  # fmt: skip


class BackendsPanel(FollowingPanel[Measured]):
    """Two measurements, one matrix and one table."""

    title = "Real brokers"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self._drawn: tuple[int, int] = (-1, -1)
        self.cells: dict[tuple[str, str], QPushButton] = {}
        self._places: dict[tuple[str, str], int] = {}
        """Line of a probe (its back-end is ""), column of a back-end (its probe is "")."""
        self._about = paragraph(
            self.tr(
                "What a manual promises and what a server does are two things. The probes ask every broker that is "
                "here: SQLite, PostgreSQL and NATS come with the lab, the others by their address."
            )
        )
        self._probe = QPushButton(self.tr("Probe every broker"))
        self._probe.setProperty("kind", "primary")
        self._probe.clicked.connect(partial(self._do, "probe"))
        self._everywhere = QPushButton(self.tr("This job on every broker"))
        self._everywhere.setToolTip(self.tr("The knobs of the run on the bench, on each broker in turn; one judge"))
        self._everywhere.clicked.connect(partial(self._do, "everywhere"))
        head = QWidget()
        row = FlowLayout(head)
        self._stop = QPushButton(self.tr("Stop"))
        self._stop.setToolTip(self.tr("What was measured so far stays"))
        self._stop.clicked.connect(self._end)
        self._stop.setEnabled(False)
        for widget in (self._probe, self._everywhere, self._stop):
            row.addWidget(widget)
        self._note = paragraph("", "muted")
        self._grid = QWidget()
        self._lines = QGridLayout(self._grid)
        self._lines.setContentsMargins(0, 0, 0, 0)
        self._lines.setSpacing(theme.UNIT // 2)
        self._jobs_head = paragraph(self.tr("The same job"), step=1)
        self._table = TextTable(
            self.tr("The same job on every broker"),
            [self.tr("Broker"), self.tr("Sent"), self.tr("Effects"), *(self.tr(words) for words in _SHOWN.values()),
             self.tr("Took"), self.tr("A confirmation means"), self.tr("In words")],
            numbers=tuple(range(1, 4 + len(_SHOWN))), hints=["", "", "", *(KINDS[kind].means for kind in _SHOWN)],
        )  # fmt: skip
        self._table.cellActivated.connect(lambda line, _column: self._go(line))
        self._table.cellClicked.connect(lambda line, _column: self._go(line))
        self._experiment = paragraph("", step=1)
        self._rows = TextTable(self.tr("The experiment"), [self.tr("What"), self.tr("Measured here")])
        self._rows.cellActivated.connect(lambda line, _column: self._go_row(line))
        self._rows.cellClicked.connect(lambda line, _column: self._go_row(line))
        self._conclusion = paragraph("")
        column = column_in(self)
        self._matrix = Sideways(self._grid)
        for part in (self._about, head, self._note, self._matrix, self._jobs_head, self._table, self._experiment,
                     self._rows, self._conclusion):  # fmt: skip
            column.addWidget(part)
        column.addStretch(1)

    def fresh(self) -> Measured:
        return Measured()

    def on_run(self, bench: Bench) -> None:
        super().on_run(bench)
        self._clear()

    def unbind(self) -> None:
        if self._job is not None:
            self._job.cancel()
        super().unbind()

    # -- doing -------------------------------------------------------------------------------------------------

    def _do(self, name: str) -> None:
        """Measure in the session on the bench, or in a new one beside the run that is there."""
        if self._job is not None:
            return
        titles = {"probe": self.tr("Probes"), "everywhere": self.tr("The same job everywhere")}
        self._job = do_for_real(lambda: self.bench, titles[name], Action(name), self._note.setText)
        if self._job is not None:
            self._job.finished.connect(self._over)

    def _over(self) -> None:
        self._job = None

    def _end(self) -> None:
        if self.bench is not None and self.bench.run.kind == "session":
            self._stop.setEnabled(False)
            self.bench.do(Action("stop_measuring"))

    # -- showing -----------------------------------------------------------------------------------------------

    def draw(self) -> None:
        bench = self.bench
        if bench is None:
            return
        found = self.fold
        measured = len(found.answers) + len(found.outcomes)
        self._draw_experiment()
        running = found.state == "running"
        for button, on in ((self._probe, not running), (self._everywhere, not running), (self._stop, running)):
            button.setEnabled(on)
        words = {
            "running": self.tr("{n} measured, it goes on…"), "stopped": self.tr("{n} measured, then it was stopped.")
        }.get(found.state, self.tr("{n} measured."))  # fmt: skip
        begins = self.tr("It begins…") if running and found.experiment is None else ""
        words = words.replace("{n}", str(measured)) if measured else begins
        problems = "; ".join(f"{found.title(name)}: {why}" for name, why in found.problems.items())
        self._note.setText(" ".join(word for word in (words, problems) if word))
        self._note.setVisible(bool(self._note.text()))
        size = (len(found.answers), len(found.outcomes))
        if size == self._drawn:
            return
        self._drawn = size
        self._draw_matrix()
        rows, strong = [], []
        for line, outcome in enumerate(found.outcomes.values()):
            bad = any(outcome.counts.get(kind) for kind in ("lost", "duplicate", "unexpected"))
            if bad:
                strong.append(line)
            rows.append([
                f"{'✗' if bad else '✓'} {found.title(outcome.backend)}", f"{outcome.published:,}",
                f"{outcome.effects:,}", *(f"{outcome.counts.get(kind, 0):,}" for kind in _SHOWN),
                f"{outcome.seconds:.1f} s", outcome.durability, outcome.sentence,
            ])  # fmt: skip
        self._table.show_rows(rows, strong)
        self._table.setFixedHeight(self._table.whole_height() + theme.scaled(16))
        for widget in (self._jobs_head, self._table):
            widget.setVisible(bool(rows))

    def _draw_experiment(self) -> None:
        """The microscope's: a row as soon as it is measured."""
        shown = self.fold.experiment
        for widget in (self._experiment, self._rows, self._conclusion):
            widget.setVisible(shown is not None)
        if shown is None:
            return
        self._experiment.setText(f"{shown.title}: {shown.question}")
        self._rows.show_rows([[label, sentence] for label, sentence, _ in shown.rows], [])
        self._rows.setFixedHeight(self._rows.whole_height() + theme.scaled(16))
        self._conclusion.setText(shown.conclusion)

    def _go_row(self, line: int) -> None:
        shown = self.fold.experiment
        if self.bench is not None and shown is not None and 0 <= line < len(shown.rows):
            self.bench.seek(shown.rows[line][2])

    def _clear(self) -> None:
        while (item := self._lines.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self.cells, self._places = {}, {}
        self._drawn = (-1, -1)

    def _draw_matrix(self) -> None:
        """Add what is new: answers come one by one."""
        for name in self.fold.backends():
            if ("", name) not in self._places:
                self._places["", name] = column = 1 + sum(1 for probe, _ in self._places if not probe)
                self._lines.addWidget(_head(self.fold.title(name)), 0, column)
        for probe in self.fold.probes():
            if (probe, "") not in self._places:
                self._places[probe, ""] = line = 1 + sum(1 for _, name in self._places if not name)
                self._lines.addWidget(_head(self.fold.question(probe)), line, 0)
        for (probe, name), answer in self.fold.answers.items():
            if (probe, name) not in self.cells:
                self._lines.addWidget(self._cell(answer), self._places[probe, ""], self._places["", name])
        self._lines.setColumnMinimumWidth(0, theme.scaled(190))
        self._matrix.setVisible(bool(self.cells))

    def _cell(self, answer: Answer) -> QPushButton:
        words, tone = ANSWERS.get(answer.answer, (answer.answer, "text"))
        button = QPushButton(words)
        button.setStyleSheet(f"QPushButton {{ color: {getattr(theme.current(), tone)}; padding: 3px 6px; }}")
        button.setToolTip(answer.sentence)
        button.setAccessibleName(f"{self.fold.title(answer.backend)}, {answer.question} {words}")
        button.setAccessibleDescription(answer.sentence)
        button.clicked.connect(partial(self._tell, answer))
        self.cells[answer.probe, answer.backend] = button
        return button

    def _tell(self, answer: Answer) -> None:
        if self.bench is not None:
            self.bench.seek(answer.seq)
            self.bench.say(answer.sentence)
            self._note.setText(f"{self.fold.title(answer.backend)}, {answer.question} {answer.sentence}")
            self._note.setVisible(True)

    def _go(self, line: int) -> None:
        outcomes = list(self.fold.outcomes.values())
        if self.bench is not None and 0 <= line < len(outcomes):
            self.bench.seek(outcomes[line].seq)

    def on_frame(self) -> None:
        """What was measured stays in sight when one goes back to a step of it."""
        if self.bench is None or self._follower is None:
            return
        shown = (len(self.bench.trace), id(self.bench.trace))
        if shown != self._shown:
            self._shown = shown
            self._follower.follow(self.bench.trace, len(self.bench.trace) - 1)

    # -- files and words ---------------------------------------------------------------------------------------

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        def table(path: Path) -> None:
            cells = [["probe", "backend", "answer", "sentence"]]
            cells += [[a.probe, a.backend, a.answer, a.sentence] for a in self.fold.answers.values()]
            lines = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells]
            path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")

        return {"csv": table} if self.bench is not None else {}

    def outline(self) -> str:
        if self.bench is None or self._follower is None:
            return ""
        told = [f"{self.fold.title(a.backend)}, {a.question} {a.answer}. {a.sentence}"
                for a in self.fold.answers.values()]  # fmt: skip
        told += [f"{self.fold.title(o.backend)}: {o.effects} effects. {o.sentence}"
                 for o in self.fold.outcomes.values()]  # fmt: skip
        if (shown := self.fold.experiment) is not None:
            told += [f"{shown.title}: {shown.question}", *(f"{label}: {sentence}" for label, sentence, _ in shown.rows)]
            told.append(shown.conclusion)
        return "\n".join(told) or self._about.text()

    def on_theme(self) -> None:
        self._clear()
        super().on_theme()


def _head(words: str) -> QLabel:
    label = QLabel(words)
    label.setProperty("kind", "muted")
    label.setWordWrap(True)
    label.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    return label
