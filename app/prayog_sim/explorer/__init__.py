"""Every run of a small system: what a `World` shows one run of, explored in all orders of events.

Start reading at `model` (what can be explored, and the door for plain transition systems), then `search` (how),
`system` (the door for the nodes of a `World`), `replay` (a counter-example as an ordinary run).
"""

from prayog_sim.explorer.bounds import Bounds, Choice, Clock, Memory, Offer, Snapshot
from prayog_sim.explorer.model import Model, Path, Property, Refused, walk
from prayog_sim.explorer.offers import offers, view
from prayog_sim.explorer.replay import NotReplayed, minimise, replay, wander
from prayog_sim.explorer.search import Explorer, Limits, Progress, Report, Verdict
from prayog_sim.explorer.system import System

__all__ = [
    "Bounds",
    "Choice",
    "Clock",
    "Explorer",
    "Limits",
    "Memory",
    "Model",
    "NotReplayed",
    "Offer",
    "Path",
    "Progress",
    "Property",
    "Refused",
    "Report",
    "Snapshot",
    "System",
    "Verdict",
    "minimise",
    "offers",
    "replay",
    "view",
    "walk",
    "wander",
]
