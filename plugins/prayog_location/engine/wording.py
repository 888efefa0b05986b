"""Numbers and questions in words, so that all engines speak alike."""

from __future__ import annotations

from .index import InBox, InPolygon, Nearest, Radius, SameCell


def distance(metres: float) -> str:
    """A distance as people say it: `14 m`, `850 m`, `12.3 km`, `1,234 km`."""
    if metres < 1_000.0:
        return f"{metres:.1f} m" if metres < 10.0 else f"{metres:.0f} m"
    return f"{metres / 1_000.0:.1f} km" if metres < 100_000.0 else f"{metres / 1_000.0:,.0f} km"


def count(number: int, noun: str, plural: str = "") -> str:
    """`1 point`, `1,200 points`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def question(query: object) -> str:
    """The query in words."""
    match query:
        case Radius(lat, lon, metres):
            return f"within {distance(metres)} of {lat:.4f}, {lon:.4f}"
        case Nearest(lat, lon, k):
            return f"the {k} nearest to {lat:.4f}, {lon:.4f}"
        case InBox(box):
            crossing = " (across the antimeridian)" if box.west > box.east else ""
            return (
                f"in the box {box.south:.4f} to {box.north:.4f} N, "
                f"{box.west:.4f} to {box.east:.4f} E{crossing}"
            )
        case InPolygon(polygon):
            corners = sum(len(ring) for ring in polygon.rings)
            return f"in a polygon of {corners} corners"
        case SameCell(precision=precision, neighbours=neighbours, metres=metres):
            cells = "cell and its 8 neighbours" if neighbours else "cell"
            near = "" if metres is None else f" and within {distance(metres)}"
            return f"in the same {precision}-letter geohash {cells}{near}"
        case _:
            return str(query)
