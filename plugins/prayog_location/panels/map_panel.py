"""The map: where the places are, what was asked, which parts the index looked at and why, and what it found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtGui import QHideEvent, QResizeEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from prayog_location.panels.ask_bar import AskBar
from prayog_location.panels.gathered_panel import GatheredPanel
from prayog_location.panels.map_drawing import MapDrawing
from prayog_location.panels.map_foot import MapFoot
from prayog_location.panels.run_table import RunTable
from prayog_location.panels.sights import wrapped
from prayog_sdk.qt import theme
from prayog_sdk.qt.map import MapView
from prayog_sdk.qt.mapstyle import CENTRE
from prayog_sdk.qt.panel import Bench
from prayog_sim.run import Action, View

__all__ = ["MapPanel"]

_DRAWING = {"pan": "pan", "box": "box", "polygon": "polygon"}
"""Tools of the bar that are tools of the map; with the others the map tells of clicks."""


class MapPanel(GatheredPanel):
    """Click to ask, look to understand."""

    title = "Map"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._pin: tuple[float, float] | None = None
        self._table = RunTable(self._draw_places)
        self.map = MapView.create(self)
        self.map.setMinimumHeight(120)
        self.ask_bar, self.foot = AskBar(), MapFoot()
        self._drawing = MapDrawing(self.map, self.foot, self._gathered)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.ask_bar)
        layout.addWidget(self.map, 1)
        layout.addWidget(self.foot)
        self.ask_bar.used.connect(self._used)
        self.ask_bar.asked.connect(self._ask)
        self.ask_bar.middle_wanted.connect(lambda: self.ask_bar.show_centre(*self.map.center))
        self.map.clicked.connect(self._clicked)
        self.map.box_drawn.connect(self._box)
        self.map.polygon_drawn.connect(self._polygon)
        self.map.feature_clicked.connect(self._drawing.explain)
        self.ask_bar.use("radius")

    # -- asking --------------------------------------------------------------------------------------------------

    def _used(self, name: str, hint: str) -> None:
        self._pin = None
        self.map.set_tool(_DRAWING.get(name, "click"))  # type: ignore[arg-type] # the four names are tools
        self.foot.say(hint)

    def _clicked(self, lat: float, lon: float) -> None:
        lon = wrapped(lon)
        self.ask_bar.show_centre(lat, lon)
        if self.ask_bar.tool != "measure":
            self._ask([round(lat, 6), round(lon, 6)])
        elif self._pin is None:
            self._pin = (lat, lon)
            self.map.set_points("pins", [lat], [lon], CENTRE)
            self.foot.say(self.tr("Now click the second place."))
        else:
            here, self._pin = self._pin, None
            self._do("measure", {"from": [round(x, 6) for x in here], "to": [round(lat, 6), round(lon, 6)]})

    def _ask(self, point: str | Sequence[float]) -> None:
        if self.ask_bar.tool == "nearest":
            self._do("nearest", {"point": point, "k": self.ask_bar.size_text})
        else:
            self._do("radius", {"point": point, "km": self.ask_bar.size_text})

    def _box(self, south: float, west: float, north: float, east: float) -> None:
        edges = {"south": south, "west": wrapped(west), "north": north, "east": wrapped(east)}
        self._do("box", {name: round(value, 6) for name, value in edges.items()})

    def _polygon(self, corners: Sequence[tuple[float, float]]) -> None:
        self._do("polygon", {"corners": [[round(lat, 6), round(wrapped(lon), 6)] for lat, lon in corners]})

    def _do(self, name: str, args: Mapping[str, Any]) -> None:
        if self.bench is not None:
            self.bench.do(Action(name, args))

    # -- drawing -------------------------------------------------------------------------------------------------

    def on_run(self, bench: Bench) -> None:
        self._drawing.forget()

    def on_seek(self, view: View) -> None:
        super().on_seek(view)
        if self._gathered.query is None:
            self.foot.say(self.tr("Click the map to ask. Then click a cell to see why the index looked at it."))

    def draw(self) -> None:
        self._draw_places()
        self._drawing.draw()

    def _draw_places(self) -> None:
        if self.bench is not None:
            self._drawing.draw_places(self._table.of(self.bench))

    # -- the rest ------------------------------------------------------------------------------------------------

    def on_theme(self) -> None:
        self.map.set_theme(theme.current().name == "dark")

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"html": lambda path: self.map.export_html(path, self.title)}

    def outline(self) -> str:
        query = self._gathered.query
        if query is None:
            return self.tr("A map of places; nothing was asked yet.")
        counts = ", ".join(f"{len(v)} {action}" for action, v in self._gathered.visits.items() if v)
        return f"{query['question']}: {counts}. {self.foot.found()}"

    def unbind(self) -> None:
        super().unbind()
        self.map.release()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.foot.legend.setVisible(self.height() > theme.scaled(300))  # the map comes first where there is little room

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        QTimer.singleShot(0, self._redraw_when_shown)

    def _redraw_when_shown(self) -> None:
        self._dirty = True
