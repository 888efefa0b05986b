"""Values on their way: from what the source holds to what the target's column takes, or a reason why not.

Work is done a column at a time on a few hundred rows: one pass in C decides that all values fit, and only a column in
which one does not is looked at value by value.

Rules
1. Nothing is changed silently.  What a target would round, cut, or guess at is a `Misfit`; what is done about it is
   the policy of the column, and every use of it is counted.
2. Between databases of the same kind every value goes over as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from prayog_migration.engine.fitting import Fit, Misfit
from prayog_migration.engine.kinds import Kind
from prayog_migration.engine.model import Dialect
from prayog_migration.engine.plan import TableMove
from prayog_migration.engine.values_mysql import from_mysql
from prayog_migration.engine.values_postgres import from_postgres
from prayog_migration.engine.values_sqlite import from_sqlite

__all__ = ["HOME", "POLICIES", "Converter", "Misfit", "fit_of"]

POLICIES: dict[str, str] = {
    "quarantine": "keep the row out of the target, in the quarantine table with its reason",
    "null": "store NULL instead of the value",
    "strip": "remove NUL characters and bytes that are no UTF-8",
    "replace": "put U+FFFD for NUL characters and bytes that are no UTF-8",
    "escape": "write NUL characters and bytes that are no UTF-8 as \\x00",
    "recode": "read binary as UTF-8 text, or store text as its UTF-8 bytes",
    "round": "round to the decimals that the target keeps",
    "cut": "cut to the length that the target keeps",
}
"""What can be done with a value that does not fit.  `widen`, a type that holds it, is a change of the plan instead."""

HOME = "home"
"""On the way back: dates and times that only the old database writes so are taken as they are; it refuses others."""
_MOMENT = r"(\d{4,}-\d\d-\d\d)?( ?-?\d{2,3}:\d\d:\d\d(\.\d+)?)?"
_OWN: dict[str, Callable[[str], Any]] = {
    "mysql": re.compile(rf"{_MOMENT}(\+00(:00)?)?").fullmatch,
    "postgresql": re.compile(rf"-?infinity|{_MOMENT}([+-]\d\d(:\d\d)*)?( BC)?").fullmatch,
}


def fit_of(source: Dialect, kind: Kind, target: Dialect, target_kind: Kind) -> Fit | None:
    """How values of `kind` become values of `target_kind`; None when every one of them goes over as it is."""
    if source == target:
        return None
    if source == "sqlite":
        return from_sqlite(kind, target, target_kind)
    return from_postgres(kind, target, target_kind) if source == "postgresql" else from_mysql(kind, target, target_kind)


@dataclass(slots=True)
class _Column:
    name: str
    fit: Fit
    policy: str
    target_kind: Kind
    target: Dialect


class Converter:
    """Converts the rows of one table; ``changed`` counts (column, policy) for every value that a policy changed."""

    def __init__(self, source: Dialect, move: TableMove, target: Dialect) -> None:
        self.changed: Counter[tuple[str, str]] = Counter()
        self._columns: list[_Column | None] = []
        for one in move.columns:
            fit = fit_of(source, one.kind, target, one.target_kind)
            self._columns.append(_Column(one.source, fit, one.policy, one.target_kind, target) if fit else None)
        self.needed = any(self._columns)

    def columns(self, columns: Sequence[Sequence[Any]]) -> tuple[list[Sequence[Any]], dict[int, Misfit]]:
        """The columns of some rows, converted, and the misfits by place in the row order.

        A row with a misfit holds its unconverted value there.
        """
        done: list[Sequence[Any]] = []
        bad: dict[int, Misfit] = {}
        for values, column in zip(columns, self._columns, strict=True):
            whole = column.fit.whole(values) if column else values
            done.append(self._slowly(column, values, bad) if whole is None and column else whole or values)
        return done, bad

    def rows(self, rows: Sequence[tuple[Any, ...]]) -> tuple[list[tuple[Any, ...]], list[tuple[Any, Misfit]]]:
        """Rows that were converted, and (row as it was, misfit) for those that were not."""
        if not self.needed or not rows:
            return list(rows), []
        done, bad = self.columns(list(zip(*rows, strict=True)))
        made = list(zip(*done, strict=True))
        if not bad:
            return made, []
        return [row for n, row in enumerate(made) if n not in bad], [(rows[n], bad[n]) for n in sorted(bad)]

    def _slowly(self, column: _Column, values: Sequence[Any], bad: dict[int, Misfit]) -> list[Any]:
        made = []
        for n, value in enumerate(values):
            try:
                made.append(value if value is None else self._one(column, value))
            except Misfit as misfit:
                bad.setdefault(n, misfit)
                made.append(value)
        return made

    def _one(self, column: _Column, value: Any) -> Any:
        try:
            return column.fit.one(value)
        except Misfit as misfit:
            changed = _mended(column, value, misfit)
            self.changed[column.name, column.policy] += 1
            return changed


def _mended(column: _Column, value: Any, misfit: Misfit) -> Any:
    """The value after the policy; raises a `Misfit` with the column's name when it does not help."""
    policy, repair = column.policy, _REPAIRS.get(column.policy)
    if policy == "null":
        return None
    if policy == HOME and column.target_kind.name in ("date", "time", "timestamp") and isinstance(value, str):
        own = _OWN.get(column.target)
        if value and own and own(value):
            return value.split("+")[0] if column.target == "mysql" else value
    try:
        if repair is None:
            raise misfit
        return column.fit.one(repair(value, column.target_kind))
    except (Misfit, UnicodeError, TypeError) as error:
        raise Misfit(misfit.reason, column.name) from error


def _bad_text(value: str) -> str:
    return "".join(c for c in value if c != "\0" and not "\udc80" <= c <= "\udcff")


def _replaced(value: str, _: Kind) -> str:
    return "".join("\ufffd" if c == "\0" or "\udc80" <= c <= "\udcff" else c for c in value)


def _escaped(value: str, _: Kind) -> str:
    return "".join(
        f"\\x{ord(c) & 0xFF:02x}" if c == "\0" or "\udc80" <= c <= "\udcff" else c for c in value.replace("\\", "\\\\")
    )


def _recoded(value: Any, kind: Kind) -> Any:
    if kind.name == "bytes":
        return value.encode("utf-8", "surrogateescape") if isinstance(value, str) else str(value).encode()
    return value.decode() if isinstance(value, bytes) else str(value)


def _rounded(value: Any, kind: Kind) -> Any:
    return round(float(value), kind.scale or 0) if kind.name == "decimal" else round(float(value))


_REPAIRS: dict[str, Callable[[Any, Kind], Any]] = {
    "strip": lambda value, _: _bad_text(value),
    "replace": _replaced,
    "escape": _escaped,
    "recode": _recoded,
    "round": _rounded,
    "cut": lambda value, kind: value[: kind.size],
}
