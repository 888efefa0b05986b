"""Small parts: streams, durations, clocks, copies, lines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prayog_sim.clock import Clock, format_us, ms, parse_duration, s
from prayog_sim.lines import line, short, told
from prayog_sim.node import Ctx, Node
from prayog_sim.rng import Rng, short_words
from prayog_sim.trace import Effect, Step, Trace, to_json
from prayog_sim.values import keep, require_value


def test_a_stream_is_known_by_its_name_for_ever() -> None:
    assert [Rng.derive(7, "link", "n1", "n2").randint(0, 10**9) for _ in range(2)] == [FIRST, FIRST]
    rng = Rng.derive(7, "link", "n1", "n2")
    assert [rng.randint(0, 10**9) for _ in range(2)] != [FIRST, FIRST]
    assert Rng.derive(7, "link", "n1", "n3").randint(0, 10**9) != FIRST
    assert Rng.derive(8, "link", "n1", "n2").randint(0, 10**9) != FIRST
    assert Rng.derive(7, "link", "n1n2").random() != Rng.derive(7, "link", "n1", "n2").random()
    assert len(short_words(b"k" * 32, 0)) == 64


FIRST = 382_759_010  # as drawn when this was written: saved runs depend on it


def test_a_copy_of_a_stream_goes_on_alike() -> None:
    rng = Rng.derive(1, "x")
    for _ in range(13):
        rng.random()
    twin, kept = rng.copy(), keep(rng)()
    assert [rng.random() for _ in range(20)] == [twin.random() for _ in range(20)]
    assert twin.random() == [kept.random() for _ in range(21)][-1]


@given(st.integers(0, 1_000), st.integers(-50, 50), st.integers(0, 100))
def test_numbers_stay_in_their_range(seed: int, low: int, width: int) -> None:
    rng = Rng.derive(seed)
    assert low <= rng.randint(low, low + width) <= low + width
    assert 0 <= rng.random() < 1
    items = list(range(width))
    assert sorted(rng.sample(items, width)) == items
    assert rng.expovariate(2.0) >= 0


def test_distributions_are_about_right() -> None:
    rng = Rng.derive(3)
    rolls = [rng.randint(1, 6) for _ in range(6_000)]
    assert all(900 < rolls.count(face) < 1_100 for face in range(1, 7))
    normal = [rng.gauss(10, 2) for _ in range(4_000)]
    assert 9.9 < sum(normal) / 4_000 < 10.1
    assert 3.7 < sum((x - 10) ** 2 for x in normal) / 4_000 < 4.3
    assert 0.47 < sum(rng.expovariate(2) for _ in range(4_000)) / 4_000 < 0.53
    assert {rng.choice("abc") for _ in range(50)} == set("abc")
    with pytest.raises(IndexError):
        rng.choice(())
    with pytest.raises(ValueError, match="low <= high"):
        rng.randint(2, 1)


@pytest.mark.parametrize(
    ("text", "us"), [("2s", s(2)), ("150ms", ms(150)), ("10us", 10), ("1.5 ms", 1_500), ("-3µs", -3), ("2min", s(120))]
)
def test_durations_are_read(text: str, us: int) -> None:
    assert parse_duration(text) == us


@pytest.mark.parametrize("text", ["", "2", "s", "2 hours", "1e3s", "2s 3ms"])
def test_what_is_no_duration_is_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration: write a number and a unit"):
        parse_duration(text)


def test_times_are_written_for_people() -> None:
    assert [format_us(at) for at in (0, 850, 12_500, 1_204_000, -5_000)] == [
        "0 µs",
        "850 µs",
        "12.5 ms",
        "1.204 s",
        "−5 ms",
    ]


def test_a_clock_gains_and_loses() -> None:
    fast = Clock(offset=ms(5), rate=0.01, since=s(1))
    assert fast.local(s(2)) == s(2) + ms(5) + ms(10)
    assert fast.span(ms(101)) == ms(100)


class Seat(NamedTuple):
    node: str
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Vote:
    term: int
    granted: bool = True
    log: tuple[int, ...] = (1, 2)
    extra: str = "x"
    more: str = "not shown"


@dataclass(frozen=True)
class Leaky:
    entries: list[int] = field(default_factory=list)


@dataclass
class Loose:
    term: int = 1


@pytest.mark.parametrize("msg", ["text", 3, None, (1, ("a", b"b")), Vote(1), frozenset({1})])
def test_values_may_travel(msg: Any) -> None:
    require_value(msg)


@pytest.mark.parametrize("msg", [[1], {"a": 1}, {1}, ("a", [1]), Leaky(), Loose(), (Vote(1), bytearray(b"x"))])
def test_what_can_change_may_not_travel(msg: Any) -> None:
    with pytest.raises(TypeError, match=r"a message holds a .*, which can change"):
        require_value(msg)


def test_a_copy_keeps_what_is_one_object_one_object() -> None:
    shared = [1]
    copy = keep({"a": shared, "b": shared})
    first, second = copy(), copy()
    assert first["a"] is first["b"]
    assert first["a"] is not second["a"]
    shared.append(2)
    assert copy() == {"a": [1], "b": [1]}


def test_labels_and_looks_say_what_there_is() -> None:
    node = Node()
    node.term, node.log, node._secret = 3, [1, 2], 4  # type: ignore[attr-defined]
    assert node.look().sentence == "term 3, log 1 2"
    assert node.label(Vote(3)) == "Vote term=3 granted=yes log=1 2 extra=x"
    assert node.label(("put", "x", 1)) == "put x 1"
    assert len(short("x" * 100)) == 40


def test_a_line_says_everything_and_told_only_what_was_spoken() -> None:
    note, sent = Effect("note", {"text": "voted"}), Effect("send", {"to": "n1", "msg": 1})
    step = Step(4, 3_200, "deliver", "n2", {"src": "n1", "msg": 1, "label": "Vote term=1"}, 0, (sent, note))
    assert line(step) == "n1 → n2 Vote term=1 · voted"
    assert line(step, when=True) == "n1@3.2 ms → n2 Vote term=1 · voted"
    assert told(step) == "n2 voted"
    quiet = Step(5, 3_300, "timer", "n2", {"name": "election"}, 0, (sent,))
    assert (line(quiet), told(quiet)) == ("n2 timer election", "")
    leader = Step(6, 3_300, "timer", "n2", {"name": "election"}, 0, (Effect("leader", {"term": 3}),))
    assert told(leader) == "n2 leader term=3"
    assert told(Step(7, 3_300, "crash", "n2", {"name": "crash", "by": "hand"})) == "n2 crash"
    assert line(Step(8, 1, "violation", "", {"sentence": "two leaders"}), when=True) == "@1 µs violation: two leaders"


def test_json_is_the_same_whatever_the_order_of_sets_and_dicts() -> None:
    assert to_json({3, 1, 2}) == [1, 2, 3]
    assert to_json(Vote(1))["type"] == "Vote"
    assert to_json(Seat("n1", (2,))) == {"type": "Seat", "node": "n1", "rows": [2]}
    trace = Trace([Step(0, 0, "a", "", {"x": 1, "y": {2, 1}})])
    assert trace.hash() == Trace([Step(0, 0, "a", "", {"y": {1, 2}, "x": 1})]).hash()


def test_a_ctx_records_effects_in_order_and_detaches_facts() -> None:
    ctx = Ctx("n1", ("n2", "n3"))
    log = [1]
    ctx.broadcast("hello")
    ctx.emit("stored", log=log)
    ctx.gauge("size", 1)
    ctx.disk.append("wal", b"x")
    ctx.note("done")
    log.append(2)
    assert ctx.effects == [
        ("send", "n2", "hello"),
        ("send", "n3", "hello"),
        ("emit", "stored", {"log": [1]}),
        ("gauge", "size", 1),
        ("disk", {"op": "append", "file": "wal", "bytes": 1}),
        ("note", "done"),
    ]
    with pytest.raises(ValueError, match="5 µs into the past"):
        ctx.set_timer("t", -5)
