"""Sessions that go on by themselves: what their own threads report comes into the trace, in order, until they close."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from prayog_sdk.run import Emit
from prayog_sdk.session import Session
from prayog_sim.run import Action
from prayog_sim.script import ScriptError, parse, play
from prayog_sim.trace import Step


class Ticking(Session):
    """Ticks in a thread of its own from its first action on."""

    live = True

    def __init__(self) -> None:
        super().__init__()
        self._clock = threading.Thread(target=self._tick, daemon=True)

    def start(self) -> Mapping[str, Any]:
        return {"ticks": 0}

    def fold(self, state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        return {"ticks": state["ticks"] + (step.kind == "tick")}

    def perform(self, action: Action) -> Iterator[Emit]:
        yield "begun", "clock", {}
        self._clock.start()

    def _tick(self) -> None:
        n = 0
        while not self.cancelled:
            self.report("tick", "clock", {"n": n})
            n += 1
            time.sleep(0.005)

    def release(self) -> None:
        self._clock.join(5)


def test_a_live_session_is_busy_until_it_is_closed_and_tells_what_happens_by_itself() -> None:
    run = Ticking()
    assert run.busy
    run.do(Action("begin"))
    while run.state["ticks"] < 3:
        assert run.wait(5.0) is not None
    kinds = [step.kind for step in run.trace]
    assert kinds[:2] == ["action", "begun"]
    assert [step.data["n"] for step in run.trace if step.kind == "tick"][:3] == [0, 1, 2]
    assert all(step.cause == -1 for step in run.trace if step.kind == "tick")
    assert [step.at for step in run.trace] == sorted(step.at for step in run.trace)
    assert run.now >= run.trace[-1].at
    run.close()
    while run.step() is not None:
        pass
    assert not run.busy


class Failing(Ticking):
    """Cannot do what it is asked for, and goes on ticking."""

    def perform(self, action: Action) -> Iterator[Emit]:
        yield from super().perform(action)
        raise RuntimeError("no server answers on this machine")


def test_waiting_ends_at_once_when_the_session_says_that_it_failed() -> None:
    run = Failing()
    script = parse("title T\nsession\nbegin\nrun until=leader\n", "wait.lab")
    began = time.monotonic()
    with pytest.raises(ScriptError, match=r"wait\.lab:4:1: no server answers on this machine"):
        play(script, run, lambda text, trace: pytest.fail("nothing is judged"), {"begin": []})
    assert time.monotonic() - began < 30, "it would have waited for a minute"
    run.close()


def test_what_failed_can_be_waited_for() -> None:
    run = Failing()
    script = parse("title T\nsession\nbegin\nrun until=error\n", "wait.lab")
    play(script, run, lambda text, trace: pytest.fail("nothing is judged"), {"begin": []})
    assert "error" in {step.kind for step in run.trace}
    run.close()
