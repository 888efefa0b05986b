"""Where a real migration stands, as a fold over what its worker said: what pages show without asking anybody."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_sim.trace import Step

__all__ = ["START", "fold"]

START: Mapping[str, Any] = {
    "step": "plan",
    "phase": "waiting",
    "sentence": "",
    "facts": {},
    "side": "source",
    "tables": {},
    "lag": {},
    "balance": {},
    "traffic": {},
    "worker": {},
    "freeze_us": None,
    "broken": [],
}
"""``tables``: by title, the last chunk and verdict; ``broken``: faults that were made and not healed."""

_STAY = {"cut", "stall", "fill_disk"}


def fold(state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
    """The state after `step`; pure."""
    data = step.data
    match step.kind:
        case "step":
            news = {"step": step.node, "phase": data["phase"], "sentence": data["sentence"], "facts": data["facts"]}
            return {**state, **news}
        case "ready":
            return {**state, "step": step.node, "phase": data["phase"], "facts": data["facts"], "side": data["side"]}
        case "chunk" | "validated":
            known = state["tables"].get(step.node, {})
            return {**state, "tables": {**state["tables"], step.node: {**known, **data}}}
        case "lag" | "balance" | "traffic" | "worker":
            return {**state, step.kind: dict(data)}
        case "promoted":
            return {**state, "side": step.node, "freeze_us": data["freeze_us"]}
        case "probed":
            return {**state, "forecasts": data.get("forecasts", ())}
        case "restarted":
            return {**state, "tables": {}}
        case "injected" if step.node in _STAY:
            return {**state, "broken": [*state["broken"], step.node]}
        case "injected" if step.node == "heal":
            return {**state, "broken": []}
    return state
