"""A command: one thing the learner can ask for, with its keys; the palette and the key list are made of these.

Whatever can be done by a menu, a key or a button of the frame is one of these first, so that nothing can be
reached by mouse only and the key list cannot forget anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = ["Command", "matches", "score"]


@dataclass(frozen=True, slots=True)
class Command:
    """`title` in the learner's words; `keys` as shown (``Ctrl+K``) or empty; `group` heads the key list."""

    title: str
    keys: str
    run: Callable[[], object]
    group: str = ""
    icon: str = ""
    words: str = ""
    """More words under which it is found: an id, the other language."""


_FOLDS = str.maketrans({"-": " ", "_": " ", "/": " ", "’": "'"})


def _fold(words: str) -> str:
    return words.lower().translate(_FOLDS)


def score(query: str, title: str, more: str = "") -> float:
    """How well `title` answers `query`; 0 is not at all.

    Every word of the query must be found: as the start of a word (best), inside one, or as letters in order.
    """
    text, extra = _fold(title), _fold(more)
    total = 0.0
    for wanted in _fold(query).split():
        best = max(_word_score(wanted, text), 0.6 * _word_score(wanted, extra))
        if best == 0:
            return 0.0
        total += best
    return total + 1 / (1 + len(text))


def _word_score(wanted: str, text: str) -> float:
    if text.startswith(wanted):
        return 4.0
    if f" {wanted}" in text:
        return 3.0
    if len(wanted) > 1 and wanted in text:
        return 2.0
    return 1.0 if len(wanted) > 2 and _in_order(wanted, text) else 0.0


def _in_order(wanted: str, text: str) -> bool:
    """True when the letters of `wanted` follow one another within one run of `text` no longer than three times."""
    start = text.find(wanted[0])
    while start >= 0:
        letters = iter(text[start : start + 3 * len(wanted)])
        if all(letter in letters for letter in wanted):
            return True
        start = text.find(wanted[0], start + 1)
    return False


def matches(query: str, commands: Iterable[Command]) -> list[Command]:
    """The commands that answer `query`, best first; all of them, in order, when it is empty."""
    found = list(commands)
    if not query.strip():
        return found
    scored = [(score(query, each.title, f"{each.group} {each.words}"), each) for each in found]
    return [each for value, each in sorted(scored, key=lambda pair: -pair[0]) if value > 0]
