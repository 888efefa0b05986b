"""Makes the runs that are shown, in workers, and remembers the set-ups they came from: again, changed, undone.

Rules
1. One run is made at a time; asking for another cancels the one that is being made.
2. A run that cannot be made changes nothing: what was shown is still shown, and `refused` says why.
3. Undo and redo walk over set-ups of one scenario (knobs and seed); opening another scenario forgets them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from prayog.ui.bench.branch import Branch
from prayog.ui.bench.host import Host
from prayog.ui.bench.recording import Recording
from prayog.ui.bench.starts import Start, Started, begin
from prayog_sdk.manifest import Problem
from prayog_sdk.params import ParamError, flat
from prayog_sdk.qt.jobs import Job
from prayog_sdk.saved import SavedRun
from prayog_sim.rng import MAX_SEED
from prayog_sim.trace import Trace

if TYPE_CHECKING:
    from prayog_sdk.scenario import Scenario
    from prayog_sdk.specs import Variant

__all__ = ["Runs"]


class Runs(QObject):
    """One for each open topic."""

    made = Signal(object, object)
    """A run is ready to be shown: its `Start` and its `Branch`."""
    refused = Signal(object, object)
    """There is no run: the `Start` that was asked for, and a `Problem`."""
    waiting = Signal(object, str)
    """A job that makes a run, and what it does in words."""
    warned = Signal(str)
    said = Signal(str)

    def __init__(self, host: Host, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._host = host
        self._job: Job | None = None
        self._undone: list[Start] = []
        self._before: list[Start] = []
        self.start: Start | None = None
        """The set-up of the run that is shown."""

    @property
    def busy(self) -> bool:
        """A run is being made."""
        return self._job is not None

    def begin(self, start: Start) -> None:
        """Make the run of `start`."""
        topic = self._host.topic
        if self._job is not None:
            self._job.cancel()
        self._host.driver.pause()
        try:
            params = topic.params(start.values)
        except ParamError as error:
            self._refuse(start, error)
            return
        self._job = job = self._host.jobs.submit(begin, topic, start, params, self._host.services)
        job.succeeded.connect(lambda outcome: self._done(job, start, outcome))
        job.failed.connect(lambda sentence, details: self._done(job, start, Problem("build", sentence, "", details)))
        job.cancelled.connect(lambda: self._over(job))
        self.waiting.emit(job, self.tr("Setting up…"))

    def begin_scenario(self, scenario: Scenario) -> None:
        """Make the run of `scenario`."""
        self.begin(Start.of_scenario(scenario))

    def begin_saved(self, saved: SavedRun) -> None:
        """Make a saved run again; a recording of a real component is shown as it was."""
        start = Start.of_saved(saved)
        if saved.kind == "world":
            self.begin(start)
            return
        run = Recording(saved.trace or Trace(), saved.actions)
        try:
            self._show(start, Started(run, self._host.topic.params(saved.params), None, len(run.trace) - 1))
        except ParamError as error:
            self._refuse(start, error)

    def _refuse(self, start: Start, error: ParamError) -> None:
        """Knobs that cannot be: the learner's are left out with a sentence, those of a file leave the bench empty."""
        sentence = str(error)
        if self._host.driver.branch is not None:
            self.warned.emit(sentence)
        else:
            self.refused.emit(start, Problem("build", f"{sentence[:1].upper()}{sentence[1:]}.", start.scenario))

    def again(self, new_seed: bool = False, seed: int | None = None) -> None:
        """The same set-up from its beginning, with the same seed, a new one, or the given one."""
        start = self.start
        if start is None:
            return
        if start.kind == "session" and (new_seed or seed is not None):
            self.said.emit(self.tr("A real component has no seed. Start it again with R."))
            return
        if new_seed:
            seed = random.SystemRandom().randrange(1, 1_000_000)
        self._edit(replace(start.from_start(), seed=start.seed if seed is None else min(seed, MAX_SEED)))

    def change(self, values: Mapping[str, Any], allowed: Mapping[str, Any] | tuple[str, ...] | None = None) -> None:
        """A new run with changed knobs (those in `allowed`, if given), from its beginning, with the same seed."""
        start, branch = self.start, self._host.driver.branch
        if start is None or branch is None:
            return
        if allowed is not None:
            values = {name: value for name, value in values.items() if name in allowed}
        now = flat(branch.params)
        if any(now.get(name) != value for name, value in values.items()):
            self._edit(replace(start.from_start(), values={**start.values, **values}))

    def hunt(self, variant: Variant, scenario: Scenario | None) -> None:
        """Switch a broken variant on, in the scenario that shows it (None: in the one that is shown)."""
        start = Start.of_scenario(scenario) if scenario is not None else self.start
        if start is not None:
            self._edit(replace(start.from_start(), values={**start.values, **variant.params}))
            self.said.emit(self.tr("Switched on: {title}. Which check catches it?").format(title=variant.title))

    def run_code(self, values: Mapping[str, Any]) -> None:
        """A new run with the learner's code among its knobs, played to the end of its script."""
        start = self.start
        if start is None:
            return
        script = start.script
        if script is None and not start.actions and start.scenario:  # opened from a file in which nothing was done
            found = self._host.hook("scenario", lambda: self._host.topic.scenario(start.scenario), None)
            script = found.script if found is not None else None
        self._edit(replace(start.from_start(), values={**start.values, **values}, script=script, played=True))

    def play(self, seed: int, values: Mapping[str, Any], show_at: int | None) -> None:
        """The script of the shown scenario on `seed`, to its end; shown at step `show_at`, or there."""
        start = self.start
        if start is not None:
            values = {**start.values, **values}
            self._edit(replace(start.from_start(), values=values, seed=seed, played=True, show_at=show_at))

    def replay(self, seed: int, until_us: int | None, show_at: int | None) -> None:
        """Do the actions of the shown run again on `seed`, up to `until_us` (None: as far as it went here)."""
        branch, start = self._host.driver.branch, self.start
        if branch is None or start is None:
            return
        if until_us is None:
            until_us = branch.run.trace[-1].at if branch.run.trace else 0
        actions, other = tuple(branch.run.actions), seed != branch.seed
        again = replace(start.from_start(), seed=seed, script=None, actions=actions, by_time=other)
        self.begin(replace(again, upto_us=until_us, show_at=show_at))

    def undo(self) -> None:
        """The set-up before the last change of a knob or the seed."""
        self._walk(self._before, self._undone, self.tr("There is no change of the set-up to take back."))

    def redo(self) -> None:
        """The change that was taken back."""
        self._walk(self._undone, self._before, self.tr("No change of the set-up was taken back."))

    def let_go(self) -> None:
        """Cancel what is being made."""
        if self._job is not None:
            self._job.cancel()
            self._job = None

    def _edit(self, start: Start) -> None:
        if self.start is not None and not start.same_set_up(self.start):
            self._before.append(self.start.from_start())
            self._undone.clear()
        self.begin(start)

    def _walk(self, source: list[Start], target: list[Start], nothing: str) -> None:
        if not source or self.start is None:
            self.said.emit(nothing)
            return
        target.append(self.start.from_start())
        self.begin(source.pop())

    def _done(self, job: Job, start: Start, outcome: Started | Problem) -> None:
        wanted = self._over(job)
        if isinstance(outcome, Problem):
            if wanted:
                self.refused.emit(start, outcome)
        elif wanted:
            self._show(start, outcome)
        else:
            outcome.run.close()

    def _over(self, job: Job) -> bool:
        """The making of a run is over; False when another was asked for meanwhile, or the topic was closed."""
        if job is not self._job:
            return False
        self._job = None
        return True

    def _show(self, start: Start, started: Started) -> None:
        if self.start is None or self.start.scenario != start.scenario:
            self._before.clear()
            self._undone.clear()
        self.start = start
        topic, run = self._host.topic, started.run

        def again(progress: Callable[[int, int, str], None]) -> Any:
            return topic.build(started.params, start.seed, progress)

        branch = Branch(run, started.params, start.seed, again, started.plan, self.tr("The run"), at=started.at)
        if started.at >= 0:
            branch.clock_us = float(run.trace[started.at].at)
        self.made.emit(start, branch)
