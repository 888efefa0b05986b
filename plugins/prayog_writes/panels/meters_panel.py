"""Amplification along the run: measured, with the formula drawn beside it; and level 0 with its stall thresholds.

Each is a fraction; what is above and below the line stands under the curve, with its numbers at the shown moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QCheckBox, QStackedLayout, QWidget

from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.reader import TraceReader
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.state import EmptyState, paragraph
from prayog_sim.run import View
from prayog_sim.trace import Step
from prayog_writes.course import Course, Moment
from prayog_writes.panels.halves import Halves
from prayog_writes.panels.plot import Curve, Plot, legend

__all__ = ["MetersPanel"]

_EVERY_MS = 150
_NARROW = 420
_TITLES = {
    "write": "Write amplification", "read": "Read amplification", "space": "Space amplification", "l0": "Tables in L0",
}  # fmt: skip
_LIMITS = (("trigger", "compact"), ("slowdown", "delay"), ("stop", "stop"))
_SMALL = "Small data shows small amplification: it takes some levels to see the formula."


class MetersPanel(Panel):
    """Four small plots over the bytes that the user wrote."""

    title = "Amplification"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._course = Course()
        self._shown: tuple[int, int, bool] | None = None
        self._reader = TraceReader(self._take, self)
        self._reader.grown.connect(lambda _through: self._soon())
        self._timer = QTimer(self, singleShot=True, interval=_EVERY_MS)
        self._timer.timeout.connect(self._draw)
        self._with_log = QCheckBox(self.tr("Count the log as written"))
        self._with_log.toggled.connect(lambda _on: self._draw())
        self._legend = paragraph("", "muted")
        self._legend.setTextFormat(Qt.TextFormat.RichText)
        self._plots = {name: Plot(self.tr(title), "") for name, title in _TITLES.items()}
        for plot in self._plots.values():
            plot.clicked.connect(self._go_to)
        self._rows = tuple(
            Halves(self._plots[a], self._plots[b], _NARROW) for a, b in (("write", "read"), ("space", "l0"))
        )  # fmt: skip
        self._fractions = paragraph("", "muted")
        page = QWidget()
        column = column_in(page)
        head = QWidget()
        row = FlowLayout(head)
        row.addWidget(self._with_log)
        column.addWidget(head)
        column.addWidget(self._legend)
        for halves in self._rows:
            column.addWidget(halves, 1)
        column.addWidget(self._fractions)
        column.addWidget(paragraph(self.tr(_SMALL), "muted"))
        self._empty = EmptyState(
            self.tr("Nothing was measured yet"), self.tr("Run a workload: the meters grow as it goes on."), icon="plot"
        )
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self._empty)
        self._pages.addWidget(page)

    # -- the bench -----------------------------------------------------------------------------------------------

    def on_run(self, bench: Bench) -> None:
        self._course, self._shown = Course(), None
        self._reader.begin(bench.trace)
        self._pages.setCurrentIndex(0)

    def _take(self, step: Step) -> None:
        self._course.take(step)

    def on_step(self, step: Step) -> None:
        """The trace is read in `on_frame`."""

    def on_frame(self) -> None:
        self._reader.go_on()
        self._show_moment()

    def on_seek(self, view: View) -> None:
        """The moment is shown with the next frame."""

    def on_theme(self) -> None:
        for plot in self._plots.values():
            plot.restyle()
        self._fractions.setMinimumHeight(0)
        self._shown = None
        self._draw()

    def unbind(self) -> None:
        super().unbind()
        self._reader.stop()
        self._timer.stop()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for row in self._rows:
            row.fit(self.width())

    def _soon(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    # -- drawing -------------------------------------------------------------------------------------------------

    def _name(self, meter: str) -> str:
        return "write_with_log" if meter == "write" and self._with_log.isChecked() else meter

    def _draw(self) -> None:
        moments = self._course.moments
        if not moments or self.bench is None:
            return
        self._pages.setCurrentIndex(1)
        limits = self.bench.view().facts.get("limits", {})
        for meter, plot in self._plots.items():
            points = _points(moments, self._name(meter))
            curves = [Curve(self.tr("measured"), "M", points, 0)] if points else []
            band, lines = _theory(moments, meter), []
            if band:
                curves.append(Curve(self.tr("formula, typical"), "F", [(x, low) for x, low, _ in band], 1))
            if meter == "l0":
                lines = [
                    (limits[name], f"{self.tr(words)} {limits[name]}") for name, words in _LIMITS if name in limits
                ]
            plot.show_curves(curves, lines=lines, band=band if any(high > low for _, low, high in band) else ())
        words = self.tr("░ up to the worst case &nbsp; across: KiB written by the user")
        self._legend.setText(f"{legend([Curve('measured', 'M', ()), Curve('formula', 'F', (), 1)])} &nbsp; {words}")
        self._show_moment()

    def _show_moment(self) -> None:
        if self.bench is None or not self._course.moments:
            return
        place = self._course.at(self.bench.at)
        shown = (place, len(self._course.moments), self._with_log.isChecked())
        if shown == self._shown:
            return
        self._shown = shown
        moment = self._course.moments[place] if place >= 0 else None
        for meter, plot in self._plots.items():
            plot.show_cursor(moment.user / 1024 if moment else None)
            value = moment.values[self._name(meter)] if moment else None
            words = "–" if value is None else f"{value:.0f}" if meter == "l0" else f"{value:.2f}"
            plot.set_title(f"{self.tr(_TITLES[meter])} {words}")
        facts = self.bench.view().facts
        self._fractions.setText("\n".join(self._fraction(meter, facts) for meter in ("write", "read", "space")))
        needed = self._fractions.heightForWidth(self._fractions.width())
        self._fractions.setMinimumHeight(max(needed, self._fractions.minimumHeight()))  # the plots stay as they are

    def _fraction(self, meter: str, facts: Mapping[str, Any]) -> str:
        """The meter at the shown moment, as what it is a fraction of."""
        found = facts.get("amplification", {}).get(self._name(meter))
        if not found or found["value"] is None:
            return self.tr("{meter}: nothing to divide by yet").format(meter=meter)
        words = self.tr("{meter} {value} = {a} {over} ÷ {b} {under}; formula: {text}")
        return words.format(
            meter=meter, value=f"{found['value']:.2f}", a=f"{found['numerator']:,}", over=found["over"],
            b=f"{found['denominator']:,}", under=found["under"], text=facts["formulas"][meter]["text"],
        )  # fmt: skip

    def _go_to(self, kib: float) -> None:
        before = [moment for moment in self._course.moments if moment.user <= kib * 1024]
        if self.bench is not None and before:
            self.bench.seek(before[-1].seq)

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"csv": self._write}

    def _write(self, path: Path) -> None:
        import csv

        names = ("write", "write_with_log", "read", "space", "l0")
        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(
                ["step", "operations", "user bytes", *names, *(f"{n} typical" for n in names[:1] + names[2:4])]
            )
            for m in self._course.moments:
                theory = [m.theory[name][0] for name in ("write", "read", "space")]
                rows.writerow([m.seq, m.operations, m.user, *(m.values[name] for name in names), *theory])

    def outline(self) -> str:
        return self._fractions.text().replace("\n", "; ")


def _points(moments: Sequence[Moment], name: str) -> list[tuple[float, float]]:
    return [(m.user / 1024, value) for m in moments if (value := m.values[name]) is not None]


def _theory(moments: Sequence[Moment], name: str) -> list[tuple[float, float, float]]:
    """(x, typical, worst) of the formula for meter `name`; where no worst case is known it is the typical one."""
    found = []
    for moment in moments:
        typical, worst = moment.theory.get(name, (None, None))
        if typical is not None:
            found.append((moment.user / 1024, typical, worst if worst is not None else typical))
    return found
