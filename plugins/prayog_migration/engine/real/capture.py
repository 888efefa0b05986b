"""Capture: how the changes of a source that is being written to are learnt, whatever it is.

Three ways behind one protocol: a log of keys kept by triggers (`sqlite_capture`), PostgreSQL's own log decoded
(`postgres_capture`), and the binlog of MariaDB and MySQL (`binlog_capture`).

Rules
1. `prepare` comes before the copy: a change after it is in the log, whatever the copy does (promise P2).
2. A batch ends where a source transaction ends, never within one; its ``position`` is where the next one begins.
3. A batch is *exact* when the target, as it is at the batch's beginning, is a state that the source really had: then
   every row that it changes must be there, and none that it adds.  Until the stream has passed everything that the
   copy may have seen already, batches are not exact, and only their last word about a row counts.
4. What is added to the source begins with ``_wiz``, and `remove` takes all of it away, also when half is gone already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from prayog_migration.engine.changes import Bag, Folding, Key
from prayog_migration.engine.model import Table
from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real.cascades import Moves
from prayog_migration.engine.real.store import Reader, Row, Store

__all__ = [
    "Batch",
    "CannotCapture",
    "Capture",
    "CaptureLost",
    "Drift",
    "Lag",
    "Memory",
    "View",
    "difference",
    "key_places",
    "open_capture",
]


class CannotCapture(Exception):
    """The source does not allow it; the sentence says which setting or right is missing."""


class CaptureLost(Exception):
    """Changes are missing and cannot be had any more: the copy must begin again, and the sentence says why."""


class Drift(Exception):
    """The source's tables are not what the plan says; the sentence names what changed.  Nothing was skipped."""


class Memory(dict[str, Any]):
    """What must be known to take away again what was changed on the source: settings and replica identities as they
    were.  It is written down (`keep`) before anything is changed."""

    def __init__(self, kept: Mapping[str, Any] | None = None, keep: Callable[[Memory], None] | None = None) -> None:
        super().__init__(kept or {})
        self._keep = keep

    def keep(self) -> None:
        """Write it down now."""
        if self._keep:
            self._keep(self)


@dataclass(frozen=True, slots=True)
class Batch:
    """What whole source transactions did, folded; by the number of the table in the plan.

    ``committed_us``: when the source committed the last of them (µs since 1970 by its own clock; 0: not known), for
    showing only.  ``full``: with it the target is what the source was at ``position``.  ``ends`` is false for a piece
    of a transaction that is too long for memory: the rest follows and must be committed together with it.
    ``exact_from``: rows were read that are newer than ``position``, so the stream is exact only from there on.
    ``moves``: keys before and after each change, where foreign keys of the source change further rows silently
    (`cascades`).
    """

    tables: dict[int, Folding | Bag]
    position: str
    exact: bool
    transactions: int = 0
    committed_us: int = 0
    full: bool = True
    ends: bool = True
    exact_from: str = ""
    moves: Moves = field(default_factory=dict)

    @property
    def changes(self) -> int:
        """How many changes were folded."""
        return sum(folding.changes for folding in self.tables.values())


@dataclass(frozen=True, slots=True)
class Lag:
    """How far behind: ``changes`` or ``bytes`` of log that wait (-1: not known); ``kept_bytes`` of log that the source
    keeps for us, and at most ``cap_bytes`` (-1: without limit)."""

    changes: int = -1
    bytes: int = -1
    kept_bytes: int = -1
    cap_bytes: int = -1


@dataclass(frozen=True, slots=True)
class View:
    """The source as it was at exactly one position, for as long as the reader is open."""

    reader: Reader
    position: str


class Capture(Protocol):
    """The changes of one source's tables.  One thread uses it; it holds connections until `close`."""

    def prepare(self) -> str:
        """Begin to capture; the position from which changes will follow.  Raises `Unfollowable` or `CannotCapture`."""
        ...

    def snapshot(self) -> tuple[Reader, str]:
        """A reader for the copy, and the position up to which the stream may repeat what it saw.

        Right after `prepare` there is no overlap and the position is the one that `prepare` gave.
        """
        ...

    def read(self, after: str, limit: int, exact_from: str, view: View | None = None) -> Batch | None:
        """The next changes after a position; None when there are none now.  It may wait some milliseconds for them.

        About `limit` changes; with a `view` none beyond its position.  Raises `CaptureLost` or `Drift`.
        """
        ...

    def fix(self) -> View:
        """The source at exactly one position; the caller closes the reader."""
        ...

    def rows(self, number: int, keys: Sequence[Key]) -> Iterable[Row]:
        """Rows of table `number` of the plan by their keys, not older than the last batch; where it is exact and full,
        just as they were at its position."""
        ...

    def settle(self) -> None:
        """The last batch is applied: hold no lock on the source's tables any longer."""
        ...

    def now(self) -> str:
        """The position of the source's latest commit."""
        ...

    def reached(self, position: str, other: str) -> bool:
        """`position` is not before `other`."""
        ...

    def lag(self, after: str) -> Lag:
        """What waits after a position."""
        ...

    def forget(self, upto: str) -> None:
        """The target has everything up to `upto` for good: the source need not keep it."""
        ...

    def hand_over(self, heir: Capture) -> None:
        """`heir`, the capture of the other direction, puts back what both need on a server that they share."""
        ...

    def remove(self) -> list[str]:
        """Take away everything that was added to the source; what was taken away, in words."""
        ...

    def close(self) -> None:
        """End the connections; the capture goes on."""
        ...


def open_capture(store: Store, plan: Plan, tag: str, memory: Memory) -> Capture:
    """The capture for `store`; `tag` tells migrations of one server apart (small letters and digits)."""
    if store.dialect == "sqlite":
        from prayog_migration.engine.real.sqlite import SqliteStore
        from prayog_migration.engine.real.sqlite_capture import SqliteCapture

        assert isinstance(store, SqliteStore)
        return SqliteCapture(store, plan)
    if store.dialect == "postgresql":
        from prayog_migration.engine.real.postgres import PostgresStore
        from prayog_migration.engine.real.postgres_capture import PostgresCapture

        assert isinstance(store, PostgresStore)
        return PostgresCapture(store, plan, tag, memory)
    from prayog_migration.engine.real.binlog_capture import BinlogCapture
    from prayog_migration.engine.real.mysql import MysqlStore

    assert isinstance(store, MysqlStore)
    return BinlogCapture(store, plan, tag, memory)


def difference(planned: Table, found: Table | None) -> str:
    """How the columns of a table are not what the plan says, in words; "" when they are."""
    if found is None:
        return f"Table {planned.title} is gone"
    old = {column.name: column.type for column in planned.columns}
    new = {column.name: column.type for column in found.columns}
    said = [f"column {name} is new" for name in new if name not in old]
    said += [f"column {name} is gone" for name in old if name not in new]
    said += [
        f"column {name} was {kind or 'untyped'} and is {new[name] or 'untyped'}"
        for name, kind in old.items()
        if name in new and new[name].lower() != kind.lower()
    ]
    return f"Table {planned.title} has changed: {', '.join(said)}" if said else ""


def key_places(reads: Sequence[str], key: Sequence[str]) -> tuple[int, ...]:
    """Where the key stands in a row of the copied columns."""
    return tuple(reads.index(name) for name in key)
