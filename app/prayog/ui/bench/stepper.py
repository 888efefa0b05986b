"""Takes steps of the run that is shown, and does actions to it: the lowest layer of the `driver`.  No Qt."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import AbstractContextManager

from prayog.ui.bench.branch import Branch, Listener
from prayog_sdk.watchdog import PATIENCE_S, Watchdog
from prayog_sim.run import Action, ActionError, Run, View
from prayog_sim.trace import Step

__all__ = ["Stepper"]

_VIEWS = 96  # views kept


class Stepper:
    """Moves the shown moment `at` forward, step by step, and fences in the topic's code that runs then."""

    def __init__(self, listener: Listener, now: Callable[[], float] = time.perf_counter) -> None:
        self._listener = listener
        self._now = now
        self._watchdog = Watchdog()
        self._views: OrderedDict[tuple[int, int], View] = OrderedDict()
        self.branch: Branch | None = None
        self.playing = False

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
    def can_go_on(self) -> bool:
        """There is something to play or to step to."""
        return self.branch is not None and (not self.live or self.branch.busy)

    def view(self) -> View:
        """The view at `at`; kept, so asking twice is cheap."""
        run, at = self.run, self.at
        key = (id(run), at)
        kept = self._views.get(key)
        if kept is None:
            with self._in_time():
                kept = run.view(at)
            self._views[key] = kept
            while len(self._views) > _VIEWS:
                self._views.popitem(last=False)
        else:
            self._views.move_to_end(key)
        return kept

    def pause(self) -> None:
        """Stand still."""
        raise NotImplementedError

    # -- for the layers above ------------------------------------------------------------------------------------

    def _in_time(self) -> AbstractContextManager[None]:
        """Whatever runs inside has `PATIENCE_S` to come back."""
        return self._watchdog.limit(PATIENCE_S)

    def _forward(self) -> Step | None:
        """Move `at` one on, asking the run only at the end of the record."""
        branch = self.branch
        assert branch is not None
        trace = branch.run.trace
        if branch.at + 1 >= len(trace):
            try:
                with self._in_time():
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
            with self._in_time():
                branch.run.do(action, at)
                branch.by_hand = True
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

    def _fail(self, stage: str, error: Exception) -> None:
        self.pause()
        self._listener.failed(stage, error)
