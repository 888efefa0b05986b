"""One way through a small system, choice by choice: forwards, back, and why some choice cannot be made.

What a panel shows of it is a `Moment`, a value: a walk may be computed in a thread while the window goes on.

Rules
1. Going back forgets nothing: what was chosen beyond stays as the way ahead, until another choice is made.
2. A choice is known by its number among the offers of its moment: two that lead to one state are two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from prayog_consensus.engine.exploring import Small, system
from prayog_sim.explorer import Choice, Offer, Path, offers, replay, view, walk
from prayog_sim.explorer.system import State
from prayog_sim.run import View
from prayog_sim.world import World

__all__ = ["Moment", "Walk"]


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a walk is: after ``place`` of the choices of its ``path``.

    ``changed``: nodes that the last choice changed.  ``violated``: promises that do not hold here, with a sentence.
    """

    place: int
    path: tuple[Choice, ...]
    offers: tuple[Offer, ...]
    view: View
    changed: frozenset[str] = frozenset()
    violated: Mapping[str, str] = field(default_factory=dict)

    @property
    def open(self) -> tuple[Offer, ...]:
        """What can be chosen."""
        return tuple(offer for offer in self.offers if offer.enabled)

    @property
    def barred(self) -> tuple[Offer, ...]:
        """What cannot, each with its reason."""
        return tuple(offer for offer in self.offers if not offer.enabled)


class Walk:
    """A walk through the system of `small`, at its start.  Raises `prayog_sim.explorer.Refused` with a sentence."""

    def __init__(self, small: Small) -> None:
        self.small = small
        self._system = system(small)
        self._start = 0
        self._states: list[State] = [self._system.initial()[0]]
        self._choices: list[Choice] = []
        self._place = 0

    def take(self, choice: Choice) -> Moment:
        """Make `choice`.  Raises `ValueError` when it cannot be made here."""
        ahead = self._choices[self._place : self._place + 1]
        if ahead != [choice]:
            after = self._system.next_state(self._states[self._place], choice)
            if after is None:
                raise ValueError(f"this cannot be chosen here: {choice}")
            self._states[self._place + 1 :] = [after]
            self._choices[self._place :] = [choice]
        return self.go(self._place + 1)

    def go(self, place: int) -> Moment:
        """Go back, or ahead again, to where `place` choices were made."""
        self._place = max(0, min(place, len(self._choices)))
        return self.moment()

    def follow(self, path: Path[Choice]) -> Moment:
        """Take `path` as the way ahead, and go to its end."""
        self._states = walk(self._system, path)
        self._start, self._choices = path.start, list(path.actions)
        return self.go(len(self._choices))

    def world(self) -> World:
        """The way up to here as a run.  Raises `prayog_sim.explorer.NotReplayed` with a sentence."""
        return replay(self._system, Path(self._start, tuple(self._choices[: self._place])))

    def moment(self) -> Moment:
        """Where the walk is now."""
        place, explored = self._place, self._system
        state = self._states[place]
        names, before = explored.actors.names, self._states[max(0, place - 1)]
        changed = frozenset(
            name
            for name, now, then in zip(names, state[0], before[0], strict=True)
            if explored.actors.locals[now]._replace(now=0) != explored.actors.locals[then]._replace(now=0)
        )
        violated = {
            prop.name: explored.explain(prop.name, state)
            for prop in explored.properties
            if prop.kind == "always" and not prop.test(state)
        }
        said = tuple(offers(explored, state))
        return Moment(place, tuple(self._choices), said, view(explored, state), changed, violated)
