"""What the clients of a small system were told, remembered along its runs and judged as on a bench.

An exploration sees states, and an answer that was wrong leaves no mark on any node.  So what clients ask and are told
(`prayog_sim.history`) is part of the state; the same check as on the bench judges it.  It costs states: two that differ
only in what was answered are two.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_sdk.checks import Check
from prayog_sim.explorer import Memory, Property, Snapshot
from prayog_sim.trace import Effect, Step, Trace

__all__ = ["TOLD", "judged"]

_WORDS = frozenset({"invoke", "ok", "fail", "unknown"})
Told = tuple[str, str, tuple[tuple[str, Any], ...]]
"""(client, word, what it said)."""


def _add(past: tuple[Told, ...], node: str, kind: str, data: Mapping[str, Any]) -> tuple[Told, ...]:
    return (*past, (node, kind, tuple(sorted(data.items())))) if kind in _WORDS else past


TOLD = Memory((), _add)


def judged(check: Check) -> Property[Snapshot]:
    """`check`, which looks only at what clients were told, as a property that always holds."""
    known: dict[str, bool] = {}

    def holds(seen: Snapshot) -> bool:
        key = repr(seen.past)
        if key not in known:
            known[key] = check.judge(_trace(seen.past)).ok
        return known[key]

    return Property("always", check.name, holds)


def _trace(past: tuple[Told, ...]) -> Trace:
    trace = Trace()
    for seq, (node, kind, data) in enumerate(past):
        trace.append(Step(seq, seq, "deliver", node, {}, -1, (Effect(kind, dict(data)),)))
    return trace
