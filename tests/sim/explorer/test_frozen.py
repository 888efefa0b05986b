"""Freezing and thawing: equal is equal, nothing is shared, and what cannot be set aside is refused."""

from __future__ import annotations

import enum
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prayog_sim.explorer import Refused
from prayog_sim.explorer.frozen import freeze, freeze_fields, rename, thaw


class Colour(enum.Enum):
    RED = "red"


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclass(frozen=True)
class Entry:
    term: int
    value: Any


@dataclass
class Log:
    entries: list[Entry] = field(default_factory=list)
    owner: str = ""


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self, a: Any) -> None:
        self.a = a

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Slotted) and self.a == other.a

    __hash__ = None  # type: ignore[assignment]


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=4) | st.binary(max_size=4) | st.just(Colour.RED)
keys = st.text(max_size=3) | st.integers(0, 9) | st.tuples(st.integers(0, 3), st.text(max_size=2))
values: st.SearchStrategy[Any] = st.recursive(
    leaves | st.frozensets(keys, max_size=3) | st.sets(keys, max_size=3) | st.just((list, 1)) | st.just((dict,)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(keys, inner, max_size=3),
        st.dictionaries(keys, inner, max_size=3).map(OrderedDict),
        st.lists(inner, max_size=3).map(lambda items: deque(items, maxlen=5)),
        st.builds(Pair, inner, inner),
        st.builds(Entry, st.integers(0, 3), inner),
        st.builds(Slotted, inner),
        st.lists(st.builds(Entry, st.integers(0, 3), leaves), max_size=3).map(Log),
    ),
    max_leaves=12,
)


@given(values)
def test_what_was_frozen_comes_back_equal_and_fresh(value: Any) -> None:
    frozen = freeze(value)
    hash(frozen)
    back = thaw(frozen)
    assert back == value
    assert type(back) is type(value)
    assert freeze(back) == frozen


def test_nothing_that_can_change_is_shared() -> None:
    log = Log([Entry(1, "x")])
    frozen = freeze(log)
    log.entries.append(Entry(2, "y"))
    first, second = thaw(frozen), thaw(frozen)
    first.entries.clear()
    assert second == Log([Entry(1, "x")])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1: "x", "b": 2}, {"b": 2, 1: "x"}),
        ({"b", "a"}, {"a", "b"}),
        (Counter("ab"), Counter("ba")),
        (Entry(1, {"a": 1, "b": 2}), Entry(1, {"b": 2, "a": 1})),
    ],
)
def test_the_order_in_which_something_was_filled_does_not_count(one: Any, other: Any) -> None:
    assert freeze(one) == freeze(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1], (1,)),
        ((list, 1), [1]),
        ({1}, frozenset({1})),
        (Pair(1, 2), (1, 2)),
        ({}, []),
        (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)),
        (b"", bytearray()),
    ],
)
def test_different_kinds_stay_different(one: Any, other: Any) -> None:
    assert freeze(one) != freeze(other)


def test_dictionaries_with_a_default_keep_it() -> None:
    tally: defaultdict[str, list[int]] = defaultdict(list, a=[1])
    back = thaw(freeze(tally))
    back["b"].append(2)
    assert back == {"a": [1], "b": [2]}
    assert tally == {"a": [1]}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"lock": threading.Lock()}, "n1.lock holds a lock, which the explorer cannot set aside"),
        ({"work": (i for i in "ab")}, "n1.work holds a generator"),
    ],
)
def test_what_cannot_be_set_aside_is_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        freeze_fields(fields, "n1")


def test_one_list_in_two_places_is_refused() -> None:
    log = [1]
    with pytest.raises(Refused, match=r"n1\.latest and n1\.all are one and the same list"):
        freeze_fields({"all": log, "latest": log}, "n1")


def test_names_are_swapped_where_a_name_can_stand() -> None:
    swap = {"n1": "n2", "n2": "n1"}
    before = {"n1": ["n2", 3], "n3": {"n1"}, ("n2", 1): Entry(1, "n1"), "log": Log([Entry(2, ("n1",))], "n2 of n1")}
    after = {"n2": ["n1", 3], "n3": {"n2"}, ("n1", 1): Entry(1, "n2"), "log": Log([Entry(2, ("n2",))], "n2 of n1")}
    assert thaw(rename(freeze(before), swap)) == after
    assert rename(rename(freeze(before), swap), swap) == freeze(before)
