"""Rows in quarantine while a stream goes on: not on the target, let in again when the source mends them."""

from __future__ import annotations

from collections.abc import Collection

from prayog_migration.engine.changes import Key
from prayog_migration.engine.identity import identity
from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real.quarantine import Quarantine, row_values
from prayog_migration.engine.real.state import position_text
from prayog_migration.engine.real.store import Row, Store, Writer

__all__ = ["Held"]


class Held:
    """The quarantine through the writer of an applier; the keys that it holds are kept in memory.

    Changes belong to the writer's transaction: call `forget` after that was undone.  Rows are found by the identity of
    their table, whatever key the load gave them.
    """

    def __init__(self, store: Store, writer: Writer, plan: Plan) -> None:
        self._name = store.name(f"{PREFIX}_quarantine")
        self._quarantine = Quarantine(store)
        self._writer = writer
        self._moves = plan.tables
        self._named = [identity(move.source, plan.source.dialect).columns for move in plan.tables]
        self._keys: dict[str, dict[Key, str]] | None = None

    def keys(self, number: int) -> Collection[Key]:
        """The keys of table `number`'s rows in quarantine."""
        return self._of(number)

    def put(self, number: int, key: Key, column: str, code: str, reason: str, row: Row) -> None:
        """One more row; it replaces an older entry of the same key."""
        self.release(number, key)
        self._quarantine.add(self._writer, self._moves[number], key, "sync", column, code, reason, row)
        self._of(number)[key] = position_text(key) or ""

    def release(self, number: int, key: Key) -> None:
        """The row is in quarantine no longer."""
        text = self._of(number).pop(key, None)
        if text is not None:
            self._writer.execute(
                f"DELETE FROM {self._name} WHERE tab = ? AND source_key = ?", (self._moves[number].source.title, text)
            )

    def clear(self, number: int) -> None:
        """All rows of the table are gone."""
        if self._of(number):
            self._writer.execute(f"DELETE FROM {self._name} WHERE tab = ?", (self._moves[number].source.title,))
            self._of(number).clear()

    def forget(self) -> None:
        """What was changed is undone: look again."""
        self._keys = None

    def _of(self, number: int) -> dict[Key, str]:
        if self._keys is None:
            self._keys = {}
            numbers = {move.source.title: n for n, move in enumerate(self._moves)}
            for title, text, raw in self._writer.query(f"SELECT tab, source_key, raw FROM {self._name}"):
                if title in numbers:
                    key = row_values(raw, self._named[numbers[title]])
                    self._keys.setdefault(title, {})[key] = text
        return self._keys.setdefault(self._moves[number].source.title, {})

