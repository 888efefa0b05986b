"""What is said about a protocol, once: its fields, in order, with their bits, meaning and source.

From the same words packets are dissected, built, explained and asked about.  A `Protocol` is a list of *items*:

* `Field`: some bits with a value.  `parts` are smaller fields inside the same bits (flags);
* `Block`: a named branch around items, perhaps of a size that an earlier field gives;
* `Repeat`: items again and again, a number of times or to the end;
* `Choose`: items that depend on a value; `When`: items that are there or not;
* `Call`: Python where a format is not regular (compressed names);
* `Let`, `Derive`, `Check`: a name for an expression, a value that is in no byte, a rule of the standard.

Expressions are Python, and see the values of the fields before them under their `key`: ``"(hdr_len - 5) * 4"``.
While dissecting they also see `data`, `at` (the place now), `start` (where the layer began), `end`, and `c` (the
`Dissection`); while building `size`, `after`, `payload`, … (see `building`).

Rules
1. A field's name is Wireshark's where Wireshark has one, so that a filter written here works there.
2. Widths and places are in bits, sizes and lengths in bytes.
3. Every field says what it means and where that is written.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any

__all__ = [
    "Block",
    "Call",
    "Check",
    "Choose",
    "Derive",
    "Field",
    "Item",
    "Kind",
    "Let",
    "Protocol",
    "Repeat",
    "Then",
    "When",
    "bits",
    "branch",
    "bytes_",
    "fields_of",
    "flag",
    "marked",
    "text",
    "uint",
]  # fmt: skip


class Kind(Enum):
    """How bits are read as a value; the Python type of the value is in brackets."""

    UINT = "unsigned number"  # int
    INT = "signed number"  # int
    BOOL = "flag"  # int 0 or 1
    BYTES = "bytes"  # bytes
    TEXT = "text"  # str
    IPV4 = "IPv4 address"  # int
    IPV6 = "IPv6 address"  # bytes, 16 of them
    MAC = "hardware address"  # bytes, 6 of them
    TIME = "moment"  # int: nanoseconds since 1970
    DURATION = "duration"  # int: nanoseconds
    REAL = "real number"  # float
    FRAME = "packet number"  # int: the number of a frame of the capture, from 1
    NONE = "branch"  # None: only its children have values
    PROTOCOL = "protocol"  # None: a whole layer


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One field of one protocol.  Compared by identity: two fields may look alike."""

    name: str  # "tcp.flags.syn"; "" for a branch that Wireshark gives no name
    label: str  # "SYN"
    kind: Kind = Kind.UINT
    bits: int = 0  # width, where it is fixed
    size: str = ""  # expression for the bytes it takes, where they depend on something; "rest" for all that is left
    meaning: str = ""  # a sentence or two for the learner
    source: str = ""  # "RFC 9293 §3.1"
    hex: bool = False  # shown as hexadecimal
    values: Mapping[int, str] | Mapping[str, str] = field(default_factory=dict)  # value -> what it stands for
    unit: str = ""
    scale: int = 1  # value = number on the wire × scale ("Data offset" counts words of 4 bytes)
    parts: tuple[Field, ...] = ()  # fields within these bits, first bit first
    lead: int = 0  # bytes before its first one that Wireshark marks as well
    trail: int = 0  # bytes after its last one that Wireshark marks as well
    little: bool = False  # least significant byte first
    encoding: str = "utf-8"  # of text
    default: Any = None  # what the builder writes when nobody says
    auto: str = ""  # expression by which the builder works it out
    key: str = ""  # its name in expressions; "" means the last part of `name`
    aliases: tuple[str, ...] = ()  # other names that find it in a filter ("tcp.port")
    caption: str = ""  # of a branch: its words, made of its children's keys ("{name}: type {type}")
    derived: bool = False  # in no byte: worked out from other packets or fields

    def __post_init__(self) -> None:
        if not self.key:
            object.__setattr__(self, "key", self.name.rpartition(".")[2].replace("-", "_"))


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """A branch: `items` under one node.  With `size` (an expression) it ends there, whatever its items took."""

    field: Field
    items: tuple[Item, ...]
    size: str = ""
    rest: Field | None = None  # shows the bytes that the items of a sized block left over
    keeps: bool = False  # what goes wrong inside stays inside: after it the layer goes on behind the block
    pad: int = 0  # the builder adds zeros up to a multiple of so many bytes
    key: str = ""  # under which the builder finds its values; "" means among those around it


@dataclass(frozen=True, slots=True, eq=False)
class Repeat:
    """`items` again and again: `count` times, or while the expression `while_` holds, or to the end of the block."""

    key: str  # under which the builder finds the list of values
    items: tuple[Item, ...]
    count: str = ""
    while_: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Choose:
    """Items by the value of `on`.  `peek` bits (0: none) are read ahead first and are `on` themselves."""

    on: str
    cases: Mapping[Any, tuple[Item, ...]]  # a value, or a tuple or range of values -> items
    other: tuple[Item, ...] = ()
    peek: int = 0
    made: str = ""  # what `on` is while building, where no field is called so; sees `given`, the values given


@dataclass(frozen=True, slots=True, eq=False)
class When:
    """`items`, if the expression holds."""

    condition: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Call:
    """A part in Python.

    ``read(c, out, data, at, end, *needs) -> at`` appends nodes to `out`; `write(values) -> bytes` builds the part from
    the values of the layer.  `fields` are those it can make.
    """

    read: Callable[..., Any]
    needs: tuple[str, ...] = ()
    write: Callable[[Mapping[str, Any]], bytes] | None = None
    fields: tuple[Field, ...] = ()
    gives: str = ""  # a key: the call returns (at, value), and the value is known under it


@dataclass(frozen=True, slots=True, eq=False)
class Let:
    """`key` is short for `expression`.  What is `kept` is among the values, too."""

    key: str
    expression: str
    kept: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Derive:
    """A value worked out from others.  It is shown at the bits of the field `over` ("" for none): all, or `part`."""

    field: Field
    expression: str
    over: str = ""
    when: str = ""
    part: tuple[int, int] | None = None  # (first bit, bits) within `over`; (0, 0) for a place without bits


@dataclass(frozen=True, slots=True, eq=False)
class Check:
    """A rule.  Where `expression` does not hold, `sentence` is said about the bits of the field `over`."""

    expression: str
    sentence: str
    over: str = ""
    stop: bool = False  # nothing sensible can be read after it
    severity: str = "error"


@dataclass(frozen=True, slots=True, eq=False)
class Then:
    """What follows the layer: ``c.follow(table, key)`` from here to `until` (an expression; "" for the end)."""

    table: str
    key: str
    until: str = ""


Item = Field | Block | Repeat | Choose | When | Call | Let | Derive | Check | Then


@dataclass(frozen=True, slots=True, eq=False)
class Protocol:
    """A layer: its fields in order, and what is known about it as a whole."""

    name: str  # "tcp"
    title: str  # "Transmission Control Protocol"
    items: tuple[Item, ...]
    short: str = ""  # "TCP", as a packet list shows it
    meaning: str = ""
    source: str = ""
    entries: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)  # table -> keys under which it is found
    extra: tuple[Field, ...] = ()  # fields that analysis adds, and that no item mentions
    info: Callable[..., str] | None = None  # (layer node) -> one line for the packet list
    own: Field = field(init=False)  # the field that the layer's node carries

    def __post_init__(self) -> None:
        own = Field(self.name, self.title, Kind.PROTOCOL, meaning=self.meaning, source=self.source, key=self.name)
        object.__setattr__(self, "own", own)


def uint(name: str, width: int, label: str, meaning: str = "", source: str = "", **more: Any) -> Field:
    """A number of `width` bits."""
    return Field(name, label, Kind.UINT, width, meaning=meaning, source=source, **more)


def flag(name: str, label: str, meaning: str = "", source: str = "", **more: Any) -> Field:
    """One bit."""
    return Field(name, label, Kind.BOOL, 1, meaning=meaning, source=source, **more)


def bits(
    name: str, width: int, label: str, parts: tuple[Field, ...], meaning: str = "", source: str = "", **more: Any
) -> Field:
    """A number of `width` bits that is made of `parts`."""
    return Field(name, label, Kind.UINT, width, meaning=meaning, source=source, parts=parts, hex=True, **more)


def marked(width: int, *parts: Field) -> tuple[Field, ...]:
    """`parts` that fill `width` bits, each of which Wireshark marks with the whole word."""
    placed, at = [], 0
    for part in parts:
        lead, trail = at // 8, width // 8 - (at + part.bits + 7) // 8
        placed.append(replace(part, lead=lead, trail=trail))
        at += part.bits
    return tuple(placed)


def bytes_(name: str, size: str | int, label: str, meaning: str = "", source: str = "", **more: Any) -> Field:
    """Bytes: a number of them, or an expression that says how many."""
    if isinstance(size, int):
        return Field(name, label, Kind.BYTES, size * 8, meaning=meaning, source=source, **more)
    return Field(name, label, Kind.BYTES, size=size, meaning=meaning, source=source, **more)


def text(name: str, size: str, label: str, meaning: str = "", source: str = "", **more: Any) -> Field:
    """Text of as many bytes as the expression says."""
    return Field(name, label, Kind.TEXT, size=size, meaning=meaning, source=source, **more)


def branch(name: str, label: str, meaning: str = "", source: str = "", **more: Any) -> Field:
    """A node that only holds others."""
    return Field(name, label, Kind.NONE, meaning=meaning, source=source, **more)


def fields_of(items: tuple[Item, ...]) -> list[Field]:
    """Every field that `items` can make, depth first."""
    found: list[Field] = []
    for item in items:
        match item:
            case Field():
                found += [item, *fields_of(item.parts)]
            case Block():
                found += [item.field, *fields_of(item.items), *([item.rest] if item.rest else [])]
            case Repeat() | When():
                found += fields_of(item.items)
            case Choose():
                for case in (*item.cases.values(), item.other):
                    found += fields_of(case)
            case Call():
                found += fields_of(item.fields)
            case Derive():
                found.append(item.field)
            case _:
                pass
    return found
