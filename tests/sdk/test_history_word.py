"""``history("op").linearizable`` in checks, and the exports that others' tools read."""

from __future__ import annotations

import json
import re

import pytest

from prayog_sdk import checks
from prayog_sdk.checks import Check, CheckError, ExpressionError, history
from prayog_sdk.exports import Label, to_edn, to_shiviz
from prayog_sim.history.jepsen import read_history
from prayog_sim.trace import Effect, Step, Trace

LABEL = Label("demo", "0.1.0", "stale read", 7)


def told(*events: tuple[str, str, dict[str, object]]) -> Trace:
    """One step for each (node, kind, data)."""
    return Trace(
        Step(i, 1_000 * i, "timer", node, {}, i - 1, (Effect(kind, data),))
        for i, (node, kind, data) in enumerate(events)
    )


def stale(read: int | None, **more: object) -> Trace:
    """A write of 1 is done before a read that is answered with `read`."""
    return told(
        ("c1", "invoke", {"op": 1, "f": "write", "value": 1, **more}),
        ("c1", "ok", {"op": 1}),
        ("c2", "invoke", {"op": 1, "f": "read", **more}),
        ("c2", "ok", {"op": 1, "value": read}),
    )


def test_the_verdict_names_the_operation_and_its_step() -> None:
    check = checks.compile('history("op").linearizable', {})
    assert check.judge(stale(1)).ok
    verdict = check.judge(stale(0))
    assert (verdict.ok, verdict.at) == (False, 3)
    assert verdict.reason == (
        "not linearizable: c2 read → 0 (2 ms) cannot be placed: whatever the order, the register held 1 by then"
    )


@pytest.mark.parametrize(
    ("expression", "read", "ok"),
    [
        ("history().linearizable", 1, True),
        ("not history().linearizable", 0, True),
        ('history("op", model="cas-register").linearizable and count("invoke") == 2', 1, True),
        ("history().linearizable == True", 0, False),
        ('"fine" if history().linearizable else "stale"', 0, True),
        ('history("op").sequential and not history("op").linearizable', None, True),
        ("not history().sequential", 7, True),
    ],
)
def test_it_can_be_combined(expression: str, read: int | None, ok: bool) -> None:
    assert checks.compile(expression, {}).judge(stale(read)).ok is ok


def test_in_python_it_is_a_claim() -> None:
    check = Check("lin", "Reads are fresh", history().linearizable & checks.never("leader"))
    assert check.judge(stale(1)).ok
    assert (~history("op").linearizable)(stale(0)).ok


def test_operations_of_another_kind_are_kept_apart_and_a_wrong_name_is_a_mistake() -> None:
    trace = stale(0, of="cache")
    assert not history("cache").linearizable(trace).ok
    assert "there are: cache" in checks.compile("history().linearizable", {}).judge(trace).reason
    assert history().linearizable(Trace()).ok


def test_as_long_as_it_is_undecided_neither_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    from prayog_sim.history import linearizable

    steps = [("q", "invoke", {"op": i, "f": "enqueue", "value": i}) for i in range(14)]
    steps += [("q", "ok", {"op": i}) for i in range(14)]
    steps += [("d", "invoke", {"op": i, "f": "dequeue"}) for i in range(7)]
    steps += [("d", "ok", {"op": 6, "value": 99})]
    monkeypatch.setattr(linearizable.Linearizability.run, "__defaults__", (1_000,))
    monkeypatch.setattr(linearizable.linearizable, "__defaults__", (None, 1_000))
    claim = history().linearizable
    assert not claim(told(*steps)).ok
    assert not (~claim)(told(*steps)).ok
    assert claim(told(*steps)).reason.startswith("unknown: undecided after 1,0")


@pytest.mark.parametrize(
    ("expression", "column", "words"),
    [
        ('history("op")', 1, 'write what the history is, as in history("op").linearizable'),
        ('history("op").serial', 1, "can be linearizable or sequential; it has no 'serial'"),
        ('history("op", model="stack").linearizable', 1, "no model 'stack'; there are: register"),
        ("history(1).linearizable", 9, "a text in quotes"),
        ('history("op", size="2").linearizable', 1, "unexpected keyword"),
    ],
)
def test_mistakes_point_at_their_column(expression: str, column: int, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        checks.compile(expression, {})
    assert caught.value.column == column
    assert words in caught.value.sentence


def test_what_no_model_knows_is_a_mistake_of_the_check() -> None:
    trace = told(("c1", "invoke", {"op": 1, "f": "juggle"}))
    with pytest.raises(CheckError, match="no model knows all of juggle"):
        history().linearizable(trace)


def test_edn_says_where_it_comes_from_and_is_read_back() -> None:
    text = "".join(to_edn(stale(0), LABEL))
    assert text.startswith("; demo 0.1.0 · stale read · seed 7")
    assert [op.process for op in read_history(text).operations] == ["c1", "c2"]


def test_shiviz_gets_clocks_without_gaps_that_follow_the_causes() -> None:
    trace = Trace(
        [
            Step(0, 0, "start", "n1", {}),
            Step(1, 0, "start", "node two", {}),
            Step(2, 5, "deliver", "node two", {"src": "n1", "label": "line\nbreak"}, 0),
            Step(3, 6, "action", "", {"name": "crash"}),
            Step(4, 6, "crash", "n1", {}, 3),
            Step(5, 9, "deliver", "n1", {"src": "node two", "label": "ack"}, 2),
        ]
    )
    parser, delimiter, head, *log = "".join(to_shiviz(trace, LABEL)).splitlines()
    assert parser == r"(?<event>.*)\n(?<host>\S*) (?<clock>{.*})"
    named = re.sub(r"\?<(\w+)>", r"?P<\1>", parser)
    assert re.match(delimiter.replace("?<", "?P<"), head)
    found = [(m["host"], json.loads(m["clock"])) for m in re.finditer(named, "\n".join(log))]
    assert found == [
        ("n1", {"n1": 1}),
        ("node_two", {"node_two": 1}),
        ("node_two", {"node_two": 2, "n1": 1}),
        ("run", {"run": 1}),
        ("n1", {"n1": 2, "run": 1}),
        ("n1", {"n1": 3, "run": 1, "node_two": 2}),
    ]
