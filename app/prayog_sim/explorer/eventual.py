"""Whether something is bound to happen: what a finite search can and cannot say about *eventually*.

*Eventually P* fails if there is a run on which P never holds: one that ends, or one that goes round in a loop for
ever.  Checkers that only look along the tree of first visits miss both when paths join (stateright/stateright
issue 3 describes it).  So this looks at the whole graph of states that can be reached without P ever holding: a
state in it where nothing can change any more, or a loop, is a counter-example, and without either there is none.

What such a verdict is worth
1. Nothing promises fairness.  A loop means that an unkind network or scheduler *can* put P off for ever, by letting
   a message wait for ever or by repeating it without end.  Whether yours does is for you to judge; the sentence
   says so.
2. A run that ends only because a bound was used up (timers, size of the state) proves nothing: ``open``.
3. Of a search that was stopped early only a counter-example is certain: everything else is ``open``.
4. A step that changes nothing is no step: staying put for ever is not counted as a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from prayog_sim.explorer.model import Model

__all__ = ["Starved", "starve"]

State = TypeVar("State")
Action = TypeVar("Action")


@dataclass(frozen=True, slots=True)
class Starved(Generic[State]):
    """The outcome, and for ``fails`` the states of the run; those from number `loop` on repeat for ever."""

    outcome: Literal["holds", "fails", "open"]
    sentence: str
    states: list[State]
    loop: int | None = None


class _Region(Generic[State, Action]):
    """All states that can be reached without `test` holding, and the steps between them."""

    def __init__(self, model: Model[State, Action], test: Callable[[State], bool], frontier: Iterable[State]) -> None:
        key = model.symmetry() or _same
        unseen = {key(state) for state in frontier}
        number: dict[State, int] = {}
        self.states: list[State] = []
        self.parents: list[int] = []
        self.edges: list[list[int]] = []
        self.end: int | None = None
        self.held = ""
        self.cut = False

        def visit(state: State, parent: int) -> int:
            known = key(state)
            found = number.get(known)
            if found is None:
                found = number[known] = len(self.states)
                self.states.append(state)
                self.parents.append(parent)
            return found

        for state in model.initial():
            if not test(state):
                visit(state, -1)
        while len(self.edges) < len(self.states):
            here = len(self.edges)
            state = self.states[here]
            if key(state) in unseen:
                self.cut = True
                self.edges.append([])
                continue
            news = [new for new in model.successors(state) if new != state]
            if not news:
                held = model.held_back(state)
                self.held = self.held or held
                if not held:
                    self.end = here
                    return
            # a set first: several actions may lead to one state
            self.edges.append(sorted({visit(new, here) for new in news if not test(new)}))

    def path(self, index: int) -> list[int]:
        chain = [index]
        while (parent := self.parents[chain[-1]]) >= 0:
            chain.append(parent)
        return chain[::-1]

    def loop(self) -> list[int] | None:
        """States that follow each other round and round, the first one nearest to the start."""
        into: list[list[int]] = [[] for _ in self.edges]
        left = [len(edges) for edges in self.edges]
        for index, edges in enumerate(self.edges):
            for to in edges:
                into[to].append(index)
        done = [index for index, count in enumerate(left) if not count]
        for index in done:  # take off what leads nowhere, again and again; what stays leads to a loop
            for before in into[index]:
                left[before] -= 1
                if not left[before]:
                    done.append(before)
        here = next((index for index, count in enumerate(left) if count), None)
        if here is None:
            return None
        trail: dict[int, int] = {}
        while here not in trail:
            trail[here] = len(trail)
            here = next(to for to in self.edges[here] if left[to])
        return list(trail)[trail[here] :]


def starve(
    model: Model[State, Action], test: Callable[[State], bool], frontier: Iterable[State] = ()
) -> Starved[State]:
    """Look for a run of `model` on which `test` never holds.  ``frontier``: states not looked into yet."""
    region = _Region(model, test, frontier)
    states = region.states
    if region.end is not None:
        run = [states[i] for i in region.path(region.end)]
        return Starved("fails", f"after {len(run) - 1} choices nothing can change any more, and it never held.", run)
    loop = region.loop()
    if loop is not None:
        run, begin = _unroll(model, [states[i] for i in region.path(loop[0])], [states[i] for i in loop])
        sentence = (
            f"after {begin} choices, {len(run) - 1 - begin} choices can repeat for ever without it. "
            "Nothing here promises fairness: judge whether a real network would do that."
        )
        return Starved("fails", sentence, run, begin)
    if region.cut:
        return Starved("open", "no run without it was found, but not every state was seen.", [])
    if region.held:
        return Starved("open", f"some runs end without it, but only because {region.held}.", [])
    return Starved("holds", "every run comes to it.", [])


def _unroll(model: Model[State, Action], prefix: list[State], loop: list[State]) -> tuple[list[State], int]:
    """The states of a run through `prefix` and round `loop`, and where in it the part begins that repeats.

    Under a symmetry a round may lead back to where it began with other names; so it is walked until a state comes
    back as it was.
    """
    key = model.symmetry() or _same
    keys = [key(state) for state in loop]
    run, here = list(prefix), prefix[-1]
    rounds: dict[State, int] = {}
    while here not in rounds:
        rounds[here] = len(run) - 1
        for target in [*keys[1:], keys[0]]:
            here = next(new for new in model.successors(here) if key(new) == target)
            run.append(here)
    return run, rounds[here]


def _same(state: State) -> State:
    return state
