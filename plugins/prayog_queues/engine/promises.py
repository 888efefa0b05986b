"""What the judge says, as claims and measures for checks, lessons and challenges.

A claim that fails opens the trace at the step where the first finding shows.  Nothing here keeps a verdict: each look
reads the trace it is given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prayog_queues.engine.judging import judge
from prayog_queues.engine.log_judging import anomalies, from_trace
from prayog_queues.engine.verdict import KINDS
from prayog_sdk.claims import Claim, Scope, Verdict
from prayog_sim.trace import Trace

__all__ = [
    "MEASURES", "in_order", "log_sound", "no_duplicate", "no_loss", "no_overlap", "no_silent_drop", "no_stale_ack",
    "no_stale_effect", "nothing_unexpected", "promise", "recovered_nothing",
]  # fmt: skip


def promise(*kinds: str) -> Claim:
    """The judge finds none of these kinds of `KINDS`."""
    for kind in kinds:
        if kind not in KINDS:
            raise ValueError(f"the judge knows no {kind!r}; it knows: {', '.join(KINDS)}")

    def look(scope: Scope) -> Verdict:
        verdict = judge(scope.trace)
        found = [kind for kind in kinds if verdict.counts[kind]]
        if not found:
            return Verdict(True, verdict.sentence())
        first = min((finding for kind in found for finding in verdict.of(kind)), key=lambda f: f.seqs[-1])
        numbers = ", ".join(f"{KINDS[kind].title.lower()}: {verdict.counts[kind]}" for kind in found)
        return Verdict(False, f"{numbers}. {first.sentence}", first.seqs[-1])

    return Claim(f"no {' or '.join(kinds)}", look)


no_loss = promise("lost")
no_duplicate = promise("duplicate")
nothing_unexpected = promise("unexpected")
no_silent_drop = promise("silent")
no_overlap = promise("overlap")
no_stale_effect = promise("stale_effect")
no_stale_ack = promise("stale_ack")
in_order = promise("reordered")
recovered_nothing = promise("recovered")


def _log(scope: Scope) -> Verdict:
    found = [a for a in anomalies(from_trace(scope.trace)) if a.name not in ("duplicate", "unseen")]
    if not found:
        return Verdict(True, "no lost write, no skip, no way back in any partition")
    return Verdict(False, f"{len(found)} in the log; the first is {found[0]}", found[0].seqs[-1])


log_sound = Claim("the log is sound", _log)
"""None of Jepsen's anomalies of a log (a message that its producer sent twice is no fault of the log)."""


def _counted(kind: str) -> Callable[[Trace], Any]:
    return lambda trace: judge(trace).counts[kind]


def _number(field: str) -> Callable[[Trace], Any]:
    return lambda trace: getattr(judge(trace), field)


MEASURES: Mapping[str, Callable[[Trace], Any]] = {
    "lost": _counted("lost"), "duplicates": _counted("duplicate"), "unexpected": _counted("unexpected"),
    "silent_drops": _counted("silent"), "overlaps": _counted("overlap"), "stale_effects": _counted("stale_effect"),
    "stale_acks": _counted("stale_ack"), "inversions": _counted("reordered"), "recovered": _counted("recovered"),
    "published": _number("published"), "effects": _number("effects"), "waiting": _number("waiting"),
    "dead": _number("dead"), "dropped": _number("dropped"), "redelivered": _number("redelivered"),
    "stale_rejected": _number("stale_rejected"), "most_attempts": _number("most_attempts"),
}  # fmt: skip
"""Name → number of a trace, as `prayog_measures` wants them."""
