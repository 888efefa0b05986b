"""Puts the nodes of a set-up together."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from prayog_queues.engine.port import Topology
from prayog_queues.engine.setup import Setup, group_of, topology_of
from prayog_queues.engine.world.attacker import Attacker
from prayog_queues.engine.world.bank import Bank
from prayog_queues.engine.world.broker import BrokerNode
from prayog_queues.engine.world.consumer import Consumer
from prayog_queues.engine.world.producer import Producer
from prayog_queues.engine.world.table import Poller, Table
from prayog_sim.network import Fixed, Link, Network
from prayog_sim.node import Node
from prayog_sim.run import Action
from prayog_sim.trace import Step
from prayog_sim.world import World

__all__ = ["QueueWorld", "build", "clients", "readable"]

LINK = Link(Fixed(500))
"""Half a millisecond, as in one data centre; always the same, so that all arrive as they were sent, as with TCP."""


WHERE = {
    **dict.fromkeys(BrokerNode.actions, "broker"),
    **dict.fromkeys(Producer.actions, "p1"),
    **dict.fromkeys(Consumer.actions, "w1"),
}


class QueueWorld(World):
    """A world in which an action that names no node goes to the one that it can be meant for."""

    def do(self, action: Action, at: int | None = None) -> Step:
        """As `World.do`; ``node`` may be left out."""
        if action.args.get("node") is None and action.name in WHERE:
            action = Action(action.name, {**action.args, "node": WHERE[action.name]})
        return super().do(action, at)


def clients(setup: Setup) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Names of the producers, the consumers, and the spare consumers."""
    working = tuple(f"w{i + 1}" for i in range(setup.consumers))
    spares = tuple(f"w{setup.consumers + i + 1}" for i in range(setup.spares))
    return tuple(f"p{i + 1}" for i in range(setup.producers)), working, spares


def readable(topology: Topology) -> tuple[str, ...]:
    """Queues that consumers take from: all but those for dead letters."""
    dead = {queue.dead_letters for queue in topology.queues}
    return tuple(queue.name for queue in topology.queues if queue.name not in dead)


def build(setup: Setup, seed: int) -> QueueWorld:
    """The world of `setup`; consumers share the queues evenly."""
    topology, to = topology_of(setup)
    producers, working, spares = clients(setup)
    queues = readable(topology)
    table = setup.kind == "table"
    takes = Poller if table else Consumer
    nodes: dict[str, Callable[[], Node]] = {
        **{name: partial(Producer, setup, i, to) for i, name in enumerate(producers)},
        "broker": partial(Table, setup, producers)
        if table
        else partial(BrokerNode, setup, seed, producers, working, spares),
        **{
            name: partial(takes, setup, queues[i % len(queues)], group_of(setup, i), spare=name in spares)
            for i, name in enumerate((*working, *spares))
        },
        "bank": partial(Bank, setup),
    }
    if setup.attacker != "none":
        nodes["guest" if setup.attacker == "strays" else "attacker"] = partial(Attacker, setup, to)
    return QueueWorld(nodes, seed, Network(LINK))
