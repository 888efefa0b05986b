"""What can be asked besides comparing: the same question to both sides, which rows were set aside and why, and whether
the target's rules hold.

Both sides are asked at one position, as the comparison is: the source stands still in a snapshot, the target was
brought to just there, and nobody but this worker writes to it.
"""

from __future__ import annotations

import contextlib

from prayog_migration.engine.real.copying import tell
from prayog_migration.engine.real.job import Job
from prayog_migration.engine.real.preparing import Refused
from prayog_migration.engine.real.quarantine import Quarantine
from prayog_migration.engine.real.replay import Both, asked, own_questions, words_of
from prayog_migration.engine.real.rules_tried import try_rules

__all__ = ["ask_both", "show_aside", "try_to_break"]

_MOST = 30
_ASIDE, _WIDE = 200, 300


def ask_both(job: Job, sql: str = "") -> None:
    """Tell ``answer`` for the question `sql`, or, without one, for counts and sums of every table."""
    job.demand("validate")
    direction = job.flow
    with contextlib.ExitStack() as stack:
        if job.order.live:
            link = job.link(direction)
            view = link.capture.fix()
            stack.callback(view.reader.close)
            link.drain(view.position, lambda done: tell(job, direction, done), view)
            plan, position = link.plan, view.position
            source, target, here = link.source, link.target, view.reader
        else:
            plan, position = job.the_plan, ""
            source, target, here = job.source, job.target, stack.enter_context(job.source.reader())
        both = Both(source, here, target, stack.enter_context(target.reader()))
        questions = [sql] if sql.strip() else list(own_questions(plan))[:_MOST]
        words = words_of(plan)
        answers = [asked(both, plan, question, words) for question in questions]
    for number, one in enumerate(answers):
        job.say(
            "answer", str(number), of=len(answers), direction=direction, position=position, same=one.same,
            source_sql=one.source_sql, target_sql=one.target_sql, source_rows=one.source_rows,
            target_rows=one.target_rows, only_source=list(one.only_source), only_target=list(one.only_target),
            source_ms=round(one.source_ms, 2), target_ms=round(one.target_ms, 2), problem=one.problem,
        )  # fmt: skip


def show_aside(job: Job) -> None:
    """Tell ``aside``: the rows in quarantine, each with its table, key, column, reason and values."""
    with job.target.reader() as reader:
        rows = Quarantine(job.target).rows(reader)
    told = [[tab, key, phase, column, reason, _cut(raw)] for tab, key, phase, column, _, reason, raw in rows[:_ASIDE]]
    job.say("aside", "", count=len(rows), rows=told)


def _cut(raw: str) -> str:
    return raw if len(raw) <= _WIDE else f"{raw[:_WIDE]} …"


def try_to_break(job: Job) -> None:
    """Tell ``tried``: every rule of the target, and whether it refused what it forbids; all of it is undone."""
    if not job.facts().get("rules_made"):
        raise Refused("The target’s rules are made while it is validated. Validate first; then they can be tried.")
    if job.side == "target":
        raise Refused("The application uses the target now, and trying its rules locks its tables. Go back first.")
    found = try_rules(job.target, job.the_plan)
    job.say("tried", "", rules=[[one.table, one.kind, one.name, one.outcome, one.said] for one in found])
