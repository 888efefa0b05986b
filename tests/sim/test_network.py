"""Delays, loss, cuts: what the network does, and that its streams do not disturb each other."""

from __future__ import annotations

from itertools import pairwise
from statistics import fmean, median
from typing import Any

import pytest

from prayog_sim.network import (
    Exponential,
    Fixed,
    Latency,
    Link,
    LogNormal,
    Network,
    Uniform,
    Wires,
    parse_latency,
)
from prayog_sim.node import Ctx, Node
from prayog_sim.run import Action
from prayog_sim.world import World


class Talker(Node):
    """n1 sends numbers to n2, one per `every` µs."""

    def __init__(self, count: int = 400, every: int = 100) -> None:
        self.left = count
        self.every = every
        self.got: list[int] = []

    def on_start(self, ctx: Ctx) -> None:
        if ctx.me == "n1":
            ctx.set_timer("talk", self.every)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        ctx.send("n2", self.left)
        self.left -= 1
        if self.left:
            ctx.set_timer("talk", self.every)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        self.got.append(msg)


def talk(link: Link, seed: int = 3, names: tuple[str, ...] = ("n1", "n2")) -> World:
    run = World(dict.fromkeys(names, Talker), seed=seed, network=Network(link), strict=True)
    run.run()
    return run


def got(run: World) -> list[int]:
    numbers: list[int] = run.view().nodes["n2"].volatile["got"]
    return numbers


def delays(run: World) -> list[int]:
    sends = [(step.at, effect.data) for step in run.trace for effect in step.effects if effect.kind == "send"]
    return [data["arrives"] - at for at, data in sends if data["arrives"] is not None]


@pytest.mark.parametrize(
    ("latency", "mean", "middle", "least", "most"),
    [
        (Fixed(700), 700, 700, 700, 700),
        (Uniform(1_000, 3_000), 2_000, 2_000, 1_000, 3_000),
        (Exponential(2_000), 2_000, 1_386, 0, 24_000),
        (LogNormal(2_000, 0.5), 2_266, 2_000, 100, 40_000),
    ],
)
def test_delays_have_the_distribution_they_say(latency: Latency, mean: int, middle: int, least: int, most: int) -> None:
    drawn: list[int] = []
    for seed in range(25):
        drawn += delays(talk(Link(latency), seed))
    assert len(drawn) == 10_000
    assert fmean(drawn) == pytest.approx(mean, rel=0.03)
    assert median(drawn) == pytest.approx(middle, rel=0.03)
    assert least <= min(drawn) <= max(drawn) <= most


def test_loss_duplication_and_reordering_happen_as_often_as_they_say() -> None:
    lost = 400 - len(got(talk(Link(loss=0.25))))
    assert 70 < lost < 130
    doubled = got(talk(Link(duplicate=0.25)))
    assert 470 < len(doubled) < 530
    assert set(doubled) == set(range(1, 401))
    straight = got(talk(Link(Fixed(1_000))))
    assert straight == sorted(straight, reverse=True)
    bent = got(talk(Link(Fixed(1_000), reorder=0.25)))
    overtaken = sum(a < b for a, b in pairwise(bent))
    assert 50 < overtaken < 130
    assert sorted(bent) == sorted(straight)


def test_messages_overtake_each_other_only_where_the_link_is_not_ordered() -> None:
    free, ordered = got(talk(Link(Uniform(100, 5_000)))), got(talk(Link(Uniform(100, 5_000), ordered=True)))
    assert free != sorted(free, reverse=True)
    assert ordered == sorted(ordered, reverse=True)


def test_another_node_or_another_loss_leaves_the_delays_of_a_link_as_they_were() -> None:
    plain = delays(talk(Link()))
    assert delays(talk(Link(), names=("n1", "n2", "n3"))) == plain
    assert delays(talk(Link(), seed=4)) != plain
    run = talk(Link(loss=0.5))
    fates = [
        (effect.data["arrives"], step.at) for step in run.trace for effect in step.effects if effect.kind == "send"
    ]
    kept = [arrives - at for arrives, at in fates if arrives is not None]
    assert kept == [delay for delay, (arrives, _) in zip(plain, fates, strict=True) if arrives is not None]


def test_a_changed_link_goes_on_with_its_stream() -> None:
    run = World({"n1": Talker, "n2": Talker}, network=Network(Link(Uniform(1_000, 2_000))), strict=True)
    run.run(max_steps=50)
    run.do(Action("link", {"src": "n1", "dst": "n2", "latency": "11ms..12ms"}))
    run.run()
    reference = World({"n1": Talker, "n2": Talker}, network=Network(Link(Uniform(1_000, 2_000))), strict=True)
    reference.run()
    changed, same = delays(run), delays(reference)
    late = [delay for delay in changed if delay >= 11_000]
    assert len(late) > 300
    assert late == [delay + 10_000 for delay in same[-len(late) :]]


def test_a_one_way_cut_stops_one_direction_and_a_partition_both() -> None:
    class Echo(Talker):
        def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
            super().on_message(src, msg, ctx)
            if ctx.me == "n2":
                ctx.send(src, msg)

    def both(action: Action) -> tuple[int, int]:
        run = World({"n1": Echo, "n2": Echo}, network=Network(Link(Fixed(1_000))), strict=True)
        run.step()
        run.do(action)
        run.run()
        return tuple(len(run.view().nodes[name].volatile["got"]) for name in ("n1", "n2"))  # type: ignore[return-value]

    assert both(Action("heal")) == (400, 400)
    assert both(Action("cut", {"src": "n2", "dst": "n1"})) == (0, 400)
    assert both(Action("cut", {"src": "n1", "dst": "n2"})) == (0, 0)
    assert both(Action("partition", {"groups": "n1|n2"})) == (0, 0)


def test_a_partition_says_whether_messages_on_their_way_are_lost() -> None:
    for in_flight, expected in (("drop", 0), ("keep", 10)):
        run = World({"n1": Talker, "n2": Talker}, network=Network(Link(Fixed(1_000))), strict=True)
        run.run(until_us=1_000)
        assert len(run.view().flights) == 10
        step = run.do(Action("partition", {"groups": "n1|n2", "in_flight": in_flight}))
        assert len([effect for effect in step.effects if effect.kind == "lost"]) == 10 - expected
        run.run()
        assert len(got(run)) == expected
        fates = {e.data.get("fate") for s in run.trace for e in s.effects if e.kind == "send" and s.seq > step.seq}
        assert fates == {"cut"}


def test_groups_that_are_not_named_stay_together_and_heal_ends_all() -> None:
    run = World(dict.fromkeys(("n1", "n2", "n3", "n4"), Talker), strict=True)
    run.do(Action("partition", {"groups": "n1,n2"}))
    assert ("n3", "n4") not in run.view().cuts
    assert ("n1", "n3") in run.view().cuts
    assert ("n4", "n2") in run.view().cuts
    assert len(run.view().cuts) == 8
    run.do(Action("heal"))
    assert run.view().cuts == ()


def test_wires_can_be_put_back_in_the_middle_of_a_block() -> None:
    wires = Wires(1, Network(Link(loss=0.2, duplicate=0.3)), ("a", "b"))
    for at in range(37):
        wires.send("a", "b", "x", at)
    state = wires.state()
    after = [wires.send("a", "b", "x", at) for at in range(200)]
    wires.restore(state)
    assert [wires.send("a", "b", "x", at) for at in range(200)] == after
    other = Wires(1, Network(Link(loss=0.2, duplicate=0.3)), ("a", "b"))
    other.restore(state)
    other.restore(other.state())
    assert [other.send("a", "b", "x", at) for at in range(200)] == after


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2ms", Fixed(2_000)),
        ("1ms..5ms", Uniform(1_000, 5_000)),
        ("exponential 3ms", Exponential(3_000)),
        ("lognormal 3ms", LogNormal(3_000)),
        ("lognormal 3ms 0.9", LogNormal(3_000, 0.9)),
    ],
)
def test_a_delay_can_be_written(text: str, value: Latency) -> None:
    assert parse_latency(text) == value


@pytest.mark.parametrize("text", ["", "soon", "5ms..1ms", "-1ms", "exponential", "1ms 2ms", "-1ms..2ms"])
def test_a_delay_that_cannot_be_read_is_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a d|must go from"):
        parse_latency(text)


def test_a_probability_is_checked() -> None:
    with pytest.raises(ValueError, match="loss is a probability from 0 to 1"):
        Link(loss=1.5)
