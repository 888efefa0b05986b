"""Colours for Python: keywords, texts, comments, numbers and the names that are defined, line by line.

Small on purpose: it reads one line at a time, as an editor needs it, and knows of the text before it only whether a
triple-quoted text is open.
"""

from __future__ import annotations

import keyword
import re

from PySide6.QtGui import QColor, QFont, QSyntaxHighlighter, QTextCharFormat, QTextDocument

from prayog_sdk.qt import theme

__all__ = ["PythonColours"]

_TOKEN = re.compile(
    r"""(?P<comment>\#.*)
      | (?P<open>[rbuf]{0,2}(?P<quotes>'{3}|"{3}))
      | (?P<text>[rbuf]{0,2}(?:'(?:\\.|[^'\\])*'?|"(?:\\.|[^"\\])*"?))
      | (?P<number>\b(?:0[xob][\da-f_]+|\d[\d_]*(?:\.[\d_]*)?(?:e[+-]?\d+)?j?)\b)
      | (?P<defined>(?<=\bdef\ )\w+|(?<=\bclass\ )\w+)
      | (?P<name>[^\W\d]\w*)""",
    re.X | re.I,
)
_KEYWORDS = frozenset((*keyword.kwlist, "match", "case"))
_QUOTES = ("", "'''", '"""')
"""What is open at the end of a line, by the state of its block."""


class PythonColours(QSyntaxHighlighter):
    """Colours the document of an editor; `renew` after a change of the theme."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._formats: dict[str, QTextCharFormat] = {}
        self._load()

    def renew(self) -> None:
        """Colours changed."""
        self._load()
        self.rehighlight()

    def _load(self) -> None:
        colours = theme.current()
        roles = {
            "comment": (colours.muted, False), "text": (colours.good, False), "number": (colours.warn, False),
            "keyword": (colours.accent, False), "defined": (colours.text, True),
        }  # fmt: skip
        for name, (colour, bold) in roles.items():
            form = QTextCharFormat()
            form.setForeground(QColor(colour))
            if bold:
                form.setFontWeight(QFont.Weight.Bold)
            self._formats[name] = form

    def highlightBlock(self, text: str) -> None:
        place = 0
        open_ = _QUOTES[max(self.previousBlockState(), 0)]
        self.setCurrentBlockState(0)
        if open_:
            place = self._long(text, 0, open_)
        while place < len(text):
            found = _TOKEN.search(text, place)
            if found is None:
                return
            kind = str(found.lastgroup)
            if kind == "quotes" or found["open"]:
                self.setFormat(found.start(), found.end() - found.start(), self._formats["text"])
                place = self._long(text, found.end(), found["quotes"])
                continue
            if kind == "name":
                kind = "keyword" if found[0] in _KEYWORDS else ""
            if kind:
                self.setFormat(found.start(), found.end() - found.start(), self._formats[kind])
            place = found.end()

    def _long(self, text: str, place: int, quotes: str) -> int:
        """Colour a triple-quoted text from `place` on; where it ends."""
        end = text.find(quotes, place)
        stop = len(text) if end < 0 else end + 3
        self.setFormat(place, stop - place, self._formats["text"])
        if end < 0:
            self.setCurrentBlockState(_QUOTES.index(quotes))
        return stop
