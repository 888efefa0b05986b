"""The counts that other checkers print for published specifications and actors come out here too."""

from __future__ import annotations

from typing import Any

import pytest

from prayog_sim.explorer import Bounds, Explorer, Model, System
from sim.explorer import models, protocols

REPEATING = "unordered-duplicating"


def counted(model: Model[Any, Any]) -> tuple[int, int, int]:
    """Distinct states, generated states, and depth as TLC counts it."""
    progress = Explorer(model).run().progress
    assert progress.stopped == "complete"
    assert sum(progress.per_depth) == progress.states
    return progress.states, progress.generated, progress.depth + 1


@pytest.mark.parametrize("door", [models.TwoPhase, models.TwoPhaseFast])
def test_two_phase_commit_of_gray_and_lamport(door: type[models.TwoPhase]) -> None:
    assert counted(door(3)) == (288, 1_146, 11)  # tlaplus/Examples, transaction_commit/manifest.json
    assert counted(door(5))[0] == 8_832  # stateright, examples/2pc.rs
    report = Explorer(door(3)).run()
    assert [verdict.outcome for verdict in report.verdicts] == ["holds"] * 3


def test_two_phase_commit_with_six_managers_as_the_module_says() -> None:
    assert counted(models.TwoPhaseFast(6))[0] == 50_816  # the last comment of TwoPhase.tla


def test_what_a_commit_protocol_has_to_do() -> None:
    assert counted(models.TCommit(3)) == (34, 94, 7)  # transaction_commit/manifest.json


def test_the_election_of_chang_and_roberts() -> None:
    assert counted(models.ChangRoberts(3)) == (137, 227, 10)  # chang_roberts/manifest.json, N = 3


def test_two_phase_commit_with_a_backup() -> None:
    # 2PCwithBTM.cfg.  TLC generates 5,841: it counts a state once for each way in which a guard is true.
    states, _, depth = counted(models.TwoPhaseWithBackup(3))
    assert (states, depth) == (1_245, 15)


@pytest.mark.parametrize(("most", "states"), [(1, 14), (5, 4_094)])
def test_the_actors_of_stateright_on_a_network_that_loses_and_repeats(most: int, states: int) -> None:
    # stateright, src/actor/model.rs: visits_expected_states and can_play_ping_pong
    assert counted(System(protocols.ping_pong(most), Bounds(REPEATING, drops=None)))[0] == states


@pytest.mark.parametrize(("count", "states"), [(3, 288), (5, 8_832)])
def test_nodes_give_the_same_states_and_verdicts_as_the_specification(count: int, states: int) -> None:
    nodes = protocols.two_phase(count)
    system = System(nodes, Bounds(REPEATING), [protocols.CONSISTENT], [protocols.ALL_COMMIT])
    report = Explorer(system).run()
    plain = Explorer(models.TwoPhase(count)).run()
    assert report.progress.states == plain.progress.states == states
    assert report.progress.per_depth == plain.progress.per_depth
    assert report["consistent"].outcome == plain["consistent"].outcome == "holds"
    ours, theirs = report["all commit"].path, plain["all commit"].path
    assert ours
    assert theirs
    assert len(ours.actions) == len(theirs.actions)
