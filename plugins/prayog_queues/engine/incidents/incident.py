"""What an incident is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["SEEDS", "Clue", "Incident"]

SEEDS = range(1, 51)
"""A repair has to hold on all of these."""


@dataclass(frozen=True, slots=True)
class Clue:
    """A number of the run (a measure) and what it has to say."""

    measure: str
    text: str


@dataclass(frozen=True, slots=True)
class Incident:
    """``scenario`` is the broken run; its script is played with the learner's knobs on every seed.

    ``goal`` is an expression over measures and checks.  Beside it the run has to be finished: nobody passes by stopping
    the consumers.  ``fixed`` is one repair that holds on every seed (there may be others).
    """

    number: int
    title: str
    scenario: str
    briefing: str
    clues: tuple[Clue, ...]
    knobs: tuple[str, ...]
    goal: str
    fixed: Mapping[str, Any]
    debrief: str
    """What happened, and why the repair works."""
    note: str
    """What is often said."""
    precisely: str
    """What is true."""
    source: str

    @property
    def claim(self) -> str:
        """The whole condition: the goal, and that all work was done."""
        return f"finished and {self.goal}"
