"""Step 1: from where, to where, how, and what it would cost."""

from __future__ import annotations

from dataclasses import asdict

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QLineEdit,
    QPushButton,
    QSpinBox,
    QWidget,
)

from prayog_migration.engine.setup import Setup
from prayog_migration.panels.course import Course
from prayog_migration.panels.page import Asks, Page, row_of, tone
from prayog_migration.panels.scores import scores
from prayog_migration.panels.strategy_cards import StrategyCards
from prayog_migration.panels.words import bytes_in_words, count_in_words
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.state import paragraph

__all__ = ["PlanPage"]

_FILE, _URL = "file", "url"
_SOURCES = (
    ("Demo shop on SQLite", "shop", "sqlite"), ("Demo shop on PostgreSQL", "shop", "postgresql"),
    ("Demo shop on MariaDB", "shop", "mysql"), ("Nasty: everything that breaks copies", "nasty", "sqlite"),
    ("A SQLite file of your own", _FILE, ""), ("A database of your own, by URL", _URL, ""),
)  # fmt: skip
_TARGETS = (
    ("PostgreSQL, the lab’s own", "postgresql", ""), ("A new SQLite file", "sqlite", ""),
    ("MariaDB, a database of the lab’s", "mysql", ""), ("A SQLite file of your own", _FILE, ""),
    ("A database of your own, by URL", _URL, ""),
)  # fmt: skip
_HINTS = {_FILE: "Path of the file", _URL: "postgresql://user:password@host/database or mysql://…"}


class _Place(QWidget):
    """One side: a kind of place, and its path or address where it is the learner's own."""

    def __init__(self, name: str, kinds: tuple[tuple[str, str, str], ...]) -> None:
        super().__init__()
        self._kinds = kinds
        self.kind = QComboBox()
        self.kind.setAccessibleName(name)
        self.kind.addItems([title for title, _, _ in kinds])
        self.kind.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.kind.setMinimumContentsLength(24)
        self.own = QLineEdit()
        self.own.setAccessibleName(f"{name}: path or address")
        self.own.setMinimumWidth(theme.scaled(220))
        self._choose = QPushButton("Choose…")
        self._choose.setAccessibleName(f"Choose a file for {name}")
        self._choose.clicked.connect(self._ask)
        layout = FlowLayout(self)
        for part in (self.kind, self.own, self._choose):
            layout.addWidget(part)
        self.kind.currentIndexChanged.connect(self._show)
        self._show()

    def _show(self) -> None:
        what = self._kinds[self.kind.currentIndex()][1]
        own = what in (_FILE, _URL)
        self.own.setVisible(own)
        self.own.setPlaceholderText(_HINTS.get(what, ""))
        self._choose.setVisible(what == _FILE)

    def _ask(self) -> None:
        kinds = "SQLite (*.db *.sqlite *.sqlite3);;All files (*)"
        dialog = QFileDialog(self.window(), "A SQLite database", self.own.text(), kinds)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.own.setText)
        dialog.open()

    def value(self) -> tuple[str, str]:
        """What the knobs get: (place, dialect of a demo source)."""
        _, what, dialect = self._kinds[self.kind.currentIndex()]
        if what in (_FILE, _URL):
            from prayog_migration.engine.real.secrets import keep

            return keep(self.own.text().strip()), ""
        return what, dialect

    def show_value(self, place: str, dialect: str) -> None:
        """Show what a run has."""
        for index, (_, what, wanted) in enumerate(self._kinds):
            if what == place and wanted in ("", dialect):
                self.kind.setCurrentIndex(index)
                return
        own = _URL if "://" in place else _FILE
        self.kind.setCurrentIndex(next(i for i, kind in enumerate(self._kinds) if kind[1] == own))
        self.own.setText(place)


class PlanPage(Page):
    """The form, the cards, and the two buttons."""

    name = "plan"

    def __init__(self, asks: Asks) -> None:
        super().__init__(asks)
        self.source = _Place("Source", _SOURCES)
        self.target = _Place("Target", _TARGETS)
        self.rows = QSpinBox()
        self.rows.setRange(1_000, 10_000_000)
        self.rows.setGroupSeparatorShown(True)
        self.writers = QSpinBox()
        self.writers.setRange(0, 8)
        self.freeze = QDoubleSpinBox()
        self.freeze.setRange(0.5, 60)
        self.freeze.setSuffix(" s")
        for box, told in (
            (self.rows, "Rows of the shop"), (self.writers, "Writers on the demo source"),
            (self.freeze, "Longest freeze that is allowed"),
        ):  # fmt: skip
            box.setAccessibleName(told)
            box.lineEdit().setTextMargins(theme.UNIT, 0, 0, 0)  # the style sheet’s padding does not reach it
            box.setMinimumWidth(theme.scaled(110))
        self._offered: Setup | None = None
        self._told = paragraph("")
        self._go_on = QPushButton("Go on with it")
        self._go_on.setToolTip("It stands where it was left, closed or killed: the target remembers")
        self._go_on.clicked.connect(self._continue)
        self._offer = row_of(self._go_on, self._told)
        self._offer.hide()
        self.body.addWidget(self._offer)
        form = QFormLayout()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("From", self.source)
        form.addRow("To", self.target)
        numbers = row_of(
            self.rows, paragraph("rows in the shop", "muted"), self.writers, paragraph("writers", "muted"),
            self.freeze, paragraph("longest freeze", "muted"),
        )  # fmt: skip
        form.addRow("How much", numbers)
        self.body.addLayout(form)
        self._begin, self._probe = self.buttons(
            (
                (
                    "Begin this migration",
                    self._start,
                    "Makes the demo databases, or looks at yours; changes nothing yet",
                ),
                ("Probe for two seconds", lambda: asks.act("probe"), "Measures this machine; the cards then say costs"),
            ),
            primary=0,
        )
        self._facts = paragraph("", "muted")
        self.body.addWidget(self._facts)
        self.cards = StrategyCards()
        self.cards.chosen.connect(self._chosen)
        self.body.addWidget(self.cards)
        self._strategy = Setup().strategy

    def show_setup(self, setup: Setup) -> None:
        """What the run on the bench has."""
        self.source.show_value(setup.source, setup.source_on)
        self.target.show_value(setup.target, "")
        self.rows.setValue(setup.rows)
        self.writers.setValue(setup.writers)
        self.freeze.setValue(setup.freeze_s)
        self._chosen(setup.strategy)

    def offer(self, setup: Setup | None) -> None:
        """Offer to go on with a migration that was begun and not cleaned up."""
        self._offered = setup
        self._offer.setVisible(setup is not None)
        if setup is not None:
            rows = f", {setup.rows:,} rows" if setup.source == "shop" else ""
            words = f"A migration was begun and not finished: {setup.source} → {setup.target}{rows}."
            self._told.setText(words)
            tone(self._go_on, "primary")
            tone(self._begin, "")

    def _continue(self) -> None:
        if self._offered is not None:
            self.asks.begin(**asdict(self._offered))

    def _chosen(self, strategy: str) -> None:
        self._strategy = strategy
        self.cards.choose(strategy)

    def _start(self) -> None:
        (source, on), (target, _) = self.source.value(), self.target.value()
        if not source or not target:
            self.asks.say("Name the file or the address of your own database first.")
            return
        self.asks.begin(
            source=source, source_on=on or "sqlite", target=target, rows=self.rows.value(),
            writers=self.writers.value(), strategy=self._strategy, freeze_s=self.freeze.value(), choices="",
        )  # fmt: skip

    def draw(self, course: Course) -> None:
        self._begin.setText("Begin with these choices" if course.started else "Begin this migration")
        self._probe.setEnabled(bool(course.started))
        probed = course.probed
        if probed.get("rows_s"):
            self._facts.setText(
                f"Measured here: {count_in_words(probed['rows'])} rows ({bytes_in_words(probed['bytes'])}); "
                f"{count_in_words(probed['rows_s'])} rows/s as the wizard loads, "
                f"{count_in_words(probed['raw_rows_s'])} rows/s as fast as anybody can; "
                f"{count_in_words(probed['apply_s'])} changes/s applied; one commit {probed['commit_ms']:.1f} ms."
            )
        elif course.started:
            at = course.started
            self._facts.setText(f"From {at.get('source_at', '')} to {at.get('target_at', '')}.")
        else:
            self._facts.setText("Nothing has begun. The demo databases are made by the first button.")
        happened = {line[0]: line[2] for line in scores(course)}
        words = ", ".join(f"{title.lower()} {happened[title]}" for title in ("Freeze", "Work of the wizard")
                          if title in happened)  # fmt: skip
        measured = {str(course.started.get("strategy")): words} if words else {}
        self.cards.show_costs({one["strategy"]: one for one in probed.get("forecasts", ())}, measured)

    def lead(self, course: Course) -> None:
        """Begin, then probe, then go on."""
        super().lead(course)
        if self._offered is not None and not course.started:
            tone(self._begin, "")
        if course.started and not course.probed and not course.facts.get("planned"):
            tone(self._probe, "primary")
            tone(self._onward, "")
        else:
            tone(self._probe, "")

    def words(self) -> str:
        return f"{self._facts.text()} Chosen strategy: {self._strategy}."
