"""Exercises made from any capture: fill the blank, find the lie, what comes next, in which order, write the filter.

An exercise is a function of the capture, the kind, the packet and a number, so asking again gives the same one.  The
specs of the protocols know the right answer and the clause that says so.

Rules
1. Somebody waits for a question.  Of a conversation of more than `MOST` packets only a part is read: its first three,
   which tell where TCP counts from and how the window is scaled, and the `PART` nearest to the packet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.capture.excerpt import excerpt
from prayog_protocols.engine.filter import FilterError, compile_filter, explain
from prayog_protocols.engine.listing import Row
from prayog_protocols.engine.showing import display, literal, meaning_of, title
from prayog_protocols.engine.showing import explain as explained
from prayog_protocols.engine.spec import Kind
from prayog_protocols.engine.tree import Node, Packet, walk
from prayog_sim.rng import Rng

__all__ = ["KINDS", "Exercise", "Verdict", "exercise"]

LOOKED = 2_000  # packets in which an answer's filter is tried
MOST = 2_000  # packets of a conversation that is read whole
PART = 1_000  # packets that are read of a longer one
_SILENT = {"frame", "data"}  # layers that nothing can be asked about
_ASKED = {Kind.UINT, Kind.INT, Kind.BOOL, Kind.IPV4, Kind.IPV6, Kind.MAC, Kind.TEXT, Kind.FRAME, Kind.DURATION}
_CHOICES = 4


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an answer is right, and why."""

    right: bool
    why: str


@dataclass(frozen=True, slots=True)
class Exercise:
    """A question about a packet."""

    kind: str
    packet: int  # its index
    question: str
    choices: tuple[str, ...]  # lines to choose from, numbered from 1; empty where the answer is written
    answer: str  # a right answer, as it would be written
    hint: str
    judge: Callable[[str], Verdict]
    shown: bytes = b""  # the bytes that a panel shows beside the question; empty: none
    layers: tuple[tuple[int, int], ...] = ()  # where in them each layer begins and ends
    hidden: tuple[int, int] = (0, 0)  # first bit and number of bits in them that must not be seen


@dataclass(frozen=True, slots=True)
class _Part:
    """What is read for a question: the capture or an excerpt of it, and how the learner's list numbers its packets."""

    capture: Capture
    indexes: tuple[int, ...] = ()  # of an excerpt: the packets in the whole
    whole: int = 0  # packets of the conversation that it is taken from

    def number(self, index: int) -> int:
        return (self.indexes[index] if self.indexes else index) + 1

    @property
    def about(self) -> str:
        """What is left out, for the end of a question."""
        if not self.indexes:
            return ""
        return f" (Of the conversation’s {self.whole:,} packets, the first three and the {PART:,} nearest count.)"


def exercise(capture: Capture, kind: str, index: int, number: int = 0) -> Exercise:
    """Exercise `number` of a kind about packet `index`.  Raises `ValueError` with a sentence where none can be made."""
    make = _KINDS.get(kind)
    if make is None:
        raise ValueError(f"an exercise is {', '.join(KINDS)}; found {kind!r}")
    if not 0 <= index < len(capture):
        raise ValueError(f"packets are numbered from 1 to {len(capture)}; found {index + 1}")
    rng = Rng.derive(number, "exercise", kind, str(index))
    if _size(capture, index) <= MOST:
        return make(_Part(capture), index, rng)
    part = _near(capture, index)
    return make(part, part.indexes.index(index), rng)


def _near(capture: Capture, index: int) -> _Part:
    """The part of a long conversation that is read for a question about one of its packets."""
    found = capture.flows.of(index)
    assert found is not None  # a packet of no conversation has no long one
    members = capture.flows.indexes(*found)
    place = int(np.searchsorted(members, index))
    first = max(0, min(place - PART // 2, len(members) - PART))
    chosen = np.union1d(members[:3], members[first : first + PART]).tolist()
    return _Part(excerpt(capture, chosen), tuple(chosen), len(members))


# ── one packet ──────────────────────────────────────────────────────────────────────────────────────────────────


def _askable(packet: Packet) -> list[Node]:
    """The fields whose value can be asked for: short ones, that stand in the bytes."""
    found = []
    for layer in packet.layers:
        if layer.name in _SILENT:
            continue
        for node in walk(layer.children):
            field = node.field
            if field.kind in _ASKED and node.bits and not node.children and field.label and len(literal(node)) <= 60:
                found.append(node)
    return found


def _blank(part: _Part, index: int, rng: Rng) -> Exercise:
    packet = part.capture.packet(index)
    nodes = _askable(packet)
    if not nodes:
        raise ValueError(f"packet {part.number(index)} has no field that could be asked for")
    node = rng.choice(nodes)
    told = explained(node)
    right = {literal(node).strip().lower(), display(node).strip().lower()}
    if meaning_of(node):
        right.add(meaning_of(node).lower())
    where = f"bits {node.start} to {node.end - 1} of the packet" if node.source == 0 else "a part that was put together"
    raw = packet.bytes_of(node)
    hint = " ".join(part for part in (node.field.meaning, f"It is in {where}, in the bytes {raw[:16].hex(' ')}.",
                                      f"See {node.field.source}." if node.field.source else "") if part)  # fmt: skip

    def judge(answer: str) -> Verdict:
        said = answer.strip().strip('"“”').lower()
        good = said in right or (_number(said) is not None and _number(said) == _whole(node.value))
        return Verdict(good, f"{title(node)}. {told.meaning}".strip())

    layer = node.name.partition(".")[0].upper()
    question = f"Packet {part.number(index)}, {layer}: what is the value of “{node.field.label}”?"
    source = node.source
    layers = [(one.start // 8, (one.end + 7) // 8) for one in packet.layers if one.source == source and one.bits]
    return Exercise(
        "blank", part.number(index) - 1, question, (), literal(node).strip(), hint, judge,
        bytes(packet.sources[source].data), tuple(layers), (node.start, node.bits),
    )  # fmt: skip


def _number(text: str) -> int | None:
    try:
        return int(text, 0)
    except ValueError:
        return None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _lie(part: _Part, index: int, rng: Rng) -> Exercise:
    packet = part.capture.packet(index)
    known: set[str] = set()
    nodes = []
    for node in _askable(packet):
        if title(node) not in known and isinstance(node.value, int | bytes):
            known.add(title(node))
            nodes.append(node)
    if len(nodes) < _CHOICES:
        raise ValueError(f"packet {part.number(index)} has too few fields to hide a lie among")
    shown = rng.sample(nodes, min(_CHOICES + 1, len(nodes)))
    place = rng.randint(0, len(shown) - 1)
    true = shown[place]
    lie = Node(true.field, true.source, true.start, true.bits, _other(true, rng))
    lines = [f"{_layer_of(node)}: {title(lie if at == place else node)}" for at, node in enumerate(shown)]

    def judge(answer: str) -> Verdict:
        return Verdict(
            answer.strip() == str(place + 1), f"The lie is line {place + 1}: in the packet it says {title(true)}."
        )

    question = f"One of these lines about packet {part.number(index)} is a lie. Which one?"
    hint = f"Look at the bytes of each: the lie is in {_layer_of(true)}."
    return Exercise("lie", part.number(index) - 1, question, tuple(lines), str(place + 1), hint, judge)


def _layer_of(node: Node) -> str:
    return node.name.partition(".")[0].upper()


def _other(node: Node, rng: Rng) -> int | bytes:
    """A value that the field could have, and has not."""
    if isinstance(node.value, bytes):
        return node.value[:-1] + bytes([node.value[-1] ^ rng.randint(1, 255)]) if node.value else b"\1"
    value = int(node.value)
    if node.field.kind is Kind.BOOL:
        return 1 - value
    others = [one for one in node.field.values if isinstance(one, int) and one != value]
    if others and rng.random() < 0.7:
        return rng.choice(others)
    step = rng.choice((1, 2, 10, 256)) * node.field.scale
    return int(value + step if value < step or rng.random() < 0.5 else value - step)


# ── several packets ─────────────────────────────────────────────────────────────────────────────────────────────


def _conversation(capture: Capture, index: int) -> list[int]:
    """The packets that belong together with one: of its stream, or all where it is in none."""
    found = capture.flows.of(index)
    return capture.flows.indexes(*found).tolist() if found is not None else _around(capture, index).tolist()


def _line(capture: Capture, row: Row, index: int) -> str:
    columns = capture.columns
    port = int(columns.sport[index])
    sender = f"{row.source} port {port}" if port else row.source
    return f"from {sender}: {row.protocol} {row.info}"


def _next(part: _Part, index: int, rng: Rng) -> Exercise:
    capture = part.capture
    members = _conversation(capture, index)
    place = members.index(index)
    if place + 1 >= len(members):
        raise ValueError(f"packet {part.number(index)} is the last of its conversation")
    following = members[place + 1]
    right = _line(capture, capture.row(following), following)
    others: list[str] = []
    pool = [one for one in members if one not in (index, following)]
    for other in rng.sample(pool, min(12, len(pool))):
        line = _line(capture, capture.row(other), other)
        if line != right and line not in others:
            others.append(line)
    if not others:
        raise ValueError(f"the conversation of packet {part.number(index)} is too short to choose from")
    lines = [right, *others[: _CHOICES - 1]]
    rng.shuffle(lines)
    answer = str(lines.index(right) + 1)
    before = _line(capture, capture.row(index), index)

    def judge(said: str) -> Verdict:
        return Verdict(said.strip() == answer, f"Packet {part.number(following)} comes next: {right}.")

    hint = "Who is expected to speak now, and does the last packet need a confirmation?"
    question = f"Packet {part.number(index)} is {before}. Which packet of the conversation comes next?"
    return Exercise("next", part.number(index) - 1, question, tuple(lines), answer, hint, judge)


def _order(part: _Part, index: int, rng: Rng) -> Exercise:
    capture = part.capture
    members = _conversation(capture, index)
    first = max(0, min(members.index(index), len(members) - _CHOICES))
    chosen = members[first : first + _CHOICES]
    lines = [_line(capture, capture.row(one), one) for one in chosen]
    if len(set(lines)) < max(3, len(lines)):
        raise ValueError(f"the packets after packet {part.number(index)} are too few, or look alike")
    mixed = list(lines)
    while mixed == lines:
        rng.shuffle(mixed)
    answer = " ".join(str(mixed.index(line) + 1) for line in lines)

    def judge(said: str) -> Verdict:
        digits = " ".join(letter for letter in said if letter.isdigit())
        return Verdict(digits == answer, f"They were sent in the order {answer}.")

    hint = "Sequence and acknowledgement numbers never go back; a request comes before its response."
    question = "In which order were these packets sent? Write the numbers of the lines, as in 2 1 4 3."
    return Exercise("order", part.number(index) - 1, question, tuple(mixed), answer, hint, judge)


def _filter(part: _Part, index: int, rng: Rng) -> Exercise:
    capture = part.capture
    packet = capture.packet(index)
    among = _around(capture, index)
    options = [f"{layer.name}" for layer in packet.layers if layer.name not in _SILENT]
    for node in _askable(packet):
        if node.name and node.field.kind is not Kind.TEXT:
            options.append(f"{node.name} == {literal(node)}")
    columns = capture.columns
    if int(columns.proto[index]) in (6, 17) and int(columns.dport[index]):
        name = "tcp" if columns.proto[index] == 6 else "udp"
        options += [f"{name}.port == {int(columns.dport[index])}", f"not {name}.port == {int(columns.sport[index])}"]
    rng.shuffle(options)
    for text in options[:12]:
        try:
            wanted = compile_filter(text, capture.registry).among(capture, among)
        except FilterError:
            continue
        if 0 < len(wanted) < len(among):
            break
    else:
        raise ValueError("all packets here are too much alike to tell them apart with a filter")

    def judge(said: str) -> Verdict:
        try:
            found = compile_filter(said, capture.registry).among(capture, among)
        except FilterError as error:
            return Verdict(False, f"{error.sentence} (column {error.column + 1})")
        missing, extra = np.setdiff1d(wanted, found), np.setdiff1d(found, wanted)
        if not len(missing) and not len(extra):
            return Verdict(True, f"It finds exactly these packets. {explain(said, capture.registry)}")
        wrong = [f"it leaves out packet {part.number(int(missing[0]))}"] if len(missing) else []
        wrong += [f"it lets packet {part.number(int(extra[0]))} through"] if len(extra) else []
        return Verdict(False, f"Not quite: {' and '.join(wrong)}. One that fits is {text}.")

    words = explain(text, capture.registry)
    question = f"Write a filter for these: {words[:1].lower()}{words[1:]}{part.about}"
    hint = "Names of fields are those of Wireshark; ask for completion."
    return Exercise("filter", part.number(index) - 1, question, (), text, hint, judge)


def _size(capture: Capture, index: int) -> int:
    """Packets of the conversation of a packet."""
    found = capture.flows.of(index)
    return capture.flows.size(*found) if found is not None else 0


def _around(capture: Capture, index: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The packets in which filters are tried: all, or those nearest to one, without conversations that are too long."""
    first = max(0, min(index - LOOKED // 2, len(capture) - LOOKED))
    near = range(first, min(first + LOOKED, len(capture)))
    return np.array([one for one in near if _size(capture, one) <= MOST], np.int64)


_KINDS: dict[str, Callable[[_Part, int, Rng], Exercise]] = {
    "blank": _blank, "lie": _lie, "next": _next, "order": _order, "filter": _filter,
}  # fmt: skip
KINDS = tuple(_KINDS)
