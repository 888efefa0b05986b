"""One primary per shard: cities that each own the orders of their own people, and a customer who travels.

Why not let Mumbai's master handle only Mumbai's orders, and Delhi's only Delhi's?  That is sharding, and the question
is what decides: where the customer *is* (``place``), or where her data *belongs* (``key``).

Rules
1. ``place``: whoever is asked answers.  A customer of Mumbai who orders in Delhi then has two carts.
2. ``key``: the owner of a key is its home, for ever; a city that is asked about another's key passes the request on.
   Every key has one master, so its history is that of one register; the price is the way to the owner.
3. Each shard would be a cluster of its own (see `server`, or Raft); here each has one server.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from prayog_consensus.engine.replication.client import Reply, Request
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look

__all__ = ["CITIES", "HOMES", "Forward", "Shard"]

CITIES = ("mumbai", "delhi", "bengaluru", "hyderabad", "kolkata", "chennai", "indore", "jaipur")
HOMES: Mapping[str, str] = {"asha": "mumbai", "ravi": "delhi"}
"""Whose orders belong where."""


@dataclass(frozen=True, slots=True)
class Forward:
    """A request that belongs to you; answer `client`."""

    client: str
    request: Request

    def __str__(self) -> str:
        return f"for {self.client}: {self.request}"


class Shard(Node):
    """The master of a city's shard.  ``by_key``: the home of a key owns it; else whoever is asked."""

    durable: ClassVar[tuple[str, ...]] = ("orders", "writes")

    def __init__(self, city: str, by_key: bool) -> None:
        self.city = city
        self.by_key = by_key
        self.orders: dict[str, Any] = {}
        self.writes = 0

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if isinstance(msg, Forward):
            self.serve(msg.client, msg.request, ctx)
        elif isinstance(msg, Request):
            home = HOMES.get(msg.key, self.city)
            if self.by_key and home != ctx.me:
                ctx.note(f"{ctx.me} passes {msg.key}'s request on to {home}, which owns the key")
                ctx.emit("forward", key=msg.key, to=home)
                ctx.send(home, Forward(src, msg))
            else:
                self.serve(src, msg, ctx)

    def serve(self, client: str, msg: Request, ctx: Ctx) -> None:
        if msg.kind == "write":
            self.writes += 1
            self.orders[msg.key] = msg.value
            home = HOMES.get(msg.key, self.city)
            if home != ctx.me:
                ctx.note(f"{ctx.me} takes {msg.key}'s order, though her orders belong to {home}: now there are two")
            ctx.send(client, Reply(msg.op, True, place=self.writes, epoch=1))
        else:
            ctx.send(client, Reply(msg.op, True, self.orders.get(msg.key), place=self.writes))

    def look(self) -> Look:
        held = ", ".join(f"{key}: {value}" for key, value in self.orders.items()) or "nothing yet"
        return Look("leader", self.city[0].upper(), CITIES.index(self.city), f"master of {self.city}, holds {held}",
                    ", ".join(f"{key} {value}" for key, value in self.orders.items()))  # fmt: skip

    def label(self, msg: Any) -> str:
        return str(msg)
