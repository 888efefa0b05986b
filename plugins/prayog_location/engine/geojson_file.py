"""Reads places and polygons from GeoJSON text, one feature at a time.

Source: RFC 7946, "The GeoJSON Format" (2016). Positions are longitude first (section 3.1.1), which is where
most swapped files come from.

Rules
1. Points and MultiPoints are places; Polygons and MultiPolygons are kept for polygon queries; lines are
   named and left out. Collections may be nested.
2. Also taken: a bare list of features, and one feature a line.
3. Features are decoded one by one, so memory stays near the size of the text, and a fault has a line.
"""

from __future__ import annotations

import json
import re
from typing import Any

from .readers import Gathering, Loaded

DEEPEST = 32  # collections in collections
RULE = "GeoJSON wants the longitude first"
NAME_KEYS = ("name", "title", "label", "NAME", "Name")
_SPACE = re.compile(r"[\s\ufeff]*")


def read_geojson(text: str, into: Gathering) -> Loaded:
    """Read all features of a text into `into`."""
    _Reader(text, into).read()
    if not into.lat and not into.polygons and not into.problems:
        into.problem(0, "The file holds no place and no polygon.")
    return into.finished(RULE)


class _Reader:
    """A place in the text, moving on. JSON's own decoder does the values; only the outer frame is ours."""

    def __init__(self, text: str, into: Gathering) -> None:
        self._text, self._into = text, into
        self._at = self._counted = 0
        self._line = 1
        self._decode = json.JSONDecoder().raw_decode

    def read(self) -> None:
        try:
            while self._peek():
                if self._peek() == "[":
                    self._features()
                else:
                    self._object()
                if self._peek() == ",":
                    self._at += 1
        except json.JSONDecodeError as error:
            line = self._line_of(error.pos)
            self._into.problem(line, f"This is not valid JSON ({error.msg}); what came before was kept.")
        except ValueError:  # an integer of thousands of digits
            self._into.problem(self._line_of(self._at), "A number here is far too long; the rest was left out.")
        except RecursionError:
            self._into.problem(self._line_of(self._at), "Brackets are nested too deep here; the rest was left out.")

    def _object(self) -> None:
        """An outer object: its `features` one by one, anything else as a whole."""
        self._expect("{")
        line = self._line_of(self._at)
        members: dict[str, Any] = {}
        streamed = False
        while self._peek() != "}":
            key = self._value()
            if not isinstance(key, str):
                raise json.JSONDecodeError("a member's name must be text", self._text, self._at)
            self._expect(":")
            if key == "features" and self._peek() == "[":
                self._features()
                streamed = True
            else:
                members[key] = self._value()
            if self._peek() != "}":
                self._expect(",")
        self._expect("}")
        if not streamed:
            take(members, line, "", self._into, 0)

    def _features(self) -> None:
        self._expect("[")
        while self._peek() != "]":
            line = self._line_of(self._at)
            take(self._value(), line, "", self._into, 0)
            if self._peek() != "]":
                self._expect(",")
        self._expect("]")

    def _peek(self) -> str:
        found = _SPACE.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._text[self._at : self._at + 1]

    def _expect(self, sign: str) -> None:
        if self._peek() != sign:
            raise json.JSONDecodeError(f"{sign!r} was expected", self._text, self._at)
        self._at += 1

    def _value(self) -> Any:
        self._peek()
        value, self._at = self._decode(self._text, self._at)
        return value

    def _line_of(self, position: int) -> int:
        if position < self._counted:
            return 1 + self._text.count("\n", 0, position)
        self._line += self._text.count("\n", self._counted, position)
        self._counted = position
        return self._line


def take(thing: Any, line: int, name: str, into: Gathering, depth: int) -> None:
    """Take over a feature, a geometry or a collection that begins in `line`."""
    if not isinstance(thing, dict):
        into.problem(line, f"A feature was expected; found {_short(thing)}. It was left out.")
        return
    if depth > DEEPEST:
        into.problem(line, f"Collections are nested more than {DEEPEST} deep; the inner ones were left out.")
        return
    kind = thing.get("type")
    coordinates = thing.get("coordinates")
    match kind:
        case "Feature":
            geometry = thing.get("geometry")
            if geometry is None:
                into.problem(line, "The feature has no geometry, so it is nowhere; it was left out.")
            else:
                take(geometry, line, _name(thing.get("properties")), into, depth + 1)
        case "FeatureCollection" | "GeometryCollection":
            inner = thing.get("features" if kind == "FeatureCollection" else "geometries")
            for part in inner if isinstance(inner, list) else ():
                take(part, line, name, into, depth + 1)
        case "Point":
            _point(coordinates, line, name, into)
        case "MultiPoint":
            for position in coordinates if isinstance(coordinates, list) else ():
                _point(position, line, name, into)
        case "Polygon":
            _polygon([coordinates], line, into)
        case "MultiPolygon":
            _polygon(coordinates, line, into)
        case "LineString" | "MultiLineString":
            into.problem(line, "Lines are neither places nor areas; this one was left out.")
        case _:
            into.problem(line, f"The type must be one of GeoJSON's; found {_short(kind)}. It was left out.")


def _point(position: Any, line: int, name: str, into: Gathering) -> None:
    pair = _pair(position)
    if pair is None:
        into.problem(line, f"A position is [longitude, latitude]; found {_short(position)}. It was left out.")
    else:
        into.add(line, *pair, name)


def _polygon(parts: Any, line: int, into: Gathering) -> None:
    """One polygon of all rings of all parts: by the even-odd rule holes and islands come out right."""
    rings: list[list[tuple[float, float]]] = []
    for part in parts if isinstance(parts, list) else ():
        for ring in part if isinstance(part, list) else (None,):
            corners = [_pair(position) for position in ring] if isinstance(ring, list) else [None]
            good = [corner for corner in corners if corner is not None]
            if len(good) < len(corners):
                into.problem(line, "A corner of the polygon is not [longitude, latitude]; it was left out.")
                return
            rings.append(good)
    into.polygon(line, rings)


def _pair(position: Any) -> tuple[float, float] | None:
    """Latitude and longitude of a GeoJSON position, None when it is none."""
    if not isinstance(position, list) or len(position) < 2:
        return None
    lon, lat = position[:2]
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in (lon, lat)):
        return None
    try:
        return float(lat), float(lon)
    except OverflowError:  # an integer of more than 308 digits
        return None


def _name(properties: Any) -> str:
    if isinstance(properties, dict):
        for key in NAME_KEYS:
            value = properties.get(key)
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                return str(value)
    return ""


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."
