"""Promises about runs: every scenario runs, the same in every process, backwards as forwards, and broken ones fail.

Scenarios on a real component are read and not run: the component may be missing here.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prayog_sdk import params as knobs
from prayog_sdk.child import command
from prayog_sdk.headless import RunResult
from prayog_sdk.scenario import Scenario, ScenarioError, read_good
from prayog_sdk.testing import golden
from prayog_sdk.testing.findings import Case, Finding
from prayog_sdk.testing.source import chancy
from prayog_sim.run import Run
from prayog_sim.trace import canonical
from prayog_sim.world import World

__all__ = ["broken_variants", "determinism", "nodes", "scenarios", "seeking"]

SLOW_SECONDS = 5.0
"""A scenario that takes longer than this to run makes people wait: a warning."""
_FAILED_LOOK = "its look() failed"  # `prayog_sim.views` says so in the node's sentence


def scenarios(case: Case) -> Iterator[Finding]:
    """Every scenario is read, runs to its end, keeps its expectations and passes its checks."""
    unread: list[ScenarioError | OSError] = []
    found = read_good(case.topic.manifest, unread.append)
    for error in unread:
        case.spoilt.add(str(getattr(error, "where", "")).removesuffix(".lab"))
        yield Finding("error", "scenarios", str(error))
    if not found and not unread:
        sentence = "a topic needs at least one scenario: what is on the bench when it opens"
        yield Finding("error", "scenarios", sentence, "scenarios/")
    for scenario in found:
        where = f"scenarios/{scenario.id}.lab"
        if not scenario.title or not scenario.about:
            yield Finding("error", "scenarios", "a line “title …” and a line “about …” are needed for the menu", where)
        try:
            case.topic.params(scenario.params)
        except knobs.ParamError as error:
            case.spoilt.add(scenario.id)
            yield Finding("error", "scenarios", str(error), where)
            continue
        case.scenarios.append(scenario)
        if scenario.kind == "world":
            yield from _run(case, scenario, where)


def _run(case: Case, scenario: Scenario, where: str) -> Iterator[Finding]:
    began = time.perf_counter()
    try:
        result = case.run(scenario)
    except Exception as error:  # noqa: BLE001 - the topic's code
        sentence, place = case.told(error)
        yield Finding("error", "scenarios", f"{sentence} ({place})" if place else sentence, where)
        return
    if time.perf_counter() - began > SLOW_SECONDS:
        yield Finding("warn", "scenarios", f"it takes longer than {SLOW_SECONDS:g} s to run", where)
    crashed = {str(step.data.get("sentence") or step.data.get("text") or step.kind): step.seq
               for step in reversed(result.trace) if step.kind in ("error", "halted")}  # fmt: skip
    for told, seq in crashed.items():
        yield Finding("error", "scenarios", f"the engine failed at step {seq}: {told}", where)
    if crashed:
        return
    case.results[scenario.id] = result
    for outcome in result.checks:
        if not outcome.ok and not outcome.foreseen:
            yield Finding("error", "scenarios", f"the check {outcome.name} fails: {outcome.reason}", where)
    for block in result.blocks:
        if block.expected != block.got:
            sentence = f"line {block.line}: {golden.difference(block)}; if that is right, rewrite the expected lines"
            yield Finding("error", "scenarios", sentence, where)


def seeking(case: Case) -> Iterator[Finding]:
    """Going back shows what was there: the view at a step equals that of a new run taken up to it."""
    for scenario, result in case.ran():
        params = case.topic.params(scenario.params)
        run = case.played(scenario)
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
                sentence = f"run again, it ends at step {len(again.trace) - 1} instead of later"
                yield Finding("error", "seeking", sentence, where)
                return
        if len(again.trace) == at + 1 and canonical(again.view(-2)) != view:
            sentence = (
                f"the view at step {at} is not what a new run shows there: a node changes what it already sent or noted"
            )
            yield Finding("error", "seeking", sentence, where)
            return


def determinism(case: Case) -> Iterator[Finding]:
    """The same trace in two processes with different hash seeds, and no Qt behind topic and engine."""
    folder = case.topic.manifest.folder
    if not isinstance(folder, Path):
        return
    answers = [_probe(folder, hash_seed, case.ran()) for hash_seed in ("0", "1")]
    for answer in answers:
        if problem := answer.get("problem"):
            yield Finding("error", "determinism", problem)
            return
    for module in answers[0]["qt"]:
        sentence = f"the topic or its engine imports {module}; only modules under panels/ may, when first shown"
        yield Finding("error", "no Qt", sentence, case.topic.manifest.module)
    if answers[0]["qt"]:
        return  # without Qt its runs are others: that would be the same mistake, told twice
    for scenario, result in case.ran():
        hashes = {result.trace_hash, *(answer["hashes"].get(scenario.id) for answer in answers)}
        if len(hashes) > 1:  # the other scenarios differ for the same reason
            sentence = "the trace differs between two processes; look for hash(), set order, id(), time or random"
            places = chancy(folder)
            at = f": {', '.join(places[:5])}" if places else ""
            yield Finding("error", "determinism", sentence + at, f"scenarios/{scenario.id}.lab")
            return


def _probe(folder: Path, hash_seed: str, ran: list[tuple[Scenario, RunResult]]) -> dict[str, Any]:
    done = subprocess.run(
        command("prayog_sdk.testing.probe", str(folder), *(scenario.id for scenario, _ in ran)),
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


def nodes(case: Case) -> Iterator[Finding]:
    """Every node says its state in words (outline and screen readers depend on it), and what is durable is there."""
    for scenario, _ in case.ran():
        run = case.played(scenario)
        try:
            if sentence := _speechless(run):
                yield Finding("error", "names and states", sentence, f"scenarios/{scenario.id}.lab")
            for node in run.nodes.values() if isinstance(run, World) else ():
                for name in node.durable:
                    if not hasattr(node, name):
                        sentence = f"{type(node).__name__}.durable names {name!r}, an attribute that no such node has"
                        yield Finding("warn", "names and states", sentence)
        finally:
            run.close()


def _speechless(run: Run) -> str:
    for at in (-1, -2):
        for node in run.view(at).nodes.values():
            if node.look.sentence.startswith(_FAILED_LOOK):
                return f"node {node.name}: {node.look.sentence}"
            if node.status == "up" and not node.look.sentence:
                return f"node {node.name} has no sentence in look(); say its state in words"
    return ""


def broken_variants(case: Case) -> Iterator[Finding]:
    """Every broken variant is caught by its check on its scenario, and the good engine is not."""
    for variant in case.topic.broken():
        where = f"prayog_broken, {variant.name}"
        scenario = case.scenario(variant.scenario)
        if scenario is None or (scenario.kind == "world" and scenario.id not in case.results):
            if scenario is None and variant.scenario not in case.spoilt:
                yield Finding("error", "broken variants", f"there is no scenario {variant.scenario!r}", where)
            continue
        if variant.caught_by not in case.topic.checks(case.topic.params(scenario.params)):
            yield Finding("error", "broken variants", f"there is no check {variant.caught_by!r}", where)
            continue
        if not _judged(case, scenario, variant.caught_by, scenario.seed, {}):
            sentence = f"{variant.caught_by} fails for the good engine too, so it proves nothing"
            yield Finding("error", "broken variants", sentence, where)
            continue
        seeds = range(scenario.seed, scenario.seed + variant.seeds)
        if all(_judged(case, scenario, variant.caught_by, seed, dict(variant.params)) for seed in seeds):
            sentence = f"{variant.caught_by} does not catch it on {variant.seeds} seeds of {scenario.id}"
            yield Finding("error", "broken variants", sentence, where)


def _judged(case: Case, scenario: Scenario, check_name: str, seed: int, overrides: dict[str, Any]) -> bool:
    run = case.played(scenario, seed, overrides)
    try:
        params = case.topic.params({**scenario.params, **overrides})
        return case.topic.check(check_name, params).judge(run.trace).ok
    finally:
        run.close()
