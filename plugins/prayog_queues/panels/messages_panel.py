"""The inspector: all messages, and the life of the one that is chosen, from its publishing to its effect.

It reads the run and asks no broker, so looking changes no delivery count.  *Look into its queue* does ask the broker,
twice in a row: the badge says whether the attempts that it told were the same both times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QPushButton,
    QSplitter,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from prayog_queues.engine.lifecycle import STATES, Life, Lives, cloud_event
from prayog_queues.engine.setup import Setup
from prayog_queues.engine.snippet import as_test
from prayog_queues.panels.following import FollowingPanel
from prayog_queues.panels.life_model import LifeModel
from prayog_sdk.qt import theme
from prayog_sdk.qt.collapse import Fold
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.clock import format_us
from prayog_sim.run import Action
from prayog_sim.trace import Step

__all__ = ["MessagesPanel"]

_EVERY_MS = 120


def looks(steps: Sequence[Step]) -> Iterator[Mapping[str, Any]]:
    """What the broker told to those who looked."""
    for step in steps:
        if step.kind == "looked":
            yield step.data
        yield from (effect.data for effect in step.effects if effect.kind == "looked")


class MessagesPanel(FollowingPanel[Lives]):
    """Filter, table, timeline."""

    title = "Messages"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._chosen = ""
        self._moments: list[int] = []
        self._looked: int | None = None
        self._find = QLineEdit()
        self._find.setPlaceholderText(self.tr("Id or customer"))
        self._find.setAccessibleName(self.tr("Find messages by id or customer"))
        self._find.setClearButtonEnabled(True)
        self._find.setMinimumWidth(theme.scaled(150))
        self._find.textChanged.connect(lambda _text: self._list())
        self._state = QComboBox()
        self._state.setAccessibleName(self.tr("Show messages in this state"))
        self._state.addItem(self.tr("every state"), "")
        for state in STATES:
            self._state.addItem(state, state)
        self._state.currentIndexChanged.connect(lambda _index: self._list())
        self._count = paragraph("", "muted")
        self._copy = QPushButton(self.tr("Copy as test"))
        self._copy.setToolTip(self.tr("A .lab script with this run’s knobs, seed and actions, and what became of it"))
        self._copy.clicked.connect(self._copy_test)
        self._redrive = QPushButton(self.tr("Send back"))
        self._redrive.setToolTip(self.tr("From the dead letters to the queue where it died"))
        self._redrive.clicked.connect(self._send_back)
        self._look = QPushButton(self.tr("Look into its queue"))
        self._look.clicked.connect(self._look_into)
        self._badge = paragraph("", "good")
        head = QWidget()
        row = FlowLayout(head)
        for widget in (self._find, self._state, self._copy, self._redrive, self._look):
            row.addWidget(widget)
        self._model = LifeModel([
            self.tr("Message"), self.tr("Customer"), self.tr("State"), self.tr("Queue"), self.tr("Held by"),
            self.tr("Attempts"), self.tr("Effects"), self.tr("Took"),
        ])  # fmt: skip
        self._table = self._make_table()
        self._title = paragraph(self.tr("Choose a message to see its life."), "muted")
        self._story = TextTable(
            self.tr("Life of the message"), [self.tr("Time"), self.tr("What"), self.tr("In words")], wrapped=2
        )
        self._story.cellActivated.connect(lambda row, _column: self._go(row))
        self._story.cellClicked.connect(lambda row, _column: self._go(row))
        below = QWidget()
        inside = QVBoxLayout(below)
        inside.setContentsMargins(0, 0, 0, 0)
        self._envelope = paragraph("")
        self._envelope.setFont(theme.mono())
        self._fold_envelope = Fold(self.tr("The message as a CloudEvent"), self._envelope)
        inside.addWidget(self._title)
        inside.addWidget(self._fold_envelope)
        inside.addWidget(self._story, 1)
        self._parts = QSplitter(Qt.Orientation.Vertical)
        self._parts.addWidget(self._table)
        self._parts.addWidget(below)
        self._parts.setChildrenCollapsible(False)
        self._parts.setMinimumHeight(theme.scaled(240))
        layout = column_in(self)
        layout.addWidget(head)
        layout.addWidget(self._count)
        layout.addWidget(self._badge)
        layout.addWidget(self._parts, 1)
        self._badge.hide()
        self._timer = QTimer(self, singleShot=True, interval=_EVERY_MS)
        self._timer.timeout.connect(self._list)
        self._enable(None)

    def _make_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self._model)
        table.setAccessibleName(self.tr("Messages"))
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setTabKeyNavigation(False)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(max(24, theme.scaled(24)))
        table.horizontalHeader().setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        table.horizontalHeader().setStretchLastSection(True)
        table.selectionModel().currentRowChanged.connect(self._choose)
        self._size_columns(table)
        return table

    @staticmethod
    def _size_columns(table: QTableView) -> None:
        for column, width in enumerate((84, 84, 92, 110, 72, 72, 64)):
            table.setColumnWidth(column, theme.scaled(width))

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        bench.signals.selection_changed.connect(self._selected)

    def _selected(self, name: str) -> None:
        """A message was chosen elsewhere: in the flow, or in the verdict."""
        if self._follower is not None and name in self.fold.lives and name != self._chosen:
            self.choose(name)

    def fresh(self) -> Lives:
        return Lives()

    def on_run(self, bench: Bench) -> None:
        super().on_run(bench)
        self._chosen, self._looked = "", None
        self._enable(None)
        self._badge.hide()

    def unbind(self) -> None:
        self._timer.stop()
        if self.bench is not None:
            self.bench.signals.selection_changed.disconnect(self._selected)
        super().unbind()

    # -- showing -----------------------------------------------------------------------------------------------

    def draw(self) -> None:
        if not self._timer.isActive():
            self._timer.start()
        if self._looked is not None:
            self._judge_look()

    def _list(self) -> None:
        """Fill the table: at most eight times a second."""
        if self.bench is None or self._follower is None:
            return
        rows = self.fold.select(self._find.text().strip(), self._state.currentData() or "")
        self._model.show(rows)
        total = len(self.fold.lives)
        words = self.tr("Messages: {n}") if len(rows) == total else self.tr("Messages: {m} of {n}")
        self._count.setText(words.replace("{n}", f"{total:,}").replace("{m}", f"{len(rows):,}"))
        self._tell()

    def _choose(self, index: QModelIndex, _before: QModelIndex) -> None:
        if 0 <= index.row() < len(self._model.rows):
            self._chosen = self._model.rows[index.row()].id
            self._tell()

    def choose(self, message: str) -> None:
        """Show the life of `message`."""
        self._chosen = message
        self._list()
        row = next((i for i, life in enumerate(self._model.rows) if life.id == message), -1)
        if row >= 0:
            flags = QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
            self._table.selectionModel().setCurrentIndex(self._model.index(row, 0), flags)

    def _tell(self) -> None:
        """The life of the chosen message."""
        life = self.fold.lives.get(self._chosen)
        self._enable(life)
        if life is None or self.bench is None:
            self._title.setText(self.tr("Choose a message to see its life."))
            self._story.show_rows([])
            self._moments = []
            self._fold_envelope.hide()
            return
        story = self.fold.story(life.id, self.bench.trace)
        self._moments = [moment.seq for moment in story]
        strong = [i for i, moment in enumerate(story) if moment.tone == "bad" or moment.title.startswith("Effect")]
        self._story.show_rows([[format_us(m.at), m.title, m.sentence] for m in story], strong)
        parts = [f"{life.id}, number {life.number} of {life.key or '–'}: {STATES.get(life.state, life.state)}."]
        if life.deaths:
            words = self.tr("{n} deaths, none overwritten.") if life.deaths > 1 else self.tr("One death so far.")
            parts.append(words.replace("{n}", str(life.deaths)))
        tree = list(self.fold.tree(life.id))
        if len(tree) > 1:
            shown = " · ".join(f"{'↳' * depth}{name}" for depth, name in tree[:12])
            parts.append(self.tr("Caused: {tree}").replace("{tree}", shown))
        self._title.setText(" ".join(parts))
        message = self.fold.envelope(life.id, self.bench.trace)
        rows = [] if message is None else cloud_event(message)
        self._envelope.setText("\n".join(f"{name}: {value}" for name, value in rows))
        self._fold_envelope.setVisible(bool(rows))

    def _enable(self, life: Life | None) -> None:
        names = {spec.name for spec in self.bench.actions} if self.bench is not None else set()
        self._copy.setEnabled(life is not None)
        self._redrive.setEnabled(life is not None and life.state == "dead" and "redrive" in names)
        self._look.setEnabled("look_into" in names)

    def _go(self, row: int) -> None:
        if self.bench is not None and 0 <= row < len(self._moments):
            self.bench.seek(self._moments[row])

    # -- doing -------------------------------------------------------------------------------------------------

    def _copy_test(self) -> None:
        life, bench = self.fold.lives.get(self._chosen), self.bench
        if life is None or bench is None:
            return
        plain = asdict(Setup())
        knobs = {name: value for name, value in asdict(bench.params).items() if value != plain.get(name)}
        end = bench.trace[bench.at].at if bench.at >= 0 else 0
        done = [timed for timed in bench.run.actions if timed.after <= bench.at]
        QGuiApplication.clipboard().setText(as_test(life, knobs, bench.seed, done, end, bench.run.kind))
        bench.say(self.tr("The test is on the clipboard: save it as a .lab file."))

    def _send_back(self) -> None:
        life, bench = self.fold.lives.get(self._chosen), self.bench
        if life is not None and bench is not None:
            bench.do(Action("redrive", {"queue": life.grave, "message": life.id, "node": "broker"}))

    def _look_into(self) -> None:
        """Ask the broker twice what waits: a look that counts as a hand-out shows in the second answer."""
        life, bench = self.fold.lives.get(self._chosen), self.bench
        if bench is None:
            return
        queue = life.queue if life is not None and life.state in ("waiting", "dead", "in hand") else ""
        self._looked = len(bench.trace)
        for _ in range(2):
            bench.do(Action("look_into", {"queue": queue, "node": "broker"}))

    def _judge_look(self) -> None:
        bench, since = self.bench, self._looked
        if bench is None or since is None:
            return
        told = [dict(map(tuple, data["messages"])) for data in looks(bench.trace[since:])]
        if len(told) < 2:
            return
        self._looked = None
        changed = [name for name, attempts in told[0].items() if told[1].get(name, attempts) != attempts]
        if changed:
            words = self.tr("✗ Looking counted as a hand-out of {names}.").replace("{names}", ", ".join(changed[:5]))
        else:
            words = self.tr("✓ Looking changed no delivery count: the broker told the same attempts twice, {which}.")
            shown = ", ".join(f"{name}: {attempts}" for name, attempts in list(told[0].items())[:3])
            words = words.replace("{which}", shown or self.tr("nothing waits"))
        self._badge.setProperty("kind", "bad" if changed else "good")
        self._badge.style().polish(self._badge)
        self._badge.setText(words)
        self._badge.show()

    # -- files and words ---------------------------------------------------------------------------------------

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        def table(path: Path) -> None:
            lines = ["message,key,number,state,queue,attempts,effects,deaths,published_us,end_to_end_us"]
            lines += [
                ",".join(map(str, (x.id, x.key, x.number, x.state, x.queue, x.attempts, x.effects, x.deaths,
                                   x.published_us, x.end_to_end_us)))
                for x in self.fold.lives.values()
            ]  # fmt: skip
            path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")

        return {"csv": table} if self.bench is not None else {}

    def outline(self) -> str:
        if self.bench is None or self._follower is None:
            return ""
        told = [self._count.text(), self._title.text()]
        told += [f"{m.title}: {m.sentence}" for m in self.fold.story(self._chosen, self.bench.trace)]
        return "\n".join(told)

    def on_theme(self) -> None:
        self._parts.setMinimumHeight(theme.scaled(240))
        self._table.verticalHeader().setDefaultSectionSize(max(24, theme.scaled(24)))
        self._size_columns(self._table)
        super().on_theme()
