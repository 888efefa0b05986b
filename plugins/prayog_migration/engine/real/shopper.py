"""The shop's application: writers that go on while the database moves under them, in a process of their own.

``python -m prayog_migration.engine.real.shopper`` reads one line of JSON (`Shift`), then commands; it tells every fifth
of a second how it goes.  Its writers do what applications do: orders with items and payments in one transaction, status
updates, deletes that cascade, changed keys, rows that throw others out (REPLACE), and transactions that are undone.

Rules
1. A writer uses one side until that side refuses it (FENCED) or is gone; then it reads the route, one row, until that
   names a side that takes its writes.  What was refused is tried again there, so no request fails for good.
2. Every order that was acknowledged is remembered, and every delete: what is found in the end can be compared with what
   was promised to customers, which no part of the migration knows of.  A commit whose answer was lost is neither.
"""

from __future__ import annotations

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from prayog_migration.engine.real.errands import Account, Errands
from prayog_migration.engine.real.ledger import ROUTE
from prayog_migration.engine.real.store import Store, open_store

__all__ = ["Shift", "Shop"]

_TELL_S = 0.2


@dataclass(frozen=True, slots=True)
class Shift:
    """Who works where: ``writers`` threads, each ``rate`` transactions a second (0: as fast as it goes)."""

    source: str
    target: str
    writers: int = 2
    rate: float = 40.0
    seed: int = 1
    mark: str = "w"


class Shop:
    """The writers."""

    def __init__(self, shift: Shift) -> None:
        self._shift = shift
        self._stores: dict[str, Store] = {"source": open_store(shift.source), "target": open_store(shift.target)}
        self._account = Account()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._go = threading.Event()
        self._go.set()
        self.side = "source"
        self._pinned = False
        self.rate, self.seed, self.mark = shift.rate, shift.seed, shift.mark
        self.stopped = False
        self._threads = [
            threading.Thread(target=Errands(self, n).work, name=f"writer-{n}", daemon=True)
            for n in range(shift.writers)
        ]

    def open(self) -> None:
        """Start working."""
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        """Finish what is under way and stop."""
        self.stopped = True
        self._stop.set()
        self._go.set()
        for thread in self._threads:
            thread.join(timeout=10)

    def pause(self) -> None:
        """Take a break between two transactions."""
        self._go.clear()

    def resume(self) -> None:
        """Go on."""
        self._go.set()

    def pin(self, side: str) -> None:
        """The application is configured for one side from now on: there is no route to read any more."""
        self.side, self._pinned = side, True

    def wait(self, seconds: float) -> None:
        """Sleep, but not beyond the end."""
        self._stop.wait(seconds)
        self._go.wait()

    def store(self, side: str) -> Store:
        return self._stores[side]

    def look(self) -> str:
        """Which side is in charge, by the route; the side so far when that cannot be read."""
        if self._pinned:
            return self.side
        with contextlib.suppress(Exception), contextlib.closing(self._stores["target"].connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(f"SELECT side FROM {self._stores['target'].name(ROUTE)} WHERE part = ''")
            row = cursor.fetchone()
            if row is not None:
                self.side = str(row[0])
        return self.side

    def count(self, change: Callable[[Account], object]) -> None:
        """Write something into the account."""
        with self._lock:
            change(self._account)

    def report(self) -> dict[str, Any]:
        """How it goes."""
        with self._lock:
            a = self._account
            waits = sorted(a.waits_us)
            p99 = waits[int(0.99 * (len(waits) - 1))] if waits else 0
            return {
                "written": a.committed, "undone": a.undone, "conflicts": a.conflicts, "refused": a.refused,
                "failed": a.failed, "unknown": a.unknown, "retried": a.retried, "p99_us": p99,
                "longest_us": a.longest_us, "pause_us": a.pause_us, "side": self.side, "errors": list(a.errors),
            }  # fmt: skip

    def audit(self) -> dict[str, Any]:
        """Orders as customers know them against the side in charge; call it while the writers rest."""
        side = self.look()
        with contextlib.closing(self._stores[side].connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(f"SELECT note FROM orders WHERE note LIKE '{self.mark}-%'")
            found = [str(row[0]) for row in cursor.fetchall()]
        with self._lock:
            a = self._account
            sure = a.kept - a.dropped - a.doubtful
            there = set(found)
            return {
                "side": side, "promised": len(sure), "lost": sorted(sure - there)[:20], "lost_count": len(sure - there),
                "doubled": len(found) - len(there),
                "undead": len((a.dropped - a.doubtful) & there),
            }  # fmt: skip


def main() -> int:
    """Read the shift, then commands until the input ends."""
    shop = Shop(Shift(**json.loads(sys.stdin.readline())))
    ended = threading.Event()
    lock = threading.Lock()

    def say(kind: str, data: Mapping[str, Any]) -> None:
        with lock, contextlib.suppress(BrokenPipeError):
            sys.stdout.write(json.dumps({"kind": kind, "node": "app", "data": data}, ensure_ascii=False) + "\n")
            sys.stdout.flush()

    def listen() -> None:
        for line in sys.stdin:
            command = json.loads(line)
            match command:
                case {"do": "pause"}:
                    shop.pause()
                case {"do": "resume"}:
                    shop.resume()
                case {"do": "rate", "rate": rate}:
                    shop.rate = float(rate)
                case {"do": "pin", "side": side}:
                    shop.pin(side)
                case {"do": "audit"}:
                    shop.pause()
                    time.sleep(0.3)
                    say("orders", shop.audit())
                    shop.resume()
                case {"do": "end"}:
                    break
        ended.set()

    threading.Thread(target=listen, name="commands", daemon=True).start()
    shop.open()
    while not ended.wait(_TELL_S):
        say("traffic", shop.report())
    shop.close()
    with contextlib.suppress(Exception):
        say("orders", shop.audit())
    say("traffic", {**shop.report(), "closed": True})
    return 0


if __name__ == "__main__":
    sys.exit(main())
