"""Grades the learner's code on many seeds, in one process behind the fence.

One process plays all seeds, one after the other: there the code is called directly, and a seed costs no more than its
run.  After `ENOUGH` seeds on which it fails the rest is left out: the learner wants to read on.

Rules
1. The result is that of `prayog_sdk.grading.grade`, as far as the seeds were tried.
2. A process that had to be ended fails the seed that it was at, with the reason.
"""

from __future__ import annotations

from typing import Protocol

from prayog_sdk.code.distant import portable
from prayog_sdk.code.fence import Door, Fenced, Stopped
from prayog_sdk.grading import ChallengeResult, Grader, SeedResult
from prayog_sdk.lessons import Challenge
from prayog_sdk.manifest import Manifest
from prayog_sdk.saved import SavedRun

__all__ = ["ENOUGH", "Context", "try_seeds"]

ENOUGH = 5
"""Seeds that fail, after which no more are tried."""
_LOOK_S = 0.05


class Context(Protocol):
    """What the work may ask of its surroundings (``prayog_sdk.qt.jobs.Ctx`` has it)."""

    def progress(self, done: int, total: int = 0, text: str = "") -> None:
        """Report.  Raises `Cancelled` when the work was cancelled."""
        ...


def try_seeds(context: Context, manifest: Manifest, challenge: Challenge, saved: SavedRun) -> ChallengeResult:
    """Grade `saved` behind the fence; called in a worker thread, or where waiting is all right."""
    process = Fenced(_grade, manifest, challenge, saved)
    results: list[SeedResult] = []
    total = len(challenge.seeds)
    try:
        while True:
            failed = sum(not result.ok for result in results)
            context.progress(len(results), total, f"{failed} failed" if failed else "")
            found = process.take(_LOOK_S)
            if found is None:
                continue
            word, value = found
            if word == "seed":
                results.append(value)
            elif word == "raised":
                raise value
            else:
                result: ChallengeResult = value
                return result
    except Stopped as stopped:
        at = SeedResult(challenge.seeds[min(len(results), total - 1)], problem=stopped.mistake.sentence)
        reason = f"Holds on {sum(r.ok for r in results)} of {total} seeds. On seed {at.seed}: {at.problem}"
        return ChallengeResult(False, reason, (*results, at))
    finally:
        process.close()


def _grade(door: Door, manifest: Manifest, challenge: Challenge, saved: SavedRun) -> None:
    from prayog_sdk.topic import Topic

    try:
        topic = Topic.load(manifest)
        door.limit_memory()
        grader = Grader(challenge, topic, saved)
        results: list[SeedResult] = []
        for seed in () if grader.refused else challenge.seeds:
            results.append(grader.seed(seed))
            door.send(("seed", results[-1]))
            if sum(not result.ok for result in results) >= ENOUGH:
                break
        door.send(("done", grader.result(results)))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is raised again at the other end
        door.send(("raised", portable(error)))
