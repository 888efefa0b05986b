"""The words of a filter and how they belong together: a part of Wireshark's display filter language.

    tcp.port == 80 && http.request.method in {"GET", "PUT"}
    ip.addr == 10.0.0.0/8 and not udp.port in {53, 5000..5100}
    tcp.payload[0:2] == 16:03 or http.host matches "example\\\\.(in|com)$"

A field alone asks whether it is there.  A field that occurs several times fits `==` when one of its values does, and
`!=` when none does; `===` and `!==` turn that round.  What cannot be understood is said at its column.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "And", "Call", "Compare", "Entity", "FieldName", "FilterError", "Inside", "Literal", "Not", "Or", "Present",
    "Range", "Slice", "Token", "Tree", "parse", "tokens",
]  # fmt: skip


class FilterError(ValueError):
    """A filter that cannot be understood: where, and why."""

    def __init__(self, column: int, sentence: str) -> None:
        super().__init__(sentence)
        self.column = column  # from 0
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Token:
    """A word of a filter."""

    kind: str  # "name", "number", "text", "literal", "op", "end"
    text: str
    column: int


@dataclass(frozen=True, slots=True)
class FieldName:
    """A field, by Wireshark's name."""

    name: str
    column: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as it was written."""

    text: str
    quoted: bool
    column: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Some bytes of a field: pairs of first byte and length (None: to the end)."""

    of: FieldName
    ranges: tuple[tuple[int, int | None], ...]
    column: int


@dataclass(frozen=True, slots=True)
class Call:
    """A function of a field: `len`, `upper`, `lower`, `count`, `string`."""

    function: str
    of: FieldName | Slice
    column: int


Entity = FieldName | Slice | Call | Literal


@dataclass(frozen=True, slots=True)
class Range:
    """Members of a set: from `low` to `high`."""

    low: Literal
    high: Literal


@dataclass(frozen=True, slots=True)
class Compare:
    """Left, operator, right."""

    op: str  # "==", "!=", "===", "!==", "<", "<=", ">", ">=", "contains", "matches", "&"
    left: Entity
    right: Entity
    column: int


@dataclass(frozen=True, slots=True)
class Inside:
    """Left is a member of a set."""

    left: Entity
    members: tuple[Literal | Range, ...]
    column: int


@dataclass(frozen=True, slots=True)
class Present:
    """The field is there."""

    of: FieldName | Slice | Call
    column: int


@dataclass(frozen=True, slots=True)
class And:
    """Both."""

    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Or:
    """At least one."""

    left: Tree
    right: Tree


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    of: Tree


Tree = Compare | Inside | Present | And | Or | Not

_WORDS = {
    "and": "&&", "or": "||", "not": "!", "eq": "==", "any_eq": "==", "ne": "!=", "all_ne": "!=", "all_eq": "===",
    "any_ne": "!==",
    "gt": ">", "ge": ">=", "lt": "<", "le": "<=", "bitand": "&", "bitwise_and": "&", "contains": "contains",
    "matches": "matches", "in": "in",
}  # fmt: skip
_COMPARE = {"==", "!=", "===", "!==", "<", "<=", ">", ">=", "contains", "matches", "~", "&"}
FUNCTIONS = ("len", "upper", "lower", "count", "string")
_DEEPEST = 100
_TOKEN = re.compile(r"""
    (?P<space>\s+)
  | (?P<text>r?"(?:[^"\\]|\\.)*")
  | (?P<op>===|!==|&&|\|\||==|!=|<=|>=|\.\.|[<>!~&(){}\[\],:])
  | (?P<word>[\w.\-+/:@]*[\w/]|[-+]?\d[\w.]*|::[\w:./]*)
""", re.VERBOSE)  # fmt: skip
_LITERAL = re.compile(r"""
    (?:[0-9A-Fa-f]{1,2}(?:[:\-.][0-9A-Fa-f]{1,2}){2,}(?:/\d+)?\Z)      # bytes, hardware addresses
  | (?:\d{1,3}(?:\.\d{1,3}){3}(?:/\d+)?\Z)                             # IPv4
  | (?:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*(?:/\d+)?\Z)                        # IPv6, bytes
  | (?:[-+]?(?:0[xX][0-9A-Fa-f]+|\d+(?:\.\d+)?)\Z)                     # numbers
""", re.VERBOSE)  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][\w\-]*(?:\.[\w\-]+)*\Z")


def tokens(text: str) -> list[Token]:
    """The words of a filter.  Raises `FilterError`."""
    found: list[Token] = []
    at, depth = 0, 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            if text[at] == '"':
                raise FilterError(at, "This text has no end: a second quotation mark is missing.")
            raise FilterError(at, f"{text[at]!r} does not belong into a filter.")
        kind, piece = match.lastgroup or "", match.group()
        if kind == "text":
            found.append(Token("text", piece, at))
        elif kind == "op":
            depth += {"[": 1, "]": -1}.get(piece, 0)
            found.append(Token("op", "matches" if piece == "~" else piece, at))
        elif kind == "word":
            at = _word(found, text, at, depth)
            continue
        at = match.end()
    return [*found, Token("end", "", len(text))]


def _word(found: list[Token], text: str, at: int, depth: int) -> int:
    """A name, a number or an address, as long as it makes sense; returns the place after it."""
    stop = r"-?\d+-\d+|-?[\w.]+" if depth else r"[\w.\-:/+@]+"
    match = re.compile(stop).match(text, at)
    piece = match.group() if match else text[at]
    if ".." in piece:  # a range in a set: the two ends are words of their own
        piece = piece[: piece.index("..")]
    piece = piece.rstrip(".:-") if not piece.startswith("::") and not piece.endswith("::") else piece
    if not piece:
        piece = text[at]
    if piece.lower() in _WORDS:
        found.append(Token("op", _WORDS[piece.lower()], at))
    elif (depth and piece.isdigit()) or (depth and re.fullmatch(r"\d+-\d+", piece)):
        found.append(Token("number", piece, at))
    elif _LITERAL.match(piece):
        found.append(Token("literal", piece, at))
    elif _NAME.match(piece):
        found.append(Token("name", piece, at))
    else:
        found.append(Token("literal", piece, at))
    return at + len(piece)


class _Parser:
    def __init__(self, text: str) -> None:
        self.text, self.words, self.at, self.depth = text, tokens(text), 0, 0

    @property
    def word(self) -> Token:
        return self.words[self.at]

    def take(self) -> Token:
        self.at += 1
        return self.words[self.at - 1]

    def eat(self, op: str) -> bool:
        if self.word.kind == "op" and self.word.text == op:
            self.at += 1
            return True
        return False

    def need(self, op: str, why: str) -> None:
        if not self.eat(op):
            raise FilterError(self.word.column, f"{op!r} is missing here: {why}.")

    def either(self) -> Tree:
        left = self.both()
        while self.eat("||"):
            left = Or(left, self.both())
        return left

    def both(self) -> Tree:
        left = self.negated()
        while self.eat("&&"):
            left = And(left, self.negated())
        return left

    def negated(self) -> Tree:
        self.depth += 1
        if self.depth > _DEEPEST:
            raise FilterError(self.word.column, f"More than {_DEEPEST} brackets and negations within each other.")
        try:
            if self.eat("!"):
                return Not(self.negated())
            if self.eat("("):
                inner = self.either()
                self.need(")", "a bracket was opened and not closed")
                return inner
            return self.relation()
        finally:
            self.depth -= 1

    def relation(self) -> Tree:
        left = self.entity()
        word = self.word
        if word.kind == "op" and word.text == "in":
            self.take()
            return self.members(left, word.column)
        if word.kind == "op" and word.text in _COMPARE:
            self.take()
            right = self.entity()
            if isinstance(left, Literal) and isinstance(right, Literal):
                raise FilterError(left.column, "One side of a comparison must be a field.")
            return Compare(word.text, left, right, word.column)
        if isinstance(left, Literal):
            raise FilterError(
                left.column, f"{left.text} is a value; a field is missing that it could be compared with."
            )
        return Present(left, left.column)

    def entity(self) -> Entity:
        word = self.take()
        if word.kind == "text":
            return Literal(_unquoted(word.text), True, word.column)
        if word.kind in ("literal", "number"):
            return Literal(word.text, False, word.column)
        if word.kind == "name":
            if word.text in FUNCTIONS and self.eat("("):
                inner = self.entity()
                if isinstance(inner, Literal | Call):
                    raise FilterError(word.column, f"{word.text}() takes a field.")
                self.need(")", f"the end of {word.text}(…)")
                return Call(word.text, inner, word.column)
            name = FieldName(word.text, word.column)
            return self.sliced(name) if self.eat("[") else name
        if word.kind == "end":
            raise FilterError(word.column, "The filter ends here, and a field or a value is missing.")
        raise FilterError(word.column, f"A field or a value is expected here, not {word.text!r}.")

    def sliced(self, name: FieldName) -> Slice:
        ranges: list[tuple[int, int | None]] = []
        while True:
            ranges.append(self.one_slice())
            if not self.eat(","):
                break
        self.need("]", "a slice looks like [0:4], [3], [2-5] or [4:]")
        return Slice(name, tuple(ranges), name.column)

    def one_slice(self) -> tuple[int, int | None]:
        if self.eat(":"):
            return 0, self.number()
        word = self.word
        if "-" in word.text[1:]:
            self.take()
            low, high = (int(part) for part in word.text.split("-"))
            return low, high - low + 1
        first = self.number()
        if not self.eat(":"):
            return first, 1
        if self.word.text in ("]", ","):
            return first, None
        return first, self.number()

    def number(self) -> int:
        word = self.take()
        try:
            return int(word.text, 0)
        except ValueError:
            raise FilterError(word.column, "A number is expected here: which byte.") from None

    def members(self, left: Entity, column: int) -> Tree:
        self.need("{", "a set looks like {80, 443, 8000..8100}")
        members: list[Literal | Range] = []
        while True:
            low = self.entity()
            if not isinstance(low, Literal):
                raise FilterError(low.column, "A set holds values; texts stand in quotation marks.")
            if self.eat(".."):
                high = self.entity()
                if not isinstance(high, Literal):
                    raise FilterError(high.column, "A range goes from a value to a value.")
                members.append(Range(low, high))
            else:
                members.append(low)
            if not self.eat(","):
                if self.word.kind in ("literal", "text", "number"):
                    continue  # a space between members will do
                break
        self.need("}", "the set was opened and not closed")
        if isinstance(left, Literal):
            raise FilterError(left.column, "A field stands before “in”.")
        return Inside(left, tuple(members), column)


def _unquoted(text: str) -> str:
    if text.startswith("r"):
        return text[2:-1]
    return re.sub(r'\\(["\\])', r"\1", text[1:-1])


def parse(text: str) -> Tree | None:
    """The filter as a tree; None for an empty one, which lets everything through.  Raises `FilterError`."""
    if not text.strip():
        return None
    parser = _Parser(text)
    tree = parser.either()
    if parser.word.kind != "end":
        word = parser.word
        raise FilterError(word.column, f"{word.text!r} cannot follow here; “and” or “or” is missing, perhaps.")
    return tree
