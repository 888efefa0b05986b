"""A log for people: every record with its place and what it writes, and every stretch of bytes that is none."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Generator, Iterable
from typing import Any

from prayog_writes.engine.batch import decode
from prayog_writes.engine.log import BLOCK, Record, records
from prayog_writes.engine.progress import Progress, finished
from prayog_writes.engine.recovery import Replay

__all__ = ["SHOWN", "SHOWN_BYTES", "described_log", "describing", "taken"]

SHOWN = 2_000
"""Records that are listed one by one; the rest is counted."""
SHOWN_BYTES = 256 << 10
"""Bytes that can be looked at one by one."""


def described_log(name: str, data: bytes) -> dict[str, Any]:
    """Size, records (``start``, ``end``, ``sequence``, ``count``, ``first``: the first operation) and damage.

    ``data``: the first `SHOWN_BYTES` bytes in base 64.
    """
    return finished(describing(name, data))


def describing(name: str, data: bytes) -> Generator[Progress, None, dict[str, Any]]:
    """The same in steps."""
    listed: list[dict[str, Any]] = []
    damage: list[dict[str, Any]] = []
    total = 0
    for item in records(data):
        if not isinstance(item, Record):
            damage.append({"start": item.start, "end": item.end, "why": item.why, "tail": item.tail})
            continue
        total += 1
        if total % SHOWN == 0:
            yield Progress(total)
        if len(listed) >= SHOWN:
            continue
        try:
            sequence, operations = decode(item.data)
        except ValueError as error:
            damage.append({"start": item.start, "end": item.end, "why": str(error), "tail": False})
            continue
        key, value = operations[0] if operations else (b"", b"")
        verb = "delete" if value is None else "put"
        listed.append(
            {"start": item.start, "end": item.end, "sequence": sequence, "count": len(operations),
             "first": f"{verb} {key.decode('utf-8', 'backslashreplace')}"}
        )  # fmt: skip
    return {
        "file": name, "bytes": len(data), "block": BLOCK, "total": total, "records": listed, "damage": damage,
        "data": b64encode(data[:SHOWN_BYTES]).decode(),
    }  # fmt: skip


def taken(replays: Iterable[Replay]) -> list[list[int]]:
    """The writes that a recovery took from the logs, as [first, last] sequences."""
    spans: list[list[int]] = []
    for replay in replays:
        for sequence, operations in replay.batches:
            if spans and sequence == spans[-1][1] + 1:
                spans[-1][1] += len(operations)
            else:
                spans.append([sequence, sequence + len(operations) - 1])
    return spans
