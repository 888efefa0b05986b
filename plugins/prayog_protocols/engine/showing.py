"""A value in words: for the tree, for a filter, and with its meaning."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address

import numpy as np

from prayog_protocols.engine.spec import Kind
from prayog_protocols.engine.tree import Node

__all__ = ["Explanation", "bit_picture", "display", "explain", "literal", "meaning_of", "title"]


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is known about one field of one packet."""

    title: str  # "Time to live: 64"
    name: str  # "ip.ttl"
    value: str
    stands_for: str  # what the value stands for, where the field has a list of them
    meaning: str
    source: str  # "RFC 791 §3.1"
    where: str  # "8 bits, byte 22"
    picture: str  # "0100 0000"


def literal(node: Node) -> str:
    """The value as it is written in a filter and in Wireshark's columns: "192.0.2.1", "0x0018", "GET"."""
    field, value = node.field, node.value
    if value is None:
        return ""
    match field.kind:
        case Kind.IPV4:
            return str(IPv4Address(value))
        case Kind.IPV6:
            return str(IPv6Address(value)) if len(value) == 16 else str(value.hex())
        case Kind.MAC | Kind.BYTES:
            return str(value.hex(":"))
        case Kind.TIME:
            return _moment(value)
        case Kind.DURATION:
            return f"{value // 10**9}.{value % 10**9:09d}" if value >= 0 else f"-{-value // 10**9}.{-value % 10**9:09d}"
        case Kind.UINT if field.hex:
            marked = field.lead + field.trail + max(1, (field.bits or node.bits) + 7 >> 3)
            return f"0x{value:0{2 * (marked)}x}"
        case Kind.REAL:
            return f"{value:.15g}"
        case _:
            return str(value)


def meaning_of(node: Node) -> str:
    """What the value stands for; empty when nothing is said about it."""
    values, value = node.field.values, node.value
    if not values or value is None or isinstance(value, bytes | float):
        return ""
    return str(values.get(value, ""))


def display(node: Node) -> str:
    """The value for the reader: "6 (TCP)", "20 bytes", "set"."""
    field = node.field
    if field.kind is Kind.BOOL and not field.values:
        return "set" if node.value else "not set"
    text = literal(node)
    if field.kind is Kind.BYTES and len(text) > 100:
        text = f"{text[:95]}… ({len(node.value)} bytes)"
    name = meaning_of(node)
    if name:
        return f"{name} ({text})"
    return f"{text} {field.unit}" if field.unit and text else text


def title(node: Node) -> str:
    """The line of the tree."""
    field = node.field
    if field.kind in (Kind.NONE, Kind.PROTOCOL):
        return _caption(node) if field.caption else field.label
    shown = display(node)
    return f"{field.label}: {shown}" if shown else field.label


def _caption(node: Node) -> str:
    known = {child.field.key: display(child) for child in reversed(node.children)}
    try:
        return node.field.caption.format_map(known)
    except KeyError:
        return node.field.label


def explain(node: Node) -> Explanation:
    """A field with everything that its spec says."""
    field = node.field
    first, last = node.start >> 3, (node.end - 1) >> 3
    place = f"byte {first}" if first == last else f"bytes {first}–{last}"
    if not node.bits:
        where = "in no byte: worked out from other fields or packets"
    elif node.start % 8 or node.bits % 8:
        where = f"{node.bits} bit{'s' * (node.bits != 1)}, from bit {node.start % 8} of {place}"
    else:
        where = f"{node.bits // 8} byte{'s' * (node.bits != 8)}, {place}"
    return Explanation(
        title(node), field.name, literal(node), meaning_of(node), field.meaning, field.source, where, bit_picture(node)
    )


def bit_picture(node: Node) -> str:
    """The bits in the marked bytes, with a dot for every bit that belongs to others: ".... ..1."; "" above 8 bytes."""
    if not node.bits or node.size > 8 or isinstance(node.value, str | None):
        return ""
    before = node.start - node.position * 8
    after = node.size * 8 - before - node.bits
    if isinstance(node.value, bytes):
        number = int.from_bytes(node.value, "big")
    else:
        number = int(node.value) // (node.field.scale or 1) & (1 << node.bits) - 1
    row = "." * before + f"{number:0{node.bits}b}" + "." * after
    return " ".join(row[at : at + 4] for at in range(0, len(row), 4))


def _moment(nanoseconds: int) -> str:
    day, _, clock = str(np.datetime64(nanoseconds, "ns")).partition("T")
    year, month, date = day.split("-")
    name = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][int(month) - 1]
    return f"{name} {int(date):2}, {year} {clock} UTC"
