"""Two seconds of measuring on this machine, from which the cost of each strategy is predicted.

The largest table of the source is read and loaded into a scratch database beside the target, for about a second; the
same rows, ready in memory, are loaded once more (the limit of any loader), and once through staging and merge (how
changes are applied).  Nothing of the source or the target is changed.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from prayog_migration.engine.drills.choosing import told
from prayog_migration.engine.plan import Plan, TableMove
from prayog_migration.engine.planning import make_plan
from prayog_migration.engine.real.job import Job
from prayog_migration.engine.real.moving import server_of
from prayog_migration.engine.real.scratch import scratch
from prayog_migration.engine.real.store import Reader, Row, Store, Writer
from prayog_migration.engine.setup import STRATEGIES
from prayog_migration.engine.strategies import Facts, forecast_here
from prayog_migration.engine.values import Converter

__all__ = ["probe"]

_SECONDS = 0.9
_BATCH = 500
_COMMITS = 20


def probe(job: Job, writes_s: float = 0.0) -> None:
    """Measure, and tell ``probed``: facts in rows and changes a second, and a forecast for each strategy."""
    plan = make_plan(job.source.catalogue(), server_of(job.target))
    with job.source.reader() as reader:
        sizes = {move.source.title: reader.count(move.source) for move in plan.tables}
        move = max(plan.tables, key=lambda one: sizes[one.source.title], default=None)
        rows = sum(sizes.values())
        if move is None or not sizes[move.source.title]:
            job.say("probed", "", rows=rows, bytes=0, rows_s=None, sentence="The source has no rows to measure with.")
            return
        with scratch(job.target, "probe") as store, store.writer() as writer:
            found = _measured(job, plan, move, reader, store, writer)
    facts = Facts(rows, round(rows * found["row_bytes"]), found["rows_s"], found["apply_s"], writes_s)
    job.say(
        "probed", "", rows=rows, bytes=facts.bytes, tables=sizes, writes_s=writes_s,
        forecasts=[told(forecast_here(one, facts)) for one in STRATEGIES],
        **{key: round(value, 3) for key, value in found.items()},
    )  # fmt: skip


def _measured(job: Job, plan: Plan, move: TableMove, reader: Reader, store: Store, writer: Writer) -> dict[str, Any]:
    """Rows a second as the wizard loads them, as fast as they can be loaded, and as changes are applied."""
    columns = ", ".join(f"{store.quote(one.target)} {one.target_type or 'text'}" for one in move.columns)
    for name in ("probe_a", "probe_b", "probe_c"):
        writer.execute(f"CREATE TABLE {store.name(name)} ({columns})")
    kept: list[Row] = []
    began = time.perf_counter()
    with writer.transaction():
        writer.insert(store.name("probe_a"), move.writes, _read(job, plan, move, reader, began, kept))
    took = time.perf_counter() - began
    began = time.perf_counter()
    with writer.transaction():
        written = writer.insert(store.name("probe_b"), move.writes, iter(kept))
    raw = time.perf_counter() - began
    began = time.perf_counter()
    with writer.transaction():
        writer.execute(f"CREATE TEMPORARY TABLE probe_stage AS SELECT * FROM {store.name('probe_c')} WHERE 1 = 0")
        writer.insert(store.quote("probe_stage"), move.writes, iter(kept))
        writer.execute(f"INSERT INTO {store.name('probe_c')} SELECT * FROM {store.quote('probe_stage')}")
    applied = time.perf_counter() - began
    writer.execute(f"CREATE TABLE {store.name('probe_d')} (n integer)")
    began = time.perf_counter()
    for n in range(_COMMITS):
        writer.execute(f"INSERT INTO {store.name('probe_d')} VALUES ({n})")
    commit = (time.perf_counter() - began) / _COMMITS
    count = max(1, len(kept))
    return {
        "rows_s": count / took, "raw_rows_s": count / raw, "apply_s": count / applied, "commit_ms": 1e3 * commit,
        "row_bytes": written.bytes / count,
    }  # fmt: skip


def _read(job: Job, plan: Plan, move: TableMove, reader: Reader, began: float, kept: list[Row]) -> Iterator[Row]:
    """Rows of the table for about a second, converted; each is kept too."""
    convert = Converter(plan.source.dialect, move, plan.target)
    for some in reader.batches(move.source, move.reads, size=_BATCH):
        rows, _ = convert.rows(some) if convert.needed else (some, [])
        kept += rows
        yield from rows
        if time.perf_counter() - began > _SECONDS or job.control.cancelled:
            return
