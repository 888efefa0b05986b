"""A type and a policy for a column, tried on its values before they are decided on.

Values are converted as the load would convert them.  Some of each sort are then put into a temporary table of the
target and read again, so that what is shown is what would be there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from prayog_migration.engine.canonical import texts
from prayog_migration.engine.plan import Choices, ColumnMove, TableMove
from prayog_migration.engine.planning import make_plan
from prayog_migration.engine.real.job import Job
from prayog_migration.engine.real.moving import server_of
from prayog_migration.engine.real.preparing import Refused
from prayog_migration.engine.real.store import Store, Writer
from prayog_migration.engine.values import POLICIES, Converter

__all__ = ["preview_cast"]

_ROWS = 20_000
_EACH = 6
"""Samples of each sort that are shown."""
_WIDE = 80
_TABLE = "wiz_cast"  # temporary, so it is nobody's leftover


def preview_cast(job: Job, table: str, column: str, type_: str, policy: str) -> None:
    """Tell ``cast``: of the first rows, how many values fit, are changed by the policy, or are set aside; samples."""
    if policy not in POLICIES:
        raise Refused(f"There are the policies {', '.join(POLICIES)}; found {policy!r}.")
    move = _move(job, table, column, type_, policy)
    looked, counts, samples = _looked(job, move)
    problem = _put_there(job.target, move.columns[0], samples)
    job.say(
        "cast", f"{table}.{column}", type=move.columns[0].target_type, policy=policy, looked=looked, problem=problem,
        fits=counts["fits"], changed=counts["changed"], aside=counts["aside"],
        samples=[[_cut(before), _cut(after), sort, why] for before, after, sort, why in samples],
    )  # fmt: skip


def _move(job: Job, table: str, column: str, type_: str, policy: str) -> TableMove:
    """The move of the one column, with the type and the policy that are tried."""
    path = f"{table}.{column}"
    choices = Choices(types=((path, type_),) if type_ else (), policies=((path, policy),))
    plan = make_plan(job.source.catalogue(), server_of(job.target), choices=choices)
    move = next((one for one in plan.tables if one.source.title == table), None)
    if move is None:
        raise Refused(f"The source has no table {table!r} that moves.")
    columns = tuple(one for one in move.columns if one.source == column)
    if not columns:
        raise Refused(f"{table} has no column {column!r} whose values are copied.")
    return replace(move, columns=columns)


Sample = list[Any]
"""[value, what it becomes, sort, why]."""


def _looked(job: Job, move: TableMove) -> tuple[int, dict[str, int], list[Sample]]:
    convert = Converter(job.source.dialect, move, job.target.dialect)
    counts = {"fits": 0, "changed": 0, "aside": 0}
    samples: list[Sample] = []
    seen: set[tuple[str, str]] = set()
    kept = {"fits": 0, "changed": 0, "aside": 0}
    looked = 0
    with job.source.reader() as reader:
        for (value,) in reader.rows(move.source, move.reads, limit=_ROWS):
            looked += 1
            before = convert.changed.total()
            made, bad = convert.rows([(value,)])
            sort = "aside" if bad else "changed" if convert.changed.total() > before else "fits"
            counts[sort] += 1
            mark = (sort, repr(value)[:_WIDE])
            if value is not None and kept[sort] < _EACH and mark not in seen:
                seen.add(mark)
                kept[sort] += 1
                samples.append([value, None if bad else made[0][0], sort, bad[0][1].reason if bad else ""])
            job.control.tick(0, 0)
    samples.sort(key=lambda one: ("aside", "changed", "fits").index(one[2]))
    return looked, counts, samples


def _put_there(target: Store, column: ColumnMove, samples: list[Sample]) -> str:
    """Write into each sample what the target makes of it; the sentence when it does not even know the type."""
    name, type_ = target.quote(_TABLE), column.target_type
    with target.writer() as writer:
        try:
            writer.execute(f"CREATE TEMPORARY TABLE {name} (v {type_})")
        except Exception as error:  # noqa: BLE001 - three drivers, each with a family of errors
            return f"The target knows no type {type_!r}: {target.fault(error).sentence}"
        for sample in samples:
            if sample[2] != "aside":
                _one(target, writer, name, column, sample)
        writer.execute(f"DROP TABLE {name}")
    return ""


def _one(target: Store, writer: Writer, name: str, column: ColumnMove, sample: Sample) -> None:
    try:
        with writer.transaction():
            writer.insert(name, ("v",), [(sample[1],)])
            (there,) = writer.exact(f"SELECT v FROM {name}")[-1]
            writer.execute(f"DELETE FROM {name}")
            before, after = texts(column.target_kind)([sample[1], there])
            sample[1] = there
            if before != after:
                sample[2:] = ["changed", "the target stores it so"]
    except Exception as error:
        fault = target.fault(error)
        if fault.kind in ("connection", "space"):
            raise
        sample[1:] = [None, "aside", fault.sentence]


def _cut(value: Any) -> str:
    shown = "NULL" if value is None else value if isinstance(value, str) else repr(value)
    shown = shown.encode("utf-8", "backslashreplace").decode().replace("\0", "\\0")
    return shown if len(shown) <= _WIDE else f"{shown[:_WIDE]} …"
