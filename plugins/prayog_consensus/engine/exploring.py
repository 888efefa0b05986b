"""Any algorithm of this topic as a small system for the explorer, and a counter-example as a run for the bench.

Everything here is picklable by name, so that the search can run in a process of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prayog_consensus.engine.families import family
from prayog_consensus.engine.setup import CORRECT, Setup
from prayog_sim.explorer import Bounds, Choice, Path, Refused, System, minimise, replay, walk
from prayog_sim.node import Node
from prayog_sim.run import Action
from prayog_sim.world import World

__all__ = ["SYNCHRONOUS", "Small", "counter_example", "system"]


@dataclass(frozen=True, slots=True)
class Small:
    """A configuration small enough to be explored.

    ``crashes``, ``drops``, ``timers``: how many of each in one run.  ``epochs``: states in which a node's term, view or
    ballot is beyond this are left out.  ``actions``: lines such as ``propose node=n1 value=1``, each done at most once.
    """

    algorithm: str
    nodes: int = 3
    variant: str = CORRECT
    options: str = ""
    crashes: int = 0
    drops: int = 0
    timers: int = 3
    epochs: int = 2
    messages: int = 12
    actions: tuple[str, ...] = ()


SYNCHRONOUS = ("lcr", "floodmax")
"""Algorithms whose nodes count rounds by the clock: an exploration has no clock, and would show false alarms."""


def system(small: Small) -> System:
    """The system to explore: the same nodes and invariants as on the bench.

    Raises `Refused` with a sentence for an algorithm that cannot be explored.
    """
    chosen = family(small.algorithm)
    if small.algorithm in SYNCHRONOUS:
        raise Refused(
            f"{chosen.title} works in rounds: in a round every message arrives before the next one begins. The "
            "explorer lets messages take any time, so it cannot judge it; run it on the bench."
        )
    setup = Setup(
        algorithm=small.algorithm, nodes=small.nodes, variant=small.variant, options=small.options, jitter=0.0,
    )  # fmt: skip
    bounds = Bounds(
        drops=small.drops, crashes=small.crashes, timers=small.timers, messages=small.messages,
        actions=tuple(_action(line) for line in small.actions), within=lambda nodes: _early(nodes, small.epochs),
    )  # fmt: skip
    return System(chosen.nodes(setup), bounds, chosen.invariants(setup))


def counter_example(small: Small, path: Path[Choice], name: str) -> tuple[World, int, int]:
    """A world that goes along the minimised `path` to the violation of `name`, with its length before and after.

    Raises `prayog_sim.explorer.NotReplayed` with a sentence.
    """
    explored = system(small)
    test = next(prop.test for prop in explored.properties if prop.name == name)
    walk(explored, path)
    short = minimise(explored, path, lambda state: not test(state))
    return replay(explored, short), len(path.actions), len(short.actions)


def _early(nodes: Mapping[str, Node], epochs: int) -> bool:
    for node in nodes.values():
        for name in ("term", "view", "epoch", "ballot", "promised"):
            value = getattr(node, name, 0)
            number = getattr(value, "number", value)
            if isinstance(number, int) and number > epochs:
                return False
    return True


def _action(line: str) -> Action:
    words = line.split()
    args: dict[str, Any] = dict(word.split("=", 1) for word in words[1:] if "=" in word)
    return Action(words[0], {key: int(value) if value.isdigit() else value for key, value in args.items()})
