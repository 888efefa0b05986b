"""What a packet turns out to be: layers of nodes, each with its value and the bits it was read from.

    Packet
      sources   the bytes: the frame itself, then whatever was put together, decrypted or unpacked from it
      layers    one node a layer, in order; below them the fields
      notes     what is wrong or remarkable, and at which bits

A node's place counts within its source.  `start` and `bits` are exact; `position` and `size` are the bytes that
Wireshark marks, which for a flag may be the whole word around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prayog_protocols.engine.spec import Field, Kind

__all__ = ["LongText", "Marked", "Node", "Note", "Packet", "Piece", "Source", "walk"]


class Node:
    """One field as it was found."""

    __slots__ = ("bits", "children", "field", "source", "start", "value")

    def __init__(
        self, field: Field, source: int, start: int, bits: int, value: Any, children: list[Node] | tuple[()] = ()
    ) -> None:
        self.field = field
        self.source = source  # which of the packet's sources
        self.start = start  # first bit, counted from the beginning of the source
        self.bits = bits  # how many bits; 0 for what is in no byte
        self.value = value
        self.children = children

    @property
    def name(self) -> str:
        """Wireshark's name; empty for some branches."""
        return self.field.name

    @property
    def position(self) -> int:
        """First byte that Wireshark marks."""
        return (self.start >> 3) - self.field.lead

    @property
    def size(self) -> int:
        """How many bytes Wireshark marks."""
        if not self.bits:
            return 0
        return ((self.start + self.bits + 7) >> 3) + self.field.trail - self.position

    @property
    def end(self) -> int:
        """The bit after its last."""
        return self.start + self.bits

    def first(self, key: str) -> Node | None:
        """The first child (of any depth) that is called `key`, by short or by full name."""
        for node in walk(self.children):
            if key in (node.field.key, node.field.name):
                return node
        return None

    def child(self, key: str) -> Any:
        """The value of the first child that is called `key`; None when there is none."""
        node = self.first(key)
        return None if node is None else node.value

    def __repr__(self) -> str:
        return f"<{self.name or self.field.label} = {self.value!r} at bit {self.start}, {self.bits} bits>"


class LongText(Node):
    """A node with text that may be long: it is decoded when somebody asks for it."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        raw = _VALUE.__get__(self)
        return LongText, (self.field, self.source, self.start, self.bits, raw, self.children)

    @property  # over the slot of the parent, which is read through its descriptor
    def value(self) -> Any:
        return _VALUE.__get__(self).decode("utf-8", "replace")

    @value.setter
    def value(self, raw: bytes) -> None:
        _VALUE.__set__(self, raw)


_VALUE: Any = Node.__dict__["value"]  # the slot itself


class Marked(Node):
    """A node in a put-together source that Wireshark shows at another place."""

    __slots__ = ("_position", "_size")

    def __init__(
        self, field: Field, source: int, start: int, bits: int, value: Any, position: int, size: int,
        children: list[Node] | tuple[()] = (),
    ) -> None:  # fmt: skip
        super().__init__(field, source, start, bits, value, children)
        self._position, self._size = position, size

    @property
    def position(self) -> int:
        return self._position

    @property
    def size(self) -> int:
        return self._size


@dataclass(frozen=True, slots=True)
class Note:
    """Something to be said about some bits.

    `severity` is "error" (broken), "warning" (unusual), "note" (worth knowing) or "chat" (ordinary course of things).
    """

    severity: str
    sentence: str
    source: int = 0
    start: int = 0
    bits: int = 0
    field: Field | None = None  # Wireshark's name for the observation, where it has one


@dataclass(frozen=True, slots=True)
class Piece:
    """Where some bytes of a put-together source came from."""

    frame: int  # number of the frame, from 1
    offset: int  # in that frame (or in its decrypted source)
    size: int


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes that nodes point into."""

    name: str  # "Frame", "Reassembled TCP", "Decrypted TLS", …
    data: bytes
    pieces: tuple[Piece, ...] = ()


class Packet:
    """A dissected packet."""

    __slots__ = ("layers", "notes", "number", "sources")

    def __init__(self, number: int, sources: list[Source]) -> None:
        self.number = number  # from 1, as Wireshark counts
        self.sources = sources
        self.layers: list[Node] = []
        self.notes: list[Note] = []

    @property
    def data(self) -> bytes:
        """The frame as it was captured."""
        return self.sources[0].data

    def layer(self, name: str) -> Node | None:
        """The first layer of protocol `name`."""
        return next((layer for layer in self.layers if layer.field.name == name), None)

    def walk(self) -> Iterator[Node]:
        """Every node, in reading order."""
        return walk(self.layers)

    def find(self, name: str) -> list[Node]:
        """Every node called `name`, also under an alias."""
        return [node for node in self.walk() if name == node.field.name or name in node.field.aliases]

    def value(self, name: str) -> Any:
        """The value of the first node called `name`; None when there is none."""
        found = self.find(name)
        return found[0].value if found else None

    def bytes_of(self, node: Node) -> bytes:
        """The bytes that a node touches."""
        return self.sources[node.source].data[node.start >> 3 : (node.start + node.bits + 7) >> 3]

    def at(self, source: int, bit: int) -> Node | None:
        """The smallest field that holds a bit: what the pointer is over."""
        best: Node | None = None
        for node in self.walk():
            if node.source != source or not node.start <= bit < node.end or node.field.kind is Kind.NONE:
                continue
            if best is None or node.bits <= best.bits:
                best = node
        return best


def walk(nodes: list[Node] | tuple[()]) -> Iterator[Node]:
    """`nodes` and all below them, in reading order."""
    stack = list(reversed(nodes))
    while stack:
        node = stack.pop()
        yield node
        if node.children:
            stack.extend(reversed(node.children))
