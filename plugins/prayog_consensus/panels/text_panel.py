"""The run as narrow text: one line an event, one column a node.  A whole failure fits on a page and can be copied."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QCheckBox, QVBoxLayout, QWidget

from prayog_consensus.columns import LEGEND, Columns
from prayog_consensus.panels.text_view import TextView
from prayog_sdk.qt import theme
from prayog_sdk.qt.panel import Bench, Panel
from prayog_sdk.qt.state import paragraph
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["TextPanel"]

KEPT = 100_000
_AT_ONCE = 400  # steps that are put into words at once: a few milliseconds


class TextPanel(Panel):
    """Follows the trace; a row leads to its event."""

    title = "Text"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._columns = Columns(())
        self._fed = 0
        self._more = QTimer(self)
        self._more.setSingleShot(True)
        self._more.setInterval(0)
        self._more.timeout.connect(self._feed)
        self._view = TextView(self.tr("The run as text"))
        self._all = QCheckBox(self.tr("Every message"))
        self._all.setToolTip(self.tr("Also show messages and timers after which nothing has changed"))
        self._all.toggled.connect(self._view.set_plain)
        self._legend = paragraph(self.tr(LEGEND), "muted")
        self._view.chosen.connect(lambda seq: self.bench.seek(seq) if self.bench else None)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(*(theme.UNIT,) * 4)
        layout.setSpacing(theme.UNIT // 2)
        layout.addWidget(self._legend)
        layout.addWidget(self._all)
        layout.addWidget(self._view, 1)

    def on_run(self, bench: Bench) -> None:
        self._columns = Columns(tuple(bench.view().nodes))
        self._fed = 0
        self._view.start(self._columns.nodes)

    def on_step(self, step: Step) -> None:
        """Nothing to gather: the trace is there."""

    def on_seek(self, view: View) -> None:
        if self.bench is not None and len(self.bench.trace) < self._fed:
            self.on_run(self.bench)

    def on_frame(self) -> None:
        if self.bench is not None and self.isVisible():
            self._feed()

    def _feed(self) -> None:
        """Put a few steps into words; the others follow between two frames."""
        if self.bench is None:
            return
        end = min(len(self.bench.trace), KEPT)
        upto = min(end, self._fed + _AT_ONCE)
        if upto > self._fed:
            self._view.add([self._columns.feed(step) for step in self.bench.trace[self._fed : upto]])
            self._fed = upto
        self._view.show_at(self.bench.at)
        if upto < end:
            self._more.start()

    def unbind(self) -> None:
        super().unbind()
        self._more.stop()

    def on_theme(self) -> None:
        self._view.restyle()

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"txt": self._write}

    def _write(self, path: Path) -> None:
        path.write_text("\n".join(self._view.lines()) + "\n", encoding="utf-8")

    def outline(self) -> str:
        return self.tr("{n} lines").replace("{n}", f"{self._view.count:,}")
