"""EDN, the notation in which Jepsen writes its files: read into plain values, and written back.

The reader follows https://github.com/edn-format/edn and takes what Clojure prints beyond it (``##Inf``, hexadecimal
numbers, records such as ``#jepsen.history.Op{…}``).

| EDN | Python | | EDN | Python |
| --- | --- | --- | --- | --- |
| ``nil`` ``true`` ``false`` | None, True, False | | ``[1 2]`` | tuple |
| ``12`` ``12N`` | int | | ``(1 2)`` | `Listing`, a tuple |
| ``1.5`` ``1.5M`` ``1/3`` | float, Decimal, Fraction | | ``{:a 1}`` | `Mapped`, a dict |
| ``"text"`` ``\\a`` | str, `Char` | | ``#{1 2}`` | frozenset |
| ``:a/b`` ``sym`` | `Keyword`, `Symbol` | | ``#tag value`` | `Tagged` |

Rules
1. A mistake is an `EdnError` that names line and column; whatever the text, nothing else is raised.
2. No recursion: forms may be nested `DEEPEST` deep, and a text may have `LONGEST` characters.
3. Read values are never changed, so all of them are hashable.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any, Final, NoReturn

__all__ = [
    "Char",
    "EdnError",
    "Keyword",
    "Listing",
    "Mapped",
    "Symbol",
    "Tagged",
    "place",
    "read_all",
    "read_placed",
    "write",
]

DEEPEST: Final = 100
LONGEST: Final = 100_000_000


class EdnError(ValueError):
    """A text is not EDN: ``sentence``, ``line`` and ``column`` (both from 1)."""

    def __init__(self, sentence: str, line: int, column: int) -> None:
        super().__init__(f"line {line}, column {column}: {sentence}")
        self.sentence = sentence
        self.line = line
        self.column = column


@dataclass(frozen=True, slots=True)
class Keyword:
    """``:name``; `name` is without the colon."""

    name: str

    def __str__(self) -> str:
        return f":{self.name}"


@dataclass(frozen=True, slots=True)
class Symbol:
    """A bare word."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Tagged:
    """``#tag value``: what the tag means is left to whoever knows it."""

    tag: str
    value: Any


class Char(str):
    """One character, written ``\\a``."""

    __slots__ = ()


class Listing(tuple[Any, ...]):
    """``( … )``"""

    __slots__ = ()


class Mapped(dict[Any, Any]):
    """``{ … }``; `at` is where it begins in the text, or -1."""

    __slots__ = ("at",)

    def __init__(self, *items: Any, at: int = -1) -> None:
        super().__init__(*items)
        self.at = at

    def __hash__(self) -> int:  # type: ignore[override]  # it may be a key itself, and is never changed
        return hash(frozenset(self.items()))


_TOKEN = re.compile(
    r"""(?:[\s,]++|;[^\n\r]*+)*+  # nothing is given back: no text makes this slow
    (?: (?P<atom>[^\s,()\[\]{}"\#;\\@^`~][^\s,()\[\]{}";\\@^`~]*)
      | (?P<string>"(?:[^"\\]|\\.)*+")
      | (?P<open>[(\[{]|\#\{)
      | (?P<close>[)\]}])
      | (?P<discard>\#_)
      | (?P<special>\#\#[^\s,()\[\]{}";]*)
      | (?P<tag>\#[^\s,()\[\]{}"#;_][^\s,()\[\]{}"\#;]*)
      | (?P<char>\\(?:[^\s,()\[\]{}";]+|.))
      | (?P<end>\Z)
      | (?P<wrong>.)
    )""",
    re.VERBOSE | re.DOTALL,
)
_OPENS = frozenset({"(", "[", "{", "#{"})
_CLOSES: Final[Mapping[str, str]] = {")": "(", "]": "[", "}": "{"}
_CHARS: Final[Mapping[str, str]] = {
    "newline": "\n", "space": " ", "tab": "\t", "return": "\r", "formfeed": "\f", "backspace": "\b",
}  # fmt: skip
_ESCAPES: Final[Mapping[str, str]] = {
    "n": "\n", "t": "\t", "r": "\r", "f": "\f", "b": "\b", "\\": "\\", '"': '"', "'": "'", "0": "\0",
}  # fmt: skip
_SPECIAL: Final[Mapping[str, float]] = {"##Inf": math.inf, "##-Inf": -math.inf, "##NaN": math.nan}
_WORDS: Final[Mapping[str, Any]] = {"nil": None, "true": True, "false": False}
_INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|(\d+))N?")
_REAL = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?(M?)")
_RATIO = re.compile(r"([+-]?\d+)/(\d+)")
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_NOTHING: Final = object()


def read_all(text: str) -> Iterator[Any]:
    """The forms that stand in `text` one after another, as they come; raises `EdnError`."""
    if len(text) > LONGEST:
        raise EdnError(f"the text has {len(text):,} characters; at most {LONGEST:,} are read", 1, 1)
    return (form for _, form in _Reader(text).forms())


def read_placed(text: str) -> Iterator[tuple[int, Any]]:
    """As `read_all`, each form with the place at which it begins."""
    if len(text) > LONGEST:
        raise EdnError(f"the text has {len(text):,} characters; at most {LONGEST:,} are read", 1, 1)
    return _Reader(text).forms()


def place(text: str, at: int) -> tuple[int, int]:
    """Line and column (both from 1) of the character number `at` (from 0); lines end as in any system."""
    before = text[:at].replace("\r\n", "\n").replace("\r", "\n")
    return before.count("\n") + 1, len(before) - before.rfind("\n")


class _Frame:
    """A form that has begun: its opening sign (or ``#_``, ``#tag``), where, and what it holds so far."""

    __slots__ = ("at", "items", "sign")

    def __init__(self, sign: str, at: int) -> None:
        self.sign = sign
        self.at = at
        self.items: list[Any] = []


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.frames: list[_Frame] = []

    def fail(self, sentence: str, at: int) -> NoReturn:
        raise EdnError(sentence, *place(self.text, at)) from None

    def forms(self) -> Iterator[tuple[int, Any]]:
        text, at = self.text, 1 if self.text.startswith("\ufeff") else 0
        atoms: dict[str, Any] = {}  # the same few words again and again
        while match := _TOKEN.match(text, at):
            kind = match.lastgroup
            assert kind is not None  # one of the groups always matches
            token, begun, at = match[kind], match.start(kind), match.end()
            first = self.frames[0].at if self.frames else begun
            if kind == "atom":
                if token not in atoms:
                    atoms[token] = self.atom(token, begun)
                value = atoms[token]
            elif kind in ("open", "discard", "tag"):
                if len(self.frames) >= DEEPEST:
                    self.fail(f"forms are nested more than {DEEPEST} deep", begun)
                self.frames.append(_Frame(token, begun))
                continue
            elif kind == "close":
                value = self.close(token, begun)
            elif kind == "end":
                break
            else:
                value = self.simple(kind, token, begun)
            if self.frames:
                value = self.finish(value)
                if value is _NOTHING:
                    continue
            yield first, value
        if self.frames:
            frame = self.frames[-1]
            what = "has no end" if frame.sign in _OPENS else "is followed by nothing"
            self.fail(f"{frame.sign!r} {what}", frame.at)

    def finish(self, value: Any) -> Any:
        """Hand a finished value to what surrounds it; gives it back when nothing does."""
        frames = self.frames
        while frames:
            frame = frames[-1]
            if frame.sign in _OPENS:
                frame.items.append(value)
                return _NOTHING
            frames.pop()
            if frame.sign == "#_":
                return _NOTHING
            value = Tagged(frame.sign[1:], value)
        return value

    def close(self, token: str, at: int) -> Any:
        if not self.frames:
            self.fail(f"{token!r} closes nothing", at)
        frame = self.frames.pop()
        if frame.sign not in _OPENS:
            self.fail(f"{frame.sign!r} is followed by nothing", frame.at)
        if frame.sign[-1] != _CLOSES[token]:
            line, _ = place(self.text, frame.at)
            self.fail(f"{token!r} cannot close the {frame.sign!r} of line {line}", at)
        items = frame.items
        if frame.sign == "[":
            return tuple(items)
        if frame.sign == "(":
            return Listing(items)
        if frame.sign == "#{":
            return frozenset(items)
        if len(items) % 2:
            self.fail(f"a map needs a value for every key; this one has {len(items)} forms", frame.at)
        found = Mapped(zip(items[::2], items[1::2], strict=True), at=frame.at)
        if 2 * len(found) < len(items) and (twice := _twice(items[::2])) is not None:
            self.fail(f"the key {str(twice)[:40]} stands twice in this map", frame.at)
        return found

    def simple(self, kind: str, token: str, at: int) -> Any:
        if kind == "string":
            return self.unescaped(token[1:-1], at) if "\\" in token else token[1:-1]
        if kind == "char":
            return self.char(token[1:], at)
        if kind == "special":
            if token not in _SPECIAL:
                self.fail(f"there is no {token[:40]!r}; known are {', '.join(_SPECIAL)}", at)
            return _SPECIAL[token]
        self.fail("this text in quotes has no end" if token == '"' else f"{token!r} cannot begin a value", at)

    def atom(self, token: str, at: int) -> Any:
        if token in _WORDS:
            return _WORDS[token]
        if token[0] == ":":
            if len(token) == 1:
                self.fail("a keyword needs a name after the colon", at)
            return Keyword(token[1:])
        if token[0].isdigit() or (token[0] in "+-" and token[1:2].isdigit()):
            return self.number(token, at)
        return Symbol(token)

    def number(self, token: str, at: int) -> Any:
        try:
            if match := _INTEGER.fullmatch(token):
                sign, hexadecimal, digits = match.groups()
                size = int(hexadecimal, 16) if hexadecimal else int(digits)
                return -size if sign == "-" else size
            if match := _REAL.fullmatch(token):
                return Decimal(token[:-1]) if match[1] else float(token)
            if match := _RATIO.fullmatch(token):
                return Fraction(int(match[1]), int(match[2]))
        except (ValueError, ZeroDivisionError, InvalidOperation):
            self.fail(f"{token[:40]!r} is too long, or divides by zero", at)
        self.fail(f"{token[:40]!r} is not a number", at)

    def char(self, name: str, at: int) -> Char:
        if len(name) == 1:
            return Char(name)
        if name in _CHARS:
            return Char(_CHARS[name])
        if re.fullmatch("u[0-9a-fA-F]{4}", name):
            return Char(chr(int(name[1:], 16)))
        if re.fullmatch("o[0-3]?[0-7]{1,2}", name):
            return Char(chr(int(name[1:], 8)))
        self.fail(f"there is no character {name[:40]!r}", at)

    def unescaped(self, body: str, at: int) -> str:
        def one(match: re.Match[str]) -> str:
            escape = match[1]
            if len(escape) == 5:
                return chr(int(escape[1:], 16))
            if escape not in _ESCAPES:
                self.fail(f"there is no escape \\{escape} in a text", at + 1 + match.start())
            return _ESCAPES[escape]

        text = _ESCAPE.sub(one, body)
        # Java writes characters beyond U+FFFF as two escapes
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace") if "\\u" in body else text


def _twice(keys: list[Any]) -> Any:
    """A key that stands there twice (1 and true are two, though Python takes them for one); None if there is none."""
    seen: set[tuple[type, Any]] = set()
    for key in keys:
        if (type(key), key) in seen:
            return key
        seen.add((type(key), key))
    return None


_ESCAPED: Final[Mapping[int, str]] = {ord(value): f"\\{key}" for key, value in _ESCAPES.items() if key not in "'0"}
_CHAR_NAMES: Final[Mapping[str, str]] = {value: name for name, value in _CHARS.items()}


def write(value: Any) -> str:
    """`value` as EDN; a list becomes a vector.  Raises `ValueError` for what EDN cannot say."""
    return _write(value, 0)


def _write(value: Any, depth: int) -> str:
    if depth > DEEPEST:
        raise ValueError(f"EDN is written at most {DEEPEST} deep")
    if value is None or isinstance(value, bool):
        return {None: "nil", True: "true", False: "false"}[value]
    if isinstance(value, Char):
        if value in _CHAR_NAMES:
            return f"\\{_CHAR_NAMES[value]}"
        return f"\\{value}" if value.isprintable() else f"\\u{ord(value):04x}"
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPED)}"'
    if isinstance(value, Keyword | Symbol | int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if math.isfinite(value) else next(k for k, v in _SPECIAL.items() if repr(v) == repr(value))
    if isinstance(value, Fraction):
        return f"{value.numerator}/{value.denominator}"
    if isinstance(value, Decimal):
        return f"{value}M"
    if isinstance(value, Tagged):
        return f"#{value.tag} {_write(value.value, depth + 1)}"
    if isinstance(value, Mapping):
        pairs = (f"{_write(k, depth + 1)} {_write(v, depth + 1)}" for k, v in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, set | frozenset):
        return "#{" + " ".join(sorted(_write(item, depth + 1) for item in value)) + "}"
    if isinstance(value, list | tuple):
        inside = " ".join(_write(item, depth + 1) for item in value)
        return f"({inside})" if isinstance(value, Listing) else f"[{inside}]"
    raise ValueError(f"EDN has no way to write a {type(value).__name__}")
