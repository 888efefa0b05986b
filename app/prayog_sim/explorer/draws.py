"""Randomness and clocks under the explorer: a handler's draws become choices, and so does time, where it exists.

A handler that draws is run again for every answer the draw could have.  Time-outs are drawn from thousands of
numbers, but without a clock the length of a timer means nothing: any running timer may fire at any time.  So a draw
from many numbers is tried at its ends and in the middle, and so is the clock: if the outcome is the same each time
(but for the lengths of timers), the draw does not matter; if it is not, the handler is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, MutableSequence, Sequence
from typing import TypeVar

from prayog_sim.disk import Disk
from prayog_sim.explorer.model import Refused
from prayog_sim.node import Ctx
from prayog_sim.rng import Rng

__all__ = ["ChoosingRng", "WatchedCtx", "every_outcome"]

T = TypeVar("T")
Outcome = TypeVar("Outcome", bound=Hashable)

_MOST = 8  # answers up to which a draw is tried with each of them
_RUNS = 4_096  # ways in which one call of a handler may go on
_DRAWS = 1_000  # draws in one call
_CLOCKS = (0, 86_400_000_000)  # a handler that looks at the clock is run at both, in µs


class ChoosingRng(Rng):
    """Gives the answers of `script`, then always the first one, and notes in `taken` what could have been drawn.

    ``taken`` holds ``(answer, answers)`` for each draw.  A draw from too many numbers is not among them: it gives
    the lowest, the middle or the highest, as `sample` says, and sets `sampled`.  With ``sample=None`` those three are
    answers like others.
    """

    __slots__ = ("_left", "_sample", "_script", "sampled", "taken")

    def __init__(self, script: Sequence[int] = (), sample: int | None = 0) -> None:
        super().__init__(b"")
        self._script = script
        self._sample = sample
        self._left = _DRAWS
        self.sampled = False
        self.taken: list[tuple[int, int]] = []

    def _pick(self, size: int) -> int:
        """A number below `size`."""
        self._left -= 1
        if self._left < 0:
            raise Refused(f"a handler drew more than {_DRAWS:,} times: it must not draw until it likes the answer")
        ends = (0, size // 2, size - 1) if size > _MOST else None
        if ends and self._sample is not None:
            self.sampled = True
            return ends[self._sample]
        place = len(self.taken)
        answer = self._script[place] if place < len(self._script) else 0
        self.taken.append((answer, len(ends) if ends else size))
        return ends[answer] if ends else answer

    def copy(self) -> Rng:
        raise Refused("a handler copied ctx.rng; draw from it directly, so that the explorer can choose")

    def random(self) -> float:
        return self._pick(1 << 53) * 2.0**-53

    def randint(self, low: int, high: int) -> int:
        if high < low:
            raise ValueError(f"randint needs low <= high, not {low} and {high}")
        return low + self._pick(high - low + 1)

    def choice(self, options: Sequence[T]) -> T:
        if not options:
            raise IndexError("there is nothing to choose from")
        return options[self._pick(len(options))]

    def shuffle(self, items: MutableSequence[T]) -> None:
        for i in range(len(items) - 1, 0, -1):
            j = self._pick(i + 1)
            items[i], items[j] = items[j], items[i]


class WatchedCtx(Ctx):
    """A `Ctx` that notices when the handler looks at the clock."""

    __slots__ = ("_shows", "looked")

    def __init__(self, me: str, peers: tuple[str, ...], now: int, rng: Rng, disk: Disk) -> None:
        self.looked = False
        super().__init__(me, peers, now, rng, disk)
        self.looked = False

    @property
    def now(self) -> int:
        """What the clock shows, in µs."""
        self.looked = True
        return self._shows

    @now.setter
    def now(self, shows: int) -> None:
        self._shows = shows


def every_outcome(
    run: Callable[[ChoosingRng, int], tuple[Outcome, bool]],
    where: str,
    now: int | None = None,
    sample: int | None = 0,
) -> tuple[Outcome, ...]:
    """The different outcomes of a handler over all draws, in the order of the draws.

    ``run(rng, now)`` runs it once and says whether it looked at the clock.  ``now`` is what the clock shows; None where
    there is none.  ``sample``: None where of many numbers the ends and the middle stand for all.  Raises `Refused`.
    """
    outcomes: dict[tuple[int, ...], Outcome] = {}
    script: list[int] = []
    shows = _CLOCKS[0] if now is None else now
    for _ in range(_RUNS):
        rng = ChoosingRng(script, sample)
        outcome, looked = run(rng, shows)
        if rng.sampled and any(run(ChoosingRng(script, sample), shows)[0] != outcome for sample in (1, 2)):
            matters = "changes more than how long a timer runs" if now is None else "matters, where there is a clock"
            raise Refused(
                f"{where}: a draw from more than {_MOST} numbers {matters}; "
                f"draw from at most {_MOST} numbers, or keep what was drawn out of state and messages"
            )
        if now is None and looked and run(ChoosingRng(script), _CLOCKS[1])[0] != outcome:
            raise Refused(
                f"{where}: what it does depends on ctx.now, and an exploration has no clock unless its bounds give it "
                "one; let a timer measure time, or give the bounds a clock"
            )
        left = rng.taken
        outcomes[tuple(answer for answer, _ in left)] = outcome
        while left and left[-1][0] + 1 == left[-1][1]:
            left.pop()
        if not left:
            return tuple(dict.fromkeys(outcomes.values()))
        script = [answer for answer, _ in left]
        script[-1] += 1
    raise Refused(f"{where}: it draws so often that there are more than {_RUNS:,} ways to go on")
