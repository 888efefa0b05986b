"""Symmetry: of all states that differ only in which of several equal nodes is which, one is enough.

Three nodes that run the same code can be named in 3! = 6 ways, so most states come six times.  The search keeps
one of them: the smallest over all ways to swap names.

That is sound only if the nodes really are alike, so it is not taken on trust: they must start alike, and whenever a
handler is run for the first time, it is run again with two names swapped and must do the same, swapped.  A node
that depends on its name or its place in the ring is found out and refused.  What remains for you to see to is that
properties and bounds do not tell the nodes apart.

A name is swapped wherever a text is exactly a node's name: in attributes, keys, messages and timers.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise, permutations, product
from typing import TYPE_CHECKING, Any

from prayog_sim.explorer.actors import Actors, Move
from prayog_sim.explorer.alone import Own, own_moves
from prayog_sim.explorer.frozen import freeze, rename
from prayog_sim.explorer.model import Refused
from prayog_sim.run import Action

if TYPE_CHECKING:
    from prayog_sim.explorer.bounds import Bounds
    from prayog_sim.explorer.interleaving import Interleaving, State

__all__ = ["Alike"]


class _Swap:
    """One way to rename the nodes, and what it makes of numbered states and messages."""

    def __init__(self, names: dict[str, str], actors: Actors, system: Interleaving) -> None:
        self.names = names
        self.to = tuple(actors.index[names.get(name, name)] for name in actors.names)
        self.origin = tuple(sorted(range(len(self.to)), key=self.to.__getitem__))
        """For each place, the node that goes there."""
        self.bits: list[tuple[int, int]] = []
        self._actors = actors
        self._system = system
        self.forget()

    def forget(self) -> None:
        self._locals: dict[int, int] = {}
        self._envelopes: dict[int, int] = {}
        self._pasts: dict[int, int] = {}

    def local(self, number: int) -> int:
        found = self._locals.get(number)
        if found is None:
            record = self._actors.locals[number]
            fields = tuple((name, rename(value, self.names)) for name, value in record.fields)
            timers = tuple(sorted(rename(record.timers, self.names)))
            found = self._locals[number] = self._actors.local(record._replace(fields=fields, timers=timers))
        return found

    def envelope(self, number: int) -> int:
        found = self._envelopes.get(number)
        if found is None:
            src, dst, msg = self._actors.envelopes[number]
            found = self._actors.envelope(self.to[src], self.to[dst], rename(msg, self.names))
            self._envelopes[number] = found
        return found

    def past(self, number: int) -> int:
        found = self._pasts.get(number)
        if found is None:
            found = self._pasts[number] = self._system.past(rename(self._system.pasts[number], self.names))
        return found

    def spent(self, spent: int, shift: int) -> int:
        if not self.bits:
            return spent
        new = spent & (1 << shift) - 1
        for old, now in self.bits:
            new |= (spent >> shift + old & 1) << shift + now
        return new

    def move(self, move: Move) -> tuple[int, tuple[int, ...]]:
        """A move under other names, in a form that can be compared."""
        links = self._actors.links.__getitem__
        sends = [self.envelope(number) for number in move[1]]
        if self._system.bounds.network != "ordered":
            sends.sort()
        return self.local(move[0]), tuple(sorted(sends, key=links))


class Alike:
    """The symmetry of an `Interleaving`, as its bounds declare it."""

    def __init__(
        self,
        actors: Actors,
        bounds: Bounds,
        shift: int,
        system: Interleaving,
    ) -> None:
        self._actors = actors
        self._system = system
        self._shift = shift
        groups = bounds.alike
        for name in (name for group in groups for name in group):
            if name not in actors.index:
                raise Refused(f"alike names {name!r}, which is not a node; the nodes are {', '.join(actors.names)}")
        ways = product(*(permutations(group) for group in groups))
        self._swaps: list[_Swap] = []
        for way in ways:
            pairs = (pair for group, to in zip(groups, way, strict=True) for pair in zip(group, to, strict=True))
            self._swaps.append(_Swap(dict(pairs), actors, system))
        self._identity = self._swaps[0]
        swapped = [{a: b, b: a} for group in groups for a, b in pairwise(group)]
        self._generators = [_Swap(names, actors, system) for names in swapped]
        for swap in (*self._swaps, *self._generators):
            swap.bits = _bits(bounds.actions, swap.names)
        self.forget()

    def forget(self) -> None:
        """Start with empty tables."""
        self._best: dict[tuple[int, ...], tuple[tuple[int, ...], list[_Swap]]] = {}
        for swap in (*self._swaps, *self._generators):
            swap.forget()

    def canonical(self, state: State) -> State:
        """The smallest of all states that `state` becomes under other names."""
        locals_, net, spent, past = state
        found = self._best.get(locals_)
        if found is None:
            found = self._best[locals_] = self._smallest(locals_)
        smallest, swaps = found
        if len(swaps) == 1:
            return (smallest, *self._rest(swaps[0], net, spent, past))
        return (smallest, *min(self._rest(swap, net, spent, past) for swap in swaps))

    def _smallest(self, locals_: tuple[int, ...]) -> tuple[tuple[int, ...], list[_Swap]]:
        ways = [(tuple([swap.local(locals_[i]) for i in swap.origin]), swap) for swap in self._swaps]
        smallest = min(way for way, _ in ways)
        return smallest, [swap for way, swap in ways if way == smallest]

    def _rest(self, swap: _Swap, net: tuple[int, ...], spent: int, past: int) -> tuple[tuple[int, ...], int, int]:
        if swap is self._identity:
            return net, spent, past
        moved = [swap.envelope(number) for number in net]
        if self._system.bounds.network == "ordered":
            moved.sort(key=self._actors.links.__getitem__)
        else:
            moved.sort()
        return tuple(moved), swap.spent(spent, self._shift), swap.past(past)

    # -- whether the nodes are alike ---------------------------------------------------------------------------

    def check_start(self, states: Sequence[State]) -> None:
        """Raise `Refused` unless swapped nodes start as they would have started in each other's place."""
        for swap in self._generators:
            swapped = {
                (tuple([swap.local(locals_[i]) for i in swap.origin]), *self._rest(swap, net, spent, past))
                for locals_, net, spent, past in states
            }
            if swapped != set(states):
                raise self._refusal(swap, "they start differently")

    def check_delivery(self, local: int, envelope: int, moves: Sequence[Move]) -> None:
        for swap in self._generators:
            twin = self._actors.deliver(swap.local(local), swap.envelope(envelope))
            self._compare(swap, moves, twin, f"they take {self._actors.envelopes[envelope][2]!r} differently")

    def check_own(self, i: int, local: int, own: Sequence[Own]) -> None:
        for swap in self._generators:
            twins = own_moves(self._actors, self._system.bounds, swap.to[i], swap.local(local))
            for kind in {(item[0], item[4]) for item in own} | {(item[0], item[4]) for item in twins}:
                moves = [item[6] for item in own if (item[0], item[4]) == kind]
                name = rename(kind[1], swap.names)
                twin = [item[6] for item in twins if (item[0], item[4]) == (kind[0], name)]
                self._compare(swap, moves, twin, f"they differ in what a {kind[0]} {kind[1]} does".replace("  ", " "))

    def check_action(self, k: int, local: int, acts: Sequence[Move] | str) -> None:
        bounds = self._system.bounds
        for swap in self._generators:
            other = bounds.actions[dict(swap.bits)[k]]
            i = self._actors.index[str(other.args["node"])]
            twin = self._actors.act(i, swap.local(local), other)
            if isinstance(acts, str) or isinstance(twin, str):
                if not (isinstance(acts, str) and isinstance(twin, str)):
                    raise self._refusal(swap, f"only one of them takes {other.name!r}")
                continue
            self._compare(swap, acts, twin, f"they take {other.name!r} differently")

    def _compare(self, swap: _Swap, moves: Sequence[Move], twins: Sequence[Move], what: str) -> None:
        if {swap.move(move) for move in moves} != {self._identity.move(twin) for twin in twins}:
            raise self._refusal(swap, what)

    def _refusal(self, swap: _Swap, what: str) -> Refused:
        pair = " and ".join(swap.names)
        return Refused(
            f"{pair} were declared alike, but {what}. A node that depends on its name or its place breaks the "
            "symmetry, and so do names in a sorted list (use a set) or inside a longer text (use a tuple)"
        )


def _bits(actions: Sequence[Action], names: dict[str, str]) -> list[tuple[int, int]]:
    """For each action its number, and the number of the same action under other names."""
    known = [(action.name, freeze(dict(action.args))) for action in actions]
    pairs = []
    for number, (name, args) in enumerate(known):
        twin: tuple[str, Any] = (name, rename(args, names))
        if twin not in known:
            raise Refused(
                f"{' and '.join(names)} were declared alike, but the action {name!r} is asked of only some of them"
            )
        pairs.append((number, known.index(twin)))
    return pairs
