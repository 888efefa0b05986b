"""From values to bytes: the way back, from the same specs.

    build(REGISTRY, [Draft("eth"), Draft("ip", {"src": "10.0.0.1", "ttl": 3}), Draft("udp", {"dstport": 53}), b"hello"])

Each field has one of three settings:

* nothing said: *auto*.  Lengths, check sums and types are worked out from the rest, others take their default;
* a value: *manual*.  It must fit into the field; what depends on it is worked out anew;
* `Force(value)`: *wrong on purpose*.  Its bits are written as they are, whatever follows from it.

What an `auto` expression sees: the values by key, `given` (those that were given), `size` (bytes of the block around
the field, or of the layer), `after` (bytes of that block behind the field), `payload` (bytes behind the layer),
`body` (those bytes), `header` (the layer's bytes with zeros for the field), and the functions of `_Layer`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address
from itertools import pairwise
from struct import pack
from types import CodeType
from typing import Any

from prayog_protocols.engine.checksum import crc32c, internet, pseudo_header
from prayog_protocols.engine.compiling import names_in
from prayog_protocols.engine.dissection import Dissection, Stop
from prayog_protocols.engine.registry import Registry
from prayog_protocols.engine.spec import (
    Block,
    Call,
    Choose,
    Field,
    Item,
    Kind,
    Let,
    Protocol,
    Repeat,
    When,
    fields_of,
)

__all__ = ["BuildError", "Built", "BuiltLayer", "Draft", "Force", "build", "drafts_of", "encode"]


class BuildError(ValueError):
    """A value that cannot be written; the sentence says which, where and why."""


@dataclass(frozen=True, slots=True)
class Force:
    """A value to be written as it is, right or wrong."""

    value: Any


@dataclass(frozen=True, slots=True)
class Draft:
    """One layer to be built: the settings of its fields, by key or by full name."""

    protocol: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BuiltLayer:
    """Where a layer came to lie, and the value of every field, also of those worked out."""

    protocol: str
    at: int
    size: int
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Built:
    """The bytes, and how they came about."""

    data: bytes
    layers: tuple[BuiltLayer, ...]


def build(registry: Registry, layers: Sequence[Draft | bytes]) -> Built:
    """The bytes of `layers`, from the outermost on; bytes are taken as they are.

    Raises `BuildError` for a value that does not fit.
    """
    made: list[_Layer | bytes] = []
    for number, layer in enumerate(layers):
        if isinstance(layer, bytes):
            made.append(layer)
            continue
        protocol = registry.protocols.get(layer.protocol)
        if protocol is None:
            raise BuildError(f"There is no protocol {layer.protocol!r}.")
        follower = layers[number + 1] if number + 1 < len(layers) else b""
        inner = follower.protocol if isinstance(follower, Draft) else ""
        outer = next((one for one in reversed(made) if isinstance(one, _Layer)), None)
        made.append(_Layer(registry, protocol, layer.values, inner, outer))
    data = b""
    sizes: list[int] = []
    for one in reversed(made):
        header = one.finish(data) if isinstance(one, _Layer) else one
        sizes.append(len(header))
        data = header + data
    done, at = [], 0
    for one, size in zip(made, reversed(sizes), strict=True):
        if isinstance(one, _Layer):
            done.append(BuiltLayer(one.protocol.name, at, size, one.values))
        at += size
    return Built(data, tuple(done))


def drafts_of(registry: Registry, data: bytes, link: int = 1, known: Any = None) -> list[Draft | bytes]:
    """Layers that `build` turns into exactly `data` again: what it would work out itself is left to it.

    `link` is the link type of the capture.  What cannot be built from values (text, encrypted parts) stays bytes.
    """
    c = Dissection(registry, data)
    layers: list[Draft | bytes] = []
    protocol, at, end = registry.find("link", link), 0, len(data)
    while protocol is not None and at < end and len(layers) < 20:
        c.following, c.source = None, 0
        values: dict[str, Any] = {}
        try:
            stop = registry.code(protocol).read(c, values, data, at, end)
        except Stop:
            break
        draft = _least(registry, protocol, values, data[at:stop], data[stop:end])
        if draft is None:
            break
        layers.append(draft)
        at = stop
        if c.following is None:
            break
        protocol, source, first, _ = c.following
        if source != 0 or first != at:
            break
    if at < len(data):
        layers.append(data[at:])
    return _settle(registry, layers, data)


def _least(
    registry: Registry, protocol: Protocol, values: dict[str, Any], header: bytes, body: bytes
) -> Draft | None:  # fmt: skip
    """A draft of one layer, or None where its bytes do not come back."""
    plain = _without_auto(protocol.items, values)
    forced = _forced(protocol.items, values)
    try:
        if build(registry, [Draft(protocol.name, forced), body]).data != header + body:
            return None
    except (BuildError, ArithmeticError, LookupError, TypeError):
        return None
    return Draft(protocol.name, plain)


def _settle(registry: Registry, layers: list[Draft | bytes], data: bytes) -> list[Draft | bytes]:
    """Force the fields that would be worked out differently than they were found."""
    for _ in range(3):
        built = build(registry, layers)
        if built.data == data:
            break
        again: list[Draft | bytes] = []
        made = iter(built.layers)
        for layer in layers:
            if isinstance(layer, bytes):
                again.append(layer)
                continue
            place = next(made)
            protocol = registry.protocols[layer.protocol]
            c = Dissection(registry, data)
            found: dict[str, Any] = {}
            registry.code(protocol).read(c, found, data, place.at, len(data))
            again.append(Draft(layer.protocol, _differing(protocol.items, layer.values, found, place.values)))
        layers = again
    return layers


def _autos(items: tuple[Item, ...]) -> set[str]:
    return {one.key for one in fields_of(items) if one.auto}


def _parts(items: tuple[Item, ...], values: dict[str, Any]) -> set[str]:
    """Keys that a larger field among `values` holds already."""
    return {part.key for one in fields_of(items) if one.key in values for part in one.parts}


def _without_auto(items: tuple[Item, ...], values: dict[str, Any]) -> dict[str, Any]:
    autos, parts = _autos(items), _parts(items, values)
    return {
        key: [_without_auto(items, one) for one in value] if _is_list(value)
        else _without_auto(items, value) if isinstance(value, dict) else value
        for key, value in values.items() if key not in autos and key not in parts
    }  # fmt: skip


def _forced(items: tuple[Item, ...], values: dict[str, Any]) -> dict[str, Any]:
    autos, parts = _autos(items), _parts(items, values)
    return {
        key: [_forced(items, one) for one in value] if _is_list(value)
        else _forced(items, value) if isinstance(value, dict) else Force(value) if key in autos else value
        for key, value in values.items() if key not in parts
    }  # fmt: skip


def _differing(
    items: tuple[Item, ...], plain: Mapping[str, Any], found: dict[str, Any], made: dict[str, Any]
) -> dict[str, Any]:
    autos = _autos(items)
    result = dict(plain)
    for key, value in found.items():
        if key in autos and made.get(key) != value:
            result[key] = Force(value)
        elif _is_list(value) and isinstance(plain.get(key), list):
            theirs = made.get(key) or [{}] * len(value)
            result[key] = [_differing(items, a, b, d) for a, b, d in zip(plain[key], value, theirs, strict=False)]
        elif isinstance(value, dict) and isinstance(plain.get(key), dict):
            result[key] = _differing(items, plain[key], value, made.get(key) or {})
    return result


def _is_list(value: Any) -> bool:
    """Rows of a `Repeat`; a list of plain values is one value."""
    return isinstance(value, list) and all(isinstance(one, dict) for one in value)


# ── values to bits ──────────────────────────────────────────────────────────────────────────────────────────────


def encode(one: Field, value: Any) -> int | bytes:
    """The bits of a value: a number for a field of fixed width, bytes for one without.  Raises `BuildError`."""
    label = one.label or one.name
    try:
        match one.kind:
            case Kind.MAC:
                piece = (
                    value if isinstance(value, bytes) else bytes.fromhex(str(value).replace("-", ":").replace(":", ""))
                )
            case Kind.IPV4:
                return int(IPv4Address(value))
            case Kind.IPV6:
                piece = value if isinstance(value, bytes) else IPv6Address(value).packed
            case Kind.TEXT:
                piece = value if isinstance(value, bytes) else str(value).encode(one.encoding)
            case Kind.BYTES:
                piece = value if isinstance(value, bytes) else bytes.fromhex(str(value).replace(":", ""))
            case Kind.REAL:
                piece = pack(">d" if one.bits == 64 else ">f", value)
            case Kind.NONE:
                return 0
            case _:
                return _number(one, value)
    except (ValueError, TypeError, OverflowError) as problem:
        raise BuildError(f"{label}: {value!r} is no {one.kind.value} ({problem}).") from None
    if not one.bits:
        return piece
    if len(piece) * 8 != one.bits:
        raise BuildError(f"{label} takes {one.bits // 8} bytes, and {len(piece)} were given.")
    return int.from_bytes(piece, "big")


def _number(one: Field, value: Any) -> int | bytes:
    if isinstance(value, str):
        known = {str(name).lower(): number for number, name in one.values.items()}
        value = known[value.lower()] if value.lower() in known else int(value, 0)
    if isinstance(value, set | frozenset | list | tuple):  # names of the parts that are set
        unknown = set(value) - {part.key for part in one.parts}
        if unknown:
            raise ValueError(f"there is no {', '.join(sorted(map(str, unknown)))} among its parts")
        value = dict.fromkeys(value, 1)
    if isinstance(value, Mapping):
        number = 0
        for part in one.parts:
            number = number << part.bits | int(value.get(part.key, 0))
        return number
    number = int(value)
    if one.scale != 1:
        if number % one.scale:
            raise BuildError(f"{one.label} counts in steps of {one.scale}, and {number} is between two of them.")
        number //= one.scale
    low, high = (-(1 << one.bits - 1), (1 << one.bits - 1) - 1) if one.kind is Kind.INT else (0, (1 << one.bits) - 1)
    if one.bits and not low <= number <= high:
        raise BuildError(f"{one.label} has {one.bits} bits: {low * one.scale} to {high * one.scale}, not {value}.")
    number &= (1 << one.bits) - 1 if one.bits else number
    if one.little and one.bits:
        number = int.from_bytes(number.to_bytes(one.bits // 8, "little"), "big")
    return number if one.bits else number.to_bytes((number.bit_length() + 7) // 8, "big")


@dataclass(slots=True)
class _Group:
    """A stretch of the layer: the whole of it, or a block in it."""

    first: int  # index of its first piece
    last: int = -1  # index after its last piece


@dataclass(slots=True)
class _Piece:
    """Bits of one field."""

    width: int
    bits: int
    later: Field | None = None  # still to be worked out
    group: _Group | None = None
    values: dict[str, Any] | None = None  # where the value goes once known


class _Layer:
    """One layer while it is built."""

    def __init__(
        self, registry: Registry, protocol: Protocol, given: Mapping[str, Any], inner: str, outer: _Layer | None
    ) -> None:
        self.registry, self.protocol, self.inner, self.outer = registry, protocol, inner, outer
        self.pieces: list[_Piece] = []
        self.values: dict[str, Any] = {}
        self.body = b""
        self.named: dict[str, tuple[int, int]] = {}  # key -> its pieces, for `sizeof`
        names = {one.name: one.key for one in fields_of(protocol.items) if one.name}
        plain = {names.get(key, key): value for key, value in given.items()}
        keys = _keys_of(protocol.items)
        for key in plain:
            if key not in keys:
                raise BuildError(f"{protocol.title} has no field {key!r}.")
        self.whole = _Group(0)
        self.items(protocol.items, plain, self.values, (self.values,), self.whole)
        self.whole.last = len(self.pieces)

    # ── first pass: what is where ───────────────────────────────────────────────────────────────────────────────

    def items(
        self, items: tuple[Item, ...], given: Mapping[str, Any], values: dict[str, Any],
        scope: tuple[dict[str, Any], ...],
        group: _Group,
    ) -> None:  # fmt: skip
        for item in items:
            match item:
                case Field():
                    self.field(item, given, values, group)
                case Block():
                    first = len(self.pieces)
                    inner = _Group(first)
                    theirs, own, around = given, values, scope
                    if item.key:
                        theirs, own = given.get(item.key) or {}, values.setdefault(item.key, {})
                        around = (*scope, own)
                    self.items(item.items, theirs, own, around, inner)
                    if item.rest is not None and item.rest.key in theirs:
                        self.field(item.rest, theirs, own, inner)
                    if item.pad:
                        self.put(0, -self.width(first) // 8 % item.pad * 8)
                    inner.last = len(self.pieces)
                    self.named[item.key or item.field.key] = (first, inner.last)
                case Repeat():
                    first = len(self.pieces)
                    rows = values.setdefault(item.key, [])
                    for row in given.get(item.key) or ():
                        own = {}
                        rows.append(own)
                        self.items(item.items, row, own, (*scope, own), group)
                    self.named[item.key] = (first, len(self.pieces))
                case Choose():
                    self.items(self.chosen(item, given, scope), given, values, scope, group)
                case When():
                    if self.wanted(item, given, scope):
                        self.items(item.items, given, values, scope, group)
                case Call():
                    if item.write is not None:
                        piece = item.write({**_merged(scope), **given})
                        self.put(int.from_bytes(piece, "big"), len(piece) * 8)
                        if item.gives in given:
                            values[item.gives] = given[item.gives]
                case Let() if item.kept and item.key in given:
                    values[item.key] = given[item.key]
                case Let():
                    with suppress(NameError):
                        values[item.key] = self.evaluate(item.expression, _merged(scope))
                case _:
                    pass

    def field(self, one: Field, given: Mapping[str, Any], values: dict[str, Any], group: _Group) -> None:
        first = len(self.pieces)
        value = given.get(one.key)
        if value is None and any(part.key in given for part in one.parts):
            whole = encode(one, one.default if one.default is not None else 0)
            value, place = 0, one.bits
            for part in one.parts:
                place -= part.bits
                own = given.get(part.key)
                old = int(whole) >> place & (1 << part.bits) - 1
                value = value << part.bits | (int(encode(part, own)) if own is not None else old)
            value *= one.scale
        if value is None and one.auto:
            self.pieces.append(_Piece(one.bits, 0, one, group, values))
            self.named[one.key] = (first, len(self.pieces))
            return
        if value is None:
            value = one.default
        if value is None:
            value = "" if one.kind is Kind.TEXT else b"" if not one.bits else bytes(one.bits // 8) if one.kind in (
                Kind.BYTES, Kind.MAC, Kind.IPV6) else 0  # fmt: skip
        self.write(one, value, values)
        self.named[one.key] = (first, len(self.pieces))

    def write(self, one: Field, value: Any, values: dict[str, Any]) -> None:
        bits, width = self.bits_of(one, value)
        self.put(bits, width)
        self.know(one, bits, width, values)

    @staticmethod
    def bits_of(one: Field, value: Any) -> tuple[int, int]:
        """The bits of a setting and how many there are."""
        if isinstance(value, Force):
            inner = value.value
            if one.bits and isinstance(inner, int):
                return inner // one.scale & (1 << one.bits) - 1, one.bits
            value = inner
        raw = encode(one, value)
        if isinstance(raw, bytes):
            return int.from_bytes(raw, "big"), len(raw) * 8
        return raw, one.bits

    def know(self, one: Field, bits: int, width: int, values: dict[str, Any]) -> None:
        from prayog_protocols.engine.compiling import decoded

        raw: int | bytes = bits if one.bits else bits.to_bytes(width // 8, "big")
        values[one.key] = raw if one.kind is Kind.BYTES and isinstance(raw, bytes) else decoded(one, raw)
        place = one.bits
        for part in one.parts:
            place -= part.bits
            self.know(part, bits >> place & (1 << part.bits) - 1, part.bits, values)

    def put(self, bits: int, width: int) -> None:
        if width:
            self.pieces.append(_Piece(width, bits))

    def chosen(self, item: Choose, given: Mapping[str, Any], scope: tuple[dict[str, Any], ...]) -> tuple[Item, ...]:
        known = {**_merged(scope), "given": given}
        on = given.get(item.on)
        if on is None and item.made:
            on = self.evaluate(item.made, known)
        elif on is None:
            try:
                on = self.evaluate(item.on, known)
            except NameError:
                return item.other
        if isinstance(on, Force):
            on = on.value
        if isinstance(on, str):  # a name instead of the number
            for one in fields_of(tuple(part for case in item.cases.values() for part in case)):
                numbers = [number for number, name in one.values.items() if name == on and one.key == item.on]
                on = numbers[0] if numbers else on
        for value, items in item.cases.items():
            if on in value if isinstance(value, tuple | range) else on == value:
                return items
        return item.other

    def wanted(self, item: When, given: Mapping[str, Any], scope: tuple[dict[str, Any], ...]) -> bool:
        if _keys_of(item.items) & given.keys():
            return True
        try:
            return bool(self.evaluate(item.condition, _merged(scope)))
        except (NameError, TypeError):
            return False

    # ── second pass: what follows from the rest ─────────────────────────────────────────────────────────────────

    def finish(self, body: bytes) -> bytes:
        """The layer's bytes, in front of `body`."""
        self.body = body
        whole = self.width(0)
        if whole % 8:
            raise BuildError(f"{self.protocol.title} comes to {whole} bits, which is no whole number of bytes.")
        waiting = [number for number, piece in enumerate(self.pieces) if piece.later is not None]
        # Sums come last: they cover everything else.
        waiting.sort(key=lambda number: bool(names_in(self.pieces[number].later.auto) & _OF_BYTES))  # type: ignore[union-attr]
        for number in waiting:
            piece = self.pieces[number]
            one, group, values = piece.later, piece.group, piece.values
            assert one is not None
            assert group is not None
            assert values is not None
            first, last = group.first, group.last if group.last >= 0 else len(self.pieces)
            known = {
                **_merged((self.values, values)), "given": values, "payload": len(body), "body": body,
                "size": self.width(first, last) // 8, "after": self.width(number + 1, last) // 8,
                "header": self.joined() if names_in(one.auto) & _OF_BYTES else b"",
            }  # fmt: skip
            bits, width = self.bits_of(one, self.evaluate(one.auto, known))
            piece.bits, piece.later = bits, None
            self.know(one, bits, width, values)
        return self.joined()

    def width(self, first: int, last: int | None = None) -> int:
        return sum(piece.width for piece in self.pieces[first:last])

    def joined(self) -> bytes:
        number = width = 0
        for piece in self.pieces:
            number = number << piece.width | piece.bits
            width += piece.width
        return number.to_bytes(width // 8, "big")

    def evaluate(self, expression: str, known: Mapping[str, Any]) -> Any:
        space = {
            "__builtins__": {"len": len, "min": min, "max": max, "int": int, "any": any, "sum": sum, "bool": bool},
            "internet": internet, "crc32c": crc32c, "key_of": self.key_of, "transport_sum": self.transport_sum,
            "sizeof": self.size_of, "count": lambda key: len(self.values.get(key, ())), "first_row": self.first_row,
            "next_row": lambda key, otherwise: self.next_row(known["given"], key, otherwise), **known,
        }  # fmt: skip
        return eval(_compiled(expression), space)

    # ── functions of `auto` expressions ─────────────────────────────────────────────────────────────────────────

    def size_of(self, key: str) -> int:
        """Bytes of a block, list or field of this layer."""
        first, last = self.named.get(key, (0, 0))
        return self.width(first, last) // 8

    def key_of(self, table: str, otherwise: int) -> int:
        """The number under which `table` has the next layer."""
        for key, protocol in self.registry.tables.get(table, {}).items():
            if protocol.name == self.inner:
                return int(key)
        return otherwise

    def first_row(self, rows: str, key: str, otherwise: Any) -> Any:
        """The value of `key` in the first row of a list."""
        first: Mapping[str, Any] = next(iter(self.values.get(rows) or ()), {})
        return first.get(key, otherwise)

    def next_row(self, own: Any, key: str, otherwise: Any) -> Any:
        """The value of `key` in the row after the one that holds the values `own`."""
        for rows in self.values.values():
            if _is_list(rows):
                for row, after in pairwise(rows):
                    if row is own or any(value is own for value in row.values()):
                        return after.get(key, otherwise)
        return otherwise

    def transport_sum(self, proto: int) -> int:
        """The check sum of TCP, UDP or ICMPv6, which covers the addresses of the layer outside."""
        src, dst = (self.outer.values.get(key) for key in ("src", "dst")) if self.outer else (None, None)
        if src is None or dst is None:
            return internet(self.joined(), self.body)
        addresses = [one if isinstance(one, bytes) else int(one).to_bytes(4, "big") for one in (src, dst)]
        message = self.joined() + self.body
        return internet(pseudo_header(addresses[0], addresses[1], proto, len(message)), message)


_OF_BYTES = {"header", "transport_sum", "crc32c", "internet"}
_CODES: dict[str, CodeType] = {}


def _compiled(expression: str) -> CodeType:
    code = _CODES.get(expression)
    if code is None:
        code = _CODES[expression] = compile(expression, "<auto>", "eval")
    return code


def _merged(scope: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    known: dict[str, Any] = {}
    for values in scope:
        known.update(values)
    return known


def _keys_of(items: tuple[Item, ...]) -> set[str]:
    """Every key that values for `items` may be given under."""
    found: set[str] = set()
    for item in items:
        match item:
            case Field():
                found |= {item.key} | {part.key for part in item.parts}
            case Block():
                found |= {item.key} if item.key else _keys_of(item.items)
                if item.rest is not None:
                    found.add(item.rest.key)
            case Repeat():
                found.add(item.key)
            case When():
                found |= _keys_of(item.items)
            case Choose():
                found.add(item.on)
                for case in (*item.cases.values(), item.other):
                    found |= _keys_of(case)
            case Call():
                found.add(item.gives)
            case Let():
                found.add(item.key)
            case _:
                pass
    return found
