"""The vocabulary and the expression language: verdicts with reasons, mistakes with columns, nothing of Python."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prayog_sdk import checks
from prayog_sdk.checks import Check, ExpressionError, Verdict, count, evaluate, eventually, gauge, never
from prayog_sdk.lessons import Answer
from prayog_sim.trace import Effect, Step, Trace

TRACE = Trace(
    [
        Step(0, 0, "start", "n1", {}),
        Step(1, 1_500, "deliver", "n2", {"src": "n1", "hops": 2}, 0, (Effect("note", {"text": "heard"}),)),
        Step(2, 2_500, "deliver", "n1", {"src": "n2", "hops": 5}, 1, (Effect("gauge", {"name": "lag", "value": 17}),)),
        Step(3, 2_600, "action", "", {"name": "crash", "node": "n1"}),
        Step(4, 2_700, "crash", "n1", {}, 3, (Effect("gauge", {"name": "lag", "value": 4}),)),
    ]
)
MEASURES = {"moved": lambda trace: len(trace) - 1, "unknown": lambda trace: None}


def verdict(expression: str, **more: object) -> Verdict:
    return checks.compile(expression, MEASURES).judge(TRACE, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "expression",
    [
        'count("deliver") == 2',
        'count("deliver", hops > 2) == 1',
        'count("deliver", node="n2") == 1 and moved == 4',
        'count("note") == 1',
        'never("leader")',
        'always("deliver", hops <= 5)',
        'always("leader", term == 1)',
        'eventually("crash", by="3ms")',
        'before("note", "crash")',
        'first("deliver").node == "n2" and last("deliver").hops == 5',
        'first("deliver").at < 2000 < last("deliver").at',
        'gauge("lag", "max") == 17 and gauge("lag") == 4 and gauge("lag", "mean", node="n1") == 10.5',
        'gauge("lag", "max", window="50us") == 4',
        'used("crash") == 1 == used()',
        "not moved > 9",
        "moved / 2 == 2 and moved - 1 in [3, 5]",
        'count("deliver", src in ["n1", "n3"]) == 1',
        '("many" if moved > 3 else "few") == "many"',
    ],
)
def test_holds(expression: str) -> None:
    assert verdict(expression).ok, verdict(expression)


@pytest.mark.parametrize(
    ("expression", "at", "words"),
    [
        ('count("deliver") >= 3', 2, "is 2; expected at least 3"),
        ('count("deliver") <= 1', 2, "is 2; expected at most 1"),
        ('count("deliver") == 1', 2, "expected 1"),
        ('gauge("lag", "max") < 10', 2, "is 17; expected less than 10"),
        ('never("note")', 1, "this must never happen: note: heard"),
        ('always("deliver", hops <= 4)', 2, "hops=5"),
        ('eventually("crash", by="2ms")', 4, "later than 2ms"),
        ('eventually("leader")', 4, "did not happen"),
        ('before("crash", "note")', 1, "should have come first"),
        ('first("leader").node == "n1"', None, "did not happen"),
        ('never("leader") and used("crash") < 1', 3, "is 1; expected less than 1"),
        ('never("note") or count("deliver") > 9', 1, "neither holds"),
        ("moved > 10", None, "moved is 4; expected more than 10"),
        ("unknown > 10", None, "unknown is not known yet"),
        ("moved / 0 > 1", None, "divides by zero"),
        ('gauge("load") < 1', None, "nothing was measured"),
    ],
)
def test_fails_with_the_first_violating_step(expression: str, at: int | None, words: str) -> None:
    found = verdict(expression)
    assert not found.ok
    assert found.at == at
    assert words in found.reason


@pytest.mark.parametrize(
    ("expression", "column", "words"),
    [
        ('never("x") and cuont("y") > 1', 16, "there is no 'cuont'; did you mean count?"),
        ("moved > mooved", 9, "did you mean moved?"),
        ("count(deliver) > 1", 7, "fixed value"),
        ('count("a").node == 1', 1, "only an event from first"),
        ('first("a").node == "é" and oops', 28, "there is no 'oops'"),
        ('count("x") >', 13, "invalid syntax"),
        ('gauge("lag", "p98") > 1', 1, "gauge can give"),
        ('eventually("x", by="soon")', 1, "not a duration"),
        ('count("x", hops(1) > 2) > 1', 12, "compare fields of the event"),
        ("moved is 3", 10, "compare with"),
        ('before("a")', 1, "missing"),
        ("", 1, "there is nothing here"),
    ],
)
def test_mistakes_point_at_their_column(expression: str, column: int, words: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        checks.compile(expression, MEASURES)
    assert words in caught.value.sentence
    assert caught.value.column == column
    assert caught.value.pointed().splitlines()[-1].index("^") == column - 1


@pytest.mark.parametrize(
    "hostile",
    [
        "__import__('os')",
        "moved.__class__",
        "(lambda: 1)()",
        "[x for x in (1,)]",
        "2 ** 9999999",
        "moved if (y := 1) else 2",
        'first("a").__class__ == 1',
        'count("a", kind.__class__ == 1)',
        'count(*["a"])',
        "f'{moved}'",
        "-" * 990 + "1",
        "(" * 400 + ")" * 400,
        "1" + "+1" * 600,
        "open('/etc/passwd')",
    ],
)
def test_nothing_of_python_can_be_reached(hostile: str) -> None:
    with pytest.raises(ExpressionError):
        checks.compile(hostile, MEASURES)


@given(st.text(alphabet=string.printable, max_size=40))
def test_any_text_compiles_or_is_an_expression_error(text: str) -> None:
    try:
        check = checks.compile(text, MEASURES)
    except ExpressionError:
        return
    assert check.judge(TRACE).reason


def test_a_misspelt_field_is_never_a_silent_pass() -> None:
    found = verdict('never("deliver", hop > 2)')
    assert not found.ok
    assert "has a field 'hop'; they have: node, at, seq, src, hops" in found.reason
    assert not verdict('never("deliver", srk="n1")').ok


def test_a_clock_that_only_counts_steps_is_not_told_as_time() -> None:
    counted = Trace([Step(i, i, "visit", "", {"cell": i}) for i in range(5)])
    check = Check("few", "Few cells", count("visit") <= 3)
    assert "step 3)" in never("visit", lambda event: event["cell"] == 3)(counted).reason
    assert " ms" not in check.judge(counted).reason
    timed = Trace([Step(0, 4_000, "visit", "n1", {})])
    assert "step 0, 4 ms, n1" in never("visit")(timed).reason


def test_words_in_python_are_the_same_words() -> None:
    both = eventually("crash", by="3ms") & (count("deliver", node="n2") >= 1) & ~(gauge("lag", "max") < 10)
    assert both(TRACE).ok
    assert count("deliver")(TRACE) == 2
    assert not never("deliver", lambda event: event["hops"] > 4)(TRACE).ok
    assert Check("quiet", "Nobody notes", lambda trace: Verdict(False, "no", 1)).judge(TRACE).at == 1


def test_named_checks_can_be_used_in_expressions() -> None:
    quiet = Check("quiet", "Nobody notes", never("note"))
    found = checks.compile("quiet and moved > 1", MEASURES, {"quiet": quiet}).judge(TRACE)
    assert (found.ok, found.at) == (False, 1)
    assert evaluate("moved if quiet else 0", MEASURES, {"quiet": quiet})(TRACE) == 0


def test_predictions_count_when_made_before_the_first_event() -> None:
    early, late = {"q": Answer("q", 3, 1)}, {"q": Answer("q", 3, 3)}
    assert verdict('predicted("q") and answer("q") == 3', answers=early).ok
    assert not verdict('predicted("q")', answers=late).ok
    assert verdict('predicted("q", before="crash")', answers=late).ok
    assert "no prediction was recorded" in verdict('predicted("q")').reason
    assert not verdict('answer("q") < 9').ok


def test_on_seeds_runs_again_and_names_the_seed() -> None:
    runs = {8: TRACE, 9: Trace([Step(0, 0, "leader", "n1", {})])}
    found = verdict('on_seeds(3, never("leader"))', rerun=runs.__getitem__, seed=7)
    assert not found.ok
    assert found.reason.startswith("on seed 9: ")
    assert "cannot" in verdict('on_seeds(3, never("leader"))').reason


def test_a_verdict_names_what_was_asked_of_the_events() -> None:
    assert verdict('never("deliver", hops > 9, node="n2")').reason == "deliver with hops > 9, node='n2' never happened"
    assert verdict('never("leader")').reason == "leader never happened"
    assert verdict('eventually("deliver", hops > 9)').reason == "deliver with hops > 9 did not happen"
