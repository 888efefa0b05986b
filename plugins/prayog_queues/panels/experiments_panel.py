"""Experiments that need many small runs: every crash point with every strategy, and one job in five ways."""

from __future__ import annotations

from functools import partial

from PySide6.QtWidgets import QButtonGroup, QPushButton, QStackedWidget, QWidget

from prayog_queues.panels.matrix_page import MatrixPage
from prayog_queues.panels.ways_page import WaysPage
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.scrolled import column_in

__all__ = ["ExperimentsPanel"]


class ExperimentsPanel(Panel):
    """Two pages behind two buttons."""

    title = "Experiments"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.matrix, self.ways = MatrixPage(), WaysPage()
        self._pages = QStackedWidget()
        head = QWidget()
        row = FlowLayout(head)
        self._group = QButtonGroup(self)
        pages: list[tuple[str, QWidget]] = [(self.tr("Crash points"), self.matrix), (self.tr("Five ways"), self.ways)]
        for index, (words, page) in enumerate(pages):
            button = QPushButton(words)
            button.setCheckable(True)
            button.setChecked(index == 0)
            button.clicked.connect(partial(self._pages.setCurrentIndex, index))
            self._group.addButton(button)
            row.addWidget(button)
            self._pages.addWidget(page)
        column = column_in(self)
        column.addWidget(head)
        column.addWidget(self._pages, 1)

    def bind(self, bench: Bench) -> None:
        self.matrix.bind(bench)
        self.ways.bind(bench)
        super().bind(bench)

    def on_run(self, bench: Bench) -> None:
        self.matrix.on_run(bench)

    def on_theme(self) -> None:
        self.matrix.recolour()
        self.ways.resize_tables()

    def unbind(self) -> None:
        self.matrix.release()
        self.ways.release()
        super().unbind()

    def outline(self) -> str:
        return self.matrix.outline() if self._pages.currentIndex() == 0 else self.ways.outline()
