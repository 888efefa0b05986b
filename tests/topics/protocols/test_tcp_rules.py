"""The simulated TCP against numbers that are printed elsewhere: RFCs, the cubic curve, Mathis's formula."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest

from prayog_protocols.engine.tcp.congestion import CONTROLS, Cubic, make
from prayog_protocols.engine.tcp.frames import ACK, RST, SYN, Carried, Segment, read, write
from prayog_protocols.engine.tcp.gathered import Gathered, Sight
from prayog_protocols.engine.tcp.host import Host
from prayog_protocols.engine.tcp.programs import Program
from prayog_protocols.engine.tcp.router import DropListError
from prayog_protocols.engine.tcp.scoreboard import Scoreboard
from prayog_protocols.engine.tcp.setup import Setup, build
from prayog_protocols.engine.tcp.timing import Rto
from prayog_protocols.engine.tcp.tuning import Tuning
from prayog_protocols.engine.tcp.verdicts import fairness
from prayog_sim.node import Ctx
from prayog_sim.run import Action, ActionError
from prayog_sim.world import World

MSS = 1_000
PLAIN = Tuning(sack=False, delayed_ack_us=0, nagle=False)
"""Without what is not under test: every segment is confirmed at once."""


def ran(setup: Setup, seed: int = 1) -> Gathered:
    world = build(replace(setup, strict=True), seed)
    world.run()
    return Gathered(world.trace)


def of(seen: Gathered, node: str = "laptop") -> list[Sight]:
    return [one for one in seen.packets if one.src == node]


# -- RFC 6298 ----------------------------------------------------------------------------------------------------------


def test_the_timer_is_what_rfc_6298_computes() -> None:
    rto = Rto(floor_us=0)
    assert rto.value == 1_000_000  # §2.1
    rto.sample(100_000)  # §2.2: SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR
    assert (rto.srtt, rto.rttvar, rto.value) == (100_000, 50_000, 300_000)
    rto.sample(140_000)  # §2.3: RTTVAR = 3/4 · 50 + 1/4 · |100 - 140|, SRTT = 7/8 · 100 + 1/8 · 140
    assert (rto.srtt, rto.rttvar, rto.value) == (105_000, 47_500, 295_000)
    rto.back_off()
    assert rto.value == 590_000  # §5.5
    for _ in range(10):
        rto.back_off()
    assert rto.value == 60_000_000  # §2.5
    for _ in range(200):
        rto.sample(80_000)
    assert rto.value == pytest.approx(81_000, abs=200)  # the variance is gone; the grain of the clock stays (§2.3)
    floored = Rto(floor_us=1_000_000)
    floored.sample(100_000)
    assert floored.value == 1_000_000  # §2.4


def test_timeouts_double_and_a_new_round_trip_ends_that() -> None:
    setup = Setup(PLAIN, program="wait", drops="1*3")
    world = build(replace(setup, strict=True), 1)
    world.run(until_us=100_000)
    world.do(Action("write", {"node": "laptop", "bytes": 500}))
    world.run(until_us=10_000_000)
    told = [one.data["rto_ms"] for one in Gathered(world.trace).told("timeout")]
    assert told == [told[0], 2 * told[0], 4 * told[0]]
    world.do(Action("write", {"node": "laptop", "bytes": 500}))
    world.run(until_us=11_000_000)
    last = Gathered(world.trace).gauges["rto_ms", "laptop"][-1][1]
    assert last <= told[0]  # and not eight times as much


def test_a_lost_syn_means_three_seconds_and_one_segment() -> None:
    """RFC 6298 §5.7 and RFC 5681 §3.1."""
    world = build(Setup(PLAIN, amount=20_000, strict=True), 1)
    world.do(Action("lose", {"node": "router", "sender": "laptop"}))
    world.run(until_us=1_100_000)
    seen = Gathered(world.trace)
    assert [one.words for one in of(seen)][:2] == ["SYN", "SYN again"]
    assert seen.told("timeout")[0].data["rto_ms"] == 1_000
    first = next(one for one in of(seen) if one.size)
    assert sum(one.size > 0 for one in of(seen) if one.at_us == first.at_us) == 1


# -- RFC 5681 ----------------------------------------------------------------------------------------------------------


def test_slow_start_doubles_each_round_trip() -> None:
    tuning = replace(PLAIN, initial_window=1)
    seen = ran(Setup(tuning, amount=31 * 1_460, rate_kbps=10_000_000, delay_us=50_000))
    times = [one.at_us for one in of(seen) if one.size]
    flights = [sum(round(at / 100_300) == trip for at in times) for trip in range(1, 6)]
    assert flights == [1, 2, 4, 8, 16]


def test_two_duplicates_are_not_enough_and_the_third_is() -> None:
    """RFC 5681 §3.2, on a line where nothing is lost: segments that overtake make duplicate ACKs."""
    for overtaking, again in ((2, 0), (3, 1)):
        world = build(Setup(PLAIN, program="wait", rate_kbps=100_000, strict=True), 1)
        world.run(until_us=100_000)
        world.do(Action("late", {"node": "router", "sender": "laptop", "ms": 5}))
        world.do(Action("write", {"node": "laptop", "bytes": 1_460 * (1 + overtaking)}))
        world.run(until_us=1_000_000)
        seen = Gathered(world.trace)
        assert sum(one.why == "duplicate" for one in of(seen, "shop")) == overtaking + again
        assert sum(one.again for one in of(seen)) == again


def test_after_a_loss_the_window_is_half_and_grows_by_one_segment_a_round_trip() -> None:
    """AIMD: between two losses the window goes from W/2 to W, in W/2 round trips."""
    control = make("newreno", MSS, 10 * MSS)
    control.on_loss(40 * MSS, 0)
    control.cwnd = control.ssthresh
    assert control.cwnd == 20 * MSS
    for trip in range(20):
        for _ in range(control.cwnd // MSS):
            control.on_ack(MSS, trip, 0.0)
        assert control.cwnd == (21 + trip) * MSS
    assert control.cwnd == 40 * MSS


@pytest.mark.parametrize("name", CONTROLS)
def test_the_threshold_is_never_less_than_two_segments(name: str) -> None:
    control = make(name, MSS, MSS)
    control.on_loss(MSS, 0)
    assert control.ssthresh == 2 * MSS


def test_limited_transmit_sends_new_data_for_the_first_two_duplicates() -> None:
    """RFC 3042: without it a window of three segments can only wait for the timer."""
    for on, timeouts in ((True, 0), (False, 1)):
        tuning = replace(PLAIN, initial_window=3, limited_transmit=on)
        seen = ran(Setup(tuning, amount=10 * 1_460, drops="1"))
        assert len(seen.told("timeout")) == timeouts


# -- RFC 6582 and 6675 -------------------------------------------------------------------------------------------------


def test_newreno_repairs_one_hole_a_round_trip_and_sack_all_at_once() -> None:
    setup = Setup(replace(PLAIN, buffer=1_000_000), amount=200_000, drops="30, 33, 36", queue=200)
    plain, reported = ran(setup), ran(replace(setup, tuning=replace(setup.tuning, sack=True)))
    for seen in (plain, reported):
        assert sum(one.again for one in of(seen)) == 3
        assert len(seen.told("fast_retransmit")) == 1
        assert not seen.told("timeout")
    assert [one.why for one in of(plain) if one.again] == ["fast", "partial", "partial"]
    assert [one.why for one in of(reported) if one.again] == ["fast", "sack", "sack"]

    def span(seen: Gathered) -> int:
        times = [one.at_us for one in of(seen) if one.again]
        return times[-1] - times[0]

    assert span(plain) > 2 * 40_000
    assert span(reported) < 40_000


def test_reno_halves_for_each_hole_and_newreno_once() -> None:
    setup = Setup(replace(PLAIN, buffer=1_000_000), first="reno", amount=400_000, drops="60, 63", queue=200)
    assert len(ran(setup).told("fast_retransmit")) + len(ran(setup).told("timeout")) == 2
    assert len(ran(replace(setup, first="newreno")).told("fast_retransmit")) == 1


def test_the_scoreboard_counts_as_rfc_6675_says() -> None:
    board = Scoreboard(MSS)
    assert board.update([(3 * MSS, 4 * MSS)], MSS) == MSS
    assert board.update([(3 * MSS, 4 * MSS), (5 * MSS, 6 * MSS)], MSS) == MSS
    assert not board.is_lost(MSS)  # two stretches of one segment each
    assert board.update([(7 * MSS, 8 * MSS)], MSS) == MSS
    assert board.is_lost(MSS)  # three
    assert not board.is_lost(4 * MSS)  # only two behind it
    assert board.holes(MSS, 9 * MSS) == [(MSS, 3 * MSS), (4 * MSS, 5 * MSS), (6 * MSS, 7 * MSS), (8 * MSS, 9 * MSS)]
    # Lost and not sent again counts nothing; not lost counts; sent again counts.
    assert board.pipe(MSS, 9 * MSS, MSS) == 3 * MSS
    assert board.pipe(MSS, 9 * MSS, 2 * MSS) == 4 * MSS
    assert board.next_hole(MSS, 9 * MSS, 2 * MSS, lost=True) == (2 * MSS, 3 * MSS)
    assert board.next_hole(MSS, 9 * MSS, 3 * MSS, lost=True) is None
    assert board.next_hole(MSS, 9 * MSS, 3 * MSS, lost=False) == (4 * MSS, 5 * MSS)


# -- RFC 9438 ----------------------------------------------------------------------------------------------------------


def test_cubic_follows_its_curve() -> None:
    """W(t) = C (t - K)³ + W_max with K = ∛((W_max - cwnd) / C) (§4.2); at K it is back at W_max."""
    control = Cubic(MSS, 100 * MSS)
    control.on_loss(100 * MSS, 0)
    control.cwnd = control.ssthresh
    assert control.cwnd == 70 * MSS  # β = 0.7
    k = (30 / 0.4) ** (1 / 3)
    trip = 200_000  # a long round trip: far from the Reno-friendly region
    for number in range(int(k * 1e6 / trip) * 2):
        now = number * trip
        for _ in range(control.cwnd // MSS):
            control.on_ack(MSS, now, trip)
        begin, end = (0.4 * (moment / 1e6 - k) ** 3 + 100 for moment in (now, now + trip))
        assert begin - 0.5 <= control.cwnd / MSS <= end + 0.5
    assert control.k == pytest.approx(k)


def test_cubic_is_never_slower_than_reno_on_a_short_way() -> None:
    """§4.3: on a short round trip the cubic curve is slower than Reno on average, and is not used."""
    control = Cubic(MSS, 20 * MSS)
    control.on_loss(20 * MSS, 0)
    control.cwnd = control.ssthresh
    start, trips = control.cwnd / MSS, 8
    for number in range(trips):
        for _ in range(control.cwnd // MSS):
            control.on_ack(MSS, number * 1_000, 1_000)
    alpha = 3 * (1 - 0.7) / (1 + 0.7)
    assert control.cwnd / MSS == pytest.approx(start + alpha * trips, rel=0.05)
    assert control.curve(trips / 1e3) < start + 1


def test_cubic_makes_room_for_others() -> None:
    """§4.7, fast convergence: a loss at a smaller window than before lowers W_max by more."""
    control = Cubic(MSS, 100 * MSS)
    control.on_loss(100 * MSS, 0)
    assert control.w_max == 100
    control.cwnd = 80 * MSS
    control.on_loss(80 * MSS, 0)
    assert control.w_max == pytest.approx(80 * (1 + 0.7) / 2)


# -- Mathis ------------------------------------------------------------------------------------------------------------


def test_throughput_follows_the_formula_of_mathis() -> None:
    """Mathis et al. 1997: MSS / RTT · √(3/2) / √p, for one loss in 1/p segments and an ACK for each."""
    every, trip_us, count = 300, 100_400, 4_500
    drops = ", ".join(str(number) for number in range(every, count, every))
    tuning = replace(PLAIN, sack=True, buffer=4_000_000)
    setup = Setup(tuning, amount=count * 1_460, rate_kbps=1_000_000, delay_us=50_000, queue=10_000, drops=drops)
    acks = [one for one in of(ran(setup), "shop") if one.ack > 1]
    early = next(one for one in acks if one.ack >= every * 4 * 1_460)  # slow start is over by then
    late = next(one for one in acks if one.ack >= every * 14 * 1_460)
    rate = (late.ack - early.ack) / (late.at_us - early.at_us)
    due = 1_460 / trip_us * math.sqrt(1.5) * math.sqrt(every)
    assert rate == pytest.approx(due, rel=0.1)


def test_two_flows_of_one_kind_share_a_line() -> None:
    """AIMD leads to equal shares (Chiu and Jain 1989)."""
    tuning = replace(PLAIN, sack=True, buffer=1_000_000, delayed_ack_us=40_000)
    setup = Setup(tuning, "newreno", "newreno", amount=2_500_000, rate_kbps=10_000, queue=30)
    world = build(setup, 1)
    world.run()
    share = fairness(world.trace)
    assert share is not None
    assert share > 0.9


# -- flow control ------------------------------------------------------------------------------------------------------


def test_the_window_is_scaled_and_probed() -> None:
    """RFC 7323 §2, RFC 9293 §3.8.6.1."""
    seen = ran(Setup(replace(PLAIN, buffer=1_000_000), amount=900_000, rate_kbps=100_000, delay_us=100_000, queue=999))
    most = max(one.edge - one.ack for one in of(seen, "shop") if one.ack > 1)
    assert most > 0xFFFF
    world = build(Setup(replace(PLAIN, buffer=5_000), amount=20_000, strict=True), 1)
    world.run(until_us=60_000)
    world.do(Action("stop_reading", {"node": "shop"}))
    world.run(until_us=5_000_000)
    probes = [one for one in of(Gathered(world.trace)) if one.why == "probe"]
    waits = [b.at_us - a.at_us for a, b in pairwise(probes)]
    assert len(probes) >= 3
    assert all(size == 1 for size in (one.size for one in probes))
    assert all(later == 2 * earlier for earlier, later in pairwise(waits))


def test_nagle_and_the_delayed_ack_wait_for_each_other() -> None:
    world = build(Setup(replace(PLAIN, nagle=True, delayed_ack_us=40_000), program="wait", strict=True), 1)
    world.run(until_us=100_000)
    for _ in range(2):
        world.do(Action("write", {"node": "laptop", "bytes": 100}))
    world.run(until_us=500_000)
    first, second = (one for one in of(Gathered(world.trace)) if one.size)
    assert 80_000 < second.at_us - first.at_us < 81_000


def test_no_silly_windows() -> None:
    """RFC 9293 §3.8.6.2.2: a slow reader opens the window by a segment or half its buffer, never by a few bytes."""
    seen = ran(Setup(replace(PLAIN, buffer=6_000, nagle=True), amount=60_000, read_rate=30_000))
    sizes = [one.size for one in of(seen) if one.size and one.why == "new"]
    assert sum(size < 1_460 for size in sizes) <= len(sizes) // 4
    edges = [one.edge for one in of(seen, "shop") if 1 < one.ack <= 60_000]
    grown = [b - a for a, b in pairwise(edges) if b > a]
    assert min(grown) >= 1_460


# -- opening and closing -----------------------------------------------------------------------------------------------


def waiting() -> World:
    world = build(Setup(PLAIN, program="wait", strict=True), 1)
    world.run(until_us=200_000)
    return world


def states(world: World) -> list[str]:
    return [*world.nodes["laptop"].connections.values(), *world.nodes["shop"].connections.values()]  # type: ignore[attr-defined]


def test_what_cannot_be_done_is_said_in_a_sentence() -> None:
    world = waiting()
    world.do(Action("close", {"node": "laptop"}))
    length = len(world.trace)
    for action, said in (
        (Action("close", {"node": "laptop"}), "closed its half already"),
        (Action("write", {"node": "laptop", "bytes": 10}), "cannot write in the state FIN-WAIT-1"),
        (Action("write", {"node": "shop", "bytes": 0}), "1 to 1,000,000 bytes"),
        (Action("loss", {"node": "router", "percent": 99}), "from 0 to 90"),
        (Action("transfer", {"node": "laptop", "way": "QUIC"}), "by TCP or by UDP"),
    ):
        with pytest.raises(ActionError, match=said):
            world.do(action)
    assert len(world.trace) == length
    with pytest.raises(DropListError, match="written like 5"):
        build(Setup(drops="five"), 1)


def test_a_reset_ends_both_at_once() -> None:
    world = waiting()
    world.do(Action("reset", {"node": "laptop"}))
    world.run(until_us=300_000)
    assert states(world) == ["CLOSED", "CLOSED"]
    assert any(one.words == "RST" for one in of(Gathered(world.trace)))


def test_an_end_that_crashed_answers_with_reset() -> None:
    """RFC 9293 §3.5.1: half-open connections are found out by the next segment."""
    world = waiting()
    world.do(Action("crash", {"node": "shop"}))
    world.do(Action("restart", {"node": "shop"}))
    world.do(Action("write", {"node": "laptop", "bytes": 100}))
    world.run(until_us=500_000)
    assert world.nodes["laptop"].connections == {"shop:49153": "CLOSED"}  # type: ignore[attr-defined]


def test_nobody_listens() -> None:
    """RFC 9293 §3.10.7.1: a SYN for a port without a program is answered with RST."""
    shop = Host("shop", PLAIN, serves={80: Program})
    ctx = Ctx("shop", ("laptop", "router"))
    frame = write("laptop", "shop", 1, Segment(50_000, 81, 7, 0, SYN, 100))
    shop.on_message("router", Carried(frame, "SYN", "new"), ctx)
    ((_, to, answer),) = [effect for effect in ctx.effects if effect[0] == "send"]
    said = read(answer.frame)
    assert isinstance(said, Segment)
    assert (to, said.flags, said.seq, said.ack) == ("router", RST | ACK, 0, 8)


def test_time_wait_confirms_a_fin_that_comes_again() -> None:
    """RFC 9293 §3.10.7.4, eighth step."""
    world = waiting()
    world.do(Action("close", {"node": "laptop"}))
    world.run(until=lambda step: step.node == "shop" and any(e.data.get("to") == "LAST-ACK" for e in step.effects))
    world.do(Action("lose", {"node": "router", "sender": "laptop"}))
    world.run()
    seen = Gathered(world.trace)
    assert [one.words for one in of(seen, "shop") if "FIN" in one.words] == ["FIN", "FIN again"]
    assert states(world) == ["CLOSED", "CLOSED"]


def test_numbers_wrap() -> None:
    for isn in (2**32 - 1, 2**32 - 1_000, 2**31 - 10):
        seen = ran(Setup(Tuning(stamps=True), amount=50_000, drops="10, 12", isn=isn))
        assert [one.data["bytes"] for one in seen.told("finished") if one.node == "shop"] == [50_000]
