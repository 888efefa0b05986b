"""What a parallel run and a dual write add before the sides change: both sides have to agree, again and again."""

from __future__ import annotations

import contextlib
import time

from prayog_migration.engine.real.checking import audit
from prayog_migration.engine.real.copying import tell
from prayog_migration.engine.real.job import Job
from prayog_migration.engine.real.replay import Both, asked, own_questions, words_of
from prayog_migration.engine.strategies import ROUNDS

__all__ = ["Disagreement", "answer_alike", "reconcile"]

_BETWEEN_S = 0.4


class Disagreement(Exception):
    """Both sides do not say the same; the sentence says to what."""


def answer_alike(job: Job) -> None:
    """Ask both sides the same questions, each round at one position of the log.  Raises `Disagreement`."""
    link, plan, words = job.link("forward"), job.the_plan, words_of(job.the_plan)
    for number in range(1, ROUNDS + 1):
        view = link.capture.fix()
        with contextlib.closing(view.reader):
            link.drain(view.position, lambda done: tell(job, "forward", done), view)
            with job.target.reader() as there:
                both = Both(job.source, view.reader, job.target, there)
                answers = [asked(both, plan, question, words) for question in own_questions(plan)]
        wrong = [one for one in answers if not one.same]
        job.say(
            "answered", str(number), of=ROUNDS, questions=len(answers), same=len(answers) - len(wrong),
            source_us=round(1e3 * sum(one.source_ms for one in answers)),
            target_us=round(1e3 * sum(one.target_ms for one in answers)), position=view.position,
        )  # fmt: skip
        if wrong:
            one = wrong[0]
            why = one.problem or f"only the old side: {one.only_source[:1]}; only the new one: {one.only_target[:1]}"
            raise Disagreement(
                f"Both sides were asked {one.source_sql!r} at one position and did not say the same ({why}), so "
                "nothing was switched. Validate to see which rows differ."
            )
        until = time.monotonic() + _BETWEEN_S
        while number < ROUNDS and time.monotonic() < until:
            tell(job, "forward", link.once())


def reconcile(job: Job) -> str:
    """Compare everything at one position; the sentence when the sides have parted, else ""."""
    began = time.monotonic()
    found = audit(job)
    job.say("reconciled", "forward", lost=found.lost, duplicated=found.duplicated, quarantined=found.quarantined,
            us=round(1e6 * (time.monotonic() - began)))  # fmt: skip
    if found.holds:
        return ""
    return f"Both sides have parted: {found.lost} rows lost, {found.duplicated} too many. Look why, or copy anew."
