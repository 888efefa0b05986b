"""What must be written down of a binlog event: the key of a row in exchange form, and the position behind it."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from prayog_migration.engine.identity import Unfollowable
from prayog_migration.engine.model import Column

__all__ = ["key_text", "order", "split"]

_NO_KEY = re.compile(r"(set|bit|float|double|json|geometry|point|polygon|inet|uuid)\b", re.I)


def key_text(column: Column, table: str) -> Callable[[Any], Any]:
    """How the value of a key in a binlog event is written in exchange form.  Raises `Unfollowable`."""
    kind = column.type.lower()
    if _NO_KEY.match(kind):
        raise Unfollowable(
            f"Table {table} has a key of type {column.type}, which the binlog does not tell exactly. Give the table "
            "another unique key, leave it out, or choose the big bang, which copies while nobody writes."
        )
    size = re.search(r"\((\d+)\)", kind)
    digits = int(size[1]) if size else 0
    if kind.startswith("binary"):
        return lambda value: _binary(value).ljust(digits or 1, b"\0")  # the log leaves out zero bytes at the end
    if kind.startswith("varbinary"):
        return _binary
    if kind.startswith(("datetime", "timestamp")):
        return lambda value: "0000-00-00 00:00:00" if value is None else _clock(value, digits)
    if kind.startswith("date"):
        return lambda value: "0000-00-00" if value is None else value.isoformat()
    if kind.startswith("time"):
        return lambda value: _span(value, digits)
    return lambda value: (
        value if isinstance(value, bytes) else f"{value:f}" if isinstance(value, Decimal) else str(value)
    )


def _binary(value: Any) -> bytes:
    """An empty value comes as text."""
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")


def _clock(value: datetime.datetime, digits: int) -> str:
    text = value.strftime("%Y-%m-%d %H:%M:%S")
    return f"{text}.{value.microsecond:06d}"[: 20 + digits] if digits else text


def _span(value: datetime.timedelta, digits: int) -> str:
    sign, value = ("-", -value) if value < datetime.timedelta() else ("", value)
    seconds = value.days * 86_400 + value.seconds
    text = f"{sign}{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    return f"{text}.{f'{value.microseconds:06d}'[:digits]}" if digits else text


def split(position: str) -> tuple[str, int]:
    file, _, place = position.rpartition(":")
    return file, int(place)


def order(position: str) -> tuple[int, int]:
    """Binlog files are numbered at their end: bin.000009, …, bin.999999, bin.1000000."""
    if position == "0":
        return 0, 0  # before everything
    file, place = split(position)
    return int(file.rpartition(".")[2]), place
