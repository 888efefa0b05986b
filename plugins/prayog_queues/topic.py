"""Message queues and pub/sub: what the lab asks of this topic, hook by hook.

Start reading at `engine` (the envelope and the port that every broker has), then `engine.model`, then `engine.world`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from prayog_queues.checks import CHECKS
from prayog_queues.engine.handlers import CODE, YOURS
from prayog_queues.engine.setup import BROKEN, Setup
from prayog_queues.measures import MEASURES
from prayog_sdk.checks import Check, Measure
from prayog_sdk.hookspecs import hookimpl
from prayog_sdk.params import ParamError
from prayog_sdk.specs import ActionSpec, CodeSpec, PanelSpec, SeriesSpec, Variant

if TYPE_CHECKING:
    from prayog_sdk.compare import Comparison
    from prayog_sdk.hookspecs import Progress
    from prayog_sdk.services import Services
    from prayog_sdk.session import Session
    from prayog_sim.trace import Trace
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
def prayog_session(params: Setup, seed: int, services: Services, progress: Progress) -> Session:
    from prayog_queues.engine.real.session import BrokerSession

    return BrokerSession(params, seed, services, progress)


@hookimpl
def prayog_compare(simulated: Trace, real: Trace) -> Comparison:
    from prayog_queues.comparing import compare

    return compare(simulated, real)


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
def prayog_broken() -> list[Variant]:
    caught = {
        "confirms first": ("nothing_lost", "power_cut"),
        "forgets dead letters": ("told", "poison_put_aside"),
        "takes late acks": ("no_stale_ack", "late_ack"),
        "requeues behind": ("in_order", "back_in_line"),
        "keeps the partition": ("one_reader", "rebalance"),
        "overwrites deaths": ("deaths_kept", "redrive_loop"),
        "counts a look": ("attempts_counted", "looking"),
        "spreads by id": ("in_order", "keys_to_partitions"),
        "never takes back": ("finished", "taken_back"),
    }
    return [
        Variant(name, f"A broker in which {story}", {"engine": name}, check, scenario, 3, story)
        for (name, story), (check, scenario) in zip(BROKEN.items(), caught.values(), strict=True)
    ]


@hookimpl
def prayog_panels() -> list[PanelSpec]:
    here = "prayog_queues.panels"
    return [
        PanelSpec("flow", "Flow", f"{here}.flow_panel:FlowPanel", "centre", "canvas"),
        PanelSpec("verdict", "Verdict", f"{here}.verdict_panel:VerdictPanel", "tab", "check"),
        PanelSpec("messages", "Messages", f"{here}.messages_panel:MessagesPanel", "tab", "search"),
        PanelSpec("load", "Load", f"{here}.load_panel:LoadPanel", "tab", "speed"),
        PanelSpec("incidents", "Incidents", f"{here}.incidents_panel:IncidentsPanel", "tab", "challenges"),
        PanelSpec("experiments", "Experiments", f"{here}.experiments_panel:ExperimentsPanel", "tab", "dice"),
        PanelSpec("backends", "Real brokers", f"{here}.backends_panel:BackendsPanel", "tab", "services"),
        PanelSpec("table", "Table", f"{here}.table_panel:TablePanel", "tab", "table"),
        PanelSpec("events", "Events", "events", "bottom", "table"),
        PanelSpec("series", "Curves", "series", "tab", "plot"),
        PanelSpec("state", "State", "state", "tab", "tree"),
    ]
