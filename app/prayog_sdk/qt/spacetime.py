"""The space-time diagram: one lane per node, time along the other axis, messages as lines between the lanes.

It shows the whole trace however long it is (a pan costs a few milliseconds at 100,000 steps, see `diagram`), and
answers the question that it is the best picture for: what may have led to this step, and what may follow from it?

Wheel zooms, drag pans, a click goes to a step.  Keys: left and right go along the lane, up and down change it,
plus and minus zoom, Shift and arrows pan, 0 shows all, C shows cause and effect, T turns the time axis.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QVBoxLayout, QWidget

from prayog_sdk import exports
from prayog_sdk.qt import symbols, theme
from prayog_sdk.qt.diagramview import DiagramView
from prayog_sdk.qt.icons import IconButton
from prayog_sdk.qt.jobs import Ctx
from prayog_sdk.qt.lanes import cone
from prayog_sdk.qt.panel import Bench
from prayog_sdk.qt.reading import ReadingPanel
from prayog_sim.run import View
from prayog_sim.trace import Step

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SpacetimePanel"]


class SpacetimePanel(ReadingPanel):
    """The diagram with its few controls."""

    title = "Space-time"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._view = DiagramView(self)
        self._view.sought.connect(self._on_sought)
        self._reading = QLabel()
        self._reading.setProperty("kind", "muted")
        bar = QHBoxLayout()
        bar.setContentsMargins(theme.UNIT, theme.UNIT // 2, theme.UNIT, 0)
        bar.setSpacing(2)
        bar.addWidget(self._reading)
        bar.addStretch()
        self._help = self._button("help", "What the signs mean", "")
        self._help.clicked.connect(self._show_signs)
        self._cone = self._button("fork", "Cause and effect of the shown step", "C", checkable=True)
        self._turn = self._button("sequence", "Turn the time axis", "T", checkable=True)
        self._follow = self._button("pin", "Follow the run", "", checkable=True)
        self._follow.setChecked(True)
        out = self._button("minus", "Zoom out", "-")
        into = self._button("plus", "Zoom in", "+")
        fit = self._button("reset", "Show the whole trace", "0")
        for button in (self._help, self._cone, self._turn, self._follow, out, into, fit):
            bar.addWidget(button)
        self._cone.toggled.connect(self._on_cone)
        self._turn.toggled.connect(self._view.set_upright)
        self._view.panned.connect(lambda: self._follow.setChecked(False))
        self._view.toggled.connect(self._on_key)
        out.clicked.connect(lambda: self._view.zoom(1.5))
        into.clicked.connect(lambda: self._view.zoom(1 / 1.5))
        fit.clicked.connect(self._view.fit)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(bar)
        layout.addWidget(self._view, 1)
        self._asked = -1

    def bind(self, bench: Bench) -> None:
        super().bind(bench)
        bench.signals.selection_changed.connect(self._on_selection)

    def on_seek(self, view: View) -> None:
        super().on_seek(view)
        self._ask_cone()

    def on_theme(self) -> None:
        self._view.refresh()

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"svg": self._view.save_svg, "png": self._view.save_png, "txt": self._save_text}

    def outline(self) -> str:
        return self._view.outline()

    def unbind(self) -> None:
        if self.bench is not None:
            self.bench.signals.selection_changed.disconnect(self._on_selection)
        self._view.bench = None
        super().unbind()

    def _button(self, icon: str, title: str, key: str, *, checkable: bool = False) -> IconButton:
        button = IconButton(icon, title, size=16)
        button.set_title(title, key)
        button.setCheckable(checkable)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def _show_signs(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for symbol, words in enumerate(symbols.WORDS):
            menu.addAction(symbols.sign(symbol, self.devicePixelRatioF()), words)
        menu.popup(self._help.mapToGlobal(self._help.rect().bottomLeft()))

    def begin(self, bench: Bench) -> None:
        self._view.show_trace(bench, list(bench.view().nodes))

    def take(self, step: Step) -> None:
        self._view.diagram.lanes.add(step)

    def read(self, through: bool) -> None:
        read, there = self._reader.read, len(self._reader.trace)
        self._reading.setText("" if through else f"Reading the trace: {read:,} of {there:,} steps")
        self._view.grown(through)
        if through:
            self._ask_cone()

    def move_cursor(self, bench: Bench) -> None:
        self._view.set_cursor(bench.clock_us, bench.at, follow=self._follow.isChecked())

    def _on_selection(self, name: str) -> None:
        self._view.diagram.chosen = name
        self._view.refresh()

    def _on_sought(self, seq: int) -> None:
        if self.bench is not None:
            self.bench.seek(seq)

    def _on_key(self, letter: str) -> None:
        {"C": self._cone, "T": self._turn}[letter].toggle()

    def _on_cone(self, on: bool) -> None:
        if on:
            self._ask_cone()
        else:
            self._view.set_cone(None)

    def _ask_cone(self) -> None:
        """Work out the cone of the shown step in a worker; the answer is dropped when it comes too late."""
        if self.bench is None or not self._cone.isChecked() or not len(self._view.diagram.lanes):
            return
        lanes, seq = self._view.diagram.lanes, self.bench.at
        if not 0 <= seq < len(lanes):
            self._view.set_cone(None)
            return
        columns, self._asked = lanes.columns(), seq
        job = self.bench.jobs.submit(_cone_job, columns.lane, columns.cause, seq, lanes.names.get("", -1))
        job.succeeded.connect(lambda side: self._on_cone_known(seq, side))

    def _on_cone_known(self, seq: int, side: NDArray[np.int8]) -> None:
        if self.bench is None or seq != self._asked or not self._cone.isChecked():
            return
        self._view.set_cone(side)
        past, future = int((side == -1).sum()), int((side == 1).sum())
        self.bench.say(
            f"{past:,} steps may have led to event {seq:,}, {future:,} may follow from it, "
            f"{len(side) - past - future - 1:,} are concurrent."
        )

    def _save_text(self, to: Path) -> None:
        if self.bench is not None:
            with to.open("w", encoding="utf-8") as file:
                file.writelines(exports.to_text(self.bench.trace, self.bench.label()))


def _cone_job(_ctx: Ctx, lane: NDArray[np.int64], cause: NDArray[np.int64], seq: int, run: int) -> NDArray[np.int8]:
    return cone(lane, cause, seq, run)
