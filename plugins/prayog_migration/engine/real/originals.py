"""What the old side still holds, on the way back: a cell whose value the move had changed goes home as it was.

A policy, or a type that keeps less, makes NULL of a zero date, true of 5, and UTC of a zone.  The old side has what it
was made of.  As long as the new side's cell says just what the old one becomes, the old one stays (a row that nobody
has touched is not written at all; in one that was changed, the other cells keep what they had).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from prayog_migration.engine.canonical import joined, texts
from prayog_migration.engine.changes import Key
from prayog_migration.engine.pgoutput import UNCHANGED
from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.real.reverse import written
from prayog_migration.engine.real.store import Columns, Row, Store
from prayog_migration.engine.values import Converter

__all__ = ["There", "originals"]


class There:
    """The way that a table has come: rows of the old side as what they are on the new one.

    `plan` and `move` are those of the way there.
    """

    def __init__(self, plan: Plan, move: TableMove) -> None:
        columns = written(move)
        self._converter = Converter(plan.source.dialect, replace(move, columns=columns), plan.target)
        self.needed = plan.source.dialect != plan.target
        """Values may have another form there."""
        self._texts = [texts(column.target_kind) for column in columns]

    def become(self, old: Columns) -> tuple[list[Sequence[str]], set[int]]:
        """Texts of the cells that rows of the old side become, by column; and which rows do not fit there."""
        columns, bad = self._converter.columns(old)
        return self.say(columns), set(bad)

    def say(self, new: Columns) -> list[Sequence[str]]:
        """Texts of the cells that rows of the new side have, by column."""
        return [text(values) for text, values in zip(self._texts, new, strict=True)]


class Originals:
    """Looks up rows of one table of the old side (`store`); `move` is the way back, `keys` its key columns' names."""

    def __init__(self, store: Store, there: There, move: TableMove, keys: Sequence[str]) -> None:
        self._store, self._there, self._move, self._keys = store, there, move, tuple(keys)
        kinds = {column.target: column.target_kind for column in move.columns}
        self._key_texts = [texts(kinds[name]) for name in self._keys]
        self._places = [move.writes.index(name) for name in self._keys]

    def find(self, origins: Sequence[Key], keys: Columns) -> dict[Key, Row]:
        """Rows as the old side has them, by what the new side calls them; ``keys`` are those names converted."""
        if not origins:
            return {}
        wanted = dict(zip(self._named(keys), origins, strict=True))
        with contextlib.closing(self._store.reader()) as reader:
            table, rows = self._move.target, list(zip(*keys, strict=True))
            found = list(reader.by_key(table, self._move.writes, self._keys, rows))
        if not found:
            return {}
        columns = list(zip(*found, strict=True))
        names = self._named([columns[place] for place in self._places])
        return {wanted[name]: row for name, row in zip(names, found, strict=True) if name in wanted}

    def _named(self, keys: Columns) -> list[str]:
        return joined([text(values) for text, values in zip(self._key_texts, keys, strict=True)])

    def kept(self, rows: Sequence[Row], homes: Mapping[int, Row]) -> dict[int, dict[int, object]]:
        """Cells that go home as they were, by row and column; ``homes`` are the old rows of some of the new `rows`."""
        if not homes:
            return {}
        places = list(homes)
        old = list(zip(*homes.values(), strict=True))
        new = list(zip(*(rows[n] for n in places), strict=True))
        become, strange = self._there.become(old)
        blank = [[None if value is UNCHANGED else value for value in values] for values in new]
        kept: dict[int, dict[int, object]] = {n: {} for n in places}
        for column, (was, said) in enumerate(zip(become, self._there.say(blank), strict=True)):
            for at, n in enumerate(places):
                if new[column][at] is UNCHANGED or (at not in strange and was[at] == said[at]):
                    kept[n][column] = old[column][at]
        return kept


def originals(store: Store, there: Plan | None, number: int, move: TableMove, keys: Iterable[str]) -> Originals | None:
    """For table `number` on the way back to `store`; `there` is the plan by which it came.  None where every value has
    one form, where rows have no key, and on the way there."""
    if there is None:
        return None
    way, names = There(there, there.tables[number]), tuple(keys)
    return Originals(store, way, move, names) if way.needed and names else None
