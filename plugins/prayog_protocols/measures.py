"""Numbers and verdicts of this topic's own runs, each a pure function of the trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_sdk.checks import Measure, Verdict
from prayog_sim.trace import Step, Trace

__all__ = ["MEASURES", "five_times", "four_ways", "retries_told", "right_protocols", "seven_of_eight", "three_ways"]

_CARDS = 6


def _last(trace: Trace, kind: str, **fields: Any) -> Step | None:
    for index in range(len(trace) - 1, -1, -1):
        step = trace[index]
        if step.kind == kind and all(step.data.get(name) == value for name, value in fields.items()):
            return step
    return None


def _field(kind: str, field: str, **fields: Any) -> Measure:
    def measure(trace: Trace) -> Any:
        step = _last(trace, kind, **fields)
        return None if step is None else step.data.get(field)

    return measure


def _count(kind: str) -> Measure:
    return lambda trace: sum(step.kind == kind for step in trace)


def _ranking(trace: Trace) -> list[str] | None:
    """Ways of hearing of a price, the one with most bytes first."""
    sizes = {step.data["way"]: step.data["bytes"] for step in trace if step.kind == "measured"}
    return sorted(sizes, key=lambda way: -sizes[way]) or None


def _share(trace: Trace) -> float | None:
    """Bytes of WebSocket for one of polling, in percent."""
    sizes = {step.data["way"]: step.data["bytes"] for step in trace if step.kind == "measured"}
    if {"polling", "WebSocket"} <= set(sizes):
        return round(100 * float(sizes["WebSocket"]) / float(sizes["polling"]), 1)
    return None


def three_ways(trace: Trace) -> Verdict:
    """TCP, TCP + TLS 1.3 and QUIC were each connected."""
    ways = {step.data["way"] for step in trace if step.kind == "first_byte"}
    missing = [way for way in ("TCP", "TCP + TLS 1.3", "QUIC") if way not in ways]
    if missing:
        return Verdict(False, f"not connected yet: {', '.join(missing)}")
    return Verdict(True, "all three were connected", len(trace) - 1)


def four_ways(trace: Trace) -> Verdict:
    """Each way of hearing of a price was watched for a minute."""
    ways = {step.data["way"] for step in trace if step.kind == "measured"}
    missing = [way for way in ("polling", "long polling", "server-sent events", "WebSocket") if way not in ways]
    if missing:
        return Verdict(False, f"not watched yet: {', '.join(missing)}")
    return Verdict(True, "all four were watched", len(trace) - 1)


def retries_told(trace: Trace) -> Verdict:
    """A lost reply made POST create two orders, PUT one, and POST with a key one."""
    for method, key, created in (("POST", False, 2), ("PUT", False, 1), ("POST", True, 1)):
        step = _last(trace, "outcome", method=method, key=key, lost=True)
        name = f"{method} with a key" if key else method
        if step is None:
            return Verdict(False, f"{name} was not retried yet")
        if step.data["created"] != created:
            return Verdict(False, f"{name} created {step.data['created']} orders; expected {created}", step.seq)
    return Verdict(True, "POST created 2, PUT 1, POST with a key 1", len(trace) - 1)


def right_protocols(trace: Trace) -> Verdict:
    """The last choice for each of the six cards keeps its limits."""
    last: dict[str, Step] = {step.data["card"]: step for step in trace if step.kind == "carried"}
    for step in last.values():
        if not step.data["fits"]:
            return Verdict(False, f"{step.data['card']} by {step.data['way']}: {step.data['why']}", step.seq)
    if len(last) < _CARDS:
        return Verdict(False, f"{len(last)} of {_CARDS} cards have a protocol")
    return Verdict(True, "all six fit", len(trace) - 1)


def seven_of_eight(trace: Trace) -> Verdict:
    """At least seven of the eight codes were named rightly."""
    named = [step for step in trace if step.kind == "named"]
    right = sum(step.data["right"] for step in named)
    wrong = next((step for step in named if not step.data["right"]), None)
    if right >= 7:
        return Verdict(True, f"{right} of 8 are right", len(trace) - 1)
    if wrong is not None:
        data = wrong.data
        return Verdict(
            False, f"{right} of 8 are right; case {data['case']} was {data['was']}: {data['why']}", wrong.seq
        )
    return Verdict(False, f"{right} of 8 are right")


def five_times(trace: Trace) -> Verdict:
    """The learner's sender was at least five times as fast as stop-and-wait on the same link."""
    step = _last(trace, "finished")
    if step is None:
        return Verdict(False, "nothing was transferred yet")
    times = step.data["times_faster"]
    said = (
        f"it was {times:g} times as fast as stop-and-wait" if times else "it did not come to an end within two minutes"
    )
    return Verdict(times >= 5, said, step.seq)


MEASURES: Mapping[str, Measure] = {
    "packets": _count("packet"),
    "trips_tcp": _field("first_byte", "round_trips", way="TCP"),
    "trips_tls": _field("first_byte", "round_trips", way="TCP + TLS 1.3"),
    "trips_tls12": _field("first_byte", "round_trips", way="TCP + TLS 1.2"),
    "trips_quic": _field("first_byte", "round_trips", way="QUIC"),
    "trips_zero": _field("first_byte", "round_trips", way="QUIC 0-RTT"),
    "post_created": _field("outcome", "created", method="POST", key=False),
    "put_created": _field("outcome", "created", method="PUT", key=False),
    "key_created": _field("outcome", "created", method="POST", key=True),
    "delete_orders": lambda trace: (step := _last(trace, "outcome", method="DELETE")) and len(step.data["orders"]),
    "delete_codes": lambda trace: (
        (step := _last(trace, "outcome", method="DELETE")) and ", then ".join(map(str, step.data["codes"]))
    ),
    "active_bytes": _field("ended", "bytes", mode="active"),
    "passive_bytes": _field("ended", "bytes", mode="passive"),
    "data_opened_by": _field("connected", "opened_by", what="data"),
    "ranking": _ranking,
    "websocket_share": _share,
    "bytes_polling": _field("measured", "bytes", way="polling"),
    "bytes_long_polling": _field("measured", "bytes", way="long polling"),
    "bytes_events": _field("measured", "bytes", way="server-sent events"),
    "bytes_websocket": _field("measured", "bytes", way="WebSocket"),
    "delay_polling": _field("measured", "mean_delay_ms", way="polling"),
    "delay_websocket": _field("measured", "mean_delay_ms", way="WebSocket"),
    "codes_right": lambda trace: sum(step.kind == "named" and step.data["right"] for step in trace),
    "times_faster": _field("finished", "times_faster"),
    "hits": _field("filtered", "hits"),
    "capture_packets": _field("start", "packets"),
}
