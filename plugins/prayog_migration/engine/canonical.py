"""One text for one value, whichever database it lies in, so that rows can be compared and added up.

Rules
1. The text depends on what the value means (its kind on the target), not on how a driver gives it: ``1.50`` as a
   decimal is ``1.5``, as a text it is ``1.50``; a moment is in UTC; a double is its eight bytes.
2. A row is its texts joined by U+001F, NULL is U+001E; its digest is the first eight bytes of the MD5 of that.  The
   digests of many rows are added modulo 2^64: the order does not matter, and equal rows do not cancel out.
3. `sql_text` is the same text computed by PostgreSQL; a test holds the two together.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Callable, Sequence
from hashlib import md5
from typing import Any

from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.literals import array_items, canonical_json, plain_decimal
from prayog_migration.engine.temporal import to_utc, without_zeros

__all__ = ["MODULUS", "NULL", "SEPARATOR", "digests", "exact_texts", "joined", "sql_text", "texts"]

SEPARATOR, NULL = "\x1f", "\x1e"
MODULUS = 2**64

Texts = Callable[[Sequence[Any]], Sequence[str]]


def texts(kind: Kind) -> Texts:
    """What turns a column of values of `kind` into their texts."""
    one, plain = _one(kind), _PLAIN.get(kind.name)
    if kind.name == "integer":
        return lambda values: _integers(values, one)
    if kind.name in ("text", "enum", "date") and not kind.fixed:
        return lambda values: _strings(values, one)
    if plain is None:
        return lambda values: [NULL if value is None else one(value) for value in values]
    return lambda values: _mostly(values, one, plain)


def exact_texts(values: Sequence[Any]) -> Sequence[str]:
    """Between databases of one kind: the very value, with its storage class."""
    return [NULL if value is None else f"{type(value).__name__} {value!r}" for value in values]


def _strings(values: Sequence[Any], one: Callable[[Any], str]) -> Sequence[str]:
    classes = set(map(type, values))
    if classes == {str}:
        return values
    if classes <= {str, type(None)}:
        return [NULL if value is None else value for value in values]
    return [NULL if value is None else one(value) for value in values]


def _integers(values: Sequence[Any], one: Callable[[Any], str]) -> Sequence[str]:
    if set(map(type, values)) == {int}:
        return list(map(str, values))
    return [NULL if value is None else one(value) for value in values]


def _mostly(values: Sequence[Any], one: Callable[[Any], str], plain: Callable[[str], Any]) -> list[str]:
    """Texts that are in their one form already, as nearly all are, need not be taken apart."""
    return [NULL if value is None else value if type(value) is str and plain(value) else one(value) for value in values]


_PLAIN: dict[str, Callable[[str], Any]] = {
    "timestamp": re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d*[1-9])?").fullmatch,
    "time": re.compile(r"\d\d:\d\d:\d\d(?:\.\d*[1-9])?").fullmatch,
    "decimal": re.compile(r"-?[1-9]\d*(?:\.\d*[1-9])?|-?0\.\d*[1-9]|0").fullmatch,
    "uuid": re.compile(r"[0-9a-f]{32}").fullmatch,
}


def _one(kind: Kind) -> Callable[[Any], str]:
    match kind.name:
        case "integer" | "year":
            return _integer
        case "decimal":
            return _decimal
        case "real":
            return _single if kind.size == 32 else _double
        case "boolean":
            return _boolean
        case "bytes" | "geometry":
            return _bytes
        case "timestamp":
            return _moment
        case "time" | "interval":
            return lambda value: without_zeros(str(value))
        case "json":
            return _json
        case "array":
            return lambda value: canonical_json(_as_json(array_items(value)))
        case "uuid":
            return lambda value: value.replace("-", "").lower()
        case "bit":
            return _bits
        case "text" if kind.fixed:
            return lambda value: str(value).rstrip(" ")
        case "text" | "enum" | "set" | "date":
            return _text
        case _:
            return _text


def _text(value: Any) -> str:
    """Text, and what became text: numbers as SQLite's source gave them."""
    return value if isinstance(value, str) else value.hex() if isinstance(value, bytes) else repr(value)


def _integer(value: Any) -> str:
    if type(value) is str and (value.isdigit() and value[0] != "0"):
        return value
    if type(value) is int:
        return str(value)
    if isinstance(value, bool):
        return str(int(value))
    return value.hex() if isinstance(value, bytes) else plain_decimal(value if isinstance(value, str) else repr(value))


def _decimal(value: Any) -> str:
    if type(value) is int:
        return str(value)
    text = plain_decimal(value if isinstance(value, str) else repr(value))
    return _ENDLESS.get(text, text)


_ENDLESS = {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}
"""Python's words for what PostgreSQL's numeric holds too."""


def _double(value: Any) -> str:
    try:
        return struct.pack(">d", float(value) + 0.0).hex()  # −0 is 0 in every database
    except ValueError:
        return str(value)


def _single(value: Any) -> str:
    try:
        return struct.pack(">f", float(value) + 0.0).hex()
    except (ValueError, OverflowError):
        return str(value)


def _boolean(value: Any) -> str:
    if value in (1, "1", "t", "true", b"\x01"):
        return "1"
    return "0" if value in (0, "0", "f", "false", b"\x00") else str(value)


def _bytes(value: Any) -> str:
    if isinstance(value, str):
        return value[2:] if value.startswith("\\x") else value.encode("utf-8", "surrogateescape").hex()
    return bytes(value).hex()


def _moment(value: Any) -> str:
    text = str(value).replace("T", " ", 1)
    utc = to_utc(text)
    text = utc if utc is not None else text
    return without_zeros(text if len(text) != 10 or text[4] != "-" else f"{text} 00:00:00")


def _json(value: Any) -> str:
    try:
        return canonical_json(value)
    except ValueError:
        return str(value)


def _as_json(items: list[Any]) -> str:
    return json.dumps(items)


def _bits(value: Any) -> str:
    return str(int.from_bytes(value, "big")) if isinstance(value, bytes) else str(value)


def joined(columns: Sequence[Sequence[str]]) -> list[str]:
    """The texts of rows, from the texts of their columns."""
    return list(map(SEPARATOR.join, zip(*columns, strict=True)))


def digests(rows: Sequence[str]) -> list[int]:
    """The digest of each row."""
    return [int.from_bytes(md5(row.encode("utf-8", "surrogateescape")).digest()[:8], "big") for row in rows]


def sql_text(kind: Kind, column: str) -> str | None:
    """The text of a column, as an expression of PostgreSQL; None where only `texts` knows it."""
    match kind.name:
        case "integer" | "year" | "date" | "time" | "enum":
            return f"{column}::text"
        case "decimal":
            return f"trim_scale({column})::text"
        case "real":
            single = kind.size == 32
            return f"encode(float{4 if single else 8}send(({column} + 0)::float{4 if single else 8}), 'hex')"
        case "boolean":
            return f"{column}::int::text"
        case "bytes":
            return f"encode({column}, 'hex')"
        case "timestamp":
            return f"({column} AT TIME ZONE 'UTC')::text" if kind.zone else f"{column}::text"
        case "uuid":
            return f"replace({column}::text, '-', '')"
        case "text":
            return f"rtrim({column}::text)" if kind.fixed else f"{column}::text"
    return None
