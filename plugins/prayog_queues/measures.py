"""Numbers of this topic, each a pure function of the trace.

The judge (`engine.judging`) says what was lost, doubled or out of order; here it becomes numbers with names.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import Any

from prayog_queues.words import judged, told
from prayog_sdk.checks import Measure
from prayog_sim.trace import Trace

__all__ = ["MEASURES"]


def _found(kind: str) -> Measure:
    return lambda trace: judged(trace).counts[kind]


def _count(kind: str, **fields: Any) -> Measure:
    return lambda trace: sum(all(w.data.get(k) == v for k, v in fields.items()) for w in told(trace, kind))


def _gauge(name: str, share: float) -> Measure:
    """The sample below which this share of all samples lies; 1: the largest.  Nearest rank."""

    def measure(trace: Trace) -> float | None:
        values: list[float] = sorted(word.data["value"] for word in told(trace, "gauge") if word.data["name"] == name)
        return values[max(math.ceil(share * len(values)) - 1, 0)] if values else None

    return measure


def _redelivery_ratio(trace: Trace) -> float | None:
    verdict = judged(trace)
    return round(verdict.redelivered / verdict.deliveries, 3) if verdict.deliveries else None


def _throughput(trace: Trace) -> float | None:
    """First effects a second, from the first publish to the last effect."""
    seen: set[tuple[str, str]] = set()
    began = end = None
    for word in told(trace, "publish", "effect"):
        if word.kind == "publish":
            began = word.at if began is None else began
        else:
            seen.add((word.data["message"], word.data.get("group") or word.data["queue"]))
            end = word.at
    return round(len(seen) * 1e6 / (end - began), 2) if began is not None and end is not None and end > began else None


def _arrivals(trace: Trace) -> float | None:
    """New messages a second while they were made."""
    times = [word.at for word in told(trace, "publish") if word.data.get("attempt", 1) == 1]
    return round((len(times) - 1) * 1e6 / (times[-1] - times[0]), 2) if len(set(times)) > 1 else None


def _full_at_s(trace: Trace) -> float | None:
    """When the queue was full for the first time (s)."""
    for word in told(trace, "blocked", "dropped", "refused", "spilled"):
        if word.kind in ("blocked", "spilled") or word.data.get("why") == "full":
            return round(word.at / 1e6, 2)
    return None


def _drop(*whys: str) -> Measure:
    """Messages that a queue gave up for one of these reasons, put aside or not (each time counts)."""

    def measure(trace: Trace) -> int:
        dead = sum(word.data["reason"] in whys for word in told(trace, "dead"))
        return dead + sum(word.data["why"] in whys for word in told(trace, "dropped"))

    return measure


def _began_by_last(trace: Trace) -> int:
    """How many messages the consumer that joined last began."""
    names = sorted({word.node for word in told(trace, "started") if word.node[0] == "w"}, key=lambda n: int(n[1:]))
    return sum(word.node == names[-1] for word in told(trace, "began")) if names else 0


def _idle_consumers(trace: Trace) -> int:
    """Consumers that never began anything."""
    names = {word.node for word in told(trace, "started") if word.node[0] == "w"}
    return len(names - {word.node for word in told(trace, "began")})


def _partition_skew(trace: Trace) -> float | None:
    """Messages in the fullest partition, compared with the mean of all that got some."""
    loads = Counter(word.data["partition"] for word in told(trace, "stored") if "partition" in word.data)
    return round(max(loads.values()) * len(loads) / sum(loads.values()), 2) if loads else None


def _peak_retries(trace: Trace) -> int:
    """The most hand-outs of a second or later attempt within one second."""
    seconds = Counter(word.at // 1_000_000 for word in told(trace, "delivered") if word.data["attempt"] > 1)
    return max(seconds.values(), default=0)


def _time_to_redeliver_ms(trace: Trace) -> float | None:
    """From a crash to the last of the hand-outs that made good what it held, at most."""
    held: dict[str, tuple[str, str]] = {}
    crashed: dict[str, int] = {}
    longest = None
    for word in told(trace, "delivered", "acked", "crashed", "crash"):
        message = str(word.data.get("message", ""))
        if word.kind == "delivered":
            since = crashed.pop(message, None)
            if since is not None:
                longest = max(longest or 0.0, (word.at - since) / 1_000)
            held[message] = (word.node, str(word.data["receipt"]))
        elif word.kind == "acked":
            held.pop(message, None)
        else:
            for name, (who, _) in list(held.items()):
                if who == word.node:
                    crashed[name] = word.at
                    del held[name]
    return round(longest, 1) if longest is not None else None


def _freshest(trace: Trace) -> float | None:
    """The oldest that a message was when it was handed out (ms)."""
    made = {word.data["message"]: word.at for word in told(trace, "publish") if word.data.get("attempt", 1) == 1}
    ages = [word.at - made[word.data["message"]] for word in told(trace, "delivered") if word.data["message"] in made]
    return round(max(ages) / 1_000, 1) if ages else None


def _recovery_s(trace: Trace) -> float | None:
    """From the last refusal of the bank until no message waits longer than a second (s)."""
    fails = [word.at for word in told(trace, "failed") if "bank" in str(word.data.get("why"))]
    if not fails:
        return None
    end = max(fails)
    for word in told(trace, "gauge"):
        if word.at > end and word.data["name"] == "oldest_age_ms" and word.data["value"] <= 1_000:
            return round((word.at - end) / 1e6, 2)
    return round((trace[len(trace) - 1].at - end) / 1e6, 2)


def _slope(trace: Trace) -> float | None:
    """How fast the queue grew in the second half of the sending (messages a second); ≤ 0: it did not."""
    sends = [word.at for word in told(trace, "publish")]
    if len(sends) < 2:
        return None
    middle, end = (sends[0] + sends[-1]) / 2, sends[-1]
    gauges = (word for word in told(trace, "gauge") if word.data["name"] == "depth")
    points = [(word.at, float(word.data["value"])) for word in gauges if middle <= word.at <= end]
    if len(points) < 2:
        return None
    (began, first), (ended, last) = points[0], points[-1]
    return round((last - first) * 1e6 / (ended - began), 2)


def _good_p95(trace: Trace) -> float | None:
    """95th percentile from order to charge of messages that were handed out once only (ms)."""
    made = {word.data["message"]: word.at for word in told(trace, "publish") if word.data.get("attempt", 1) == 1}
    took = sorted(w.at - made[w.data["message"]] for w in told(trace, "effect") if w.data["message"] in made)
    return round(took[min(len(took) - 1, round(0.95 * (len(took) - 1)))] / 1_000, 2) if took else None


def _rejected(*whys: str) -> Measure:
    return lambda trace: sum(word.data["why"] in whys for word in told(trace, "rejected"))


def _statements_per_message(trace: Trace) -> float | None:
    statements = sum(int(word.data.get("count", 1)) for word in told(trace, "statement"))
    effects = sum(1 for _ in told(trace, "effect"))
    return round(statements / effects, 2) if effects and statements else None


def _pickup_p95(trace: Trace) -> float | None:
    """95th percentile of the wait from *stored* to *delivered* (ms)."""
    stored = {word.data["message"]: word.at for word in told(trace, "stored")}
    waits = sorted(w.at - stored[w.data["message"]] for w in told(trace, "delivered") if w.data["attempt"] == 1)
    return round(waits[round(0.95 * (len(waits) - 1))] / 1_000, 2) if waits else None


def _commit_rate(trace: Trace) -> float | None:
    """Confirmed messages a second while producers were sending."""
    times = [word.at for word in told(trace, "confirmed")]
    return round((len(times) - 1) * 1e6 / (times[-1] - times[0]), 1) if len(set(times)) > 1 else None


MEASURES: Mapping[str, Measure] = {
    "published": lambda trace: judged(trace).published,
    "confirmed": lambda trace: judged(trace).confirmed,
    "effects": lambda trace: judged(trace).effects,
    **{
        name: _found(kind)
        for name, kind in {
            "lost": "lost", "duplicates": "duplicate", "unexpected": "unexpected", "silent": "silent",
            "overlaps": "overlap", "stale_effects": "stale_effect", "stale_acks": "stale_ack",
            "reordered": "reordered", "recovered": "recovered",
        }.items()
    },
    "dead_now": lambda trace: judged(trace).dead,
    "most_attempts": lambda trace: judged(trace).most_attempts,
    "stale_rejected": lambda trace: judged(trace).stale_rejected,
    "deliveries": lambda trace: judged(trace).deliveries,
    "redelivery_ratio": _redelivery_ratio,
    "crashes": _count("crashed"),
    "throughput": _throughput,
    "arrivals_per_s": _arrivals,
    "p50_ms": _gauge("end_to_end_ms", 0.50),
    "p95_ms": _gauge("end_to_end_ms", 0.95),
    "p99_ms": _gauge("end_to_end_ms", 0.99),
    "good_p95_ms": _good_p95,
    "most_waiting": _gauge("depth", 1.0),
    "oldest_ms": _gauge("oldest_age_ms", 1.0),
    "depth_slope": _slope,
    "full_at_s": _full_at_s,
    "expired": _drop("expired"),
    "dropped_full": _drop("full"),
    "refused": _count("refused"),
    "blocked": _count("blocked"),
    "last_consumer_began": _began_by_last,
    "idle_consumers": _idle_consumers,
    "partition_skew": _partition_skew,
    "peak_retries": _peak_retries,
    "time_to_redeliver_ms": _time_to_redeliver_ms,
    "oldest_delivered_ms": _freshest,
    "recovery_s": _recovery_s,
    "forged_stopped": _rejected("forged"),
    "replays_stopped": _rejected("replayed"),
    "denied": _rejected("denied"),
    "limited": _rejected("limited"),
    "read_by_others": _count("overheard", readable=True),
    "statements_per_message": _statements_per_message,
    "pickup_p95_ms": _pickup_p95,
    "commit_rate": _commit_rate,
}
"""Live numbers, answers to predictions, and the metrics of incidents."""
