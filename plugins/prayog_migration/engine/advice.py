"""What to do about a column whose values do not all fit: another type, or a policy, with the reason.

Rules
1. A type that holds every value of the column is better than any policy, as long as it is still the type of such
   values: all numbers, all moments, all text.
2. Where a few values among many are odd, the type stays and the rows with odd values go into quarantine; where many
   are odd (more than `RARE` of the rows), the column is text in truth and becomes it.
3. A zero date says that there is none: it becomes NULL where NULL is allowed.
"""

from __future__ import annotations

from dataclasses import dataclass

from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Dialect
from prayog_migration.engine.profile import ColumnProfile

__all__ = ["RARE", "Advice", "advise"]

RARE = 0.01
"""The share of rows up to which odd values are exceptions."""


@dataclass(frozen=True, slots=True)
class Advice:
    """``type`` is the better type, "" to keep it; ``policy`` for what still does not fit; ``reason`` in words."""

    type: str = ""
    policy: str = "quarantine"
    reason: str = ""


_INTEGER_DIGITS = 19
"""2^63 has so many."""

_WIDER: dict[Dialect, dict[str, str]] = {
    "postgresql": {
        "small": "smallint", "integer": "bigint", "big": "numeric", "number": "numeric", "real": "double precision",
        "text": "text", "bytes": "bytea", "timestamp": "timestamp without time zone",
        "zoned": "timestamp with time zone", "interval": "interval",
    },
    "mysql": {
        "small": "smallint", "integer": "bigint", "big": "decimal(65,0)", "real": "double", "text": "longtext",
        "bytes": "longblob", "timestamp": "datetime(6)", "zoned": "datetime(6)",
    },
    "sqlite": {"small": "INTEGER", "integer": "INTEGER", "big": "DECIMAL_TEXT", "real": "REAL", "text": "TEXT"},
}  # fmt: skip


def advise(profile: ColumnProfile, source: Dialect, kind: Kind, target: Dialect, to: Kind, nullable: bool) -> Advice:
    """The better type and the policy for a column; nothing to change when every value fits."""
    wider = _WIDER[target]
    classes = {name for name, count in profile.classes.items() if count and name != "null"}
    if source == "sqlite" and kind.name == "any" and classes:
        return _typeless(profile, classes, target)
    if not profile.misfit:
        return Advice()
    reasons = set(profile.misfits)
    numbers = classes <= {"integer", "real"}
    share = profile.misfit / max(1, profile.rows)
    if reasons == {"a zero date"}:
        why = f"{profile.misfit} zero dates, which are no dates"
        return Advice("", "null", f"{why}: they become NULL") if nullable else Advice("", "quarantine", why)
    if to.name == "boolean" and _all_integers(profile, source):
        return Advice(wider["small"] if _within(profile, 15) else wider["integer"], reason="holds more than 0 and 1")
    if to.name == "integer" and (_all_integers(profile, source) or (numbers and "real" not in classes)):
        return Advice(wider["integer"] if _within(profile, 63) else wider["big"], reason="holds larger numbers")
    if to.name in ("integer", "decimal") and source == "sqlite" and numbers and reasons != {"infinite"}:
        return _numbers(profile, target, kind, to)
    if to.name == "decimal" and profile.part > (to.scale or 0) and not {"infinite or not a number"} & reasons:
        return _numbers(profile, target, kind, to)
    if to.name in ("date", "time", "timestamp"):
        made = _temporal(profile, source, target, to, classes)
        if made:
            return made
    if to.name == "text" and any(reason.startswith("longer than") for reason in reasons):
        return Advice(wider["text"], reason=f"the longest value has {profile.longest} characters")
    if to.name == "bytes" and classes == {"text"} and source == "sqlite":
        return Advice(wider["text"], reason="holds text only")
    if to.name == "bytes":
        return Advice("", "recode", f"{profile.misfit} texts among binary values: stored as their UTF-8 bytes")
    odd_text = {"contains NUL", "not UTF-8", "binary where text belongs"} & reasons
    if share > RARE and to.name != "text" and not odd_text and "binary" not in classes:
        return Advice(wider["text"], reason=f"{profile.misfit} of {profile.rows} values are something else: it is text")
    return Advice("", "quarantine", f"{profile.misfit} of {profile.rows} values do not fit: {_named(profile)}")


def _named(profile: ColumnProfile) -> str:
    return "; ".join(f"{reason} ({count})" for reason, count in profile.misfits.most_common(3))


def _within(profile: ColumnProfile, bits: int) -> bool:
    limit: int = 2**bits
    return -limit <= (profile.low or 0) and (profile.high or 0) < limit


def _all_integers(profile: ColumnProfile, source: Dialect) -> bool:
    classes = {name for name, count in profile.classes.items() if count and name != "null"}
    return classes <= {"integer"} if source == "sqlite" else not profile.part and profile.high is not None


def _numbers(profile: ColumnProfile, target: Dialect, kind: Kind, to: Kind) -> Advice:
    """A type for numbers of all sizes, decimals as they are written; never narrower than what was declared."""
    why = f"holds numbers with {profile.whole} digits and {profile.part} decimals"
    if target == "postgresql":
        return Advice("numeric", reason=why)
    declared = _INTEGER_DIGITS if kind.name == "integer" else (to.size or 0) - (to.scale or 0)
    whole, part = max(1, profile.whole, declared), max(profile.part, to.scale or 0)
    if target == "mysql" and whole + part <= 65 and part <= 30:
        return Advice(f"decimal({whole + part},{part})", reason=why)
    return Advice(_WIDER[target]["real" if "real" in profile.classes else "text"], reason=why)


def _temporal(profile: ColumnProfile, source: Dialect, target: Dialect, to: Kind, classes: set[str]) -> Advice | None:
    wider = _WIDER[target]
    if source == "mysql" and to.name == "time" and target == "postgresql":
        return Advice(wider["interval"], reason="holds durations, not times of day")
    if classes == {"integer"}:
        return Advice(wider["integer"], reason="holds numbers, perhaps seconds since 1970, not dates")
    if classes <= {"integer", "real"} and classes:
        return Advice(wider["real"], reason="holds numbers, perhaps Julian days, not dates")
    shapes = {shape for shape, count in profile.shapes.items() if count}
    if classes == {"text"} and shapes == {"zoned"}:
        return Advice(wider["zoned"], reason="every value has a time zone")
    if classes == {"text"} and to.name == "date" and shapes <= {"date", "timestamp"}:
        return Advice(wider["timestamp"], reason="has times of day")
    return None


def _typeless(profile: ColumnProfile, classes: set[str], target: Dialect) -> Advice:
    wider = _WIDER[target]
    if classes == {"integer"}:
        return Advice(wider["integer"], reason="has no type and holds integers only")
    if classes == {"real"}:
        return Advice(wider["real"], reason="has no type and holds real numbers only")
    if classes == {"integer", "real"} and target == "postgresql":
        return Advice("numeric", reason="has no type and holds numbers only")
    if classes == {"binary"}:
        return Advice(wider["bytes"], reason="has no type and holds binary values only")
    if profile.misfit:
        return Advice("", "quarantine", f"{profile.misfit} of {profile.rows} values do not fit: {_named(profile)}")
    return Advice(reason="has no type; numbers are stored as their text") if classes != {"text"} else Advice()
