"""Consensus and replication: what the lab asks of this topic, hook by hook.  The algorithms live in `engine`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from prayog_consensus.engine.families import every, family
from prayog_consensus.engine.setup import CORRECT, ETCD, ETCD_DEEDS, YOURS, Setup, network
from prayog_consensus.hunting import unmasked
from prayog_consensus.reign import stale_ms
from prayog_sdk.checks import Check, Measure, count, never
from prayog_sdk.hookspecs import Progress, hookimpl
from prayog_sdk.params import ParamError
from prayog_sdk.services import ServiceMissing
from prayog_sdk.specs import ActionSpec, CodeSpec, PanelSpec, SeriesSpec, Variant
from prayog_sim.world import World

if TYPE_CHECKING:
    from prayog_consensus.engine.real.etcd import Etcd
    from prayog_sdk.cluster import Cluster
    from prayog_sdk.compare import Comparison
    from prayog_sim.trace import Trace


_ROW = 5
"""So many tools stand side by side; of more, those that are needed seldom share a menu."""
_GROUPS = {
    "Provoke": (
        "split_vote", "sleeping_leader", "stale_leader", "three_two", "deaf_leader", "mute_leader", "lying_disks",
        "split_brain", "revive",
    ),
    "Server": ("peek", "campaign", "timer", "propose"),
    "Members": ("transfer", "add", "remove", "reconfigure", "split", "merge"),
}  # fmt: skip


@hookimpl
def prayog_params() -> type[Setup]:
    return Setup


@hookimpl
def prayog_build(params: Setup, seed: int) -> World:
    params = unmasked(params)
    if params.program:
        from prayog_consensus.engine.real.outside import build

        return build(params, seed)
    chosen = family(params.algorithm)
    known = [CORRECT, *(str(v.params["variant"]) for v in chosen.variants if "variant" in v.params)]
    known += [YOURS] if chosen.code is not None else []
    if params.variant not in known:
        raise ParamError(f"variant is one of {', '.join(known)} for {chosen.title}; found {params.variant!r}")
    if chosen.build is not None:
        return chosen.build(params, seed)
    return World(chosen.nodes(params), seed, network(params), invariants=chosen.invariants(params))


@hookimpl
def prayog_code(params: Setup) -> CodeSpec | None:
    return family(params.algorithm).code if params.variant == YOURS and not params.program else None


@hookimpl
def prayog_session(params: Setup, seed: int, progress: Progress) -> Cluster | Etcd:
    from prayog_consensus.engine.real import etcd
    from prayog_consensus.engine.real.processes import start

    if ETCD in params.words:
        return etcd.start(params, progress)
    if params.variant == YOURS and params.code:
        raise ServiceMissing(
            "Your function runs in the simulation only.", "Real processes run Raft as it is: variant correct."
        )
    return start(unmasked(params), seed, progress)


@hookimpl
def prayog_compare(simulated: Trace, real: Trace) -> Comparison:
    from prayog_consensus.comparing import compare

    return compare(simulated, real)


@hookimpl
def prayog_actions(params: Setup) -> list[ActionSpec]:
    if params.program:
        return []
    actions = family(params.algorithm).actions
    if ETCD in params.words:
        return [spec for spec in actions if spec.name in ETCD_DEEDS]
    if len(actions) <= _ROW:
        return list(actions)
    return [
        replace(spec, group=next((g for g, names in _GROUPS.items() if spec.name in names), "")) for spec in actions
    ]


@hookimpl
def prayog_checks(params: Setup) -> list[Check]:
    if params.program:
        from prayog_sdk.cluster.verdicts import CHECKS

        return [CHECKS[params.workload]]
    judged = never("violation") & never("unjudged")  # real processes whose state cannot be told are not safe
    if ETCD in params.words:  # nobody sees into its members: only who leads can be judged
        return [check for check in family(params.algorithm).checks if check.name == "one_leader"]
    safe = Check("safe", "No invariant was violated", judged, "What the algorithm promises at all times.")
    mine = Check("no_mistake", "Your function answered every call", never("code_error"))
    return [safe, *family(params.algorithm).checks, *([mine] if params.variant == YOURS else [])]


@hookimpl
def prayog_measures(params: Setup) -> Mapping[str, Measure]:
    if params.program:
        return {"messages": count("send"), "asked": count("invoke"), "answered": count("ok")}
    return {"messages": count("send"), "stale_ms": stale_ms, **family(params.algorithm).measures}


@hookimpl
def prayog_series(params: Setup) -> list[SeriesSpec]:
    return [] if params.program else list(family(params.algorithm).series)


@hookimpl
def prayog_broken() -> list[Variant]:
    return [variant for chosen in every() for variant in chosen.variants]


@hookimpl
def prayog_panels() -> list[PanelSpec]:
    here = "prayog_consensus.panels"
    return [
        PanelSpec("canvas", "Cluster", "canvas", "centre", "canvas"),
        PanelSpec("spacetime", "Space-time", "spacetime", "tab", "sequence"),
        PanelSpec("states", "States", f"{here}.states_panel:StatesPanel", "tab", "tree"),
        PanelSpec("explore", "Explorer", f"{here}.explore_panel:ExplorePanel", "tab", "search"),
        PanelSpec("hunt", "Find the bug", f"{here}.hunt_panel:HuntPanel", "tab", "challenges", kinds=("world",)),
        PanelSpec("side", "Side by side", f"{here}.side_panel:SidePanel", "tab", "swap", kinds=("world",)),
        PanelSpec("theory", "Counters and theory", f"{here}.theory_panel:TheoryPanel", "tab", "plot"),
        PanelSpec("logs", "Logs", f"{here}.log_panel:LogPanel", "bottom", "table"),
        PanelSpec("operations", "Operations", f"{here}.operations_panel:OperationsPanel", "bottom", "clock"),
        PanelSpec("text", "Text", f"{here}.text_panel:TextPanel", "bottom", "outline"),
        PanelSpec("events", "Events", "events", "bottom", "table"),
    ]
