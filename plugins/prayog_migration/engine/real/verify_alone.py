#!/usr/bin/env python3
"""Compares two databases after a move, without one line of the program that moved them.

    python verify_alone.py proof.json SOURCE_URL TARGET_URL

``proof.json`` says which table and column became which, what its values mean, and what was done with values that did
not fit; it is written by the lab.  URLs: sqlite:////path, postgresql://…, mysql://….  Needs Python 3.11, and psycopg or
PyMySQL for what the URLs name.  Reads every row of both sides, changes nothing.

For each table it prints the rows on both sides, the rows in quarantine, and how many rows are missing, unexpected or
twice on the target.  Exit code: 0 when every row is where it should be, 1 when not, 2 when it could not be found out.

How rows are compared: every value becomes one text by what it means (a decimal without needless zeros, a moment in
UTC, a double as its eight bytes, …), a row the SHA-256 of its texts; the sides are compared as bags of such hashes.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation, getcontext
from hashlib import sha256
from typing import Any
from urllib.parse import unquote, urlsplit

Row = tuple[Any, ...]
getcontext().prec = 5_000  # more digits than any database keeps: no number may be rounded here


# -- reading: every value as its database writes it ---------------------------------------------------------------


def rows_of(url: str, table: dict[str, Any]) -> Iterator[Row]:
    """All rows of a table ({"schema", "table", "columns", "types"}), values as text, number, bytes or None."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        yield from _sqlite(url, table)
    elif scheme in ("postgresql", "postgres"):
        yield from _postgres(url, table)
    else:
        yield from _mysql(url, table)


def _name(parts: list[str], quote: str = '"') -> str:
    return ".".join(quote + part.replace(quote, quote * 2) + quote for part in parts if part)


def _sqlite(url: str, table: dict[str, Any]) -> Iterator[Row]:
    import sqlite3

    connection = sqlite3.connect(f"file:{urlsplit(url).path[1:]}?mode=ro", uri=True)
    connection.text_factory = lambda data: data.decode("utf-8", "surrogateescape")
    columns = ", ".join(_name([column]) for column in table["columns"])
    try:
        yield from connection.execute(f"SELECT {columns} FROM {_name([table['table']])}")
    finally:
        connection.close()


def _postgres(url: str, table: dict[str, Any]) -> Iterator[Row]:
    import psycopg

    options = "-c TimeZone=UTC -c DateStyle=ISO,YMD -c IntervalStyle=postgres -c extra_float_digits=1"
    with psycopg.connect(url, options=options) as connection, connection.cursor("verify") as cursor:
        cursor.itersize = 1_000
        pairs = zip(table["columns"], table["types"], strict=True)
        columns = ", ".join(_name([c]) if t == "bytea" else _as_written(_name([c])) for c, t in pairs)
        only = "" if table.get("partitioned") else "ONLY "
        cursor.execute(f"SELECT {columns} FROM {only}{_name([table['schema'], table['table']])}".encode())
        for row in cursor:
            yield tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def _as_written(column: str) -> str:
    """A value as PostgreSQL writes it; a cast to text would cut spaces and spell out booleans."""
    # Of a composite value IS NOT NULL is true only when no field of it is NULL.
    return f"CASE WHEN {column} IS DISTINCT FROM NULL THEN format('%s', {column}) END"


def _mysql(url: str, table: dict[str, Any]) -> Iterator[Row]:
    import pymysql
    from pymysql.cursors import SSCursor

    parts = urlsplit(url)
    connection = pymysql.connect(
        host=parts.hostname or "127.0.0.1", port=parts.port or 3306, user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""), database=unquote(parts.path.lstrip("/")), charset="utf8mb4", conv={},
        autocommit=True,
cursorclass=SSCursor,
    )  # fmt: skip
    try:
        with connection.cursor() as cursor:
            cursor.execute("SET time_zone = '+00:00'")
            pairs = zip(table["columns"], table["types"], strict=True)
            columns = ", ".join(
                f"({_name([c], '`')} + 0e0)" if t.lower().startswith("float") else _name([c], "`") for c, t in pairs
            )
            cursor.execute(f"SELECT {columns} FROM {_name([table['table']], '`')}")
            yield from cursor
    finally:
        connection.close()


# -- meaning: one text for one value ------------------------------------------------------------------------------


def text_of(value: Any, meaning: str, size: int | None = None) -> str | None:
    """The text of a value that means `meaning`; `ValueError` when it cannot mean that."""
    if value is None:
        return None
    return MEANINGS.get(meaning, _plain)(value, size)


def _plain(value: Any, size: int | None) -> str:
    if isinstance(value, bytes):
        raise ValueError("binary is no text")
    return value if isinstance(value, str) else repr(value)


def _same(value: Any, size: int | None) -> str:
    """Between databases of one kind the very value, with its storage class."""
    return f"{type(value).__name__} {value!r}"


def _number(value: Any, size: int | None) -> str:
    if isinstance(value, bytes):
        raise ValueError("binary is no number")
    text = value if isinstance(value, str) else repr(value)
    try:
        number = Decimal(text)
    except InvalidOperation:
        raise ValueError(text) from None
    if not number.is_finite():
        return str(number)
    shown = format(number.normalize(), "f")
    return "0" if shown == "-0" else shown


def _real(value: Any, size: int | None) -> str:
    number = float(value) + 0.0  # −0 is 0
    return struct.pack(">f" if size == 32 else ">d", number).hex()


def _boolean(value: Any, size: int | None) -> str:
    word = str(value).lower()
    if value in (b"\x01", b"\x00"):
        return str(value[0])
    if word in ("1", "t", "true", "yes", "y", "on"):
        return "1"
    if word in ("0", "f", "false", "no", "n", "off"):
        return "0"
    raise ValueError(word)


def _binary(value: Any, size: int | None) -> str:
    if isinstance(value, str) and value.startswith("\\x"):
        return value[2:]
    if not isinstance(value, bytes):
        raise ValueError("no binary value")
    return value.hex()


_ZONE = re.compile(r"^(.*\d)\s*(Z|[+-]\d\d(?::?\d\d)?)$")


def _moment(value: Any, size: int | None) -> str:
    if not isinstance(value, str):
        raise ValueError("no moment")
    text = value.strip().replace("T", " ", 1)
    zoned = _ZONE.match(text) if ":" in text else None
    if zoned:
        digits = "0000" if zoned[2] == "Z" else re.sub(r"\D", "", zoned[2]).ljust(4, "0")
        east = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
        text = zoned[1]
        if east:  # what is in UTC already may lie beyond the years that Python knows
            moment = datetime.fromisoformat(_padded(text))
            text = (moment + east if zoned[2][0] == "-" else moment - east).isoformat(" ")
    return _clock(text if len(text) > 10 else f"{text} 00:00:00", None)


def _padded(text: str) -> str:
    """Python reads fractions of three or six digits only."""
    head, point, part = text.partition(".")
    return f"{head}.{part.ljust(6, '0')[:6]}" if point else head


def _clock(value: Any, size: int | None) -> str:
    if not isinstance(value, str):
        raise ValueError("no time")
    text = value.rstrip("0").removesuffix(".") if "." in value else value
    return f"{text}:00" if re.fullmatch(r"(.* )?\d\d:\d\d", text) else text


def _json(value: Any, size: int | None) -> str:
    return json.dumps(json.loads(value, parse_float=Decimal, parse_int=Decimal), sort_keys=True, default=_decimal)


def _decimal(number: Decimal) -> str:
    return f"number {_number(str(number), None)}"


def _array(value: Any, size: int | None) -> str:
    """PostgreSQL's {a,"b c"}, or a JSON array, or MySQL's SET: as JSON of texts."""
    value = re.sub(r"^(\[-?\d+:-?\d+\])+=", "", value)  # bounds that do not begin at 1
    if value.startswith("["):
        items = json.loads(value)
    elif value.startswith("{"):
        items = _items(value)
    else:
        items = value.split(",") if value else []

    def text(item: Any) -> Any:
        if isinstance(item, list):
            return [text(one) for one in item]
        if isinstance(item, bool):
            return "t" if item else "f"
        if isinstance(item, str) and item[:1] == "{":
            item = json.loads(item)  # an array of JSON
        return item if item is None or isinstance(item, dict) else str(item)

    return json.dumps(text(items), sort_keys=True)


def _items(text: str) -> list[Any]:
    stack: list[list[Any]] = [[]]
    for token in re.finditer(r'[{},]|"(?:[^"\\]|\\.)*"|[^{},"]+', text):
        word = token.group()
        if word == "{":
            stack.append([])
        elif word == "}":
            done = stack.pop()
            stack[-1].append(done)
        elif word != ",":
            quoted = word.startswith('"')
            plain = re.sub(r"\\(.)", r"\1", word[1:-1]) if quoted else word
            stack[-1].append(None if not quoted and word.upper() == "NULL" else plain)
    whole: list[Any] = stack[0][0]
    return whole


def _uuid(value: Any, size: int | None) -> str:
    return str(value).replace("-", "").lower()


def _bits(value: Any, size: int | None) -> str:
    if isinstance(value, bytes):
        return str(int.from_bytes(value, "big"))
    return str(int(value, 2)) if isinstance(value, str) else str(value)


def _padded_text(value: Any, size: int | None) -> str:
    return _plain(value, size).rstrip(" ")


MEANINGS = {
    "integer": _number, "decimal": _number, "year": _number, "real": _real, "boolean": _boolean, "bytes": _binary,
    "geometry": _binary, "timestamp": _moment, "time": _clock, "interval": _clock, "json": _json, "array": _array,
    "same": _same, "uuid": _uuid, "bit": _bits, "padded": _padded_text,
}  # fmt: skip


def mended(value: Any, policy: str, column: dict[str, Any]) -> str | None:
    """The text after the policy for values that do not fit; `ValueError` when the row is in quarantine instead."""
    if policy == "quarantine":
        raise ValueError("it should be in quarantine")
    if policy == "null":
        return None
    if policy == "recode":
        made = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
        made = made if column["means"] == "bytes" else made.decode() if isinstance(made, bytes) else str(made)
        return text_of(made if made != value else str(value).encode(), column["means"], column["size"])
    bad = [c == "\0" or "\udc80" <= c <= "\udcff" for c in value]
    if policy == "strip":
        return "".join(c for c, odd in zip(value, bad, strict=True) if not odd)
    if policy == "replace":
        return "".join("\ufffd" if odd else c for c, odd in zip(value, bad, strict=True))
    if policy == "escape":
        pairs = zip(value, bad, strict=True)
        return "".join(f"\\x{ord(c) & 255:02x}" if odd else c.replace("\\", "\\\\") for c, odd in pairs)
    if policy == "cut":
        return str(value)[: column["size"]]
    if policy == "round":
        return _number(round(float(value), column["scale"] or 0), None)
    raise ValueError(policy)


# -- comparing ----------------------------------------------------------------------------------------------------


def hash_of(texts: list[str | None]) -> bytes:
    return sha256(json.dumps(texts).encode()).digest()


def kept(values: Row, names: list[str]) -> str:
    """A row as the quarantine keeps it."""

    def safe(value: Any) -> Any:
        if isinstance(value, bytes):
            return {"binary": base64.b64encode(value).decode()}
        if isinstance(value, str) and ("\0" in value or any("\udc80" <= c <= "\udcff" for c in value)):
            return {"text": base64.b64encode(value.encode("utf-8", "surrogateescape")).decode()}
        if isinstance(value, float) and abs(value) == float("inf"):
            return str(value)
        return value

    return json.dumps(dict(zip(names, map(safe, values), strict=True)), ensure_ascii=False)


def unkept(value: Any) -> Any:
    match value:
        case {"binary": data}:
            return base64.b64decode(data)
        case {"text": data}:
            return base64.b64decode(data).decode("utf-8", "surrogateescape")
    return value


def compare(table: dict[str, Any], quarantine: list[Row], source_url: str, target_url: str) -> dict[str, int]:
    """How many rows there are, and how many are missing or unexpected on the target."""
    columns, names = table["meanings"], table["source"]["columns"]
    refused: Counter[str] = Counter()
    should: Counter[bytes] = Counter()
    for phase, code, raw in quarantine:
        if phase != "load" and code != "misfit":
            values = json.loads(raw)
            texts = [text_of(unkept(values[n]), c["means"], c["size"]) for n, c in zip(names, columns, strict=True)]
            should[hash_of(texts)] -= 1
        else:
            refused[raw] += 1
    source = 0
    for row in rows_of(source_url, table["source"]):
        source += 1
        if refused:
            raw = kept(row, names)
            if refused[raw] > 0:
                refused[raw] -= 1
                continue
        should[hash_of([converted(v, c) for v, c in zip(row, columns, strict=True)])] += 1
    there: Counter[bytes] = Counter()
    for row in rows_of(target_url, table["target"]):
        there[hash_of([text_of(v, c["means"], c["size"]) for v, c in zip(row, columns, strict=True)])] += 1
    return {
        "source": source,
        "target": there.total(),
        "quarantined": len(quarantine),
        "missing": (should - there).total(),
        "unexpected": (there - should).total(),
        "unexplained": refused.total(),
    }


_ZERO_DATE = re.compile(r"0000-|\d{4}-00|\d{4}-\d\d-00")


def converted(value: Any, column: dict[str, Any]) -> str | None:
    try:
        if isinstance(value, str) and not column["zero_dates"] and _ZERO_DATE.match(value):
            raise ValueError("no date")
        if isinstance(value, str) and column["fits"] == "text" and (bad := _unfit(value, column)):
            raise ValueError(bad)
        limited = value is not None and column["scale"] is not None and column["means"] == "decimal"
        if limited and Decimal(_number(value, None)) % Decimal(1).scaleb(-column["scale"]):
            raise ValueError("too many decimals")
        return text_of(value, column["means"], column["size"])
    except (ValueError, InvalidOperation, TypeError) as error:
        try:
            return mended(value, column["policy"], column)
        except ValueError:
            return f"does not fit: {error}"  # equal to nothing: the row is missing, unless it is in quarantine


def _unfit(value: str, column: dict[str, Any]) -> str:
    if any("\udc80" <= c <= "\udcff" for c in value) or ("\0" in value and not column["nul"]):
        return "no text of the target"
    return "too long" if column["size"] is not None and len(value) > column["size"] else ""


def main(arguments: list[str]) -> int:
    if len(arguments) != 3:
        print(__doc__)
        return 2
    with open(arguments[0], encoding="utf-8") as file:
        proof = json.load(file)
    source_url, target_url = arguments[1:]
    held: dict[str, list[Row]] = {}
    quarantine = {**proof["quarantine"], "columns": ["tab", "phase", "code", "raw"], "types": ["text"] * 4}
    for name, phase, code, raw in rows_of(target_url, quarantine):
        held.setdefault(name, []).append((phase, code, raw))
    wrong = 0
    for table in proof["tables"]:
        found = compare(table, held.get(table["name"], []), source_url, target_url)
        lost = found["source"] - found["target"] - found["quarantined"]
        equal = not (found["missing"] or found["unexpected"] or lost)
        wrong += not equal
        facts = ", ".join(f"{name} {count:,}" for name, count in found.items())
        print(f"{'equal' if equal else 'DIFFERENT'}  {table['name']}: {facts}")
    print("Every row is where it should be." if not wrong else f"{wrong} tables differ.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
