"""A topic whose node sets a timer of zero length again and again: time stands still while steps go on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from prayog_sdk.hookspecs import hookimpl
from prayog_sdk.params import Slider
from prayog_sim.node import Ctx, Node
from prayog_sim.world import World


@dataclass(frozen=True)
class Params:
    nodes: Annotated[int, Slider(1, 5, title="Nodes")] = 2


class Spinner(Node):
    def __init__(self) -> None:
        self.turns = 0

    def on_start(self, ctx: Ctx) -> None:
        ctx.set_timer("again", 0)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self.turns += 1
        ctx.set_timer("again", 0)


@hookimpl
def prayog_params() -> type[Params]:
    return Params


@hookimpl
def prayog_build(params: Params, seed: int) -> World:
    return World({f"n{i}": Spinner for i in range(1, params.nodes + 1)}, seed=seed)
