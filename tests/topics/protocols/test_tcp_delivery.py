"""Whatever the network does, the program reads exactly the bytes that were written, in order: for every control."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_protocols.engine.tcp.gathered import Gathered
from prayog_protocols.engine.tcp.setup import Setup, build
from prayog_protocols.engine.tcp.tuning import Tuning
from prayog_protocols.engine.tcp.verdicts import all_arrived, backed_off, karn, three_duplicates, window_kept
from prayog_sim.run import Action
from prayog_sim.world import World

CONTROLS = ("tahoe", "reno", "newreno", "cubic")


@st.composite
def setups(draw: st.DrawFn) -> Setup:
    tuning = Tuning(
        draw(st.sampled_from(CONTROLS)), draw(st.sampled_from((1_460, 536, 100))), draw(st.sampled_from((1, 2, 10))),
        draw(st.sampled_from((3_000, 65_535, 1_000_000))), sack=draw(st.booleans()), stamps=draw(st.booleans()),
        nagle=draw(st.booleans()), limited_transmit=draw(st.booleans()),
        delayed_ack_us=draw(st.sampled_from((0, 40_000, 200_000))),
        floor_us=draw(st.sampled_from((200_000, 1_000_000))),
    )  # fmt: skip
    rates = st.sampled_from((0.0, 0.02, 0.1))
    return Setup(
        tuning, tuning.control, draw(st.sampled_from(("none", "cubic", "udp"))),
        draw(st.sampled_from(("bulk", "messages", "requests"))),
        draw(st.sampled_from((1, 1_459, 1_460, 5_000, 30_000))),
        rate_kbps=draw(st.sampled_from((500, 8_000, 100_000))),
        delay_us=draw(st.sampled_from((100, 20_000, 150_000))), queue=draw(st.sampled_from((1, 5, 100))),
        loss=draw(st.sampled_from((0.0, 0.02, 0.1, 0.25))), reorder=draw(rates), duplicate=draw(rates),
        drops=draw(st.sampled_from(("", "3*2 5", "1*4"))), read_rate=draw(st.sampled_from((0, 50_000))),
        isn=draw(st.sampled_from((None, 2**32 - 2_000))), strict=True,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(setups(), st.integers(0, 1_000))
def test_all_bytes_arrive_once_and_in_order(setup: Setup, seed: int) -> None:
    world = build(setup, seed)
    world.run(max_steps=60_000)
    gave_up = any("gives up" in str(effect.data.get("text")) for step in world.trace for effect in step.effects)
    verdict = all_arrived(world.trace)
    assert verdict.ok or gave_up, verdict.reason
    for rule in (window_kept, three_duplicates):
        assert rule(world.trace).ok, rule(world.trace).reason
    if Gathered(world.trace).told("timeout"):
        assert backed_off(world.trace).ok
    if not setup.tuning.stamps:
        assert karn(world.trace).ok


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 400), st.sampled_from(("lose", "late", "twice", "stop_reading", "forget"))),
                max_size=8), st.sampled_from(CONTROLS), st.booleans())  # fmt: skip
def test_a_learner_can_disturb_but_not_corrupt(deeds: list[tuple[int, str]], control: str, sack: bool) -> None:
    world = build(Setup(Tuning(control, sack=sack), control, amount=60_000, strict=True), 3)
    for at, deed in sorted(deeds):
        world.run(until_us=max(world.now, 50_000 + at * 1_000))
        if deed in ("stop_reading", "forget"):
            if world.nodes["shop"].connections.get("laptop:49153") == "ESTABLISHED":  # type: ignore[attr-defined]
                world.do(Action(deed, {"node": "shop"}))
        else:
            world.do(Action(deed, {"node": "router", "sender": "anybody", "ms": 30} if deed == "late" else
                            {"node": "router", "sender": "anybody"}))  # fmt: skip
    read_on(world)
    world.run(max_steps=60_000)
    assert all_arrived(world.trace).ok, all_arrived(world.trace).reason


def read_on(world: World) -> None:
    if world.nodes["shop"].connections.get("laptop:49153") not in (None, "CLOSED"):  # type: ignore[attr-defined]
        world.do(Action("read_on", {"node": "shop"}))


def test_a_past_moment_is_the_same_again() -> None:
    world = build(Setup(amount=100_000, drops="20, 30", second="udp", strict=True), 1)
    world.run(max_steps=300)
    then = world.view()
    world.run()
    assert world.view(299).nodes == then.nodes
    other = world.fork(299)
    other.run()
    assert other.trace.hash() == world.trace.hash()
