"""A log for people: every record with its place and what it writes, and every stretch of bytes that is none."""

from __future__ import annotations

from typing import Any

from prayog_writes.engine.batch import decode
from prayog_writes.engine.log import BLOCK, Record, records

__all__ = ["SHOWN", "described_log"]

SHOWN = 2_000
"""Records that are listed one by one; the rest is counted."""


def described_log(name: str, data: bytes) -> dict[str, Any]:
    """Size, records (``start``, ``end``, ``sequence``, ``count``, ``first``: the first operation) and damage."""
    listed: list[dict[str, Any]] = []
    damage: list[dict[str, Any]] = []
    total = 0
    for item in records(data):
        if not isinstance(item, Record):
            damage.append({"start": item.start, "end": item.end, "why": item.why, "tail": item.tail})
            continue
        total += 1
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
    return {"file": name, "bytes": len(data), "block": BLOCK, "total": total, "records": listed, "damage": damage}
