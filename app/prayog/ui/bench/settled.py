"""Keeps the garbage collector away from a growing trace.

A trace is a hundred thousand small objects that live as long as the topic and hold no cycles.  Python's full
collection walks over all of them: it held the window up for 60 to 130 ms, several times in a run of 100,000 steps.
`settle` puts what is there out of its sight (`gc.freeze`), and `release` hands it back when the topic closes.
"""

from __future__ import annotations

import gc

__all__ = ["Settled"]

_EVERY = 4_000  # steps, about a millisecond of collecting


class Settled:
    """Told of every new step; acts now and then."""

    def __init__(self) -> None:
        self._steps = 0
        self._frozen = False

    def grew(self, steps: int) -> None:
        """The trace has `steps` more steps."""
        self._steps += steps
        if self._steps >= _EVERY:
            self.settle()

    def settle(self) -> None:
        """Collect what is young, then leave the rest alone."""
        self._steps = 0
        self._frozen = True
        gc.collect(1)
        gc.freeze()

    def release(self) -> None:
        """Everything is the collector's again."""
        if self._frozen:
            self._frozen = False
            gc.unfreeze()
