"""`.lab` scripts: mistakes are found at their line and column; a script plays on any run and can be a golden test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import pytest

from prayog_sim.clock import s
from prayog_sim.network import Fixed, Link, Network
from prayog_sim.run import Action, ActionError, Run, TimedAction, View
from prayog_sim.script import ScriptError, ScriptResult, parse, play, rewrite
from prayog_sim.trace import Step, Trace
from prayog_sim.world import World


@dataclass(frozen=True)
class Said:
    ok: bool
    reason: str
    at: int | None = None


def judge(text: str, trace: Trace) -> Said:
    """``heard N``: at least N nodes heard the rumour."""
    word, *rest = text.split()
    if word != "heard":
        raise ValueError(f"there is no check {word!r}")
    count = sum(effect.kind == "note" for step in trace for effect in step.effects)
    return Said(count >= int(rest[0]), f"{count} nodes heard it")


def plays(run: Run, text: str, **more: Any) -> ScriptResult:
    return play(parse(text, "test.lab"), run, judge, **more)


def test_a_script_is_read_with_its_header_knobs_and_seed() -> None:
    script = parse(
        'title A wall   # short\nabout Some, "quoted", words.\nminutes 3\npanel log\n\n'
        'world nodes=5 seed=7 loss=0.1 table="swapped axes" fast=true where=1,2 # knobs\n',
        "wall.lab",
    )
    assert (script.title, script.about, script.minutes) == ("A wall", 'Some, "quoted", words.', 3)
    assert script.panel == "log"
    assert parse("world\nrun").panel == ""
    assert (script.kind, script.seed, script.name) == ("world", 7, "wall.lab")
    assert script.params == {"nodes": 5, "loss": 0.1, "table": "swapped axes", "fast": True, "where": "1,2"}
    assert parse("session").kind == "session"


@pytest.mark.parametrize(
    ("text", "line", "column", "sentence"),
    [
        ("", 1, 1, "needs one line that begins with world or session"),
        ("title x", 1, 1, "needs one line that begins with world or session"),
        ("run 2s\nworld", 1, 1, "'run' comes too early"),
        ("world\ntitle late", 2, 1, "title belongs above the world line"),
        ("title a\n  title b\nworld", 2, 3, "there is a second title"),
        ("minutes three\nworld", 1, 9, "minutes is a whole number, not 'three'"),
        ("about\nworld", 1, 6, "about needs something behind it"),
        ("world\nsession", 2, 1, "there is a world line already"),
        ("world 5", 1, 7, "world takes knobs as name=value; found 5"),
        ("world seed=x", 1, 12, "seed is a whole number from 0 to 999,999,999,999,999,999, not 'x'"),
        ("world seed=-1", 1, 12, "seed is a whole number from 0 to 999,999,999,999,999,999, not -1"),
        ("world loss=0 nodes=2 loss=1", 1, 22, "loss= stands there twice; keep one"),
        ("world nodes=", 1, 13, 'nodes= needs a value; an empty one is written nodes=""'),
        ('world\n  crash node="n1', 2, 14, "this quote is never closed"),
        ('world\ncrash node="n1"x', 2, 16, "put a space behind the closing quote"),
        ("world\nrun 2", 2, 5, "'2' is not a duration: write a number and a unit"),
        ("world\nrun 2s 3s", 2, 8, "run takes one time or until=KIND; '3s' is too much"),
        ("world\nrun -2s", 2, 5, "time does not run backwards: -2s"),
        ("world\nrun for=2s", 2, 5, "run takes until=, count= and node=, not 'for'"),
        ("world\nrun count=2", 2, 5, "count= goes with until="),
        ("world\nrun until=note count=0", 2, 22, "count is a whole number from 1, not 0"),
        ("world\nstep x", 2, 6, "step takes one whole number from 1"),
        ("world\nstep 1 2", 2, 8, "step takes one whole number from 1"),
        ("world\nat 5ms", 2, 3, "at needs a time and an action"),
        ("world\nat soon crash n1", 2, 4, "'soon' is not a duration"),
        ("world\nat 5ms run 2s", 2, 8, "at takes an action, not 'run'"),
        ("world\n  check   # nothing", 2, 8, "check needs the name of a check"),
        ("world\n----", 2, 1, "three dashes that stand alone"),
        ("world\ncrash node=n1 n2", 2, 15, "'n2' stands behind name=value"),
        ("world\ncrash node=n1 node=n2", 2, 15, "crash has node= twice"),
        ("world\n!crash", 2, 1, "'!crash' is no command"),
    ],
)
def test_a_mistake_is_found_at_its_line_and_column(text: str, line: int, column: int, sentence: str) -> None:
    with pytest.raises(ScriptError) as caught:
        parse(text, "x.lab")
    assert (caught.value.line, caught.value.column) == (line, column)
    assert sentence in caught.value.sentence
    assert str(caught.value).startswith(f"x.lab:{line}:{column}: ")


GOLDEN = """\
title A rumour and a wall
world nodes=5 seed=7
# n1 tells somebody, then a wall rises
run until=note
---
n5 heard it from n1

partition n1,n5|n2,n3,n4
at 25ms crash node=n1   # absolute time
run 100ms
check heard 5
---
fault partition groups=n1,n5|n2,n3,n4
n1 crash
failed: 1 nodes heard it

heal
restart n1
step 2
---
fault heal
n1 restart
n1 timer gossip
n1 → n2 rumour · heard it from n1

run
check heard 4
"""


def test_a_golden_script_plays_on_a_world(gossip: Callable[..., World]) -> None:
    run = gossip(network=Network(Link(Fixed(2_000))))
    result = plays(run, GOLDEN)
    assert [block.got for block in result.blocks] == [block.expected for block in result.blocks]
    assert result.ok
    assert [(check.ok, check.foreseen) for check in result.checks] == [(False, True), (True, False)]
    assert [timed.action.name for timed in run.actions] == ["partition", "crash", "heal", "restart"]
    assert [timed.at for timed in run.actions] == [12_000, 25_000, 112_000, 112_000]
    assert rewrite(parse(GOLDEN), result) == GOLDEN


def test_a_difference_fails_and_can_be_written_into_the_file(gossip: Callable[..., World]) -> None:
    stale = GOLDEN.replace("n5 heard it from n1\n", "n2 heard it from n1\nand more\n").replace("n1 crash\n", "")
    script = parse(stale, "x.lab")
    result = play(script, gossip(network=Network(Link(Fixed(2_000)))), judge)
    assert not result.ok
    assert [check.foreseen for check in result.checks] == [False, False]
    assert rewrite(script, result) == GOLDEN


def test_a_failed_check_that_nobody_expects_fails_the_script(gossip: Callable[..., World]) -> None:
    assert not plays(gossip(), "world\nrun 1ms\ncheck heard 5\n").ok
    assert plays(gossip(), "world\nrun\ncheck heard 4\n").ok


@pytest.mark.parametrize(
    ("text", "column", "sentence"),
    [
        ("crash n9", 1, "node must be one of n1, n2"),
        ("fly node=n1", 1, "n1 cannot 'fly'"),
        ("crash n1 keep now", 1, "crash takes node=, in_flight=; found 'n1 keep now'"),
        ("poke n1", 1, "poke is no command, nor an action that takes bare words"),
        ("crsh n1", 1, r"crsh is no command, nor an action that takes bare words; did you mean crash\?"),
        ("crash n1 node=n1", 1, "crash has node twice"),
        ("run until=notte", 1, r"no notte came: did you mean note\?"),
        ("run 1s\nat 10ms crash n1", 9, "at 10 ms is over: it is 1 s already"),
        ("  run until=flood", 3, "no flood came: nothing more happens after"),
        ("run until=note node=n1", 1, "no note came at n1"),
        ("check fame", 1, "there is no check 'fame'"),
        ("run\nstep", 1, "nothing more happens after"),
    ],
)
def test_what_cannot_be_played_is_said_at_its_line(
    gossip: Callable[..., World], text: str, column: int, sentence: str
) -> None:
    with pytest.raises(ScriptError, match=sentence) as caught:
        plays(gossip(2), f"world\n{text}\n")
    assert (caught.value.line, caught.value.column) == (1 + len(text.splitlines()), column)


def test_a_topic_names_the_arguments_of_its_actions(gossip: Callable[..., World]) -> None:
    with pytest.raises(ScriptError, match="n1 cannot 'propose'"):
        plays(gossip(), "world\npropose n1 5\n", verbs={"propose": ("node", "value")})


def test_run_for_a_time_ends_at_that_time(gossip: Callable[..., World]) -> None:
    run = gossip()
    plays(run, "world\nrun 2s\ncrash n1\nrun 1s\nrestart n1\n")
    assert [timed.at for timed in run.actions] == [s(2), s(3)]


class Clerk:
    """A made-up session: each action takes a few waits, as a real component does."""

    kind: Literal["world", "session"] = "session"
    next_at = None

    def __init__(self) -> None:
        self.trace = Trace()
        self.actions: list[TimedAction] = []
        self.work: list[str] = []
        self.waits = 0

    @property
    def busy(self) -> bool:
        return bool(self.work)

    def step(self) -> Step | None:
        return None

    def wait(self, seconds: float) -> Step | None:
        self.waits += 1
        return self._add(self.work.pop(0), {}) if self.waits % 3 == 0 else None

    def do(self, action: Action, at: int | None = None) -> Step:
        if action.name != "count":
            raise ActionError(f"this clerk cannot {action.name}")
        self.actions.append(TimedAction(len(self.trace), 0, action))
        self.work += ["one", "two"]
        return self._add("action", {"name": action.name})

    def _add(self, kind: str, data: dict[str, Any]) -> Step:
        step = Step(len(self.trace), 10 * len(self.trace), kind, "", data)
        self.trace.append(step)
        return step

    def view(self, at: int = -2) -> View:
        return View(len(self.trace) - 1, 0)

    def close(self) -> None:
        pass


def test_a_session_is_waited_for() -> None:
    run = Clerk()
    result = plays(run, "session\ncount\nat 2s count\nrun\n---\naction count\none\ntwo\naction count\none\ntwo\n")
    assert result.blocks[0].got == result.blocks[0].expected
    assert run.waits == 12
    with pytest.raises(ScriptError, match="this clerk cannot fly") as caught:
        plays(run, "session\nfly\n")
    assert caught.value.line == 2
