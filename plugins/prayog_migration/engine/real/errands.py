"""What customers of the shop do, one transaction at a time, and what came of it."""

from __future__ import annotations

import contextlib
import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from prayog_migration.engine.real.store import Store
from prayog_migration.engine.triggers import FENCED

__all__ = ["Account", "Errands", "Surroundings"]

_LOOK_S = 0.02
_CITIES = ("Indore", "Mumbai", "Chennai", "Jaipur", "कोच्चि", "Leh")


@dataclass(slots=True)
class Account:
    """What writers have seen.  ``refused`` counts tries that a fence refused, ``failed`` requests given up for good."""

    committed: int = 0
    undone: int = 0
    conflicts: int = 0
    refused: int = 0
    failed: int = 0
    unknown: int = 0
    retried: int = 0
    waits_us: deque[int] = field(default_factory=lambda: deque(maxlen=2000))
    longest_us: int = 0
    pause_us: int = 0
    """The longest time without a commit on either side, from the first refusal to the next commit."""
    errors: deque[str] = field(default_factory=lambda: deque(maxlen=5))
    kept: set[str] = field(default_factory=set)
    dropped: set[str] = field(default_factory=set)
    doubtful: set[str] = field(default_factory=set)


class Surroundings(Protocol):
    """What a writer must know of the shop."""

    seed: int
    mark: str
    rate: float
    side: str
    stopped: bool

    def store(self, side: str) -> Store:
        """The database of a side."""
        ...

    def look(self) -> str:
        """Read the route anew."""
        ...

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the end."""
        ...

    def count(self, change: Callable[[Account], object]) -> None:
        """Write something into the account."""
        ...


class Errands:
    """One writer: a connection, and something to do."""

    def __init__(self, shop: Surroundings, number: int) -> None:
        self._shop = shop
        self._number = number
        self._dice = random.Random(f"{shop.seed}/{number}")
        self._count = 0
        self._mine: list[str] = []
        self._connection: Any = None
        self._side = ""
        self._mark = "%s"

    def work(self) -> None:
        shop = self._shop
        while not shop.stopped:
            began = time.perf_counter()
            self._request()
            if shop.rate:
                pace = 1.0 / shop.rate
                shop.wait(max(0.0, pace * self._dice.uniform(0.5, 1.5) - (time.perf_counter() - began)))
            else:
                shop.wait(0)
        self._leave()

    def _request(self) -> None:
        """One transaction, tried until some side has taken it or said no for good."""
        shop, began, refused_at = self._shop, time.perf_counter(), 0.0
        action = self._choose()
        while not shop.stopped:
            try:
                self._arrive()
                action()
            except Exception as error:  # noqa: BLE001 - three drivers, each with a family of errors
                if not self._get_over(error):
                    return
                refused_at = refused_at or time.perf_counter()
                shop.count(_retried)
                shop.wait(_LOOK_S)
                continue
            now = time.perf_counter()
            waited, pause = round(1e6 * (now - began)), round(1e6 * (now - refused_at)) if refused_at else 0

            def done(account: Account, waited: int = waited, pause: int = pause) -> None:
                account.committed += 1
                account.waits_us.append(waited)
                account.longest_us = max(account.longest_us, waited)
                account.pause_us = max(account.pause_us, pause)

            shop.count(done)
            return

    def _get_over(self, error: Exception) -> bool:
        """Whether to try again."""
        shop, text = self._shop, str(error)
        with contextlib.suppress(Exception):
            self._run("ROLLBACK")
        if FENCED.partition(":")[0] in text:
            shop.count(_refused)
            if shop.look() != self._side:
                self._leave()
            return True
        fault = shop.store(self._side or shop.side).fault(error)
        if fault.kind in ("connection", "retry", "space") or "locked" in text:
            if fault.kind == "connection":
                self._leave()
                shop.look()
            return True
        if isinstance(error, _Undone):
            shop.count(_undone)
        elif fault.kind == "row":
            shop.count(_conflict)
        else:
            shop.count(lambda account: _failure(account, text))
        return False

    def _arrive(self) -> None:
        """A connection to the side in charge."""
        side = self._shop.side
        if self._connection is not None and side == self._side:
            return
        self._leave()
        store = self._shop.store(side)
        self._connection = store.connect()
        self._side = side
        self._mark = "?" if store.dialect == "sqlite" else "%s"
        if store.dialect == "sqlite":
            self._run("PRAGMA foreign_keys = ON")
            self._run("PRAGMA synchronous = NORMAL")

    def _leave(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
            self._connection = None

    # -- what customers do -------------------------------------------------------------------------------------

    def _choose(self) -> Callable[[], None]:
        weights: Mapping[Callable[[], None], int] = {
            self._order: 30, self._status: 25, self._pay: 8, self._cancel: 8, self._review: 8, self._move_review: 6,
            self._customer: 8, self._stock: 5, self._regret: 4,
        }  # fmt: skip
        return self._dice.choices(list(weights), list(weights.values()))[0]

    def _order(self) -> None:
        self._count += 1
        note = f"{self._shop.mark}-{self._number}-{self._count}"
        dice = self._dice
        self._begin()
        order = self._insert(
            "orders", ("customer_id", "placed_at", "status", "total", "note"),
            (self._some("customers"), self._now(), "placed", f"{dice.randrange(1, 200000) / 100:.2f}", note),
        )  # fmt: skip
        for line in range(1, dice.randrange(2, 4)):
            self._run(
                "INSERT INTO order_items (order_id, line, product_id, quantity, price) VALUES (?, ?, ?, ?, ?)",
                order, line, self._some("products"), dice.randrange(1, 5), f"{dice.randrange(1, 9999) / 100:.2f}",
            )  # fmt: skip
        self._insert(
            "payments", ("order_id", "method", "upi_ref", "amount", "status"),
            (order, "upi", f"{note}@upi", f"{dice.randrange(1, 200000) / 100:.2f}", "pending"),
        )  # fmt: skip
        self._commit(lambda account: account.kept.add(note), note)
        self._mine = [*self._mine[-50:], note]

    def _status(self) -> None:
        self._begin()
        self._run(
            "UPDATE orders SET status = ? WHERE id = ?", self._dice.choice(("packed", "sent", "delivered")),
            self._some("orders"),
        )  # fmt: skip
        self._commit()

    def _pay(self) -> None:
        """A payment that replaces whichever one holds its reference."""
        self._begin()
        ref = f"{self._number}-{self._dice.randrange(40)}@upi"
        row = (self._some("orders"), "upi", ref, f"{self._dice.randrange(1, 9999) / 100:.2f}", "paid")
        names = "(order_id, method, upi_ref, amount, status) VALUES (?, ?, ?, ?, ?)"
        dialect = self._shop.store(self._side).dialect
        if dialect == "postgresql":
            self._run("DELETE FROM payments WHERE upi_ref = ?", ref)
            self._run(f"INSERT INTO payments {names}", *row)
        else:
            self._run(f"{'INSERT OR REPLACE' if dialect == 'sqlite' else 'REPLACE'} INTO payments {names}", *row)
        self._commit()

    def _cancel(self) -> None:
        """An order goes, and its items and payments with it."""
        if not self._mine:
            return self._status()
        note = self._mine[self._dice.randrange(len(self._mine))]
        self._begin()
        self._run("DELETE FROM orders WHERE note = ?", note)
        self._commit(lambda account: account.dropped.add(note), note)
        self._mine.remove(note)
        return None

    def _review(self) -> None:
        product, customer = self._some("products"), self._some("customers")
        self._begin()
        self._run("DELETE FROM reviews WHERE product_id = ? AND customer_id = ?", product, customer)
        text = self._dice.choice(("बढ़िया", "late\tbut good", "5★", None, "x" * 3000))
        self._insert(
            "reviews", ("product_id", "customer_id", "stars", "text", "written_at"),
            (product, customer, self._dice.randrange(1, 6), text, self._now()),
        )  # fmt: skip
        self._commit()

    def _move_review(self) -> None:
        """A row gets another key."""
        self._begin()
        number = 10_000_000 * (self._number + 1) + self._dice.randrange(1_000_000)
        self._run("UPDATE reviews SET id = ?, stars = 3 WHERE id = ?", number, self._some("reviews"))
        self._commit()

    def _customer(self) -> None:
        self._begin()
        self._run(
            "UPDATE customers SET city = ?, email = ? WHERE id = ?", self._dice.choice(_CITIES),
            f"n{self._dice.randrange(10**6)}@example.in", self._some("customers"),
        )  # fmt: skip
        self._commit()

    def _stock(self) -> None:
        self._begin()
        self._run(
            "UPDATE stock SET quantity = ?, counted_at = ? WHERE product_id = ?",
            self._dice.randrange(500), self._now(), self._some("products"),
        )  # fmt: skip
        self._commit()

    def _regret(self) -> None:
        """A transaction that is undone."""
        self._begin()
        self._run("UPDATE customers SET city = 'Nowhere' WHERE id < ?", self._some("customers"))
        self._run("DELETE FROM reviews WHERE id = ?", self._some("reviews"))
        raise _Undone

    # -- how it is said ----------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self._run("BEGIN IMMEDIATE" if self._mark == "?" else "BEGIN")

    def _commit(self, kept: Callable[[Account], object] | None = None, doubtful: str = "") -> None:
        try:
            self._run("COMMIT")
        except Exception:
            if doubtful:  # it may have been done, and the answer lost
                self._shop.count(lambda account: _doubt(account, doubtful))
            raise
        if kept:
            self._shop.count(lambda account: _keep(account, kept))

    def _run(self, sql: str, *values: Any) -> Any:
        cursor = self._connection.cursor()
        if values:
            cursor.execute(sql.replace("?", self._mark), values)
        else:
            cursor.execute(sql)
        return cursor

    def _insert(self, table: str, columns: tuple[str, ...], values: tuple[Any, ...]) -> int:
        """A row with the number that the database gives it."""
        marks = ", ".join("?" * len(columns))
        sql = f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})"
        if self._shop.store(self._side).dialect == "postgresql":
            return int(self._run(f"{sql} RETURNING id", *values).fetchone()[0])
        return int(self._run(sql, *values).lastrowid)

    def _some(self, table: str) -> int:
        """The number of some row, not chosen fairly but quickly."""
        if table in ("customers", "products"):
            high = self._highest(table)
            return self._dice.randrange(1, high + 1)
        high = self._highest(table)
        row = self._run(f"SELECT id FROM {table} WHERE id >= ? ORDER BY id LIMIT 1", self._dice.randrange(1, high + 1))
        found = row.fetchone()
        return int(found[0]) if found else high

    def _highest(self, table: str) -> int:
        found = self._run(f"SELECT max(id) FROM {table} WHERE id < 10000000").fetchone()
        return int(found[0] or 1)

    def _now(self) -> str:
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())


class _Undone(Exception):
    """The customer thought better of it."""


def _retried(account: Account) -> None:
    account.retried += 1


def _refused(account: Account) -> None:
    account.refused += 1


def _undone(account: Account) -> None:
    account.undone += 1


def _conflict(account: Account) -> None:
    account.conflicts += 1


def _failure(account: Account, text: str) -> None:
    account.failed += 1
    account.errors.append(text[:200])


def _doubt(account: Account, note: str) -> None:
    account.unknown += 1
    account.doubtful.add(note)


def _keep(account: Account, kept: Callable[[Account], object]) -> None:
    kept(account)
