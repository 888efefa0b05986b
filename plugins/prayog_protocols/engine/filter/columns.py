"""A filter against the columns of a capture: what can be told without taking packets apart.

Each part of a filter gives two masks: packets that surely fit, and packets of which only a look inside can tell.  So
``tcp.port == 80 && http.request`` looks only into packets of port 80.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from prayog_protocols.engine.capture.columns import COMPLEX, FRAGMENT, IPV4, IPV6
from prayog_protocols.engine.filter.language import (
    And,
    Compare,
    FieldName,
    Inside,
    Literal,
    Not,
    Or,
    Present,
    Range,
    Tree,
)
from prayog_protocols.engine.filter.values import Network, field_named, read
from prayog_protocols.engine.heads import Placed, head
from prayog_protocols.engine.protocols import REGISTRY
from prayog_protocols.engine.streams.flows import NONE

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["masks"]

Mask = npt.NDArray[np.bool_]
Column = tuple[npt.NDArray[Any], Mask | None]  # values, and where there are any (None: everywhere)
_FLAGS = {"fin": 1, "syn": 2, "reset": 4, "push": 8, "ack": 16, "urg": 32, "ece": 64, "cwr": 128, "ae": 256}
_OVER_TCP = {"http", "http2", "websocket", "tls", "smtp", "pop", "imap", "imf", "ftp", "ftp-data", "tcp"}
_OVER_UDP = {"udp", "stun", "rtp", "mdns", "llmnr", "dtls"}


def masks(capture: Capture, tree: Tree) -> tuple[Mask, Mask]:
    """Packets that fit, and packets that might."""
    match tree:
        case And(left, right):
            (yes, may), (yes2, may2) = masks(capture, left), masks(capture, right)
            sure = yes & yes2
            return sure, (yes | may) & (yes2 | may2) & ~sure
        case Or(left, right):
            (yes, may), (yes2, may2) = masks(capture, left), masks(capture, right)
            sure = yes | yes2
            return sure, (may | may2) & ~sure
        case Not(of):
            yes, may = masks(capture, of)
            return ~(yes | may), may
        case _:
            return _leaf(capture, tree)


def _leaf(capture: Capture, tree: Compare | Inside | Present) -> tuple[Mask, Mask]:
    columns = capture.columns
    name, test = _test(capture, tree)
    # The transport header of a fragmented packet is at another place.
    inside = (columns.marks & (COMPLEX | FRAGMENT if name.startswith(("tcp", "udp")) else COMPLEX)) != 0
    known = _COLUMNS.get(name) if test is not None else None
    if known is None or test is None:
        nobody = np.zeros(len(capture), bool)
        return nobody, _possible(capture, tree) | inside
    found = np.zeros(len(capture), bool)
    for values, where in known(capture):
        hit = test(values)
        found |= hit if where is None else hit & where
    if name.startswith("frame."):
        return found, np.zeros(len(capture), bool)
    return found & ~inside, inside


def _test(capture: Capture, tree: Compare | Inside | Present) -> tuple[str, Callable[[npt.NDArray[Any]], Mask] | None]:
    """The name that a leaf asks about, and a test of its column; None where only the packet can tell."""
    match tree:
        case Present(FieldName(name, _), _):
            return name, lambda values: np.ones(len(values), bool)
        case Compare(op, FieldName(name, _), Literal() as literal, _) if op in _NUMPY and name in _COLUMNS:
            wanted = read(field_named(capture.registry, FieldName(name, 0)), literal, op)
            if op != "==" and (not isinstance(wanted, int) or wanted < 0):
                return name, None
            return name, lambda values: _NUMPY[op](capture, values, wanted)
        case Inside(FieldName(name, _), members, _) if name in _COLUMNS:
            field = field_named(capture.registry, FieldName(name, 0))
            tests: list[Callable[[npt.NDArray[Any]], Mask]] = []
            for member in members:
                if isinstance(member, Range):
                    low, high = read(field, member.low, "=="), read(field, member.high, "==")
                    if isinstance(low, bytes | Network) or isinstance(high, bytes | Network):
                        return name, None
                    tests.append(partial(_between, low, high))
                else:
                    tests.append(partial(_is, capture, read(field, member, "==")))
            return name, lambda values: np.asarray(np.logical_or.reduce([one(values) for one in tests]), bool)
        case _:
            return "", None


def _between(low: int, high: int, values: npt.NDArray[Any]) -> Mask:
    return np.asarray((values >= low) & (values <= high), bool)


def _is(capture: Capture, wanted: Any, values: npt.NDArray[Any]) -> Mask:
    return _equal(capture, values, wanted)


def _equal(capture: Capture, values: npt.NDArray[Any], wanted: Any) -> Mask:
    if (
        isinstance(wanted, Network | bytes)
        and values.dtype == np.uint32
        and (isinstance(wanted, bytes) or wanted.mask > 2**32)
    ):
        rows = capture.columns.addresses6
        fits = np.array([_fits(row.tobytes(), wanted) for row in rows], bool)
        return np.asarray(
            fits[np.minimum(values, max(len(rows) - 1, 0))] if len(rows) else np.zeros(len(values), bool), bool
        )
    if isinstance(wanted, bytes):
        number = int.from_bytes(wanted, "big") if len(wanted) == 6 else 1 << 48  # no hardware address
        return np.asarray(values == np.uint64(number), bool)
    if isinstance(wanted, Network):
        return np.asarray((values & np.uint32(wanted.mask)) == np.uint32(wanted.value), bool)
    if isinstance(wanted, int) and not 0 <= wanted <= np.iinfo(values.dtype).max:
        return np.zeros(len(values), bool)
    return np.asarray(values == wanted, bool)


def _fits(address: bytes, wanted: Network | bytes) -> bool:
    return address in wanted if isinstance(wanted, Network) else address == wanted


# `!=` holds when no value fits: with two columns (either port) the packet must tell.
_NUMPY: dict[str, Callable[..., Mask]] = {
    "==": _equal, "<": lambda _, values, wanted: values < wanted, "<=": lambda _, values, wanted: values <= wanted,
    ">": lambda _, values, wanted: values > wanted, ">=": lambda _, values, wanted: values >= wanted,
    "&": lambda _, values, wanted: (values.astype(np.uint64) & np.uint64(wanted & 2**64 - 1)) != 0,
}  # fmt: skip


def _possible(capture: Capture, tree: Tree) -> Mask:
    """Packets in which the field could be at all."""
    names: set[str] = set()
    for side in ("left", "right", "of"):
        entity = getattr(tree, side, None)
        while entity is not None and not isinstance(entity, FieldName):
            entity = getattr(entity, "of", None)
        if isinstance(entity, FieldName):
            names.add(entity.name.partition(".")[0])
    proto = capture.columns.proto
    if names and names <= _OVER_TCP:
        return np.asarray(proto == 6, bool)
    if names and names <= _OVER_UDP:
        return np.asarray(proto == 17, bool)
    if names and names <= _OVER_TCP | _OVER_UDP | {"dns"}:
        return np.asarray((proto == 6) | (proto == 17), bool)
    return np.ones(len(capture), bool)


def _of(proto: int) -> Callable[[Capture], Mask]:
    return lambda capture: (capture.columns.proto == proto) & _ported(capture)


def _ported(capture: Capture) -> Mask:
    columns = capture.columns
    return np.asarray((columns.sport != 0) | (columns.dport != 0), bool)


def _ports(proto: int, *names: str) -> Callable[[Capture], list[Column]]:
    where = _of(proto)
    return lambda capture: [(getattr(capture.columns, name), where(capture)) for name in names]


def _addresses(kind: int, *names: str) -> Callable[[Capture], list[Column]]:
    return lambda capture: [(getattr(capture.columns, name), _is_ip(capture, kind)) for name in names]


def _is_ip(capture: Capture, kind: int) -> Mask:
    columns = capture.columns
    return np.asarray((columns.ethertype == kind) & (columns.transport != 0), bool)


def _flag(bit: int) -> Callable[[Capture], list[Column]]:
    return lambda capture: [((capture.columns.flags & bit != 0).astype(np.uint8), _of(6)(capture))]


def _stream(proto: int) -> Callable[[Capture], list[Column]]:
    def columns(capture: Capture) -> list[Column]:
        stream = capture.flows.stream
        return [(stream, (capture.columns.proto == proto) & (stream != NONE))]

    return columns


def _there(where: Callable[[Capture], Mask]) -> Callable[[Capture], list[Column]]:
    return lambda capture: [(np.zeros(len(capture), np.uint8), where(capture))]


def _placed(base: str, where: Callable[[Capture], Mask], one: Placed) -> Callable[[Capture], Column]:
    """A field at a fixed place, read from all packets at once; `base`: the column that says where its header begins."""
    first, last = one.at // 8, (one.at + one.bits + 7) // 8

    def column(capture: Capture) -> Column:
        records = capture.records
        begin = getattr(capture.columns, base).astype(np.int64) if base else 0
        there = where(capture) & (records.captured - begin >= last)
        data, places = np.frombuffer(capture.data, np.uint8), np.where(there, records.offsets + begin, 0)
        value = np.zeros(len(capture), np.uint64)
        for byte in range(first, last):
            value = value << np.uint64(8) | data[places + byte]
        value = value >> np.uint64(last * 8 - one.at - one.bits) & np.uint64((1 << one.bits) - 1)
        return value * np.uint64(one.field.scale), there

    return column


def _heads() -> dict[str, Callable[[Capture], list[Column]]]:
    """All fields at fixed places of Ethernet, IP, TCP and UDP, by name and alias."""
    found: dict[str, list[Callable[[Capture], Column]]] = {}
    bases: dict[str, tuple[str, Callable[[Capture], Mask]]] = {
        "eth": ("", _ethernet), "ip": ("network", partial(_is_ip, kind=IPV4)),
        "ipv6": ("network", partial(_is_ip, kind=IPV6)), "tcp": ("transport", _of(6)), "udp": ("transport", _of(17)),
    }  # fmt: skip
    for name, (base, where) in bases.items():
        for placed in head(REGISTRY.protocols[name]):
            for said in (placed.field.name, *placed.field.aliases) if placed.bits <= 48 else ():
                found.setdefault(said, []).append(_placed(base, where, placed))
    return {name: partial(_all, columns) for name, columns in found.items() if name}


def _all(columns: list[Callable[[Capture], Column]], capture: Capture) -> list[Column]:
    return [column(capture) for column in columns]


def _ethernet(capture: Capture) -> Mask:
    records = capture.records
    links = np.array([interface.link == 1 for interface in records.interfaces], bool)
    if records.interface is None:
        return np.full(len(capture), bool(len(links) and links[0]))
    return links[records.interface]


_COLUMNS: dict[str, Callable[[Capture], list[Column]]] = {
    **_heads(),
    "frame": lambda capture: [(np.zeros(len(capture), np.uint8), None)],
    "frame.number": lambda capture: [(np.arange(1, len(capture) + 1), None)],
    "frame.len": lambda capture: [(capture.records.lengths, None)],
    "frame.cap_len": lambda capture: [(capture.records.captured, None)],
    "frame.time_relative": lambda capture: [(capture.records.times - (capture.records.times[0] if len(capture) else 0),
        None)],
    "frame.time_epoch": lambda capture: [(capture.records.times, None)],
    "tcp.port": _ports(6, "sport", "dport"), "tcp.srcport": _ports(6, "sport"), "tcp.dstport": _ports(6, "dport"),
    "udp.port": _ports(17, "sport", "dport"), "udp.srcport": _ports(17, "sport"), "udp.dstport": _ports(17, "dport"),
    "ip.src": _addresses(IPV4, "src"), "ip.dst": _addresses(IPV4, "dst"), "ip.addr": _addresses(IPV4, "src", "dst"),
    "ipv6.src": _addresses(IPV6, "src"), "ipv6.dst": _addresses(IPV6, "dst"),
    "ipv6.addr": _addresses(IPV6, "src", "dst"),
    "ip.proto": lambda capture: [(capture.columns.proto, _is_ip(capture, IPV4))],
    "tcp.flags": lambda capture: [(capture.columns.flags, _of(6)(capture))],
    **{f"tcp.flags.{name}": _flag(bit) for name, bit in _FLAGS.items()},
    "tcp.stream": _stream(6), "udp.stream": _stream(17),
    "ip": _there(lambda capture: _is_ip(capture, IPV4)), "ipv6": _there(lambda capture: _is_ip(capture, IPV6)),
    "tcp": _there(_of(6)), "udp": _there(_of(17)), "arp": _there(lambda capture: capture.columns.ethertype == 0x0806),
}  # fmt: skip
