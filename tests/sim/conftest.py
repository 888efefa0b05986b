"""The nodes that the kernel is tried with; the gossip of the smallest plugin is the first of them.

It is imported by its path below `tests`: under its own name it would be in the way of the plugin itself, which other
tests drop into a profile.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from prayog_sim.node import Node
from prayog_sim.world import World


@pytest.fixture
def gossip() -> Callable[..., World]:
    """``gossip(count, seed, **world)``: a world in which n1 knows the rumour."""
    from plugins.smallest.prayog_smallest.engine import Gossiper

    def make(count: int = 5, seed: int = 7, rounds: int = 6, **world: Any) -> World:
        nodes: dict[str, Callable[[], Node]] = {
            f"n{i}": partial(Gossiper, knows=i == 1, rounds=rounds) for i in range(1, count + 1)
        }
        return World(nodes, seed=seed, **{"strict": True, **world})

    return make
