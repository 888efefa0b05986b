"""How far the learner is: what was finished, what was opened lately, how often predictions were right.  No Qt.

A value read from the progress journal in a job, so that pages paint without asking the database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from prayog.ui.place import Place

if TYPE_CHECKING:  # the reader of cards needs pluggy, which is not wanted before the first paint
    from prayog.ui.shelf import Card

__all__ = ["Recent", "Standing"]


@dataclass(frozen=True, slots=True)
class Recent:
    """Something opened lately."""

    place: Place
    when: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """``done``: places of lessons and challenges that were passed.  ``tried``: those that were opened."""

    done: frozenset[Place] = frozenset()
    tried: frozenset[Place] = frozenset()
    best: Mapping[Place, str] = field(default_factory=dict)
    """The best result of a challenge, in words."""
    recent: tuple[Recent, ...] = ()
    """Latest first, each place once."""
    predictions: tuple[tuple[datetime, bool], ...] = ()
    """Every answered prediction: when, and whether it was right; oldest first."""

    def finished(self, card: Card) -> int:
        """How many lessons and challenges of a topic are passed."""
        places = [Place("lesson", card.id, each.id) for each in card.lessons]
        places += [Place("challenge", card.id, each.id) for each in card.challenges]
        return sum(place in self.done for place in places)

    def share(self, card: Card) -> float:
        """`finished` as a share of all there are; 0 when there is nothing to finish."""
        return self.finished(card) / card.items if card.items else 0.0
