"""Tables to look up, each line with its clause; a line that the run on the bench can show is run from here."""

from __future__ import annotations

from typing import cast

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLineEdit, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from prayog_protocols.engine.reference import TABLES, Line
from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.state import paragraph
from prayog_sdk.qt.texttable import TextTable
from prayog_sim.run import Action

__all__ = ["WordsPanel"]


class WordsPanel(Panel):
    """One table at a time."""

    title = "Words"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._lines: list[Line] = []
        self.which = QComboBox()
        self.which.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.which.setAccessibleName("Table")
        self.which.addItems([table.title for table in TABLES])
        self.which.currentIndexChanged.connect(lambda _n: self._fill())
        self.search = QLineEdit()
        self.search.setPlaceholderText("Find in this table")
        self.search.setAccessibleName("Find in this table")
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(lambda _text: self._fill())
        self.run_line = QPushButton("Run this line")
        self.run_line.clicked.connect(self._run)
        self.about = paragraph("", "muted")
        self.tables = QStackedWidget()
        for one in TABLES:  # the column that explains takes the room that is left
            letters = [sum(map(len, cells)) for cells in zip(*(line.cells for line in one.lines), strict=True)]
            table = TextTable(one.title, one.heads, wrapped=letters.index(max(letters)))
            table.itemSelectionChanged.connect(self._allow)
            self.tables.addWidget(table)
        bar = QHBoxLayout()
        bar.setSpacing(theme.UNIT)
        bar.addWidget(self.which)
        bar.addWidget(self.search, 1)
        bar.addWidget(self.run_line)
        column = QVBoxLayout(self)
        column.setContentsMargins(*(theme.UNIT,) * 4)
        column.addLayout(bar)
        column.addWidget(self.about)
        column.addWidget(self.tables, 1)

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        self._fill()

    def on_run(self, bench: Bench) -> None:
        self._allow()

    def _fill(self) -> None:
        table, words = TABLES[self.which.currentIndex()], self.search.text().lower().split()
        self._lines = [line for line in table.lines if all(word in " ".join(line.cells).lower() for word in words)]
        self.about.setText(table.about)
        self.tables.setCurrentIndex(self.which.currentIndex())
        self.table.show_rows([line.cells for line in self._lines])
        self._allow()

    @property
    def table(self) -> TextTable:
        """The one that is shown."""
        return cast(TextTable, self.tables.currentWidget())

    def _action(self) -> Action | None:
        """What the run can do to show the chosen line."""
        row = self.table.currentRow()
        if self.bench is None or not 0 <= row < len(self._lines):
            return None
        known = {spec.name for spec in self.bench.actions}
        for name, args in self._lines[row].actions:
            if name in known:
                return Action(name, args)
        return None

    def _allow(self) -> None:
        able = self._action() is not None
        self.run_line.setEnabled(able)
        hint = "Send it, and see the packets" if able else "The experiment on the bench cannot show this line"
        self.run_line.setToolTip(hint)

    def _run(self) -> None:
        action = self._action()
        if action is not None and self.bench is not None:
            self.bench.do(action)

    def outline(self) -> str:
        return f"{self.which.currentText()}: {self.about.text()}"

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(280), theme.scaled(160))
