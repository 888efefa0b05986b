"""The simulated experiments beside the real conversations that do the same."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from prayog_sdk.compare import Comparison, Row
from prayog_sim.trace import Trace

__all__ = ["compare"]

_WAYS = {"polling": "polling", "long polling": "long poll", "server-sent events": "events", "WebSocket": "websocket"}
_OTHER_CLOCK = "the simulation’s minute has ten changes; the lab plays its own prices in a few seconds, on one machine"


def compare(simulated: Trace, real: Trace) -> Comparison:
    """Whatever both have: orders after a retry, files over FTP, what hearing of news costs."""
    rows = (*_retries(simulated, real), *_transfers(simulated, real), *_news(simulated, real))
    if not rows:
        return Comparison((), "Nothing was done yet that both the simulation and the lab know.")
    agreed = sum(row.same for row in rows)
    return Comparison(rows, f"{agreed} of {len(rows)} lines agree; each other one has its reason.")


def _facts(trace: Trace, kind: str) -> list[dict[str, Any]]:
    return [dict(step.data) for step in trace if step.kind == kind]


def _retries(simulated: Trace, real: Trace) -> Iterator[Row]:
    """How many orders a request made that was sent twice."""
    found = {(one["method"], bool(one["key"])): one for one in _facts(real, "retried")}
    for one in _facts(simulated, "outcome"):
        there = found.get((one["method"], bool(one["key"])))
        if there is None or not one["lost"]:
            continue
        name = f"{one['method']}{' with a key' if one['key'] else ''}, sent twice: "
        if one["method"] == "DELETE":
            here, now = _gone(one["codes"]), int(there["changed"]) <= 0
            yield Row(f"{name}the order is gone", None, here, now, here == now)
        else:
            same = one["created"] == there["changed"]
            yield Row(f"{name}orders made", None, one["created"], there["changed"], same,
                      "" if same else "the two shops keep their orders in their own ways")  # fmt: skip


def _gone(codes: list[int]) -> bool:
    return all(code in (204, 404) for code in codes)


def _transfers(simulated: Trace, real: Trace) -> Iterator[Row]:
    """Whether the file came, by mode."""
    for one in _facts(simulated, "ended"):
        if one.get("reason") not in ("transferred", "blocked_inbound"):
            continue
        # A client behind a gateway tries passive mode itself, after active mode failed.
        there = [fact for fact in _facts(real, "transfer") if fact["mode"] == one["mode"]]
        if there:
            here, now = one["reason"] == "transferred", bool(there[0]["ok"])
            yield Row(f"{one['mode']} mode: the file came", None, here, now, here == now,
                      "" if here == now else str(there[0]["reason"]))  # fmt: skip


def _news(simulated: Trace, real: Trace) -> Iterator[Row]:
    """What each way costs, and how late it tells."""
    found = {str(one["way"]): one for one in _facts(real, "way")}
    pairs = [(one, found[_WAYS[one["way"]]]) for one in _facts(simulated, "measured") if _WAYS[one["way"]] in found]
    for one, there in pairs:
        heard = one["changes"] > 0, there["changes"] > 0
        yield Row(f"{one['way']}: changes were heard of", None, *heard, heard[0] == heard[1])
        bytes_ = round(one["bytes"] / max(1, one["changes"])), round(there["wire_bytes"] / max(1, there["changes"]))
        close = abs(bytes_[0] - bytes_[1]) <= 0.2 * max(bytes_)
        yield Row(f"{one['way']}: bytes for each change", None, *bytes_, close, "" if close else _OTHER_CLOCK)
    if len(pairs) > 1:
        dearest = (
            max(pairs, key=lambda pair: pair[0]["bytes"])[0]["way"],
            max(pairs, key=lambda pair: pair[1]["wire_bytes"])[0]["way"],
        )
        yield Row("the dearest way", None, *dearest, dearest[0] == dearest[1],
                  "" if dearest[0] == dearest[1] else _OTHER_CLOCK)  # fmt: skip
