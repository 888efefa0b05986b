"""One job done in five ways: a queue, publish and subscribe, a log, a WebSocket and HTTP calls; measured, not told.

Forty orders of four customers; the receiver's process dies at the fifteenth and is back after 600 ms.  No Qt: it is
called in a worker process.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from prayog_queues.crash_points import Work
from prayog_queues.engine.direct import build_direct
from prayog_queues.engine.judging import judge
from prayog_queues.engine.lifecycle import Lives
from prayog_queues.engine.queueing import percentile
from prayog_queues.engine.setup import Setup, customers
from prayog_queues.engine.world.build import build
from prayog_sim.world import World

__all__ = ["WAYS", "Outcome", "Way", "five_ways", "ran"]

SEED = 7
_ORDERS, _RATE, _AT, _BACK_MS, _WORK_MS = 40, 20.0, 15, 600, 20
_LONGEST_US, _STEPS = 20_000_000, 20_000


@dataclass(frozen=True, slots=True)
class Way:
    """One way, and what holds for it by its nature."""

    name: str
    title: str
    kept: str
    again: str
    order: str
    copies: str
    pressure: str
    away: str
    fails: str


WAYS = (
    Way("queue", "Queue", "deleted once acknowledged", "no", "about first in, first out, until one comes back",
        "one consumer gets it", "depth, prefetch", "it waits", "poison, a lease that ends"),
    Way("fanout", "Publish/subscribe", "for each subscription", "limited (seek)", "by key, where the product has keys",
        "a copy for each", "window of unacknowledged", "it waits if the subscription is durable", "a slow subscriber"),
    Way("log", "Log", "by time or size", "yes", "by partition", "a copy for each group", "lag",
        "it waits until retention ends", "rebalance, offsets that skip"),
    Way("websocket", "WebSocket", "nothing", "no", "by connection", "by hand", "TCP", "it is lost",
        "the gap of a reconnect"),
    Way("http", "HTTP", "nothing", "no", "by request", "none", "429 Too Many Requests", "the call fails",
        "a timeout: done or not?"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was seen: effects that were owed and those that came, and how old the slowest was (µs)."""

    name: str
    owed: int
    came: int
    twice: int
    overtaken: int
    told: int
    """Orders of which the sender knows that they were taken."""
    slowest_us: int
    p50_us: int
    seq: int
    sentence: str


def made(name: str) -> World:
    """The run of one way, not yet begun."""
    if name in ("http", "websocket"):
        return build_direct(
            name, SEED, count=_ORDERS, rate=_RATE, keys=customers(4), work_us=1_000 * _WORK_MS, crash_at=_AT,  # type: ignore[arg-type] # one of two
            back_us=1_000 * _BACK_MS,
        )  # fmt: skip
    setup = replace(
        Setup(), kind=name, messages=_ORDERS, rate=_RATE, keys=4, work_ms=float(_WORK_MS), handler="ack last",
        consumers=3 if name == "fanout" else 1, crash_at=_AT, crash_point="before_work", restart_ms=_BACK_MS,
        lease_ms=1_000,
    )  # fmt: skip
    return build(setup, SEED)


def ran(name: str) -> World:
    """The run of one way, to its end."""
    world = made(name)
    while world.busy and len(world.trace) < _STEPS:
        step = world.step()
        if step is None or step.at > _LONGEST_US or any(effect.kind == "finished" for effect in step.effects):
            break
    return world


def _outcome(name: str) -> Outcome:
    world = ran(name)
    verdict, lives = judge(world.trace), Lives()
    for step in world.trace:
        lives.take(step)
    queues = 3 if name == "fanout" else 1
    first = next((f for f in verdict.findings if f.kind in ("lost", "duplicate", "reordered")), None)
    missing = next((life for life in lives.lives.values() if not life.effects), None)
    crash = next((s.seq for s in world.trace if any(e.kind == "crashed" for e in s.effects)), 0)
    took = sorted(life.end_to_end_us for life in lives.lives.values() if life.effects)
    world.close()
    sentence = first.sentence if first else f"{missing.id} never arrived." if missing else "Every order arrived once."
    return Outcome(
        name, _ORDERS * queues, verdict.effects - verdict.counts["duplicate"], verdict.counts["duplicate"],
        verdict.counts["reordered"], verdict.confirmed, took[-1] if took else -1, percentile(took, 50),
        first.seqs[-1] if first else crash, sentence,
    )  # fmt: skip


def five_ways(ctx: Work) -> list[Outcome]:
    """All five, in the order of `WAYS`."""
    found = []
    for i, way in enumerate(WAYS):
        ctx.progress(i, len(WAYS), way.title)
        found.append(_outcome(way.name))
    return found
