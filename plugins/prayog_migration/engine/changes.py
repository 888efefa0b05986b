"""What a stream of changes comes to: many steps of one row become one, so that they can be applied in bulk.

`Folding` takes the changes of whole source transactions in order and keeps, for every row that they touch, only which
row it was at the beginning and what it is at the end.  Applying that (delete all that were, then insert all that are)
gives the same table as doing the changes one by one, and is possible even where rows swap their unique values.

Rules
1. ``origin`` is the identity of a row as the target has it now; None: the target does not have it.
2. In an exact stream every contradiction (an insert of a row that is there, a change of one that is not) is an error:
   it means that something was applied twice or not at all, and must never be smoothed over.
3. In a stream that is not exact yet (it overlaps with the copy) the last word about a row wins.
4. Rows of a table without a key are a *bag*: only how many of each there are can change (`Bag`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from prayog_migration.engine.pgoutput import UNCHANGED

__all__ = ["Bag", "Change", "Contradiction", "Folding", "Key", "Net", "Op", "folded", "merged", "state"]

Key = tuple[Any, ...]
Op = Literal["insert", "update", "delete", "truncate"]


class Contradiction(Exception):
    """An exact stream does not fit what came before it; the sentence names table and key."""


class Change(NamedTuple):
    """One change of one row of table number ``table`` in the plan.

    ``before``: the row's key before (None for insert and truncate); ``after``: key and row after (None for delete and
    truncate).  Cells may be `UNCHANGED` in an update.
    """

    table: int
    op: Op
    before: Key | None = None
    after: Key | None = None
    row: tuple[Any, ...] | None = None


@dataclass(slots=True)
class Net:
    """What became of one row.  ``row`` is None when it is gone; it may hold `UNCHANGED` only if there is an origin."""

    origin: Key | None
    key: Key | None
    row: tuple[Any, ...] | None


class Folding:
    """The changes of some whole transactions to one table, folded."""

    def __init__(self, exact: bool, title: str = "") -> None:
        self.exact = exact
        self.title = title
        self.truncated = False
        self.partial = False
        """Some row may hold `UNCHANGED`."""
        self._here: dict[Key, Net] = {}
        self._gone: dict[Key, Net] = {}
        self.changes = 0

    def add(self, change: Change) -> None:
        """The next change.  Raises `Contradiction`."""
        self.changes += 1
        if change.op == "truncate":
            self.truncated = True
            self._here.clear()
            self._gone.clear()
        elif change.op == "insert":
            assert change.after is not None
            assert change.row is not None
            self._insert(change.after, change.row)
        elif change.op == "delete":
            assert change.before is not None
            self._delete(change.before)
        else:
            assert change.before is not None
            assert change.after is not None
            assert change.row is not None
            self._update(change.before, change.after, change.row)

    def nets(self) -> Iterator[Net]:
        """All rows that were touched; those that are gone first."""
        yield from self._gone.values()
        yield from self._here.values()

    def take(self, other: Folding) -> None:
        """Rows that `other` knows of, and this one does not."""
        self.partial = self.partial or other.partial
        self._here.update(other._here)
        self._gone.update(other._gone)

    def __len__(self) -> int:
        return len(self._gone) + len(self._here)

    def _insert(self, key: Key, row: tuple[Any, ...]) -> None:
        found = self._here.get(key)
        if found is None:
            # Gone and back again under the same key: one row that changed.  Otherwise new to the target, or, in a
            # stream that is not exact, perhaps there already.
            back = self._gone.pop(key, None)
            origin = back.origin if back else (None if self.exact or self.truncated else key)
            self._here[key] = Net(origin, key, row)
        elif self.exact:
            raise Contradiction(f"{self.title}: the log inserts a row with key {key!r} that is there already")
        else:
            found.row = row

    def _delete(self, key: Key) -> None:
        net = self._here.pop(key, None) or self._from_target(key, "deletes")
        net.key = net.row = None
        if net.origin is not None:
            self._gone[net.origin] = net

    def _update(self, before: Key, after: Key, row: tuple[Any, ...]) -> None:
        net = self._here.pop(before, None) or self._from_target(before, "changes")
        if UNCHANGED in row:
            row = merged(net.row, row)
            self.partial = True
        net.key, net.row = after, row
        other = self._here.get(after)
        if other is not None:
            if self.exact:
                raise Contradiction(f"{self.title}: the log moves a row to key {after!r}, where another one is")
            if other.origin is not None:
                self._gone[other.origin] = Net(other.origin, None, None)
        if not self.exact and net.origin != after and after not in self._gone:
            # The copy may have brought the row under its new key already: that one goes too.
            self._gone[after] = Net(after, None, None)
        self._here[after] = net

    def _from_target(self, key: Key, verb: str) -> Net:
        """The row `key` as the target has it, met for the first time."""
        if self.exact and (key in self._gone or self.truncated):
            raise Contradiction(f"{self.title}: the log {verb} a row with key {key!r} that is gone already")
        back = self._gone.pop(key, None)
        return Net(back.origin if back else key, key, None)


class Bag:
    """The changes of some whole transactions to a table whose rows have no identity but their values."""

    def __init__(self, title: str = "") -> None:
        self.title = title
        self.truncated = False
        self.more: Counter[Key] = Counter()
        """Row → how many more (or, below zero, fewer) of it there are at the end."""
        self.changes = 0

    def add(self, change: Change) -> None:
        """The next change."""
        self.changes += 1
        if change.op == "truncate":
            self.truncated = True
            self.more.clear()
        if change.before is not None:
            self.more[change.before] -= 1
        if change.row is not None:
            self.more[merged(change.before, change.row)] += 1


def merged(old: Sequence[Any] | None, new: Sequence[Any]) -> tuple[Any, ...]:
    """`new` with its unchanged cells taken from `old` where that is known."""
    if old is None:
        return tuple(new)
    return tuple(o if n is UNCHANGED else n for o, n in zip(old, new, strict=True))


def state(title: str, keys: Iterable[Key], rows: Mapping[Key, tuple[Any, ...]], changes: int) -> Folding:
    """What became of rows of which only their keys are known: those in `rows` are so now, the others are gone."""
    folding = Folding(exact=False, title=title)
    for key in keys:
        if key in rows:
            folding.add(Change(0, "insert", after=key, row=rows[key]))
        else:
            folding.add(Change(0, "delete", before=key))
    folding.changes = changes
    return folding


def folded(
    changes: Iterable[Change], titles: Sequence[str], exact: bool, whole: Sequence[bool] = ()
) -> dict[int, Folding | Bag]:
    """`changes` folded table by table; ``whole[n]``: table n is a bag."""
    tables: dict[int, Folding | Bag] = {}
    for change in changes:
        folding = tables.get(change.table)
        if folding is None:
            title = titles[change.table]
            bag = bool(whole) and whole[change.table]
            folding = tables[change.table] = Bag(title) if bag else Folding(exact, title)
        folding.add(change)
    return tables
