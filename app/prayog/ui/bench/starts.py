"""What a run is made from, as a value, and the making of it in a worker thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from prayog.catalog import problem_of
from prayog.ui.bench.plan import Plan, Recorded
from prayog.ui.bench.script_plan import ScriptPlan
from prayog_sdk.manifest import Problem
from prayog_sdk.qt.jobs import Cancelled, Ctx
from prayog_sdk.services import ServiceMissing, Services
from prayog_sdk.watchdog import PATIENCE_S, Watchdog
from prayog_sim.run import ActionError, Run, TimedAction

if TYPE_CHECKING:
    from prayog_sdk.saved import SavedRun
    from prayog_sdk.scenario import Scenario
    from prayog_sdk.topic import Topic
    from prayog_sim.script import Script

__all__ = ["Start", "Started", "begin"]


@dataclass(frozen=True, slots=True)
class Start:
    """A set-up: scenario, knobs, seed, and what is to be done by itself (a script, or recorded actions).

    With `upto` (a number of steps) or `upto_us` the recorded actions are done at once and the run is shown there; with
    `played` all that is planned is done, and it is shown at the end; otherwise it is shown at its beginning.  `show_at`
    is the step that is shown then.
    """

    scenario: str
    values: Mapping[str, Any]
    seed: int
    kind: Literal["world", "session"] = "world"
    script: Script | None = None
    actions: tuple[TimedAction, ...] = ()
    by_time: bool = False
    upto: int | None = None
    upto_us: int | None = None
    played: bool = False
    show_at: int | None = None

    @classmethod
    def of_scenario(cls, scenario: Scenario) -> Start:
        return cls(scenario.id, dict(scenario.params), scenario.seed, scenario.kind, scenario.script)

    @classmethod
    def of_saved(cls, saved: SavedRun) -> Start:
        return cls(
            saved.scenario, dict(saved.params), saved.seed, saved.kind, None, tuple(saved.actions), upto=saved.steps,
        )  # fmt: skip

    def from_start(self) -> Start:
        """The same, to be shown from its beginning."""
        return replace(self, upto=None, upto_us=None, played=False, show_at=None)

    def same_set_up(self, other: Start) -> bool:
        """The same scenario, knobs and seed."""
        return (self.scenario, dict(self.values), self.seed) == (other.scenario, dict(other.values), other.seed)

    def plan(self, topic: Topic, params: Any) -> Plan:
        """What the run does by itself: a fresh plan."""
        if self.script is not None:
            return ScriptPlan(self.script, _verbs(topic, params))
        return Recorded(self.actions, by_time=self.by_time)


def _verbs(topic: Topic, params: Any) -> dict[str, list[str]]:
    """The topic's actions and their arguments; none when its code raises, which the tools of the bench say."""
    try:
        return {spec.name: [arg.name for arg in spec.args] for spec in topic.actions(params)}
    except Exception:  # noqa: BLE001 - the topic's code
        return {}


@dataclass(frozen=True, slots=True)
class Started:
    """A run that is ready to be shown, at step `at`."""

    run: Run
    params: Any
    plan: Plan | None
    at: int


def begin(ctx: Ctx, topic: Topic, start: Start, params: Any, services: Services) -> Started | Problem:
    """Make the run of `start`, or say why there is none; runs in a worker thread."""
    try:
        return _made(ctx, topic, start, params, services)
    except Cancelled:
        raise
    except ServiceMissing as error:
        return Problem("services", f"{error.sentence} {error.way_forward}".strip(), topic.id)
    except Exception as error:  # noqa: BLE001 - the topic's code
        return problem_of(error, "build", topic.id)


def _made(ctx: Ctx, topic: Topic, start: Start, params: Any, services: Services) -> Started:
    if start.kind == "session":
        run: Run = topic.session(params, start.seed, services, ctx.progress)
    else:
        run = topic.build(params, start.seed, ctx.progress)
    try:
        plan = start.plan(topic, params)
        if start.kind == "session" or not (start.played or start.upto is not None or start.upto_us is not None):
            return Started(run, params, plan, len(run.trace) - 1)
        _catch_up(ctx, run, plan, start)
        if getattr(run, "stopped", ""):
            run.view()  # it has to be made again for that, which takes a moment: here, and not in the window
        end = len(run.trace) - 1
        return Started(run, params, plan, end if start.show_at is None else min(start.show_at, end))
    except BaseException:
        run.close()
        raise


def _catch_up(ctx: Ctx, run: Run, plan: Plan, start: Start) -> None:
    """Do what is planned and let happen what follows, up to the end that `start` names."""
    watchdog = Watchdog()
    try:
        _go_on(ctx, run, plan, start, watchdog)
    finally:
        watchdog.close()


def _go_on(ctx: Ctx, run: Run, plan: Plan, start: Start, watchdog: Watchdog) -> None:
    while start.upto is None or len(run.trace) < start.upto:
        before = len(run.trace)
        if not plan.done:
            try:
                with watchdog.limit(PATIENCE_S):
                    plan.step(run)
            except ActionError:
                if getattr(run, "stopped", ""):  # code of the learner's that had to be ended: the run says so itself
                    return
                raise
        elif start.played or (start.upto_us is not None and (run.next_at is None or run.next_at > start.upto_us)):
            return
        else:
            with watchdog.limit(PATIENCE_S):
                run.step()
        if len(run.trace) == before and plan.done:
            return
        if len(run.trace) % 512 == 0:
            ctx.progress(len(run.trace), start.upto or 0, "")
