"""What can be done to a world from outside: `perform` carries out its actions, by hand or on a schedule.

The actions of every world are described in `actions`; any other goes to the node it names.  Each is one step,
whose data holds the action's ``name``, its arguments and ``by``: ``hand`` or ``schedule``.

``in_flight`` says what a fault does to messages that are already on their way: ``drop`` loses those that the
fault would stop, ``keep`` lets them arrive.
"""

from __future__ import annotations

import dataclasses
import heapq
from collections.abc import Callable, Mapping
from typing import Any

from prayog_sim.actions import BUILTIN_ACTIONS, ActionInfo, ArgInfo, Fault, fault
from prayog_sim.clock import Clock, parse_duration
from prayog_sim.network import Link, parse_latency
from prayog_sim.records import Event, Record, build_effects, build_step
from prayog_sim.run import Action, ActionError
from prayog_sim.state import Slot, State
from prayog_sim.trace import Step
from prayog_sim.values import keep

__all__ = ["BUILTIN_ACTIONS", "ActionInfo", "ArgInfo", "Fault", "fault", "perform"]

_INFO = {info.name: info for info in BUILTIN_ACTIONS}

Done = tuple[str, str, list[tuple[Any, ...]]]
"""What a built-in action did: kind of step, node, raw effects."""


def perform(state: State, action: Action, at: int, seq: int, by: str) -> Record:
    """Do `action` to `state` as step `seq`; raises `ActionError`, and then nothing was changed."""
    info = _INFO.get(action.name)
    if info is None:
        return _ask_node(state, action, at, seq, by)
    known = [arg.name for arg in info.args]
    for name in action.args:
        if name not in known:
            takes = ", ".join(known) or "nothing"
            raise ActionError(f"{action.name} does not take {name!r}; it takes {takes}")
    given = {arg.name: arg.default for arg in info.args} | dict(action.args)
    data = {**{k: v for k, v in given.items() if v is not None}, "name": action.name, "by": by}
    if action.name == "deliver":
        return _deliver(state, given, at, seq, data)
    if action.name == "fire":
        return _fire(state, given, at, seq, data)
    if action.name == "restart":
        return _restart(state, given, at, seq, data)
    kind, node, raw = _DO[action.name](state, given, at, seq)
    return Step(seq, at, kind, node, data, -1, build_effects(node, tuple(raw), state.label))


# -- nodes -----------------------------------------------------------------------------------------------------


def _ask_node(state: State, action: Action, at: int, seq: int, by: str) -> Step:
    name = action.args.get("node")
    if name not in state.slots:
        known = [*_INFO, *sorted({verb for node in state.nodes.values() for verb in node.actions})]
        where = "needs node=, one of " + ", ".join(state.slots) if name is None else f"found no node {name!r}"
        raise ActionError(f"{action.name!r} {where}; the actions of this world are {', '.join(known)}")
    slot = _slot(state, action.args)
    if slot.node.actions and action.name not in slot.node.actions:
        known = [*_INFO, *slot.node.actions]
        raise ActionError(f"{slot.name} does not know {action.name!r}; the actions are {', '.join(known)}")
    if slot.status != "up":
        raise ActionError(f"{slot.name} is {slot.status}, so it cannot {action.name}")
    data = {**action.args, "name": action.name, "by": by}
    before = keep((slot.node, slot.ctx.disk, slot.ctx.rng))
    try:
        raw = state.call(slot, at, seq, slot.node.on_action, action.name, action.args)
    except ActionError:
        state.replace(slot, *before())
        raise
    except Exception as error:  # noqa: BLE001 - a learner's engine may raise anything; it becomes a step
        return state.fail(slot, at, seq, "action", data, -1, error)
    return Step(seq, at, "action", slot.name, data, -1, build_effects(slot.name, tuple(raw), state.label))


def _crash(state: State, args: Mapping[str, Any], at: int, seq: int) -> Done:
    slot = _slot(state, args)
    if slot.status == "down":
        raise ActionError(f"{slot.name} is down already")
    drop = _drops(args)
    lost = state.crash(slot)
    if drop:
        lost += _stop(state, lambda event: slot.name in (event[2], event[3]))
    return "crash", slot.name, [("gone", event, f"{slot.name} crashed") for event in lost]


def _restart(state: State, args: Mapping[str, Any], at: int, seq: int, data: Mapping[str, Any]) -> Step:
    slot = _slot(state, args)
    if slot.status != "down":
        raise ActionError(f"{slot.name} is {slot.status}; only a crashed node can restart")
    slot.status = "up"
    state.arm(slot)
    try:
        raw = state.call(slot, at, seq, slot.node.on_start)
    except Exception as error:  # noqa: BLE001 - a learner's engine may raise anything; it becomes a step
        return state.fail(slot, at, seq, "restart", data, -1, error)
    return Step(seq, at, "restart", slot.name, data, -1, build_effects(slot.name, tuple(raw), state.label))


def _fire(state: State, args: Mapping[str, Any], at: int, seq: int, data: Mapping[str, Any]) -> Step:
    slot = _slot(state, args)
    if slot.status != "up":
        raise ActionError(f"{slot.name} is {slot.status}, so no timer of it can fire")
    timer = str(args["timer"])
    if timer not in slot.timers:
        running = ", ".join(sorted(slot.timers)) or "none"
        raise ActionError(f"{slot.name} has no running timer {timer!r}; running: {running}")
    step = build_step(seq, state.fire(slot, timer, at, seq), state.label)
    return dataclasses.replace(step, data={**{k: v for k, v in data.items() if k != "timer"}, **step.data})


def _pause(state: State, args: Mapping[str, Any], at: int, seq: int) -> Done:
    slot = _slot(state, args)
    if slot.status != "up":
        raise ActionError(f"{slot.name} is {slot.status} already")
    slot.status = "paused"
    state.arm(slot)
    return "pause", slot.name, []


def _resume(state: State, args: Mapping[str, Any], at: int, seq: int) -> Done:
    slot = _slot(state, args)
    if slot.status != "paused":
        raise ActionError(f"{slot.name} is {slot.status}; only a paused node can resume")
    state.resume(slot, at, seq)
    return "resume", slot.name, []


def _skew(state: State, args: Mapping[str, Any], at: int, seq: int) -> Done:
    slot = _slot(state, args)
    offset, rate = _duration(args, "offset"), _number(args, "rate", -0.99, 100.0)
    slot.clock = Clock(offset, rate, at) if rate else Clock(offset)
    state.arm(slot)
    return "fault", slot.name, []


def _torn(state: State, args: Mapping[str, Any], at: int, seq: int) -> Done:
    slot = _slot(state, args)
    slot.ctx.disk.torn = True
    return "fault", slot.name, []


def _losesync(state: State, args: Mapping[str, Any], at: int, seq: int) -> Done:
    slot = _slot(state, args)
    slot.ctx.disk.losesync = True
    return "fault", slot.name, []


# -- network ---------------------------------------------------------------------------------------------------


def _partition(state: State, args: Mapping[str, Any], at: int, seq: int) -> Done:
    text = str(args["groups"])
    groups = [[name.strip() for name in part.split(",") if name.strip()] for part in text.split("|")]
    named = [name for group in groups for name in group]
    for name in named:
        if name not in state.slots:
            raise ActionError(f"partition found no node {name!r} in {text!r}; the nodes are {', '.join(state.slots)}")
        if named.count(name) > 1:
            raise ActionError(f"partition found {name} twice in {text!r}; a node is in one group only")
    group_of = {name: i for i, group in enumerate(groups) for name in group}
    pairs = {(a, b) for a in state.slots for b in state.slots if group_of.get(a, -1) != group_of.get(b, -1)}
    if not pairs:
        raise ActionError(f"partition {text!r} leaves all nodes in one group; write two or more, such as n1,n2|n3")
    return _cut_off(state, pairs, args)


def _cut(state: State, args: Mapping[str, Any], at: int, seq: int) -> Done:
    src, dst = _slot(state, args, "src").name, _slot(state, args, "dst").name
    if src == dst:
        raise ActionError(f"cut needs two nodes; {src} always reaches itself")
    return _cut_off(state, {(src, dst), *state.wires.cuts}, args)


def _cut_off(state: State, pairs: set[tuple[str, str]], args: Mapping[str, Any]) -> Done:
    drop = _drops(args)
    state.wires.cut(pairs)
    lost = _stop(state, lambda event: (event[3], event[2]) in pairs) if drop else []
    return "fault", "", [("gone", event, "cut") for event in lost]


def _heal(state: State, args: Mapping[str, Any], at: int, seq: int) -> Done:
    state.wires.cut(())
    return "fault", "", []


def _link(state: State, args: Mapping[str, Any], at: int, seq: int) -> Done:
    ends = [list(state.slots) if args[end] == "*" else [_slot(state, args, end).name] for end in ("src", "dst")]
    change: dict[str, Any] = {}
    for name in ("loss", "duplicate", "reorder"):
        if args[name] is not None:
            change[name] = _number(args, name, 0.0, 1.0)
    if args["latency"] is not None:
        try:
            change["latency"] = parse_latency(str(args["latency"]))
        except ValueError as error:
            raise ActionError(str(error)) from None
    if not change:
        raise ActionError("link needs something to change: latency, loss, duplicate or reorder")
    for src in ends[0]:
        for dst in ends[1]:
            if src != dst:
                link: Link = dataclasses.replace(state.wires.link(src, dst), **change)
                state.wires.change(src, dst, link)
    return "fault", "", []


# -- one message -----------------------------------------------------------------------------------------------


def _drop(state: State, args: Mapping[str, Any], at: int, seq: int) -> Done:
    event = _flight(state, args)
    return "drop", event[2], [("gone", event, "dropped")]


def _deliver(state: State, args: Mapping[str, Any], at: int, seq: int, data: Mapping[str, Any]) -> Step:
    event = _flight(state, args, up=True)
    step = build_step(seq, state.arrive((at, *event[1:]), seq), state.label)
    return dataclasses.replace(step, data={**data, **step.data})


def _delay(state: State, args: Mapping[str, Any], at: int, seq: int) -> Done:
    by = _duration(args, "by")
    event = _flight(state, args)
    heapq.heappush(state.heap, (max(event[0] + by, at), *event[1:]))
    return "fault", event[2], []


def _duplicate(state: State, args: Mapping[str, Any], at: int, seq: int) -> Done:
    event = _flight(state, args)
    event = (max(event[0], at), *event[1:])
    heapq.heappush(state.heap, event)
    twin = state.queue(event[0], *event[2:])
    return "fault", event[2], [("sent", twin, "doubled")]


_DO: dict[str, Callable[[State, Mapping[str, Any], int, int], Done]] = {
    "crash": _crash,
    "pause": _pause,
    "resume": _resume,
    "skew": _skew,
    "torn": _torn,
    "losesync": _losesync,
    "partition": _partition,
    "cut": _cut,
    "heal": _heal,
    "link": _link,
    "drop": _drop,
    "delay": _delay,
    "duplicate": _duplicate,
}


# -- arguments -------------------------------------------------------------------------------------------------


def _slot(state: State, args: Mapping[str, Any], arg: str = "node") -> Slot:
    name = args.get(arg)
    slot = state.slots.get(str(name))
    if slot is None:
        found = "nothing" if name is None else repr(name)
        raise ActionError(f"{arg} must be one of {', '.join(state.slots)}; found {found}")
    return slot


def _duration(args: Mapping[str, Any], name: str) -> int:
    value = args[name]
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    try:
        return parse_duration(str(value))
    except ValueError as error:
        raise ActionError(f"{name}: {error}") from None


def _number(args: Mapping[str, Any], name: str, low: float, high: float) -> float:
    try:
        value = float(args[name])
    except (TypeError, ValueError):
        raise ActionError(f"{name} must be a number, not {args[name]!r}") from None
    if not low <= value <= high:
        raise ActionError(f"{name} must be from {low:g} to {high:g}, not {value:g}")
    return value


def _drops(args: Mapping[str, Any]) -> bool:
    if args["in_flight"] not in ("keep", "drop"):
        raise ActionError(f"in_flight must be keep or drop, not {args['in_flight']!r}")
    return bool(args["in_flight"] == "drop")


def _flight(state: State, args: Mapping[str, Any], up: bool = False) -> Event:
    """Take the message `ident` off the network (`up`: only when its node can take it)."""
    ident = args.get("ident")
    if not isinstance(ident, int):
        raise ActionError(f"ident must be the number of a message on its way, not {ident!r}")
    found = next((event for event in state.messages() if event[1] == ident), None)
    if found is None:
        raise ActionError(f"message {ident} is not on its way (any more)")
    if up and state.slots[found[2]].status == "paused":
        raise ActionError(f"{found[2]} is paused; resume it before it can take a message")
    state.remove({ident})
    return found


def _stop(state: State, stops: Callable[[Event], bool]) -> list[Event]:
    """Take every message off the network for which `stops` holds."""
    gone = sorted((event for event in state.messages() if stops(event)), key=lambda event: event[:2])
    state.remove({event[1] for event in gone})
    return gone
