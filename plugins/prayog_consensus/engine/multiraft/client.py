"""A client that keeps a map of the ranges, as it was told last, and asks the leader of the one that holds its key."""

from __future__ import annotations

from typing import Any

from prayog_consensus.engine.multiraft.messages import Range, RangeAsk, Stale
from prayog_consensus.engine.raft.client import Client
from prayog_consensus.engine.raft.messages import Ask
from prayog_sim.node import Ctx

__all__ = ["CITIES", "RangeClient"]

CITIES = (
    "agra", "bhopal", "chennai", "delhi", "goa", "indore", "jaipur", "kochi", "lucknow", "mumbai", "nagpur", "pune",
    "surat", "thane", "udaipur", "varanasi",
)  # fmt: skip
"""Keys."""


class RangeClient(Client):
    """`hot`: the city about which it asks four times of five."""

    def __init__(
        self,
        me: str,
        stores: tuple[str, ...],
        patience: int,
        first: tuple[Range, ...],
        period: int = 0,
        mixed: bool = False,
        hot: str = "",
    ) -> None:
        super().__init__(me, stores, patience, period, mixed)
        self._hot = hot
        self.map: tuple[tuple[Range, str], ...] = tuple(
            (span, stores[number % len(stores)]) for number, span in enumerate(first)
        )
        """(range, leader), from the first key to the last."""
        self.updates = 0

    def pick(self, ctx: Ctx) -> str:
        if self._hot and ctx.rng.random() < 0.8:
            return self._hot
        return str(ctx.rng.choice(CITIES))

    def route(self, ask: Ask) -> tuple[str, Any]:
        span, self.leader = next((pair for pair in self.map if pair[0].covers(ask.key)), self.map[0])
        return self.leader or self._servers[0], RangeAsk(span.ident, span.epoch, ask)

    def learn(self, leader: str) -> None:
        if self.waiting is not None:
            key = self.waiting.key
            self.map = tuple((span, leader if span.covers(key) else known) for span, known in self.map)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if not isinstance(msg, Stale):
            super().on_message(src, msg, ctx)
        elif self.waiting is not None and msg.request == self.waiting.request and self._update(msg.ranges):
            ctx.note(f"{self._me} learns that the ranges have changed, and asks again")
            self._send(ctx)

    def _update(self, ranges: tuple[tuple[Range, str], ...]) -> bool:
        """Take over what is newer; whether anything was."""
        key = self.waiting.key if self.waiting is not None else ""
        old, new = (max((s.epoch for s, _ in spans if s.covers(key)), default=0) for spans in (self.map, ranges))
        if new <= old:
            return False  # that store is behind: ask again when the timer is due
        leaders = {span.ident: leader for span, leader in self.map}
        self.map = tuple((span, leader or leaders.get(span.ident, "")) for span, leader in ranges)
        self.updates += 1
        return True
