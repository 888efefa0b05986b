"""What could happen next, and why some of it cannot: one state of a `System` as a panel shows it.

Whoever explores by hand learns most from what is *not* possible.  So `offers` lists every choice one could think of
in a state, and gives the reason with each that cannot be made.
"""

from __future__ import annotations

from collections.abc import Iterator

from prayog_sim.explorer.actors import DOWN, FAILED, UP
from prayog_sim.explorer.bounds import Choice, Offer
from prayog_sim.explorer.interleaving import CRASHES, DROPS, DUPLICATES, TIMERS, Entry, State
from prayog_sim.explorer.system import System
from prayog_sim.run import Flight, NodeView, Status, View

__all__ = ["offers", "view"]


def offers(system: System, state: State) -> list[Offer]:
    """All conceivable choices in `state`: first those that can be made, in the order of `System.steps`."""
    open_, barred = [], []
    log: list[Entry] = []
    for new, entry in zip(system.interleaving.expand(state, log), log, strict=True):
        choice = system.choice(entry)
        if system.inside(new):
            open_.append(Offer(choice, True, _note(system, state, choice), new == state))
        else:
            barred.append(Offer(choice, False, "it leads outside the bounds"))
    known = {(offer.choice.kind, *_what(offer.choice)) for offer in [*open_, *barred]}
    for choice, reason in [*_messages(system, state), *_nodes(system, state), *_actions(system, state)]:
        if (choice.kind, *_what(choice)) not in known:
            barred.append(Offer(choice, False, reason))
    return [*open_, *barred]


def _what(choice: Choice) -> tuple[object, ...]:
    return choice.node, choice.src, choice.msg, choice.name, choice.args


def _note(system: System, state: State, choice: Choice) -> str:
    i = system.actors.index[choice.node]
    down = system.actors.locals[state[0][i]][0] != UP
    return f"{choice.node} is down, so it is lost" if choice.kind == "deliver" and down else ""


def _messages(system: System, state: State) -> Iterator[tuple[Choice, str]]:
    bounds = system.bounds
    for envelope in dict.fromkeys(state[1]):
        choice = system.choice(("deliver", envelope, None, 0))
        yield choice, f"another message from {choice.src} to {choice.node} comes first"
        yield system.choice(("drop", envelope, None, 0)), _used(state, DROPS, bounds.drops, "loss", "losses")
        if bounds.network != "unordered-duplicating":
            doubling = _used(state, DUPLICATES, bounds.duplicates, "duplicate", "duplicates")
            yield system.choice(("duplicate", envelope, None, 0)), doubling


def _nodes(system: System, state: State) -> Iterator[tuple[Choice, str]]:
    bounds = system.bounds
    for i, local in enumerate(state[0]):
        name = system.actors.names[i]
        status, _, timers, _, _ = system.actors.locals[local]
        where = {UP: f"{name} is up", DOWN: f"{name} is down", FAILED: f"{name} failed and stays down"}[status]
        crash = where if status != UP else _used(state, CRASHES, bounds.crashes, "crash", "crashes")
        yield Choice("crash", name), crash
        yield Choice("restart", name), where
        for timer in system.interleaving.timers[i]:
            if status != UP:
                reason = where
            elif timer not in timers:
                reason = "it does not run"
            else:
                reason = _used(state, TIMERS, bounds.timers, "timer firing", "timer firings")
            yield Choice("timer", name, name=timer), reason


def _actions(system: System, state: State) -> Iterator[tuple[Choice, str]]:
    for number, action in enumerate(system.bounds.actions):
        i = system.actors.index[str(action.args["node"])]
        refusal = system.actors.act(i, state[0][i], action)
        reason = refusal if isinstance(refusal, str) else "it was asked for already"
        yield system.choice(("action", i, number, 0)), reason


def _used(state: State, shift: int, limit: int | None, one: str, many: str) -> str:
    if not limit:
        return f"the bounds allow no {one}"
    return f"{'the one' if limit == 1 else f'all {limit}'} {one if limit == 1 else many} of the bounds happened already"


def view(system: System, state: State) -> View:
    """`state` as a view, for the panels that draw a `World`: there is no time in it, and messages are numbered."""
    names, nodes = system.actors.names, {}
    for i, local in enumerate(state[0]):
        status, _, timers, _, _ = system.actors.locals[local]
        node, word = system.actors.node(i, local), _STATUS[status]
        fields = {name: value for name, value in vars(node).items() if not name.startswith("_")}
        durable = {name: fields.pop(name) for name in node.durable if name in fields}
        running = tuple((timer, 0, 0) for timer in timers)
        nodes[names[i]] = NodeView(names[i], word, durable, fields, running, node.look())
    flights = []
    for ident, envelope in enumerate(state[1]):
        src, dst, msg = system.actors.envelopes[envelope]
        label = system.actors.node(src, state[0][src]).label(msg)
        flights.append(Flight(ident, names[src], names[dst], 0, 0, label, msg))
    return View(-1, 0, nodes, tuple(flights))


_STATUS: dict[int, Status] = {UP: "up", DOWN: "down", FAILED: "down"}
