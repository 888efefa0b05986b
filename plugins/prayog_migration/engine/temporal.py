"""Dates and times as text: which texts are real dates, and the same moment in UTC.

Databases hold dates that Python's datetime cannot (year 0, 24:00, infinity, February 30 as text), so they are looked
at as text.  The calendar is the proleptic Gregorian one, as in ISO 8601 and in all three databases.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

__all__ = [
    "DATE",
    "MOMENT",
    "TIME",
    "all_match",
    "is_date",
    "is_moment",
    "is_time",
    "shape_of",
    "to_utc",
    "without_zeros",
]

_DAY = (
    r"(?!0000)\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)"
    r"|02-(?:0[1-9]|1\d|2[0-8]))"
)
_LEAP = r"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)-02-29"
_CLOCK = r"(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?"
_ZONE = r"(?:Z| ?[+-](?:0\d|1[0-5])(?::?[0-5]\d)?)"

DATE = re.compile(rf"(?:{_DAY}|{_LEAP})")
"""``2024-02-29``; no day that does not exist, no year 0."""
TIME = re.compile(_CLOCK)
MOMENT = re.compile(rf"(?:{_DAY}|{_LEAP})(?:[ T]{_CLOCK})?")
"""A date with or without a time of day, without a zone; at most microseconds."""
_ZONED = re.compile(rf"(?P<local>(?:{_DAY}|{_LEAP})[ T]{_CLOCK})(?P<zone>{_ZONE})")

_MANY = {
    name: re.compile(rf"(?:(?:{one.pattern})\x1f)*+")
    for name, one in (("date", DATE), ("time", TIME), ("timestamp", MOMENT))
}


def all_match(name: str, texts: Sequence[str]) -> bool:
    """All texts are dates (times, timestamps): one search over all of them, as a call for each costs more."""
    return not texts or _MANY[name].fullmatch("\x1f".join(texts) + "\x1f") is not None


is_date = DATE.fullmatch
is_time = TIME.fullmatch
is_moment = MOMENT.fullmatch


def shape_of(text: str) -> str:
    """What a text looks like: ``date``, ``time``, ``timestamp``, ``zoned`` or "" for anything else."""
    if DATE.fullmatch(text):
        return "date"
    if MOMENT.fullmatch(text):
        return "timestamp"
    if _ZONED.fullmatch(text):
        return "zoned"
    return "time" if TIME.fullmatch(text) else ""


def to_utc(text: str) -> str | None:
    """A moment with a zone as the same moment in UTC without one; None when `text` is no such thing."""
    found = _ZONED.fullmatch(text)
    if found is None:
        return None
    local, zone = found["local"].replace("T", " "), found["zone"].strip()
    digits = re.sub(r"\D", "", zone)
    minutes = 0 if zone == "Z" else int(digits[:2]) * 60 + int(digits[2:] or 0)
    if not minutes:
        return local
    year, month, day = int(local[:4]), int(local[5:7]), int(local[8:10])
    total = _days(year, month, day) * 1440 + int(local[11:13]) * 60 + int(local[14:16])
    total -= -minutes if zone[0] == "-" else minutes
    days, rest = divmod(total, 1440)
    return f"{_date(days)} {rest // 60:02}:{rest % 60:02}{local[16:]}"


def without_zeros(text: str) -> str:
    """A time without needless zeros: ``10:00`` and ``10:00:00.500`` become ``10:00:00`` and ``10:00:00.5``."""
    if "." in text:
        text = text.rstrip("0").removesuffix(".")
    return text + ":00" if re.fullmatch(r"(?:.*[ T])?\d\d:\d\d", text) else text


def _days(year: int, month: int, day: int) -> int:
    """Days since 1970-01-01 (H. Hinnant, “chrono-compatible low-level date algorithms”)."""
    year -= month <= 2
    era, of_era = divmod(year, 400)
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


def _date(days: int) -> str:
    era, of_era = divmod(days + 719468, 146097)
    year = (of_era - of_era // 1460 + of_era // 36524 - of_era // 146096) // 365
    of_year = of_era - (365 * year + year // 4 - year // 100)
    part = (5 * of_year + 2) // 153
    month = part + (3 if part < 10 else -9)
    return f"{year + era * 400 + (month <= 2):04}-{month:02}-{of_year - (153 * part + 2) // 5 + 1:02}"
