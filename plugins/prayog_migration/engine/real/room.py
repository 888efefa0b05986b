"""A full disk in numbers: what the rest of the copy needs, and what is free where the target keeps its files."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from prayog_migration.engine.real.job import Job
from prayog_migration.engine.real.sqlite import SqliteStore
from prayog_migration.engine.real.store import Store

__all__ = ["free_bytes", "needed_bytes", "sentence"]

_ASK = {"postgresql": "SHOW data_directory", "mysql": "SELECT @@datadir"}
_HERE = {"", "localhost", "127.0.0.1", "::1"}
_ROW = 100
"""Bytes of a row of which nothing is known."""


def needed_bytes(job: Job) -> int:
    """What the rows that are not copied yet will take, by the rows that are; indexes come on top."""
    with job.target.writer() as writer:
        done = {one.table: one for one in job.ledger.state.checkpoints(writer)}
    total = 0
    for move in job.the_plan.tables:
        one = done.get(move.source.title)
        if one is not None and one.done:
            continue
        rows = one.rows if one else 0
        each = one.bytes / one.rows if one and one.rows else min(move.row_bytes or _ROW, 10 * _ROW)
        total += round(max(0, move.rows - rows) * each)
    return total


def free_bytes(store: Store) -> int | None:
    """Bytes that are free on the disk of a store on this machine; None where that cannot be seen."""
    if isinstance(store, SqliteStore):
        return shutil.disk_usage(store.path.absolute().parent).free
    parts = urlsplit(store.url)
    host = (parse_qs(parts.query).get("host") or [parts.hostname or ""])[0]
    if host not in _HERE and not host.startswith("/"):
        return None
    with contextlib.suppress(Exception), store.writer() as writer:
        return shutil.disk_usage(Path(str(writer.query(_ASK[store.dialect])[0][0]))).free
    return None


def sentence(job: Job, said: str) -> str:
    """What the target said, and the numbers; the copy waits and goes on by itself."""
    numbers = "It waits, and goes on by itself when there is room."
    with contextlib.suppress(Exception):  # the target may not even answer questions now
        need, free = needed_bytes(job), free_bytes(job.target)
        have = "how much is free there cannot be seen from here" if free is None else f"{_mb(free)} are free there"
        rest = f"The rest of the copy needs about {_mb(need)}, and its indexes some more"
        numbers = f"{rest if need else 'All rows are copied, but changes and indexes need room too'}; {have}. {numbers}"
    return f"The target has no room left ({said.rstrip('.')}). {numbers}"


def _mb(count: int) -> str:
    return f"{count / 1e6:,.1f} MB ({count:,} bytes)"
