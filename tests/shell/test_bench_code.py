"""Code of the learner's on the bench: run, tried on seeds, opened from a file, and a call that never comes back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from prayog.ui.bench.consent import Consent
from prayog.ui.bench.pace import MAX
from prayog.ui.bench.page import BenchPage
from prayog_sdk.code.distant import DistantRun
from prayog_sdk.params import flat
from prayog_sdk.saved import SavedRun, open_run
from prayog_sim.run import Action

from .room import Room, press, words

CODED = Path(__file__).parents[1] / "plugins" / "coded"
GOOD = "def double(n):\n    return 2 * n\n"
HANGS = "def double(n):\n    if n < 5:\n        return 2 * n\n    return sum(iter(int, 1))\n"


class Lab:
    """A bench with the topic `coded`."""

    def __init__(self, room: Room) -> None:
        self.room, self.page, self.topic, self.until = room, room.page, room.topic, room.until
        self.open, self.ready = room.open, room.ready

    def challenge(self) -> BenchPage:
        self.page.open_challenge(self.topic.challenges()[0])
        self.ready()
        return self.page

    @property
    def panel(self) -> Any:
        return self.room.panel("code")

    def run(self, code: str) -> None:
        """Write `code`, run it, and wait for the run."""
        self.panel.edit.exchange(code)
        self.panel.run()
        self.ready()


@pytest.fixture
def lab(room: Callable[..., Room]) -> Iterator[Lab]:
    made = Lab(room(CODED))
    yield made
    assert not made.room.problems


def test_the_panel_comes_where_there_is_something_to_write_and_only_there(lab: Lab) -> None:
    page = lab.open("calls")
    assert page.docks.dock("code") is not None
    assert not page.docks.dock("code").isHidden()
    assert lab.panel.edit.text().startswith("def double(n):")
    lab.open("plain")
    assert page.docks.dock("code") is None


def test_run_plays_the_script_with_the_code_and_shows_its_end(lab: Lab) -> None:
    page = lab.open("calls")
    lab.run(GOOD)
    assert isinstance(page.driver.run, DistantRun)
    assert page.driver.at == page.driver.end > 3
    assert page.driver.run.trace[-1].data["value"] == 2 * page.driver.run.trace[-1].data["n"]
    page.driver.back()
    page.driver.back()
    assert page.driver.view().facts["sum"] == 2 * (3 + 4 + 5)
    page.runs.undo()  # of the set-up: the code that was run before
    lab.ready()
    assert page.driver.branch is not None
    assert page.driver.branch.params.code == ""


def test_a_mistake_is_marked_at_its_line_and_the_lab_goes_on(lab: Lab) -> None:
    lab.open("calls")
    lab.run("def double(n):\n    print(n)\n    return n // 0\n")
    lab.until(lambda: bool(lab.panel.edit.mark(3)))
    assert "division" in lab.panel.edit.mark(3) or "ZeroDivisionError" in lab.panel.edit.mark(3)
    lab.run("def double(n:\n")
    lab.until(lambda: "not Python yet" in lab.panel.edit.mark(1))
    lab.run(GOOD)
    lab.until(lambda: not lab.panel.edit.mark(1))


def test_a_challenge_tries_the_code_on_its_seeds_and_says_where_it_fails(lab: Lab) -> None:
    page = lab.challenge()
    lab.run("def double(n):\n    return 2 * n if n < 8 else n\n")
    lab.until(lambda: lab.panel.trial.result is not None, 20_000)
    assert not lab.panel.trial.result.ok
    lab.until(lambda: "Not yet" in words(page.coach.challenge))
    failed = next(seed for seed in lab.panel.trial.result.seeds if not seed.ok)
    press(lab.panel.trial, f"Show seed {failed.seed}")
    lab.ready()
    assert page.driver.branch is not None
    assert page.driver.branch.seed == failed.seed
    assert page.driver.run.trace[page.driver.at].data["n"] == 8
    lab.panel.edit.exchange(GOOD)
    press(page.coach.challenge, "Hand in")  # what stands in the editor counts, run or not
    lab.until(lambda: "Passed" in words(page.coach.challenge), 20_000)
    assert "challenge/double-it" in lab.room.store.progress("coded").passed


def test_a_call_that_hangs_never_holds_up_the_window(lab: Lab) -> None:
    page = lab.open("passed_on")
    page.set_params({"code": HANGS})
    lab.ready()
    page.driver.set_speed(MAX)
    page.driver.play()
    longest, until = 0.0, time.monotonic() + 30
    while page.driver.moving and time.monotonic() < until:
        began = time.perf_counter()
        lab.room.qtbot.wait(1)
        longest = max(longest, time.perf_counter() - began)
    last = page.driver.run.trace[-1]
    assert (last.kind, last.data["line"]) == ("code_error", 4)
    assert longest < 1.5  # the call took two seconds
    page.driver.seek(3)
    lab.until(lambda: page.driver.run.view(3).nodes["b"].look.sentence == "last 2")
    page.do(Action("crash", {"node": "a"}))  # in the past: a fork, which is a run of its own
    lab.until(lambda: len(page.driver.branches) == 2)
    assert page.driver.run.trace[-1].kind == "crash"


def test_a_single_step_waits_for_its_answer_without_standing_still(lab: Lab) -> None:
    page = lab.open("passed_on")
    page.set_params({"code": GOOD})
    lab.ready()
    for number in range(5):
        page.driver.step()
        lab.until(lambda number=number: page.driver.at == number and not page.driver.moving)


def test_a_run_with_code_is_saved_and_opened_again_to_the_same_trace(lab: Lab, tmp_path: Path) -> None:
    page = lab.open("calls")
    lab.run(GOOD)
    file = tmp_path / "mine.prayog"
    page.filing.choose = lambda title, path, ending: file
    before = page.driver.run.trace.hash()
    page.filing.save()
    lab.until(file.exists)
    saved = open_run(file)
    assert saved.params["code"] == GOOD
    page.open_saved(saved)  # one's own code is not asked about
    lab.ready()
    assert page.driver.run.trace.hash() == before == saved.trace_hash


def test_code_that_came_in_a_file_is_read_before_it_runs(lab: Lab) -> None:
    page = lab.page
    theirs = "def double(n):\n    return n + n\n"
    saved = SavedRun("coded", "0.1.0", "calls", flat(lab.topic.params({"code": theirs})), 3)
    page.open_saved(saved)
    asked = page.findChild(Consent)
    assert asked is not None
    assert asked.code.text() == theirs
    assert page.driver.branch is None
    assert not page.runs.busy
    press(asked, "Run it")
    lab.ready()
    assert page.driver.branch is not None
    assert page.driver.branch.params.code == theirs
    page.open_saved(saved)
    lab.ready()  # agreed once is agreed


def test_who_does_not_want_strange_code_leaves(lab: Lab) -> None:
    left: list[bool] = []
    lab.page.left.connect(lambda: left.append(True))
    lab.page.open_saved(SavedRun("coded", "0.1.0", "calls", flat(lab.topic.params({"code": GOOD})), 3))
    press(lab.page.findChild(Consent), "Leave")
    assert left == [True]
    assert lab.page.driver.branch is None
