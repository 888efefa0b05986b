"""The seam between the wizard and a database: what can be asked of any of them, source or target.

Three adapters fill it: `sqlite`, `postgres`, `mysql`; `open_store` chooses one by URL.

Rules
1. Values travel in *exchange form*, which loses nothing of what the database holds:
   SQLite gives its storage classes (None, int, float, str, bytes), text that is no UTF-8 with ``surrogateescape``;
   PostgreSQL gives None or its own text output as str (UTC, ISO, bytea as bytes), as pgoutput does;
   MySQL gives None, str (numbers and dates too, with ``0000-00-00``, UTC), and bytes for binary types and BIT.
   `values` makes of it what the target takes.
2. A reader is one consistent read transaction; it never writes.  A writer changes rows only in `transaction`.
3. ``?`` stands for a parameter in every dialect; a statement without parameters is sent as it is.
4. Nothing here may be called on the GUI thread.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Protocol, Self
from urllib.parse import urlsplit

from prayog_migration.engine.model import Catalogue, Dialect, Table

__all__ = [
    "Columns",
    "Fault",
    "FaultKind",
    "Position",
    "Reader",
    "Row",
    "Store",
    "Walk",
    "Writer",
    "Written",
    "marked",
    "open_store",
]

Row = tuple[Any, ...]
Columns = Sequence[Sequence[Any]]
"""The values of some rows, a sequence for each column."""
Position = tuple[Any, ...]
"""The walk's keys of a row: reading goes on after it."""

FaultKind = Literal["row", "connection", "space", "retry", "schema", "fatal"]
"""``row``: a value or constraint, the row is to blame.  ``connection``: gone, connect again and read the checkpoint.
``space``: no room left.  ``retry``: deadlock or lock timeout.  ``schema``: a table or column is not what it was."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What went wrong, in the wizard's words: ``code`` is the SQLSTATE, error number or SQLite's name of it."""

    kind: FaultKind
    code: str
    sentence: str
    constraint: str = ""


@dataclass(frozen=True, slots=True)
class Walk:
    """In which order a table is read, so that reading can stop and go on: no two rows share all ``keys``.

    ``keys`` are SQL expressions of the store; ``hidden``: they are no columns (a rowid), and rows carry their values
    in front of the columns that were asked for.  ``bounds_move``: a row may change its place without being changed
    by anybody (rowids and VACUUM), so that a position is worth something only while nobody does that.
    """

    keys: tuple[str, ...]
    columns: tuple[str, ...]
    hidden: bool = False
    bounds_move: bool = False

    def places(self, columns: Sequence[str]) -> tuple[int, ...]:
        """Where in a row of `columns` the position stands."""
        return tuple(range(len(self.keys))) if self.hidden else tuple(columns.index(name) for name in self.columns)


@dataclass(frozen=True, slots=True)
class Written:
    """What one bulk insert wrote; ``bytes`` as they went to the server (SQLite: of the values, roughly)."""

    rows: int
    bytes: int


class Reader(Protocol):
    """One consistent read transaction, until `close`."""

    def rows(
        self,
        table: Table,
        columns: Sequence[str],
        walk: Walk | None = None,
        after: Position | None = None,
        until: Position | None = None,
        limit: int | None = None,
    ) -> Iterator[Row]:
        """Rows in the order of `walk`, after one position and not beyond another; streamed, memory is bounded.

        Without `walk` all rows, in the store's own order.
        """
        ...

    def batches(
        self,
        table: Table,
        columns: Sequence[str],
        walk: Walk | None = None,
        after: Position | None = None,
        until: Position | None = None,
        limit: int | None = None,
        size: int = 400,
    ) -> Iterator[list[Row]]:
        """As `rows`, in lists of at most `size` rows: what is done to many rows at once is done in C."""
        ...

    def by_key(
        self, table: Table, columns: Sequence[str], key: Sequence[str], keys: Sequence[Position]
    ) -> Iterator[Row]:
        """The rows whose `key` columns have one of the values `keys`; rows that are gone are left out."""
        ...

    def count(self, table: Table) -> int:
        """How many rows there are."""
        ...

    def last(self, table: Table, walk: Walk) -> Position | None:
        """The last position in the order of `walk`; None for an empty table."""
        ...

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query, in exchange form."""
        ...

    def close(self) -> None:
        """End the transaction and the connection."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...


class Writer(Protocol):
    """A connection that changes the store."""

    def transaction(self) -> AbstractContextManager[None]:
        """Commit at the end of the block, undo everything when it raises.  Does not nest."""
        ...

    def after_commit(self, told: Callable[[], None]) -> None:
        """Call `told` when the transaction that is open now is committed, and never when it is undone."""
        ...

    def savepoint(self) -> AbstractContextManager[None]:
        """Inside a transaction: undo only the block when it raises."""
        ...

    def insert(self, table: str, columns: Sequence[str], rows: Iterable[Row]) -> Written:
        """Insert plainly (a duplicate is an error) in the fastest way there is; `rows` is consumed as a stream.

        `table` is a quoted name (`Store.name`), `columns` are not quoted.
        """
        ...

    def insert_columns(self, table: str, columns: Sequence[str], batches: Iterable[Columns]) -> Written:
        """As `insert`, from rows that are given as columns."""
        ...

    def execute(self, sql: str, parameters: Sequence[Any] = ()) -> int:
        """Run one statement; how many rows it changed."""
        ...

    def query(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query, as the driver gives them."""
        ...

    def exact(self, sql: str, parameters: Sequence[Any] = ()) -> list[Row]:
        """All rows of a query, in exchange form."""
        ...

    def close(self) -> None:
        """End the connection; an open transaction is undone."""
        ...

    def __enter__(self) -> Self: ...
    def __exit__(self, *exc: object) -> None: ...


class Store(Protocol):
    """One database, source or target.  ``url`` may hold a password: show it `masked` only."""

    dialect: Dialect
    url: str

    def connect(self) -> Any:
        """A new driver connection in autocommit mode, for what the protocols do not offer."""
        ...

    def catalogue(self) -> Catalogue:
        """Everything in it."""
        ...

    def reader(self, snapshot: str = "") -> Reader:
        """A consistent read transaction; `snapshot` is one that PostgreSQL exported."""
        ...

    def writer(self) -> Writer:
        """A connection that changes the store; a SQLite file that is not there is made."""
        ...

    def walk(self, table: Table) -> Walk | None:
        """How `table` can be read in parts; None: it has no key and is read in one go."""
        ...

    def quote(self, name: str) -> str:
        """A quoted identifier."""
        ...

    def name(self, name: str, schema: str = "") -> str:
        """A quoted name with its schema, the store's own when `schema` is ""."""
        ...

    def own(self, table: Table) -> str:
        """The quoted name by which only the rows of `table` itself are meant, not those of tables that inherit."""
        ...

    def fault(self, error: BaseException) -> Fault:
        """What a driver's exception means."""
        ...


_QUOTED = re.compile(r"""\?|"(?:[^"]|"")*"|`(?:[^`]|``)*`|'(?:[^']|'')*'""")


@lru_cache(512)
def marked(sql: str) -> str:
    """The statement with ``%s`` for each ``?`` that is a parameter: not for one in a name or a text."""
    return _QUOTED.sub(lambda found: "%s" if found[0] == "?" else found[0], sql.replace("%", "%%"))


def open_store(url: str, schema: str = "") -> Store:
    """The store at `url`: ``sqlite:///path``, ``postgresql://…`` or ``mysql://…`` (``mariadb://…``).

    `schema` is the PostgreSQL schema whose objects have schema "" (default ``public``).  Raises `ValueError` with a
    sentence for any other URL; nothing is connected yet.
    """
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        from prayog_migration.engine.real.sqlite import SqliteStore

        return SqliteStore(url)
    if scheme in ("postgresql", "postgres"):
        from prayog_migration.engine.real.postgres import PostgresStore

        return PostgresStore(url, schema or "public")
    if scheme in ("mysql", "mariadb"):
        from prayog_migration.engine.real.mysql import MysqlStore

        return MysqlStore(url)
    raise ValueError(
        f"A database is named by a URL that begins with sqlite:///, postgresql:// or mysql://; found {scheme or url!r}."
    )
