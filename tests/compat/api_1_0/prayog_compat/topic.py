"""The smallest topic: knobs, nodes, one check, one number.  Everything else comes from the lab."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from prayog_compat.engine import Gossiper

from prayog_sdk import Check, Link, Measure, Network, Slider, Variant, World, count, hookimpl


@dataclass(frozen=True)
class Params:
    nodes: Annotated[int, Slider(2, 50, title="Nodes")] = 5
    loss: Annotated[float, Slider(0, 0.9, step=0.05, title="Lost messages", unit="share")] = 0.0
    rounds: Annotated[int, Slider(1, 50, title="Rounds")] = 20


@hookimpl
def prayog_params() -> type[Params]:
    return Params


@hookimpl
def prayog_build(params: Params, seed: int) -> World:
    names = [f"n{i}" for i in range(1, params.nodes + 1)]
    nodes = {name: lambda name=name: Gossiper(name == "n1", params.rounds) for name in names}
    return World(nodes, seed=seed, network=Network(Link(loss=params.loss)))


@hookimpl
def prayog_checks(params: Params) -> list[Check]:
    return [Check("reached", "Everyone heard the rumour", count("note") >= params.nodes - 1)]


@hookimpl
def prayog_measures() -> Mapping[str, Measure]:
    return {"heard": count("note"), "messages": count("send")}


@hookimpl
def prayog_broken() -> list[Variant]:
    return [Variant("hasty", "Tells it only once", {"rounds": 1}, caught_by="reached", scenario="rumour")]
