"""Amplification as fractions: the parts that a database counted, and the meters made of them.

A step of a running workload tells the parts; whoever shows them says what is above and what below the line.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_writes.engine.database import Database
from prayog_writes.engine.survival import Memory

__all__ = ["amplification", "parts"]

_USER = "bytes of keys and values written by the user"
_METERS = {
    "write": (("written",), "user", "bytes written to tables", _USER),
    "write_with_log": (("written", "log"), "user", "bytes written to tables and log", _USER),
    "read": (("blocks",), "gets", "data blocks looked into", "gets"),
    "space": (("held",), "live", "bytes of all tables", "bytes of the keys and values that count"),
}


def parts(db: Database, memory: Memory) -> dict[str, int]:
    """Bytes ``user`` (asked to be kept), ``written`` (to tables), ``log``, ``held`` (in tables), ``live``; ``blocks``
    that were looked into for ``gets``."""
    stats = db.stats
    return {
        "user": stats.user, "written": stats.flushed + stats.compact_written + stats.loaded, "log": db.wal_bytes(),
        "blocks": stats.blocks_read + stats.blocks_cached, "gets": stats.gets, "held": db.version.total(),
        "live": memory.live,
    }  # fmt: skip


def amplification(counted: Mapping[str, int]) -> dict[str, dict[str, Any]]:
    """Per meter ``value`` (None: nothing to divide by), ``numerator`` and ``denominator``, and what they are."""
    meters = {}
    for name, (above, below, over, under) in _METERS.items():
        numerator, denominator = sum(counted[part] for part in above), counted[below]
        value = round(numerator / denominator, 3) if denominator else None
        meters[name] = {
            "value": value, "numerator": numerator, "denominator": denominator, "over": over, "under": under,
        }  # fmt: skip
    return meters
