"""The stock map: whatever a topic puts on it, with no Qt of the topic's own.

A topic that wants to be seen on a map puts a fact ``map`` into its views: layers by name, each with a ``style``
(one of `STYLES`) and one of ``boxes`` ([[south, west, north, east], …]), ``points`` ([[lat, lon], …]) or ``geojson``.
Nodes whose fields hold ``lat`` and ``lon`` are drawn by themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from PySide6.QtWidgets import QVBoxLayout, QWidget

from prayog_sdk.qt import mapstyle, theme
from prayog_sdk.qt.map import MapView
from prayog_sdk.qt.panel import Panel
from prayog_sim.run import View
from prayog_sim.trace import Step

__all__ = ["STYLES", "MapPanel", "layers"]

STYLES: Mapping[str, mapstyle.OverlayStyle] = {
    "place": mapstyle.PLACE, "visited": mapstyle.VISITED, "pruned": mapstyle.PRUNED, "refined": mapstyle.REFINED,
    "inside": mapstyle.INSIDE, "answer": mapstyle.ANSWER, "centre": mapstyle.CENTRE, "route": mapstyle.ROUTE,
    "question": mapstyle.QUERY,
}  # fmt: skip


def layers(view: View) -> dict[str, dict[str, Any]]:
    """What `view` puts on a map, by layer."""
    found = {name: dict(layer) for name, layer in dict(view.facts.get("map") or {}).items()}
    where = {}
    for node in view.nodes.values():
        known = {**node.durable, **node.volatile}
        if isinstance(known.get("lat"), int | float) and isinstance(known.get("lon"), int | float):
            where[node.name] = [known["lat"], known["lon"]]
    if where:
        found["nodes"] = {"style": "centre", "points": list(where.values())}
    return found


class MapPanel(Panel):
    """Draws the layers of the shown moment; a click selects the node under it."""

    title = "Map"

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.map = MapView.create(self)
        self.map.feature_clicked.connect(self._select)
        self._shown: dict[str, dict[str, Any]] = {}
        self._dirty = True
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.map)

    def on_step(self, step: Step) -> None:
        self._dirty = True

    def on_seek(self, view: View) -> None:
        self._dirty = True

    def on_frame(self) -> None:
        if not self._dirty or self.bench is None:
            return
        self._dirty = False
        wanted = layers(self.bench.view())
        for name in self._shown.keys() - wanted.keys():
            self.map.clear_overlay(name)
        for name, layer in wanted.items():
            if self._shown.get(name) != layer:
                self._draw(name, layer)
        self._shown = wanted

    def _draw(self, name: str, layer: Mapping[str, Any]) -> None:
        style = STYLES.get(str(layer.get("style")), mapstyle.PLACE)
        if "points" in layer:
            lats, lons = ([point[axis] for point in layer["points"]] for axis in (0, 1))
            self.map.set_points(name, lats, lons, style)
        elif "boxes" in layer:
            self.map.set_overlay(name, layer["boxes"], style)
        else:
            self.map.set_overlay(name, layer["geojson"], style)

    def _select(self, layer: str, ident: object) -> None:
        if self.bench is None or layer != "nodes" or not isinstance(ident, int):
            return
        located = [n.name for n in self.bench.view().nodes.values() if "lat" in {**n.durable, **n.volatile}]
        if ident < len(located):
            self.bench.select(located[ident])

    def on_theme(self) -> None:
        self.map.set_theme(theme.current().name == "dark")

    def exports(self) -> Mapping[str, Callable[[Path], None]]:
        return {"html": lambda path: self.map.export_html(path, self.title)}

    def outline(self) -> str:
        counts = [
            f"{name}: {len(layer.get('points') or layer.get('boxes') or ())}" for name, layer in self._shown.items()
        ]
        return "A map with " + (", ".join(counts) or "nothing on it")

    def unbind(self) -> None:
        super().unbind()
        self.map.release()
