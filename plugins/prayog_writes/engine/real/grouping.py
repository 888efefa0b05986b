"""Many writers at once, all synced: how many of them share an fsync?"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from prayog_sdk.run import Emit
from prayog_writes.engine.database import Database
from prayog_writes.engine.disk import DiskFiles
from prayog_writes.engine.real.shared import SharedDatabase
from prayog_writes.engine.setup import Setup

__all__ = ["ON_THEIR_WAY", "group_commit"]

ON_THEIR_WAY = 16
"""Writes that a writer hands in before it waits for the first of them."""


def group_commit(folder: Path, setup: Setup, threads: int, count: int) -> Iterator[Emit]:
    """``group``: `threads` writers write `count` rows together."""
    shutil.rmtree(folder / "group", ignore_errors=True)
    files, options = DiskFiles(folder / "group"), replace(setup.options, sync="always")
    shared = SharedDatabase(files, options)
    before, began = shared.db.stats.syncs, time.perf_counter()
    errors: list[Exception] = []

    def writer(which: int) -> None:
        try:
            waiting = []
            for n in range(count // threads):
                waiting.append(shared.submit([(b"%03d-%07d" % (which, n), b"v" * setup.value_size)]))
                if len(waiting) >= ON_THEIR_WAY:
                    waiting.pop(0).wait()
            for ticket in waiting:
                ticket.wait()
        except Exception as error:  # noqa: BLE001 - handed to the one who asked
            errors.append(error)

    workers = [threading.Thread(target=writer, args=(n,)) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    took, fsyncs = time.perf_counter() - began, shared.db.stats.syncs - before
    shared.close()
    if errors:
        raise errors[0]
    total = count // threads * threads
    with Database(files, options) as db:
        kept = sum(1 for _ in db.rows())
    yield "group", "database", {
        "threads": threads, "count": total, "fsyncs": fsyncs, "per_fsync": round(total / max(fsyncs, 1), 1),
        "per_second": round(total / took), "kept": kept,
    }  # fmt: skip
