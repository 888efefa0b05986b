"""`prayog run`: one scenario without a window, judged by its checks; or a challenge, graded.  Nothing imports Qt.

Exit codes: 0 every check holds, 1 one fails, 2 it could not be run like this (one sentence says why).
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from prayog.catalog import problem_of, strict
from prayog.cli import BadInput
from prayog.cli_topics import open_topic
from prayog.paths import Profile

if TYPE_CHECKING:
    from prayog_sdk.headless import RunResult
    from prayog_sdk.scenario import Scenario
    from prayog_sdk.topic import Topic
    from prayog_sim.trace import Trace

__all__ = ["run", "scenario_in", "scenario_of", "sentences", "topic_values", "write"]


_STEP_S = 10.0  # a step that takes longer never comes back


def run(profile: Profile, args: argparse.Namespace) -> int:
    """Answer `prayog run`."""
    if args.trace is not None:
        _free(args.trace, args.force)
    from prayog import cli_grade

    topic, name = open_topic(profile, args.scenario, args.safe)
    challenge = cli_grade.challenge_of(topic, name)
    if challenge is not None:
        if args.real:
            raise BadInput(f"--real plays a scenario; {topic.id}/{name} is a challenge.")
        with sentences(topic.id):
            return cli_grade.grade(topic, challenge, args)
    scenario = scenario_in(topic, name)
    if args.saved is not None:
        raise BadInput(f"--saved grades a challenge; {topic.id}/{name} is a scenario.")
    if args.real:
        from prayog import cli_real

        with sentences(topic.id):
            return cli_real.run(profile, topic, scenario, args)
    with sentences(topic.id):
        result = _play(profile, topic, scenario, args.seed, topic_values(topic, args.values))
        if args.trace is not None:
            write(args.trace, result.trace, args.force)
        _print(result, args.json)
    return 0 if result.ok else 1


def scenario_of(profile: Profile, wanted: str, safe: bool = False) -> tuple[Topic, Scenario]:
    """The open topic and the scenario of ``TOPIC/SCENARIO``.  Raises `BadInput` with near matches."""
    topic, name = open_topic(profile, wanted, safe)
    return topic, scenario_in(topic, name)


def scenario_in(topic: Topic, name: str) -> Scenario:
    """The scenario `name` of an open topic.  Raises `BadInput` with near matches."""
    from prayog_sdk.topic import UnknownScenario

    with sentences(topic.id):
        try:
            return topic.scenario(name)
        except UnknownScenario as error:
            raise BadInput(str(error)) from error


def topic_values(topic: Topic, words: Sequence[str]) -> dict[str, str]:
    """``["nodes=5", "code=@mine.py"]`` as a mapping.  Raises `BadInput`."""
    from prayog_sdk.params import Code

    holds_code = {field.name for field in topic.fields() if isinstance(field.marker, Code)}
    values = {}
    for word in words:
        knob, equals, value = word.partition("=")
        knob, value = knob.strip(), value.strip()
        if not equals or not knob:
            raise BadInput(f"--set takes KNOB=VALUE, such as nodes=5; found {word!r}.")
        if knob in holds_code and value.startswith("@"):
            try:
                value = Path(value[1:]).read_text("utf-8")
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
                raise BadInput(f"The code for {knob} cannot be read from {value[1:]}: {reason}.") from error
        values[knob] = value
    return values


@contextmanager
def sentences(topic: str) -> Iterator[None]:
    """What a topic's code raises becomes one sentence (in strict mode: the exception itself)."""
    try:
        yield
    except (BadInput, BrokenPipeError):
        raise
    except (Exception, SystemExit) as error:
        if strict():
            raise
        raise BadInput(f"{topic}: {problem_of(error, 'run', topic).sentence}") from error


def _play(profile: Profile, topic: Topic, scenario: Scenario, seed: int | None, values: dict[str, str]) -> RunResult:
    from prayog_sdk.headless import run_scenario
    from prayog_sdk.services import Services
    from prayog_sdk.watchdog import Watchdog

    services, watchdog = Services(profile.services), Watchdog()
    try:
        return run_scenario(topic, scenario, seed, values, services, within=lambda: watchdog.limit(_STEP_S))
    finally:
        watchdog.close()
        services.close()


def _free(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise BadInput(f"{path} is there already; choose another file, or overwrite it with --force.")


def write(path: Path, trace: Trace, force: bool) -> None:
    """The trace as a file, one JSON object a line; whole or not at all.  Raises `BadInput`."""
    half = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with half.open("x", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in trace.jsonl())
        _free(path, force)  # it may have come into being during a long run
        half.replace(path)
    except OSError as error:
        raise BadInput(f"The trace cannot be written to {path}: {error.strerror or error}.") from error
    finally:
        half.unlink(missing_ok=True)


def _print(result: RunResult, as_json: bool) -> None:
    if as_json:
        answer = {
            "topic": result.topic,
            "scenario": result.scenario,
            "seed": result.seed,
            "steps": result.steps,
            "trace_hash": result.trace_hash,
            "checks": [{"name": c.name, "ok": c.ok, "reason": c.reason} for c in result.checks],
            "metrics": dict(result.metrics),
        }
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    failed = (step for step in result.trace if step.kind in ("error", "failed", "halted"))
    for told in dict.fromkeys(step.data.get("sentence") for step in failed if "sentence" in step.data):
        print(f"      ! {told}")
    print(f"{result.topic}/{result.scenario}  seed {result.seed}  {result.steps:,} steps  trace {result.trace_hash}")
    for check in result.checks:
        expected = " (the scenario expects it to fail)" if check.foreseen else ""
        print(f"{'ok  ' if check.ok else 'FAIL'}  {check.name}: {check.reason}{expected}")
    for name, value in result.metrics.items():
        print(f"      {name} = {json.dumps(value, ensure_ascii=False)}")
