"""How a column of values is tested and changed: `Fit`, its parts, and the checks that all sources share."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.literals import array_of_json, decimals

__all__ = [
    "Fit", "Misfit", "as_array", "bounds", "decimal_fits", "each", "no_json", "text_refused", "texts_fit", "unless",
]  # fmt: skip

Values = Sequence[Any]


class Misfit(ValueError):
    """A value that its column on the target does not take: ``reason`` in words, ``column`` of the source."""

    def __init__(self, reason: str, column: str = "") -> None:
        super().__init__(f"{column}: {reason}" if column else reason)
        self.reason = reason
        self.column = column


@dataclass(frozen=True, slots=True)
class Fit:
    """``whole`` takes a column of values (None among them) and gives the converted ones, or None when not all are
    surely right; ``one`` takes one value that is not None, and converts it or raises `Misfit`."""

    whole: Callable[[Values], Values | None]
    one: Callable[[Any], Any]


def each(one: Callable[[Any], Any]) -> Fit:
    """Converted one by one; a whole column is refused when any value raises."""

    def whole(values: Values) -> Values | None:
        try:
            return [None if value is None else one(value) for value in values]
        except Misfit:
            return None

    return Fit(whole, one)


def unless(refuses: Callable[[Any], str]) -> Fit:
    """Unchanged, unless `refuses` gives a reason."""

    def one(value: Any) -> Any:
        if reason := refuses(value):
            raise Misfit(reason)
        return value

    def whole(values: Values) -> Values | None:
        return None if any(value is not None and refuses(value) for value in values) else values

    return Fit(whole, one)


def as_array(value: Any) -> str:
    """A JSON array as one of PostgreSQL's."""
    try:
        return array_of_json(value)
    except (ValueError, TypeError):
        raise Misfit("no JSON array") from None


def bounds(kind: Kind) -> tuple[int, int]:
    """The smallest and the largest number of an integer kind."""
    bits = kind.size or 64
    return (0, 2**bits - 1) if kind.unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def decimal_fits(text: str, kind: Kind) -> str:
    """Why a number, as text, is more than a decimal kind keeps; "" when it fits."""
    digits = decimals(text)
    if digits is None:
        return "no number"
    if kind.size is None:
        return ""
    if digits[1] > (kind.scale or 0):
        return f"more than {kind.scale or 0} decimals"
    return f"more than {kind.size - (kind.scale or 0)} digits" if digits[0] > kind.size - (kind.scale or 0) else ""


def texts_fit(values: Values, size: int | None, nul: bool) -> bool:
    """All values are texts of at most `size` characters, without NUL unless `nul`, and UTF-8."""
    texts = [value for value in values if value is not None]
    if size is not None and texts and max(map(len, texts)) > size:
        return False
    joined = "".join(texts)
    if not nul and "\0" in joined:
        return False
    return joined.isascii() or not _surrogates(joined)


def _surrogates(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def text_refused(value: str, size: int | None, nul: bool) -> str:
    """Why one text does not fit; "" when it does."""
    if not nul and "\0" in value:
        return "contains NUL"
    if not value.isascii() and _surrogates(value):
        return "not UTF-8"
    return f"longer than {size} characters" if size is not None and len(value) > size else ""


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


def no_json(value: Any) -> str:
    """Why a text is no JSON; "" when it is."""
    try:
        json.loads(value, parse_constant=_refuse)
    except (ValueError, RecursionError, TypeError):
        return "no valid JSON"
    return ""
