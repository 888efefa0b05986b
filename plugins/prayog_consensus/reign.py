"""How long somebody went on believing that it leads, although another had been elected: of any algorithm with terms."""

from __future__ import annotations

from prayog_sim.trace import Trace

__all__ = ["stale_ms"]


def stale_ms(trace: Trace) -> float:
    """The longest time, in ms, that a running node led an older term than the newest that had a leader."""
    since: dict[str, int] = {}  # node that was overtaken → when
    leading: dict[str, int] = {}  # node → its term
    longest = now = 0
    for step in trace:
        now = step.at
        if step.kind == "crash":
            longest = max(longest, now - since.pop(step.node, now))
            leading.pop(step.node, None)
        for effect in step.effects:
            if effect.kind == "stepdown":
                longest = max(longest, now - since.pop(step.node, now))
                leading.pop(step.node, None)
            elif effect.kind == "leader":
                term = effect.data.get("term") or 0
                longest = max(longest, now - since.pop(step.node, now))
                leading[step.node] = term
                since |= {node: now for node, old in leading.items() if old < term and node not in since}
    return max([longest, *(now - begun for begun in since.values())]) / 1_000
