"""Step 6: changes flow; how far behind, how quick, and when a switch-over would be short."""

from __future__ import annotations

from PySide6.QtWidgets import QLabel, QSpinBox

from prayog_migration.panels.course import Course
from prayog_migration.panels.lag_view import LagView
from prayog_migration.panels.page import Asks, Page, row_of
from prayog_migration.panels.words import bytes_in_words, count_in_words, seconds_in_words
from prayog_sdk.qt import theme
from prayog_sdk.qt.state import paragraph

__all__ = ["SyncPage"]


class SyncPage(Page):
    """Plot, figures, and the writers of the demo shop."""

    name = "sync"

    def __init__(self, asks: Asks) -> None:
        super().__init__(asks)
        self._go, self._pause = self.buttons(
            (
                (
                    "Follow the changes",
                    lambda: asks.act("sync"),
                    "Applies what the application wrote since the copy began",
                ),
                ("Pause", self._toggle, "The log keeps what waits"),
            ),
            primary=0,
        )
        self._paused = False
        self._sum = paragraph("")
        self.body.addWidget(self._sum)
        self._plot = LagView()
        self.body.addWidget(self._plot, 1)
        self._figures = paragraph("")
        self.body.addWidget(self._figures)
        self._writers = QSpinBox()
        self._writers.setRange(0, 8)
        self._writers.lineEdit().setTextMargins(theme.UNIT, 0, 0, 0)
        self._writers.setAccessibleName("Writers on the demo shop")
        self._writers.valueChanged.connect(lambda count: asks.act("traffic", writers=count))
        self.body.addWidget(row_of(QLabel("Writers on the demo shop"), self._writers))
        self._traffic = paragraph("", "muted")
        self.body.addWidget(self._traffic)

    def _toggle(self) -> None:
        self.asks.act("resume" if self._paused else "pause")

    def draw(self, course: Course) -> None:
        self._paused = course.paused
        self._pause.setText("Go on" if course.paused else "Pause")
        self._plot.show_lags(list(course.lags))
        self._writers.blockSignals(True)
        self._writers.setValue(course.writers)
        self._writers.blockSignals(False)
        self._writers.setEnabled(bool(course.started.get("demo")))
        if not course.lags:
            self._sum.setText("Changes are captured from the moment before the copy; they are applied from here on.")
            self._figures.setText("")
        else:
            last = course.lags[-1]
            caught = bool(course.facts.get("caught_up"))
            waits = f"{last.changes:,} changes" if last.changes >= 0 else bytes_in_words(last.bytes)
            self._sum.setText(
                f"{'✓ Caught up: a switch-over would be short now. ' if caught else 'Catching up. '}{waits} wait, "
                f"{seconds_in_words(last.behind_us / 1e6)} behind."
            )
            drain = f"; drained in about {seconds_in_words(last.changes / last.applied_s)}" if (
                last.changes > 0 and last.applied_s > 0
            ) else ""  # fmt: skip
            cap = f" of at most {bytes_in_words(last.cap_bytes)}" if last.cap_bytes > 0 else ""
            kept = (
                f"; the source keeps {bytes_in_words(last.kept_bytes)} of its log for us{cap}"
                if last.kept_bytes >= 0
                else ""
            )
            self._figures.setText(f"{count_in_words(last.applied_s)} changes/s applied{drain}{kept}.")
        if course.reconciled:
            one = course.reconciled
            words = f"Reconciled: lost {one['lost']}, duplicated {one['duplicated']}, quarantined {one['quarantined']}."
            self._figures.setText(f"{self._figures.text()} {words}".strip())
        told = course.traffic
        if told:
            self._traffic.setText(
                f"The application: {told.get('written', 0):,} written, {told.get('refused', 0):,} refused and retried, "
                f"{told.get('failed', 0):,} failed; 99 of 100 within {told.get('p99_us', 0) / 1e3:,.0f} ms; uses the "
                f"{told.get('side', 'source')}."
            )
        else:
            self._traffic.setText("Nobody writes to the source now.")

    def words(self) -> str:
        return f"{self._sum.text()} {self._figures.text()} {self._traffic.text()}"
