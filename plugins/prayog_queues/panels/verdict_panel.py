"""The verdict: what was lost, doubled, overtaken, each finding with the steps that prove it, one click away."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QButtonGroup, QPushButton, QWidget

from prayog_queues.engine.history import to_history
from prayog_queues.engine.judging import Judge
from prayog_queues.engine.log_judging import Anomaly, anomalies, from_trace
from prayog_queues.engine.verdict import KINDS, Finding, Verdict
from prayog_queues.panels.following import FollowingPanel
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.history.jepsen import write_history
from prayog_sim.trace import Trace

__all__ = ["VerdictPanel"]

_HEADS = {"bad": "✗", "warn": "!", "good": "✓"}
_SIGNS = {"bad": "✗", "warn": "!", "note": "i"}


class VerdictPanel(FollowingPanel[Judge]):
    """How many of each kind, and the findings with their proof."""

    title = "Verdict"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._verdict: Verdict | None = None
        self._findings: list[Finding] = []
        self._log: list[Anomaly] = []
        self._step = 0
        self._job: Job | None = None
        self._kind = ""
        self._head = paragraph("", step=1)
        self._sums = paragraph("", "muted")
        self._chips: dict[str, QPushButton] = {}
        self._group = QButtonGroup(self)
        chips = QWidget()
        line = FlowLayout(chips, theme.UNIT // 2)
        for kind in KINDS.values():
            chip = QPushButton(kind.title)
            chip.setCheckable(True)
            chip.setToolTip(kind.means)
            chip.setAccessibleDescription(kind.means)
            chip.clicked.connect(partial(self._first_of, kind.name))
            self._group.addButton(chip)
            self._chips[kind.name] = chip
            line.addWidget(chip)
        self._means = paragraph("", "muted")
        self._means.hide()
        self._list = TextTable(
            self.tr("Findings"), [self.tr("Message"), self.tr("What happened"), self.tr("Proof: events")], wrapped=1
        )
        self._list.cellActivated.connect(lambda row, _column: self._go(row))
        self._list.cellClicked.connect(lambda row, _column: self._go(row))
        self._list.hide()
        self._list_head = paragraph(self._about_list(False), "muted")
        self._next = QPushButton(self.tr("Next event of the proof"))
        self._next.clicked.connect(self._go_on)
        self._next.setEnabled(False)
        self._partitions = QPushButton(self.tr("Judge the log"))
        self._partitions.setToolTip(self.tr("Jepsen’s anomalies of a partitioned log: lost writes, skips, ways back"))
        self._partitions.clicked.connect(self._judge_log)
        buttons = QWidget()
        row = FlowLayout(buttons)
        for widget in (self._next, self._partitions):
            row.addWidget(widget)
        self._list.setMinimumHeight(theme.scaled(120))
        layout = column_in(self)
        layout.addWidget(self._head)
        layout.addWidget(self._sums)
        layout.addWidget(chips)
        layout.addWidget(self._means)
        layout.addWidget(self._list, 1)
        layout.addWidget(self._list_head)
        layout.addWidget(buttons)
        layout.addStretch()  # takes the room of a list that is not there

    def fresh(self) -> Judge:
        return Judge()

    def on_run(self, bench: Bench) -> None:
        super().on_run(bench)
        self._log, self._kind = [], ""
        self._means.hide()
        if self._job is not None:
            self._job.cancel()

    def unbind(self) -> None:
        super().unbind()
        if self._job is not None:
            self._job.cancel()

    # -- showing -----------------------------------------------------------------------------------------------

    def draw(self) -> None:
        verdict = self.fold.verdict()
        if verdict == self._verdict:
            return
        self._verdict = verdict
        tone = "bad" if not verdict.clean else "warn" if verdict.missing else "good"
        self._head.setText(f"{_HEADS[tone]} {verdict.sentence()}")
        self._head.setProperty("kind", tone if verdict.published else "")
        self._head.style().polish(self._head)
        words = self.tr("{w} wait · {d} dead letters · {x} dropped · {r} of {n} hand-outs were repeats · {s} late")
        for key, value in (
            ("w", verdict.waiting), ("d", verdict.dead), ("x", verdict.dropped), ("r", verdict.redelivered),
            ("n", verdict.deliveries), ("s", verdict.stale_rejected),
        ):  # fmt: skip
            words = words.replace(f"{{{key}}}", f"{value:,}")
        self._sums.setText(words + self.tr(" acks refused"))
        for kind in KINDS.values():
            count = verdict.counts[kind.name]
            sign = _SIGNS[kind.tone] if count else "✓"
            chip = self._chips[kind.name]
            chip.setText(f"{sign} {kind.title} {count:,}")
            font = chip.font()
            font.setBold(bool(count))
            chip.setFont(font)
        self._show_list()

    def _show_list(self) -> None:
        verdict = self._verdict
        if verdict is None:
            return
        found = verdict.of(self._kind) if self._kind else verdict.findings
        self._findings = list(found[:200])
        rows = [[f.message, f.sentence, ", ".join(map(str, f.seqs))] for f in self._findings]
        rows += [[a.name, str(a), ", ".join(map(str, a.seqs))] for a in self._log]
        self._list.show_rows(rows)
        self._next.setEnabled(bool(rows))
        self._list.setVisible(bool(rows))
        self._list_head.setText(self._about_list(bool(rows)))

    def _about_list(self, found: bool) -> str:
        if found:
            return self.tr("A click goes to the event that shows it.")
        if self._kind:
            return self.tr("Nothing of this kind was found so far.")
        return self.tr("Nothing was found so far. What is found stands here, each with the events that prove it.")

    def _first_of(self, kind: str) -> None:
        """Show that kind alone, and go to the first proof."""
        self._kind = kind
        self._means.show()
        self._means.setText(f"{KINDS[kind].title}: {KINDS[kind].means}")
        self._show_list()
        if self._verdict is not None and self._verdict.counts[kind]:
            self._list.selectRow(0)
            self._go(0)

    # -- the proof ---------------------------------------------------------------------------------------------

    def _proof(self, row: int) -> tuple[tuple[int, ...], str]:
        if 0 <= row < len(self._findings):
            return self._findings[row].seqs, self._findings[row].sentence
        row -= len(self._findings)
        return (self._log[row].seqs, str(self._log[row])) if 0 <= row < len(self._log) else ((), "")

    def _go(self, row: int) -> None:
        """The step at which it shows; `Next` then goes through the whole proof."""
        seqs, words = self._proof(row)
        if seqs and self.bench is not None:
            self._step = len(seqs) - 1
            self._seek(seqs[-1], words)
            if row < len(self._findings):
                self.bench.select(self._findings[row].message)

    def _go_on(self) -> None:
        row = max(0, self._list.currentRow())
        seqs, words = self._proof(row)
        if seqs and self.bench is not None:
            self._step = (self._step + 1) % len(seqs)
            self._seek(seqs[self._step], words)

    def _seek(self, seq: int, words: str) -> None:
        """Show that step.  What was found later is not known there, so the tables keep what they show."""
        assert self.bench is not None
        kept = self._verdict
        self.bench.seek(min(seq, len(self.bench.trace) - 1))
        self._verdict = kept
        self.bench.say(words)

    def on_frame(self) -> None:
        """Follow the end of what was played: the verdict of a run, not of the step that one looks at."""
        if self.bench is None or self._follower is None:
            return
        shown = (len(self.bench.trace), id(self.bench.trace))
        if shown != self._shown:
            self._shown = shown
            self._follower.follow(self.bench.trace, len(self.bench.trace) - 1)

    # -- logs --------------------------------------------------------------------------------------------------

    def _judge_log(self) -> None:
        if self.bench is None or self._job is not None:
            return
        trace = Trace(self.bench.trace)

        def work(_ctx: Ctx) -> list[Anomaly]:
            return anomalies(from_trace(trace))

        self._job = self.bench.jobs.submit(work)
        self._job.succeeded.connect(self._judged)
        self._job.finished.connect(self._over)

    def _judged(self, found: list[Anomaly]) -> None:
        self._log = found[:200]
        self._show_list()
        words = self.tr("{n} anomalies of a log; they stand behind the findings.") if found else self.tr(
            "No anomaly of a log: no lost write, no skip, no way back in any partition."
        )  # fmt: skip
        self._list_head.setText(words.replace("{n}", f"{len(found):,}"))

    def _over(self) -> None:
        self._job = None

    # -- files and words ---------------------------------------------------------------------------------------

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        def edn(path: Path) -> None:
            trace = self.bench.trace if self.bench is not None else Trace()
            path.write_text("".join(write_history(to_history(trace))), encoding="utf-8")

        def table(path: Path) -> None:
            lines = ["kind,message,queue,key,events,sentence"]
            for f in self._verdict.findings if self._verdict is not None else ():
                cells = (f.kind, f.message, f.queue, f.key, " ".join(map(str, f.seqs)), f.sentence)
                lines.append(",".join('"' + cell.replace('"', '""') + '"' for cell in cells))
            path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")

        return {"edn": edn, "csv": table}

    def outline(self) -> str:
        if self._verdict is None:
            return ""
        found = [finding.sentence for finding in self._verdict.findings[:20]]
        return "\n".join([self._verdict.sentence(), *found])

    def on_theme(self) -> None:
        self._list.setMinimumHeight(theme.scaled(120))
        self._verdict = None
        super().on_theme()


