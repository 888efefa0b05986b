"""Lets time pass: plays the run that is shown, at a speed that can be followed, or hurries to a goal.  No Qt.

It is called by a frame clock (`advance`) and never works longer than its budget.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from prayog.ui.bench.branch import Listener
from prayog.ui.bench.pace import MAX, next_speed, pace, rate
from prayog.ui.bench.stepper import Stepper
from prayog_sim.run import ActionError, Run
from prayog_sim.trace import Step

__all__ = ["BUDGET_S", "Player"]

BUDGET_S = 0.008
_CHUNK = 64  # steps handed over at once
_SLOW_S = 1.2  # how long a marked step holds the speed down


class Player(Stepper):
    """Play, step, run to."""

    def __init__(self, listener: Listener, now: Callable[[], float] = time.perf_counter) -> None:
        super().__init__(listener, now)
        self._goal: tuple[Callable[[Step], bool], str] | None = None
        self._slow_until = 0.0
        self._rate_mark = (now(), 0)
        self._played = 0
        self.speed = 1.0
        self.steps_per_s = 0.0
        self.slow_at: Callable[[Step], bool] | None = None
        """Steps at which playing slows down for a moment; None: nowhere."""
        self.auto_slow = True
        """Whether it does."""

    @property
    def moving(self) -> bool:
        """`advance` has something to do."""
        if self.branch is None:
            return False
        if self.run.kind == "session":
            return self.run.busy or (self.playing and (not self.live or self.branch.planned))
        return self.playing or self._goal is not None

    @property
    def hurrying(self) -> bool:
        """A run to a goal is on."""
        return self._goal is not None

    def play(self) -> None:
        if self.branch is None or self.playing:
            return
        if not self.can_go_on:
            self._listener.tell("Nothing more happens by itself. Do something, step back, or start again (R).")
            return
        if not self.branch.pace_us:
            self.branch.pace_us = pace(self.branch, self.view())
        self._rate_mark, self._played = (self._now(), 0), 0
        self._goal = None
        if getattr(self.run, "live", False):
            self._catch_up()  # processes went on meanwhile: they are followed at their present
        self.playing = True
        self._listener.changed()

    def pause(self) -> None:
        if self.playing or self._goal is not None:
            self.playing, self._goal, self.steps_per_s = False, None, 0.0
            self._listener.changed()

    def toggle(self) -> None:
        if self.playing or self._goal is not None:
            self.pause()
        else:
            self.play()

    def step(self) -> Step | None:
        """One step forward; None when nothing more happens by itself."""
        if self.branch is None:
            return None
        self.pause()
        step = self._forward()
        if step is None:
            if _waiting(self.run):
                self.run_to(lambda _step: True, "step")  # it comes by itself: whatever it is
            elif not self.branch.busy:
                self._listener.tell("Nothing more happens by itself. Do something, or step back.")
            return None
        self.branch.clock_us = float(step.at)
        self._listener.stepped((step,))
        self._listener.changed()
        return step

    def run_to(self, test: Callable[[Step], bool], name: str) -> None:
        """Run on, as fast as it goes, to the next step for which `test` holds; `name` is used when there is none."""
        if self.branch is None:
            return
        self.pause()
        self._goal = (test, name)
        self._listener.changed()

    def set_speed(self, speed: float) -> None:
        self.speed = speed
        self._listener.changed()

    def faster(self, stops: int) -> None:
        """`stops` further along the speeds (negative: slower)."""
        self.set_speed(next_speed(self.speed, stops))

    # -- time ----------------------------------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let `seconds` of wall clock pass; works at most about `BUDGET_S`."""
        branch = self.branch
        if branch is None:
            return
        deadline = self._now() + BUDGET_S
        if branch.run.kind == "session":
            self._collect(deadline)
        if self._goal is not None:
            self._hurry(deadline)
        elif self.playing:
            self._play(seconds, deadline)
        now = self._now()
        if self.playing and now - self._rate_mark[0] >= 0.5:
            self.steps_per_s = (self._played - self._rate_mark[1]) / (now - self._rate_mark[0])
            self._rate_mark = (now, self._played)

    def _collect(self, deadline: float) -> None:
        """Take over what a session's worker reported."""
        following = self.playing and self.live
        branch = self.branch
        assert branch is not None
        try:
            if self.playing and branch.plan is not None and not branch.plan.done:
                with self._in_time():
                    branch.plan.step(branch.run)
            while True:
                with self._in_time():
                    step = branch.run.step()
                if step is None or self._now() >= deadline:
                    break
        except ActionError as error:
            self._listener.tell(str(error), True)
        except Exception as error:  # noqa: BLE001 - the topic's code
            self._fail("step", error)
        if following:
            self._catch_up()
            if self.playing and not branch.busy:
                self.pause()

    def _play(self, seconds: float, deadline: float) -> None:
        branch = self.branch
        assert branch is not None
        shown: list[Step] = []
        target = branch.clock_us
        left = seconds
        while True:
            due = branch.due()
            if due is None:
                if branch.run.kind == "world" and not branch.busy:
                    self._hand_over(shown)
                    self.pause()
                    return
                break
            speed = min(self.speed, 1.0) if self._now() < self._slow_until else self.speed
            flow = rate(branch, due, speed)
            need = (due - target) / flow if flow < MAX else 0.0
            if need > left:
                target += left * flow
                break
            left -= max(0.0, need)
            step = self._forward()
            if step is None:
                break
            target = float(step.at)
            shown.append(step)
            if self.auto_slow and self.slow_at is not None and 1 < self.speed < MAX and self.slow_at(step):
                self._slow_until = self._now() + _SLOW_S
                break
            if len(shown) >= _CHUNK:
                self._hand_over(shown)
                shown = []
                if self._now() >= deadline:
                    break
            elif len(shown) % 8 == 0 and self._now() >= deadline:
                break
        if self.branch is branch:
            branch.clock_us = max(target, float(shown[-1].at)) if shown else target
            self._hand_over(shown)

    def _hurry(self, deadline: float) -> None:
        assert self._goal is not None
        test, name = self._goal
        shown: list[Step] = []
        while True:
            step = self._forward()
            if step is None:
                self._hand_over(shown)
                if self.branch is not None and not self.branch.busy:
                    self.pause()
                    self._listener.tell(f"No further {name}: nothing more happens by itself.")
                return
            shown.append(step)
            if test(step):
                self._hand_over(shown)
                self.pause()
                return
            if len(shown) % 8 == 0 and self._now() >= deadline:
                self._hand_over(shown)
                return

    def _hand_over(self, steps: list[Step]) -> None:
        if steps and self.branch is not None:
            self._played += len(steps)
            self.branch.clock_us = max(self.branch.clock_us, float(steps[-1].at))
            self._listener.stepped(steps)


def _waiting(run: Run) -> bool:
    """A step of `run` was asked for and is still to come."""
    return bool(getattr(run, "waiting", False))
