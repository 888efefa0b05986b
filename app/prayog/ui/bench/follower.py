"""The second run of a comparison: it has the same done to it, and goes along with the clock of the first."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QTimer

from prayog.ui.bench.branch import Branch
from prayog.ui.bench.host import Host
from prayog.ui.bench.plan import Alike
from prayog_sdk.qt.jobs import Ctx, Job
from prayog_sim.run import Action

__all__ = ["Follower"]


class Follower(Host):
    """A bench for panels that show run B while `leader` shows run A.  What is done is done to A, and so to both."""

    def __init__(self, leader: Host) -> None:
        super().__init__(leader.topic, leader.jobs, leader.services, leader.data_dir(), leader)
        self._leader = leader
        self._job: Job | None = None
        self.alike: Alike | None = None
        """What is done to B."""
        self._again = QTimer(self)
        self._again.setSingleShot(True)
        self._again.setInterval(0)
        self._again.timeout.connect(self.go_along)
        leader.moved.connect(self.go_along)

    def begin(self, values: Mapping[str, Any], seed: int) -> Job:
        """Make B of these knobs and this seed, in a worker; it then catches up with A."""
        topic = self.topic
        params = topic.params(values)

        def build(ctx: Ctx) -> Any:
            return topic.build(params, seed, ctx.progress)

        if self._job is not None:
            self._job.cancel()
        self._job = job = self.jobs.submit(build)
        job.succeeded.connect(lambda run: self._take(job, run, params, seed))
        return job

    def go_along(self) -> None:
        """Come to the moment that A shows."""
        leader = self._leader
        if self.driver.branch is not None and leader.driver.branch is not None:
            self.reduced_motion = leader.reduced_motion
            if not self.driver.follow(leader.clock_us):
                self._again.start()
            self.wake()

    def do(self, action: Action) -> None:
        """A learner acts on B's picture: it is done to A, and B has the same done to it."""
        self._leader.do(action)

    def seek(self, seq: int) -> None:
        """A click on an event of B: A goes to that moment."""
        trace = self._leader.trace
        at = self.trace[seq].at if seq >= 0 else -1
        self._leader.seek(bisect_right(trace, at, key=lambda step: step.at) - 1)

    def say(self, sentence: str) -> None:
        self._leader.say(sentence)

    def close(self) -> None:
        self._again.stop()
        self._leader.moved.disconnect(self.go_along)
        if self._job is not None:
            self._job.cancel()
        super().close()

    def _take(self, job: Job, run: Any, params: Any, seed: int) -> None:
        if job is not self._job:
            run.close()
            return
        self._job = None
        self.alike = Alike(self._leader.run, timed=self._leader.timed)
        self.scenario = self._leader.scenario

        def make(progress: Any) -> Any:
            return self.topic.build(params, seed, progress)

        self.put(Branch(run, params, seed, make, self.alike, "B"))
        self.go_along()
