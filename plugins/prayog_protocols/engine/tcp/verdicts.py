"""What must hold of TCP, and what can be counted: verdicts and measures, pure functions of the trace."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from prayog_protocols.engine.tcp.gathered import gather
from prayog_sdk.checks import Check, Measure, Verdict
from prayog_sim.trace import Trace

__all__ = ["CHECKS", "FOUR", "MEASURES", "fairness", "goodput_kbps", "transfers"]

_LONGEST_MS = 60_000.0


def all_arrived(trace: Trace) -> Verdict:
    """Every byte that was written to a TCP connection was read at the other end, once and in order."""
    seen = gather(trace)
    written: dict[tuple[str, str], int] = {}
    for one in seen.told("written"):
        key = (one.node, str(one.data["flow"]))
        written[key] = written.get(key, 0) + int(one.data["bytes"])
    if not written:
        return Verdict(True, "nothing was written yet")
    wrong = seen.told("wrong_bytes")
    if wrong:
        place = wrong[0].data["first"]
        return Verdict(False, f"{wrong[0].node} was given wrong bytes in the place of byte {place:,}", wrong[0].seq)
    for (node, flow), size in written.items():
        ends = [one for one in seen.told("finished", flow=flow) if one.node != node]
        if not ends:
            return Verdict(False, f"{size:,} bytes of {node} have not all arrived yet", len(trace) - 1)
        got = sum(int(one.data["bytes"]) for one in ends)
        if got != size:
            return Verdict(False, f"{node} wrote {size:,} bytes, and {got:,} were read", ends[-1].seq)
    return Verdict(True, f"all {sum(written.values()):,} bytes arrived in order", len(trace) - 1)


def window_kept(trace: Trace) -> Verdict:
    """Nobody sends what the other side has no room for (RFC 9293 §3.8.6); a probe may."""
    edges: dict[tuple[str, str], int] = {}
    sent = 0
    for one in gather(trace).packets:
        if one.edge:
            edges[one.src, one.dst] = max(edges.get((one.src, one.dst), 0), one.edge)
        edge = edges.get((one.dst, one.src), 0)
        if one.size and edge and one.why not in ("probe", "datagram"):
            sent += 1
            if one.end > edge:
                over = one.end - edge
                return Verdict(False, f"{one.src} sent {over:,} bytes beyond the window of {one.dst}", one.seq)
    return Verdict(True, f"{sent:,} segments, each inside the window", len(trace) - 1)


def backed_off(trace: Trace) -> Verdict:
    """Each timeout in a row waits twice as long as the one before (RFC 6298 §5.5)."""
    last: dict[tuple[str, str], float] = {}
    told = gather(trace).told("timeout")
    for one in told:
        key, waited = (one.node, str(one.data["flow"])), float(one.data["rto_ms"])
        if one.data["row"] > 1 and waited < min(_LONGEST_MS, 2 * last[key]) - 0.01:
            row = one.data["row"]
            said = f"timeout {row} in a row came after {waited:g} ms, the one before it after {last[key]:g} ms"
            return Verdict(False, said, one.seq)
        last[key] = waited
    return Verdict(True, f"{len(told)} timeouts" if told else "no timer ran out", len(trace) - 1)


def karn(trace: Trace) -> Verdict:
    """No round trip is measured with a segment that was sent twice (RFC 6298 §3)."""
    samples = [one for (name, _), series in gather(trace).gauges.items() if name == "rtt_tries" for one in series]
    for _, tries, seq in samples:
        if tries > 1:
            return Verdict(False, f"a round trip was measured with a segment that was sent {tries:g} times", seq)
    return Verdict(True, f"{len(samples)} round trips measured", len(trace) - 1)


def patient(trace: Trace) -> Verdict:
    """No timer runs out while nothing was lost."""
    seen = gather(trace)
    timeouts, lost = seen.told("timeout"), seen.told("dropped")
    if timeouts and (not lost or lost[0].at_us > timeouts[0].at_us):
        waited = timeouts[0].data["rto_ms"]
        return Verdict(False, f"the timer ran out after {waited:g} ms, and nothing was lost", timeouts[0].seq)
    return Verdict(True, f"{len(timeouts)} timeouts, each after a loss", len(trace) - 1)


def three_duplicates(trace: Trace) -> Verdict:
    """A fast retransmit follows three signs that something is missing (RFC 5681 §3.2, RFC 6675 §4)."""
    told = gather(trace).told("fast_retransmit")
    for one in told:
        if max(int(one.data["duplicates"]), int(one.data["reported"])) < 3:
            return Verdict(False, f"{one.node} sent again after {one.data['duplicates']} duplicate ACK", one.seq)
    return Verdict(True, f"{len(told)} fast retransmits", len(trace) - 1)


# -- numbers -----------------------------------------------------------------------------------------------------


def _packets(test: Callable[[Any], bool]) -> Measure:
    return lambda trace: sum(1 for one in gather(trace).packets if test(one))


def _told(kind: str) -> Measure:
    return lambda trace: len(gather(trace).told(kind))


def _gauge(name: str, node: str, pick: Callable[[list[float]], float]) -> Measure:
    def measure(trace: Trace) -> float | None:
        series = gather(trace).gauges.get((name, node))
        return pick([value for _, value, _ in series]) if series else None

    return measure


def goodput_kbps(trace: Trace, caller: str = "laptop") -> float | None:
    """Bits of data of `caller` that were confirmed, for each second from its first segment to the last ACK."""
    seen = gather(trace)
    sent = [one for one in seen.packets if one.src == caller and one.size]
    acks = [one for one in seen.packets if one.dst == caller and one.ack > 1 and not one.fate]
    if not sent or not acks or acks[-1].at_us <= sent[0].at_us:
        return None
    confirmed = min(max(one.ack for one in acks), max(one.end for one in sent)) - 1
    first = next(one for one in acks if one.ack >= confirmed + 1) if confirmed else acks[-1]
    return round(confirmed * 8_000 / (first.at_us - sent[0].at_us), 1)


def fairness(trace: Trace) -> float | None:
    """Jain's index of the two callers while both had something to send: 1 is equal, 0.5 is one alone."""
    seen = gather(trace)
    callers = [one for one in ("laptop", "phone") if any(p.src == one and p.size for p in seen.packets)]
    if len(callers) < 2:
        return None
    both = [[p for p in seen.packets if p.src == one and p.size] for one in callers]
    begin, end = max(one[0].at_us for one in both), min(one[-1].at_us for one in both)
    shares = []
    for one in callers:
        acks = [p.ack for p in seen.packets if p.dst == one and not p.fate and begin <= p.at_us <= end]
        shares.append(max(acks) - min(acks) if acks else 0)
    square = sum(share * share for share in shares)
    return round(sum(shares) ** 2 / (len(shares) * square), 3) if all(shares) else None


def transfers(trace: Trace) -> list[dict[str, Any]]:
    """The transfers of messages that were asked for: way, loss, and what became of the messages."""
    found: list[dict[str, Any]] = []
    loss = 0
    for one in gather(trace).events:
        if one.kind == "loss":
            loss = int(one.data["percent"])
        elif one.kind == "transfer":
            found.append({"way": str(one.data.get("way", "TCP")), "loss_percent": loss, "delivered": 0, "held_back": 0,
                          "begun_us": one.at_us, "seq": one.seq, "finish_ms": 0.0})  # fmt: skip
        elif found and one.kind == "message":
            found[-1]["delivered"] += 1
            found[-1]["finish_ms"] = round((one.at_us - found[-1]["begun_us"]) / 1_000, 1)
        elif found and one.kind == "held" and one.node == "shop":
            found[-1]["held_back"] += 1
    return found


def four_transfers(trace: Trace) -> Verdict:
    """200 messages by TCP and by UDP, without loss and with 3 %: TCP brought all, UDP fewer."""
    done = {(one["way"], one["loss_percent"]): one for one in transfers(trace)}
    for way, loss in (("TCP", 0), ("UDP", 0), ("TCP", 3), ("UDP", 3)):
        one = done.get((way, loss))
        if one is None:
            return Verdict(False, f"{way} at {loss} % was not sent yet")
        complete = one["delivered"] == 200
        if complete != (way == "TCP" or loss == 0):
            return Verdict(False, f"{way} at {loss} % brought {one['delivered']} of 200", one["seq"])
    return Verdict(True, "TCP brought all 200 twice, UDP fewer at 3 %", len(trace) - 1)


def _transfer(way: str, field: str) -> Measure:
    def measure(trace: Trace) -> Any:
        found = [one for one in transfers(trace) if (one["way"], one["loss_percent"]) == (way, 3)]
        return found[-1][field] if found and found[-1]["delivered"] else None

    return measure


def _first_at_three(trace: Trace) -> str | None:
    times = {one["way"]: one["finish_ms"] for one in transfers(trace) if one["loss_percent"] == 3 and one["delivered"]}
    return min(times, key=lambda way: times[way]) if len(times) == 2 else None


def _again_at_three(trace: Trace) -> int | None:
    found = [one for one in transfers(trace) if (one["way"], one["loss_percent"]) == ("TCP", 3)]
    if not found:
        return None
    return sum(one.again for one in gather(trace).packets if one.seq >= found[-1]["seq"] and one.src == "laptop")


def _asked_for(trace: Trace) -> str | None:
    """Which byte the first duplicate ACK asks for, by the segment that was lost before it."""
    seen = gather(trace).packets
    lost = next((one for one in seen if one.fate and one.size), None)
    repeated = next((one for one in seen if one.why == "duplicate"), None)
    if lost is None or repeated is None:
        return None
    return "the first of the fifth" if repeated.ack == lost.first else "the first of the seventh"


def _noticed_by(trace: Trace) -> str | None:
    """What made a sender repeat a segment for the first time."""
    first = next((one for one in gather(trace).packets if one.again), None)
    return None if first is None else "its timer" if first.why == "timeout" else "repeated ACKs"


def _signs(trace: Trace) -> int | None:
    """Duplicate ACKs before the first fast retransmit."""
    told = gather(trace).told("fast_retransmit")
    return int(told[0].data["duplicates"]) if told else None


def _fifth_flight(trace: Trace) -> int | None:
    """Segments of the laptop's fifth round trip; a pause of a quarter of the longest one parts two of them."""
    times = [one.at_us for one in gather(trace).packets if one.src == "laptop" and one.size]
    if len(times) < 2:
        return None
    pauses = [later - earlier for earlier, later in pairwise(times)]
    flights = [1]
    for pause in pauses:
        if pause > max(pauses) // 4:
            flights.append(1)
        else:
            flights[-1] += 1
    return flights[4] if len(flights) > 4 else None


def _when_shut(trace: Trace) -> str | None:
    """What the laptop sent while the shop told a window of nothing."""
    shut = False
    for one in gather(trace).packets:
        if one.src == "shop" and one.ack:
            shut = one.edge == one.ack
        elif shut and one.src == "laptop" and one.size:
            return "it asks with one byte" if one.why == "probe" else "it sends on"
    return "it waits in silence" if shut else None


def _faster(trace: Trace) -> str | None:
    """Whose data went faster, with Reno on the laptop and CUBIC on the phone; a twentieth counts as nothing."""
    reno, cubic = goodput_kbps(trace), goodput_kbps(trace, "phone")
    if reno is None or cubic is None:
        return None
    if abs(reno - cubic) < 0.05 * max(reno, cubic):
        return "both alike"
    return "Reno’s" if reno > cubic else "CUBIC’s"


def _longest_wait(trace: Trace) -> float | None:
    return max((float(one.data["rto_ms"]) for one in gather(trace).told("timeout")), default=None)


MEASURES: dict[str, Measure] = {
    "tcp_packets": _packets(lambda one: True),
    "tcp_lost": _told("dropped"),
    "tcp_sent_again": _packets(lambda one: one.again),
    "tcp_sent_again_fast": _packets(lambda one: one.why == "fast"),
    "tcp_sent_again_partial": _packets(lambda one: one.why in ("partial", "sack", "rescue")),
    "tcp_sent_again_timeout": _packets(lambda one: one.why in ("timeout", "go back")),
    "tcp_timeouts": _told("timeout"),
    "tcp_fast_retransmits": _told("fast_retransmit"),
    "tcp_duplicate_acks": _packets(lambda one: one.why == "duplicate"),
    "tcp_keep_alives": _packets(lambda one: one.why == "keep-alive"),
    "tcp_probes": _packets(lambda one: one.why == "probe"),
    "tcp_bare_acks": _packets(lambda one: one.why in ("ack", "duplicate")),
    "tcp_segments": _packets(lambda one: one.size > 0 and one.why != "datagram"),
    "tcp_messages": _told("message"),
    "tcp_goodput_kbps": goodput_kbps,
    "tcp_phone_kbps": lambda trace: goodput_kbps(trace, "phone"),
    "tcp_cwnd_max": _gauge("cwnd", "laptop", max),
    "tcp_cwnd": _gauge("cwnd", "laptop", lambda values: values[-1]),
    "tcp_ssthresh": _gauge("ssthresh", "laptop", lambda values: values[-1]),
    "tcp_queue_max": _gauge("queue", "router", max),
    "tcp_rto_ms": _gauge("rto_ms", "laptop", lambda values: values[-1]),
    "tcp_finish_ms": lambda trace: next((
        one.at_us / 1_000 for one in reversed(gather(trace).told("finished", flow="laptop")) if one.node == "shop"
    ), None),
    "tcp_asked_for": _asked_for,
    "tcp_noticed_by": _noticed_by,
    "tcp_signs": _signs,
    "tcp_fifth_flight": _fifth_flight,
    "tcp_when_shut": _when_shut,
    "tcp_faster": _faster,
    "tcp_longest_wait_ms": _longest_wait,
    "tcp_fairness": fairness,
    "tcp_delivered": _transfer("TCP", "delivered"),
    "udp_delivered": _transfer("UDP", "delivered"),
    "tcp_held": _transfer("TCP", "held_back"),
    "tcp_again": _again_at_three,
    "first_at_three": _first_at_three,
}  # fmt: skip

CHECKS = (
    Check("all_arrived", "All bytes arrived, in order and once", all_arrived),
    Check("window_kept", "Nobody sent beyond the window", window_kept),
    Check("backed_off", "Each timeout in a row waited twice as long", backed_off),
    Check("karn", "No segment that was sent twice measured a round trip", karn),
    Check("patient", "No timer ran out while nothing was lost", patient),
    Check("three_duplicates", "Fast retransmit waited for three signs", three_duplicates),
)
FOUR = Check("four_transfers", "TCP delivered all 200 in both runs, UDP fewer at 3 % loss", four_transfers)
