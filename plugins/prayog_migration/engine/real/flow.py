"""Stage 6, live sync: batches one after the other, and how far behind they are."""

from __future__ import annotations

import time

from prayog_migration.engine.real import newcomers
from prayog_migration.engine.real.agreeing import reconcile
from prayog_migration.engine.real.copying import tell
from prayog_migration.engine.real.job import GateShut, Job

__all__ = ["Flow"]

_LAG_SECONDS = 0.25
_LOOK_SECONDS = 2.0
_RECONCILE_SECONDS = 3.0
_NEAR_CHANGES = 200
_NEAR_BYTES = 200_000


class Flow:
    """What goes on between commands, once there is something to follow."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._held = ""
        self._told = 0.0
        self._looked = 0.0
        self._reconciled = 0.0
        self._stopped = True
        self._near = ""
        """The direction in which it has caught up."""
        self._applied = 0
        self._since = time.monotonic()

    @property
    def ready(self) -> bool:
        """Changes can flow."""
        return not self._stopped and not self._held

    def begin(self) -> None:
        """Follow the changes until somebody stops it; tells when it has caught up."""
        job = self._job
        if not job.order.live:
            raise GateShut("The big bang follows no changes: the source is fenced until the switch-over.")
        forward = job.side == "source"
        if forward:
            job.demand("sync")
        self._held, self._stopped, self._near = "", False, ""
        if forward:  # the way back is kept open after the switch-over: no step of its own
            job.step("sync", "running")

    def hold(self, why: str) -> None:
        """Stop where it is: somebody must decide; the log keeps what waits."""
        self._held = why
        standing = self._job.standing()
        self._job.step(standing["name"], "paused", why)

    def stop(self) -> None:
        """Nothing flows any more."""
        self._stopped = True

    def turn(self) -> bool:
        """One batch; whether there was anything to do."""
        job = self._job
        direction = job.flow
        link = job.link(direction)
        if not link.begun:
            self._stopped = True
            return False
        done = link.once()
        tell(job, direction, done)
        self._applied += done.changes if done else 0
        now = time.monotonic()
        if now - self._told > _LAG_SECONDS:
            self._lag(now)
        if direction == "forward" and now - self._looked > _LOOK_SECONDS:
            self._looked = now
            newcomers.look(job)
        if direction == "forward" and self._near and job.order.strategy == "dual write":
            self._reconcile(now)
        job.control.tick(done.changes if done else 0, 0)
        return done is not None

    def _reconcile(self, now: float) -> None:
        """A dual write is compared all the time, because nothing else would tell that the sides have parted."""
        if now - self._reconciled > _RECONCILE_SECONDS:
            if parted := reconcile(self._job):
                self.hold(parted)
            self._reconciled = time.monotonic()

    def _lag(self, now: float) -> None:
        job = self._job
        direction = job.flow
        link = job.link(direction)
        lag = link.lag()
        waits = lag.changes > 0 or lag.bytes > 0
        behind = max(0, time.time_ns() // 1000 - link.committed_us) if waits and link.committed_us else 0
        rate = self._applied / max(1e-6, now - self._since)
        self._told, self._applied, self._since = now, 0, now
        job.say(
            "lag", direction, changes=lag.changes, bytes=lag.bytes, kept_bytes=lag.kept_bytes, cap_bytes=lag.cap_bytes,
            behind_us=behind, applied_s=round(rate), position=link.position,
        )  # fmt: skip
        near = lag.changes <= _NEAR_CHANGES if lag.changes >= 0 else lag.bytes <= _NEAR_BYTES
        if near and self._near != direction:
            self._near = direction
            if direction == "forward":
                job.step("sync", "done", caught_up=True)
            job.say("caught_up", direction)
