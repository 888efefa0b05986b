"""From PostgreSQL's text output to the columns of SQLite and MySQL."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from prayog_migration.engine.fitting import Fit, Misfit, bounds, decimal_fits, each, text_refused, unless
from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.literals import array_items
from prayog_migration.engine.model import Dialect

__all__ = ["from_postgres"]


def from_postgres(kind: Kind, target: Dialect, to: Kind) -> Fit | None:
    """How a column of a PostgreSQL table becomes one of kind `to`."""
    if kind.name == "bytes":
        return each(_bytes)
    if kind.name == "array" and to.name == "set":  # what MySQL's SET had become goes back
        return each(lambda value: ",".join(map(str, array_items(value))))
    if kind.name == "array":
        return each(lambda value: json.dumps(_json_items(array_items(value), kind), ensure_ascii=False))
    if kind.name == "boolean" and to.name in ("boolean", "integer"):
        return each(lambda value: 1 if value == "t" else 0)
    if target == "sqlite":
        return _to_sqlite(kind, to)
    return _to_mysql(kind, to)


def _bytes(value: Any) -> bytes:
    """The reader gives bytes, the change stream ``\\x`` and hex digits."""
    return value if isinstance(value, bytes) else bytes.fromhex(value[2:])


def _json_items(items: list[Any], kind: Kind) -> list[Any]:
    element = kind.element or Kind("text")

    def one(item: Any) -> Any:
        if item is None or not isinstance(item, str):
            return _json_items(item, kind) if isinstance(item, list) else item
        if element.name == "integer":
            return int(item)
        if element.name == "boolean":
            return item == "t"
        if element.name == "real" and item not in ("NaN", "Infinity", "-Infinity"):
            return float(item)
        return json.loads(item) if element.name == "json" else item

    return [one(item) for item in items]


def _to_sqlite(kind: Kind, to: Kind) -> Fit | None:
    if kind.name == "integer" and to.name == "integer":
        return each(int)
    if kind.name == "real":
        return each(_real)
    if kind.name == "timestamp" and kind.zone and to.name != "text":
        # `+00` alone is no zone to SQLite's date functions.
        return each(lambda value: f"{value}:00" if value.endswith("+00") else value)
    if kind.name == "text" and kind.fixed:
        return each(lambda value: value.rstrip(" "))
    return None


def _real(value: str) -> Any:
    """SQLite keeps NaN as NULL; as text it is kept."""
    return "NaN" if value == "NaN" else float(value)


_FAR = "beyond the years 1 to 9999"


def _to_mysql(kind: Kind, to: Kind) -> Fit | None:
    name = kind.name
    if name in ("real", "decimal") and to.name != "text":
        return _number(to)
    if name == "integer" and to.name == "integer":
        low, high = bounds(to)
        return None if (to.size or 0) >= (kind.size or 64) else unless(_outside(low, high))
    if to.name == "year":  # as a number: the text 0 would be the year 2000
        return each(int)
    if name == "date" and to.name == "date":
        return unless(lambda value: "" if len(value) == 10 else _FAR)
    if name == "timestamp" and to.name == "timestamp":
        return each(_moment)
    if name == "time" and to.name == "time":
        return None
    if name == "bit" and to.name == "bit":
        return each(lambda value: int(value, 2))
    if name == "text" and kind.fixed:
        return each(lambda value: value.rstrip(" "))
    size = to.size if to.name == "text" else None
    return unless(lambda value: text_refused(value, size, True)) if size is not None else None


def _outside(low: int, high: int) -> Callable[[str], str]:
    return lambda value: "" if low <= int(value) <= high else f"not between {low} and {high}"


def _number(to: Kind) -> Fit:
    def refuses(value: str) -> str:
        if value.lstrip("-")[:1] in ("N", "I"):
            return "infinite or not a number"
        return decimal_fits(value, to) if to.name == "decimal" else ""

    return unless(refuses)


def _moment(value: str) -> str:
    if value.endswith("+00"):
        value = value[:-3]
    if len(value) < 19 or value[4] != "-" or value.endswith("BC"):
        raise Misfit(_FAR)
    return value
