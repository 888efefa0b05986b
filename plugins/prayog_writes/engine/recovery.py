"""What becomes of a damaged log: RocksDB's four modes, by its names.

| mode | a record that breaks off at the end | a damaged record elsewhere |
| --- | --- | --- |
| tolerate corrupted tail | left out | refused: the database does not open |
| absolute consistency | refused | refused |
| point in time | left out | everything from there on is left out |
| skip any corrupted record | left out | left out, and what comes after is taken |

Only the last can bring back a state that never was: a later write without an earlier one.  It is for rescue.

Source: RocksDB wiki "WAL Recovery Modes"; `include/rocksdb/options.h`, enum class WALRecoveryMode.  Point in time is
RocksDB's default and here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from prayog_writes.engine.batch import Operation, decode
from prayog_writes.engine.errors import Corruption
from prayog_writes.engine.log import Damage, Record, records

__all__ = ["Replay", "replay", "replaying"]

_SKIP = "skip any corrupted record"


@dataclass(slots=True)
class Replay:
    """What a log gave: batches as (sequence, operations), damage that was met, and whether reading stopped at it."""

    batches: list[tuple[int, list[Operation]]] = field(default_factory=list)
    damage: list[Damage] = field(default_factory=list)
    stopped: bool = False


def replay(name: str, data: bytes, mode: str, after: int | None = None) -> Replay:
    """Read the log `name`.  `after`: the last sequence of the log before it; a gap behind it counts as damage.

    Raises `Corruption` when `mode` refuses what was found.
    """
    found = Replay()
    for _ in replaying(found, name, data, mode, after):
        pass
    return found


def replaying(
    found: Replay, name: str, data: bytes, mode: str, after: int | None
) -> Iterator[tuple[int, list[Operation]]]:
    """The same batch by batch, into `found`."""
    for item in records(data):
        problem = item if isinstance(item, Damage) else None
        if isinstance(item, Record):
            try:
                sequence, operations = decode(item.data)
            except ValueError as error:
                problem = Damage(item.start, item.end, str(error), False)
            else:
                if after is None or sequence == after + 1 or mode == _SKIP:
                    found.batches.append((sequence, operations))
                    after = sequence + len(operations) - 1
                    yield sequence, operations
                    continue
                problem = Damage(item.start, item.end, f"write {after + 1} is missing before write {sequence}", False)
        assert problem is not None
        found.damage.append(problem)
        if mode == "absolute consistency" or (mode == "tolerate corrupted tail" and not problem.tail):
            raise Corruption(name, problem.start, problem.why, f"The mode “{mode}” opens no database with such a log.")
        if mode != _SKIP:
            found.stopped = True
            break
