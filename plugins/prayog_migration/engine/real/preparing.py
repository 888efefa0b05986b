"""Stages 1 to 3 (plan, assess, schema), planning again after the source has changed, and taking things back."""

from __future__ import annotations

from functools import partial
from typing import Any

from prayog_migration.engine.identity import Unfollowable, identity
from prayog_migration.engine.plan import Choices, Plan
from prayog_migration.engine.real.build import Builder, TargetNotEmpty
from prayog_migration.engine.real.bulk import rest
from prayog_migration.engine.real.copying import begin_again
from prayog_migration.engine.real.job import Job
from prayog_migration.engine.real.moving import assess
from prayog_migration.engine.real.previewing import tell_profiles
from prayog_migration.engine.real.switching import fences
from prayog_migration.engine.steps import StepName

__all__ = ["Refused", "assess_source", "let_go", "make_schema", "plan_again", "undo"]


class Refused(Exception):
    """It cannot be done now; the sentence says why and what would help."""


def assess_source(job: Job) -> Plan:
    """Look at every object and every value of the source; the plan is kept."""
    job.step("plan", "done", planned=True)
    job.step("assess", "running")
    plan = assess(job.source, job.target, choices=_choices(job), looked=partial(tell_profiles, job))
    unfollowed = _unfollowed(job, plan)
    job.keep_plan(plan)
    counts: dict[str, int] = {}
    for finding in plan.findings:
        counts[finding.verdict] = counts.get(finding.verdict, 0) + 1
    blocked = [f"{f.kind} {f.name}: {f.reason}" for f in plan.findings if f.verdict == "blocked"]
    job.say(
        "assessed", "", verdicts=counts, tables=[[m.source.title, m.target.title, m.rows] for m in plan.tables],
        findings=[[f.kind, f.name, f.verdict, f.level, f.reason, f.becomes] for f in plan.findings],
        unfollowed=unfollowed,
    )  # fmt: skip
    said = "; ".join([*blocked, *unfollowed])
    job.step("assess", "failed" if said else "done", said, assessed=None if said else True)
    return plan


def _choices(job: Job) -> Choices:
    given = job.order.choices
    return Choices(
        tuple(map(tuple, given.get("types", ()))),
        tuple(map(tuple, given.get("policies", ()))),
        tuple(given.get("left_out", ())),
        tuple(map(tuple, given.get("rules", ()))),
    )


def _unfollowed(job: Job, plan: Plan) -> list[str]:
    """Tables whose changes cannot be followed, in sentences; none where nobody follows."""
    said = []
    for move in plan.tables if job.order.live else ():
        if move.source.unlogged:
            said.append(
                f"Table {move.source.title} is UNLOGGED, so its changes are in no log. Make it logged (ALTER TABLE … "
                "SET LOGGED), leave it out, or choose the big bang, which copies while nobody writes."
            )
        try:
            identity(move.source, job.source.dialect)
        except Unfollowable as no:
            said.append(str(no))
            continue
        try:
            identity(move.target, job.target.dialect)
        except Unfollowable:
            said.append(
                f"Table {move.source.title} has no key that is never NULL. Its changes can be followed from here, but "
                "not back from the new side, so there would be no way back. Add one (a PRIMARY KEY, or UNIQUE on "
                "columns that are NOT NULL), leave the table out, or choose the big bang."
            )
    return said


def make_schema(job: Job) -> None:
    """Tables with their keys; everything else comes after the rows."""
    job.demand("schema")
    job.step("schema", "running")
    with job.target.writer() as writer:
        try:
            Builder(job.target, job.the_plan, lambda what: job.say("building", what)).before_rows(writer)
        except TargetNotEmpty as full:
            job.step("schema", "failed", str(full))
            raise Refused(str(full)) from None
    job.step("schema", "done", tables_made=True)


def plan_again(job: Job) -> None:
    """The source's tables have changed: everything made on the target goes, and the migration begins at the plan."""
    if job.side != "source":
        raise Refused("The new side is in charge, so there is nothing to plan again. Change its tables there.")
    let_go(job)
    _drop_tables(job)
    assess_source(job)
    make_schema(job)


def undo(job: Job, step: StepName) -> None:
    """Take a step back (see `steps.Step.undo`)."""
    if job.side != "source":
        raise Refused("The new side is in charge. Go back first; what was written since is kept.")
    if step in ("schema", "assess", "plan"):
        let_go(job)
        _drop_tables(job)
        job.step("assess" if step == "schema" else "plan", "waiting", tables_made=None, **_later())
    elif step in ("data", "validate", "sync"):
        begin_again(job, "You took the copy back.")
        job.step("schema", "done", **_later())
    else:
        raise Refused("This step cannot be taken back: it either was not done yet or has a way back of its own.")


def let_go(job: Job) -> None:
    """Nothing of ours stays on the source: no trigger, no slot, no fence."""
    if job.plan is None:
        return
    if job.side == "source":
        fences(job)["source"].remove()
    if job.order.live:
        link = job.link("forward")
        gone = link.remove()
        job.forget_link("forward")
        job.say("let_go", "", gone=gone)
    job.step("data", "waiting", **_later())


def _later() -> dict[str, Any]:
    """Facts that are not true any more once the copy is taken back."""
    return dict.fromkeys(("captured", "loaded", "rules_made", "equal", "caught_up"))


def _drop_tables(job: Job) -> None:
    """Drop what the plan made on the target."""
    store = job.target
    with store.writer() as writer:
        rest(writer, store.dialect)
        cascade = " CASCADE" if store.dialect == "postgresql" else ""
        for view in job.the_plan.views:
            if view.target is not None:
                writer.execute(f"DROP VIEW IF EXISTS {store.name(view.target.name, view.target.schema)}{cascade}")
        for move in job.the_plan.tables:
            writer.execute(f"DROP TABLE IF EXISTS {store.name(move.target.name, move.target.schema)}{cascade}")
        for kind in job.the_plan.types:
            writer.execute(f"DROP TYPE IF EXISTS {store.name(kind.name, kind.schema)}{cascade}")
        for sequence in job.the_plan.sequences:
            writer.execute(f"DROP SEQUENCE IF EXISTS {store.name(sequence.name, sequence.schema)}{cascade}")
        with writer.transaction():
            job.ledger.touch(writer)
            for key in ("made", "making", "newcomers"):
                job.ledger.state.drop(writer, key)
            for table in ("checkpoint", "quarantine"):
                writer.execute(f"DELETE FROM {store.name(f'_wiz_{table}')}")
