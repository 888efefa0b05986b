"""Named checks, and the language in which scenarios and lessons write them.

    count("deliver", node="n1") >= 3 and never("two_leaders")
    moved > 0.75                                        a measure of the topic
    always("query", visited <= 9, index="geohash")      names inside are fields of the event
    first("leader").node == "n3" and eventually("leader", by="2s")

The words are in `prayog_sdk.vocabulary`, the language in `prayog_sdk.expressions`; both are exported from here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prayog_sdk.claims import CheckError, Claim, Event, Given, Quantity, Scope, Test, Verdict, events
from prayog_sdk.expressions import WORDS, Compiler, ExpressionError, Measure
from prayog_sdk.history import history
from prayog_sdk.vocabulary import (
    always,
    answer,
    before,
    count,
    eventually,
    first,
    gauge,
    last,
    never,
    on_seeds,
    predicted,
    used,
)
from prayog_sim.trace import Trace

__all__ = [
    "WORDS",
    "Check",
    "CheckError",
    "Claim",
    "Event",
    "ExpressionError",
    "Measure",
    "Quantity",
    "Verdict",
    "always",
    "answer",
    "before",
    "compile",
    "count",
    "evaluate",
    "events",
    "eventually",
    "first",
    "gauge",
    "history",
    "last",
    "never",
    "on_seeds",
    "predicted",
    "used",
]


@dataclass(frozen=True, slots=True)
class Check:
    """A named verdict about a trace.  ``test`` is a claim, or any function ``Trace -> Verdict``.

    ``name`` is what scripts and lessons write, ``title`` what learners read (a sentence that is true when it holds).
    """

    name: str
    title: str
    test: Test
    help: str = ""

    @property
    def claim(self) -> Claim:
        """The test as a claim."""
        return self.test if isinstance(self.test, Claim) else Claim(self.name, lambda scope: self.test(scope.trace))

    def judge(
        self,
        trace: Trace,
        answers: Mapping[str, Given] | None = None,
        rerun: Callable[[int], Trace] | None = None,
        seed: int = 0,
    ) -> Verdict:
        """The verdict on `trace`, with the learner's predictions and a way to run again on another seed.

        A check that is written wrongly gives a failing verdict that says so.
        """
        try:
            return self.claim.look(Scope(trace, answers or {}, rerun, seed))
        except CheckError as error:
            return Verdict(False, f"the check {self.name!r} is written wrongly: {error}")


def compile(  # noqa: A001 - it is what this does
    expression: str, measures: Mapping[str, Measure], names: Mapping[str, Check] | None = None
) -> Check:
    """The check that `expression` says; its name and title are the expression.

    `measures` may be used as values, `names` (other checks) as claims.  Raises `ExpressionError`.
    """
    compiler = _compiler(expression, measures, names)
    return Check(expression.strip(), expression.strip(), compiler.claim(compiler.tree()))


def evaluate(expression: str, measures: Mapping[str, Measure], names: Mapping[str, Check] | None = None) -> Quantity:
    """The value that `expression` computes from a trace (a claim gives True or False).  Raises `ExpressionError`."""
    compiler = _compiler(expression, measures, names)
    return compiler.quantity(compiler.tree())


def _compiler(expression: str, measures: Mapping[str, Measure], names: Mapping[str, Check] | None) -> Compiler:
    return Compiler(expression, measures, {name: check.claim for name, check in (names or {}).items()})
