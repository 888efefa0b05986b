"""Which steps stand out, and how: the same sign for a crash in the table, the scrubber and the diagrams.

Four classes, each with a shape of its own besides its colour: a *violation* (an invariant or the engine itself
failed), a *fault* (something was broken or mended), an *action* of the learner and a *note* of the engine.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from prayog_sim.trace import Step

__all__ = ["Marker", "marker"]


@dataclass(frozen=True, slots=True)
class Marker:
    """``icon`` from the shipped set, ``role`` of `Theme`, ``title`` for tool tips and screen readers."""

    kind: Literal["violation", "fault", "action", "note"]
    icon: str
    role: str
    title: str


_VIOLATION = Marker("violation", "failed", "bad", "violation")
_NOTE = Marker("note", "info", "muted", "note")
_ACTION = Marker("action", "chevron-right", "accent", "your action")
_STEPS = {
    "violation": _VIOLATION,
    "error": Marker("violation", "warning", "bad", "error"),
    "halted": Marker("violation", "stop", "bad", "halted"),
    "crash": Marker("fault", "crash", "bad", "crash"),
    "restart": Marker("fault", "restart-node", "good", "restart"),
    "pause": Marker("fault", "pause-node", "warn", "pause"),
    "resume": Marker("fault", "play", "good", "resume"),
    "drop": Marker("fault", "drop", "bad", "lost message"),
    "fault": Marker("fault", "warning", "warn", "fault"),
    "action": _ACTION,
}
_BUILT_IN = {  # faults that a learner does as an action
    "crash": "crash", "restart": "restart-node", "pause": "pause-node", "resume": "play", "partition": "partition",
    "cut": "partition", "heal": "heal", "link": "delay", "skew": "skew", "drop": "drop", "torn": "disk",
    "losesync": "disk",
}  # fmt: skip


def marker(step: Step) -> Marker | None:
    """How `step` stands out; None for the ordinary ones."""
    found = _STEPS.get(step.kind)
    if found is None:
        for effect in step.effects:
            if effect.kind == "note":
                return _NOTE
        return None
    name = str(step.data.get("name", ""))
    if step.kind in ("action", "fault") and name in _BUILT_IN:
        return Marker("fault", _BUILT_IN[name], "good" if name in ("restart", "resume", "heal") else "warn", name)
    return found
