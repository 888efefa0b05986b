"""From SQLite's storage classes to typed columns: any column may hold any value, so each is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from prayog_migration.engine.fitting import (
    Fit,
    Misfit,
    as_array,
    bounds,
    decimal_fits,
    each,
    no_json,
    text_refused,
    texts_fit,
)
from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Dialect
from prayog_migration.engine.temporal import all_match, shape_of, to_utc

__all__ = ["from_sqlite"]

Values = Sequence[Any]
_CLASSES = {int: "an integer", float: "a real number", str: "text", bytes: "binary"}


def from_sqlite(kind: Kind, target: Dialect, to: Kind) -> Fit:
    """How a column of a SQLite table becomes one of kind `to`."""
    match to.name:
        case "integer":
            return _integer(kind, to)
        case "decimal":
            return _decimal(to, target)
        case "real":
            return _real(target)
        case "boolean":
            return _boolean(kind, to)
        case "array":
            return each(as_array)
        case "year":  # as a number: the text 0 would be the year 2000
            return each(_year)
        case "bytes" | "geometry":
            return _bytes(to)
        case "date" | "time" | "timestamp":
            return _temporal(to, target)
        case "json":
            return _checked({str}, no_json, "JSON")
        case "uuid":
            return _checked({str}, _no_uuid, "a UUID")
        case _:
            return _text(kind, target, to)


def _class_of(value: Any) -> str:
    return _CLASSES.get(type(value), type(value).__name__)


def _checked(classes: set[type], refuses: Callable[[Any], str], wanted: str) -> Fit:
    def one(value: Any) -> Any:
        if type(value) not in classes:
            raise Misfit(f"{_class_of(value)} where {wanted} belongs")
        if reason := refuses(value):
            raise Misfit(reason)
        return value

    return each(one)


def _integer(kind: Kind, to: Kind) -> Fit:
    low, high = bounds(to)
    everything = (low, high) == bounds(Kind("integer", 64))

    digits = kind.type == "DECIMAL_TEXT"  # what was too large for SQLite's integers goes back

    def one(value: Any) -> Any:
        if digits and type(value) is str and value.isascii() and value.removeprefix("-").isdigit():
            value = int(value)
        if type(value) is not int:
            raise Misfit(f"{_class_of(value)} where an integer belongs")
        if not low <= value <= high:
            raise Misfit(f"not between {low} and {high}")
        return value

    def whole(values: Values) -> Values | None:
        classes = set(map(type, values))
        if not classes <= {int, type(None)}:
            return None
        if everything or int not in classes:
            return values
        numbers = [value for value in values if value is not None] if type(None) in classes else values
        return values if low <= min(numbers) and max(numbers) <= high else None

    return Fit(whole, one)


def _decimal(to: Kind, target: Dialect) -> Fit:
    """A float is the number that its shortest text says, as in every database's own output."""
    scale = to.scale or 0
    limit = 10 ** (to.size - scale) if to.size is not None else None
    part = rf"\.\d{{1,{max(scale, 1)}}}" if to.size is not None else r"\.\d+"
    plain = re.compile(rf"(?:-?\d+(?:{part})?\x1f)*+").fullmatch

    def one(value: Any) -> Any:
        if type(value) not in (int, float, str):
            raise Misfit(f"{_class_of(value)} where a number belongs")
        if value in (float("inf"), float("-inf")) and (to.size is not None or target != "postgresql"):
            raise Misfit("infinite")
        if type(value) is not float or abs(value) != float("inf"):
            reason = decimal_fits(value if isinstance(value, str) else repr(value), to)
            if reason:
                raise Misfit("text where a number belongs" if reason == "no number" else reason)
        return value

    def whole(values: Values) -> Values | None:
        """As texts, in which decimals are easily counted: a float's repr is what it is written as anyway."""
        classes = set(map(type, values))
        if not classes <= {int, float, type(None)}:
            return None
        numbers = [value for value in values if value is not None] if type(None) in classes else values
        if not numbers:
            return values
        if limit is not None and not (-limit < min(numbers) and max(numbers) < limit):
            return None
        made = list(map(repr, numbers))
        if not plain("\x1f".join(made) + "\x1f"):  # too many decimals, exponents, inf
            return None
        if type(None) not in classes:
            return made
        texts = iter(made)
        return [None if value is None else next(texts) for value in values]

    return Fit(whole, one)


def _real(target: Dialect) -> Fit:
    finite = target == "mysql"

    def one(value: Any) -> Any:
        if type(value) not in (int, float):
            raise Misfit(f"{_class_of(value)} where a number belongs")
        if finite and abs(value) == float("inf"):
            raise Misfit("infinite")
        if type(value) is int and int(float(value)) != value:
            raise Misfit("an integer that a double does not hold")
        return value

    def whole(values: Values) -> Values | None:
        if not set(map(type, values)) <= {float, type(None)}:
            return None
        return None if finite and {float("inf"), float("-inf")} & set(values) else values

    return Fit(whole, one)


_TRUE, _FALSE = {1, "1", "true", "t", "yes", "y", "on"}, {0, "0", "false", "f", "no", "n", "off"}


def _boolean(kind: Kind, to: Kind) -> Fit:
    """Words for true and false are what PostgreSQL itself takes for them.

    MySQL's TINYINT(1) holds any small number, and what had become INTEGER here goes back as it is.
    """

    def one(value: Any) -> Any:
        if to.size == 8 and kind.name == "integer" and type(value) is int and -128 <= value <= 127:
            return value
        word = value.lower() if isinstance(value, str) else value
        if isinstance(word, int | str) and word in _TRUE:
            return 1
        if isinstance(word, int | str) and word in _FALSE:
            return 0
        raise Misfit("neither true nor false")

    def whole(values: Values) -> Values | None:
        return values if set(map(type, values)) <= {int, type(None)} and set(values) <= {0, 1, None} else None

    return Fit(whole, one)


def _year(value: Any) -> int:
    if type(value) is not int:
        raise Misfit(f"{_class_of(value)} where a year belongs")
    return value


def _bytes(to: Kind) -> Fit:
    def one(value: Any) -> Any:
        if type(value) is not bytes:
            raise Misfit(f"{_class_of(value)} where binary belongs")
        if to.size is not None and len(value) > to.size:
            raise Misfit(f"longer than {to.size} bytes")
        return value

    def whole(values: Values) -> Values | None:
        if not set(map(type, values)) <= {bytes, type(None)}:
            return None
        return values if to.size is None or all(v is None or len(v) <= to.size for v in values) else None

    return Fit(whole, one)


def _temporal(to: Kind, target: Dialect) -> Fit:
    """Only what every database reads alike: ISO 8601, never ``now``, ``epoch`` or 31/12/2024."""
    name = to.name

    def one(value: Any) -> Any:
        if type(value) is not str:
            raise Misfit(f"{_class_of(value)} where a {name} belongs")
        shape = shape_of(value)
        if shape == "zoned" and to.zone:
            return to_utc(value) if target == "mysql" else value
        if shape == name or (shape == "date" and name == "timestamp"):
            return f"{value}+00" if to.zone and target == "postgresql" else value
        if shape == "zoned":
            raise Misfit("has a time zone")
        raise Misfit("has a time of day" if shape == "timestamp" else f"no {name}")

    def whole(values: Values) -> Values | None:
        classes = set(map(type, values))
        if to.zone or not classes <= {str, type(None)}:
            return None
        texts = [value for value in values if value is not None] if type(None) in classes else values
        return values if all_match(name, texts) else None

    return Fit(whole, one)


def _no_uuid(value: str) -> str:
    digits = value.replace("-", "")
    return "" if len(digits) == 32 and all(c in "0123456789abcdefABCDEF" for c in digits) else "no UUID"


def _text(kind: Kind, target: Dialect, to: Kind) -> Fit:
    """Text stays; numbers in columns without a type, or in one that was widened, become their text."""
    nul = target == "mysql"
    size = to.size if to.name == "text" else None
    numbers = kind.name != "text"

    def one(value: Any) -> Any:
        if isinstance(value, int | float) and numbers:
            return repr(value)
        if type(value) is not str:
            raise Misfit(f"{_class_of(value)} where text belongs")
        if reason := text_refused(value, size, nul):
            raise Misfit(reason)
        return value

    def whole(values: Values) -> Values | None:
        if not set(map(type, values)) <= {str, type(None)}:
            return None
        return values if texts_fit(values, size, nul) else None

    return Fit(whole, one)
