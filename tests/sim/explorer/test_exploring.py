"""The entry point for a worker process: progress, a cap, going on, and another model's file refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path as File

import pytest

from prayog_sdk.exploring import Exploration, explore
from prayog_sdk.qt import child
from prayog_sdk.run import Cancelled
from prayog_sim.explorer import Bounds, Limits, System, replay
from sim.explorer import models, protocols


def forgetful(count: int) -> System:
    bounds = Bounds(within=protocols.terms(2), crashes=1)
    return System(protocols.voters(count, forgets=True), bounds, [protocols.ONE_LEADER])


class Listener:
    def __init__(self, patience: int = 1 << 62) -> None:
        self.heard: list[tuple[int, int, str]] = []
        self.patience = patience

    def check(self) -> None:
        if len(self.heard) >= self.patience:
            raise Cancelled

    def progress(self, done: int, total: int = 0, text: str = "") -> None:
        self.heard.append((done, total, text))
        self.check()


def test_a_process_finds_the_counter_example_and_this_one_replays_it() -> None:
    listener = Listener()
    found = child.run(listener, explore, (Exploration(forgetful, (3,)),))
    verdict = found.report["one leader per term"]
    assert verdict.outcome == "fails"
    assert listener.heard[-1][1] == 200_000
    assert replay(forgetful(3), verdict.path).trace[-1].kind == "violation"


def test_a_capped_search_is_kept_and_goes_on_in_another_process(tmp_path: File) -> None:
    work = Exploration(models.TwoPhase, (5,), Limits(states=4_000), file=tmp_path / "search")
    first = child.run(Listener(), explore, (work,))
    assert first.report.progress.stopped == "states"
    assert not first.resumed
    assert work.file is not None
    assert work.file.exists()
    second = child.run(Listener(), explore, (replace(work, limits=Limits()),))
    assert second.resumed
    assert second.report.progress.states == 8_832
    assert second.report.progress.generated == 58_146
    assert list(tmp_path.iterdir()) == []


def test_a_search_of_something_else_is_not_gone_on_with(tmp_path: File) -> None:
    work = Exploration(models.TwoPhase, (5,), Limits(states=1_000), file=tmp_path / "search")
    explore(Listener(), work)
    with pytest.raises(ValueError, match="search holds the search of another model or of other settings"):
        explore(Listener(), replace(work, args=(4,)))


def test_a_cancel_ends_it() -> None:
    with pytest.raises(Cancelled):
        explore(Listener(patience=2), Exploration(models.TwoPhaseFast, (6,)))
