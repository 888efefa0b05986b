"""Every lesson can be finished, and every challenge can be won: played without a window, judged as the bench judges."""

from __future__ import annotations

import dataclasses
import re
import tempfile
from functools import cache
from pathlib import Path

import pytest

import prayog_protocols
from prayog_sdk import manifest
from prayog_sdk.checks import evaluate
from prayog_sdk.claims import Scope
from prayog_sdk.code.function import gate
from prayog_sdk.grading import grade
from prayog_sdk.headless import RunResult, played, run_scenario
from prayog_sdk.lessons import Answer, Lesson, judge
from prayog_sdk.params import flat
from prayog_sdk.saved import SavedRun
from prayog_sdk.services import Services
from prayog_sdk.topic import Topic
from prayog_sim.run import Action

pytestmark = pytest.mark.xdist_group("protocol labs")
TRUTHS = {
    "drop-three#loses": "192",
    "drop-three#first": "UDP",
    "drop-three#hole": "the first of the fifth",
    "drop-three#repeats": "3",
    "drop-three#tail": "its timer",
    "hi-okay-start#tcp": "1",
    "hi-okay-start#tls": "2",
    "hi-okay-start#quic": "1",
    "hi-okay-start#older": "3",
    "may-i-retry#lost": "2",
    "may-i-retry#put": "1",
    "may-i-retry#delete": "204, then 404",
    "who-calls-whom#nat": "0",
    "who-calls-whom#open": "server",
    "are-we-there-yet#bytes": "['polling', 'long polling', 'server-sent events', 'WebSocket']",
    "are-we-there-yet#share": "6.1",
    "are-we-there-yet#delay": "568.5",
    "under-the-glass#slow": "16",
    "under-the-glass#timer": "1600.0",
    "under-the-glass#room": "it asks with one byte",
    "under-the-glass#small": "15",
    "under-the-glass#share": "CUBIC’s",
}
"""What each question turns out to be: the texts of the lessons say so, and explain just this."""


@cache
def topic() -> Topic:
    return Topic.load(manifest.read_folder(Path(prayog_protocols.__file__).parent, "built-in"))


@cache
def shown(scenario: str) -> RunResult:
    with tempfile.TemporaryDirectory() as folder:
        services = Services(Path(folder), environ={})  # for real conversations
        try:
            return run_scenario(topic(), topic().scenario(scenario), services=services)
        finally:
            services.close()


@pytest.mark.parametrize("lesson", topic().lessons(), ids=lambda lesson: lesson.id)
def test_every_step_of_a_lesson_comes_true(lesson: Lesson) -> None:
    scenario = lesson.scenario
    for step in lesson.items:
        if step.do is not None and step.do.scenario:
            scenario = step.do.scenario
        if step.predict is None and step.check is None:
            continue
        result = shown(scenario)
        assert result.ok, [check.reason for check in result.checks if not check.ok]
        params = topic().params(result.params)
        if step.predict is not None:
            measures, checks = topic().measures(params), topic().checks(params)
            fact = evaluate(step.predict.answer, measures, checks).find(Scope(result.trace, {}))
            assert fact.value is not None, f"{step.id}: nothing answers {step.predict.answer}: {fact.why}"
            right = judge(step.predict, Answer(step.predict.id, fact.value), result.trace, measures, checks)
            assert right.ok, f"{step.id}: {right.reason}"
            assert str(fact.value) == TRUTHS[f"{lesson.id}#{step.id}"]
        if step.check is not None:
            verdict = topic().check(step.check, params).judge(result.trace)
            assert verdict.ok, f"{lesson.id}#{step.id} on {scenario}: {verdict.reason}"


SENDER = '''\
def on_event(me, event):
    """A window of 32, each packet repeated when it was not confirmed for 130 ms."""
    sent = me.notes.setdefault("sent", {})
    following = me.notes.get("following", 0)
    for n, at in list(sent.items()):
        if n in me.acked:
            del sent[n]
        elif me.now - at > 130:
            me.send(n)
            sent[n] = me.now
    while following < me.packets and len(sent) < 32:
        me.send(following)
        sent[following] = me.now
        following += 1
    me.notes["following"] = following
    if sent:
        me.timer(20)
'''
WON: dict[str, tuple[dict[str, object], list[tuple[str, dict[str, object]]]]] = {
    "right-protocol": (
        {},
        [
            ("carry", {"card": card, "way": way})
            for card, way in (
                ("bank", "TCP"), ("call", "UDP"), ("page", "QUIC, a stream each"), ("name", "UDP"), ("game", "UDP"),
                ("find", "UDP"),
            )
        ],
    ),
    "status-detective": (
        {},
        [
            ("name_code", {"case": case, "code": code})
            for case, code in enumerate((401, 403, 100, 204, 503, 504, 429, 404), 1)  # one of them is wrong
        ],
    ),
    "your-own-sender": ({"code": SENDER}, []),
    "fill-the-pipe": ({"tcp_buffer": 250_000}, []),  # speed times round trip
}  # fmt: skip
"""One way to win each."""


def handed_in(name: str, knobs: dict[str, object], deeds: list[tuple[str, dict[str, object]]]) -> SavedRun:
    challenge = next(one for one in topic().challenges() if one.id == name)
    scenario = topic().scenario(challenge.scenario)
    work = played(topic(), scenario, overrides=knobs)
    for action, args in deeds:
        work.do(Action(action, args))
        while work.step() is not None:
            pass
    params = dict(flat(topic().params({**scenario.params, **knobs})))
    saved = SavedRun(
        "protocols", topic().manifest.version, scenario.id, params, scenario.seed, tuple(work.actions),
        steps=len(work.trace), until_us=len(work.trace), trace_hash=work.trace.hash(),
    )  # fmt: skip
    work.close()
    return saved


@pytest.mark.parametrize("name", WON)
def test_a_challenge_can_be_won_and_is_not_won_by_looking_on(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "is_open", True)  # this test stands for the fence
    challenge = next(one for one in topic().challenges() if one.id == name)
    quick = dataclasses.replace(challenge, seeds=challenge.seeds[:3])
    knobs, deeds = WON[name]
    won = grade(quick, topic(), handed_in(name, knobs, deeds))
    assert won.ok, won.reason
    assert not grade(quick, topic(), handed_in(name, {}, [])).ok


def test_the_curriculum_points_to_steps_and_scenarios_that_exist() -> None:
    text = (Path(__file__).parents[3] / "docs" / "curriculum.md").read_text("utf-8")
    steps = {lesson.id: {step.id for step in lesson.items} for lesson in topic().lessons()}
    for number in range(1, 41):
        row = re.search(rf"^\| 6\.{number:02d}\b.*$", text, re.M)
        assert row, f"6.{number:02d} is met nowhere"
        for lesson, step in re.findall(r"`protocols/([a-z-]+)(?:#([a-z0-9-]+))?`", row[0]):
            assert lesson in steps, row[0]
            assert not step or step in steps[lesson], row[0]
