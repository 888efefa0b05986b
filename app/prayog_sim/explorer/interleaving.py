"""Everything that can happen next in a state of nodes and messages: the step from one state to all its successors.

A state is ``(states of the nodes, messages on their way, what was used of the bounds, past)``.  Nodes, messages and
pasts are numbers (see `prayog_sim.explorer.actors`), so the next state shares with it all but the one node that ran.

Rules
1. Nodes start in the order of their names, before anything else happens, as in a `World`.
2. Any message on its way may be next (on ordered links, the first of each link), and any timer that is due (without
   a clock: that runs).
3. A message that reaches a node that is down is lost; one for a node that is paused waits.
4. Where there is a clock, messages and actions wait for the timers that are due, and so does the clock.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import product
from typing import Any

from prayog_sim.clock import format_us
from prayog_sim.explorer.actors import PAUSED, UP, Actors, Move
from prayog_sim.explorer.alone import Own, own_moves
from prayog_sim.explorer.bounds import Bounds, Memory
from prayog_sim.explorer.frozen import freeze, thaw
from prayog_sim.explorer.model import Refused
from prayog_sim.explorer.spent import ACTIONS, DROPS, DUPLICATES, spent
from prayog_sim.explorer.symmetry import Alike
from prayog_sim.run import Action
from prayog_sim.state import Factories

__all__ = ["Entry", "Interleaving", "State"]

State = tuple[tuple[int, ...], tuple[int, ...], int, int]
Entry = tuple[str, int, Any, int]
"""A choice in short: (kind, node or message, timer or action number, which of its outcomes)."""


class Interleaving:
    """All orders of events among `nodes` within `bounds`, except those on states, which `System` sees to."""

    def __init__(self, nodes: Factories, bounds: Bounds, memory: Memory | None) -> None:
        self.bounds = bounds
        self.actors = Actors(nodes, bounds.clock is not None)
        self.timers: tuple[dict[str, None], ...] = tuple({} for _ in nodes)
        """Of each node, the timers that were ever seen running."""
        self._memory = memory
        self._targets = tuple(self._target(action) for action in bounds.actions)
        self.alike = Alike(self.actors, bounds, ACTIONS, self) if bounds.alike else None
        self._forget()

    def _forget(self) -> None:
        """Start with empty tables."""
        self._deliveries: defaultdict[int, dict[int, tuple[Move, ...]]] = defaultdict(dict)
        self._own: tuple[dict[int, list[Own]], ...] = tuple({} for _ in self.timers)
        self._acts: tuple[dict[int, tuple[Move, ...] | str], ...] = tuple({} for _ in self._targets)
        self.pasts: list[Any] = []
        self._past_ids: dict[Any, int] = {}
        self._after_past: dict[tuple[int, int, Any], int] = {}
        self.past(freeze(self._memory.start) if self._memory else None)

    def initial(self) -> list[State]:
        """The states after all nodes started; more than one if starting draws something that matters."""
        starts = [self.actors.first(i) for i in range(len(self.timers))]
        states = []
        for moves in product(*starts):
            net: tuple[int, ...] = ()
            past = 0
            for i, (_, sends, emits) in enumerate(moves):
                net = self._join(net, sends)
                past = self._remember(past, i, emits)
            states.append((tuple([move[0] for move in moves]), net, 0, past))
        if self.alike is not None:
            self.alike.check_start(states)
        return states

    @property
    def known(self) -> int:
        """How many moves are known: pairs of a node's state and what happens to it."""
        waiting = sum(len(moves) for moves in self._deliveries.values())
        return waiting + sum(len(moves) for moves in self._own) + sum(len(moves) for moves in self._acts)

    def memory(self) -> Any:
        """What the numbers stand for; picklable."""
        return self.actors.memory(), self.pasts

    def recall(self, memory: Any) -> None:
        """Let the numbers stand for the same as in the process that gave `memory`."""
        self._forget()
        self.actors.recall(memory[0])
        for past in memory[1]:
            self.past(past)
        if self.alike is not None:
            self.alike.forget()

    # -- expanding a state -------------------------------------------------------------------------------------

    def expand(self, state: State, log: list[Entry] | None = None) -> list[State]:
        """All next states, also those outside the bounds on states; `log` gets the choice that leads to each."""
        bounds = self.bounds
        found: list[State] = []
        hurry = bounds.clock is not None and self.hurry(state)
        if not hurry:
            self._arrive(state, found, log)
        self._act_alone(state, found, log)
        if bounds.drops != 0 or bounds.duplicates:
            self._meddle(state, found, log)
        if bounds.actions and not hurry:
            self._ask(state, found, log)
        if bounds.clock is not None and not hurry:
            self._tick(state, found, log)
        return found

    def _arrive(self, state: State, found: list[State], log: list[Entry] | None) -> None:
        """Deliver one of the messages on their way."""
        locals_, net, used, past = state
        deliveries, receivers, links = self._deliveries, self.actors.receivers, self.actors.links
        ordered, keeps = self.bounds.network == "ordered", self.bounds.network == "unordered-duplicating"
        nodes = list(locals_)  # one node at a time is replaced in it
        before = -1
        for place, envelope in enumerate(net):
            mark = links[envelope] if ordered else envelope
            if mark == before:
                continue
            before = mark
            i = receivers[envelope]
            moves = deliveries[envelope].get(locals_[i])
            if moves is None:
                moves = self._deliver(envelope, locals_[i])
            rest = net if keeps else net[:place] + net[place + 1 :]
            for number, (local, sends, emits) in enumerate(moves):
                nodes[i] = local
                new = (
                    tuple(nodes),
                    self._join(rest, sends) if sends else rest,
                    used,
                    self._remember(past, i, emits) if emits else past,
                )
                found.append(new)
                if log is not None:
                    log.append(("deliver", envelope, None, number))
            nodes[i] = locals_[i]

    def _act_alone(self, state: State, found: list[State], log: list[Entry] | None) -> None:
        """Let a node do what needs no message."""
        locals_, net, before, past = state
        nodes = list(locals_)
        for i, local in enumerate(locals_):
            own = self._own[i].get(local)
            if own is None:
                own = self._by_itself(i, local)
            for kind, _, counter, limit, name, number, (after, sends, emits) in own:
                used = before
                if limit is not None:
                    if before >> counter & 255 >= limit:
                        continue
                    used += 1 << counter
                nodes[i] = after
                new = (
                    tuple(nodes),
                    self._join(net, sends) if sends else net,
                    used,
                    self._remember(past, i, emits) if emits else past,
                )
                found.append(new)
                if log is not None:
                    log.append((kind, i, name, number))
            nodes[i] = local

    def _ask(self, state: State, found: list[State], log: list[Entry] | None) -> None:
        """Ask a node for one of the actions."""
        locals_, net, before, past = state
        for k, i in enumerate(self._targets):
            if before >> ACTIONS + k & 1:
                continue
            acts = self._acts[k].get(locals_[i]) or self._act(k, locals_[i])
            if isinstance(acts, str):
                continue
            for number, (after, sends, emits) in enumerate(acts):
                used, left = before | 1 << ACTIONS + k, self._remember(past, i, emits)
                found.append(((*locals_[:i], after, *locals_[i + 1 :]), self._join(net, sends), used, left))
                if log is not None:
                    log.append(("action", i, k, number))

    # -- time --------------------------------------------------------------------------------------------------

    def now(self, state: State) -> int:
        """What the clock shows, in µs."""
        return self.actors.locals[state[0][0]].now

    def hurry(self, state: State) -> bool:
        """Whether a timer is due that must fire before anything else goes on."""
        return any(self.actors.due(local) for local in state[0])

    def why_no_tick(self, state: State) -> str:
        """Why the clock cannot go on; empty if it can."""
        clock = self.bounds.clock
        if clock is None:
            return "there is no clock"
        if self.hurry(state):
            return "a timer is due, and fires first"
        if clock.prompt and any(self._taken(state, envelope) for envelope in state[1]):
            return "messages are prompt here, and one is on its way"
        return f"the bounds end at {format_us(clock.until)}" if self.now(state) >= clock.until else ""

    def _taken(self, state: State, envelope: int) -> bool:
        """Whether its receiver can take a message now."""
        return self.actors.locals[state[0][self.actors.receivers[envelope]]].status != PAUSED

    def _tick(self, state: State, found: list[State], log: list[Entry] | None) -> None:
        """Let the clock go on by a step, or to the next timer if that is due before."""
        clock = self.bounds.clock
        if clock is None or self.why_no_tick(state):
            return
        records = [self.actors.locals[local] for local in state[0]]
        soon = [at for record in records if record.status == UP for _, at in record.timers]
        now = min(self.now(state) + clock.step, *soon, clock.until)
        later = tuple([self.actors.at(local, now) for local in state[0]])
        found.append((later, *state[1:]))
        if log is not None:
            log.append(("tick", 0, format_us(now), 0))

    # -- faults ------------------------------------------------------------------------------------------------

    def _meddle(self, state: State, found: list[State], log: list[Entry] | None) -> None:
        """Lose and double messages."""
        locals_, net, used, past = state
        bounds = self.bounds
        may_drop = bounds.drops is None or spent(used, DROPS) < bounds.drops
        may_double = spent(used, DUPLICATES) < bounds.duplicates and bounds.network != "unordered-duplicating"
        for place, envelope in enumerate(net):
            if place and net[place - 1] == envelope:
                continue
            if may_drop:
                more = used if bounds.drops is None else used + (1 << DROPS)
                found.append((locals_, net[:place] + net[place + 1 :], more, past))
                if log is not None:
                    log.append(("drop", envelope, None, 0))
            if may_double:
                found.append((locals_, self._join(net, (envelope,)), used + (1 << DUPLICATES), past))
                if log is not None:
                    log.append(("duplicate", envelope, None, 0))

    def _join(self, net: tuple[int, ...], sends: tuple[int, ...]) -> tuple[int, ...]:
        """The messages on their way when `sends` were sent as well."""
        kind = self.bounds.network
        if kind == "unordered":
            return tuple(sorted(net + sends))
        if kind == "ordered":
            return tuple(sorted(net + sends, key=self.actors.links.__getitem__))
        return tuple(sorted({*net, *sends}))

    def _deliver(self, envelope: int, local: int) -> tuple[Move, ...]:
        moves = self.actors.deliver(local, envelope)
        self._deliveries[envelope][local] = moves
        if self.alike is not None:
            self.alike.check_delivery(local, envelope, moves)
        return moves

    def _by_itself(self, i: int, local: int) -> list[Own]:
        own = self._own[i][local] = own_moves(self.actors, self.bounds, i, local)
        for timer, _ in self.actors.locals[local].timers:
            self.timers[i].setdefault(timer)
        if self.alike is not None:
            self.alike.check_own(i, local, own)
        return own

    def _act(self, k: int, local: int) -> tuple[Move, ...] | str:
        acts = self._acts[k][local] = self.actors.act(self._targets[k], local, self.bounds.actions[k])
        if self.alike is not None:
            self.alike.check_action(k, local, acts)
        return acts

    def _target(self, action: Action) -> int:
        """The node that `action` is for."""
        name = str(action.args.get("node"))
        if name not in self.actors.index:
            known = ", ".join(self.actors.names)
            raise Refused(f"the action {action.name!r} needs node=, one of {known}; found {name}")
        return self.actors.index[name]

    # -- past --------------------------------------------------------------------------------------------------

    def past(self, frozen: Any) -> int:
        """The number of a frozen past."""
        found = self._past_ids.get(frozen)
        if found is None:
            found = self._past_ids[frozen] = len(self.pasts)
            self.pasts.append(frozen)
        return found

    def _remember(self, past: int, i: int, emits: tuple[Any, ...]) -> int:
        """The past after node `i` emitted something."""
        if not emits or self._memory is None:
            return past
        found = self._after_past.get((past, i, emits))
        if found is None:
            value = thaw(self.pasts[past])
            for kind, data in emits:
                value = self._memory.add(value, self.actors.names[i], kind, thaw(data))
            found = self._after_past[past, i, emits] = self.past(freeze(value, "the past"))
        return found
