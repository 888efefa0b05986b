"""A place in a database that can be moved both ways, as LevelDB's iterators can.

It walks with a scan, and begins a new one at its place when the direction changes: that costs a look into every run,
which is what LevelDB pays too (`DBIter::Prev`).

Source: LevelDB `include/leveldb/iterator.h`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from prayog_writes.engine.errors import DatabaseError
from prayog_writes.engine.reading import Snapshot, scan

if TYPE_CHECKING:
    from prayog_writes.engine.store import Store

__all__ = ["Cursor"]


class Cursor:
    """At first nowhere; go somewhere with a `seek`.  Give it back with `close` or ``with``.

    It sees the database as `snapshot` does.  ``owned``: the snapshot was taken for it, and goes with it.
    """

    def __init__(self, store: Store, snapshot: Snapshot, owned: bool) -> None:
        self._store = store
        self._snapshot = snapshot
        self._owned = owned
        self._row: tuple[bytes, bytes] | None = None
        self._walk: Iterator[tuple[bytes, bytes]] = iter(())
        self._back = False

    @property
    def valid(self) -> bool:
        """Whether it stands on a row."""
        return self._row is not None

    @property
    def key(self) -> bytes:
        """The key of the row; raises `DatabaseError` when it stands on none."""
        return self._here()[0]

    @property
    def value(self) -> bytes:
        """The value of the row; raises `DatabaseError` when it stands on none."""
        return self._here()[1]

    def seek(self, key: bytes) -> None:
        """Go to the first row at or behind `key`."""
        self._begin(key, None, back=False)

    def seek_for_prev(self, key: bytes) -> None:
        """Go to the last row at or before `key`."""
        self._begin(None, key + b"\0", back=True)

    def seek_to_first(self) -> None:
        """Go to the first row of all."""
        self._begin(None, None, back=False)

    def seek_to_last(self) -> None:
        """Go to the last row of all."""
        self._begin(None, None, back=True)

    def next(self) -> None:
        """Go to the row behind this one; behind the last it is no longer valid."""
        key = self.key
        if self._back:
            self._begin(key + b"\0", None, back=False)
        else:
            self._row = next(self._walk, None)

    def prev(self) -> None:
        """Go to the row before this one; before the first it is no longer valid."""
        key = self.key
        if self._back:
            self._row = next(self._walk, None)
        else:
            self._begin(None, key, back=True)

    def close(self) -> None:
        """Let go of what it sees."""
        self._row, self._walk = None, iter(())
        if self._owned:
            self._snapshot.release()
            self._owned = False

    def __enter__(self) -> Cursor:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _here(self) -> tuple[bytes, bytes]:
        if self._row is None:
            raise DatabaseError("the cursor stands on no row; ask `valid`, or seek first.")
        return self._row

    def _begin(self, start: bytes | None, stop: bytes | None, back: bool) -> None:
        self._back = back
        self._walk = scan(self._store, start, stop, self._snapshot.sequence, back)
        self._row = next(self._walk, None)
