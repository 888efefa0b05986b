"""What the incident player does away from the window: play an incident once, look at its clues, prove a repair."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from prayog_queues.crash_points import Work
from prayog_queues.engine.incidents import INCIDENTS, Incident
from prayog_queues.engine.setup import Setup
from prayog_queues.proving import Proof, prove
from prayog_sdk.checks import compile as compiled
from prayog_sdk.headless import played
from prayog_sdk.manifest import read_folder
from prayog_sdk.params import fields
from prayog_sdk.topic import Topic
from prayog_sim.run import Run

__all__ = ["Tried", "knobs_of", "numbered", "prove_all", "try_once"]


@dataclass(frozen=True, slots=True)
class Tried:
    """One play of an incident: the run at its end, its clues' values, and whether it counts as repaired."""

    run: Run
    values: Mapping[str, Any]
    ok: bool
    reason: str
    at: int | None


@cache
def _topic() -> Topic:
    """This topic, for its scenarios and measures."""
    return Topic.load(read_folder(Path(__file__).parent, "built-in"))


def numbered(number: int) -> Incident:
    """Incident `number`.  Raises `KeyError`."""
    return {one.number: one for one in INCIDENTS}[number]


def knobs_of(incident: Incident) -> type[Any]:
    """A form of the knobs that may be turned; their defaults are those of the broken run."""
    broken = _topic().scenario(incident.scenario).params
    known = {field.name: field for field in fields(Setup)}
    plain = Setup()
    parts = [
        (name, Annotated[known[name].type, known[name].marker],
         dataclasses.field(default=broken.get(name, getattr(plain, name))))
        for name in incident.knobs
    ]  # fmt: skip
    return dataclasses.make_dataclass("Knobs", parts, frozen=True)


def try_once(number: int, knobs: Mapping[str, Any], seed: int | None = None) -> Tried:
    """Play the incident with these knobs.  Raises `RunError`."""
    incident = numbered(number)
    topic = _topic()
    scenario = topic.scenario(incident.scenario)
    run = played(topic, scenario, seed, knobs)
    params = topic.params({**scenario.params, **knobs})
    measures = topic.measures(params)
    values = {clue.measure: measures[clue.measure](run.trace) for clue in incident.clues if clue.measure in measures}
    claim = compiled(incident.claim, measures, topic.checks(params))
    verdict = claim.judge(run.trace, seed=scenario.seed if seed is None else seed)
    return Tried(run, values, verdict.ok, verdict.reason, verdict.at)


def prove_all(ctx: Work, number: int, knobs: Mapping[str, Any]) -> list[Proof]:
    """Play it on all seeds; ends at the first that fails.  For a worker process."""
    return prove(number, knobs, progress=ctx.progress)
