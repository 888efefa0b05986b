"""How things look on the map: colours for a theme, and a style for each role an overlay can play.

Both map back-ends draw from these values, so that a cell which an index pruned looks the same in the web view and
in the simple map.

Rules
1. A role is told apart by shape as well as colour: visited is filled, pruned is a dashed outline, refined is
   hatched, inside is a strong fill; an answer is a large ringed dot, a candidate a hollow ring.
2. A style names a colour by its role in `MapColours`, never by value, so that a theme change needs no new styles.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from prayog_sdk.qt import theme as _theme

__all__ = [
    "ANSWER", "ATTRIBUTION", "CANDIDATE", "CENTRE", "INSIDE", "PLACE", "PRUNED", "QUERY", "REFINED", "ROUTE",
    "SKETCH", "VISITED", "ColourRole", "MapColours", "Marker", "OverlayStyle", "Paint", "theme_values",
]  # fmt: skip

ATTRIBUTION = "Natural Earth · GeoNames CC BY 4.0"
"""Where the outline and the places are from; both licences ask that it be shown."""

ColourRole = Literal["text", "muted", "accent", "good", "warn", "bad"]
Marker = Literal["dot", "ring", "ringed", "pin", "square"]


@dataclass(frozen=True, slots=True)
class MapColours:
    """The colours of one theme as ``#rrggbb``."""

    sea: str
    land: str
    coast: str
    border: str
    graticule: str
    surface: str  # behind buttons and labels
    edge: str  # around buttons
    halo: str  # around markers, so that they stand off the land
    text: str
    muted: str
    accent: str
    good: str
    warn: str
    bad: str

    @classmethod
    def of(cls, theme: _theme.Theme) -> MapColours:
        return cls(
            sea=theme.sea, land=theme.land, coast=theme.border, border=theme.border, graticule=theme.line,
            surface=theme.surface, edge=theme.edge, halo=theme.surface, text=theme.text, muted=theme.muted,
            accent=theme.accent, good=theme.good, warn=theme.warn, bad=theme.bad,
        )  # fmt: skip

    @classmethod
    def light(cls) -> MapColours:
        return cls.of(_theme.light)

    @classmethod
    def dark(cls) -> MapColours:
        return cls.of(_theme.dark)

    def role(self, name: ColourRole) -> str:
        return {"text": self.text, "muted": self.muted, "accent": self.accent, "good": self.good, "warn": self.warn,
                "bad": self.bad}[name]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Paint:
    """An `OverlayStyle` with the colours of a theme put in: what a back-end needs to draw."""

    colour: str
    halo: str
    fill: float
    hatch: bool
    dash: bool
    width_px: float
    marker: Marker
    radius_px: float
    order: int


@dataclass(frozen=True, slots=True)
class OverlayStyle:
    """How one overlay is drawn.

    `fill` is the opacity of areas (0 to 1), `hatch` lays diagonal lines over them, `dash` breaks their outline,
    `width_px` is the width of lines, `radius_px` the size of markers. Overlays are drawn in rising `order`.
    """

    colour: ColourRole = "accent"
    fill: float = 0.0
    hatch: bool = False
    dash: bool = False
    width_px: float = 1.25
    marker: Marker = "dot"
    radius_px: float = 3.0
    order: int = 0

    def paint(self, colours: MapColours) -> Paint:
        return Paint(
            colours.role(self.colour), colours.halo, self.fill, self.hatch, self.dash, self.width_px, self.marker,
            self.radius_px, self.order,
        )  # fmt: skip


PLACE = OverlayStyle("muted", radius_px=0.8, order=0)
"""The data: thousands of places as small dots."""
PRUNED = OverlayStyle("muted", dash=True, width_px=1.0, order=10)
"""A cell that the index looked at and left out."""
VISITED = OverlayStyle("accent", fill=0.16, order=20)
"""A cell that the index opened."""
REFINED = OverlayStyle("warn", hatch=True, order=30)
"""A cell on the boundary: its points were tested one by one."""
INSIDE = OverlayStyle("good", fill=0.34, order=40)
"""A cell that lies wholly inside: its points were taken without a test."""
QUERY = OverlayStyle("text", fill=0.05, width_px=2.0, order=50)
"""The circle, box or polygon that was asked for."""
ROUTE = OverlayStyle("text", width_px=1.75, order=55)
"""A line between places, such as a geodesic."""
CANDIDATE = OverlayStyle("warn", marker="ring", width_px=1.25, radius_px=3.0, order=60)
"""A point that was tested and does not belong to the answer."""
ANSWER = OverlayStyle("good", marker="ringed", width_px=1.5, radius_px=4.0, order=70)
"""A point of the answer."""
CENTRE = OverlayStyle("bad", marker="pin", radius_px=9.0, order=80)
"""The point from which distances are measured."""
SKETCH = OverlayStyle("accent", fill=0.10, dash=True, width_px=1.75, marker="square", radius_px=3.5, order=90)
"""What the learner is drawing at this moment."""


def theme_values(colours: MapColours, font_px: float, styles: Mapping[str, OverlayStyle]) -> dict[str, Any]:
    """What a back-end's `set_theme` takes: colours, type, the styles of overlays and of the sketch."""
    return {
        "colours": asdict(colours),
        "font": "Inter, system-ui, sans-serif",
        "fontPx": font_px,
        "styles": {name: asdict(style.paint(colours)) for name, style in styles.items()},
        "sketch": asdict(SKETCH.paint(colours)),
    }
