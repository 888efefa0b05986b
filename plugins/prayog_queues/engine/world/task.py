"""One hand-out at work, and how long work takes."""

from __future__ import annotations

from dataclasses import dataclass, field

from prayog_queues.engine.envelope import Delivery
from prayog_queues.engine.setup import Setup
from prayog_sim.node import Ctx

__all__ = ["Task", "work_us"]


@dataclass(slots=True)
class Task:
    """One hand-out at work."""

    delivery: Delivery
    point: str
    """Where the consumer dies while it works on this; empty: nowhere."""
    did: list[str] = field(default_factory=list)
    seen: bool | None = None
    acked: bool = False


def work_us(setup: Setup, ctx: Ctx) -> int:
    """How long the work for one message takes."""
    mean = 1_000 * setup.work_ms
    if setup.work == "varied":
        return round(ctx.rng.expovariate(1 / mean)) if mean else 0
    if setup.work == "long tail":  # one in fifty takes ten times as long
        return round(mean * (10 if ctx.rng.random() < 0.02 else 0.8))
    return round(mean)
