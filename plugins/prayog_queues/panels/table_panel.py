"""A database as a queue under the microscope: rows, leases, locks, statements for each message, polling or NOTIFY."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QButtonGroup, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from prayog_queues.engine.rows import Rows
from prayog_queues.panels.database_lab import DatabaseLab
from prayog_queues.panels.following import FollowingPanel
from prayog_queues.panels.for_real import do_for_real
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.jobs import Job
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.state import EmptyState, paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.clock import format_us
from prayog_sim.run import Action

__all__ = ["TablePanel"]

_SHOWN = 40
_WAYS = {
    "naive": "SELECT a pending row, then UPDATE it: between the two, another worker sees it pending as well.",
    "lease": "One UPDATE … RETURNING marks the row with a time; when the time is over, another may take it.",
    "for update": "The row is locked while the work lasts, and everybody else waits for that lock.",
    "skip locked": "The row is locked while the work lasts; others skip it and take the next.",
}
_NOTIFY = {
    "no": "Workers ask again and again: a message waits for half an interval on average.",
    "each row": "Every commit wakes the workers, and such commits follow one another.",
    "coalesced": "One wake-up for many rows; a slow poll stays, since NOTIFY is a hint and is not kept.",
}


class TablePanel(FollowingPanel[Rows]):
    """Rows on the left, what they cost on the right."""

    title = "Table"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._seqs: list[int] = []
        self._about = paragraph("")
        self._sums = paragraph("", step=1)
        self._costs = paragraph("", "muted")
        self._double = QPushButton("")
        self._double.setProperty("kind", "link")
        self._double.clicked.connect(lambda: self._go(self.fold.doubled_seq))
        self._rows = TextTable(
            self.tr("Rows that are not done"),
            [self.tr("Row"), self.tr("Customer"), self.tr("State"), self.tr("Held by"), self.tr("Attempts"),
             self.tr("Lease left"), self.tr("Age")],
            numbers=(4, 5, 6),
        )  # fmt: skip
        self._rows.cellActivated.connect(lambda row, _column: self._go_row(row))
        self._rows.cellClicked.connect(lambda row, _column: self._go_row(row))
        self._statements = TextTable(
            self.tr("Statements"), [self.tr("Statement"), self.tr("How often"), self.tr("For each hand-out")],
            numbers=(1, 2),
        )  # fmt: skip
        ways = QWidget()
        line = FlowLayout(ways)
        self._ways: dict[str, QPushButton] = {}
        for name, words in _WAYS.items():
            button = QPushButton(name)
            button.setCheckable(True)
            button.setToolTip(words)
            button.clicked.connect(partial(self._take, name))
            self._ways[name] = button
            line.addWidget(button)
        inside = QWidget()
        column = column_in(inside)
        column.addWidget(ways)
        for part in (self._about, self._sums, self._costs, self._double):
            column.addWidget(part)
        self._rows.setMinimumHeight(theme.scaled(120))
        self._statements.setMinimumHeight(theme.scaled(110))
        self._none = paragraph("", "muted")
        column.addWidget(self._none)
        column.addWidget(self._rows, 3)
        column.addWidget(self._statements, 2)
        self._empty = EmptyState(
            self.tr("No table in this run"),
            self.tr("A database can be a queue: workers take rows with a lease or a lock. Count the statements."),
            icon="table",
            actions=[(self.tr("Run a table as a queue"), self._begin)],
        )
        self._lab = DatabaseLab()
        self._lab.wanted.connect(self._measure)
        self._lab.stopped.connect(self._end)
        real = QWidget()
        column_in(real).addWidget(self._lab)
        self._pages = QStackedWidget()
        for page in (self._empty, inside, real):
            self._pages.addWidget(page)
        self._group = QButtonGroup(self)
        head = QWidget()
        row = FlowLayout(head)
        row.setContentsMargins(theme.UNIT, theme.UNIT, theme.UNIT, 0)
        for index, words in enumerate((self.tr("This run"), self.tr("On a real PostgreSQL"))):
            button = QPushButton(words)
            button.setCheckable(True)
            self._group.addButton(button, index)
            row.addWidget(button)
        self._group.idClicked.connect(self._turn)
        self._here = False
        self._known = 0
        self._job: Job | None = None
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(head)
        layout.addWidget(self._pages, 1)

    def fresh(self) -> Rows:
        return Rows()

    def on_run(self, bench: Bench) -> None:
        super().on_run(bench)
        params = bench.params
        here = params.kind == "table" or (bench.run.kind == "session" and params.backend in ("sqlite", "postgres"))
        self._here = here
        if self._group.checkedId() != 1 or here:
            self._turn(0)
        for name, button in self._ways.items():
            button.setChecked(params.take == name)
            button.setVisible(bench.run.kind == "world")
        told = [_WAYS.get(params.take, ""), _NOTIFY.get(params.notify, "")] if bench.run.kind == "world" else [
            self.tr("The rows of the real database, as its workers told.")
        ]  # fmt: skip
        self._about.setText(" ".join(told))

    def _turn(self, page: int) -> None:
        """This run, or the experiments."""
        self._pages.setCurrentIndex(2 if page == 1 else int(self._here))
        self._group.button(page).setChecked(True)

    def _measure(self, what: str) -> None:
        if self._job is not None:
            return
        action = Action("microscope", {"what": what})
        self._job = do_for_real(lambda: self.bench, self.tr("A database as a queue"), action, self._lab.tell)
        if self._job is not None:
            self._job.finished.connect(self._over)

    def _over(self) -> None:
        self._job = None

    def _end(self) -> None:
        if self.bench is not None and self.bench.run.kind == "session":
            self.bench.do(Action("stop_measuring"))

    def unbind(self) -> None:
        if self._job is not None:
            self._job.cancel()
        super().unbind()

    def draw(self) -> None:
        bench = self.bench
        if bench is None:
            return
        fold = self.fold
        self._lab.show_experiments(fold.experiments, busy=self._job is not None, measuring=bool(fold.measuring))
        if len(fold.experiments) != self._known:
            self._known = len(fold.experiments)
            if fold.experiments:
                self._turn(1)
        at = bench.trace[bench.at].at if 0 <= bench.at < len(bench.trace) else 0
        rows = fold.open_rows()
        done = sum(row.state == "done" for row in fold.rows.values())
        words = self.tr("{p} pending · {t} taken · {d} done").replace("{d}", f"{done:,}")
        taken = sum(row.state == "taken" for row in rows)
        self._sums.setText(words.replace("{p}", f"{len(rows) - taken:,}").replace("{t}", f"{taken:,}"))
        locks = [f"{who}: {', '.join(names[:3])}" for who, names in fold.locks().items()]
        parts = []
        if fold.deliveries and fold.statements:
            parts.append(self.tr("{n} statements for each hand-out").replace("{n}", f"{fold.per_message:.1f}"))
        if fold.asks:
            parts.append(self.tr("{m} of {n} asks found nothing").replace("{m}", f"{fold.for_nothing:,}")
                         .replace("{n}", f"{fold.asks:,}"))  # fmt: skip
        if fold.pickups:
            words = self.tr("picked up after {a} (p50), {b} (p95)")
            words = words.replace("{a}", format_us(fold.pickup(50)))
            parts.append(words.replace("{b}", format_us(fold.pickup(95))))
        parts.append(self.tr("held by {who}").replace("{who}", "; ".join(locks) or self.tr("nobody")))
        self._costs.setText(" · ".join(parts))
        self._double.setVisible(fold.doubled > 0)
        words = self.tr("✗ {n} rows were taken while another worker held them: show the first")
        self._double.setText(words.replace("{n}", str(fold.doubled)))
        shown = rows[:_SHOWN]
        self._seqs = [row.seq for row in shown]
        cells = [
            [
                row.message, row.key, "▸ taken" if row.state == "taken" else "· pending",
                ", ".join(row.holders.values()), str(row.attempts or ""),
                _left(row.until_us, at) if row.holders else "", format_us(max(0, at - row.stored_us)),
            ]
            for row in shown
        ]  # fmt: skip
        self._rows.show_rows(cells, [i for i, row in enumerate(shown) if len(row.holders) > 1])
        self._rows.setVisible(bool(rows))
        self._none.setVisible(not rows)
        self._none.setText(
            self.tr("No row is open: all that came are done.") if done else self.tr("No row was inserted yet.")
        )
        hand = max(fold.deliveries, 1)
        self._statements.show_rows(
            [[sql, f"{count:,}", f"{count / hand:.2f}"] for sql, count in sorted(fold.statements.items())]
        )

    def _take(self, name: str) -> None:
        if self.bench is not None:
            self.bench.set_params({"take": name})

    def _begin(self) -> None:
        if self.bench is not None:
            knobs = {"kind": "table", "messages": 60, "rate": 40.0, "consumers": 3, "work_ms": 60.0, "poll_ms": 100}
            self.bench.start({**knobs, "take": "naive", "handler": "ack last"}, self.bench.seed)

    def _go_row(self, row: int) -> None:
        if 0 <= row < len(self._seqs):
            self._go(self._seqs[row])

    def _go(self, seq: int) -> None:
        if self.bench is not None and seq >= 0:
            self.bench.seek(seq)

    def outline(self) -> str:
        if self._pages.currentIndex() == 2:
            return self._lab.outline()
        if self._pages.currentIndex() == 0:
            return self.tr("No table in this run.")
        return f"{self._about.text()} {self._sums.text()}. {self._costs.text()}."

    def on_theme(self) -> None:
        self._rows.setMinimumHeight(theme.scaled(120))
        self._statements.setMinimumHeight(theme.scaled(110))
        self._lab.resize_table()
        super().on_theme()


def _left(until_us: int, now_us: int) -> str:
    if not until_us:
        return "no lease"
    return format_us(until_us - now_us) if until_us > now_us else "over"
