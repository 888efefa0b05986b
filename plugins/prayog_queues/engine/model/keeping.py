"""What a broker's disk has: how safe a message is that was written."""

from __future__ import annotations

from typing import Literal

from prayog_queues.engine.port import Durability

__all__ = ["Kept", "how_kept"]

Kept = Literal["memory", "lazy", "flushed", "safe"]
"""Gone with the process · synced now and then · synced by the driver before it confirms · safe at once."""


def how_kept(durability: Durability, variant: str, flushes: bool) -> Kept:
    """`flushes`: the driver says when the disk has synced; else what is to be synced is so at once."""
    if durability == "memory":
        return "memory"
    if durability == "lazy" or variant == "confirms first":
        return "lazy"
    return "flushed" if durability == "synced" and flushes else "safe"
