"""What the bench is to its panels: the `Bench` of `prayog_sdk.qt.panel`, and the frame clock behind it.

The host turns what the driver says into calls of panels (`on_step` for new steps, `on_frame` at most 60 times a
second, `on_seek` after a jump) and into Qt signals for the rest of the page.  The clock runs only while something
moves or is to be drawn.

Rules
1. Panels are called through their slots, which catch what they raise.
2. Drawing gets a budget of its own: panels that do not fit into one frame are drawn in the next, in turn.
3. A hook of the topic is called through `hook`, which tells what it raised (`problem`); whoever holds the page
   counts, and closes the topic at the third time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

from prayog.catalog import problem_of
from prayog.ui.bench.branch import Branch
from prayog.ui.bench.driver import Driver
from prayog.ui.bench.faces import dressed
from prayog.ui.bench.markers import Markers, mark_of
from prayog.ui.bench.settled import Settled
from prayog_sdk.exports import Label
from prayog_sdk.manifest import Problem
from prayog_sdk.params import flat
from prayog_sdk.qt.jobs import Ctx, JobManager
from prayog_sdk.qt.panel import BenchSignals
from prayog_sdk.run import has_clock
from prayog_sdk.services import Services
from prayog_sdk.specs import ActionSpec, CodeSpec, SeriesSpec
from prayog_sdk.topic import faults
from prayog_sim.run import Action, Run, View
from prayog_sim.trace import Step, Trace

if TYPE_CHECKING:
    from prayog_sdk.grading import SeedResult
    from prayog_sdk.topic import Topic

__all__ = ["Host", "Lens", "is_marked"]

T = TypeVar("T")
D = TypeVar("D")
FRAME_MS = 16
_DRAW_S = 0.008
_SMALL = 400  # steps up to which a measure is computed at once


class Lens(Protocol):
    """What the host knows of a panel's slot."""

    @property
    def seen(self) -> bool:
        """The panel is made and can be seen."""
        ...

    def steps(self, steps: Sequence[Step]) -> None: ...
    def frame(self) -> None: ...
    def seek(self) -> None: ...
    def let_go(self) -> None: ...


class Host(QObject):
    """The bench as panels see it.  One for each open topic."""

    moved = Signal()
    """The shown moment, the trace or the transport changed; at most once a frame."""
    jumped = Signal()
    """The shown moment changed otherwise than forward by new steps."""
    said = Signal(str)
    warned = Signal(str)
    """What the learner asked for could not be done: a sentence."""
    problem = Signal(object)
    """A `Problem` of the topic's code."""
    asked_params = Signal(object)
    asked_start = Signal(object, object)
    """Knobs and a seed: free play is to begin."""
    asked_code = Signal(str)
    """The learner's function is to be run: its text."""
    asked_seed = Signal(object)
    """A seed of a challenge is to be shown: a `SeedResult`."""
    offered = Signal()
    """Other actions are on offer, because another kind of run is shown."""
    working = Signal(object, str)
    """A job that the whole bench waits for, and what it does in words."""

    def __init__(
        self, topic: Topic, jobs: JobManager, services: Services, data_dir: Path, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self.topic = topic
        self.topic_id = topic.id
        self.jobs = jobs
        self.services = services
        self.signals = BenchSignals()
        self.driver = Driver(self, self._work)
        self.markers = Markers()
        self.actions: Sequence[ActionSpec] = ()
        self.series: Sequence[SeriesSpec] = ()
        self.measures: Mapping[str, Callable[[Trace], Any]] = {}
        self.measured: Mapping[str, Any] = {}
        """The last values that were computed in the background."""
        self.code: CodeSpec | None = None
        self.trial_seeds = ""
        self.draft: str | None = None
        self.own: Sequence[str] = ()
        """Names of the topic's own actions."""
        self._offered_for = ""
        """The kind of run for which these actions are."""
        self.lame: Problem | None = None
        """Why there are none, when the topic's code raised."""
        self.lenses: list[Lens] = []
        self.reduced_motion = False
        self.scenario = ""
        """Id of the scenario that the run belongs to."""
        self._data_dir = data_dir
        self._selection = ""
        self._settled = Settled()
        self._dirty = False
        self._turn = 0
        self._since = QElapsedTimer()
        self._clock = QTimer(self)
        self._clock.setTimerType(Qt.TimerType.PreciseTimer)
        self._clock.setInterval(FRAME_MS)
        self._clock.timeout.connect(self._frame)

    # -- for panels ----------------------------------------------------------------------------------------------

    @property
    def run(self) -> Run:
        return self.driver.run

    @property
    def params(self) -> Any:
        return self.driver.branch.params if self.driver.branch else None

    @property
    def seed(self) -> int:
        return self.driver.branch.seed if self.driver.branch else 0

    @property
    def trace(self) -> Trace:
        return self.driver.run.trace

    @property
    def at(self) -> int:
        return self.driver.at

    @property
    def clock_us(self) -> float:
        return self.driver.clock_us

    @property
    def selection(self) -> str:
        return self._selection

    @property
    def timed(self) -> bool:
        """The run has a clock worth showing."""
        return self.driver.branch is not None and has_clock(self.run)

    def view(self) -> View:
        return self.driver.view()

    def do(self, action: Action) -> None:
        if self.driver.branch is None:
            self.say(self.tr("There is no run yet."))
        else:
            self.driver.do(action)

    def seek(self, seq: int) -> None:
        self.driver.seek(seq)

    def select(self, name: str) -> None:
        if name != self._selection:
            self._selection = name
            self.signals.selection_changed.emit(name)
            self.wake()

    def set_params(self, values: Mapping[str, Any]) -> None:
        self.asked_params.emit(dict(values))

    def start(self, values: Mapping[str, Any], seed: int) -> None:
        self.asked_start.emit(dict(values), seed)

    def show(self, title: str, run: Run) -> None:
        if self.driver.branch is not None:
            self.driver.add(title, run)

    def run_code(self, text: str) -> None:
        self.asked_code.emit(text)

    def show_seed(self, seed: SeedResult) -> None:
        self.asked_seed.emit(seed)

    def say(self, sentence: str) -> None:
        self.said.emit(sentence)

    def label(self) -> Label:
        """Where exports and pictures of the shown run come from."""
        branch, manifest = self.driver.branch, self.topic.manifest
        values = flat(branch.params) if branch is not None and branch.params is not None else {}
        return Label(self.topic_id, manifest.version, self.scenario, branch.seed if branch is not None else 0, values)

    def data_dir(self) -> Path:
        self._data_dir.mkdir(parents=True, exist_ok=True)
        return self._data_dir

    def measure(self, name: str) -> Any:
        if self.driver.branch is None or name not in self.measures:
            return None
        if self.at >= _SMALL:
            return self.measured.get(name)
        prefix = Trace(self.trace[: self.at + 1])
        return self.hook(f"measure {name}", lambda: self.measures[name](prefix), None)

    # -- for the page --------------------------------------------------------------------------------------------

    def hook(self, stage: str, call: Callable[[], T], otherwise: D) -> T | D:
        """What `call` (code of the topic) returns; `otherwise` when it raises, which is shown."""
        try:
            return call()
        except Exception as error:  # noqa: BLE001 - the topic's code; the learner sees a card
            self.failed(stage, error)
            return otherwise

    def put(self, branch: Branch) -> None:
        """Show a new run: ask the topic what can be done with it, then tell everyone."""
        run, params, topic = branch.run, branch.params, self.topic
        self._offer(run, params)
        self.series = self.hook("prayog_series", lambda: topic.series(params), [])
        self.measures = self.hook("prayog_measures", lambda: topic.measures(params), {})
        self.code = self.hook("prayog_code", lambda: topic.code(params), None) if run.kind == "world" else None
        self.measured = {}
        self._selection = ""
        self.driver.put(branch)

    def _offer(self, run: Run, params: Any) -> None:
        """What can be done with `run`."""
        known, self.lame = self._own_actions(params)
        own = [spec for spec in known if run.kind in spec.kinds]
        self.own = tuple(spec.name for spec in own)
        self.actions = dressed([*own, *faults(run, own)])
        self._offered_for = run.kind

    def _own_actions(self, params: Any) -> tuple[list[ActionSpec], Problem | None]:
        """The topic's actions.  Without them the run goes on; a card among the tools says why they are missing."""
        try:
            return self.topic.actions(params), None
        except Exception as error:  # noqa: BLE001 - the topic's code
            problem = problem_of(error, "prayog_actions", self.topic_id)
            self.say(self.tr("The topic’s own tools are missing: {what}").format(what=problem.sentence))
            return [], problem

    def wake(self) -> None:
        """Something is to be drawn: one frame at least."""
        self._dirty = True
        if not self._clock.isActive():
            self._since.start()
            self._clock.start()

    def close(self) -> None:
        """Let go of panels and runs; the host is not used after this."""
        self._clock.stop()
        for lens in list(self.lenses):
            lens.let_go()
        self.lenses.clear()
        self.driver.close()
        self._settled.release()

    # -- what the driver says ------------------------------------------------------------------------------------

    def stepped(self, steps: Sequence[Step]) -> None:
        self._settled.grew(len(steps))
        self.tell_crashes(steps)
        for lens in self.lenses:
            lens.steps(steps)
        self.wake()

    def tell_crashes(self, steps: Sequence[Step]) -> None:
        """A node whose code raised is down, and nobody learns why from the picture."""
        told = [step.data.get("sentence") for step in steps if step.kind == "error"]
        if told and told[-1]:
            self.warned.emit(self.tr("A mistake in the topic’s code: {what}").format(what=told[-1]))

    def jumped_to(self) -> None:
        for lens in self.lenses:
            lens.seek()
        self.signals.view_changed.emit(self.view())
        self.jumped.emit()
        self.wake()

    def replaced(self) -> None:
        branch = self.driver.branch
        if branch is not None and branch.run.kind != self._offered_for:  # a panel made a run of another kind
            self._offer(branch.run, branch.params)
            self.offered.emit()
        self.markers.clear()
        self._mark_bookmarks()
        self.signals.run_changed.emit()
        self.jumped_to()

    def changed(self) -> None:
        self._mark_bookmarks()
        self.wake()

    def tell(self, sentence: str, wrong: bool = False) -> None:
        (self.warned if wrong else self.said).emit(sentence)

    def failed(self, stage: str, error: Exception) -> None:
        found = problem_of(error, stage, self.topic_id)
        words = self.tr("The topic’s code stopped with an error: {what}").format(what=found.sentence)
        problem = replace(found, sentence=words)
        # Later: the topic may be closed on hearing this, and now its code is still on the stack.
        QTimer.singleShot(0, self, lambda: self.problem.emit(problem))

    def _mark_bookmarks(self) -> None:
        self.markers.put("bookmark", self.driver.branch.bookmarks if self.driver.branch else ())

    # -- frames --------------------------------------------------------------------------------------------------

    def _frame(self) -> None:
        seconds = min(0.1, self._since.restart() / 1000)
        driver = self.driver
        moving = driver.moving
        if moving:
            driver.advance(seconds)
        if not (moving or self._dirty):
            self._clock.stop()
            return
        self._dirty = False
        if driver.branch is not None:
            self._dirty = self.markers.update(self.trace)
        self._draw()
        self.moved.emit()

    def _draw(self) -> None:
        deadline = time.perf_counter() + _DRAW_S
        seen = [lens for lens in self.lenses if lens.seen]
        for i in range(len(seen)):
            seen[(self._turn + i) % len(seen)].frame()
            if time.perf_counter() > deadline and i + 1 < len(seen):
                self._turn += i + 1
                self._dirty = True
                return

    # -- work ----------------------------------------------------------------------------------------------------

    def _work(
        self, title: str, work: Callable[[Callable[[int, int, str], None]], Any], done: Callable[[Any], None]
    ) -> None:
        """`Work` for the driver: in a worker thread, the bench waits and can cancel."""

        def call(ctx: Ctx) -> Any:
            return work(ctx.progress)

        job = self.jobs.submit(call)
        job.succeeded.connect(done)
        job.failed.connect(lambda sentence, details: self._work_failed(title, sentence, details))
        job.cancelled.connect(self.driver.fork_failed)
        self.working.emit(job, self.tr("Making a second future from here…"))

    def _work_failed(self, title: str, sentence: str, details: str) -> None:
        self.driver.fork_failed()
        self.problem.emit(Problem(title, sentence, self.topic_id, details))


def is_marked(step: Step) -> bool:
    """Steps at which auto-slow holds the speed down."""
    return mark_of(step) not in (None, "note")
