"""Every incident hurts as it stands, is repaired by its repair, and cannot be passed by doing nothing.

With PRAYOG_LONG=1 each is played on all fifty seeds (about a quarter of an hour); otherwise on two.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from prayog_queues.engine.incidents import INCIDENTS, Incident, incident
from prayog_queues.engine.incidents.incident import SEEDS
from prayog_queues.measures import MEASURES
from prayog_queues.proving import prove, prove_seed
from prayog_queues.topic import prayog_params
from prayog_sdk.params import fields

LONG = bool(os.environ.get("PRAYOG_LONG"))
TRIED = tuple(SEEDS) if LONG else (1, 23)
EVERY = pytest.mark.parametrize("one", INCIDENTS, ids=lambda one: one.scenario)


@EVERY
def test_the_repair_holds(one: Incident) -> None:
    proofs = prove(one.number, one.fixed, TRIED)
    assert proofs[-1].ok, f"seed {proofs[-1].seed}: {proofs[-1].reason}"
    assert len(proofs) == len(TRIED)


@EVERY
def test_nobody_passes_by_looking_on(one: Incident) -> None:
    tried = TRIED if LONG else TRIED[:1]
    assert not [seed for seed in tried if prove_seed(one.number, {}, seed).ok]


def test_nobody_passes_by_keeping_the_work_from_being_done() -> None:
    """Duplicates are impossible while nothing is handed out; the run is not finished then."""
    proof = prove_seed(5, {"backoff_ms": 60_000}, 1)
    assert not proof.ok


def test_a_knob_that_may_not_be_turned_is_refused() -> None:
    proof = prove_seed(1, {"crash": 0}, 1)
    assert not proof.ok
    assert "crash may not be changed here" in proof.reason


@EVERY
def test_an_incident_is_whole(one: Incident) -> None:
    knobs = {field.name for field in fields(prayog_params())}
    assert set(one.fixed) <= set(one.knobs) <= knobs
    assert {clue.measure for clue in one.clues} <= set(MEASURES)
    assert incident(one.scenario) is one
    for text in (one.briefing, one.debrief, one.note, one.precisely, one.source):
        assert len(text) > 20
    assert (Path(__file__).parents[3] / "plugins" / "prayog_queues" / "scenarios" / f"{one.scenario}.lab").is_file()
