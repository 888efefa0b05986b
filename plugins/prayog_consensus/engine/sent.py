"""Counting messages on the network, by their type: the left-hand side of every formula of this topic."""

from __future__ import annotations

from typing import Any

from prayog_sdk.checks import Event, Quantity, count

__all__ = ["kind_of", "sent"]


def kind_of(msg: Any) -> str:
    """The type of a message, also of one that was read from a file: ``Prepare``."""
    return str(msg.get("type", "")) if isinstance(msg, dict) else type(msg).__name__


def sent(*kinds: str) -> Quantity:
    """How many messages of these types were sent, lost ones included."""

    def fits(event: Event) -> bool:
        return kind_of(event["msg"]) in kinds

    return count("send", fits)
