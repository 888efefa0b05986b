"""Drives one run: what is shown, how time flows, what happens when the learner acts in the past.  No Qt.

The driver is the only one who steps a run.  Panels, transport and scrubber see it through `Listener`.  It stands on two
layers: `stepper` takes steps and does actions, `player` lets time pass; here are branches, seeking and the past.

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

import time
from bisect import bisect_right
from collections.abc import Callable

from prayog.ui.bench.branch import Branch, Listener, Progress, Work
from prayog.ui.bench.plan import replay
from prayog.ui.bench.player import BUDGET_S, Player
from prayog_sim.run import Action, Run
from prayog_sim.trace import Step

__all__ = ["Driver"]

_BRANCHES = 12  # branches kept


class Driver(Player):
    """Play, step, seek, fork and act on the run that is on the bench."""

    def __init__(self, listener: Listener, work: Work, now: Callable[[], float] = time.perf_counter) -> None:
        super().__init__(listener, now)
        self._work = work
        self._forking = False
        self.branches: list[Branch] = []

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
            with self._in_time():
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

    def follow(self, until_us: float) -> bool:
        """Show the moment `until_us`, as far as the budget goes; whether it is shown now.

        Steps that happen later are not taken: so a run goes along with another one.
        """
        branch = self.branch
        if branch is None:
            return True
        trace, deadline = branch.run.trace, self._now() + BUDGET_S / 2
        if branch.at >= 0 and trace[branch.at].at > until_us:
            branch.at = bisect_right(trace, until_us, key=lambda step: step.at) - 1
            branch.clock_us = until_us
            self._listener.jumped_to()
            return True
        shown: list[Step] = []
        there = True
        while (due := branch.due()) is not None and due <= until_us:
            step = self._forward()
            if step is None:
                break
            shown.append(step)
            if len(shown) % 8 == 0 and self._now() >= deadline:
                there = False
                break
        branch.clock_us = until_us if there else float(shown[-1].at)
        self._hand_over(shown)
        self._listener.changed()
        return there

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

    def bookmark(self, name: str = "") -> None:
        """Mark the shown moment, or take the mark away."""
        if self.branch is None:
            return
        if self.branch.bookmarks.pop(self.at, None) is None:
            self.branch.bookmarks[self.at] = name or f"Event {self.at}"
        self._listener.changed()
