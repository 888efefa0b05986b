"""Stage 7, the switch-over, and the way back: the same steps with the sides exchanged.

The old side is fenced, its last position is noted, everything up to there is applied, both sides are compared, counters
are set, and one row is changed (`Ledger.promote`): from then on the application uses the new side.  The old one stays
fenced and is kept up to date by the link back, so that going back loses nothing.

Rules
1. One side accepts writes at a time: the fence is up before the route changes, and the new side's fence, if there is
   one, comes down before it.
2. The link back captures before the new side is in charge, from the position at which both were equal.
3. Whatever goes wrong before the route has changed, or takes too long, undoes everything: the fence comes down, the
   application goes on as before, and nothing is lost (`SwitchRefused`).  A worker that was killed in between does the
   same when it starts again.
4. What takes long is done before the fence (preparing the capture back) or after the promotion (the full comparison, on
   snapshots of both sides that were opened under the fence).
"""

from __future__ import annotations

import time
from typing import Any

from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real import newcomers
from prayog_migration.engine.real.agreeing import Disagreement, answer_alike
from prayog_migration.engine.real.apply import Applied
from prayog_migration.engine.real.checking import Balance, balance, compare, settled
from prayog_migration.engine.real.checksum import Comparing
from prayog_migration.engine.real.copying import make_last, tell
from prayog_migration.engine.real.fence import Fence, FenceBusy, fence_of
from prayog_migration.engine.real.job import Direction, Job
from prayog_migration.engine.real.ledger import Side
from prayog_migration.engine.real.link import Link
from prayog_migration.engine.real.numbers import set_numbers
from prayog_migration.engine.real.quarantine import Quarantine
from prayog_migration.engine.real.resting import wake
from prayog_migration.engine.real.staying import stayed_behind
from prayog_migration.engine.real.store import Reader

__all__ = ["SwitchRefused", "fences", "recover", "switch"]

_NEAR = 200
"""Changes that may wait when the fence goes up."""
_MARGIN = 1_000
"""Numbers that are skipped: those that may have been given away since the counters were read, and deleted since."""
_IN_FREEZE_S = 0.12
"""What a full comparison may take while everybody waits, by the last one; else rows are counted, and compared after."""


class SwitchRefused(Exception):
    """The switch-over was called off and everything is as before; the sentence says why."""


def fences(job: Job) -> dict[Side, Fence]:
    """The fences of both sides."""
    plan = job.the_plan
    return {
        "source": fence_of(job.source, [move.source for move in plan.tables]),
        "target": fence_of(job.target, [move.target for move in plan.tables]),
    }


def recover(job: Job) -> None:
    """Undo a switch-over that a killed worker left before the route had changed; finish one that it left after."""
    state = job.recall("switch")
    if state and state["phase"] == "fencing":
        _undo(job, state["to"], "The worker ended in the middle of the switch-over; it was undone.")


def switch(job: Job, to: Side) -> Balance:
    """Make `to` the side in charge.  Raises `SwitchRefused`; then nothing has changed."""
    if to == job.side:
        raise SwitchRefused(f"The {to} is in charge already.")
    if not job.order.live:
        return _big_bang(job, to)
    if to == "target":
        job.demand("switch")
        newcomers.look(job)
    job.control.called_off = False
    job.step("switch", "running")
    forward: Direction = "forward" if to == "target" else "reverse"
    back: Direction = "reverse" if to == "target" else "forward"
    link, limit = job.link(forward), job.order.freeze_s
    _near(job, link, forward)
    if to == "target" and job.order.strategy == "parallel run":
        try:
            answer_alike(job)
        except Disagreement as no:
            raise SwitchRefused(str(no)) from None
        _near(job, link, forward)
    job.remember("switch", {"phase": "fencing", "to": to})
    try:
        old: Side = "source" if to == "target" else "target"
        fences(job)[old].prepare(limit)
        _prepare(job, back)
        change = _Change(job, to, link, job.link(back), limit)
    except Exception as error:
        _undo(job, to, str(error))
        if isinstance(error, FenceBusy):
            raise SwitchRefused(str(error)) from error
        raise
    try:
        change.under_fence()
    except Exception as error:
        change.let_go()
        if not change.promoting:  # then the route cannot have changed, whatever the target says
            fences(job)[change.old].down()
            _undo(job, to, str(error) or type(error).__name__)
            if isinstance(error, FenceBusy):
                raise SwitchRefused(str(error)) from error
        raise
    return change.after()


def _big_bang(job: Job, to: Side) -> Balance:
    """The source has been fenced since the copy began: compare, set the counters, promote.  There is no way back that
    keeps what is written afterwards, because nobody captures it."""
    if to == "source":
        raise SwitchRefused(
            "The big bang keeps the old side as it was, so going back would lose everything written since. Move the "
            "other way instead, from the new side to the old one."
        )
    facts = job.facts()
    if not facts.get("loaded") or not fences(job)["source"].stands():
        raise SwitchRefused("Copy first: the big bang fences the source, copies, and switches over at the end.")
    job.step("switch", "running")
    with job.target.writer() as writer:
        set_numbers(job.source.catalogue(), job.target, job.the_plan, writer)
    with job.source.reader() as here, job.target.reader() as there:
        began = time.perf_counter()
        verdicts = compare(job, job.source, here, job.target, there, job.the_plan)
    found = balance(job, "forward", verdicts, "", time.perf_counter() - began)
    if not found.holds:
        raise SwitchRefused(
            f"Both sides differ ({found.lost} lost, {found.duplicated} too many), so nothing was switched. Validate to "
            "see the rows, or cancel: then the old side is open again."
        )
    make_last(job)
    since = job.recall("frozen_us") or time.time_ns() // 1000
    with job.target.writer() as writer, writer.transaction():
        job.ledger.touch(writer)
        route = job.ledger.promote(writer, to)
        freeze = time.time_ns() // 1000 - since
        job.ledger.state.put(writer, "switch", {"phase": "promoted", "to": to})
        job.note(writer, "promoted", to, epoch=route.epoch, final="", freeze_us=freeze, marks=[["promoted", freeze]])
    job.step("switch", "done", fenced=True, drained=True, verified=True, promoted=True)
    return found


def _near(job: Job, link: Link, direction: Direction) -> None:
    """Let the stream come close first: what waits when the fence goes up is paid for in freeze."""
    until = time.monotonic() + 10.0
    while time.monotonic() < until:
        done = link.once()
        tell(job, direction, done)
        if done is None or done.changes < _NEAR:
            return


def _prepare(job: Job, back: Direction) -> None:
    """Capture the new side before it is in charge; the position will be that at which both are equal."""
    link = job.link(back)
    if link.begun:
        link.remove()
    link.prepare()


class _Change:
    """One change of sides."""

    def __init__(self, job: Job, to: Side, link: Link, back: Link, limit: float) -> None:
        self.job, self.to, self.link, self.back = job, to, link, back
        self.old: Side = "source" if to == "target" else "target"
        self.until = 0.0
        self.limit = limit
        self.began = 0.0
        self.marks: list[tuple[str, int]] = []
        self.here: Reader | None = None
        self.there: Reader | None = None
        self.freeze_us = 0
        self.equal: Balance | None = None
        self.promoting = False
        self.catalogue = link.source.catalogue()
        """The old side's counters just before the fence: reading them takes long."""

    def under_fence(self) -> None:
        """From the fence to the promotion."""
        job, both = self.job, fences(self.job)
        self.began = time.monotonic()
        self.until = self.began + self.limit
        both[self.old].up(self.limit / 2)
        self._mark("fenced")
        final = self.link.capture.now()
        self.link.drain(final, self._tick)
        self._mark("drained")
        settled(job, self.link)
        with self.link.target.writer() as writer:  # before anything is read: MySQL alters tables for it
            set_numbers(self.catalogue, self.link.target, self.link.plan, writer, _MARGIN)
        self._mark("numbers")
        self.here, self.there = self.link.source.reader(), self.link.target.reader()
        self._verify()
        self._mark("verified")
        self._make_last()
        self.back.start()
        both[self.to].down()
        self._in_time()
        self.promoting = True
        with job.target.writer() as writer, writer.transaction():
            job.ledger.touch(writer)
            route = job.ledger.promote(writer, self.to)
            job.ledger.state.put(writer, "switch", {"phase": "promoted", "to": self.to, "final": final})
        self.freeze_us = round(1e6 * (time.monotonic() - self.began))
        self._mark("promoted")
        with job.target.writer() as writer, writer.transaction():
            job.note(
                writer, "promoted", self.to, epoch=route.epoch, final=final, freeze_us=self.freeze_us,
                marks=[list(mark) for mark in self.marks],
            )  # fmt: skip

    def _make_last(self) -> None:
        """Triggers that rested, and what was not made with the rules.

        MySQL makes no trigger on a table that a snapshot has read: nobody writes, so one that is opened again sees the
        same.
        """
        snapshot = self.there if self.link.target.dialect == "mysql" else None
        if snapshot is not None:
            snapshot.close()
        if self.to == "target":
            make_last(self.job)
        wake(self.link.target, self.link.ledger.state)
        if snapshot is not None:
            self.there = self.link.target.reader()

    def after(self) -> Balance:
        """The full comparison, if it was not done under the fence; then the old direction is over."""
        job, found = self.job, self.equal
        try:
            if found is None:
                found = self._compared()
        finally:
            self.let_go()
        forward = self.link.name
        self.link.capture.hand_over(job.link("reverse" if forward == "forward" else "forward").capture)
        self.link.remove()
        job.forget_link("forward" if forward == "forward" else "reverse")
        facts: dict[str, Any] = {"fenced": True, "drained": True, "verified": found.holds, "caught_up": None}
        facts["promoted"] = True if self.to == "target" else None
        job.step("switch", "done" if found.holds else "failed", "" if found.holds else _WRONG, **facts)
        return found

    def _verify(self) -> None:
        """Counts at least; everything where that is quick."""
        assert self.here is not None
        assert self.there is not None
        last = self.job.facts().get("compare_us")
        if (last is not None and last <= 1e6 * _IN_FREEZE_S) or self._hinders():
            self.equal = self._compared()
            self.let_go()
            if not self.equal.holds:
                raise SwitchRefused(
                    f"Both sides were compared under the fence and differ ({self.equal.lost} lost, "
                    f"{self.equal.duplicated} too many), so nothing was switched. Validate to see the rows."
                )
            return
        for move in self._plan.tables:
            old, new = self.here.count(move.source), self.there.count(move.target)
            held = len(Quarantine(self.link.target).rows(self.there, move.source.title))
            if self.to == "source":
                how = Comparing(self._plan, move)
                new -= stayed_behind(self.link.source, self.here, self.link.target, self.there, how).total()
            if old != new + held:
                raise SwitchRefused(
                    f"{move.source.title} has {old:,} rows on the old side, {new:,} on the new one and {held:,} in "
                    "quarantine, so nothing was switched. Validate to see which differ."
                )

    def _hinders(self) -> bool:
        """An open reader keeps writers of a SQLite file without WAL from committing: nothing can be compared later."""
        for store, reader in ((self.link.source, self.here), (self.link.target, self.there)):
            if store.dialect == "sqlite" and reader and reader.query("PRAGMA journal_mode") != [("wal",)]:
                return True
        return False

    def let_go(self) -> None:
        """Close the snapshots of both sides."""
        for reader in (self.here, self.there):
            if reader is not None:
                reader.close()
        self.here = self.there = None

    def _compared(self) -> Balance:
        assert self.here is not None
        assert self.there is not None
        began = time.perf_counter()
        verdicts = compare(self.job, self.link.source, self.here, self.link.target, self.there, self._plan)
        direction: Direction = "forward" if self.to == "target" else "reverse"
        return balance(self.job, direction, verdicts, self.link.position, time.perf_counter() - began)

    @property
    def _plan(self) -> Plan:
        return self.link.plan

    def _tick(self, done: Applied | None) -> None:
        tell(self.job, "forward" if self.to == "target" else "reverse", done)
        self._in_time()

    def _in_time(self) -> None:
        if self.job.control.called_off:
            raise SwitchRefused("You lowered the fence, so nothing was switched; everything is as before.")
        if time.monotonic() > self.until:
            raise SwitchRefused(
                f"The switch-over took longer than the {self.limit:g} s that the application may wait, so the fence "
                "was lowered and nothing was switched."
            )

    def _mark(self, what: str) -> None:
        at = round(1e6 * (time.monotonic() - self.began))
        self.marks.append((what, at))
        self.job.say("switching", what, at_us=at, to=self.to)


_WRONG = "The new side is in charge, and the comparison found differences. Go back: nothing written since is lost."


def _undo(job: Job, to: Side, why: str) -> None:
    """The fence comes down, the capture of the new side goes."""
    old: Side = "source" if to == "target" else "target"
    back: Direction = "reverse" if to == "target" else "forward"
    both = fences(job)
    both[old].down()
    link = job.link(back)
    link.remove()
    job.forget_link(back)
    job.link("forward" if back == "reverse" else "reverse").rest()  # its next batch lets triggers rest again
    if old == "target":
        both["source"].up(5.0)  # it was up before: the source is not in charge
    with job.target.writer() as writer, writer.transaction():
        job.ledger.touch(writer)
        job.ledger.state.put(writer, "switch", {"phase": "undone", "to": to})
        job.note(writer, "unfenced", old, sentence=why)
