"""Fifteen incidents: a run that hurts, what to look at, which knobs may be turned, and when it counts as repaired.

Read `incident` (what one is), then `delivery`, `order` and `load`.  They are numbered as in the list of well-known
ones, so that 13 to 17, which need events and sagas, are missing here.
"""

from __future__ import annotations

from prayog_queues.engine.incidents.delivery import DELIVERY
from prayog_queues.engine.incidents.incident import Clue, Incident
from prayog_queues.engine.incidents.load import LOAD
from prayog_queues.engine.incidents.order import ORDER

__all__ = ["INCIDENTS", "Clue", "Incident", "incident"]

INCIDENTS: tuple[Incident, ...] = tuple(sorted((*DELIVERY, *ORDER, *LOAD), key=lambda one: one.number))


def incident(scenario: str) -> Incident:
    """The incident of a scenario.  Raises `KeyError`."""
    return {one.scenario: one for one in INCIDENTS}[scenario]
