"""From a spec to Python code: what would be looked up for each packet is written out once.

For each protocol there are two functions, made from the same items:

    tree(c, out, data, at, end) -> at      appends nodes to `out`
    read(c, out, data, at, end) -> at      puts values into the dictionary `out`, as the builder takes them

Neighbouring fields of fixed width are a *run*: one `struct` reads them all, and their places are constants.  If the
bytes end inside a run, its fields are read one by one up to where it is cut (`short`).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from keyword import iskeyword
from struct import Struct
from typing import Any

from prayog_protocols.engine.dissection import Dissection, Stop, close
from prayog_protocols.engine.spec import (
    Block,
    Call,
    Check,
    Choose,
    Derive,
    Field,
    Item,
    Kind,
    Let,
    Protocol,
    Repeat,
    Then,
    When,
)
from prayog_protocols.engine.tree import Node

__all__ = ["Code", "compile_protocol", "names_in"]

Reader = Callable[[Dissection, Any, bytes, int, int], int]
_WORDS = {8: "B", 16: "H", 32: "I", 64: "Q"}
_TAKEN = {"c", "data", "at", "start", "end", "out"}
_RAW = {Kind.BYTES, Kind.TEXT, Kind.MAC, Kind.IPV6, Kind.REAL}


@dataclass(frozen=True, slots=True)
class Code:
    """A compiled protocol, and the text it was compiled from."""

    tree: Reader
    read: Reader
    text: str


def names_in(expression: str) -> set[str]:
    """The names that an expression uses."""
    if not expression:
        return set()
    return {node.id for node in ast.walk(ast.parse(expression, mode="eval")) if isinstance(node, ast.Name)}


def compile_protocol(protocol: Protocol) -> Code:
    """The two functions of `protocol`."""
    space: dict[str, Any] = {
        "Node": Node, "Stop": Stop, "short": short, "close": close, "decoded": decoded, "int_": int.from_bytes,
        "limited": limited,
    }  # fmt: skip
    source = "\n".join(_Writer(protocol, space, tree=tree).written() for tree in (True, False))
    exec(compile(source, f"<spec {protocol.name}>", "exec"), space)
    return Code(space["tree"], space["read"], source)


# ── helpers of the compiled code ────────────────────────────────────────────────────────────────────────────────


def short(c: Dissection, out: list[Node] | None, fields: tuple[Field, ...], data: bytes, at: int, end: int) -> None:
    """A run that does not fit: the fields that do, then the cut."""
    number = int.from_bytes(data[at:end], "big")
    there, place = (end - at) * 8, 0
    for field in fields:
        if place + field.bits > there:
            first = at + place // 8
            c.cut([] if out is None else out, field, first, end, at + (place + field.bits + 7) // 8 - first)
        if out is not None:
            raw = number >> (there - place - field.bits) & (1 << field.bits) - 1
            node = Node(field, c.source, at * 8 + place, field.bits, decoded(field, raw), [])
            out.append(node)
            _parts(field, raw, node)
        place += field.bits


def _parts(field: Field, raw: int, node: Node) -> None:
    place = 0
    for part in field.parts:
        value = raw >> (field.bits - place - part.bits) & (1 << part.bits) - 1
        child = Node(part, node.source, node.start + place, part.bits, decoded(part, value), [])
        _parts(part, value, child)
        node.children = [*node.children, child]
        place += part.bits


def decoded(field: Field, raw: int | bytes) -> Any:
    """The value of a field from its bits, given as a number or as bytes."""
    kind = field.kind
    if kind in _RAW:
        piece = raw if isinstance(raw, bytes) else raw.to_bytes(field.bits // 8, "big")
        if kind is Kind.REAL:
            return Struct(">d" if len(piece) == 8 else ">f").unpack(piece)[0] if len(piece) in (4, 8) else None
        return piece.decode(field.encoding, "replace") if kind is Kind.TEXT else piece
    if kind is Kind.NONE:
        return None
    if isinstance(raw, bytes):
        number, width = int.from_bytes(raw, "little" if field.little else "big"), len(raw) * 8
    else:
        number, width = raw, field.bits
        if field.little:
            number = int.from_bytes(number.to_bytes(width // 8, "big"), "little")
    if kind is Kind.INT and number >> (width - 1) & 1:
        number -= 1 << width
    return number * field.scale


def limited(c: Dissection, field: Field, at: int, end: int, size: int) -> int:
    """Where a block of `size` bytes ends; a size that is not there is said, and what is there is taken."""
    if 0 <= size <= end - at:
        return at + size
    label = field.label or field.name
    c.note("error", f"{label} is said to take {size} bytes, and {end - at} are left.", at * 8, max(0, end - at) * 8)
    return end


# ── the writer ──────────────────────────────────────────────────────────────────────────────────────────────────


def _expressions(items: Iterable[Item]) -> Iterable[str]:
    """Every expression in `items`, to find out which keys are needed again."""
    for item in items:
        match item:
            case Field():
                yield item.size if item.size != "rest" else ""
            case Block():
                yield item.size
                yield from _expressions(item.items)
            case Repeat():
                yield item.count
                yield item.while_
                yield from _expressions(item.items)
            case Choose():
                yield item.on
                for case in (*item.cases.values(), item.other):
                    yield from _expressions(case)
            case When():
                yield item.condition
                yield from _expressions(item.items)
            case Call():
                yield f"({', '.join(item.needs)},)" if item.needs else ""
                yield item.gives
            case Let():
                yield item.key
                yield item.expression
            case Derive():
                yield item.expression
                yield item.when
            case Check():
                yield item.expression
                yield "f" + repr(item.sentence)
            case Then():
                yield item.key
                yield item.until


def _keys(items: Iterable[Item]) -> Iterable[str]:
    """Every name that `items` give to a value."""
    for item in items:
        match item:
            case Field():
                yield item.key
                yield from _keys(item.parts)
            case Block() | Repeat() | When():
                yield from _keys(item.items)
            case Choose():
                if item.peek:
                    yield item.on
                for case in (*item.cases.values(), item.other):
                    yield from _keys(case)
            case Call():
                yield item.gives
            case Let():
                yield item.key
            case _:
                pass


def _overs(items: Iterable[Item]) -> Iterable[str]:
    for item in items:
        match item:
            case Derive() | Check():
                yield item.over
            case Block() | Repeat() | When():
                yield from _overs(item.items)
            case Choose():
                for case in (*item.cases.values(), item.other):
                    yield from _overs(case)
            case _:
                pass


class _Writer:
    """Writes one function of one protocol."""

    def __init__(self, protocol: Protocol, space: dict[str, Any], tree: bool) -> None:
        self.protocol, self.space, self.tree = protocol, space, tree
        self.lines: list[str] = []
        self.count = 0
        used = set().union(*map(names_in, _expressions(protocol.items)))
        keys = set(_keys(protocol.items))
        for key in sorted(keys & _TAKEN):
            raise ValueError(
                f"{protocol.name}: the key {key!r} has a meaning of its own in expressions; give another one"
            )
        self.used = used & keys
        self.overs = set(_overs(protocol.items)) - {""}

    def written(self) -> str:
        self.say(0, f"def {'tree' if self.tree else 'read'}(c, out, data, at, end):")
        self.say(1, "_s = c.source")
        self.say(1, "start = at")
        for key in sorted(self.used):
            self.say(1, f"{key} = None")
        for key in sorted(self.overs):
            self.say(1, f"_p_{key} = (at << 3, 0)")
        self.items(1, self.protocol.items, "out", "end")
        self.say(1, "return at")
        return "\n".join(self.lines)

    def say(self, depth: int, line: str) -> None:
        self.lines.append("    " * depth + line)

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"_{stem}{self.count}"

    def constant(self, value: Any, stem: str) -> str:
        name = f"_{'T' if self.tree else 'R'}{self.fresh(stem)}"
        self.space[name] = value
        return name

    def items(self, depth: int, items: tuple[Item, ...], out: str, end: str) -> None:
        run: list[Field] = []
        for item in items:
            if isinstance(item, Field) and item.bits:
                run.append(item)
                continue
            self.run(depth, run, out, end)
            run = []
            self.item(depth, item, out, end)
        self.run(depth, run, out, end)
        if not items:
            self.say(depth, "pass")

    # ── runs of fixed width ─────────────────────────────────────────────────────────────────────────────────────

    def run(self, depth: int, fields: list[Field], out: str, end: str) -> None:
        if not fields:
            return
        total = sum(field.bits for field in fields)
        if total % 8:
            told = ", ".join(field.name or field.label for field in fields)
            raise ValueError(f"{self.protocol.name}: {told} take {total} bits, which is no whole number of bytes")
        run = self.constant(tuple(fields), "run")
        self.say(depth, f"if end - at < {total // 8}:" if end == "end" else f"if {end} - at < {total // 8}:")
        self.say(depth + 1, f"short(c, {out if self.tree else 'None'}, {run}, data, at, {end})")
        letters = ""
        names: list[str] = []
        later: list[str] = []
        place = word = 0
        inside: list[tuple[Field, int]] = []
        nodes: list[str] = []
        for field in fields:
            inside.append((field, place))
            word += field.bits
            place += field.bits
            if word % 8:
                continue
            name = self.fresh("x")
            letter, raw = self._letter(inside, word)
            letters += letter
            names.append(name)
            first = place - word
            if not raw:
                later.append(f"{name} = int_({name}, 'big')")
            for part, at in inside:
                self._field(part, name, at, first + word - at - part.bits, word, later, nodes, out)
            word, inside = 0, []
        unpack = self.constant(Struct(">" + letters).unpack_from, "u")
        self.say(depth, f"{', '.join(names)}{',' if len(names) == 1 else ''} = {unpack}(data, at)")
        if self.tree or self.overs:
            self.say(depth, "_b = at << 3")
        for line in later:
            self.say(depth, line)
        if self.tree:
            self.say(depth, f"{out} += ({', '.join(nodes)},)")
        self.say(depth, f"at += {total // 8}")

    @staticmethod
    def _letter(inside: list[tuple[Field, int]], width: int) -> tuple[str, bool]:
        """The `struct` letter of a word, and whether what it gives is ready for use."""
        field = inside[0][0]
        if len(inside) == 1 and (field.kind in _RAW or field.kind is Kind.NONE):
            return f"{width // 8}s", True
        if width in _WORDS:
            return _WORDS[width], True
        return f"{width // 8}s", False

    def _field(
        self, field: Field, source: str, place: int, shift: int, word: int, later: list[str], nodes: list[str], out: str
    ) -> str:  # fmt: skip
        """Lines that give `field` its value; returns the expression of its node."""
        value = self._value(field, source, shift, word)
        if field.key in self.used or field.parts or not value.isidentifier():
            name = field.key if field.key in self.used else self.fresh("v")
            if not name.isidentifier() or iskeyword(name):
                raise ValueError(f"{field.name}: {name!r} cannot be a name in an expression; give it another key")
            if name != value:
                later.append(f"{name} = {value}")
            value = name
        if field.key in self.overs:
            later.append(f"_p_{field.key} = (_b + {place}, {field.bits})")
        if not self.tree:
            if field.key:
                later.append(f"{out}[{field.key!r}] = {value}")
            for part, at, left in _placed(field):
                self._field(part, source, place + at, shift + left, word, later, nodes, out)
            return ""
        children: list[str] = []
        for part, at, left in _placed(field):
            children.append(self._field(part, source, place + at, shift + left, word, later, [], out))
        constant = self.constant(field, "f")
        # The empty tuple is said, because an argument that is left out costs a third of the whole call.
        inner = f"[{', '.join(children)}]" if children else "()"
        begin = f"_b + {place}" if place else "_b"
        node = f"Node({constant}, _s, {begin}, {field.bits}, {value}, {inner})"
        nodes.append(node)
        return node

    def _value(self, field: Field, source: str, shift: int, word: int) -> str:
        if field.kind is Kind.NONE:
            return "None"
        if field.kind is Kind.TEXT:
            return f"{source}.decode({field.encoding!r}, 'replace')"
        if field.kind in _RAW and field.kind is not Kind.REAL:
            return source
        if field.kind in (Kind.INT, Kind.REAL) or field.little:
            raw = source if field.bits == word else f"{source} >> {shift} & {(1 << field.bits) - 1}"
            return f"decoded({self.constant(field, 'f')}, {raw})"
        text = source
        if field.bits != word:
            text = f"{source} >> {shift} & {(1 << field.bits) - 1}" if shift else f"{source} & {(1 << field.bits) - 1}"
        return f"({text}) * {field.scale}" if field.scale != 1 else text

    # ── everything else ─────────────────────────────────────────────────────────────────────────────────────────

    def item(self, depth: int, item: Item, out: str, end: str) -> None:
        match item:
            case Field():
                self.sized(depth, item, out, end)
            case Block():
                self.block(depth, item, out, end)
            case Repeat():
                self.repeat(depth, item, out, end)
            case Choose():
                self.choose(depth, item, out, end)
            case When():
                self.say(depth, f"if {item.condition}:")
                self.items(depth + 1, item.items, out, end)
            case Call():
                call = self.constant(item.read, "call")
                needs = "".join(f", {need}" for need in item.needs)
                target = f"at, {item.gives}" if item.gives else "at"
                nodes = out if self.tree else "[]"
                self.say(depth, f"{target} = {call}(c, {nodes}, data, at, {end}{needs})")
                if item.gives and not self.tree:
                    self.say(depth, f"{out}[{item.gives!r}] = {item.gives}")
            case Let():
                self.say(depth, f"{item.key} = {item.expression}")
                if item.kept and not self.tree:
                    self.say(depth, f"{out}[{item.key!r}] = {item.key}")
            case Derive() if self.tree:
                if item.when:
                    self.say(depth, f"if {item.when}:")
                    depth += 1
                place = f"*_p_{item.over}" if item.over else "start << 3, 0"
                if item.part:
                    place = f"_p_{item.over}[0] + {item.part[0]}, {item.part[1]}"
                field = self.constant(item.field, "f")
                self.say(depth, f"{out}.append(Node({field}, _s, {place}, {item.expression}, ()))")
            case Check():
                place = f"*_p_{item.over}" if item.over else "at << 3, 0"
                self.say(depth, f"if not ({item.expression}):")
                if self.tree:
                    self.say(depth + 1, f"c.note({item.severity!r}, f{item.sentence!r}, {place})")
                if item.stop:
                    self.say(depth + 1, "raise Stop")
                elif not self.tree:
                    self.say(depth + 1, "pass")
            case Then():
                self.say(
                    depth, f"c.following = (c.registry.find({item.table!r}, {item.key}), _s, at, {item.until or end})"
                )
            case _:
                self.say(depth, "pass")

    def sized(self, depth: int, field: Field, out: str, end: str) -> None:
        size = self.fresh("n")
        self.say(depth, f"{size} = {end} - at" if field.size == "rest" else f"{size} = {field.size}")
        constant = self.constant(field, "f")
        if field.size != "rest":
            self.say(depth, f"if {size} < 0 or {size} > {end} - at:")
            self.say(depth + 1, f"c.cut({out if self.tree else '[]'}, {constant}, at, {end}, {size})")
        piece = f"data[at:at + {size}]"
        value = self.fresh("v") if field.key not in self.used else field.key
        self.say(depth, f"{value} = {piece if field.kind is Kind.BYTES else f'decoded({constant}, {piece})'}")
        if field.key in self.overs:
            self.say(depth, f"_p_{field.key} = (at << 3, {size} << 3)")
        if self.tree:
            if counted := field.kind is not Kind.TEXT or field.size == "rest":  # a counted text may be an empty one
                self.say(depth, f"if {size}:")
            self.say(depth + counted, f"{out}.append(Node({constant}, _s, at << 3, {size} << 3, {value}, ()))")
        else:
            self.say(depth, f"{out}[{field.key!r}] = {value}")
        self.say(depth, f"at += {size}")

    def block(self, depth: int, block: Block, out: str, end: str) -> None:
        field = self.constant(block.field, "f")
        node, inner, stop = self.fresh("node"), out, end
        if self.tree:
            inner = self.fresh("out")
            self.say(depth, f"{inner} = []")
            self.say(depth, f"{node} = Node({field}, _s, at << 3, 0, None, {inner})")
            self.say(depth, f"{out}.append({node})")
        elif block.key:
            inner = self.fresh("out")
            self.say(depth, f"{inner} = {out}[{block.key!r}] = {{}}")
        if block.size:
            stop = self.fresh("end")
            self.say(depth, f"{stop} = limited(c, {field}, at, {end}, {block.size})")
        if block.keeps:
            self.say(depth, "try:")
            self.items(depth + 1, block.items, inner, stop)
            self.say(depth, "except Stop:")
            self.say(depth + 1, f"at = {stop}")
            if self.tree:
                self.say(depth + 1, f"close({node})")
        else:
            self.items(depth, block.items, inner, stop)
        if block.size:
            if block.rest is not None:
                rest = self.constant(block.rest, "f")
                self.say(depth, f"if at < {stop}:")
                piece = f"data[at:{stop}]"
                if self.tree:
                    shown = "None" if block.rest.kind is Kind.NONE else piece
                    self.say(depth + 1, f"{inner}.append(Node({rest}, _s, at << 3, {stop} - at << 3, {shown}, ()))")
                else:
                    self.say(depth + 1, f"{inner}[{block.rest.key!r}] = {piece}")
            self.say(depth, f"at = {stop}")
        if self.tree:
            self.say(depth, f"{node}.bits = (at << 3) - {node}.start")
            if block.field.kind is Kind.UINT:  # a branch that shows the value of its first field
                self.say(depth, f"{node}.value = {inner}[0].value if {inner} else 0")
            if block.field.kind is Kind.BYTES:
                self.say(depth, f"{node}.value = data[{node}.start >> 3:at]")

    def repeat(self, depth: int, item: Repeat, out: str, end: str) -> None:
        inner = out
        if not self.tree:
            items = self.fresh("list")
            self.say(depth, f"{items} = {out}[{item.key!r}] = []")
        if item.count:
            self.say(depth, f"for _ in range({item.count}):")
        else:
            self.say(depth, f"while at < {end}" + (f" and ({item.while_}):" if item.while_ else ":"))
        before = self.fresh("was")
        self.say(depth + 1, f"{before} = at")
        if not self.tree:
            inner = self.fresh("out")
            self.say(depth + 1, f"{inner} = {{}}")
            self.say(depth + 1, f"{items}.append({inner})")
        self.items(depth + 1, item.items, inner, end)
        # An item that takes no bytes would be read for ever.
        self.say(depth + 1, f"if at == {before}: break")

    def choose(self, depth: int, item: Choose, out: str, end: str) -> None:
        on = item.on
        if item.peek:
            size = item.peek // 8
            missing = self.constant(Field("", f"The {item.on}", bits=item.peek), "f")
            self.say(depth, f"if {end} - at < {size}:")
            self.say(depth + 1, f"c.cut([], {missing}, at, {end}, {size})")
            self.say(depth, f"{item.on} = int_(data[at:at + {size}], 'big')" if size > 1 else f"{item.on} = data[at]")
        elif not item.on.isidentifier():
            on = self.fresh("on")
            self.say(depth, f"{on} = {item.on}")
        word = "if"
        for value, items in item.cases.items():
            if isinstance(value, range):
                test = f"{value.start} <= {on} < {value.stop}"
            else:
                test = f"{on} in {value!r}" if isinstance(value, tuple) else f"{on} == {value!r}"
            self.say(depth, f"{word} {test}:")
            self.items(depth + 1, items, out, end)
            word = "elif"
        if item.other:
            self.say(depth, "else:")
            self.items(depth + 1, item.other, out, end)


def _placed(field: Field) -> Iterable[tuple[Field, int, int]]:
    """Each part of a field, with its place from the left and from the right."""
    at = 0
    for part in field.parts:
        yield part, at, field.bits - at - part.bits
        at += part.bits
    if field.parts and at != field.bits:
        raise ValueError(f"the parts of {field.name} take {at} bits, and it has {field.bits}")
