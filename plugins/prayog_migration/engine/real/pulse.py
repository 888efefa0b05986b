"""Notices a network that has stalled: connections that stay up while nothing comes through them any more.

A driver that waits for an answer waits for ever.  So a small connection of its own asks each server every second; when
an answer does not come in time, whoever asked is told, and ends the process: nothing else gets a thread out of a driver
that waits.  (A statement that takes long is no stall: the server answers on other connections meanwhile.)
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any, Self

from prayog_migration.engine.real.job import Order
from prayog_migration.engine.real.store import open_store

__all__ = ["Pulse"]

_EVERY_S = 1.0


class Pulse:
    """Asks source and target until it is closed; ``stalled(where)`` is called when one does not answer any more."""

    def __init__(self, order: Order, stalled: Callable[[str], None]) -> None:
        self._stalled = stalled
        self._patience = order.patience_s
        self._ended = threading.Event()
        self._asked: dict[str, float] = {}
        self._threads = [
            threading.Thread(target=self._ask, args=(where, url), name=f"pulse-{where}", daemon=True)
            for where, url in (("source", order.source), ("target", order.target))
            if not url.startswith("sqlite")
        ]
        self._threads.append(threading.Thread(target=self._watch, name="pulse-watch", daemon=True))

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()

    def _ask(self, where: str, url: str) -> None:
        store = open_store(url)
        connection: Any = None
        while not self._ended.wait(_EVERY_S):
            self._asked[where] = time.monotonic()
            try:
                connection = connection or store.connect()
                with contextlib.closing(connection.cursor()) as cursor:
                    cursor.execute("SELECT 1")
                    cursor.fetchall()
            except Exception:  # noqa: BLE001 - a connection that breaks is noticed by those who use it
                with contextlib.suppress(Exception):
                    connection.close()
                connection = None
            self._asked.pop(where, None)

    def _watch(self) -> None:
        while not self._ended.wait(0.2):
            for where, since in list(self._asked.items()):
                if time.monotonic() - since > self._patience:
                    self._stalled(where)
