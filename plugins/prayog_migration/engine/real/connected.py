"""What the readers and writers of all dialects do alike: they end with their block, and tell after a commit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, Self

__all__ = ["Connected", "Writing"]


class Connected:
    """Closes at the end of a ``with`` block."""

    def close(self) -> None:
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class Writing(Connected):
    """Transactions of a writer; a dialect says how one begins (`_begun`) and whether it can still be undone (`_alive`).

    The savepoint is that of the standard, which SQLite and MySQL know by the same words.
    """

    _after: list[Callable[[], None]]

    def _begun(self) -> AbstractContextManager[Any]:
        """Commits at the end of its block, and undoes everything when that raises."""
        raise NotImplementedError

    @property
    def _alive(self) -> bool:
        """The transaction is still there."""
        raise NotImplementedError

    def execute(self, sql: str) -> int:
        raise NotImplementedError

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self._after = []
        with self._begun():
            yield
        after, self._after = self._after, []
        for one in after:
            one()

    def after_commit(self, told: Callable[[], None]) -> None:
        """Call `told` when the transaction that is open now is committed, and never when it is undone."""
        self._after.append(told)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        self.execute("SAVEPOINT _wiz")
        try:
            yield
        except BaseException:
            if self._alive:
                self.execute("ROLLBACK TO SAVEPOINT _wiz")
                self.execute("RELEASE SAVEPOINT _wiz")
            raise
        self.execute("RELEASE SAVEPOINT _wiz")
