"""Work on a running database: write, read, scan, workloads, flush, compaction; each a stream of steps.

A single put or get is told in every detail; a workload tells of flushes, compactions, moves, edits and stalls one by
one, and of its operations in portions.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from prayog_sdk.run import Emit
from prayog_writes.engine import state
from prayog_writes.engine.apparatus import Apparatus
from prayog_writes.engine.batch import Operation
from prayog_writes.engine.compaction import CompactionJob
from prayog_writes.engine.database import Database
from prayog_writes.engine.job import Job
from prayog_writes.engine.workload import operations

__all__ = ["compact", "flush", "get", "scan", "verify", "workload", "write"]

PORTION = 200
"""Operations of a workload in one step."""
ROWS = 2_000
"""Rows of a scan, or keys of the witness, in one step."""


def write(lab: Apparatus, batch: list[Operation]) -> Iterator[Emit]:
    """One batch, told in every detail."""
    db = lab.opened()
    db.write(batch)
    lab.memory.add(batch)
    lab.device.written(db, len(batch))
    yield from lab.told()
    yield "acknowledged", "database", {"count": len(batch), "total": db.last}
    yield from lab.pump(db)


def get(lab: Apparatus, key: bytes) -> Iterator[Emit]:
    """One get, with every place that it looks at."""
    value, seen = lab.opened().explain(key)
    for look in seen:
        yield "look", "database", {"key": key.decode(), **look}
    yield "answer", "database", state.answer(key, value, seen, lab.memory.now.get(key))


def scan(lab: Apparatus, start: bytes, count: int, reverse: bool) -> Iterator[Emit]:
    """`count` rows from `start` on, or (in `reverse`) before it; compared with what the witness has there."""
    db, now = lab.opened(), lab.memory.now
    rows = db.scan(None, start or None, reverse=True) if reverse else db.scan(start)
    first: list[tuple[bytes, bytes]] = []
    seen, right, end = 0, True, b""
    while part := list(islice(rows, min(ROWS, count - seen))):
        first = first or part[:20]
        seen, end = seen + len(part), part[-1][0]
        right = right and all(now.get(key) == value for key, value in part)
        if len(part) == ROWS:
            yield "progress", "database", {"what": "scan", "rows": seen}

    def inside(key: bytes) -> bool:
        if reverse:
            return (not start or key < start) and (seen < count or key >= end)
        return key >= start and (seen < count or key <= end)

    expected, keys = 0, iter(now)
    while some := list(islice(keys, ROWS)):
        expected += sum(map(inside, some))
        if len(some) == ROWS:
            yield "progress", "database", {"what": "check", "rows": seen}
    yield "rows", "database", {
        "start": start.decode(), "count": seen, "right": right and seen == expected, "runs": db.version.runs() + 1,
        "reverse": reverse, "rows": [[k.decode("utf-8", "backslashreplace"), state.short(v)] for k, v in first],
    }  # fmt: skip


def workload(lab: Apparatus, name: str, count: int) -> Iterator[Emit]:
    """`count` operations of the workload `name`."""
    db, setup = lab.opened(), lab.setup
    stream = operations(name, count, setup.keys, setup.value_size, lab.seed, lab.done)
    done = wrong = 0
    batch: list[Operation] = []
    lab.quiet = True
    while portion := list(islice(stream, PORTION)):
        for op in portion:
            if op.what in ("get", "update"):
                value = db.get(op.key)
                if value != lab.memory.now.get(op.key) and not (op.what == "update" and batch):
                    wrong += 1
                    yield "answer", "database", state.answer(op.key, value, [], lab.memory.now.get(op.key))
            if op.what == "scan":
                for _ in islice(db.scan(op.key), 50):
                    pass
            if op.what in ("get", "scan"):
                lab.device.written(db, 1, op.speed)
                continue
            batch.append((op.key, None if op.what == "delete" else op.value))
            if len(batch) >= setup.batch:
                yield from _batch(lab, db, batch, op.speed)
                batch = []
        done += len(portion)
        lab.done += len(portion)
        yield "work", "database", {
            "name": name, "done": done, "of": count, "wrong": wrong, **lab.pulse(db),
            "heat": lab.heat.portion(portion),
        }  # fmt: skip
    if batch:
        yield from _batch(lab, db, batch, 1.0)
    yield from lab.drain(db)
    yield "worked", "database", {"name": name, "count": count, "wrong": wrong, **lab.pulse(db)}


def _batch(lab: Apparatus, db: Database, batch: list[Operation], speed: float) -> Iterator[Emit]:
    db.write(batch)
    lab.memory.add(batch)
    lab.device.written(db, len(batch), speed)
    yield from lab.pump(db)


def flush(lab: Apparatus) -> Iterator[Emit]:
    """Write the memtable as a table now."""
    db = lab.opened()
    yield from lab.drain(db)
    yield from _flushed(lab, db)
    yield from lab.drain(db)


def compact(lab: Apparatus, level: int) -> Iterator[Emit]:
    """Merge one level into the next, or (−1) everything, after a flush."""
    db = lab.opened()
    yield from lab.drain(db)
    yield from _flushed(lab, db)
    pick = db.picked(None if level < 0 else level)
    if pick is not None:
        yield from _done_now(lab, CompactionJob(db, pick))
    yield from lab.drain(db)


def _flushed(lab: Apparatus, db: Database) -> Iterator[Emit]:
    db.may_write()
    db.rotate()
    yield from lab.told()
    while db.immutable and (job := db.next_job()) is not None:
        yield from _done_now(lab, job)


def _done_now(lab: Apparatus, job: Job) -> Iterator[Emit]:
    """A job that the learner asked for: everybody waits for it."""
    device = lab.device
    yield f"{job.kind}_begin", "database", {**job.told(), "now": round(device.now)}
    for progress in job.run():
        yield "merge", "database", progress.told()
    job.install()
    device.now += 1e6 * (job.reads + job.writes) / device.bandwidth
    yield from lab.told()
    yield f"{job.kind}_end", "database", {"bytes": job.reads + job.writes, "now": round(device.now)}


def verify(lab: Apparatus) -> Iterator[Emit]:
    """Check every block of every table."""
    db = lab.opened()
    for level, meta in db.version.files():
        blocks = db.catalogue.table(meta.number).verify()
        yield "verified", "database", {"level": level, "table": meta.number, "blocks": blocks}
