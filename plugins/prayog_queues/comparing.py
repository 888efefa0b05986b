"""The same job on the simulator and on a real broker, side by side, with what makes the difference.

Both traces are judged by the same judge.  Chance decides which consumer got a message and where a lease ended, so
numbers of hand-outs may differ; what is promised may not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from prayog_queues.engine.judging import judge
from prayog_queues.engine.verdict import Verdict
from prayog_sdk.claims import events
from prayog_sdk.compare import Comparison, Row
from prayog_sim.trace import Trace

__all__ = ["compare"]

_CLOCK = "real processes start, wait and write at their own pace, so other messages were out when it happened"
_ROWS: tuple[tuple[str, Callable[[Verdict], Any], str], ...] = (
    ("Messages published", lambda v: v.published, "a real producer sends again when no answer came in time"),
    ("Effects", lambda v: v.effects, ""),
    ("Lost", lambda v: v.counts["lost"], ""),
    ("Duplicate effects", lambda v: v.counts["duplicate"], ""),
    ("Unexpected effects", lambda v: v.counts["unexpected"], ""),
    ("Out of order for a customer", lambda v: v.counts["reordered"], _CLOCK),
    ("Put aside as dead letters", lambda v: v.dead, ""),
    ("Handed out again", lambda v: v.redelivered, _CLOCK),
    ("Late acknowledgements accepted", lambda v: v.counts["stale_ack"], ""),
    ("Late acknowledgements refused", lambda v: v.stale_rejected, _CLOCK),
)


def compare(simulated: Trace, real: Trace) -> Comparison:
    """Ten numbers of both runs; each difference has its reason."""
    ours, theirs = judge(simulated), judge(real)
    where = _backend(real)
    rows = []
    for name, number, why in _ROWS:
        a, b = number(ours), number(theirs)
        rows.append(Row(name, None, a, b, a == b, "" if a == b else why or _reason(name, real)))
    title, durability, emulates = where
    told = f"{title}: {theirs.sentence()}" if title else theirs.sentence()
    words = [told, f"A confirmation there means: {durability}." if durability else ""]
    words += [f"Done by the lab’s own adapter: {what}. {why}" for what, why in emulates.items()]
    words += [f"It could not be run like this: {step.data['sentence']}" for step in _problems(real)[:2]]
    return Comparison(tuple(rows), " ".join(word for word in words if word))


def _backend(real: Trace) -> tuple[str, str, dict[str, str]]:
    for step in real:
        if step.kind == "backend":
            return str(step.data["title"]), str(step.data["durability"]), dict(step.data["emulates"])
    return "", "", {}


def _problems(real: Trace) -> list[Any]:
    return [step for step in real if step.kind in ("problem", "error")]


def _reason(name: str, real: Trace) -> str:
    """Why a promise came out otherwise on the real broker."""
    problems = _problems(real)
    if problems:
        return str(problems[0].data["sentence"])
    lost_leases = sum(event.kind == "lease_expired" for event in events(real))
    accepted = sum(event.kind == "stale_ack" and bool(event.data["accepted"]) for event in events(real))
    crashes = sum(event.kind == "crashed" for event in events(real))
    if name == "Late acknowledgements accepted" and accepted:
        return "this broker does not look whether the lease is over: an old receipt counts as much as the newest"
    return (
        f"the real run had {crashes} crashes and {lost_leases} leases that ran out; each may fall before or after an "
        "effect, and that decides"
    )
