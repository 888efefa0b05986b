"""A column changes while two versions of an application use it: stage by stage, on a copy of real rows.

The copy lies in a scratch database of the target's kind, so triggers and DDL are the target's own.  Version 1 knows the
old name, version 2 the new one; both write and read while a stage runs, and what fails is counted.

Rules
1. The database is kept between stages, and also when the worker is killed between two; `put_away` drops it.
2. Version 2 is rolled out after *expand*, and version 1 is gone before *contract*.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prayog_migration.engine.plan import TableMove
from prayog_migration.engine.planning import make_plan
from prayog_migration.engine.real.job import Job
from prayog_migration.engine.real.moving import server_of
from prayog_migration.engine.real.preparing import Refused
from prayog_migration.engine.real.schema_change import SchemaChange
from prayog_migration.engine.real.scratch import drop_beside, made_beside
from prayog_migration.engine.real.sqlite import SqliteStore
from prayog_migration.engine.real.store import Store
from prayog_migration.engine.schema_change import STAGES, ColumnChange, statements, undo_statements
from prayog_migration.engine.values import Converter

__all__ = ["STEPS", "change_column", "put_away", "was_made"]

STEPS = ("begin", "forward", "back", "at once", "put away")
"""What can be asked: copy the rows, the next stage, the last one undone, everything in one step, drop the copy."""
_ROWS = 5_000
_TABLE = "prayog_people"
_AFTER_S = 0.3
"""How long both versions go on after a stage."""
_PACE_S = 0.004
_LABEL = "change"
_NO_COPY = "There is no copy of the table yet. Begin first."


def change_column(job: Job, step: str, table: str, column: str, new: str, folder: str) -> None:
    """Do `step` for ``table.column``, which shall be called `new`; tells ``changed``."""
    if step not in STEPS:
        raise Refused(f"There are the steps {', '.join(STEPS)}; found {step!r}.")
    if step == "put away":
        put_away(job, folder)
        job.say("changed", step, reached=None)
        return
    if not new.strip() or new == column:
        raise Refused(f"Give the column another name than {column!r}.")
    if step == "begin":
        put_away(job, folder)
    elif not was_made(folder):
        raise Refused(_NO_COPY)
    store = _place(job, folder)
    if step == "begin":
        rows, key = _copied(job, store, table, column)
        job.say("changed", step, reached=None, table=table, old=column, new=new, rows=rows, key=key, sql=[])
        return
    _staged(job, store, step, table, column, new)


def put_away(job: Job, folder: str) -> None:
    """Drop the scratch database."""
    _mark(folder).unlink(missing_ok=True)
    if job.target.dialect == "sqlite":
        for end in ("", "-wal", "-shm"):
            _file(folder).with_name(_file(folder).name + end).unlink(missing_ok=True)
    else:
        drop_beside(job.target, _LABEL)


def was_made(folder: str) -> bool:
    """A copy is there, or may be."""
    return _mark(folder).exists()


def _mark(folder: str) -> Path:
    return Path(folder) / "change.begun"


def _file(folder: str) -> Path:
    return Path(folder) / "change.sqlite"


def _place(job: Job, folder: str) -> Store:
    Path(folder).mkdir(parents=True, exist_ok=True)
    _mark(folder).touch()
    if job.target.dialect == "sqlite":
        return SqliteStore(f"sqlite:///{_file(folder)}")
    return made_beside(job.target, _LABEL)


def _copied(job: Job, store: Store, table: str, column: str) -> tuple[int, list[str]]:
    """Make the table with its key and the one column, and fill it with real rows."""
    plan = make_plan(job.source.catalogue(), server_of(job.target))
    move = next((one for one in plan.tables if one.source.title == table), None)
    if move is None or column not in move.reads:
        raise Refused(f"The source has no column {table}.{column} that moves.")
    if move.source.key is None:
        raise Refused(f"{table} has no key, so it cannot be filled in parts. Choose another table.")
    if column in move.source.key.columns:
        raise Refused(f"{column} is part of the key of {table}; only other columns are renamed here.")
    keyed = [one for one in move.columns if one.source in move.source.key.columns]
    mine = [one for one in move.columns if one.source == column]
    some = TableMove(move.source, move.target, (*keyed, *mine))
    q, name = store.quote, store.name(_TABLE)
    with store.writer() as writer:
        columns = ", ".join(f"{q(one.target)} {one.target_type or 'text'}" for one in some.columns)
        key = ", ".join(q(one.target) for one in keyed)
        writer.execute(f"CREATE TABLE {name} ({columns}, PRIMARY KEY ({key}))")
        convert = Converter(job.source.dialect, some, job.target.dialect)
        with job.source.reader() as reader, writer.transaction():
            read = reader.rows(some.source, some.reads, limit=_ROWS)
            made, _ = convert.rows(list(read))
            writer.insert(name, some.writes, iter(made))
    return len(made), [one.target for one in keyed]


def _staged(job: Job, store: Store, step: str, table: str, column: str, new: str) -> None:
    found = next((one for one in store.catalogue().tables if one.name == _TABLE), None)
    if found is None or found.key is None:
        raise Refused(_NO_COPY)
    kinds = {one.name: one.type for one in found.columns}
    old = next((name for name in kinds if name not in found.key.columns and name != new), "")
    if not old:
        raise Refused("The change is complete: only the new column is there. Begin anew to see it again.")
    change = ColumnChange(_TABLE, old, new, kinds[old])
    run = SchemaChange(store, change, job.control)
    name, key = store.name(_TABLE), found.key.columns[0]
    q = store.quote
    if step == "back":
        last = run.reached
        if last is None or last == "contract":
            raise Refused("There is nothing to take back." if last is None else "After contract there is no way back"
                          ": the old column is gone. That is why it comes last, and late.")  # fmt: skip
        sql = undo_statements(change, last, store.dialect, name)
        apps = _Apps(store, name, key, [(1, old)])
    elif step == "at once":
        if run.reached is not None:
            raise Refused("The change has begun in steps. Begin anew to see what one step does.")
        sql = [f"ALTER TABLE {name} RENAME COLUMN {q(old)} TO {q(new)}"]
        apps = _Apps(store, name, key, [(1, old)])
    else:
        stage = run.next
        assert stage is not None  # after the last one the old column is gone
        sql = statements(change, stage, store.dialect, name) if stage != "fill" else [
            f"UPDATE {name} SET {q(new)} = {q(old)} WHERE … the next 1,000 keys, again and again"
        ]  # fmt: skip
        versions = {"expand": [(1, old)], "contract": [(2, new)]}.get(stage, [(1, old), (2, new)])
        apps = _Apps(store, name, key, versions)
    filled: list[int] = []
    with apps.at_work():
        if step == "back":
            run.back()
        elif step == "at once":
            with store.writer() as writer:
                writer.execute(sql[0])
        else:
            run.forward(filled.append)
    reached = "at once" if step == "at once" else run.reached
    both = reached in STAGES[:3]
    with store.writer() as writer:
        count = int(writer.query(f"SELECT count(*) FROM {name}")[0][0])
        unlike = f"{q(old)} <> {q(new)} OR ({q(old)} IS NULL) <> ({q(new)} IS NULL)"
        differing = int(writer.query(f"SELECT count(*) FROM {name} WHERE {unlike}")[0][0]) if both else 0
    job.say(
        "changed", step, reached=reached, table=table, old=column, new=new, sql=sql, rows=count, differing=differing,
        filled=filled[-1] if filled else 0, versions=apps.told(),
    )  # fmt: skip


@dataclass(slots=True)
class _Tally:
    """What one version of the application saw."""

    version: int
    column: str
    done: int = 0
    failed: int = 0
    longest_us: int = 0
    sentences: set[str] = field(default_factory=set)


class _Apps:
    """Versions of the application, each with a connection of its own, writing and reading one row after the other."""

    def __init__(self, store: Store, table: str, key: str, versions: list[tuple[int, str]]) -> None:
        self._store, self._table, self._key = store, table, key
        self._tallies = [_Tally(version, column) for version, column in versions]
        self._over = threading.Event()

    @contextlib.contextmanager
    def at_work(self) -> Iterator[None]:
        """They work while the block runs, and a moment longer."""
        threads = [threading.Thread(target=self._work, args=(one,), daemon=True) for one in self._tallies]
        for thread in threads:
            thread.start()
        time.sleep(_AFTER_S / 2)
        try:
            yield
            time.sleep(_AFTER_S)
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def told(self) -> list[list[Any]]:
        """[version, column, requests done, failed, longest wait in µs, sentences]."""
        return [
            [one.version, one.column, one.done, one.failed, one.longest_us, sorted(one.sentences)[:2]]
            for one in self._tallies
        ]

    def _work(self, tally: _Tally) -> None:
        store, q = self._store, self._store.quote
        with store.writer() as writer:
            keys = [row[0] for row in writer.query(f"SELECT {q(self._key)} FROM {self._table} LIMIT 50")]
            number = 0
            while not self._over.is_set() and keys:
                number += 1
                key, began = keys[number % len(keys)], time.perf_counter()
                try:
                    writer.execute(
                        f"UPDATE {self._table} SET {q(tally.column)} = {q(tally.column)} WHERE {q(self._key)} = ?",
                        (key,),
                    )
                    tally.done += 1
                except Exception as error:  # noqa: BLE001 - three drivers, each with a family of errors
                    fault = store.fault(error)
                    if fault.kind not in ("retry",) and "locked" not in fault.sentence:
                        tally.failed += 1
                        tally.sentences.add(fault.sentence)
                tally.longest_us = max(tally.longest_us, round(1e6 * (time.perf_counter() - began)))
                time.sleep(_PACE_S)
