"""An outside topic of the second size: nodes, and a panel that the stock panels do not have."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from prayog_sdk import Check, Ctx, Look, Node, PanelSpec, Slider, World, count, hookimpl


@dataclass(frozen=True)
class Params:
    nodes: Annotated[int, Slider(2, 12, title="Nodes")] = 5


class Member(Node):
    """Passes the token on after a millisecond (IEEE 802.5 in a nutshell)."""

    def __init__(self, following: str, first: bool) -> None:
        self.following = following
        self.first = first
        self.holds = False

    def on_start(self, ctx: Ctx) -> None:
        if self.first:
            self.take(ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        self.take(ctx)

    def take(self, ctx: Ctx) -> None:
        self.holds = True
        ctx.emit("token")
        ctx.set_timer("pass", 1_000)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self.holds = False
        ctx.send(self.following, "token")

    def look(self) -> Look:
        sentence = "has the token" if self.holds else "waits for the token"
        return Look("holder" if self.holds else "member", "T" if self.holds else "", sentence=sentence)


@hookimpl
def prayog_params() -> type[Params]:
    return Params


@hookimpl
def prayog_build(params: Params, seed: int) -> World:
    names = [f"n{i}" for i in range(1, params.nodes + 1)]
    after = dict(zip(names, [*names[1:], names[0]], strict=True))
    return World({name: lambda name=name: Member(after[name], name == "n1") for name in names}, seed=seed)


@hookimpl
def prayog_checks() -> list[Check]:
    return [Check("goes_round", "The token came back to its first holder", count("token", node="n1") >= 2)]


@hookimpl
def prayog_panels() -> list[PanelSpec]:
    return [PanelSpec("turns", "Turns", "prayog_paneled.panels.turns:Turns", area="right")]
