"""What could happen next, and why some of it cannot: one state of a `System` as a panel shows it.

Whoever explores by hand learns most from what is *not* possible.  So `offers` lists every choice one could think of
in a state, and gives the reason with each that cannot be made.
"""

from __future__ import annotations

from collections.abc import Iterator

from prayog_sim.clock import format_us
from prayog_sim.disk import Disk
from prayog_sim.explorer.actors import FAILED, PAUSED, STATUS, UP
from prayog_sim.explorer.bounds import Choice, Offer
from prayog_sim.explorer.interleaving import Entry, State
from prayog_sim.explorer.spent import CRASHES, DROPS, DUPLICATES, PAUSES, TIMERS, TORN
from prayog_sim.explorer.system import System
from prayog_sim.run import Flight, NodeView, View

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
    thinkable = [*_messages(system, state), *_nodes(system, state), *_actions(system, state), *_time(system, state)]
    for choice, reason in thinkable:
        if (choice.kind, *_what(choice)) not in known:
            barred.append(Offer(choice, False, reason))
    return [*open_, *barred]


def _what(choice: Choice) -> tuple[object, ...]:
    return choice.node, choice.src, choice.msg, choice.name, choice.args


def _note(system: System, state: State, choice: Choice) -> str:
    if choice.kind != "deliver":
        return ""
    down = system.actors.locals[state[0][system.actors.index[choice.node]]].status != UP
    return f"{choice.node} is down, so it is lost" if down else ""


def _messages(system: System, state: State) -> Iterator[tuple[Choice, str]]:
    bounds, hurry = system.bounds, _hurry(system, state)
    for envelope in dict.fromkeys(state[1]):
        choice = system.choice(("deliver", envelope, None, 0))
        paused = system.actors.locals[state[0][system.actors.index[choice.node]]].status == PAUSED
        waits = f"{choice.node} is paused, and takes it when it resumes" if paused else hurry
        yield choice, waits or f"another message from {choice.src} to {choice.node} comes first"
        yield system.choice(("drop", envelope, None, 0)), _used(state, DROPS, bounds.drops, "loss", "losses")
        if bounds.network != "unordered-duplicating":
            doubling = _used(state, DUPLICATES, bounds.duplicates, "duplicate", "duplicates")
            yield system.choice(("duplicate", envelope, None, 0)), doubling


def _hurry(system: System, state: State) -> str:
    due = system.bounds.clock is not None and system.interleaving.hurry(state)
    return "a timer is due, and fires first" if due else ""


def _nodes(system: System, state: State) -> Iterator[tuple[Choice, str]]:
    bounds = system.bounds
    for i, local in enumerate(state[0]):
        name, record = system.actors.names[i], system.actors.locals[local]
        status = record.status
        where = f"{name} failed and stays down" if status == FAILED else f"{name} is {STATUS[status]}"
        runs = status in (UP, PAUSED)
        yield Choice("crash", name), _used(state, CRASHES, bounds.crashes, "crash", "crashes") if runs else where
        if bounds.torn:
            disk = Disk.holding(record.disk)
            clean = "" if any(map(disk.unsynced, disk.files())) else f"{name} has nothing that was not synced"
            torn = clean or _used(state, TORN, bounds.torn, "torn write", "torn writes")
            yield Choice("torn", name), torn if runs else where
        if bounds.pauses:
            pause = _used(state, PAUSES, bounds.pauses, "pause", "pauses")
            yield Choice("pause", name), pause if status == UP else where
            yield Choice("resume", name), where
        yield Choice("restart", name), where
        running = dict(record.timers)
        for timer in system.interleaving.timers[i]:
            if status != UP:
                reason = where
            elif timer not in running:
                reason = "it does not run"
            elif running[timer] > record.now:
                reason = f"it is due at {format_us(running[timer])}"
            else:
                reason = _used(state, TIMERS, bounds.timers, "timer firing", "timer firings")
            yield Choice("timer", name, name=timer), reason


def _actions(system: System, state: State) -> Iterator[tuple[Choice, str]]:
    hurry = _hurry(system, state)
    for number, action in enumerate(system.bounds.actions):
        i = system.actors.index[str(action.args["node"])]
        refusal = hurry or system.actors.act(i, state[0][i], action)
        reason = refusal if isinstance(refusal, str) else "it was asked for already"
        yield system.choice(("action", i, number, 0)), reason


def _time(system: System, state: State) -> Iterator[tuple[Choice, str]]:
    if system.bounds.clock is not None:
        yield Choice("tick", ""), system.interleaving.why_no_tick(state)


def _used(state: State, shift: int, limit: int | None, one: str, many: str) -> str:
    if not limit:
        return f"the bounds allow no {one}"
    return f"{'the one' if limit == 1 else f'all {limit}'} {one if limit == 1 else many} of the bounds happened already"


def view(system: System, state: State) -> View:
    """`state` as a view, for the panels that draw a `World`; messages are numbered, and without a clock it is 0 µs."""
    names, nodes = system.actors.names, {}
    for i, local in enumerate(state[0]):
        record = system.actors.locals[local]
        node, word = system.actors.node(i, local), STATUS[record.status]
        fields = {name: value for name, value in vars(node).items() if not name.startswith("_")}
        durable = {name: fields.pop(name) for name in node.durable if name in fields}
        running = tuple((timer, 0, at) for timer, at in record.timers)
        nodes[names[i]] = NodeView(names[i], word, durable, fields, running, node.look())
    flights = []
    for ident, envelope in enumerate(state[1]):
        src, dst, msg = system.actors.envelopes[envelope]
        label = system.actors.node(src, state[0][src]).label(msg)
        flights.append(Flight(ident, names[src], names[dst], 0, 0, label, msg))
    return View(-1, system.interleaving.now(state), nodes, tuple(flights))
