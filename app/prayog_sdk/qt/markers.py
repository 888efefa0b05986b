"""Which steps stand out, and how: the same sign for a crash in the table, on the scrubber and in "run to next".

Each kind has a shape of its own besides its colour.  What is not in a step by itself (a check that broke, a bookmark)
has a kind here too, so that there is one order of gravity.

Rules
1. A step has at most one mark: its gravest, or its effects' (`KINDS` is in that order).
2. A message lost on the network is everyday: it has a sign in the table, but no mark where marks stop the run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from prayog_sim.trace import Step

__all__ = ["KINDS", "Kind", "Marker", "marker"]

Kind = Literal["violation", "check", "error", "crash", "fault", "action", "bookmark", "note", "loss"]
KINDS: tuple[Kind, ...] = ("violation", "check", "error", "crash", "fault", "action", "bookmark", "note", "loss")
"""Gravest first."""


@dataclass(frozen=True, slots=True)
class Marker:
    """``icon`` from the shipped set, ``role`` of `Theme`, ``title`` for tool tips and screen readers."""

    kind: Kind
    icon: str
    role: str
    title: str


_VIOLATION = Marker("violation", "failed", "bad", "violation")
_NOTE = Marker("note", "info", "muted", "note")
_STEPS: Mapping[str, Marker] = {
    "violation": _VIOLATION,
    "error": Marker("error", "warning", "bad", "error"),
    "halted": Marker("error", "stop", "bad", "halted"),
    "crash": Marker("crash", "crash", "bad", "crash"),
    "restart": Marker("fault", "restart-node", "good", "restart"),
    "pause": Marker("fault", "pause-node", "warn", "pause"),
    "resume": Marker("fault", "play", "good", "resume"),
    "fault": Marker("fault", "warning", "warn", "fault"),
    "action": Marker("action", "chevron-right", "accent", "your action"),
    "note": _NOTE,
    "drop": Marker("loss", "drop", "bad", "lost message"),
}
_EFFECTS: Mapping[str, Marker] = {"violation": _VIOLATION, "note": _NOTE}
_FAULTS: Mapping[str, Marker] = {  # faults that a learner does as an action, or a schedule brings
    name: Marker("crash" if name == "crash" else "fault", icon, "good" if mends else "warn", name)
    for name, icon, mends in (
        ("crash", "crash", False), ("restart", "restart-node", True), ("pause", "pause-node", False),
        ("resume", "play", True), ("partition", "partition", False), ("cut", "partition", False),
        ("heal", "heal", True), ("link", "delay", False), ("skew", "skew", False), ("drop", "drop", False),
        ("delay", "delay", False), ("duplicate", "copy", False), ("torn", "disk", False), ("losesync", "disk", False),
    )
}  # fmt: skip
_GRAVITY = {kind: rank for rank, kind in enumerate(KINDS)}


def marker(step: Step) -> Marker | None:
    """How `step` stands out; None for the ordinary ones."""
    found = _STEPS.get(step.kind)
    if step.kind in ("action", "fault"):
        found = _FAULTS.get(str(step.data.get("name", "")), found)
    for effect in step.effects:
        other = _EFFECTS.get(effect.kind)
        if other is not None and (found is None or _GRAVITY[other.kind] < _GRAVITY[found.kind]):
            found = other
    return found
