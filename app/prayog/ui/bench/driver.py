"""Drives one run: what is shown, how time flows, what happens when the learner acts in the past.  No Qt.

The driver is the only one who steps a run.  Panels, transport and scrubber see it through `Listener`.  It is
called by a frame clock (`advance`) and never works longer than its budget, so the window stays quick however
large the run is.

Rules
1. The shown moment `at` may lie anywhere in the trace.  Forward from there shows what is recorded; only at the end
   is the run asked for a new step.
2. An action in the past of a simulated run forks it: the old branch is kept and can be shown again.
3. A session is followed as it happens.  It can be scrubbed; it cannot be run again, and the driver says so.
4. At 1x a message's flight (or the gap between two steps) takes a readable part of a second, whatever the unit
   of the run's clock is; a wait longer than `LONGEST_WAIT_S` is shortened to it.
5. Whatever calls the topic's code has `PATIENCE_S` to come back, so that an endless step pauses and does not freeze.
   A run in another process is followed: its step may come some frames after it was asked for (``run.waiting``).
"""

from __future__ import annotations

import math
import statistics
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Protocol, TypeVar

from prayog.catalog.watchdog import Watchdog
from prayog.ui.bench.plan import Plan, replay
from prayog_sim.run import Action, ActionError, Run, View
from prayog_sim.trace import Step

__all__ = ["MAX", "SPEEDS", "Branch", "Driver", "Listener", "Work"]

T = TypeVar("T")
Progress = Callable[[int, int, str], None]
MAX = math.inf
SPEEDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0, MAX)
BUDGET_S = 0.008
LONGEST_WAIT_S = 1.5
PATIENCE_S = 2.0
_FLIGHT_S = 0.8  # a message's flight at 1x
_STEP_S = 0.25  # a step of a computation at 1x
_CHUNK = 64  # steps handed over at once
_VIEWS = 96  # views kept
_BRANCHES = 12  # branches kept
_SLOW_S = 1.2  # how long a marked step holds the speed down


class Listener(Protocol):
    """Who shows what the driver does.  Called on the driver's thread."""

    def stepped(self, steps: Sequence[Step]) -> None:
        """The shown moment went forward over `steps`, in order."""
        ...

    def jumped_to(self) -> None:
        """The shown moment moved otherwise."""
        ...

    def replaced(self) -> None:
        """Another run (or branch) is shown."""
        ...

    def changed(self) -> None:
        """Playing, speed, branches or bookmarks changed."""
        ...

    def tell(self, sentence: str, wrong: bool = False) -> None:
        """Something to tell; `wrong`: what was asked for could not be done."""
        ...

    def failed(self, stage: str, error: Exception) -> None:
        """The topic's code raised; the run stands where it was."""
        ...


class Work(Protocol):
    """Somewhere to do what takes long: calls `done` with the result on the driver's thread."""

    def __call__(self, title: str, work: Callable[[Progress], T], done: Callable[[T], None]) -> None: ...


@dataclass(slots=True, eq=False)
class Branch:
    """One run with all that is needed to make it again, and where the learner stood in it."""

    run: Run
    params: Any
    seed: int
    make: Callable[[Progress], Run]
    """A new run of the same parameters and seed with an empty list of actions."""
    plan: Plan | None = None
    """What the scenario still wants to do by itself."""
    title: str = ""
    forked_at: int = -2
    """``seq`` of the last step shared with the branch it came from; -2 when it is a run of its own."""
    at: int = -1
    clock_us: float = 0.0
    pace_us: float = 0.0
    """Virtual µs per second at 1x; 0 until it was estimated."""
    bookmarks: dict[int, str] = field(default_factory=dict)


class Driver:
    """Play, step, seek, fork and act on the run that is on the bench."""

    def __init__(self, listener: Listener, work: Work, now: Callable[[], float] = time.perf_counter) -> None:
        self._listener = listener
        self._work = work
        self._now = now
        self._watchdog = Watchdog()
        self._views: OrderedDict[tuple[int, int], View] = OrderedDict()
        self._goal: tuple[Callable[[Step], bool], str] | None = None
        self._slow_until = 0.0
        self._rate_mark = (now(), 0)
        self._played = 0
        self._forking = False
        self.branches: list[Branch] = []
        self.branch: Branch | None = None
        self.playing = False
        self.speed = 1.0
        self.steps_per_s = 0.0
        self.slow_at: Callable[[Step], bool] | None = None
        """Steps at which playing slows down for a moment; None: nowhere."""
        self.auto_slow = True
        """Whether it does."""

    # -- what is shown -------------------------------------------------------------------------------------------

    @property
    def run(self) -> Run:
        if self.branch is None:
            raise LookupError("no run is on the bench")
        return self.branch.run

    @property
    def at(self) -> int:
        return self.branch.at if self.branch else -1

    @property
    def clock_us(self) -> float:
        return self.branch.clock_us if self.branch else 0.0

    @property
    def end(self) -> int:
        """``seq`` of the last recorded step; -1 when there is none."""
        return len(self.branch.run.trace) - 1 if self.branch else -1

    @property
    def live(self) -> bool:
        """The end of the record is shown: the next step is a new one."""
        return self.at >= self.end

    @property
    def moving(self) -> bool:
        """`advance` has something to do."""
        if self.branch is None:
            return False
        if self.run.kind == "session":
            return self.run.busy or (self.playing and (not self.live or self._planned()))
        return self.playing or self._goal is not None

    @property
    def hurrying(self) -> bool:
        """A run to a goal is on."""
        return self._goal is not None

    @property
    def can_go_on(self) -> bool:
        """There is something to play or to step to."""
        return self.branch is not None and (not self.live or self._busy())

    def view(self) -> View:
        """The view at `at`; kept, so asking twice is cheap."""
        run, at = self.run, self.at
        key = (id(run), at)
        kept = self._views.get(key)
        if kept is None:
            with self._watchdog.limit(PATIENCE_S):
                kept = run.view(at)
            self._views[key] = kept
            while len(self._views) > _VIEWS:
                self._views.popitem(last=False)
        else:
            self._views.move_to_end(key)
        return kept

    # -- runs and branches ---------------------------------------------------------------------------------------

    def put(self, branch: Branch) -> None:
        """Show a new run and forget the earlier ones."""
        old, self.branches = self.branches, [branch]
        self._show(branch)
        for other in old:
            if other.run is not branch.run:
                other.run.close()

    def add(self, title: str, run: Run) -> None:
        """Show a run that a panel made as a further branch, from its start; the others are kept."""
        now = self.branch
        if now is None:
            return
        self.pause()
        self._append(Branch(run, now.params, now.seed, now.make, None, title), now)

    def _append(self, new: Branch, keep: Branch) -> None:
        self.branches.append(new)
        while len(self.branches) > _BRANCHES:
            oldest = next(b for b in self.branches if b is not new and b is not keep)
            self.branches.remove(oldest)
            oldest.run.close()
        self._show(new)

    def switch(self, branch: Branch) -> None:
        """Show another branch where the learner left it."""
        if branch is not self.branch:
            self._show(branch)

    def fork(self, then: Callable[[], None] | None = None) -> None:
        """A second future from the shown moment; the present branch is kept.  `then` runs on the new branch."""
        branch = self.branch
        if branch is None or self._forking:
            return
        if branch.run.kind == "session":
            self._listener.tell("This is a recording of a real component: it can be scrubbed, but not run again.")
            return
        self.pause()
        at, clock = branch.at, branch.clock_us

        def build(progress: Progress) -> Run:
            run = branch.make(progress)
            replay(run, branch.run.actions, at, progress)
            return run

        def done(run: Run) -> None:
            self._forking = False
            number = sum(b.forked_at > -2 for b in self.branches) + 1
            new = Branch(
                run, branch.params, branch.seed, branch.make, None, f"Fork {number} at event {at}", at, at, clock,
                branch.pace_us, {seq: name for seq, name in branch.bookmarks.items() if seq <= at},
            )  # fmt: skip
            self._append(new, branch)
            if then is not None:
                then()

        cut = getattr(branch.run, "fork", None)
        if cut is None:
            self._forking = True
            self._work("fork", build, done)
            return
        try:  # a world forks from its checkpoints, quickly, and must not be looked at meanwhile
            with self._watchdog.limit(PATIENCE_S):
                twin = cut(at)
        except Exception as error:  # noqa: BLE001 - the topic's code runs again here
            self._fail("fork", error)
            return
        done(twin)

    def fork_failed(self) -> None:
        """The work of a fork came to nothing; another may be asked for."""
        self._forking = False

    def close(self) -> None:
        """Close every run; the driver is not used after this."""
        self.playing, self._goal = False, None
        for branch in self.branches:
            branch.run.close()
        self.branches, self.branch = [], None
        self._views.clear()
        self._watchdog.close()

    def _show(self, branch: Branch) -> None:
        self.playing, self._goal = False, None
        follow = getattr(branch.run, "follow", None)
        if follow is not None:
            follow()
        self.branch = branch
        self._views.clear()
        self._listener.replaced()
        self._listener.changed()

    # -- moving --------------------------------------------------------------------------------------------------

    def play(self) -> None:
        if self.branch is None or self.playing:
            return
        if not self.can_go_on and self.run.kind == "world":
            self._listener.tell("Nothing more happens by itself. Do something, step back, or start again (R).")
            return
        if not self.branch.pace_us:
            self.branch.pace_us = self._pace()
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
            elif not self._busy():
                self._listener.tell("Nothing more happens by itself. Do something, or step back.")
            return None
        self.branch.clock_us = float(step.at)
        self._listener.stepped((step,))
        self._listener.changed()
        return step

    def back(self) -> None:
        self.seek(self.at - 1)

    def first(self) -> None:
        self.seek(-1)

    def last(self) -> None:
        self.seek(self.end)

    def seek(self, seq: int) -> None:
        """Show the moment after step `seq` (-1: before the first); beyond the ends means the end."""
        if self.branch is None:
            return
        self.pause()
        seq = max(-1, min(seq, self.end))
        clock = float(self.run.trace[seq].at) if seq >= 0 else 0.0
        if seq == self.branch.at and clock == self.branch.clock_us:
            return
        forward = seq == self.branch.at + 1
        self.branch.at, self.branch.clock_us = seq, clock
        if forward:
            self._listener.stepped((self.run.trace[seq],))
        else:
            self._listener.jumped_to()
        self._listener.changed()

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
        """`stops` further along `SPEEDS` (negative: slower)."""
        nearest = min(range(len(SPEEDS)), key=lambda i: abs(_log(SPEEDS[i]) - _log(self.speed)))
        self.set_speed(SPEEDS[max(0, min(len(SPEEDS) - 1, nearest + stops))])

    # -- acting --------------------------------------------------------------------------------------------------

    def do(self, action: Action) -> None:
        """Do `action` at the shown moment: in the past of a simulated run that is a fork."""
        if self.branch is None:
            return
        if self.live:
            self._do(action)
        elif self.run.kind == "session":
            self._do(action)  # a real component is always at its present
        else:
            self.fork(lambda: self._do(action))

    def _do(self, action: Action) -> None:
        branch = self.branch
        if branch is None:
            return
        at: int | None = None
        if branch.run.kind == "world":
            due = branch.run.next_at
            at = int(branch.clock_us)
            if at < (branch.run.trace[-1].at if branch.run.trace else 0) or (due is not None and at > due):
                at = None
        try:
            with self._watchdog.limit(PATIENCE_S):
                branch.run.do(action, at)
        except ActionError as error:
            self._listener.tell(str(error), True)
            return
        except Exception as error:  # noqa: BLE001 - the topic's code; the learner sees a card
            self._fail(f"do {action.name}", error)
            return
        self._catch_up()
        if branch.run.kind == "session" and not self.playing:
            self.playing = True
        self._listener.changed()

    def _catch_up(self) -> None:
        """Show everything recorded after the shown moment at once."""
        branch = self.branch
        assert branch is not None
        news = branch.run.trace[branch.at + 1 :]
        if news:
            branch.at, branch.clock_us = news[-1].seq, float(news[-1].at)
            self._listener.stepped(news)

    def bookmark(self, name: str = "") -> None:
        """Mark the shown moment, or take the mark away."""
        if self.branch is None:
            return
        if self.branch.bookmarks.pop(self.at, None) is None:
            self.branch.bookmarks[self.at] = name or f"Event {self.at}"
        self._listener.changed()

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
                with self._watchdog.limit(PATIENCE_S):
                    branch.plan.step(branch.run)
            while True:
                with self._watchdog.limit(PATIENCE_S):
                    step = branch.run.step()
                if step is None or self._now() >= deadline:
                    break
        except ActionError as error:
            self._listener.tell(str(error), True)
        except Exception as error:  # noqa: BLE001 - the topic's code
            self._fail("step", error)
        if following:
            self._catch_up()

    def _play(self, seconds: float, deadline: float) -> None:
        branch = self.branch
        assert branch is not None
        shown: list[Step] = []
        target = branch.clock_us
        left = seconds
        while True:
            due = self._due()
            if due is None:
                if branch.run.kind == "world" and not self._busy():
                    self._hand_over(shown)
                    self.pause()
                    return
                break
            rate = self._rate(due)
            need = (due - target) / rate if rate < MAX else 0.0
            if need > left:
                target += left * rate
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
                if self.branch is not None and not self._busy():
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

    def _forward(self) -> Step | None:
        """Move `at` one on, asking the run only at the end of the record."""
        branch = self.branch
        assert branch is not None
        trace = branch.run.trace
        if branch.at + 1 >= len(trace):
            try:
                with self._watchdog.limit(PATIENCE_S):
                    if branch.plan is not None and not branch.plan.done:
                        branch.plan.step(branch.run)
                    else:
                        branch.run.step()
            except ActionError as error:
                self._listener.tell(str(error), True)
            except Exception as error:  # noqa: BLE001 - the topic's code
                self._fail("step", error)
            if branch.at + 1 >= len(trace):
                return None
        branch.at += 1
        return trace[branch.at]

    def _fail(self, stage: str, error: Exception) -> None:
        self.pause()
        self._listener.failed(stage, error)

    def _busy(self) -> bool:
        branch = self.branch
        if branch is None:
            return False
        return branch.run.busy or self._planned()

    def _planned(self) -> bool:
        return self.branch is not None and self.branch.plan is not None and not self.branch.plan.done

    def _due(self) -> float | None:
        """When the next step happens, in µs; None when it is not known."""
        branch = self.branch
        assert branch is not None
        trace = branch.run.trace
        if branch.at + 1 < len(trace):
            return float(trace[branch.at + 1].at)
        if branch.run.kind == "session":
            return None
        due = branch.run.next_at
        if branch.plan is not None and not branch.plan.done:
            planned = branch.plan.next_at(branch.run)
            due = planned if due is None else due if planned is None else min(due, planned)
        if due is None:
            return branch.clock_us if self._busy() else None
        return float(due)

    def _rate(self, due: float) -> float:
        """Virtual µs per second towards the step that is due."""
        branch = self.branch
        assert branch is not None
        speed = min(self.speed, 1.0) if self._now() < self._slow_until else self.speed
        if speed == MAX:
            return MAX
        last = float(branch.run.trace[branch.at].at) if branch.at >= 0 else 0.0
        pace = branch.pace_us or 1.0
        return max(speed * pace, (due - last) / LONGEST_WAIT_S)

    def _pace(self) -> float:
        """Virtual µs per second at 1x, rounded to 1, 2 or 5 times a power of ten."""
        assert self.branch is not None
        flights = [f.arrives_at - f.sent_at for f in self.view().flights if f.arrives_at > f.sent_at]
        if flights:
            return _round_125(statistics.median(flights) / _FLIGHT_S)
        recent = self.run.trace[max(0, self.at - 64) : self.at + 65]
        gaps = [b.at - a.at for a, b in pairwise(recent) if b.at > a.at]
        if gaps:
            return _round_125(statistics.median(gaps) / _STEP_S)
        due = self._due()
        return _round_125(max(1.0, (due or 0.0) - self.clock_us) / _STEP_S)


def _waiting(run: Run) -> bool:
    """A step of `run` was asked for and is still to come."""
    return bool(getattr(run, "waiting", False))


def _log(speed: float) -> float:
    return math.log10(speed) if speed < MAX else 4.0


def _round_125(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return min((1.0, 2.0, 5.0, 10.0), key=lambda m: abs(math.log10(value / (m * power)))) * power
