"""A rumour spreads by gossip (Demers et al., "Epidemic algorithms", PODC 1987, section 1.4: rumour mongering)."""

from __future__ import annotations

from typing import Any

from prayog_sim.node import Ctx, Node


class Gossiper(Node):
    """Whoever knows the rumour tells it to a random peer, `rounds` times, once per `every_us`."""

    durable = ("knows",)

    def __init__(self, knows: bool = False, rounds: int = 6, every_us: int = 10_000) -> None:
        self.knows = knows
        self.left = rounds
        self.every_us = every_us

    def on_start(self, ctx: Ctx) -> None:
        if self.knows:
            ctx.set_timer("gossip", self.every_us)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if not self.knows:
            self.knows = True
            ctx.note(f"heard it from {src}")
            ctx.set_timer("gossip", self.every_us)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        ctx.send(ctx.rng.choice(ctx.peers), "rumour")
        self.left -= 1
        if self.left > 0:
            ctx.set_timer("gossip", self.every_us)
