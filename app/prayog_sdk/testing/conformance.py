"""`prayog check`: whether a topic keeps its promises to the learner and to the lab, as sentences for its author.

Each function looks at one promise and yields findings.  An ``error`` breaks something for a learner; a ``warn`` is
worth a look.  Scenarios on a real component are read and not run: the component may be missing here.

Rules
1. The suite never raises because of a topic: whatever a topic does is a finding.
2. What needs another process (determinism, no Qt) runs in two short-lived ones, both by `probe`.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from prayog_sdk import headless, lessons
from prayog_sdk import params as knobs
from prayog_sdk.checks import CheckError, evaluate
from prayog_sdk.child import command
from prayog_sdk.headless import RunResult
from prayog_sdk.lessons import Challenge, Lesson, LessonStep
from prayog_sdk.manifest import Manifest, ManifestError, read_folder
from prayog_sdk.scenario import Scenario
from prayog_sdk.specs import world_actions
from prayog_sdk.testing import golden
from prayog_sdk.testing.source import hand_made_colours, unknown_imports
from prayog_sdk.topic import Topic, TopicError
from prayog_sim.run import Run
from prayog_sim.trace import canonical

__all__ = ["Finding", "check", "check_topic"]

SLOW_SECONDS = 5.0
"""A scenario that takes longer than this to run makes people wait: a warning."""
STOCK = ("canvas", "spacetime", "nodes", "events", "series", "state", "map", "outline", "code")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to mend: ``about`` is the promise, ``where`` the file or hook."""

    level: Literal["error", "warn"]
    about: str
    sentence: str
    where: str = ""

    def __str__(self) -> str:
        return f"{self.level}: {f'{self.where}: ' if self.where else ''}{self.sentence}"


@dataclass(slots=True)
class _Case:
    """The topic under test with what was learned about it so far."""

    topic: Topic
    scenarios: list[Scenario] = field(default_factory=list)
    results: dict[str, RunResult] = field(default_factory=dict)

    @property
    def params(self) -> Any:
        return self.topic.params()


def check(folder: Path) -> list[Finding]:
    """All findings about the topic in `folder`."""
    try:
        manifest = read_folder(folder)
    except ManifestError as error:
        return [
            Finding("error", "manifest", error.sentence, f"{error.where}:{error.line}" if error.line else error.where)
        ]
    return check_topic(manifest)


def check_topic(manifest: Manifest) -> list[Finding]:
    """All findings about the topic of `manifest`."""
    try:
        topic = Topic.load(manifest)
    except (TopicError, ManifestError) as error:
        return [Finding("error", "load", str(error), manifest.module)]
    try:
        case = _Case(topic)
        findings: list[Finding] = []
        for promise in _PROMISES:
            findings += _guarded(promise, case)
        return findings
    finally:
        topic.close()


def _guarded(promise: Callable[[_Case], Iterator[Finding]], case: _Case) -> list[Finding]:
    found: list[Finding] = []
    about = promise.__name__.strip("_").replace("_", " ")
    try:
        for finding in promise(case):
            found.append(finding)
    except Exception as error:  # noqa: BLE001 - the topic's code; see rule 1
        place = _place(error, case.topic)
        found.append(Finding("error", about, f"{type(error).__name__}: {error}", place))
    return found


def _place(error: BaseException, topic: Topic) -> str:
    """The innermost line of the topic in a traceback."""
    place, trace = "", error.__traceback__
    package = topic.manifest.module.split(".")[0]
    while trace is not None:
        if str(trace.tb_frame.f_globals.get("__name__", "")).split(".")[0] == package:
            place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _hooks(case: _Case) -> Iterator[Finding]:
    """Every hook answers with what it should, and everything has a name that people can read."""
    topic, params = case.topic, case.params
    for spec in topic.actions(params):
        if not spec.title:
            yield Finding("error", "hooks", f"the action {spec.name!r} has no title", "prayog_actions")
        if spec.key and len(spec.key) != 1:
            yield Finding("error", "hooks", f"the key of {spec.name!r} must be one letter", "prayog_actions")
    for name, check_ in topic.checks(params).items():
        if not name.isidentifier():
            yield Finding("error", "hooks", f"{name!r} must be a word, so that scripts can name it", "prayog_checks")
        if not check_.title:
            yield Finding("error", "hooks", f"the check {name!r} has no title", "prayog_checks")
    topic.measures(params)
    topic.series(params)
    ids = [panel.id for panel in topic.panels()]
    for panel in topic.panels():
        if ids.count(panel.id) > 1:
            yield Finding("error", "hooks", f"two panels are called {panel.id!r}", "prayog_panels")
        module = panel.factory.split(":")[0]
        if ":" not in panel.factory and panel.factory not in STOCK:
            sentence = f"{panel.factory!r} is neither module:Class nor a stock panel ({', '.join(STOCK)})"
            yield Finding("error", "hooks", sentence, "prayog_panels")
        elif ":" in panel.factory and not _exists(module):
            yield Finding("error", "hooks", f"there is no module {module!r} for panel {panel.id!r}", "prayog_panels")


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ImportError:
        return False


def _knobs(case: _Case) -> Iterator[Finding]:
    """Every default is a value that a learner could set."""
    try:
        again = case.topic.params(knobs.flat(case.params))
    except knobs.ParamError as error:
        yield Finding("error", "knobs", f"a default is not allowed by its own marker: {error}", "prayog_params")
        return
    if again != case.params:
        yield Finding("error", "knobs", "the defaults change when they are written and read again", "prayog_params")


def _scenarios(case: _Case) -> Iterator[Finding]:
    """Every scenario is read, runs to its end, keeps its expectations and passes its checks."""
    try:
        case.scenarios = case.topic.scenarios()
    except ValueError as error:
        yield Finding("error", "scenarios", str(error))
        return
    if not case.scenarios:
        yield Finding(
            "error",
            "scenarios",
            "a topic needs at least one scenario: what is on the bench when it opens",
            "scenarios/",
        )
    for scenario in case.scenarios:
        where = f"scenarios/{scenario.id}.lab"
        if not scenario.title or not scenario.about:
            yield Finding("error", "scenarios", "a line “title …” and a line “about …” are needed for the menu", where)
        try:
            case.topic.params(scenario.params)
        except knobs.ParamError as error:
            yield Finding("error", "scenarios", str(error), where)
            continue
        if scenario.kind == "session":
            continue
        began = time.perf_counter()
        try:
            result = headless.run_scenario(case.topic, scenario)
        except headless.RunError as error:
            yield Finding("error", "scenarios", str(error), where)
            continue
        case.results[scenario.id] = result
        if time.perf_counter() - began > SLOW_SECONDS:
            yield Finding("warn", "scenarios", f"it takes longer than {SLOW_SECONDS:g} s to run", where)
        for outcome in result.checks:
            if not outcome.ok and not outcome.foreseen:
                yield Finding("error", "scenarios", f"the check {outcome.name} fails: {outcome.reason}", where)
        for block in result.blocks:
            if block.expected != block.got:
                sentence = (
                    f"line {block.line}: {golden.difference(block)}; if that is right, rewrite the expected lines"
                )
                yield Finding("error", "scenarios", sentence, where)
        for step in result.trace:
            if step.kind in ("error", "halted"):
                told = step.data.get("sentence") or step.data.get("text") or step.kind
                yield Finding("error", "scenarios", f"the engine failed at step {step.seq}: {told}", where)


def _code(case: _Case) -> Iterator[Finding]:
    """A function that the learner writes begins with a text that runs, and its knob begins empty."""
    defaults = knobs.flat(case.params)
    for knob in case.topic.fields():
        if isinstance(knob.marker, knobs.Code) and defaults[knob.name]:
            sentence = f"the knob {knob.name} holds code by default; leave it empty and give a starter in prayog_code"
            yield Finding("error", "code", sentence, "prayog_params")
    specs = [case.topic.code(case.topic.params(scenario.params)) for scenario in case.scenarios]
    for spec in {spec.name: spec for spec in specs if spec is not None}.values():
        mistake = spec.function().mistake
        if mistake is not None:
            sentence = f"the starter of {spec.name} does not run: {mistake.sentence}"
            yield Finding("error", "code", sentence, "prayog_code")
        if not spec.starter.endswith("\n") or "\r" in spec.starter:
            yield Finding("error", "code", f"the starter of {spec.name} must end with one line end", "prayog_code")


def _seeking(case: _Case) -> Iterator[Finding]:
    """Going back shows what was there: the view at a step equals that of a new run taken up to it."""
    for scenario, result in _ran(case):
        params = case.topic.params(scenario.params)
        run = headless.played(case.topic, scenario)
        try:
            last = len(run.trace) - 1
            places = sorted({0, last // 3, last // 2, last} if last >= 0 else set())
            views = {at: canonical(run.view(at)) for at in places}
            again = case.topic.build(params, result.seed)
            try:
                yield from _compare(scenario, run, again, views)
            finally:
                again.close()
        finally:
            run.close()


def _compare(scenario: Scenario, run: Run, again: Run, views: dict[int, str]) -> Iterator[Finding]:
    todo = list(run.actions)
    where = f"scenarios/{scenario.id}.lab"
    for at, view in views.items():
        while len(again.trace) <= at:
            if todo and todo[0].after <= len(again.trace):
                timed = todo.pop(0)
                again.do(timed.action, timed.at)
            elif again.step() is None:
                yield Finding(
                    "error", "seeking", f"run again, it ends at step {len(again.trace) - 1} instead of later", where
                )
                return
        if len(again.trace) == at + 1 and canonical(again.view(-2)) != view:
            sentence = (
                f"the view at step {at} is not what a new run shows there: a node changes what it already sent or noted"
            )
            yield Finding("error", "seeking", sentence, where)
            return


def _determinism(case: _Case) -> Iterator[Finding]:
    """The same trace in two processes with different hash seeds, and no Qt behind topic and engine."""
    folder = case.topic.manifest.folder
    if not isinstance(folder, Path):
        return
    answers = [_probe(folder, hash_seed) for hash_seed in ("0", "1")]
    for answer in answers:
        if problem := answer.get("problem"):
            yield Finding("error", "determinism", problem)
            return
    for module in answers[0]["qt"]:
        sentence = f"importing the topic imports {module}; only modules under panels/ may, when a panel is first shown"
        yield Finding("error", "no Qt", sentence, case.topic.manifest.module)
    for scenario, result in _ran(case):
        hashes = {result.trace_hash, *(answer["hashes"].get(scenario.id) for answer in answers)}
        if len(hashes) > 1:
            sentence = "the trace differs between two processes; look for hash(), set order, id(), time or random"
            yield Finding("error", "determinism", sentence, f"scenarios/{scenario.id}.lab")


def _probe(folder: Path, hash_seed: str) -> dict[str, Any]:
    done = subprocess.run(
        command("prayog_sdk.testing.probe", str(folder)),
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    try:
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    except (json.JSONDecodeError, IndexError):
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        return {"problem": f"the topic could not be run in a process of its own: {last}"}
    return answer


def _nodes(case: _Case) -> Iterator[Finding]:
    """Every node says its state in words: the outline and screen readers depend on it."""
    for scenario, _ in _ran(case):
        run = headless.played(case.topic, scenario)
        try:
            for at in (-1, -2):
                for node in run.view(at).nodes.values():
                    if node.status == "up" and not node.look.sentence:
                        sentence = f"node {node.name} has no sentence in look(); say its state in words"
                        yield Finding("error", "names and states", sentence, f"scenarios/{scenario.id}.lab")
                        return
        finally:
            run.close()


def _source(case: _Case) -> Iterator[Finding]:
    """Files import what the lab has, and panels take their colours from the theme."""
    package = Path(str(case.topic.manifest.folder))
    for module, file, line in unknown_imports(package):
        sentence = f"it imports {module}, which the lab does not have; try the import, or do without"
        yield Finding("error", "dependencies", sentence, f"{file}:{line}")
    for colour, theme, ratio, file, line in hand_made_colours(package):
        sentence = f"{colour} has a contrast of {ratio:.1f} on the {theme} theme, of 3 at least; use theme.current()"
        yield Finding("warn", "contrast", sentence, f"{file}:{line}")


def _lessons(case: _Case) -> Iterator[Finding]:
    """Lessons are read in every language, and what they name exists and can be computed."""
    manifest = case.topic.manifest
    folder = manifest.folder.joinpath("lessons")
    there = {item.name for item in folder.iterdir() if item.is_dir()} if folder.is_dir() else set()
    for lang in sorted(there ^ set(manifest.languages)):
        if lang in there:
            yield Finding("warn", "lessons", f"lessons/{lang} is there, but languages in plugin.toml does not name it")
        elif lang != "en" or there:
            yield Finding("warn", "lessons", f"plugin.toml names {lang}, but there is no folder lessons/{lang}")
    for lang in ("en", *sorted(there - {"en"})):
        try:
            read = case.topic.lessons(lang)
            challenges = case.topic.challenges(lang)
        except lessons.LessonError as error:
            yield Finding("error", "lessons", error.sentence, f"{error.where}:{error.line}")
            continue
        for lesson in read:
            missing = [step.id for step in lesson.items if step.lang != lang]
            if missing:
                sentence = f"not yet in {lang} (shown in English): {', '.join(missing)}"
                yield Finding("warn", "lessons", sentence, f"{lang}/{lesson.id}")
            for step in lesson.items:
                yield from _lesson_step(case, lesson, step)
        if lang == "en":
            if not read:
                yield Finding("warn", "lessons", "there is no lesson yet", "lessons/en")
            for challenge in challenges:
                yield from _challenge(case, challenge)


def _lesson_step(case: _Case, lesson: Lesson, step: LessonStep) -> Iterator[Finding]:
    topic, where = case.topic, f"{lesson.where}:{step.line}"
    ids = [scenario.id for scenario in case.scenarios]
    for named in {lesson.scenario, (step.do and step.do.scenario) or lesson.scenario}:
        if named not in ids:
            yield Finding("error", "lessons", f"there is no scenario {named!r}; there are: {', '.join(ids)}", where)
            return
    scenario = case.scenarios[ids.index((step.do and step.do.scenario) or lesson.scenario)]
    params = topic.params(scenario.params)
    measures = topic.measures(params)
    told = "\n\n".join([step.body, *step.hints, step.do.text if step.do else ""])
    for name in lessons.live_names(told):
        if name not in measures:
            yield Finding("error", "lessons", f"there is no measure {name!r} for {{{name}}}", where)
    if step.check is not None:
        try:
            topic.check(step.check, params)
        except CheckError as error:
            yield Finding("error", "lessons", f"the check {step.check!r}: {error}", where)
    if step.do is not None and step.do.action is not None:
        verbs = {spec.name for spec in (*topic.actions(params), *world_actions())}
        if step.do.action.name not in verbs:
            yield Finding("error", "lessons", f"there is no action {step.do.action.name!r}", where)
    if step.predict is not None:
        yield from _prediction(case, scenario, step.predict, where)


def _prediction(case: _Case, scenario: Scenario, predict: lessons.Predict, where: str) -> Iterator[Finding]:
    params = case.topic.params(scenario.params)
    measures, checks = case.topic.measures(params), case.topic.checks(params)
    try:
        evaluate(predict.answer, measures, checks)
        result = case.results.get(scenario.id)
        if result is not None:
            lessons.judge(predict, lessons.Answer(predict.id, None), result.trace, measures, checks)
    except CheckError as error:
        yield Finding("error", "lessons", f"the answer of the prediction {predict.id!r}: {error}", where)


def _challenge(case: _Case, challenge: Challenge) -> Iterator[Finding]:
    where = challenge.where
    scenario = next((s for s in case.scenarios if s.id == challenge.scenario), None)
    if scenario is None:
        yield Finding("error", "challenges", f"there is no scenario {challenge.scenario!r}", where)
        return
    if scenario.kind == "session":
        yield Finding("error", "challenges", "a challenge is graded by replay, so it needs a simulated scenario", where)
    params = case.topic.params(scenario.params)
    for text in challenge.checks:
        try:
            case.topic.check(text, params)
        except CheckError as error:
            yield Finding("error", "challenges", f"the check {text!r}: {error}", where)
    names = [knob.name for knob in case.topic.fields()]
    for name in challenge.knobs:
        if name not in names:
            yield Finding("error", "challenges", f"there is no knob {name!r}; there are: {', '.join(names)}", where)


def _broken_variants(case: _Case) -> Iterator[Finding]:
    """Every broken variant is caught by its check on its scenario, and the good engine is not."""
    topic = case.topic
    for variant in topic.broken():
        where = f"prayog_broken, {variant.name}"
        scenario = next((s for s in case.scenarios if s.id == variant.scenario), None)
        if scenario is None:
            yield Finding("error", "broken variants", f"there is no scenario {variant.scenario!r}", where)
            continue
        if variant.caught_by not in topic.checks(topic.params(scenario.params)):
            yield Finding("error", "broken variants", f"there is no check {variant.caught_by!r}", where)
            continue
        if not _judged(topic, scenario, variant.caught_by, scenario.seed, {}):
            sentence = f"{variant.caught_by} fails for the good engine too, so it proves nothing"
            yield Finding("error", "broken variants", sentence, where)
            continue
        seeds = range(scenario.seed, scenario.seed + variant.seeds)
        if all(_judged(topic, scenario, variant.caught_by, seed, dict(variant.params)) for seed in seeds):
            sentence = f"{variant.caught_by} does not catch it on {variant.seeds} seeds of {scenario.id}"
            yield Finding("error", "broken variants", sentence, where)


def _judged(topic: Topic, scenario: Scenario, check_name: str, seed: int, overrides: dict[str, Any]) -> bool:
    run = headless.played(topic, scenario, seed, overrides)
    try:
        params = topic.params({**scenario.params, **overrides})
        return topic.check(check_name, params).judge(run.trace).ok
    finally:
        run.close()


def _ran(case: _Case) -> list[tuple[Scenario, RunResult]]:
    return [(s, case.results[s.id]) for s in case.scenarios if s.id in case.results]


_PROMISES = (_hooks, _knobs, _source, _scenarios, _code, _seeking, _determinism, _nodes, _lessons, _broken_variants)
