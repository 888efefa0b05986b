"""``history("op").linearizable`` and ``.sequential``: the word of checks for what clients asked and were told.

How a client tells it is said in `prayog_sim.history.operations`; the judging is done by `prayog_sim.history`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from prayog_sdk.claims import CheckError, Claim, Scope, Verdict, of_kind
from prayog_sim.trace import Trace

if TYPE_CHECKING:
    from prayog_sim.history.linearizable import Result
    from prayog_sim.history.model import Model

__all__ = ["LEVELS", "HistoryWord", "history", "judge"]

LEVELS = ("linearizable", "sequential")
"""What can be claimed of a history."""


class HistoryWord:
    """The operations of clients that belong together, and what can be claimed about them."""

    def __init__(self, kind: str, model: str) -> None:
        self.kind = kind
        self.model = model
        self.text = f"history({kind!r}, model={model!r})" if model else f"history({kind!r})"

    @property
    def linearizable(self) -> Claim:
        """One order explains all answers, in which each operation takes effect between its two ends."""
        return _Judged(self, "linearizable", "linearizable")

    @property
    def sequential(self) -> Claim:
        """One order explains all answers, in which the operations of each client come as it asked for them."""
        return _Judged(self, "sequential", "sequentially consistent")


class _Judged(Claim):
    """Neither this claim nor its opposite holds as long as the verdict is open."""

    def __init__(self, word: HistoryWord, level: str, verdict: str, wanted: bool = True) -> None:
        self.word = word
        self.level = level
        self.verdict = verdict
        self.wanted = wanted
        super().__init__(f"{'' if wanted else 'not '}{word.text}.{level}", self._look)

    def _look(self, scope: Scope) -> Verdict:
        result = judge(scope.trace, self.word.kind, _model(self.word.model), self.level)
        at = result.operation.steps[1] if result.operation is not None else None
        expected = self.verdict if self.wanted else f"not {self.verdict}"
        return Verdict(result.verdict == expected, f"{result.verdict}: {result.reason}", at)

    def __invert__(self) -> Claim:
        return _Judged(self.word, self.level, self.verdict, not self.wanted)


def history(kind: str = "op", *, model: str = "") -> HistoryWord:
    """The operations that name `kind` as what they are of (``of=``; without it they are of ``op``).

    `model`: ``register``, ``cas-register``, ``key-value``, ``queue`` or ``mutex``; without it, the simplest that
    knows all operations.
    """
    _model(model)
    return HistoryWord(kind, model)


def judge(trace: Trace, kind: str = "op", model: Model | None = None, level: str = "linearizable") -> Result:
    """The full result for the operations of `kind` in `trace`: for a panel that draws the order.

    `level`: ``linearizable`` or ``sequential``.

    Raises `CheckError` when there are none although others are told, and when they cannot be judged.
    """
    from prayog_sim.history.linearizable import linearizable
    from prayog_sim.history.operations import HistoryError, from_trace
    from prayog_sim.history.registers import Register
    from prayog_sim.history.sequential import sequential

    judged = {"linearizable": linearizable, "sequential": sequential}[level]
    try:
        found = from_trace(trace, kind)
        if not found.operations:
            told = sorted({str(event.data.get("of", "op")) for event in of_kind(trace, "invoke")})
            if told:
                raise CheckError(f"no operation in this run is of {kind!r}; there are: {', '.join(told)}")
            return judged(found, model or Register())
        return judged(found, model)
    except HistoryError as error:
        raise CheckError(str(error)) from None


def _model(name: str) -> Model | None:
    if not name:
        return None
    from prayog_sim.history.models import MODELS

    if name not in MODELS:
        raise CheckError(f"there is no model {name!r}; there are: {', '.join(MODELS)}")
    made: Model = MODELS[name]()
    return made
