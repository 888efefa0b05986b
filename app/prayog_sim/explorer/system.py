"""A `Model` of nodes: the same classes that a `World` runs, with every order of events instead of one.

::

    system = System({"n1": Voter, "n2": Voter, "n3": Voter}, Bounds(crashes=1), invariants=[one_leader])
    report = Explorer(system).run()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from prayog_sim.clock import format_us
from prayog_sim.explorer.actors import FAILED, STATUS
from prayog_sim.explorer.bounds import Bounds, Choice, Memory, Snapshot
from prayog_sim.explorer.frozen import thaw
from prayog_sim.explorer.interleaving import Entry, Interleaving, State
from prayog_sim.explorer.model import Model, Property
from prayog_sim.explorer.spent import TIMERS, spent
from prayog_sim.loop import Invariant, violations
from prayog_sim.node import Node
from prayog_sim.state import Factories

__all__ = ["FAILS", "State", "System"]

_NOTHING: Mapping[str, str] = {}
FAILS = "no handler fails"
"""The property that every system has: no handler raises."""


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
        self.bounds = bounds if bounds is not None else Bounds()
        self.interleaving = Interleaving(self.nodes, self.bounds, memory)
        self.actors = self.interleaving.actors
        self.invariants = tuple(invariants)
        self._forget()
        self.properties = (
            Property("always", FAILS, self._nobody_failed),
            *(Property("always", invariant.name, self._holds(invariant)) for invariant in self.invariants),
            *(Property(prop.kind, prop.name, self._seen(prop)) for prop in properties),
        )

    def _forget(self) -> None:
        """Start with empty tables; both say what is true of nodes in such states, whatever is on its way."""
        self._inside: dict[tuple[int, ...], bool] = {}
        self._wrong: dict[tuple[int, ...], Mapping[str, str]] = {}
        self._seen_last: tuple[tuple[int, ...], Mapping[str, str]] = ((), {})

    # -- the model ---------------------------------------------------------------------------------------------

    def initial(self) -> list[State]:
        return self.interleaving.initial()

    def actions(self, state: State) -> list[Choice]:
        return [choice for choice, _ in self.steps(state)]

    def next_state(self, state: State, action: Choice) -> State | None:
        return next((new for choice, new in self.steps(state) if choice == action), None)

    def steps(self, state: State) -> list[tuple[Choice, State]]:
        """Every choice in `state` with the state it leads to."""
        log: list[Entry] = []
        news = self.interleaving.expand(state, log)
        return [(self.choice(entry), new) for entry, new in zip(log, news, strict=True) if self.inside(new)]

    def successors(self, state: State) -> Sequence[State]:
        found = self.interleaving.expand(state)
        if self.bounds.within is None and self.bounds.messages is None:
            return found
        return [new for new in found if self.inside(new)]

    def symmetry(self) -> Callable[[State], State] | None:
        alike = self.interleaving.alike
        return alike.canonical if alike is not None else None

    def held_back(self, state: State) -> str:
        bounds = self.bounds
        if bounds.timers is not None and spent(state[2], TIMERS) >= bounds.timers and self.interleaving.hurry(state):
            return f"no more than {bounds.timers} timers may fire within the bounds"
        if bounds.clock is not None and self.interleaving.now(state) >= bounds.clock.until:
            return f"the clock goes no further than {format_us(bounds.clock.until)} within the bounds"
        if any(not self.inside(new) for new in self.interleaving.expand(state)):
            return "what comes next is outside the bounds"
        return ""

    def explain(self, name: str, state: State) -> str:
        if name == FAILS:
            return "; ".join(f"{node}: {said}" for node, said in self.snapshot(state).failed.items())
        return self._violated(state[0]).get(name, "")

    def memory(self) -> Any:
        return self.interleaving.memory()

    def recall(self, memory: Any) -> None:
        self.interleaving.recall(memory)
        self._forget()

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
            {name: STATUS[records[local].status] for name, local in zip(names, locals_, strict=True)},
            tuple((names[src], names[dst], msg) for src, dst, msg in (envelopes[number] for number in net)),
            thaw(self.interleaving.pasts[past]),
            {
                name: records[local].said
                for name, local in zip(names, locals_, strict=True)
                if records[local].status == FAILED
            },
        )

    def _nodes(self, locals_: tuple[int, ...]) -> Mapping[str, Node]:
        node = self.actors.node
        return {name: node(i, locals_[i]) for i, name in enumerate(self.actors.names)}

    def _nobody_failed(self, state: State) -> bool:
        records = self.actors.locals
        return all(records[local].status != FAILED for local in state[0])

    def _holds(self, invariant: Invariant) -> Callable[[State], bool]:
        """The test of a world's invariant, which depends on the nodes alone."""
        name = invariant.name

        def holds(state: State) -> bool:
            locals_, wrong = self._seen_last  # one state is asked of all invariants in a row
            if locals_ is not state[0]:
                wrong = self._violated(state[0])
                self._seen_last = (state[0], wrong)
            return name not in wrong

        return holds

    def _violated(self, locals_: tuple[int, ...]) -> Mapping[str, str]:
        """The invariants that nodes in these states violate, with a sentence each."""
        found = self._wrong.get(locals_)
        if found is None:
            found = self._wrong[locals_] = violations(self.invariants, self._nodes(locals_)) or _NOTHING
        return found

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
        if kind == "tick":
            return Choice(kind, "", name=name)
        return Choice(kind, names[what], name=name, draw=number)
