"""From MySQL's values (text and bytes, see `store`) to the columns of PostgreSQL and SQLite."""

from __future__ import annotations

import re
from typing import Any

from prayog_migration.engine.fitting import Fit, Misfit, as_array, bounds, each, text_refused, texts_fit, unless
from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.literals import array_text
from prayog_migration.engine.model import Dialect

__all__ = ["from_mysql"]

_ZERO = re.compile(r"0000-|\d{4}-00|\d{4}-\d\d-00")


def from_mysql(kind: Kind, target: Dialect, to: Kind) -> Fit | None:
    """How a column of a MySQL table becomes one of kind `to`."""
    name = kind.name
    if name == "bit":
        return each(lambda value: _bits(value, kind, to, target))
    if name in ("bytes", "geometry"):
        return None
    if to.name == "array" and name in ("text", "json"):
        return each(as_array)
    if name in ("text", "json", "enum"):
        return _text(kind, target, to)
    if name == "set":
        return each(lambda value: array_text(value.split(",") if value else [])) if to.name == "array" else None
    if target == "sqlite":
        return _to_sqlite(kind, to)
    if name in ("date", "timestamp") and to.name in ("date", "timestamp"):
        end = "+00" if to.zone else ""
        return each(lambda value: _dated(value) + end)
    if name == "time" and to.name == "time":
        return unless(lambda value: "" if len(value) < 16 and "00" <= value[:2] < "24" else "no time of day")
    return _number(kind, to)


def _bits(value: Any, kind: Kind, to: Kind, target: Dialect) -> Any:
    number = int.from_bytes(value, "big") if isinstance(value, bytes) else int(value)
    if to.name in ("bit", "text"):
        return format(number, f"0{kind.size or 1}b")
    if to.name == "boolean":
        return number
    if to.name == "integer" and number > bounds(to)[1]:
        raise Misfit(f"not between {bounds(to)[0]} and {bounds(to)[1]}")
    return number if target == "sqlite" else str(number)


def _text(kind: Kind, target: Dialect, to: Kind) -> Fit | None:
    if kind.name == "enum":
        members = set(kind.values)
        return unless(lambda value: "" if value in members else "not one of the members")
    if target == "sqlite":
        return None
    size = to.size if to.name == "text" else None

    def one(value: Any) -> Any:
        if reason := text_refused(value, size, False):
            raise Misfit(reason)
        return value

    return Fit(lambda values: values if texts_fit(values, size, False) else None, one)


def _dated(value: str) -> str:
    if _ZERO.match(value):
        raise Misfit("a zero date")
    return value


def _number(kind: Kind, to: Kind) -> Fit | None:
    if to.name == "boolean":
        return unless(lambda value: "" if value in ("0", "1") else "neither 0 nor 1")
    if kind.name in ("integer", "boolean", "year") and to.name == "integer":
        low, high = bounds(to)
        own_low, own_high = bounds(Kind("integer", kind.size, unsigned=kind.unsigned))
        if kind.name == "year" or (low <= own_low and own_high <= high):
            return None
        return unless(lambda value: "" if low <= int(value) <= high else f"not between {low} and {high}")
    return None


def _to_sqlite(kind: Kind, to: Kind) -> Fit | None:
    if kind.name in ("integer", "boolean", "year") and to.name in ("integer", "boolean"):

        def one(value: str) -> int:
            number = int(value)
            if number > 2**63 - 1:
                raise Misfit("larger than a 64-bit integer")
            if to.name == "boolean" and number not in (0, 1):
                raise Misfit("neither 0 nor 1")
            return number

        return each(one)
    if kind.name == "real":
        return each(float)
    if kind.name == "timestamp" and kind.zone and to.name != "text":
        return each(lambda value: f"{value}+00:00")
    return None
