"""The stock panels by the names that `PanelSpec.factory` knows; each is imported when it is first made."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType

from PySide6.QtWidgets import QWidget

from prayog_sdk.qt.panel import Panel

__all__ = ["STOCK", "make"]

STOCK: Mapping[str, str] = MappingProxyType({
    "canvas": "prayog_sdk.qt.canvas:CanvasPanel",
    "spacetime": "prayog_sdk.qt.spacetime:SpacetimePanel",
    "nodes": "prayog_sdk.qt.nodes:NodesPanel",
    "events": "prayog_sdk.qt.events:EventsPanel",
    "series": "prayog_sdk.qt.series:SeriesPanel",
    "state": "prayog_sdk.qt.tree:StatePanel",
    "outline": "prayog_sdk.qt.outline:OutlinePanel",
    "map": "prayog_sdk.qt.mappanel:MapPanel",
    "code": "prayog_sdk.qt.codepanel:CodePanel",
})  # fmt: skip
"""Name -> where the class is."""


def make(name: str, parent: QWidget | None = None) -> Panel:
    """A new stock panel; raises `ValueError` naming the panels that there are."""
    place = STOCK.get(name)
    if place is None:
        raise ValueError(f"there is no stock panel {name!r}; there are {', '.join(STOCK)}")
    module, _, kind = place.partition(":")
    panel: Panel = getattr(importlib.import_module(module), kind)(parent)
    return panel
