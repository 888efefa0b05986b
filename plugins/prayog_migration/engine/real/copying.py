"""Stage 4, data: capture first, then copy in chunks, then let the stream pass everything that the copy may have seen.

Rules
1. The position of the stream is written down before the first row is copied (curriculum 5.32: copying first and
   capturing later loses the minutes in between).
2. Every chunk's transaction touches the epoch, so a worker that has a successor commits nothing.
3. A copy that is interrupted goes on at its checkpoint with a later snapshot; the stream then repeats what that
   snapshot may have seen, and only its last word counts (`changes`, rule 3).  Where that is not possible (rows
   without a key, a log that is lost) the copy begins again, and says so.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping, Sequence
from typing import Any

from prayog_migration.engine.identity import identity
from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.parts import parts_of
from prayog_migration.engine.plan import TableMove
from prayog_migration.engine.real.apply import Applied
from prayog_migration.engine.real.build import Builder
from prayog_migration.engine.real.bulk import rest
from prayog_migration.engine.real.capture import CaptureLost
from prayog_migration.engine.real.fence import fence_of
from prayog_migration.engine.real.job import GateShut, Job
from prayog_migration.engine.real.load import CHUNK_ROWS, TableLoad
from prayog_migration.engine.real.state import Checkpoint
from prayog_migration.engine.real.store import Reader, Writer
from prayog_migration.engine.real.validation import validate_table
from prayog_migration.engine.strategies import TRICKLE

__all__ = ["begin_again", "copy", "make_last", "make_rules", "tell"]

_TRICKLE_ROWS = 1_000
"""Rows of a chunk while they trickle: the source is read for a moment only."""


def copy(job: Job) -> None:
    """Bring all rows over; called again after any interruption it goes on.  Raises what connections raise."""
    job.demand("data")
    job.step("data", "running")
    try:
        _copy(job)
    except CaptureLost as lost:
        begin_again(job, str(lost))
        _copy(job)
    job.step("data", "done", loaded=True)


def _copy(job: Job) -> None:
    done = {one.table: one for one in _checkpoints(job)}
    parts = parts_of(job.the_plan, job.order.strategy)
    finished = all(done.get(move.source.title, Checkpoint("")).done for part in parts for move in part)
    reader, begun = _begin(job, bool(done), finished), False
    done = {one.table: one for one in _checkpoints(job)}  # the target may have been emptied just now
    for number, part in enumerate(parts, 1):
        left = [move for move in part if not done.get(move.source.title, Checkpoint("")).done]
        if job.order.live:
            job.link("forward").waiting = _not_begun(job, parts[number:], done)
        if left:
            if begun and job.order.live:
                reader = _next_reader(job)
            begun = True
            try:
                for move in left:
                    _table(job, move, reader)
            finally:
                if reader is not None:
                    reader.close()
        if job.order.live and (left or number == len(parts)):
            _converge(job)
            if len(parts) > 1:
                _compare_part(job, number, len(parts), part)


def _not_begun(job: Job, parts: Sequence[Sequence[TableMove]], done: Mapping[str, Checkpoint]) -> frozenset[int]:
    """The numbers of the tables in these parts of which nothing was copied yet."""
    titles = {move.source.title for part in parts for move in part} - set(done)
    return frozenset(n for n, move in enumerate(job.the_plan.tables) if move.source.title in titles)


def _next_reader(job: Job) -> Reader | None:
    """The reader for a part that begins now."""
    reader = job.link("forward").copy_again()
    if job.source.dialect != "sqlite":
        return reader
    reader.close()  # as in `_begin`
    return None


def _compare_part(job: Job, number: int, count: int, part: Sequence[TableMove]) -> None:
    """Strategies that go part by part compare each before the next begins."""
    link, began = job.link("forward"), time.monotonic()
    view = link.capture.fix()
    with contextlib.closing(view.reader):
        link.drain(view.position, lambda done: tell(job, "forward", done), view)
        with job.target.reader() as there:
            found = [validate_table(job.source, view.reader, job.target, there, job.the_plan, move) for move in part]
    wrong = [one.table for one in found if not one.equal]
    with job.target.writer() as writer, writer.transaction():
        job.note(
            writer, "part", str(number), of=count, tables=[one.table for one in found], equal=not wrong,
            rows=sum(one.source_rows for one in found), us=round(1e6 * (time.monotonic() - began)),
        )  # fmt: skip
    if wrong:
        raise GateShut(f"Part {number} of {count} differs in {', '.join(wrong)}, so the next part was not begun.")


def _begin(job: Job, begun: bool, finished: bool) -> Reader | None:
    """Capture, and the reader for the copy; None where each chunk is read in a transaction of its own."""
    if not job.order.live:
        _close_source(job, begun)
        return None
    link = job.link("forward")
    if not link.begun:
        fence_of(job.target, [move.target for move in job.the_plan.tables]).remove()  # of a switch-over that went back
        if begun:  # rows of a copy whose changes nobody has followed
            _empty(job)
        reader = link.begin(lambda writer: job.note(writer, "captured", "forward", sentence=_HOW[job.source.dialect]))
        _fact(job, captured=True)
    elif finished:
        return None
    else:
        link.lag()  # raises `CaptureLost` when the log is not whole any more
        if begun and any(identity(move.source, job.source.dialect).whole for move in job.the_plan.tables):
            raise CaptureLost("Rows of a table without a key cannot be told apart, so its copy begins again.")
        reader = link.copy_again()
    if job.source.dialect != "sqlite":
        return reader
    # A long read transaction would keep the application from committing (rollback journal) or the log from shrinking
    # (WAL).  Short ones will do: the triggers tell of everything since.
    reader.close()
    return None


def _close_source(job: Job, begun: bool) -> None:
    """The big bang: nobody writes from here to the switch-over, so the freeze begins with the copy."""
    fence = fence_of(job.source, [move.source for move in job.the_plan.tables])
    if not fence.stands():
        fence.prepare(job.order.freeze_s)
        fence.up(job.order.freeze_s)
        if begun:  # rows of a copy after which the source was open again
            _empty(job)
        job.remember("frozen_us", time.time_ns() // 1000)
        job.say("switching", "fenced", at_us=0, to="target")


_HOW = {
    "sqlite": "Triggers log the keys of changed rows.",
    "postgresql": "A replication slot keeps the log from here on, and exported the snapshot that is copied.",
    "mysql": "The binlog is followed from the position of the snapshot that is copied.",
}


def _fact(job: Job, **facts: Any) -> None:
    job.step("data", "running", **facts)


def _table(job: Job, move: TableMove, reader: Reader | None) -> None:
    own = job.order.strategy == "trickle" and not job.control.rate
    try:
        _chunks(job, move, reader, own)
    finally:
        if own:
            job.control.rate = 0.0


def _trickle(job: Job, title: str, rows: int, seconds: float) -> None:
    """From the first rows on, the copy goes on at a part of the speed that they have shown."""
    speed = rows / max(1e-6, seconds)
    job.control.rate = speed * TRICKLE
    job.say("throttled", title, measured_s=round(speed), rate=round(job.control.rate))


def _chunks(job: Job, move: TableMove, reader: Reader | None, trickle: bool) -> None:
    # Every chunk is committed only while this is the worker.
    most = _TRICKLE_ROWS if trickle else CHUNK_ROWS
    load = TableLoad(job.source, job.target, job.the_plan, move, job.control, guard=job.ledger.touch, most=most)
    began, last = time.monotonic(), 0.0
    with contextlib.ExitStack() as stack:
        writer = stack.enter_context(job.target.writer())
        rest(writer, job.target.dialect)
        here = reader or job.source.reader()
        version = _version(job, here)
        try:
            at = load.begin(here, writer, bounded=job.order.live)
            rows = at.rows
            while not at.done:
                if reader is None and job.order.live and job.source.dialect == "sqlite":
                    here.close()
                    here = job.source.reader()
                    if load.walk is not None and load.walk.bounds_move and _version(job, here) != version:
                        version = _version(job, here)
                        at = _restart_table(job, load, here, writer)
                at = load.step(here, writer, at)
                now = time.monotonic()
                if trickle and not job.control.rate and not at.done:
                    _trickle(job, move.source.title, at.rows - rows, now - began)
                if at.done or now - last > 0.1:
                    rate = (at.rows - rows) / max(1e-6, now - began)
                    job.say("chunk", move.source.title, rows=at.rows, bytes=at.bytes, quarantined=at.quarantined,
                            chunks=at.chunks, of=move.rows, rows_s=round(rate), done=at.done)  # fmt: skip
                    last = now
        finally:
            if reader is None:
                here.close()


def _version(job: Job, reader: Reader) -> Any:
    """SQLite: a number that VACUUM and every change of the schema raise."""
    return reader.query("PRAGMA schema_version") if job.source.dialect == "sqlite" else None


def _restart_table(job: Job, load: TableLoad, reader: Reader, writer: Writer) -> Checkpoint:
    """VACUUM may have renumbered the rows by which this table is read, so its place means nothing any more."""
    title = load.move.source.title
    with writer.transaction():
        job.ledger.touch(writer)
        writer.execute(f"DELETE FROM {job.target.name(load.move.target.name, load.move.target.schema)}")
        _forget_checkpoint(job, writer, title)
        job.note(writer, "restarted", title, sentence=f"The source was vacuumed, so the copy of {title} begins again.")
    return load.begin(reader, writer, bounded=job.order.live)


def _converge(job: Job) -> None:
    """Let the stream pass everything that the copy may have seen."""
    link = job.link("forward")
    until = link.capture.now()

    def tick(done: Applied | None) -> None:
        tell(job, "forward", done)
        job.control.tick(done.changes if done else 0, 0)

    link.drain(until, tick)
    while not link.converged:
        tick(link.once())
    with job.target.writer() as writer, writer.transaction():
        job.note(writer, "converged", "forward", position=link.position)


def tell(job: Job, direction: Any, done: Applied | None) -> None:
    """What a batch did."""
    if done is not None and done.changes:
        job.say(
            "applied", direction, changes=done.changes, removed=done.removed, inserted=done.inserted,
            quarantined=done.quarantined, us=round(1e6 * done.seconds), tables=done.tables,
            position=job.link(direction).position,
        )  # fmt: skip


def make_rules(job: Job) -> None:
    """UNIQUE, indexes and foreign keys, once the target is a state that the source really had."""
    if job.order.live:
        job.link("forward").rest()
    builder = Builder(job.target, job.the_plan, lambda what: job.say("building", what))
    with job.target.writer() as writer:
        builder.after_rows(writer)
    if job.target.dialect == "postgresql" or not job.the_plan.triggers:
        make_last(job)


def make_last(job: Job) -> None:
    """Views and triggers.  Triggers would fire while changes are applied, except on PostgreSQL, where they rest."""
    with job.target.writer() as writer:
        Builder(job.target, job.the_plan).last(writer)


def begin_again(job: Job, why: str) -> None:
    """The copy begins from nothing: what was captured is dropped and the target's tables are emptied."""
    with job.target.writer() as writer, writer.transaction():
        job.ledger.touch(writer)
        job.note(writer, "restarted", "", sentence=why)
    if job.order.live:
        job.link("forward").remove()
        job.forget_link("forward")
    else:
        fence_of(job.source, [move.source for move in job.the_plan.tables]).remove()
    _empty(job)
    job.step("data", "running", why, captured=None, loaded=None, caught_up=None, equal=None)


def _empty(job: Job) -> None:
    with job.target.writer() as writer:
        rest(writer, job.target.dialect)
        with writer.transaction():
            job.ledger.touch(writer)
            for move in job.the_plan.tables:
                writer.execute(f"DELETE FROM {job.target.name(move.target.name, move.target.schema)}")
                _forget_checkpoint(job, writer, move.source.title)


def _forget_checkpoint(job: Job, writer: Writer, title: str) -> None:
    for table in ("checkpoint", "quarantine"):
        writer.execute(f"DELETE FROM {job.target.name(f'{PREFIX}_{table}')} WHERE tab = ?", (title,))


def _checkpoints(job: Job) -> list[Checkpoint]:
    with job.target.writer() as writer:
        return job.ledger.state.checkpoints(writer)
