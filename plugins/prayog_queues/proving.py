"""Proves a repair: the incident's script is played on every seed with the learner's knobs.  No Qt; for a worker."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from prayog_queues.engine.incidents import INCIDENTS, Incident
from prayog_queues.engine.incidents.incident import SEEDS
from prayog_sdk.checks import compile as compiled
from prayog_sdk.headless import RunError, played
from prayog_sdk.manifest import read_folder
from prayog_sdk.topic import Topic

__all__ = ["Proof", "prove", "prove_seed"]


@dataclass(frozen=True, slots=True)
class Proof:
    """One seed: whether it held, why (not), and the step where it shows."""

    seed: int
    ok: bool
    reason: str
    at: int | None = None


@cache
def _topic() -> Topic:
    """This topic, opened once in this process."""
    return Topic.load(read_folder(Path(__file__).parent, "built-in"))


def prove_seed(number: int, knobs: Mapping[str, Any], seed: int) -> Proof:
    """Play incident `number` with `knobs` on one seed; knobs that may not be turned there are refused."""
    incident: Incident = next(one for one in INCIDENTS if one.number == number)
    scenario = _topic().scenario(incident.scenario)
    other = sorted(set(knobs) - set(incident.knobs))
    if other:
        return Proof(seed, False, f"{other[0]} may not be changed here; these may: {', '.join(incident.knobs)}")
    try:
        run = played(_topic(), scenario, seed, knobs)
    except RunError as error:
        return Proof(seed, False, str(error))
    try:
        params = _topic().params({**scenario.params, **knobs})
        claim = compiled(incident.claim, _topic().measures(params), _topic().checks(params))
        verdict = claim.judge(run.trace, seed=seed)
    finally:
        run.close()
    return Proof(seed, verdict.ok, verdict.reason, verdict.at)


def prove(
    number: int,
    knobs: Mapping[str, Any],
    seeds: Iterable[int] = SEEDS,
    progress: Callable[[int, int, str], None] = lambda done, total, text: None,
) -> list[Proof]:
    """Play all `seeds`; stops at the first that fails, which is the last of the list."""
    todo = list(seeds)
    done: list[Proof] = []
    for seed in todo:
        progress(len(done), len(todo), f"seed {seed}")
        done.append(prove_seed(number, knobs, seed))
        if not done[-1].ok:
            break
    return done
