"""The load: what waits, how fast it comes and goes, how old it gets, and Little's law beside what is seen."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtWidgets import QLabel, QVBoxLayout, QWidget

from prayog_queues.engine.queueing import WINDOW_US, Load, Now, percentile
from prayog_queues.panels.following import FollowingPanel
from prayog_queues.panels.load_chart import LoadChart
from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.state import paragraph
from prayog_sim.clock import format_us

__all__ = ["LoadPanel", "little"]

_TILES = ("Waiting", "In hand", "Arrive", "Settled", "Oldest", "p50", "p95", "p99", "Until all is settled", "Repeats")


class _Tile(QWidget):
    """A number with its name."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._value = QLabel("–")
        self._value.setProperty("step", "1")
        self._value.setAccessibleName(title)
        name = QLabel(title)
        name.setProperty("kind", "muted")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 2 * theme.UNIT, 0)
        column.setSpacing(0)
        column.addWidget(self._value)
        column.addWidget(name)

    def show_value(self, words: str) -> None:
        if self._value.text() != words:
            self._value.setText(words)


class LoadPanel(FollowingPanel[Load]):
    """Tiles, a sentence, two lanes of curves."""

    title = "Load"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tiles = {name: _Tile(self.tr(name)) for name in _TILES}
        head = QWidget()
        row = FlowLayout(head)
        for tile in self._tiles.values():
            row.addWidget(tile)
        self._law = paragraph("")
        self._queues = paragraph("", "muted")
        self._chart = LoadChart([
            (self.tr("In the system"), "", [(self.tr("seen"), lambda n: n.observed),
                                            (self.tr("λ × W"), lambda n: n.predicted)]),
            (self.tr("Publish to effect"), "ms", [(f"p{p}", _percent(p)) for p in (50, 95, 99)]),
        ])  # fmt: skip
        self._chart.clicked.connect(self._seek)
        column = column_in(self)
        column.addWidget(head)
        column.addWidget(self._law)
        column.addWidget(self._queues)
        column.addWidget(self._chart, 1)

    def fresh(self) -> Load:
        return Load()

    def draw(self) -> None:
        bench = self.bench
        if bench is None:
            return
        at = bench.trace[bench.at].at if 0 <= bench.at < len(bench.trace) else 0
        now, load = self.fold.now(at), self.fold
        shown = {
            "Waiting": f"{now.depth:,}", "In hand": f"{now.in_hand:,}", "Arrive": f"{now.arrivals:,.1f}/s",
            "Settled": f"{now.departures:,.1f}/s", "Oldest": format_us(now.oldest_us), "p50": _time(now.p50_us),
            "p95": _time(now.p95_us), "p99": _time(now.p99_us),
            "Until all is settled": "–" if not now.lag else "never" if now.eta_us < 0 else format_us(round(now.eta_us)),
            "Repeats": f"{load.redelivered:,}",
        }  # fmt: skip
        for name, words in shown.items():
            self._tiles[name].show_value(words)
        self._law.setText(little(now))
        waiting = [f"{name} {count:,}" for name, count in load.per_queue.items() if count]
        words = self.tr("Rates and percentiles are of the last {s}.").replace("{s}", format_us(WINDOW_US))
        lag = self.tr("Lag in messages: {n} ({queues}).").replace("{n}", f"{now.lag:,}") if now.lag else ""
        self._queues.setText(f"{words} {lag.replace('{queues}', ', '.join(waiting))}".strip())
        self._chart.show_course(load.course, at)
        self._chart.setAccessibleDescription(self.outline())

    def _seek(self, at: float) -> None:
        if self.bench is not None and len(self.bench.trace):
            self.bench.seek(max(0, bisect_right(self.bench.trace, at, key=lambda step: step.at) - 1))

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        def table(path: Path) -> None:
            names = ("at", "depth", "in_hand", "arrivals", "departures", "observed", "predicted", "mean_us", "p50_us",
                     "p95_us", "p99_us", "oldest_us")  # fmt: skip
            lines = [",".join(names)]
            lines += [",".join(f"{getattr(now, name):g}" for name in names) for now in self.fold.course]
            path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8")

        return {"csv": table} if self.bench is not None else {}

    def outline(self) -> str:
        if self.bench is None or self._follower is None:
            return ""
        ends = sorted(self.fold.ends)
        whole = f"Of all {len(ends):,} messages: p50 {_time(percentile(ends, 50))}, p99 {_time(percentile(ends, 99))}."
        return f"{self._law.text()} {self._queues.text()} {whole if ends else ''}".strip()

    def on_theme(self) -> None:
        self._chart.setMinimumHeight(theme.scaled(190))
        super().on_theme()


def little(now: Now) -> str:
    """Little's law at one moment, in words."""
    if now.arrivals == 0 and not now.lag:
        return "Little’s law: nothing arrived lately."
    if not now.mean_us:
        return f"Little’s law: nothing was settled lately, so W is not known; {now.lag:,} are in the system."
    law = (f"Little’s law: {now.arrivals:,.1f}/s × {format_us(round(now.mean_us))} = {now.predicted:,.1f}; "
           f"seen: {now.observed:,.1f} in the system.")  # fmt: skip
    if now.arrivals > 1.1 * now.departures and now.lag > 1:
        return f"{law} More arrives than is settled: it grows, and no steady L is ever reached."
    if now.departures > 1.1 * now.arrivals and now.lag:
        return f"{law} It drains: those that leave now waited in a longer queue."
    return law


def _percent(percent: int) -> Callable[[Now], float]:
    return lambda now: getattr(now, f"p{percent}_us") / 1_000


def _time(value_us: int) -> str:
    return format_us(value_us) if value_us >= 0 else "–"
