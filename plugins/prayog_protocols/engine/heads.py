"""The fixed head of a header: fields that stand at the same place in every packet, as their spec says.

What stands at a fixed place can be read from many packets at once, without taking any of them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

from prayog_protocols.engine.spec import Check, Choose, Derive, Field, Item, Kind, Protocol

__all__ = ["Placed", "head"]


@dataclass(frozen=True, slots=True)
class Placed:
    """A field and its place."""

    field: Field
    at: int  # first bit, counted from the beginning of the header
    bits: int


def head(protocol: Protocol, parts: bool = True) -> list[Placed]:
    """The fields at fixed places at the beginning of a protocol, in order; with `parts`, also those within them."""
    found: list[Placed] = []
    _take(protocol.items, 0, parts, found)
    return found


def _take(items: tuple[Item, ...], at: int, parts: bool, found: list[Placed]) -> None:
    for item in items:
        match item:
            case Field() if item.bits and not item.little and item.kind is not Kind.TEXT:
                found.append(Placed(item, at, item.bits))
                if parts:
                    _parts(item, at, found)
                at += item.bits
            case Derive() | Check():
                continue
            case Choose(peek=peek) if peek and item.other and isinstance(item.other[0], Field):
                # What is usual stands last: an Ethernet type, and not the length of old frames.
                found.append(Placed(item.other[0], at, item.other[0].bits))
                return
            case _:
                return


def _parts(field: Field, at: int, found: list[Placed]) -> None:
    for part in field.parts:
        found.append(Placed(part, at, part.bits))
        _parts(part, at, found)
        at += part.bits
