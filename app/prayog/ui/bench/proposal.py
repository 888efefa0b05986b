"""Which panels a bench has at first, and where: what the topic proposes, with the stock panels that it left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QCoreApplication

from prayog_sdk.specs import PanelSpec

__all__ = ["proposal"]


def proposal(
    own: Sequence[PanelSpec], kind: str, *, has_nodes: bool, has_series: bool, has_code: bool = False
) -> list[tuple[PanelSpec, bool]]:
    """The panels of a bench and whether they are open at first: the topic's own, then the stock panels it left out.

    A topic without panels gets the canvas with the space-time diagram behind it and the table of events below; a run
    without nodes has the table in their place.  Where the learner writes code, that has all the room: the others are
    behind it, and those below are closed.
    """
    stock = (
        PanelSpec("canvas", QCoreApplication.translate("Docks", "Canvas"), "canvas", "centre", "canvas"),
        PanelSpec("spacetime", QCoreApplication.translate("Docks", "Space-time"), "spacetime", "tab", "sequence"),
        PanelSpec("outline", QCoreApplication.translate("Docks", "Outline"), "outline", "tab", "outline"),
        PanelSpec("nodes", QCoreApplication.translate("Docks", "Nodes"), "nodes", "tab", "tree"),
        PanelSpec("events", QCoreApplication.translate("Docks", "Events"), "events", "bottom", "table"),
        PanelSpec("series", QCoreApplication.translate("Docks", "Curves"), "series", "bottom", "curve"),
    )
    mine = [spec for spec in own if kind in spec.kinds]
    bare = not mine
    named = {spec.factory for spec in mine}
    result = [(spec, True) for spec in mine]
    for spec in stock:
        if spec.factory in named or (spec.factory == "series" and not has_series):
            continue
        if spec.factory in ("canvas", "spacetime", "nodes") and not has_nodes:
            continue
        result.append((spec, bare or spec.factory == "events"))
    if has_code:
        code = PanelSpec("code", QCoreApplication.translate("Docks", "Your code"), "code", "centre", "plan")
        below = [(spec, False) for spec, _ in result if spec.area == "bottom"]
        return [(code, True), *((replace(s, area="tab"), on) for s, on in result if s.area != "bottom"), *below]
    if result and not any(spec.area == "centre" for spec, _ in result):
        likely = result[: len(mine)] or result  # the topic's own come first
        first = next((i for i, (spec, shown) in enumerate(likely) if shown and spec.area != "tab"), 0)
        spec, _ = result.pop(first)
        result.insert(0, (replace(spec, area="centre"), True))
    return result
