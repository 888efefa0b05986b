"""A filter against a packet that has been taken apart."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from typing import Any

from prayog_protocols.engine.filter.language import (
    And,
    Call,
    Compare,
    FieldName,
    FilterError,
    Inside,
    Literal,
    Not,
    Or,
    Present,
    Range,
    Slice,
    Tree,
)
from prayog_protocols.engine.filter.values import Network, field_named, read
from prayog_protocols.engine.registry import Registry
from prayog_protocols.engine.spec import Field, Kind
from prayog_protocols.engine.tree import Node, Packet

__all__ = ["Seen", "Test", "test_of"]

Test = Callable[["Seen"], bool]
_WORD_VALUE = re.compile(r"(?i:true|false|(?:[0-9a-f]{2})+)")
_ORDER = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


class Seen:
    """The values of a packet by name, looked up once."""

    __slots__ = ("_by_name", "packet")

    def __init__(self, packet: Packet) -> None:
        self.packet = packet
        self._by_name: dict[str, list[Node]] | None = None

    def nodes(self, name: str) -> list[Node]:
        """The nodes under a name or alias."""
        if self._by_name is None:
            found: dict[str, list[Node]] = {}
            for node in self.packet.walk():
                if node.field.name:
                    found.setdefault(node.field.name, []).append(node)
                for alias in node.field.aliases:
                    found.setdefault(alias, []).append(node)
            self._by_name = found
        return self._by_name.get(name, [])

    def values(self, name: str) -> list[Any]:
        """The values under a name; of branches their bytes, of layers also the bytes after them."""
        return [
            self._bytes(node) if node.field.kind in (Kind.NONE, Kind.PROTOCOL) else node.value
            for node in self.nodes(name)
        ]

    def raw(self, name: str) -> list[bytes]:
        """The bytes under a name, for slices: as in Wireshark, of a layer its own bytes only."""
        return [
            node.value if isinstance(node.value, bytes) else self.packet.bytes_of(node) for node in self.nodes(name)
        ]

    def _bytes(self, node: Node) -> bytes:
        if node.field.kind is Kind.PROTOCOL:  # as in Wireshark: from its beginning to the end
            return self.packet.sources[node.source].data[node.start >> 3 :]
        return self.packet.bytes_of(node)


def test_of(registry: Registry, tree: Tree) -> Test:
    """A function that tells whether a packet fits.  Raises `FilterError`."""
    match tree:
        case And(left, right):
            one, two = test_of(registry, left), test_of(registry, right)
            return lambda seen: one(seen) and two(seen)
        case Or(left, right):
            one, two = test_of(registry, left), test_of(registry, right)
            return lambda seen: one(seen) or two(seen)
        case Not(of):
            inner = test_of(registry, of)
            return lambda seen: not inner(seen)
        case Present(of, _):
            values, _ = _values(registry, of)
            return lambda seen: bool(values(seen))
        case Inside():
            return _inside(registry, tree)
        case Compare():
            return _compare(registry, tree)


def _values(registry: Registry, entity: FieldName | Slice | Call) -> tuple[Callable[[Seen], list[Any]], Field]:
    """A function that gives the values, and the field whose kind they are of."""
    match entity:
        case FieldName(name, _):
            field = field_named(registry, entity)
            return lambda seen: seen.values(name), field
        case Slice(of, ranges, _):
            name = of.name
            field_named(registry, of)
            return lambda seen: [sliced(value, ranges) for value in seen.raw(name)], _BYTES
        case Call(function, of, column):
            values, field = _values(registry, of)
            if function == "count":
                return lambda seen: [len(values(seen))] if values(seen) else [], _NUMBER
            if function == "len" and field.kind is Kind.PROTOCOL:
                return lambda seen: [len(value) for value in seen.raw(field.name)], _NUMBER
            if function == "len":
                return lambda seen: [_length(value) for value in values(seen)], _NUMBER
            if function == "string":
                return lambda seen: [str(value) for value in values(seen)], _TEXT
            if field.kind is not Kind.TEXT:
                raise FilterError(column, f"{function}() is for texts; {field.name} is a {field.kind.value}.")
            change = str.upper if function == "upper" else str.lower
            return lambda seen: [change(value) for value in values(seen)], field


_BYTES, _NUMBER, _TEXT = (
    Field("slice", "Bytes", Kind.BYTES),
    Field("number", "Number"),
    Field("text", "Text", Kind.TEXT),
)


def sliced(value: bytes, ranges: tuple[tuple[int, int | None], ...]) -> bytes:
    """The bytes that a slice names; negative places count from the end."""
    out = b""
    for first, size in ranges:
        at = first if first >= 0 else len(value) + first
        out += value[at:] if size is None else value[at : at + size]
    return out


def _length(value: Any) -> int:
    if isinstance(value, bytes):
        return len(value)
    return len(str(value).encode())


def _inside(registry: Registry, tree: Inside) -> Test:
    assert not isinstance(tree.left, Literal)
    values, field = _values(registry, tree.left)
    exact: list[Any] = []
    ranges: list[tuple[Any, Any]] = []
    for member in tree.members:
        if isinstance(member, Range):
            ranges.append((read(field, member.low, "=="), read(field, member.high, "==")))
        else:
            exact.append(read(field, member, "=="))

    def test(seen: Seen) -> bool:
        return any(
            any(_equal(value, one) for one in exact) or any(low <= value <= high for low, high in ranges)
            for value in values(seen)
        )

    return test


def _equal(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, Network) else bool(value == wanted)


def _compare(registry: Registry, tree: Compare) -> Test:
    left, right, op = tree.left, tree.right, tree.op
    if isinstance(left, Literal):
        left, right = right, left
        op = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(op, op)
    assert not isinstance(left, Literal)
    values, field = _values(registry, left)
    if isinstance(right, FieldName) and right.name not in registry.fields and _WORD_VALUE.fullmatch(right.name):
        right = Literal(right.name, False, right.column)  # True, or bytes that begin with a letter: ff, ab12
    if not isinstance(right, Literal):
        others, other = _values(registry, right)
        if other.kind is not field.kind and {field.kind, other.kind} - {Kind.UINT, Kind.INT, Kind.BOOL, Kind.FRAME}:
            raise FilterError(tree.column, f"{field.name} is a {field.kind.value} and {other.name} a "
                                           f"{other.kind.value}: they cannot be compared.")  # fmt: skip
        return _test(op, values, others)
    if op == "matches" and field.kind not in (Kind.TEXT, Kind.BYTES, Kind.NONE, Kind.PROTOCOL):
        raise FilterError(tree.column, f"“matches” is for texts and bytes; {field.name} is a {field.kind.value}.")
    if op == "contains" and field.kind not in (Kind.TEXT, Kind.BYTES, Kind.MAC, Kind.NONE, Kind.PROTOCOL):
        raise FilterError(tree.column, f"“contains” is for texts and bytes; {field.name} is a {field.kind.value}.")
    wanted = read(field, right, op)
    if op == "contains" and not wanted:
        raise FilterError(right.column, "“contains” needs at least one letter or byte to look for.")
    return _test(op, values, lambda seen: [wanted])


def _test(op: str, values: Callable[[Seen], list[Any]], others: Callable[[Seen], list[Any]]) -> Test:
    match op:
        case "==":
            return lambda seen: any(_equal(value, one) for value in values(seen) for one in others(seen))
        case "!=":
            return lambda seen: (
                bool(values(seen)) and not any(_equal(value, one) for value in values(seen) for one in others(seen))
            )
        case "===":
            return lambda seen: (
                bool(values(seen)) and all(_equal(value, one) for value in values(seen) for one in others(seen))
            )
        case "!==":
            return lambda seen: any(not _equal(value, one) for value in values(seen) for one in others(seen))
        case "&":
            return lambda seen: any(value & one for value in values(seen) for one in others(seen))
        case "contains":
            return lambda seen: any(_contains(value, one) for value in values(seen) for one in others(seen))
        case "matches":
            return lambda seen: any(_matches(value, one) for value in values(seen) for one in others(seen))
        case _:
            order = _ORDER[op]
            return lambda seen: any(
                order(_ordered(value), _ordered(one)) for value in values(seen) for one in others(seen)
            )


def _ordered(value: Any) -> Any:
    """What is less and more: of bytes, as in Wireshark, the longer ones are more."""
    if isinstance(value, bytes):
        return len(value), value
    return value.value if isinstance(value, Network) else value


def _contains(value: Any, wanted: Any) -> bool:
    if isinstance(value, str) and isinstance(wanted, str):
        return wanted in value
    return isinstance(value, bytes) and isinstance(wanted, bytes) and wanted in value


def _matches(value: Any, wanted: re.Pattern[str]) -> bool:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return bool(wanted.search(text))
