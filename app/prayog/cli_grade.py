"""`prayog run TOPIC/CHALLENGE`: a challenge graded without a window, on all its published seeds.  Nothing imports Qt.

What is graded is a saved run (``--saved FILE``, a learner's hand-in), or the scenario played by its script with the
knobs of ``--set``.  Code that comes in a file is run behind the fence, like any other.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING

from prayog.cli import BadInput
from prayog.cli_run import topic_values

if TYPE_CHECKING:
    from prayog_sdk.grading import ChallengeResult
    from prayog_sdk.lessons import Challenge
    from prayog_sdk.saved import SavedRun
    from prayog_sdk.topic import Topic

__all__ = ["challenge_of", "grade"]

_SHOWN = 5
"""Seeds that failed, each with its reason; more would scroll the first away."""


def challenge_of(topic: Topic, name: str) -> Challenge | None:
    """The challenge `name`; None when there is none, or when a scenario is called so."""
    from prayog_sdk.lessons import LessonError
    from prayog_sdk.scenario import files

    if name in files(topic.manifest):
        return None
    try:
        return next((each for each in topic.challenges() if each.id == name), None)
    except LessonError as error:
        raise BadInput(f"The challenges of {topic.id} cannot be read: {error}.") from error


def grade(topic: Topic, challenge: Challenge, args: argparse.Namespace) -> int:
    """Grade what `args` name and print the result; the return value is the exit code."""
    if args.trace is not None or args.seed is not None:
        raise BadInput("A challenge is graded on its published seeds; --seed and --trace are for scenarios.")
    saved = _saved(topic, challenge, args)
    result = _graded(topic, challenge, saved)
    _print(topic, challenge, result, args.json)
    return 0 if result.ok else 1


def _saved(topic: Topic, challenge: Challenge, args: argparse.Namespace) -> SavedRun:
    from prayog_sdk.headless import played
    from prayog_sdk.params import ParamError, flat
    from prayog_sdk.saved import SavedError, SavedRun, open_run

    if args.saved is not None:
        if args.values:
            raise BadInput("A saved run brings its own knobs; give --saved or --set, not both.")
        try:
            return open_run(args.saved)
        except SavedError as error:
            raise BadInput(f"{error}.") from error
    scenario = topic.scenario(challenge.scenario)
    try:
        params = flat(topic.params({**scenario.params, **topic_values(topic, args.values)}))
    except ParamError as error:
        raise BadInput(f"{error}.") from error
    own = (topic.id, topic.manifest.version, scenario.id, params, scenario.seed)
    if challenge.played == "script":
        return SavedRun(*own)
    run = played(topic, scenario, overrides=params)
    try:
        until = run.trace[-1].at if run.trace else 0
        return SavedRun(*own, tuple(run.actions), steps=len(run.trace), until_us=until, trace_hash=run.trace.hash())
    finally:
        run.close()


def _graded(topic: Topic, challenge: Challenge, saved: SavedRun) -> ChallengeResult:
    from prayog_sdk.grading import grade as grade_here
    from prayog_sdk.params import ParamError

    try:
        brings = saved.topic == topic.id and topic.brings_code(topic.params(saved.params))
    except ParamError:
        brings = False  # the grader says what is wrong with it
    if not brings:
        return grade_here(challenge, topic, saved)
    from tqdm import tqdm

    from prayog_sdk.code.trial import try_seeds

    with tqdm(total=len(challenge.seeds), unit=" seeds", disable=None, file=sys.stderr) as bar:

        class Shown:
            def progress(self, done: int, total: int = 0, text: str = "") -> None:
                bar.update(done - bar.n)

        return try_seeds(Shown(), topic.manifest, challenge, saved)


def _print(topic: Topic, challenge: Challenge, result: ChallengeResult, as_json: bool) -> None:
    if as_json:
        answer = {
            "topic": topic.id,
            "challenge": challenge.id,
            "ok": result.ok,
            "reason": result.reason,
            "seeds": [{"seed": each.seed, "ok": each.ok, "why": each.why} for each in result.seeds],
            "budget": [{"name": each.name, "used": each.used, "allowed": each.allowed} for each in result.budget],
            "notes": list(result.notes),
        }
        print(json.dumps(answer, indent=2, ensure_ascii=False))
        return
    print(f"{topic.id}/{challenge.id}  seeds {challenge.seeds_in_words}")
    print(f"{'ok  ' if result.ok else 'FAIL'}  {result.reason}")
    failed = [each for each in result.seeds if not each.ok]
    for each in failed[:_SHOWN]:
        print(f"      seed {each.seed}: {each.why}")
    if len(failed) > _SHOWN:
        print(f"      … and {len(failed) - _SHOWN} more seeds; --json names them all")
    for note in result.notes:
        print(f"      {note}")
