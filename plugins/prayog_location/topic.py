"""Location-based databases: what the lab asks of this topic, hook by hook.

The engines live in `engine` (our own indexes and geodesics), the real databases in `engine.real`, what is drawn
in `panels`.  Start reading at `engine.index`, then `engine.study`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from prayog_location.measures import (
    MEASURES,
    all_in_india,
    at_most,
    few_opened,
    five_found,
    gave_up,
    right_neighbours,
    right_sized,
    sphere_off,
)
from prayog_sdk.checks import Check, Measure, last, never
from prayog_sdk.hookspecs import Progress, hookimpl
from prayog_sdk.params import Choice, Code, FilePath, Slider
from prayog_sdk.specs import ActionSpec, Arg, CodeSpec, PanelSpec

if TYPE_CHECKING:
    from prayog_location.engine.study import Study
    from prayog_sdk.compare import Comparison
    from prayog_sdk.services import Services
    from prayog_sdk.session import Session
    from prayog_sim.trace import Trace

INDEXES = (
    "grid",
    "R-tree (STR)",
    "R-tree (Hilbert)",
    "R-tree (inserted)",
    "quadtree",
    "geohash",
    "Z-order",
    "Hilbert",
    "scan",
)
YOURS = "yours"
TABLES = ("world", "India", "cabs in Indore", "clusters", "swapped axes", "my file")


@dataclass(frozen=True)
class Params:
    """What is searched, and with what."""

    table: Annotated[
        str, Choice(*TABLES, title="Places", help="Real places come from GeoNames; my file can be CSV or GeoJSON.")
    ] = "world"
    index: Annotated[
        str,
        Choice(*INDEXES, YOURS, title="Index", help="All must find the same places; “yours” is a quadtree you search."),
    ] = "R-tree (STR)"
    leaf: Annotated[int, Slider(2, 512, title="Points in a leaf", log=True, help="Trees only.")] = 64
    points: Annotated[
        int, Slider(1_000, 10_000_000, log=True, title="Points in clusters", help="Only for the table “clusters”.")
    ] = 100_000
    file: Annotated[str, FilePath(("csv", "geojson", "json"), title="My file")] = ""
    code: Annotated[str, Code(title="Your function", help="It searches the index “yours”.")] = ""


@hookimpl
def prayog_params() -> type[Params]:
    return Params


@hookimpl
def prayog_build(params: Params, seed: int, progress: Progress) -> Study:
    from prayog_location.engine import tables
    from prayog_location.engine.choosing import builder
    from prayog_location.engine.study import Study

    def placing(done: int, total: int) -> None:
        progress(done, total, "placing points")

    def indexing(done: int, total: int) -> None:
        progress(done, total, f"building the index: {params.index}")

    table = tables.make(params.table, params.points, seed, params.file, placing)
    if params.index == YOURS:
        from prayog_location.engine import yours

        return Study(table, yours.builder(params.leaf, params.code, indexing))
    return Study(table, builder(params.index, params.leaf, indexing))


@hookimpl
def prayog_code(params: Params) -> CodeSpec | None:
    if params.index != YOURS:
        return None
    from prayog_location.engine.yours import NEAREST

    return NEAREST


@hookimpl
def prayog_session(params: Params, seed: int, services: Services, progress: Progress) -> Session:
    from prayog_location.engine import tables
    from prayog_location.engine.real.databases import DatabaseSession

    table = tables.make(params.table, params.points, seed, params.file, lambda done, total: progress(done, total, ""))
    return DatabaseSession(table, services, progress)


@hookimpl
def prayog_compare(simulated: Trace, real: Trace) -> Comparison:
    from prayog_location.comparing import compare

    return compare(simulated, real)


_POINT = Arg("point", "point", "Centre", [22.7196, 75.8577])
_KM = Arg("km", "float", "Radius", 50.0, unit="km")
_LETTERS = Arg("letters", "int", "Geohash letters (0: the index decides)", 0)
_PRECISION = Arg("precision", "int", "Letters of the geohash", 5)


@hookimpl
def prayog_actions() -> list[ActionSpec]:
    edges = [Arg(edge, "float", edge.capitalize(), value, unit="°") for edge, value in
             (("south", 20.0), ("west", 72.0), ("north", 24.0), ("east", 78.0))]  # fmt: skip
    cells = [Arg(name, "int", name, value) for name, value in (("x0", 3), ("y0", 3), ("x1", 12), ("y1", 9))]
    return [
        ActionSpec("radius", "Circle", "All places within a distance.", args=(_POINT, _KM, _LETTERS), key="c",
                   icon="circle"),
        ActionSpec("nearest", "k nearest", "The nearest places, however far.",
                   args=(_POINT, Arg("k", "int", "How many", 10)), key="n", icon="pin"),
        ActionSpec("box", "Box", "All places in a latitude/longitude box.", args=tuple(edges), key="o", icon="box"),
        ActionSpec("polygon", "Polygon", "All places inside corners joined by straight lines on the map.",
                   args=(Arg("corners", "text", "Corners lat,lon|lat,lon|…", "8,77|8,78|13,80|13,75"),),
                   key="y", icon="polygon"),
        ActionSpec("same_cell", "Same geohash", "Only places whose geohash begins like the centre’s: the naive way.",
                   args=(_POINT, _PRECISION, Arg("km", "float", "Radius", 0.5, unit="km")), key="h", icon="cell"),
        ActionSpec("nine_cells", "Nine cells", "The centre’s geohash cell and its eight neighbours.",
                   args=(_POINT, _PRECISION, Arg("km", "float", "Radius", 0.5, unit="km")), key="9", icon="cells"),
        ActionSpec("measure", "Measure", "Three rulers between two places.",
                   args=(Arg("from", "point", "From", [22.7196, 75.8577]), Arg("to", "point", "To", [28.6139, 77.209])),
                   key="m", icon="rulers"),
        ActionSpec("ranges", "Curve window", "A window of grid cells as runs of keys, on Z-order and on Hilbert.",
                   args=(*cells, Arg("order", "int", "Order", 5)), key="w", icon="curve"),
        ActionSpec("swap_axes", "Swap the axes", "Read the file again with the two exchanged.", icon="swap"),
    ]  # fmt: skip


@hookimpl
def prayog_checks() -> list[Check]:
    return [
        Check("exact", "Every answer is the same as that of a full scan", never("oracle", same=False),
              "Compared after every query with a scan of all points; ties go to the smaller id."),
        Check("missed", "The last answer missed at least one true place", last("oracle").missing > 0,
              "For the naive geohash query, which this topic disproves."),
        Check("complete", "The last answer missed nothing", last("oracle").missing == 0),
        Check("in_india", "All places lie in the box that holds India", all_in_india),
        Check("five", "The five nearest were found", five_found),
        Check("few_parts", "At most 9 parts of the index were opened", at_most("opened", 9, "parts were opened")),
        Check("few_tested", "At most 40 places were tested", at_most("refined", 40, "places were tested")),
        Check("right_neighbours", "Your function finds the same places as a full scan, in the same order",
              right_neighbours),
        Check("few_opened", "Your function opens fewer than 20 % of the parts", few_opened),
        Check("right_sized", "City, district and region were each covered with cells of the right size",
              right_sized,
              "At most 12 cells, less than 60 % false positives, nothing missed."),
        Check("sphere_off", "The sphere is off by more than 0.4 % between the last pins", sphere_off),
        Check("gave_up", "Vincenty’s formula did not converge between the last pins", gave_up),
    ]  # fmt: skip


@hookimpl
def prayog_measures() -> Mapping[str, Measure]:
    return MEASURES


@hookimpl
def prayog_panels() -> list[PanelSpec]:
    here = "prayog_location.panels"
    return [
        PanelSpec("map", "Map", f"{here}.map_panel:MapPanel", "centre", "map"),
        PanelSpec("plan", "Plan", f"{here}.plan_panel:PlanPanel", "right", "plan"),
        PanelSpec("compare", "All indexes", f"{here}.compare_panel:ComparePanel", "bottom", "table", kinds=("world",)),
        PanelSpec("rulers", "Three rulers", f"{here}.rulers_panel:RulersPanel", "tab", "rulers", kinds=("world",)),
        PanelSpec("curves", "Curves", f"{here}.curves_panel:CurvesPanel", "tab", "curve", kinds=("world",)),
        PanelSpec("events", "Events", "events", "bottom", "table"),
    ]
