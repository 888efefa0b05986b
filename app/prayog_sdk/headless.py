"""Plays a scenario without a window: for the command line, sweeps, the conformance suite and tests.  No Qt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from prayog_sdk import params as knobs
from prayog_sdk.checks import Event, Verdict
from prayog_sdk.hookspecs import Progress
from prayog_sdk.scenario import Scenario
from prayog_sdk.topic import Topic, silent
from prayog_sim.labfile import Check
from prayog_sim.run import Run
from prayog_sim.script import Block, ScriptError, ScriptResult, play
from prayog_sim.trace import Trace, to_json

if TYPE_CHECKING:
    from prayog_sdk.services import Services

__all__ = ["Outcome", "RunError", "RunResult", "judged", "measured", "played", "run_scenario"]


Within = Callable[[], AbstractContextManager[object]]
"""What each step of a simulated run is taken inside of."""


class RunError(ValueError):
    """A scenario cannot be played like this; the message is a sentence for whoever asked for it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a check of the scenario said; ``at`` is the step to look at, or None.

    ``foreseen``: it fails, and the scenario expects it to.
    """

    name: str
    ok: bool
    reason: str
    at: int | None = None
    foreseen: bool = False


@dataclass(frozen=True, slots=True)
class RunResult:
    """A played scenario.  ``metrics`` are all measures of the topic at the end; JSON values, None when unknown.

    ``blocks`` are the expected lines of the script with what came; they are only comparable on its own seed and knobs.
    """

    topic: str
    scenario: str
    seed: int
    params: Mapping[str, Any]
    steps: int
    trace: Trace
    trace_hash: str
    checks: tuple[Outcome, ...]
    metrics: Mapping[str, Any]
    blocks: tuple[Block, ...] = ()

    @property
    def ok(self) -> bool:
        """Every check holds."""
        return all(outcome.ok for outcome in self.checks)


def run_scenario(
    topic: Topic,
    scenario: Scenario,
    seed: int | None = None,
    overrides: Mapping[str, Any] | None = None,
    services: Services | None = None,
    progress: Progress = silent,
    within: Within = nullcontext,
) -> RunResult:
    """Play `scenario` to its end on `seed` (its own, when None), with some knobs set otherwise, and judge it.

    A session needs `services`.  Raises `RunError` with a sentence: a wrong knob, a line of the script that cannot be
    done, a service that is missing, a check that is written wrongly.
    """
    run, result = _play(topic, scenario, seed, overrides or {}, services, progress, within, judged=True)
    try:
        params = topic.params({**scenario.params, **(overrides or {})})
        return RunResult(
            topic=topic.id,
            scenario=scenario.id,
            seed=scenario.seed if seed is None else seed,
            params=knobs.flat(params),
            steps=len(run.trace),
            trace=run.trace,
            trace_hash=run.trace.hash(),
            checks=tuple(Outcome(c.text, c.ok, c.reason, c.at, c.foreseen) for c in result.checks),
            metrics=measured(topic, params, run.trace),
            blocks=result.blocks,
        )
    finally:
        run.close()


def played(
    topic: Topic, scenario: Scenario, seed: int | None = None, overrides: Mapping[str, Any] | None = None
) -> Run:
    """The simulated run after the script was played, without judging it; the caller closes it.  Raises `RunError`."""
    return _play(topic, scenario, seed, overrides or {}, None, silent, nullcontext, judged=False)[0]


def measured(topic: Topic, params: Any, trace: Trace) -> dict[str, Any]:
    """All measures of `trace` as JSON values.  Raises `RunError` naming the measure that failed."""
    values = {}
    for name, measure in topic.measures(params).items():
        try:
            value = measure(trace)
            values[name] = str(value) if isinstance(value, Event) else to_json(value)
        except Exception as error:
            raise RunError(f"the measure {name} failed: {type(error).__name__}: {error}") from error
    return values


def judged(topic: Topic, scenario: Scenario, params: Any, trace: Trace, seed: int) -> tuple[Outcome, ...]:
    """The checks of the scenario's script on `trace`, which another run left: that of the real component."""
    found = []
    for command in scenario.script.commands:
        if not isinstance(command, Check):
            continue
        try:
            verdict = topic.check(command.text, params).judge(trace, rerun=None, seed=seed)
        except ValueError as error:
            raise RunError(f"{scenario.script.name}:{command.line}: {error}") from error
        found.append(Outcome(command.text, verdict.ok, verdict.reason, verdict.at))
    return tuple(found)


def _play(
    topic: Topic,
    scenario: Scenario,
    seed: int | None,
    overrides: Mapping[str, Any],
    services: Services | None,
    progress: Progress,
    within: Within,
    *,
    judged: bool,
) -> tuple[Run, ScriptResult]:
    own = scenario.seed if seed is None else seed
    try:
        params = topic.params({**scenario.params, **overrides})
        run = _start(topic, scenario, params, own, services, progress)
    except knobs.ParamError as error:
        raise RunError(_placed(error, scenario, overrides)) from error

    def again(other: int) -> Trace:
        twin = played(topic, scenario, other, overrides)
        twin.close()
        return twin.trace

    def judge(text: str, trace: Trace) -> Verdict:
        if not judged:
            return Verdict(True, "")
        check = topic.check(text, params)
        return check.judge(trace, rerun=again if scenario.kind == "world" else None, seed=own)

    verbs = {spec.name: [arg.name for arg in spec.args] for spec in topic.actions(params)}
    try:
        return run, play(scenario.script, run, judge, verbs, within)
    except ScriptError as error:
        run.close()
        raise RunError(str(error)) from error
    except BaseException:
        run.close()
        raise


def _start(
    topic: Topic, scenario: Scenario, params: Any, seed: int, services: Services | None, progress: Progress
) -> Run:
    if scenario.kind == "world":
        return topic.build(params, seed, progress)
    from prayog_sdk.services import ServiceMissing

    if services is None:
        raise RunError(f"{topic.id}/{scenario.id} runs on a real component, and no services were given")
    try:
        return topic.session(params, seed, services, progress)
    except ServiceMissing as error:
        raise RunError(str(error)) from error


def _placed(error: knobs.ParamError, scenario: Scenario, overrides: Mapping[str, Any]) -> str:
    """The sentence, with the place in the script unless somebody else set the knob."""
    place = scenario.script.places.get(error.name)
    if place is None or error.name in overrides or (not error.name and overrides):
        return str(error)
    return f"{scenario.script.name}:{place[0]}:{place[1]}: {error}"
