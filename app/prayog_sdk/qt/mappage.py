"""The map page: built once by folium, then driven by `lab-map.js`; the same page is what a learner saves.

folium makes the page and knows Leaflet's options; its default scripts and styles point to servers, so `OfflineMap`
replaces those lists. In the lab the files come from `lab:`; in a saved page they are written into it.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
from branca.element import MacroElement
from folium import Map
from folium.template import Template

import prayog_resources
from prayog_sdk.qt.mapshapes import Floats, Lines, Shapes
from prayog_sdk.qt.mapstyle import ATTRIBUTION, MapColours, OverlayStyle

__all__ = ["OfflineMap", "packed", "page", "saved_page"]

SCRIPTS = [
    ("leaflet", "lab://files/leaflet/leaflet.js"),
    ("topojson", "lab://files/geo/topojson-client.min.js"),
    ("qwebchannel", "lab://qt/qwebchannel.js"),
    ("lab_map", "lab://files/map/lab-map.js"),
]
STYLES = [
    ("leaflet_css", "lab://files/leaflet/leaflet.css"),
    ("lab_map_css", "lab://files/map/lab-map.css"),
]
FACE = "@font-face { font-family: Inter; src: url(lab://files/fonts/Inter-Regular.ttf); }"


class OfflineMap(Map):
    """folium's map with nothing from the network: our copies of its scripts, and no tiles."""

    default_js = SCRIPTS
    default_css = STYLES


class _Start(MacroElement):
    """Hands the map that folium made to `lab-map.js`."""

    _template = Template(
        """
        {% macro header(this, kwargs) %}<title>{{ this.title }}</title><style>{{ this.face }}</style>{% endmacro %}
        {% macro script(this, kwargs) %}
            lab.start({{ this._parent.get_name() }}, __LAB_CONFIG__);
        {% endmacro %}
        """
    )

    def __init__(self, title: str, face: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Start"
        self.title, self.face = title, face


def _render(title: str, face: str, view: tuple[float, float, float], config: str) -> str:
    lat, lon, zoom = view
    world = OfflineMap(
        location=(lat, lon), tiles=None, min_zoom=1, max_zoom=14, prefer_canvas=True,
        zoom_start=zoom,  # type: ignore[arg-type]  # Leaflet takes quarters too
        zoom_snap=0.25, wheel_px_per_zoom_level=120, wheel_debounce_time=20, box_zoom=False, keyboard=False,
        zoom_animation=False, inertia=False,  # the map moves when the learner moves it, and stops with them
        max_bounds=True, min_lat=-85.06, max_lat=85.06, min_lon=-36000, max_lon=36000, max_bounds_viscosity=1.0,
    )  # fmt: skip
    _Start(title, face).add_to(world)
    # Afterwards, because folium reads what is put in as a template again: slow, and a name with braces would break it.
    return str(world.get_root().render()).replace("__LAB_CONFIG__", config, 1)


def page(title: str, view: tuple[float, float, float], theme: Mapping[str, Any]) -> str:
    """The page for the web view; it loads everything from `lab:`. `view` is latitude, longitude, zoom."""
    world = {"coarse": '"lab://files/geo/countries-110m.json"', "fine": '"lab://files/geo/countries-50m.json"'}
    return _render(title, FACE, view, _config(title, world, theme, {}))


def saved_page(
    title: str,
    view: tuple[float, float, float],
    theme: Mapping[str, Any],
    overlays: Mapping[str, tuple[Shapes, OverlayStyle]],
    colours: MapColours,
) -> str:
    """The map as one HTML file that opens anywhere with no network (about 1.1 MB and the overlays)."""
    world = {key: prayog_resources.read_text("geo", f"countries-{scale}.json")
             for key, scale in (("coarse", "110m"), ("fine", "50m"))}  # fmt: skip
    drawn = {name: {"shapes": packed(shapes), "style": asdict(style.paint(colours))}
             for name, (shapes, style) in overlays.items()}  # fmt: skip
    html = _render(title, "", view, _config(title, world, theme, drawn))
    html = re.sub(r'<script src="lab://files/([^"]+)"></script>', lambda m: _inline("script", m[1]), html)
    html = re.sub(r'<link rel="stylesheet" href="lab://files/([^"]+)"\s*/?>', lambda m: _inline("style", m[1]), html)
    return re.sub(r'<script src="lab://qt/qwebchannel.js"></script>', "", html)


def _inline(tag: str, path: str) -> str:
    return f"<{tag}>{prayog_resources.read_text(*path.split('/'))}</{tag}>"


def _config(
    title: str, world: Mapping[str, str], theme: Mapping[str, Any], overlays: Mapping[str, Any]
) -> str:
    """What `lab.start` takes, as a JavaScript literal; `world` is JSON already."""
    rest = {"label": title, "attribution": ATTRIBUTION, "theme": theme, "overlays": overlays}
    outlines = ",".join(f'"{key}":{text}' for key, text in world.items())
    text = json.dumps(rest, separators=(",", ":"))
    return f'{text[:-1]},"world":{{{outlines}}}}}'.replace("</", "<\\/")


def packed(shapes: Shapes) -> dict[str, Any]:
    """Shapes for `lab.setOverlay`: base64 of little-endian int32, coordinates in 1e-6 degrees (11 cm)."""
    return {
        "rings": _packed_lines(shapes.rings), "lines": _packed_lines(shapes.lines), "points": _degrees(shapes.points),
    }  # fmt: skip


def _packed_lines(lines: Lines) -> dict[str, str]:
    return {
        "xy": _degrees(lines.xy),
        "ends": _text(lines.ends.astype("<i4")),
        "chunks": _text(lines.chunks().astype("<i4")),
        "stroke": _text(lines.stroke.astype(np.uint8)),
    }


def _degrees(xy: Floats) -> str:
    return _text(np.rint(xy * 1e6).astype("<i4"))


def _text(array: np.ndarray[Any, Any]) -> str:
    return b64encode(array.tobytes()).decode("ascii")
