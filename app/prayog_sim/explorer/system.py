"""A `Model` of nodes: the same classes that a `World` runs, with every order of events instead of one.

::

    system = System({"n1": Voter, "n2": Voter, "n3": Voter}, Bounds(crashes=1), invariants=[one_leader])
    report = Explorer(system).run()

A state is ``(states of the nodes, messages on their way, what was used of the bounds, past)``: numbers that
`Actors` understands.  The next state shares with it all but the one node that ran.

Rules
1. Nodes start in the order of their names, before anything else happens, as in a `World`.
2. Any message on its way may be next (on ordered links, the first of each link), and any timer that runs.
3. A message that reaches a node that is down is lost.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from typing import Any

from prayog_sim.explorer.actors import DOWN, FAILED, UP, Actors, Move
from prayog_sim.explorer.bounds import Bounds, Choice, Memory, Snapshot
from prayog_sim.explorer.frozen import freeze, thaw
from prayog_sim.explorer.model import Model, Property, Refused
from prayog_sim.explorer.symmetry import Alike
from prayog_sim.node import Node
from prayog_sim.run import Action, Status
from prayog_sim.state import Factories
from prayog_sim.world import Invariant

__all__ = ["FAILS", "State", "System"]

State = tuple[tuple[int, ...], tuple[int, ...], int, int]
Entry = tuple[str, int, Any, int]
"""A choice in short: (kind, node or message, name or action number, which of its outcomes)."""
Own = tuple[str, int, int, int | None, str, int, Move]
"""What a node can do by itself: (kind, node, place of its counter, limit, timer, which outcome, move)."""
FAILS = "no handler fails"
"""The property that every system has: no handler raises."""

DROPS, DUPLICATES, CRASHES, TIMERS, ACTIONS = 0, 8, 16, 24, 32  # places of the counters in one number
_WORDS: dict[int, Status] = {UP: "up", DOWN: "down", FAILED: "down"}


class System(Model[State, Choice]):
    """All runs of `nodes` within `bounds`.

    ``invariants`` are those of a `World`; ``properties`` get a `Snapshot`.  Raises `Refused` where the nodes are
    written in a way that cannot be explored, at once or when the state is reached.
    """

    def __init__(
        self,
        nodes: Factories,
        bounds: Bounds | None = None,
        invariants: Iterable[Invariant] = (),
        properties: Iterable[Property[Snapshot]] = (),
        memory: Memory | None = None,
    ) -> None:
        self.nodes = dict(nodes)
        self.bounds = bounds = bounds if bounds is not None else Bounds()
        self.actors = Actors(self.nodes)
        self.invariants = tuple(invariants)
        self.timers: tuple[dict[str, None], ...] = tuple({} for _ in self.nodes)
        """Of each node, the timers that were ever seen running."""
        self._targets = tuple(self._target(action) for action in bounds.actions)
        self._memory = memory
        self._forget()
        self._inside: dict[tuple[int, ...], bool] = {}
        self._sentences: dict[tuple[str, tuple[int, ...]], str | None] = {}
        self.properties = (
            Property("always", FAILS, self._nobody_failed),
            *(Property("always", invariant.name, self._holds(invariant)) for invariant in self.invariants),
            *(Property(prop.kind, prop.name, self._seen(prop)) for prop in properties),
        )
        self._alike = Alike(self.actors, bounds.alike, bounds.actions, ACTIONS, self) if bounds.alike else None

    def _forget(self) -> None:
        """Start with empty tables."""
        self._deliveries: defaultdict[int, dict[int, tuple[Move, ...]]] = defaultdict(dict)
        self._own: tuple[dict[int, list[Own]], ...] = tuple({} for _ in self.nodes)
        self._acts: tuple[dict[int, tuple[Move, ...] | str], ...] = tuple({} for _ in self._targets)
        self._pasts: list[Any] = []
        self._past_ids: dict[Any, int] = {}
        self._after_past: dict[tuple[int, int, Any], int] = {}
        self._past(freeze(self._memory.start) if self._memory else None)

    # -- the model ---------------------------------------------------------------------------------------------

    def initial(self) -> list[State]:
        starts = [self.actors.first(i) for i in range(len(self.nodes))]
        states = []
        for moves in product(*starts):
            net: tuple[int, ...] = ()
            past = 0
            for i, (_, sends, emits) in enumerate(moves):
                net = self._join(net, sends)
                past = self._remember(past, i, emits)
            states.append((tuple([move[0] for move in moves]), net, 0, past))
        if self._alike is not None:
            self._alike.check_start(states)
        return states

    def actions(self, state: State) -> list[Choice]:
        return [choice for choice, _ in self.steps(state)]

    def next_state(self, state: State, action: Choice) -> State | None:
        return next((new for choice, new in self.steps(state) if choice == action), None)

    def steps(self, state: State) -> list[tuple[Choice, State]]:
        """Every choice in `state` with the state it leads to."""
        log: list[Entry] = []
        news = self.expand(state, log)
        return [(self.choice(entry), new) for entry, new in zip(log, news, strict=True) if self.inside(new)]

    def successors(self, state: State) -> Sequence[State]:
        found = self.expand(state)
        if self.bounds.within is None and self.bounds.messages is None:
            return found
        return [new for new in found if self.inside(new)]

    def symmetry(self) -> Callable[[State], State] | None:
        return self._alike.canonical if self._alike is not None else None

    def held_back(self, state: State) -> str:
        bounds = self.bounds
        if bounds.timers is not None and state[2] >> TIMERS & 255 >= bounds.timers:
            locals_ = self.actors.locals
            if any(locals_[local][0] == UP and locals_[local][2] for local in state[0]):
                return f"no more than {bounds.timers} timers may fire within the bounds"
        if any(not self.inside(new) for new in self.expand(state)):
            return "what comes next is outside the bounds"
        return ""

    def explain(self, name: str, state: State) -> str:
        if name == FAILS:
            return "; ".join(f"{node}: {said}" for node, said in self.snapshot(state).failed.items())
        return self._sentences.get((name, state[0])) or ""

    def memory(self) -> Any:
        return self.actors.memory(), self._pasts

    def recall(self, memory: Any) -> None:
        self._forget()
        self.actors.recall(memory[0])
        for past in memory[1]:
            self._past(past)
        if self._alike is not None:
            self._alike.forget()

    # -- expanding a state -------------------------------------------------------------------------------------

    def expand(self, state: State, log: list[Entry] | None = None) -> list[State]:
        """All next states, also those outside the bounds on states; `log` gets the choice that leads to each."""
        locals_, net, spent, past = state
        bounds, deliveries, receivers, links = (
            self.bounds,
            self._deliveries,
            self.actors.receivers,
            self.actors.links,
        )
        ordered, keeps = bounds.network == "ordered", bounds.network == "unordered-duplicating"
        found: list[State] = []
        nodes = list(locals_)  # one node at a time is replaced in it
        before = -1
        for place, envelope in enumerate(net):
            mark = links[envelope] if ordered else envelope
            if mark == before:
                continue
            before = mark
            i = receivers[envelope]
            moves = deliveries[envelope].get(locals_[i]) or self._deliver(envelope, locals_[i])
            rest = net if keeps else net[:place] + net[place + 1 :]
            for number, (local, sends, emits) in enumerate(moves):
                nodes[i] = local
                new = (
                    tuple(nodes),
                    self._join(rest, sends) if sends else rest,
                    spent,
                    self._remember(past, i, emits) if emits else past,
                )
                found.append(new)
                if log is not None:
                    log.append(("deliver", envelope, None, number))
            nodes[i] = locals_[i]
        for i, local in enumerate(locals_):
            own = self._own[i].get(local)
            if own is None:
                own = self._by_itself(i, local)
            for kind, _, shift, limit, name, number, (after, sends, emits) in own:
                used = spent
                if limit is not None:
                    if spent >> shift & 255 >= limit:
                        continue
                    used += 1 << shift
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
        if bounds.drops != 0 or bounds.duplicates:
            self._meddle(state, found, log)
        for k, i in enumerate(self._targets):
            if spent >> ACTIONS + k & 1:
                continue
            acts = self._acts[k].get(locals_[i]) or self._act(k, locals_[i])
            if isinstance(acts, str):
                continue
            for number, (after, sends, emits) in enumerate(acts):
                used, left = spent | 1 << ACTIONS + k, self._remember(past, i, emits)
                found.append(((*locals_[:i], after, *locals_[i + 1 :]), self._join(net, sends), used, left))
                if log is not None:
                    log.append(("action", i, k, number))
        return found

    def _meddle(self, state: State, found: list[State], log: list[Entry] | None) -> None:
        """Lose and double messages."""
        locals_, net, spent, past = state
        bounds = self.bounds
        may_drop = bounds.drops is None or spent & 255 < bounds.drops
        may_double = spent >> DUPLICATES & 255 < bounds.duplicates and bounds.network != "unordered-duplicating"
        for place, envelope in enumerate(net):
            if place and net[place - 1] == envelope:
                continue
            if may_drop:
                used = spent if bounds.drops is None else spent + 1
                found.append((locals_, net[:place] + net[place + 1 :], used, past))
                if log is not None:
                    log.append(("drop", envelope, None, 0))
            if may_double:
                found.append((locals_, self._join(net, (envelope,)), spent + (1 << DUPLICATES), past))
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
        if self._alike is not None:
            self._alike.check_delivery(local, envelope, moves)
        return moves

    def _by_itself(self, i: int, local: int) -> list[Own]:
        own = self._own[i][local] = self.own_moves(i, local)
        if self._alike is not None:
            self._alike.check_own(i, local, own)
        return own

    def own_moves(self, i: int, local: int) -> list[Own]:
        """What node `i` can do in that state without a message: timers, crash, restart."""
        status, _, timers, _, _ = self.actors.locals[local]
        bounds, own = self.bounds, []
        for timer in timers:
            self.timers[i].setdefault(timer)
            for number, move in enumerate(self.actors.fire(i, local, timer)):
                own.append(("timer", i, TIMERS, bounds.timers, timer, number, move))
        if status == UP and bounds.crashes != 0:
            own.append(("crash", i, CRASHES, bounds.crashes, "", 0, self.actors.crash(i, local)))
        if status == DOWN:
            for number, move in enumerate(self.actors.restart(i, local)):
                own.append(("restart", i, 0, None, "", number, move))
        return own

    def _act(self, k: int, local: int) -> tuple[Move, ...] | str:
        acts = self._acts[k][local] = self.actors.act(self._targets[k], local, self.bounds.actions[k])
        if self._alike is not None:
            self._alike.check_action(k, local, acts)
        return acts

    def _target(self, action: Action) -> int:
        """The node that `action` is for."""
        name = str(action.args.get("node"))
        if name not in self.actors.index:
            known = ", ".join(self.actors.names)
            raise Refused(f"the action {action.name!r} needs node=, one of {known}; found {name}")
        return self.actors.index[name]

    # -- past --------------------------------------------------------------------------------------------------

    def _past(self, frozen: Any) -> int:
        found = self._past_ids.get(frozen)
        if found is None:
            found = self._past_ids[frozen] = len(self._pasts)
            self._pasts.append(frozen)
        return found

    def _remember(self, past: int, i: int, emits: tuple[Any, ...]) -> int:
        """The past after node `i` emitted something."""
        if not emits or self._memory is None:
            return past
        found = self._after_past.get((past, i, emits))
        if found is None:
            value = thaw(self._pasts[past])
            for kind, data in emits:
                value = self._memory.add(value, self.actors.names[i], kind, thaw(data))
            found = self._after_past[past, i, emits] = self._past(freeze(value, "the past"))
        return found

    def past(self, number: int) -> Any:
        """The past with that number, frozen."""
        return self._pasts[number]

    def past_number(self, frozen: Any) -> int:
        """The number of a frozen past."""
        return self._past(frozen)

    # -- properties --------------------------------------------------------------------------------------------

    def inside(self, state: State) -> bool:
        """Whether `state` is within the bounds on states."""
        bounds, locals_ = self.bounds, state[0]
        if bounds.messages is not None and len(state[1]) > bounds.messages:
            return False
        if bounds.within is None:
            return True
        found = self._inside.get(locals_)
        if found is None:
            found = self._inside[locals_] = bool(bounds.within(self._nodes(locals_)))
        return found

    def snapshot(self, state: State) -> Snapshot:
        """What a property sees of `state`."""
        locals_, net, _, past = state
        records, names, envelopes = self.actors.locals, self.actors.names, self.actors.envelopes
        return Snapshot(
            self._nodes(locals_),
            {name: _WORDS[records[local][0]] for name, local in zip(names, locals_, strict=True)},
            tuple((names[src], names[dst], msg) for src, dst, msg in (envelopes[number] for number in net)),
            thaw(self._pasts[past]),
            {
                name: records[local][4]
                for name, local in zip(names, locals_, strict=True)
                if records[local][0] == FAILED
            },
        )

    def _nodes(self, locals_: tuple[int, ...]) -> Mapping[str, Node]:
        node = self.actors.node
        return {name: node(i, locals_[i]) for i, name in enumerate(self.actors.names)}

    def _nobody_failed(self, state: State) -> bool:
        records = self.actors.locals
        return all(records[local][0] != FAILED for local in state[0])

    def _holds(self, invariant: Invariant) -> Callable[[State], bool]:
        """The test of a world's invariant, which depends on the nodes alone and is computed once for each state of
        theirs."""
        name, known, test = invariant.name, self._sentences, invariant.test

        def holds(state: State) -> bool:
            key = (name, state[0])
            if key not in known:
                try:
                    known[key] = test(self._nodes(state[0]))
                except Exception as error:  # noqa: BLE001 - as in a world: a broken check is a violation
                    known[key] = f"the invariant could not be tested: {type(error).__name__}: {error}"
            return known[key] is None

        return holds

    def _seen(self, prop: Property[Snapshot]) -> Callable[[State], bool]:
        return lambda state: bool(prop.test(self.snapshot(state)))

    # -- choices -----------------------------------------------------------------------------------------------

    def choice(self, entry: Entry) -> Choice:
        """A choice in full."""
        kind, what, name, number = entry
        names = self.actors.names
        if kind in ("deliver", "drop", "duplicate"):
            src, dst, msg = self.actors.envelopes[what]
            return Choice(kind, names[dst], names[src], msg, draw=number)
        if kind == "action":
            action = self.bounds.actions[name]
            return Choice(kind, names[what], name=action.name, args=tuple(sorted(action.args.items())), draw=number)
        return Choice(kind, names[what], name=name, draw=number)
