"""What a schema may become besides another database: files, and shards; both from the real rows, in a folder of ours.

Nothing of the source or the target is changed.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from prayog_migration.engine.plan import Plan
from prayog_migration.engine.planning import make_plan
from prayog_migration.engine.real.job import Job
from prayog_migration.engine.real.moving import server_of
from prayog_migration.engine.real.preparing import Refused
from prayog_migration.engine.real.sqlite import SqliteStore
from prayog_migration.engine.real.store import Store
from prayog_migration.engine.sharding import Sharding, split
from prayog_sdk.services import to_install

__all__ = ["divide", "write_files"]

_ROWS = 20_000
_MOST_SHARDS = 8


def write_files(job: Job, table: str, folder: str) -> None:
    """Tell ``filed`` for CSV, JSON and Parquet: the file, and what each column lost on the way there and back."""
    try:
        from prayog_migration.engine.real.formats import FORMATS, round_trip
    except ImportError as error:
        raise Refused(
            f"Files are written and read by DuckDB, which is not here. {to_install('duckdb')}"
        ) from error
    catalogue = job.source.catalogue()
    found = next((one for one in catalogue.tables if one.title == table), None)
    if found is None:
        raise Refused(f"The source has no table {table!r}.")
    place = _emptied(Path(folder) / "files")
    with job.source.reader() as reader:
        for kind in FORMATS:
            path = place / f"table.{kind}"
            report = round_trip(
                reader, catalogue, found, kind, path, limit=_ROWS, progress=lambda rows: job.control.tick(0, rows)
            )
            job.say(
                "filed", kind, table=table, path=str(path), rows=report.rows, bytes=report.bytes,
                us=round(1e6 * report.seconds), misfits=report.misfits,
                columns=[[c.name, c.before, c.after, c.changed, c.sample, c.why] for c in report.columns],
            )  # fmt: skip


def divide(job: Job, column: str, count: int, by: str, folder: str) -> None:
    """Split the source by `column` into `count` SQLite files, and tell ``divided``: are they complete and disjoint?"""
    from prayog_migration.engine.real.shards import check_shards, load_shard

    if not 2 <= count <= _MOST_SHARDS:
        raise Refused(f"There can be 2 to {_MOST_SHARDS} shards here; found {count}.")
    catalogue = job.source.catalogue()
    if not any(column == one.name for table in catalogue.tables for one in table.columns):
        raise Refused(f"No table of the source has a column {column!r}.")
    began = time.perf_counter()
    place = _emptied(Path(folder) / "shards")
    targets: list[Store] = [SqliteStore(f"sqlite:///{place / f'shard_{n}.sqlite'}") for n in range(count)]
    plan = make_plan(catalogue, server_of(targets[0]))
    how = Sharding(column, count, "range", _bounds(job, plan, column, count)) if by == "range" else (
        Sharding(column, count)
    )  # fmt: skip
    divided, whole, warnings = split(how, catalogue)
    for number, target in enumerate(targets):
        load_shard(job.source, target, plan, how, number, job.control)
        job.say("shard", str(number), of=count)
    verdicts = check_shards(job.source, targets, plan, how)
    job.say(
        "divided", column, by=how.by, bounds=[str(bound) for bound in how.bounds], shards=count, folder=str(place),
        divided=[one.title for one in divided], whole=[one.title for one in whole], warnings=warnings,
        us=round(1e6 * (time.perf_counter() - began)),
        verdicts=[
            [one.table, one.source.rows, [part.rows for part in one.shards], one.complete, one.disjoint]
            for one in verdicts
        ],
    )  # fmt: skip


def _bounds(job: Job, plan: Plan, column: str, count: int) -> tuple[int, ...]:
    """Equal stretches between the least and the greatest number that the shard key has anywhere."""
    ends: list[int] = []
    for move in plan.tables:
        if column in move.reads:
            name, q = job.source.name(move.source.name, move.source.schema), job.source.quote(column)
            with job.source.reader() as reader:
                ends += _ends(reader.query(f"SELECT min({q}), max({q}) FROM {name}"), column)
    if not ends:
        raise Refused(f"No row has a value in {column!r}, so no ranges can be drawn.")
    low, high = min(ends), max(ends)
    bounds = sorted({low + (high - low + 1) * n // count for n in range(1, count)})
    if len(bounds) < count - 1:
        raise Refused(f"{column!r} has too few values for {count} ranges. Take fewer shards, or hash.")
    return tuple(bounds)


def _ends(rows: Sequence[Sequence[object]], column: str) -> list[int]:
    found = [str(value) for row in rows for value in row if value is not None]
    if not all(text.lstrip("-").isdigit() for text in found):
        raise Refused(f"Ranges are drawn between numbers here, and {column!r} has other values. Take hash.")
    return [int(text) for text in found]


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder
