"""What the values of a column really are: counts by class, extremes, shapes, and those that do not fit, with samples.

SQLite's types are hints, MySQL has dates that are none, PostgreSQL has infinity; only looking at every value tells
whether a type fits.  A profile is filled a column at a time, from some hundred rows at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from prayog_migration.engine.fitting import Fit, Misfit
from prayog_migration.engine.literals import decimals
from prayog_migration.engine.temporal import shape_of

__all__ = ["SAMPLES", "ColumnProfile", "Sample", "TableProfile"]

SAMPLES = 5
"""Misfits that are kept to be shown, for each column."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One value that does not fit: ``key`` is the row's position, ``value`` what `repr` shows of it, cut."""

    key: tuple[Any, ...]
    value: str
    reason: str


@dataclass(slots=True)
class ColumnProfile:
    """``classes`` counts null, integer, real, text and binary; ``longest`` is in characters, ``widest`` in bytes.

    ``whole`` and ``part`` are the most digits before and after the point of any number; ``shapes`` counts what texts
    look like (only for columns of dates and times); ``misfits`` counts reasons.
    """

    name: str
    temporal: bool = False
    numeric: bool = False
    classes: Counter[str] = field(default_factory=Counter)
    shapes: Counter[str] = field(default_factory=Counter)
    misfits: Counter[str] = field(default_factory=Counter)
    samples: list[Sample] = field(default_factory=list)
    longest: int = 0
    widest: int = 0
    low: int | None = None
    high: int | None = None
    whole: int = 0
    part: int = 0

    @property
    def rows(self) -> int:
        """Values that were looked at, NULL included."""
        return self.classes.total()

    @property
    def misfit(self) -> int:
        """Values that do not fit."""
        return self.misfits.total()

    def feed(self, values: Sequence[Any], keys: Sequence[tuple[Any, ...]], fit: Fit | None) -> None:
        """Look at the values of some rows; `keys` are the rows' positions."""
        kinds = Counter(map(type, values))
        self.classes.update({_CLASSES[kind]: count for kind, count in kinds.items()})
        if str in kinds:
            self._texts([value for value in values if type(value) is str], kinds)
        if bytes in kinds:
            self.widest = max(self.widest, *(len(value) for value in values if type(value) is bytes))
        if int in kinds:
            numbers = [value for value in values if type(value) is int]
            self._extremes(min(numbers), max(numbers))
            self.whole = max(self.whole, len(str(max(abs(self.low or 0), abs(self.high or 0)))))
        if float in kinds and self.numeric:
            for value in values:
                if type(value) is float:
                    self._digits(repr(value))
        if fit is not None and fit.whole(values) is None:
            self._look(values, keys, fit)

    def _texts(self, texts: list[str], kinds: Counter[type]) -> None:
        longest = max(map(len, texts))
        self.longest = max(self.longest, longest)
        self.widest = max(self.widest, longest * 4 if longest > 1_000 else longest)
        if self.temporal:
            self.shapes.update(map(shape_of, texts))
        if self.numeric:
            for text in texts:
                self._digits(text)

    def _digits(self, text: str) -> None:
        digits = decimals(text)
        if digits:
            self.whole, self.part = max(self.whole, digits[0]), max(self.part, digits[1])
            if not digits[1] and digits[0] < 40 and "." not in text and "e" not in text.lower():
                self._extremes(int(text), int(text))

    def _extremes(self, low: int, high: int) -> None:
        self.low = low if self.low is None else min(self.low, low)
        self.high = high if self.high is None else max(self.high, high)

    def _look(self, values: Sequence[Any], keys: Sequence[tuple[Any, ...]], fit: Fit) -> None:
        for value, key in zip(values, keys, strict=True):
            if value is None:
                continue
            try:
                fit.one(value)
            except Misfit as misfit:
                self.misfits[misfit.reason] += 1
                if len(self.samples) < SAMPLES:
                    self.samples.append(Sample(key, repr(value)[:80], misfit.reason))


_CLASSES = {type(None): "null", int: "integer", float: "real", str: "text", bytes: "binary", bool: "integer"}


@dataclass(slots=True)
class TableProfile:
    """The profile of a table; ``complete``: every row was looked at, not only the first ones."""

    table: str
    columns: dict[str, ColumnProfile]
    rows: int = 0
    widest_row: int = 0
    complete: bool = True
