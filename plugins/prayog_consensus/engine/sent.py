"""Counting messages on the network, by their type: the left-hand side of every formula of this topic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prayog_sdk.checks import Event, Measure, Quantity, count
from prayog_sim.trace import Trace

__all__ = ["kind_of", "part", "per_commit", "sent"]


def kind_of(msg: Any) -> str:
    """The type of a message, also of one that was read from a file: ``Prepare``."""
    return str(msg.get("type", "")) if isinstance(msg, Mapping) else type(msg).__name__


def part(msg: Any, name: str) -> Any:
    """A field of a message, also of one that was read from a file."""
    return msg[name] if isinstance(msg, Mapping) else getattr(msg, name)


def sent(*kinds: str, **fields: Callable[[Any], bool]) -> Quantity:
    """How many messages of these types were sent, lost ones included; ``upto=test`` looks at a field too."""

    def fits(event: Event) -> bool:
        msg = event["msg"]
        return kind_of(msg) in kinds and all(test(part(msg, name)) for name, test in fields.items())

    return count("send", fits)


def per_commit(*kinds: str, **fields: Callable[[Any], bool]) -> Measure:
    """Messages of these types for each slot that was committed; None when none was."""
    messages = sent(*kinds, **fields)

    def measure(trace: Trace) -> float | None:
        slots = {e.data["slot"] for step in trace for e in step.effects if e.kind == "commit"}
        return messages(trace) / len(slots) if slots else None

    return measure
