"""What the broker measures of itself four times a second, and how many consumers work by it."""

from __future__ import annotations

from prayog_queues.engine.model.broker import Model
from prayog_queues.engine.setup import Setup
from prayog_queues.engine.world.wire import Scale
from prayog_sim.node import Ctx

__all__ = ["Watch"]

SAMPLE_US = 250_000
QUIET = 120
"""After so many samples without a message in or out nothing is sampled until one comes: a run that is stuck ends."""
SCALE_US = 1_000_000


class Watch:
    """Gauges, and the autoscaler that reads them; `consumers` work at first, `spares` rest."""

    def __init__(self, setup: Setup, consumers: tuple[str, ...], spares: tuple[str, ...]) -> None:
        self.every = [*consumers, *spares]
        self.working = list(consumers)
        self._least = len(consumers)
        self._arrived = self._settled = self._quiet = 0
        self._setup = setup

    def count(self, ctx: Ctx, *, arrived: int = 0, settled: int = 0) -> None:
        """Something came, or is done."""
        self._arrived += arrived
        self._settled += settled
        if self._quiet >= QUIET:
            self._quiet = 0
            ctx.set_timer("sample", SAMPLE_US)

    def sample(self, model: Model, over: bool, ctx: Ctx) -> None:
        """Write the gauges; unless all is `over`, or nothing happens any more, come back."""
        depth = flight = oldest = 0
        dead = {queue.dead_letters for queue in model.topology.queues}
        for name in model.queues:
            if name in dead:
                continue
            stats = model.stats(name, ctx.now)
            depth, flight, oldest = depth + stats.ready, flight + stats.leased, max(oldest, stats.oldest_us)
        ctx.gauge("depth", depth)
        ctx.gauge("in_flight", flight)
        ctx.gauge("oldest_age_ms", oldest / 1_000)
        if self._setup.kind == "log":
            ctx.gauge("lag", depth + flight)
        ctx.gauge("arrival_rate", self._arrived * 1_000_000 / SAMPLE_US)
        ctx.gauge("service_rate", self._settled * 1_000_000 / SAMPLE_US)
        self._quiet = 0 if self._arrived or self._settled else self._quiet + 1
        self._arrived = self._settled = 0
        if not over and self._quiet < QUIET:
            ctx.set_timer("sample", SAMPLE_US)
        if self._setup.autoscale != "off" and ctx.now % SCALE_US == 0:
            self._scale_by(model, depth, oldest, ctx)

    def _scale_by(self, model: Model, depth: int, oldest: int, ctx: Ctx) -> None:
        """By depth: so many that each has `scale_at` before it (as KEDA does); by age: one more while it is above.

        Fewer only one at a time, and never fewer than at the beginning.
        """
        by_depth = self._setup.autoscale == "depth"
        at, working = self._setup.scale_at, len(self.working)
        why = f"{depth} wait" if by_depth else f"the oldest waits for {oldest / 1_000:g} ms"
        wanted = -(-depth // at) if by_depth else working + (1 if oldest > 1_000 * at else -(oldest < 250 * at))
        wanted = min(max(wanted, working - 1, self._least), len(self.every))
        if wanted != working:
            self.scale(wanted, why, model, ctx)

    def scale(self, count: int, why: str, model: Model, ctx: Ctx) -> None:
        """The first `count` of all consumers work, the others rest."""
        working = self.every[:count]
        for name in self.every:
            if (name in working) != (name in self.working):
                ctx.send(name, Scale(name in working))
        self.working = working
        ctx.emit("scaled", queue=model.topology.queues[0].name, consumers=len(working), why=why)
