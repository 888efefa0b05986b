"""Values inside values: PostgreSQL's array text, JSON in one fixed form, decimals without needless zeros."""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["array_items", "array_of_json", "array_text", "canonical_json", "decimals", "plain_decimal"]

_NUMBER = re.compile(r"(?P<sign>[+-]?)(?P<whole>\d*)(?:\.(?P<part>\d*))?(?:[eE](?P<exponent>[+-]?\d+))?")


def array_items(text: str) -> list[Any]:
    """The items of an array as PostgreSQL writes it (manual, 8.15.6): texts, None for NULL, lists inside lists.

    Raises `ValueError` when `text` is no array.
    """
    if text.startswith("["):  # [0:2]={…}: bounds that do not begin at 1
        text = text[text.index("=") + 1 :]
    items, end = _array(text, 0)
    if end != len(text):
        raise ValueError(f"{text!r} is no array")
    return items


def _array(text: str, at: int) -> tuple[list[Any], int]:
    if text[at : at + 1] != "{":
        raise ValueError(f"{text!r} is no array")
    items: list[Any] = []
    at += 1
    while text[at : at + 1] != "}":
        if text[at] == "{":
            item, at = _array(text, at)
            items.append(item)
        elif text[at] == '"':
            end = at + 1
            while text[end] != '"':
                end += 2 if text[end] == "\\" else 1
            items.append(re.sub(r"\\(.)", r"\1", text[at + 1 : end], flags=re.DOTALL))
            at = end + 1
        else:
            found = re.compile(r"[^,}]*").match(text, at)
            assert found is not None
            items.append(None if found.group().upper() == "NULL" else re.sub(r"\\(.)", r"\1", found.group()))
            at = found.end()
        if text[at : at + 1] == ",":
            at += 1
        elif text[at : at + 1] != "}":
            raise ValueError(f"{text!r} is no array")
    return items, at + 1


def array_text(items: list[Any]) -> str:
    """The inverse of `array_items`; every text is quoted."""

    def one(item: Any) -> str:
        if item is None:
            return "NULL"
        if isinstance(item, list):
            return array_text(item)
        return '"' + str(item).replace("\\", "\\\\").replace('"', '\\"') + '"'

    return "{" + ",".join(map(one, items)) + "}"


def array_of_json(text: str) -> str:
    """The array that a JSON array stands for.  Raises `ValueError` when it is none."""

    def one(item: Any) -> Any:
        if isinstance(item, list):
            return list(map(one, item))
        if isinstance(item, dict):
            return json.dumps(item, ensure_ascii=False)
        return str(item).lower() if isinstance(item, bool) else item

    value = json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_refuse)
    if not isinstance(value, list):
        raise ValueError(f"{text!r} is no array")
    return array_text(list(map(one, value)))


def canonical_json(text: str | bytes) -> str:
    """JSON with sorted keys, no spaces and numbers without needless zeros.  Raises `ValueError` when it is none."""
    value = json.loads(text, parse_float=_Number, parse_int=_Number, parse_constant=_refuse)
    return _dumped(value)


class _Number(str):
    """A number as it was written: neither 2^64 nor 0.1 pass through a float."""

    __slots__ = ()


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON")


def _dumped(value: Any) -> str:
    if isinstance(value, _Number):
        return plain_decimal(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(k)}:{_dumped(v)}" for k, v in sorted(value.items())) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_dumped, value)) + "]"
    return json.dumps(value)


def plain_decimal(text: str) -> str:
    """A number without exponent and needless zeros: ``1.50e1`` → ``15``; anything else (NaN) as it is."""
    found = _NUMBER.fullmatch(text)
    if found is None or not (found["whole"] or found["part"]):
        return text
    whole, part, exponent = found["whole"], found["part"] or "", int(found["exponent"] or 0)
    digits, point = whole + part, len(whole) + exponent
    if point < 0:
        digits, point = "0" * -point + digits, 0
    digits = digits.ljust(point, "0")
    shown = digits[:point].lstrip("0") or "0"
    rest = digits[point:].rstrip("0")
    sign = "-" if found["sign"] == "-" and (shown != "0" or rest) else ""
    return f"{sign}{shown}.{rest}" if rest else sign + shown


def decimals(text: str) -> tuple[int, int] | None:
    """How many digits a number has before and after its point; None when it is no number."""
    plain = plain_decimal(text).lstrip("-")
    whole, _, rest = plain.partition(".")
    if not (whole.isascii() and whole.isdigit()):
        return None
    return (0 if whole == "0" else len(whole)), len(rest)
