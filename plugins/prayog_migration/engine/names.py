"""Names on the target: allowed there, and no two alike.

PostgreSQL cuts names silently at 63 bytes; SQLite and MySQL take ``Orders`` and ``orders`` for one column; an index has
a name of its own in PostgreSQL's schema and in SQLite's file, but not in MySQL.  A name is changed only where it must
be, and every change is told.
"""

from __future__ import annotations

from prayog_migration.engine.model import PREFIX, Dialect

__all__ = ["Namespace"]

_LIMIT = {"postgresql": 63, "mysql": 64, "sqlite": 1_000}


class Namespace:
    """Gives out names of one space of a target, each once."""

    def __init__(self, dialect: Dialect, folds: bool) -> None:
        self._dialect = dialect
        self._folds = folds
        self._taken: set[str] = set()

    def take(self, wanted: str) -> str:
        """`wanted`, or the nearest name that is allowed and free."""
        name = self._allowed(wanted)
        number = 1
        while self._key(name) in self._taken:
            number += 1
            end = f"_{number}"
            name = self._allowed(self._cut(wanted, len(end)) + end)
        self._taken.add(self._key(name))
        return name

    def _key(self, name: str) -> str:
        if not self._folds:
            return name
        # SQLite folds ASCII letters only, MySQL all, but neither takes ß for ss.
        return "".join(c.lower() if c.isascii() or self._dialect == "mysql" else c for c in name)

    def _allowed(self, name: str) -> str:
        if self._dialect == "mysql":
            name = "".join(c if c <= "\uffff" and c != "\0" else "_" for c in name).rstrip(" ")
        if self._dialect == "sqlite" and name.lower().startswith("sqlite_"):
            name = "_" + name
        if name.lower().startswith(PREFIX):
            name = "x" + name
        return self._cut(name or "_", 0)

    def _cut(self, name: str, room: int) -> str:
        limit = _LIMIT[self._dialect] - room
        if self._dialect == "mysql":
            return name[:limit]
        return name.encode()[:limit].decode(errors="ignore")
