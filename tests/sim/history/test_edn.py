"""EDN: what Jepsen and Clojure print is read; mistakes name line and column; what was read can be written."""

from __future__ import annotations

import contextlib
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_sim.history import edn
from prayog_sim.history.edn import Char, EdnError, Keyword, Listing, Mapped, Symbol, Tagged, read_all, write


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("nil", None),
        ("true false", [True, False]),
        ("12 -3 +4 12N 0x1F 0", [12, -3, 4, 12, 31, 0]),
        ("1.5 -2. 1e3 1.50M 7M", [1.5, -2.0, 1000.0, Decimal("1.50"), Decimal(7)]),
        ("1/3 -4/2", [Fraction(1, 3), Fraction(-2)]),
        ("##Inf ##-Inf", [float("inf"), float("-inf")]),
        (r'"a\n\"\\\u0041é"', 'a\n"\\Aé'),
        (r'"\uD83D\uDE00"', "😀"),
        ('"two\nlines"', "two\nlines"),
        (r"\a \newline \u0041 \( \o101", [Char("a"), Char("\n"), Char("A"), Char("("), Char("A")]),
        (":a :a/b :timed-out", [Keyword("a"), Keyword("a/b"), Keyword("timed-out")]),
        ("sym a/b -> + -x ...", [Symbol(s) for s in ("sym", "a/b", "->", "+", "-x", "...")]),
        ("[1 [2] ()]", (1, (2,), Listing())),
        ("{:a 1, :b {}}", Mapped({Keyword("a"): 1, Keyword("b"): Mapped()})),
        ("#{1 2}", frozenset({1, 2})),
        ("{{:a 1} #{[1]}}", Mapped({Mapped({Keyword("a"): 1}): frozenset({(1,)})})),
        ("#inst \"2026\" #jepsen.history.Op{:f :read}", [
            Tagged("inst", "2026"), Tagged("jepsen.history.Op", Mapped({Keyword("f"): Keyword("read")}))]),
        ("#a #b 1", Tagged("a", Tagged("b", 1))),
        ("[1 #_ 2 3 #_ #_ 4 5 #_[6 #_7]]", (1, 3)),
        ("1 ; a comment [ \" \n2;end", [1, 2]),
        ("\ufeff[1,,2]", (1, 2)),
        ("", []),
    ],
)  # fmt: skip
def test_reads(text: str, value: Any) -> None:
    found = list(read_all(text))
    assert found == (value if isinstance(value, list) else [value])
    assert [type(v) for v in found] == [type(v) for v in (value if isinstance(value, list) else [value])]


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ("[1\n  {:a}", 2, 3, "a value for every key"),
        ("[1\n 2", 1, 1, "'[' has no end"),
        ("{:a\n (1]}", 2, 4, "']' cannot close the '(' of line 2"),
        ("1 )", 1, 3, "closes nothing"),
        ('1\n "abc', 2, 2, "no end"),
        (r'"a\qb"', 1, 3, r"no escape \q"),
        ("[1 #_]", 1, 4, "followed by nothing"),
        ("#tag", 1, 1, "followed by nothing"),
        ("1x", 1, 1, "not a number"),
        ("1/0", 1, 1, "divides by zero"),
        ("9" * 10_000, 1, 1, "too long"),
        (": a", 1, 1, "needs a name"),
        (r"\abc", 1, 1, "no character"),
        ("##Nan", 1, 1, "##NaN"),
        ("@x", 1, 1, "cannot begin a value"),
        ("^{:line 1} x", 1, 1, "cannot begin a value"),
        ("[" * 101, 1, 101, "more than 100 deep"),
        ("#_" * 100_000, 1, 201, "more than 100 deep"),
    ],
)
def test_a_mistake_names_its_place(text: str, line: int, column: int, words: str) -> None:
    with pytest.raises(EdnError) as caught:
        list(read_all(text))
    assert (caught.value.line, caught.value.column) == (line, column)
    assert words in caught.value.sentence


def test_a_text_can_be_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edn, "LONGEST", 10)
    with pytest.raises(EdnError, match="at most 10"):
        list(read_all("[1 2 3 4 5 6]"))


NAMES = st.text("abcxyz-", min_size=1, max_size=5).filter(lambda s: s[0] != "-")
ATOMS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.builds(Keyword, NAMES)
    | st.builds(Symbol, NAMES.map(lambda name: f"s{name}"))
    | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.characters(exclude_categories=["Cs"], max_codepoint=0xFFFF).map(Char)
)
FORMS = st.recursive(
    ATOMS,
    lambda inner: (
        st.lists(inner, max_size=4).map(tuple)
        | st.lists(inner, max_size=4).map(Listing)
        | st.frozensets(ATOMS, max_size=4)
        | st.dictionaries(ATOMS, inner, max_size=4).map(Mapped)
        | st.builds(Tagged, NAMES, inner)
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None)
@given(FORMS)
def test_what_is_written_is_read_back(form: Any) -> None:
    text = write(form)
    (back,) = read_all(text)
    assert back == form
    assert write(back) == text


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet='[](){}#_"\\:;^@`~\n ,ab1/.+-eNMx', max_size=40))
def test_any_text_gives_values_or_a_sentence(text: str) -> None:
    with contextlib.suppress(EdnError):
        for form in read_all(text):
            write(form)


def test_what_edn_cannot_say_is_refused() -> None:
    with pytest.raises(ValueError, match="no way to write a object"):
        write(object())
    deep: Any = ()
    for _ in range(200):
        deep = (deep,)
    with pytest.raises(ValueError, match="100 deep"):
        write(deep)
