"""The driver of the bench, without a window: time, stepping, seeking, forks, sessions, errors."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog.ui.bench.branch import Branch
from prayog.ui.bench.driver import Driver
from prayog.ui.bench.markers import Markers
from prayog.ui.bench.pace import MAX
from prayog.ui.bench.plan import Recorded
from prayog.ui.bench.player import BUDGET_S
from prayog_sdk.run import Computation, Emit
from prayog_sdk.session import Session
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step, Trace


class Sums(Computation):
    """Adds numbers one by one: action ``count to=N``; a number can be made to raise."""

    def start(self) -> Mapping[str, Any]:
        return {"sum": 0}

    def fold(self, state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        return {"sum": state["sum"] + step.data["n"]} if step.kind == "add" else state

    def perform(self, action: Action) -> Iterator[Emit]:
        if action.name != "count":
            raise ActionError(f"there is no action {action.name!r}; there is: count")
        return self._count(int(action.args["to"]), int(action.args.get("bad", -1)))

    def _count(self, to: int, bad: int) -> Iterator[Emit]:
        for n in range(to):
            if n == bad:
                raise RuntimeError("seven is broken")
            yield ("note" if n % 10 == 9 else "add"), "", {"n": n}


class Slow(Session):
    def start(self) -> Mapping[str, Any]:
        return {"n": 0}

    def fold(self, state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        return {"n": state["n"] + 1}

    def perform(self, action: Action) -> Iterator[Emit]:
        for n in range(int(action.args["to"])):
            yield "answer", "", {"n": n}


class Seen:
    def __init__(self) -> None:
        self.steps: list[int] = []
        self.jumps = self.runs = 0
        self.sentences: list[str] = []
        self.errors: list[tuple[str, Exception]] = []

    def stepped(self, steps: Sequence[Step]) -> None:
        self.steps += [step.seq for step in steps]

    def jumped_to(self) -> None:
        self.jumps += 1

    def replaced(self) -> None:
        self.runs += 1

    def changed(self) -> None:
        pass

    def tell(self, sentence: str, wrong: bool = False) -> None:
        self.sentences.append(sentence)

    def failed(self, stage: str, error: Exception) -> None:
        self.errors.append((stage, error))


def at_once(title: str, work: Callable[[Any], Any], done: Callable[[Any], None]) -> None:
    done(work(lambda *_: None))


def bench(to: int = 0, **args: Any) -> tuple[Driver, Seen]:
    seen = Seen()
    driver = Driver(seen, at_once)
    run = Sums()
    if to:
        run.do(Action("count", {"to": to, **args}))
    driver.put(Branch(run, None, 1, lambda progress: Sums(), at=len(run.trace) - 1))
    return driver, seen


def rest(driver: Driver, limit: int = 100_000) -> None:
    while driver.moving and (limit := limit - 1):
        driver.advance(1.0)
    assert limit, "it never came to rest"


def test_nothing_moves_before_someone_asks() -> None:
    driver, seen = bench(5)
    driver.advance(10.0)
    assert driver.at == 0
    assert seen.steps == []


class Endless(Sums):
    """Its third number takes for ever."""

    def _count(self, to: int, bad: int) -> Iterator[Emit]:
        for emit in super()._count(to, bad):
            while emit[2]["n"] == 2:
                pass
            yield emit


def test_an_endless_step_pauses_the_run_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prayog.ui.bench.stepper.PATIENCE_S", 0.3)
    seen = Seen()
    driver = Driver(seen, at_once)
    run = Endless()
    run.do(Action("count", {"to": 5}))
    driver.put(Branch(run, None, 1, lambda progress: Endless(), at=0))
    driver.speed = MAX
    driver.play()
    rest(driver)
    assert (driver.at, driver.playing) == (2, False)
    assert [(stage, type(error).__name__) for stage, error in seen.errors] == [("step", "TookTooLong")]
    driver.close()
    assert not any(thread.name == "watchdog" for thread in threading.enumerate())


def test_playing_shows_every_step_once_and_in_order() -> None:
    driver, seen = bench(300)
    driver.play()
    rest(driver)
    assert seen.steps == list(range(1, 301))
    assert driver.at == driver.end == 300
    assert not driver.playing


def test_playing_follows_the_speed() -> None:
    driver, _ = bench(300)
    driver.play()  # a step of a computation takes a quarter of a second at 1x
    for _ in range(60):
        driver.advance(0.05)
    assert 8 <= driver.at <= 16
    driver.pause()
    before = driver.at
    driver.set_speed(10.0)
    driver.play()
    for _ in range(20):
        driver.advance(0.05)
    assert 30 <= driver.at - before <= 50


def test_at_full_speed_a_frame_keeps_its_budget() -> None:
    driver, _ = bench(1_000_000)
    driver.set_speed(MAX)
    driver.play()
    took = []
    for _ in range(10):
        began = time.perf_counter()
        driver.advance(1 / 60)
        took.append(time.perf_counter() - began)
    assert driver.playing
    assert driver.at > 100
    assert sorted(took)[5] < 4 * BUDGET_S  # the median: others share the machine


def test_step_back_and_forward_show_what_is_recorded() -> None:
    driver, seen = bench(20)
    for _ in range(5):
        driver.step()
    state = driver.view().facts
    driver.back()
    driver.back()
    assert driver.at == 3
    assert driver.view().facts == {"sum": 3}
    driver.step()
    driver.step()
    assert driver.view().facts == state
    assert driver.end == 5, "going over known ground made no new steps"
    assert seen.jumps == 2


def test_first_and_last() -> None:
    driver, _ = bench(5)
    driver.run_to(lambda s: False, "end")
    rest(driver)
    driver.first()
    assert driver.at == -1
    assert driver.clock_us == 0
    assert driver.view().facts == {"sum": 0}
    driver.last()
    assert driver.at == 5


def test_run_to_stops_at_the_step_and_says_when_there_is_none() -> None:
    driver, seen = bench(25)
    driver.run_to(lambda s: s.kind == "note", "note")
    rest(driver)
    assert driver.run.trace[driver.at].kind == "note"
    assert driver.at == 10
    driver.run_to(lambda s: s.kind == "crash", "crash")
    rest(driver)
    assert driver.at == 25
    assert seen.sentences == ["No further crash: nothing more happens by itself."]


def test_an_action_at_the_end_goes_on_with_the_same_run() -> None:
    driver, _ = bench(3)
    driver.do(Action("count", {"to": 2}))
    assert len(driver.branches) == 1
    assert driver.run.trace[driver.at].kind == "action"


def test_an_action_in_the_past_forks_and_keeps_the_old_branch() -> None:
    driver, _ = bench(10)
    driver.run_to(lambda s: False, "end")
    rest(driver)
    old = driver.branch
    assert old is not None
    driver.seek(4)
    driver.do(Action("count", {"to": 1}))
    assert driver.branch is not old
    assert len(driver.branches) == 2
    assert driver.run.trace[:5] == old.run.trace[:5]
    assert driver.run.trace[5].data == {"name": "count", "to": 1}
    assert len(old.run.trace) == 11
    driver.switch(old)
    assert driver.at == 4
    driver.last()
    assert driver.view().facts == {"sum": 45 - 9}


def test_a_wrong_action_is_a_sentence_and_changes_nothing() -> None:
    driver, seen = bench(3)
    driver.do(Action("explode"))
    assert seen.sentences == ["there is no action 'explode'; there is: count"]
    assert driver.end == 0


def test_code_that_raises_is_reported_and_stops_the_play() -> None:
    driver, seen = bench(10, bad=7)
    driver.set_speed(MAX)
    driver.play()
    rest(driver)
    assert [stage for stage, _ in seen.errors] == ["step"]
    assert not driver.playing
    driver.back()
    assert driver.at == 6, "what is recorded can still be looked at"


def test_bookmarks_come_and_go() -> None:
    driver, _ = bench(5)
    driver.step()
    driver.bookmark("here")
    assert driver.branch is not None
    assert driver.branch.bookmarks == {1: "here"}
    driver.bookmark()
    assert driver.branch.bookmarks == {}


def test_a_session_is_followed_and_says_that_it_cannot_be_run_again() -> None:
    seen = Seen()
    driver = Driver(seen, at_once)
    run = Slow()
    driver.put(Branch(run, None, 1, lambda progress: run))
    driver.do(Action("ask", {"to": 50}))
    until = time.monotonic() + 5
    while driver.moving and time.monotonic() < until and driver.end < 50:
        driver.advance(0.01)
    assert driver.at == driver.end == 50
    while driver.moving and time.monotonic() < until:
        driver.advance(0.01)
    assert not driver.playing, "the button would offer to pause what is over"
    driver.play()
    assert not driver.playing
    assert "Nothing more happens by itself" in seen.sentences[-1]
    driver.seek(10)
    driver.fork()
    assert "cannot be run again" in seen.sentences[-1].replace("but not run", "cannot be run")
    assert len(driver.branches) == 1
    driver.close()


def test_a_recorded_run_is_done_again_at_its_places() -> None:
    first = Sums()
    first.do(Action("count", {"to": 5}))
    for _ in range(3):
        first.step()
    first.do(Action("count", {"to": 2}))
    while first.step():
        pass
    driver, _ = bench()
    driver.put(Branch(Sums(), None, 1, lambda progress: Sums(), plan=Recorded(first.actions)))
    driver.set_speed(MAX)
    driver.play()
    rest(driver)
    assert driver.run.trace.hash() == first.trace.hash()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(["step", "back", "first", "last", "seek", "do", "fork", "play", "switch"]), max_size=25)
)
def test_whatever_is_done_the_shown_state_is_that_of_the_shown_step(deeds: list[str]) -> None:
    driver, _ = bench(8)
    for deed in deeds:
        if deed == "do":
            driver.do(Action("count", {"to": 3}))
        elif deed == "seek":
            driver.seek(driver.end // 2)
        elif deed == "switch":
            driver.switch(driver.branches[0])
        elif deed == "play":
            driver.play()
            driver.advance(0.5)
        else:
            getattr(driver, deed)()
        trace = driver.run.trace
        assert -1 <= driver.at <= driver.end
        expected = sum(s.data["n"] for s in trace[: driver.at + 1] if s.kind == "add")
        assert driver.view().facts["sum"] == expected
        assert driver.clock_us >= (trace[driver.at].at if driver.at >= 0 else 0)
        for branch in driver.branches:
            assert [s.seq for s in branch.run.trace] == list(range(len(branch.run.trace)))


def test_markers_know_their_neighbours() -> None:
    kinds = ["start", "deliver", "crash", "deliver", "note", "action", "deliver"]
    trace = Trace(Step(i, i, kind, "n1", {}) for i, kind in enumerate(kinds))
    marks = Markers()
    assert marks.update(trace, limit=4) is True
    assert marks.update(trace) is False
    marks.put("bookmark", [1])
    assert (marks.after(-1), marks.after(1), marks.after(2)) == (1, 2, 4)
    assert marks.before(2) == 1
    assert marks.gravest(1, 6) == ("crash", 2)
    assert marks.gravest(3, 3) is None
    assert marks.kinds["deliver"] == 3


@pytest.mark.parametrize(
    ("start", "stops", "expected"), [(1.0, 1, 2.0), (1.0, -1, 0.5), (100.0, 9, MAX), (MAX, -1, 1000.0)]
)
def test_speeds_go_from_stop_to_stop(start: float, stops: int, expected: float) -> None:
    driver, _ = bench()
    driver.set_speed(start)
    driver.faster(stops)
    assert driver.speed == expected


def test_marked_steps_slow_the_play_down_unless_that_is_off() -> None:
    def shown_after_a_second(on: bool) -> int:
        clock = [0.0]
        driver = Driver(Seen(), at_once, now=lambda: clock[0])
        run = Sums()
        run.do(Action("count", {"to": 300}))
        driver.put(Branch(run, None, 1, lambda progress: Sums(), at=0))
        driver.slow_at = lambda step: step.kind == "note"
        driver.auto_slow = on
        driver.set_speed(10.0)
        driver.play()
        for _ in range(20):
            clock[0] += 0.05
            driver.advance(0.05)
        return driver.at

    assert shown_after_a_second(True) < 20 < shown_after_a_second(False)
