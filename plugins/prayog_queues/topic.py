"""Message queues and pub/sub: what the lab asks of this topic, hook by hook.

Start reading at `engine` (the envelope and the port that every broker has), then `engine.model`, then `engine.world`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from prayog_queues.engine.handlers import CODE, YOURS
from prayog_queues.engine.setup import Setup
from prayog_queues.measures import CHECKS, MEASURES
from prayog_sdk.checks import Check, Measure
from prayog_sdk.hookspecs import hookimpl
from prayog_sdk.params import ParamError
from prayog_sdk.specs import ActionSpec, CodeSpec, PanelSpec, SeriesSpec

if TYPE_CHECKING:
    from prayog_sim.world import World


@hookimpl
def prayog_params() -> type[Setup]:
    return Setup


@hookimpl
def prayog_build(params: Setup, seed: int) -> World:
    from prayog_queues.engine.definitions import DefinitionError
    from prayog_queues.engine.world.build import build

    try:
        return build(params, seed)
    except DefinitionError as error:
        raise ParamError(f"topology: {error}", "topology") from error


@hookimpl
def prayog_code(params: Setup) -> CodeSpec | None:
    return CODE if params.handler == YOURS else None


@hookimpl
def prayog_actions() -> list[ActionSpec]:
    from prayog_queues.deeds import ACTIONS

    return list(ACTIONS)


@hookimpl
def prayog_checks() -> list[Check]:
    return list(CHECKS)


@hookimpl
def prayog_measures() -> Mapping[str, Measure]:
    return MEASURES


@hookimpl
def prayog_series() -> list[SeriesSpec]:
    return [
        SeriesSpec("depth", "Waiting messages"),
        SeriesSpec("in_flight", "Messages in hand"),
        SeriesSpec("oldest_age_ms", "Age of the oldest", "ms"),
        SeriesSpec("end_to_end_ms", "From order to charge", "ms"),
        SeriesSpec("arrival_rate", "Arrivals", "/s"),
        SeriesSpec("service_rate", "Settled", "/s"),
    ]


@hookimpl
def prayog_panels() -> list[PanelSpec]:
    here = "prayog_queues.panels"
    return [
        PanelSpec("flow", "Flow", f"{here}.flow_panel:FlowPanel", "centre", "canvas"),
        PanelSpec("verdict", "Verdict", f"{here}.verdict_panel:VerdictPanel", "tab", "check"),
        PanelSpec("messages", "Messages", f"{here}.messages_panel:MessagesPanel", "tab", "search"),
        PanelSpec("load", "Load", f"{here}.load_panel:LoadPanel", "tab", "speed"),
        PanelSpec("experiments", "Experiments", f"{here}.experiments_panel:ExperimentsPanel", "tab", "dice"),
        PanelSpec("events", "Events", "events", "bottom", "table"),
        PanelSpec("series", "Curves", "series", "tab", "plot"),
        PanelSpec("state", "State", "state", "tab", "tree"),
    ]
