"""Stage 5, validate, and the promises: both sides compared at one position, while the application goes on writing.

Counts under traffic lie, because the two sides are counted at different moments.  Here the source is fixed at one
position (a snapshot whose place in the log is known), the target is brought to exactly that position, and only then are
they compared: then unequal means wrong.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass

from prayog_migration.engine.plan import Plan
from prayog_migration.engine.real.copying import make_rules, tell
from prayog_migration.engine.real.job import Direction, GateShut, Job
from prayog_migration.engine.real.link import Link
from prayog_migration.engine.real.originals import There
from prayog_migration.engine.real.orphans import settle
from prayog_migration.engine.real.store import Reader, Store
from prayog_migration.engine.real.validation import TableVerdict, validate_table

__all__ = ["Balance", "audit", "balance", "compare", "settled", "validate"]


@dataclass(frozen=True, slots=True)
class Balance:
    """The promises in numbers, over all tables: ``lost`` rows are missing or have another content, ``duplicated`` ones
    are there and should not be.  ``source_rows == target_rows + quarantined`` when nothing is lost or doubled."""

    source_rows: int
    target_rows: int
    quarantined: int
    lost: int
    duplicated: int
    position: str
    seconds: float

    @property
    def holds(self) -> bool:
        """Nothing is lost, nothing is there twice."""
        return not self.lost and not self.duplicated


def validate(job: Job) -> Balance:
    """Make the target's rules if they are not made yet, then compare."""
    job.demand("validate")
    job.step("validate", "running")
    if not job.facts().get("rules_made"):
        make_rules(job)
        job.step("validate", "running", rules_made=True)
    found = audit(job)
    job.step("validate", "done" if found.holds else "failed", "" if found.holds else _UNEQUAL, equal=found.holds)
    return found


_UNEQUAL = "The two sides differ. The rows that differ are listed; load their tables again or look for who else writes."


def audit(job: Job) -> Balance:
    """Compare both sides at one position, in whichever direction changes flow now; the balance."""
    if job.plan is None:
        raise GateShut("There is no plan yet, so nobody knows what to compare. Assess first.")
    direction = job.flow
    began = time.perf_counter()
    with contextlib.ExitStack() as stack:
        if job.order.live:
            link = job.link(direction)
            if not link.begun or not job.facts().get("loaded"):
                raise GateShut(
                    "The copy is not done yet, so there is nothing to compare. Copy first; both sides are compared at "
                    "a position of the log that is followed from then on."
                )
            view = link.capture.fix()
            stack.callback(view.reader.close)
            link.drain(view.position, lambda done: tell(job, direction, done), view)
            settled(job, link)
            here, position, plan = view.reader, view.position, link.plan
            source, target = link.source, link.target
        else:
            _tell_settled(job, "forward", settle(job.target, job.the_plan, job.ledger))
            here, position, plan = stack.enter_context(job.source.reader()), "", job.the_plan
            source, target = job.source, job.target
        there = stack.enter_context(target.reader())
        verdicts = compare(job, source, here, target, there, plan)
    return balance(job, direction, verdicts, position, time.perf_counter() - began)


def settled(job: Job, link: Link) -> None:
    """Put children of rows in quarantine in order (`orphans`), on the target of `link`."""
    done = settle(link.target, link.plan, link.ledger)
    if any(done):
        link.rest()  # its applier remembers what was in quarantine
        _tell_settled(job, link.name, done)


def _tell_settled(job: Job, direction: str, done: tuple[int, int]) -> None:
    """How many rows were let in and set aside."""
    if any(done):
        job.say("settled", direction, let_in=done[0], set_aside=done[1])


def compare(job: Job, source: Store, here: Reader, target: Store, there: Reader, plan: Plan) -> list[TableVerdict]:
    """All tables of the plan, on readers that stand at the same position."""
    verdicts = []
    last = 0.0

    def told(table: str, done: int, red: int) -> None:
        nonlocal last
        if time.monotonic() - last > 0.1:
            last = time.monotonic()
            job.say("comparing", table, segments=done, red=red)

    way_there = job.the_plan.tables if source is job.target else ()
    for number, move in enumerate(plan.tables):
        if move.source.partitioning and move.source.partitioning.parent:
            continue
        came = There(job.the_plan, way_there[number]) if way_there else None
        verdict = validate_table(source, here, target, there, plan, move, told, came)
        verdicts.append(verdict)
        job.say(
            "validated", verdict.table, equal=verdict.equal, source_rows=verdict.source_rows,
            target_rows=verdict.target_rows, quarantined=verdict.quarantined, stayed=verdict.stayed,
            segments=[[str(s.source.total), str(s.target.total), s.source.rows, s.equal] for s in verdict.segments],
            differences=[[d.key, d.kind, [list(cell) for cell in d.cells]] for d in verdict.differences[:20]],
            changed=verdict.changed,
        )  # fmt: skip
    return verdicts


def balance(job: Job, direction: Direction, verdicts: list[TableVerdict], position: str, seconds: float) -> Balance:
    """Add it up, tell it and keep it for the report."""
    missing = sum(d.kind != "extra" for v in verdicts for d in v.differences)
    extra = sum(d.kind == "extra" for v in verdicts for d in v.differences)
    # Only so many differences are listed for a table; the counts say at least how many there are.
    short = sum(max(0, v.source_rows - v.target_rows - v.quarantined) for v in verdicts)
    over = sum(max(0, v.target_rows + v.quarantined - v.source_rows) for v in verdicts)
    found = Balance(
        sum(v.source_rows for v in verdicts),
        sum(v.target_rows for v in verdicts),
        sum(v.quarantined for v in verdicts),
        max(missing, short),
        max(extra, over),
        position,
        seconds,
    )
    with job.target.writer() as writer, writer.transaction():
        facts = {**(job.ledger.state.get(writer, "facts") or {}), "compare_us": round(1e6 * seconds)}
        job.ledger.state.put(writer, "facts", facts)
        job.note(
            writer, "balance", direction, source_rows=found.source_rows, target_rows=found.target_rows,
            quarantined=found.quarantined, stayed=sum(v.stayed for v in verdicts), lost=found.lost,
            duplicated=found.duplicated, position=position, us=round(1e6 * seconds),
            sums={v.table: [str(sum(s.target.total for s in v.segments)), v.target_rows] for v in verdicts},
        )  # fmt: skip
    return found
