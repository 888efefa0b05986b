"""Numbers and verdicts of this topic, each a pure function of the trace."""

from __future__ import annotations

from collections.abc import Mapping

from prayog_sdk.checks import Check, Measure, count, eventually, gauge, never

__all__ = ["CHECKS", "MEASURES"]

MEASURES: Mapping[str, Measure] = {
    "published": count("publish", attempt=1),
    "confirmed": count("confirmed"),
    "effects": count("effect"),
    "deliveries": count("delivered"),
    "crashes": count("crashed"),
    "dead": count("dead"),
    "p50_ms": gauge("end_to_end_ms", "p50"),
    "p95_ms": gauge("end_to_end_ms", "p95"),
    "p99_ms": gauge("end_to_end_ms", "p99"),
    "most_waiting": gauge("depth", "max"),
}
CHECKS = [
    Check("finished", "All work was done", eventually("finished")),
    Check("no_stale_effect", "Nothing was done under a lease that was over", never("effect", stale=True)),
]
