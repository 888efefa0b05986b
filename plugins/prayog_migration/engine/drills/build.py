"""Makes the world of each drill from the knobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from prayog_migration.engine.drills.apps import App
from prayog_migration.engine.drills.doubling import Relay, Twin
from prayog_migration.engine.drills.judge import Judge
from prayog_migration.engine.drills.mover import Mover
from prayog_migration.engine.drills.ops import Ops
from prayog_migration.engine.drills.renaming import Caller, Users
from prayog_migration.engine.drills.starts import behind, sides
from prayog_migration.engine.drills.store import Store
from prayog_migration.engine.setup import Setup
from prayog_sim.network import Link, Network, Uniform
from prayog_sim.node import Node
from prayog_sim.run import Action
from prayog_sim.world import World

__all__ = ["DrillWorld", "drill"]

_FAR = Uniform(20_000, 900_000)
"""How long it takes until an instance has heard which side to use: each is told at another moment."""


class DrillWorld(World):
    """A world whose actions find their node by themselves: only one node of a drill knows each."""

    def do(self, action: Action, at: int | None = None) -> Any:
        return super().do(aimed(action, self.nodes), at)


def aimed(action: Action, nodes: Mapping[str, Node]) -> Action:
    """`action` with the node that knows it, unless it names one."""
    if action.args.get("node"):
        return action
    for name, node in nodes.items():
        if action.name in node.actions:
            return Action(action.name, {**action.args, "node": name})
    return action


def drill(setup: Setup, seed: int) -> World:
    """The world that `setup.drill` names."""
    nodes, network = _MAKERS[setup.drill](setup)
    return DrillWorld(nodes, seed, network)


Factories = dict[str, Callable[[], Node]]


def _network(apps: tuple[str, ...], near: Link) -> Network:
    links = {("mover", app): Link(_FAR, ordered=True) for app in apps}
    return Network(near, links)


def _moving(setup: Setup) -> tuple[Factories, Network]:
    """Old and new side, the mover, and instances that write."""
    old, new = sides(setup)
    apps = tuple(f"app{n + 1}" for n in range(setup.apps))
    nodes: Factories = {
        "old": partial(Store, "old", old, behind(setup)),
        "mover": partial(Mover, apps, setup.copy_rate, 4 * setup.rate, setup.synced),
        "new": partial(Store, "new", new, (), "judge"),
    }
    nodes["ops"] = partial(Ops, apps)
    for number, name in enumerate(apps):
        nodes[name] = partial(App, number + 1, setup.apps, setup.rate / setup.apps, setup.keys, "mover")
    if setup.drill == "false alarm":
        nodes["judge"] = Judge
    return nodes, _network(apps, Link(ordered=True))


def _doubling(setup: Setup) -> tuple[Factories, Network]:
    old, new = sides(setup)
    both = setup.double == "two writes"
    nodes: Factories = {"old": partial(Store, "old", old), "new": partial(Store, "new", new)}
    nodes["ops"] = partial(Ops, ("app1", "app2"))
    for number in range(1, 3):
        nodes[f"app{number}"] = partial(Twin, number, setup.rate / 2, setup.keys, both)
    if not both:
        nodes["relay"] = Relay
    return nodes, Network(Link(Uniform(1_000, 30_000), ordered=True))


def _renaming(setup: Setup) -> tuple[Factories, Network]:
    nodes: Factories = {"users": partial(Users, setup.keys)}
    nodes["ops"] = partial(Ops, tuple(f"app{n + 1}" for n in range(setup.apps)))
    for number in range(1, setup.apps + 1):
        nodes[f"app{number}"] = partial(Caller, number, setup.rate / setup.apps, setup.keys)
    return nodes, Network(Link(ordered=True))


_MAKERS: Mapping[str, Callable[[Setup], tuple[Factories, Network]]] = {
    "move": _moving, "false alarm": _moving, "dual write": _doubling, "rename": _renaming,
}  # fmt: skip
