"""The words of a statement as SQLite stores it, and a cursor over them.

SQLite keeps the text of every CREATE statement and no parsed form, so what PRAGMAs do not tell can only be read from
there.  The rules are those of its tokenizer (sqlite.org/lang_keywords, lang_expr “Literal Values”).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = ["Token", "Words", "tokens", "unquoted"]

TokenKind = Literal["word", "name", "string", "number", "sign"]

_PATTERN = re.compile(
    r"""
    (?P<space>  \s+ | --[^\n]* | /\*.*?(?:\*/|\Z) )
  | (?P<string> [xX]?'(?:[^']|'')*' )
  | (?P<name>   "(?:[^"]|"")*" | `(?:[^`]|``)*` | \[[^\]]*\] )
  | (?P<number> 0[xX][0-9a-fA-F_]+ | (?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?\d+)? )
  | (?P<word>   [^\W\d][\w$]* )
  | (?P<sign>   \|\||->>?|<<|>>|<=|>=|<>|!=|==|. )
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """One word; ``name`` is a quoted identifier.  ``begin`` and ``end`` are places in the text."""

    kind: TokenKind
    text: str
    begin: int
    end: int


def tokens(sql: str) -> Iterator[Token]:
    """The words of `sql`, without white space and comments."""
    for found in _PATTERN.finditer(sql):
        kind = found.lastgroup
        if kind != "space":
            yield Token(kind, found.group(), found.start(), found.end())  # type: ignore[arg-type]


def unquoted(text: str) -> str:
    """An identifier without its quotes, whichever of the four kinds they are."""
    if text[:1] in "\"`'" and len(text) > 1:
        return text[1:-1].replace(text[0] * 2, text[0])
    return text[1:-1] if text[:1] == "[" else text


class Words:
    """A cursor over the words of one statement.  Raises `ValueError` where something else was expected."""

    def __init__(self, sql: str) -> None:
        self.sql = sql
        self._all = list(tokens(sql))
        self._at = 0

    @property
    def ended(self) -> bool:
        """No word is left."""
        return self._at >= len(self._all)

    def peek(self, ahead: int = 0) -> str:
        """The next word in upper case if it is not quoted; "" at the end."""
        at = self._at + ahead
        if at >= len(self._all):
            return ""
        token = self._all[at]
        return token.text.upper() if token.kind == "word" else token.text

    def next(self) -> Token:
        """Take the next word."""
        if self.ended:
            raise ValueError(f"The statement ends too early: {self.sql[-60:]!r}")
        self._at += 1
        return self._all[self._at - 1]

    def accept(self, *words: str) -> bool:
        """Take the words when they come next, all of them."""
        if all(self.peek(n) == word for n, word in enumerate(words)):
            self._at += len(words)
            return True
        return False

    def expect(self, *words: str) -> None:
        """Take the words, which must come next."""
        if not self.accept(*words):
            raise ValueError(f"Expected {' '.join(words)}, found {self.peek()!r} in {self.sql[:60]!r}")

    def name(self) -> str:
        """Take an identifier, quoted or not."""
        return unquoted(self.next().text)

    def names(self) -> tuple[str, ...]:
        """Take ``(a, b, …)``, identifiers only."""
        self.expect("(")
        found = [self.name()]
        while self.accept(","):
            found.append(self.name())
        self.expect(")")
        return tuple(found)

    def parenthesised(self) -> str:
        """Take ``( … )`` with whatever is inside; the text inside."""
        begin = self.next()
        if begin.text != "(":
            raise ValueError(f"Expected '(', found {begin.text!r} in {self.sql[:60]!r}")
        depth = 1
        while depth:
            token = self.next()
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == "sign" else 0
        return self.sql[begin.end : token.begin].strip()

    def until(self, *stops: str) -> str:
        """Take words up to one of `stops` outside parentheses, or the end; the text taken."""
        first = last = None
        depth = 0
        while not self.ended and not (depth == 0 and self.peek() in stops):
            token = self.next()
            if token.kind == "sign":
                depth += {"(": 1, ")": -1}.get(token.text, 0)
            first, last = first or token, token
        return self.sql[first.begin : last.end] if first and last else ""

    def rest(self) -> str:
        """Take everything that is left; its text, comments inside included."""
        if self.ended:
            return ""
        begin = self._all[self._at].begin
        self._at = len(self._all)
        return self.sql[begin : self._all[-1].end].rstrip("; \n\t")
