"""The orders of a real run: the very messages that the simulation of the same set-up and seed sends, and when.

The simulated producers make them, with a broker that says yes at once, so that rhythm, customers, poison, urgency,
signatures and encryption are one piece of code and one stream of random numbers.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from prayog_queues.engine.envelope import Message
from prayog_queues.engine.port import Queue, Topology
from prayog_queues.engine.setup import Setup, topology_of
from prayog_queues.engine.world.producer import Producer
from prayog_queues.engine.world.wire import Confirm, Publish
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Look
from prayog_sim.world import World

__all__ = ["Order", "declared", "orders_of"]


@dataclass(frozen=True, slots=True)
class Order:
    """A message, who sends it, and when after the start."""

    at_us: int
    producer: str
    message: Message


class _Yes(Node):
    """Takes every message; keeps them with the moment they were made."""

    def __init__(self, found: list[Order]) -> None:
        self._found = found

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if isinstance(msg, Publish):
            self._found.append(Order(msg.message.time_us, src, msg.message))
            ctx.send(src, Confirm(msg.message.id))

    def look(self) -> Look:
        return Look("store", "B", 0, "says yes")


def declared(setup: Setup) -> tuple[Topology, str]:
    """All that is made on a real broker, dead-letter queues too, and where producers send to."""
    topology, to = topology_of(setup)
    names = {queue.name for queue in topology.queues}
    dead = {queue.dead_letters: None for queue in topology.queues if queue.dead_letters not in {"", *names}}
    return replace(topology, queues=(*topology.queues, *(Queue(name) for name in dead))), to


def orders_of(setup: Setup, seed: int) -> list[Order]:
    """All that the producers send by themselves, in the order of their moments."""
    found: list[Order] = []
    _, to = topology_of(setup)
    names = [f"p{i + 1}" for i in range(setup.producers)]
    nodes: dict[str, Any] = {name: partial(Producer, setup, i, to) for i, name in enumerate(names)}
    world = World({**nodes, "broker": partial(_Yes, found)}, seed)
    while world.step() is not None:
        pass
    world.close()
    return sorted(found, key=lambda order: (order.at_us, order.message.id))
