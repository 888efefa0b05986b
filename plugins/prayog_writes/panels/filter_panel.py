"""The Bloom filter playground: choose bits, hashes and keys, try a key, and compare its errors with the formula."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QLineEdit, QPushButton, QSpinBox, QWidget

from prayog_sdk.qt import theme
from prayog_sdk.qt.flow import FlowLayout
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.scrolled import column_in
from prayog_sdk.qt.state import paragraph
from prayog_writes.panels.bit_grid import BitGrid
from prayog_writes.panels.halves import Halves
from prayog_writes.panels.plot import Curve, Plot

__all__ = ["FilterPanel"]

_NARROW = 420
_MOST_BITS, _MOST_HASHES, _MOST_KEYS = 20, 16, 2_000


class FilterPanel(Panel):
    """Knobs and a key to try above; bits and curve below."""

    title = "Bloom filter"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._added: list[str] = []
        self._job: Job | None = None
        self._wanted = False
        self._curve: list[tuple[int, float]] = []
        self._share = 0.0
        self._bits = self._spin(self.tr("Bits for each key"), 1, _MOST_BITS, 10)
        self._hashes = self._spin(self.tr("Hashes, 0 is the best number"), 0, _MOST_HASHES, 0)
        self._hashes.setSpecialValueText(self.tr("best"))
        self._keys = self._spin(self.tr("Keys in the filter"), 0, _MOST_KEYS, 40)
        self._key = QLineEdit("asha")
        self._key.setAccessibleName(self.tr("Key to try"))
        self._key.setClearButtonEnabled(True)
        self._key.textChanged.connect(lambda _text: self._try())
        self._key.returnPressed.connect(self._add)
        self._put = QPushButton(self.tr("Add it"))
        self._put.clicked.connect(self._add)
        head = QWidget()
        row = FlowLayout(head)
        for words, widget in (
            (self.tr("bits per key"), self._bits), (self.tr("hashes"), self._hashes), (self.tr("keys"), self._keys),
            (self.tr("try"), self._key), ("", self._put),
        ):  # fmt: skip
            row.addWidget(_named(words, widget) if words else widget)
        self._verdict = paragraph("")
        self._verdict.setMinimumHeight(2 * self._verdict.fontMetrics().lineSpacing())
        self._note = paragraph("", "muted")
        self._grid = BitGrid(self.tr("Bits of the filter"))
        self._plot = Plot(self.tr("Absent keys that look present, %"), self.tr("bits per key"), log=True)
        self._plot.clicked.connect(lambda x: self._bits.setValue(round(x)))
        self._halves = Halves(self._grid, self._plot, _NARROW)
        column = column_in(self)
        for part in (head, self._verdict, self._note):
            column.addWidget(part)
        column.addWidget(self._halves, 1)

    def _spin(self, name: str, low: int, high: int, value: int) -> QSpinBox:
        spin = QSpinBox()
        spin.setRange(low, high)
        spin.setValue(value)
        spin.lineEdit().setTextMargins(theme.UNIT, 0, 0, 0)  # the style sheet’s padding does not reach it
        spin.setAccessibleName(name)
        spin.valueChanged.connect(lambda _value: self._build())
        return spin

    # -- the bench -----------------------------------------------------------------------------------------------

    def on_run(self, bench: Bench) -> None:
        bits = getattr(bench.params, "bloom_bits", 0)
        if bits:
            self._bits.setValue(min(bits, _MOST_BITS))
        self._build()

    def on_theme(self) -> None:
        self._plot.restyle()
        self._verdict.setMinimumHeight(2 * self._verdict.fontMetrics().lineSpacing())
        self._draw_curve()

    def on_frame(self) -> None:
        """Nothing moves here by itself."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._halves.fit(self.width())

    def unbind(self) -> None:
        super().unbind()
        if self._job is not None:
            self._job.cancel()

    # -- the filter ----------------------------------------------------------------------------------------------

    def _names(self) -> list[str]:
        return [f"order{number:05d}" for number in range(self._keys.value())] + self._added

    def _build(self) -> None:
        """Another filter: the bits at once, the curve when it is measured."""
        if self.bench is None:
            return
        from prayog_writes.panels.filter_lab import FilterLab, absent_hashes, expected

        bits, hashes = self._bits.value(), self._hashes.value()
        self._lab = FilterLab(bits, hashes, self._names())
        self._share = self._lab.measured(absent_hashes())
        words = self.tr(
            "{n} keys, hashes for each: {k}. {set} of {size} bits are set. Wrong for {m} % of 10,000 absent keys; the "
            "formula (1 − e^(−k/b))^k says {f} %."
        )
        self._note.setText(words.format(
            n=f"{len(self._lab.keys):,}", k=self._lab.hashes, set=f"{int(self._lab.array.sum()):,}",
            size=f"{self._lab.size:,}", m=f"{100 * self._share:.2f}",
            f=f"{100 * expected(bits, hashes) if self._lab.keys else 0:.2f}",
        ))  # fmt: skip
        self._try()
        self._measure()

    def _measure(self) -> None:
        if self._job is not None:
            self._wanted = True
            return
        assert self.bench is not None
        hashes, names = self._hashes.value(), self._names()

        def work(ctx: Ctx) -> list[tuple[int, float]]:
            from prayog_writes.panels.filter_lab import measured

            return measured(hashes, names, _MOST_BITS)

        self._wanted = False
        self._job = job = self.bench.jobs.submit(work)
        job.succeeded.connect(self._measured)
        job.finished.connect(self._finished)

    def _measured(self, curve: list[tuple[int, float]]) -> None:
        self._curve = curve
        self._draw_curve()

    def _finished(self) -> None:
        self._job = None
        if self._wanted and self.bench is not None:
            self._measure()

    def _draw_curve(self) -> None:
        from prayog_writes.panels.filter_lab import expected

        hashes = self._hashes.value()
        formula = [(float(b), 100 * expected(b, hashes)) for b in range(1, _MOST_BITS + 1)]
        points = [(float(b), 100 * share) for b, share in self._curve if share]
        self._plot.show_curves([
            Curve(self.tr("formula"), "F", formula, 1), Curve(self.tr("measured"), "M", points, 0, dots=True)
        ])  # fmt: skip
        self._plot.show_cursor(self._bits.value())

    def _try(self) -> None:
        """Which bits the key asks for, and what the filter says."""
        key = self._key.text()
        self._put.setEnabled(bool(key) and not self._lab.holds(key))
        if not key:
            self._grid.show_bits(self._lab.array, ())
            self._verdict.setText(self.tr("Type a key to see which bits it asks for."))
            return
        places = self._lab.places(key)
        self._grid.show_bits(self._lab.array, places)
        bits = " ".join(f"{place:,}{'✓' if self._lab.array[place] else '✗'}" for place in places)
        missing = sum(not self._lab.array[place] for place in places)
        if missing:
            said = self.tr("certainly not here: {n} of {k} bits are not set").format(n=missing, k=len(places))
        elif self._lab.holds(key):
            said = self.tr("maybe: every bit it asks for is set, and it was added")
        else:
            said = self.tr("maybe: every bit it asks for is set, by other keys. A false positive")
        self._verdict.setText(f"{key} → {bits} → {said}")

    def _add(self) -> None:
        key = self._key.text()
        if key and not self._lab.holds(key):
            self._added.append(key)
            self._build()

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"csv": self._write}

    def _write(self, path: Path) -> None:
        import csv

        from prayog_writes.panels.filter_lab import expected

        with path.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(["bits per key", "formula", "measured"])
            rows.writerows([bits, expected(bits, self._hashes.value()), share] for bits, share in self._curve)

    def outline(self) -> str:
        return f"{self._note.text()} {self._verdict.text()}".strip()


def _named(words: str, field: QWidget) -> QWidget:
    """A field with its name before it: a line break never comes between them."""
    pair = QWidget()
    row = QHBoxLayout(pair)
    row.setContentsMargins(0, 0, 0, 0)
    row.addWidget(QLabel(words))
    row.addWidget(field)
    return pair
