"""How far the learner is: what was finished, what was opened lately, how often predictions were right.  No Qt.

A value read from the progress journal in a job, so that pages paint without asking the database.  In the journal an
item is ``scenario/<id>``, ``lesson/<id>`` or ``challenge/<id>``; what a lesson's steps note begins with the lesson's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from prayog.ui.place import ITEMS, Place

if TYPE_CHECKING:  # neither pluggy (cards) nor SQLAlchemy (the journal) is wanted before the first paint
    from prayog.store.repo import Note, Repo
    from prayog.ui.shelf import Card

__all__ = ["Recent", "Standing", "journal_item", "read_standing"]

_NOTES = 5000  # of the journal that are looked at: about a year of daily work


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


def journal_item(place: Place) -> str:
    """How `place` is called in the journal."""
    return f"{place.kind}/{place.item}"


def read_standing(repo: Repo) -> Standing:
    """The standing as the journal has it now.  Raises `StoreProblem`."""
    notes = repo.journal(_NOTES)
    done, tried = set(), set()
    recent: dict[Place, datetime] = {}
    best: dict[Place, str] = {}
    answers: dict[tuple[str, str], tuple[datetime, bool]] = {}
    for note in notes:  # newest first
        when = datetime.fromtimestamp(note.at / 1000, UTC).astimezone()
        place = _place(note)
        if place is not None:
            tried.add(place)
            recent.setdefault(place, when)
            whole = note.item == journal_item(place)
            if note.kind == "passed" and whole:
                done.add(place)
                reason = note.data.get("reason")
                if isinstance(reason, str):
                    best.setdefault(place, reason)
        if note.kind == "predicted" and "ok" in note.data:
            answers[note.topic, note.item] = (when, bool(note.data["ok"]))  # the oldest, which is read last, stays
    return Standing(
        frozenset(done),
        frozenset(tried),
        best,
        tuple(Recent(place, when) for place, when in recent.items()),
        tuple(sorted(answers.values())),
    )


def _place(note: Note) -> Place | None:
    kind, _, rest = note.item.partition("/")
    item = rest.partition("/")[0]
    return Place(kind, note.topic, item) if kind in ITEMS and item else None
