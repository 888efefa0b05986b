"""Why a step happened and what followed from it: chains through the trace.  No Qt."""

from __future__ import annotations

from prayog_sim.trace import Step, Trace

__all__ = ["causes", "consequences"]


def causes(trace: Trace, seq: int, limit: int = 12) -> list[Step]:
    """The chain of steps that led to step `seq`, nearest first."""
    chain: list[Step] = []
    while 0 <= seq < len(trace) and len(chain) < limit:
        cause = trace[seq].cause
        if not 0 <= cause < seq:
            break
        chain.append(trace[cause])
        seq = cause
    return chain


def consequences(trace: Trace, seq: int, within: int = 500, limit: int = 6) -> list[Step]:
    """Recorded steps that step `seq` led to directly, among the next `within`."""
    found: list[Step] = []
    for later in range(seq + 1, min(len(trace), seq + 1 + within)):
        step = trace[later]
        if step.cause == seq:
            found.append(step)
            if len(found) == limit:
                break
    return found
