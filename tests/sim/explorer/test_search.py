"""Breadth first, with limits, and on again from where it stopped."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tracemalloc
from pathlib import Path as File
from typing import Any

import pytest

from prayog_sim.explorer import Bounds, Explorer, Limits, Model, Path, Progress, Property, System, walk, wander
from sim.explorer import models, protocols


class Grid(Model[tuple[int, int], str]):
    """A walk right and up; ``corner`` is wrong."""

    def __init__(self, size: int, corner: tuple[int, int] = (-1, -1)) -> None:
        self.size = size
        self.properties = (
            Property("always", "not in the corner", lambda state: state != corner),
            Property("sometimes", "half way", lambda state: state == (size // 2, size // 2)),
            Property("sometimes", "outside", lambda state: state[0] > size),
        )

    def initial(self) -> list[tuple[int, int]]:
        return [(0, 0)]

    def actions(self, state: tuple[int, int]) -> list[str]:
        return ["right", "up"]

    def next_state(self, state: tuple[int, int], action: str) -> tuple[int, int] | None:
        x, y = (state[0] + 1, state[1]) if action == "right" else (state[0], state[1] + 1)
        return (x, y) if max(x, y) < self.size else None


def test_the_first_counter_example_is_a_shortest_one_and_says_how_to_get_there() -> None:
    model = Grid(10, corner=(3, 4))
    report = Explorer(model).run()
    assert report.progress.stopped == "violation"
    verdict = report["not in the corner"]
    assert verdict.outcome == "fails"
    assert verdict.sentence == "not in the corner: violated after 7 choices."
    assert verdict.path is not None
    assert sorted(verdict.path.actions) == ["right"] * 3 + ["up"] * 4
    assert walk(model, verdict.path)[-1] == (3, 4)


def test_a_search_goes_on_after_a_violation() -> None:
    explorer = Explorer(Grid(10, corner=(3, 4)))
    explorer.run()
    elsewhere = Explorer.load(explorer.model, pickle.loads(pickle.dumps(explorer.save())))
    report = explorer.run()
    assert report == elsewhere.run()
    assert report.progress.states == 100
    assert report.progress.per_depth == tuple(min(d, 18 - d) + 1 for d in range(19))
    assert [verdict.outcome for verdict in report.verdicts] == ["fails", "holds", "fails"]
    assert report.progress == Explorer(Grid(10, corner=(3, 4)), keep_going=True).run().progress


def test_a_violation_in_the_first_state_is_found() -> None:
    report = Explorer(Grid(10, corner=(0, 0))).run()
    assert report.progress.stopped == "violation"
    assert report["not in the corner"].path == Path(0, ())


@pytest.mark.parametrize(
    ("limits", "why"),
    [(Limits(states=40), "states"), (Limits(depth=8), "depth"), (Limits(megabytes=0), "memory")],
)
def test_a_limit_stops_and_the_search_goes_on_as_if_it_had_not(limits: Limits, why: str) -> None:
    whole = Explorer(Grid(10))
    explorer = Explorer(Grid(10))
    report = explorer.run(limits)
    assert report.progress.stopped == why
    assert report["not in the corner"].outcome == "open"
    if why == "depth":
        assert report.progress.per_depth == tuple(range(1, 10))
        assert "no violation in the 45 states that were seen, up to 8 choices deep" in report.verdicts[0].sentence
    assert explorer.run().progress == whole.run().progress
    assert explorer.states == whole.states


def test_a_tick_hears_of_the_progress_and_may_end_the_search() -> None:
    heard: list[Progress] = []
    explorer = Explorer(models.TwoPhaseFast(5))

    def stop(progress: Progress) -> None:
        heard.append(progress)
        if progress.states > 5_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        explorer.run(tick=stop)
    assert [progress.states for progress in heard] == sorted(progress.states for progress in heard)
    assert heard[-1].queue > 0
    assert explorer.run().progress.states == 8_832


@pytest.mark.parametrize("symmetric", [False, True])
def test_a_search_goes_on_in_another_process(symmetric: bool) -> None:
    def make() -> System:
        alike = (("n1", "n2", "n3"),) if symmetric else ()
        return System(protocols.voters(3), Bounds(within=protocols.terms(2), alike=alike), [protocols.ONE_LEADER])

    whole = Explorer(make()).run().progress
    explorer = Explorer(make())
    explorer.run(Limits(states=whole.states // 2))
    again = Explorer.load(make(), pickle.loads(pickle.dumps(explorer.save())))
    progress = again.run().progress
    assert (progress.states, progress.generated, progress.per_depth) == (
        whole.states,
        whole.generated,
        whole.per_depth,
    )


def test_what_a_model_did_before_does_not_matter_to_a_search_that_goes_on_with_it() -> None:
    def make() -> System:
        bounds = Bounds(within=protocols.terms(1), crashes=1)
        return System(protocols.voters(3, forgets=True), bounds, [protocols.ONE_LEADER])

    whole = Explorer(make(), keep_going=True).run()
    explorer = Explorer(make(), keep_going=True)
    explorer.run(Limits(states=100))
    used = make()
    wander(used, lambda state: used.properties[1].test(state) is None, seed=3, walks=10)
    report = Explorer.load(used, explorer.save()).run()
    assert report.progress.states == whole.progress.states
    assert report["one leader per term"] == whole["one leader per term"]
    assert report["one leader per term"].outcome == "fails"


def test_a_limit_on_states_is_exceeded_by_one_step_at_most() -> None:
    progress = Explorer(models.TwoPhaseFast(6)).run(Limits(states=10_000)).progress
    assert 10_000 <= progress.states <= 10_020


def test_the_estimate_of_memory_is_about_right() -> None:
    tracemalloc.start()
    try:
        explorer = Explorer(models.TwoPhaseFast(5))
        explorer.run()
        used = tracemalloc.get_traced_memory()[0] / 1e6
    finally:
        tracemalloc.stop()
    assert 0.5 * used < explorer.megabytes < 2 * used


def test_a_path_that_cannot_be_walked_says_where() -> None:
    with pytest.raises(ValueError, match="choice 4 of the path cannot be made there: up"):
        walk(Grid(3), Path(0, ("right", "up", "up", "up")))
    with pytest.raises(ValueError, match="initial state 1, but there are only 1"):
        walk(Grid(3), Path(1, ()))


_TELL = """
from sim.explorer import protocols
from prayog_sim.explorer import Bounds, Explorer, System
bounds = Bounds(within=protocols.terms(2), crashes=1, alike=(("n1", "n2", "n3"),))
explorer = Explorer(System(protocols.voters(3, forgets=True), bounds, [protocols.ONE_LEADER]))
report = explorer.run()
print(report.progress, report.verdicts[1], explorer.states[-50:])
"""


def test_another_hash_seed_changes_nothing() -> None:
    def told(seed: str) -> Any:
        env = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(File(__file__).parents[2])}
        return subprocess.run([sys.executable, "-c", _TELL], env=env, check=True, capture_output=True, text=True).stdout

    first = told("1")
    assert "fails" in first
    assert first == told("4242")
