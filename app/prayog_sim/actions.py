"""The actions that every world knows, described for forms, tools, the palette and scripts; and schedules of them.

`faults` carries them out.  The shape is that of the SDK's action descriptions, which this package cannot import.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

from prayog_sim.run import Action

__all__ = ["BUILTIN_ACTIONS", "ActionInfo", "ArgInfo", "Fault", "fault"]


@dataclass(frozen=True, slots=True)
class ArgInfo:
    """One argument of a built-in action; the fields mean what they mean in ``prayog_sdk.specs.Arg``."""

    name: str
    kind: Literal["node", "int", "float", "text", "choice"]
    title: str = ""
    default: Any = None
    choices: tuple[str, ...] = ()
    unit: str = ""


@dataclass(frozen=True, slots=True)
class ActionInfo:
    """One built-in action; the fields mean what they mean in ``prayog_sdk.specs.ActionSpec``."""

    name: str
    title: str
    help: str
    target: Literal["run", "node", "link", "message"]
    args: tuple[ArgInfo, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """An action of a schedule: done at `at` µs of virtual time."""

    at: int
    action: Action


def fault(at: int, name: str, **args: Any) -> Fault:
    """``fault(ms(100), "crash", node="n1")``"""
    return Fault(at, Action(name, args))


_NODE = ArgInfo("node", "node", "Node")
_SRC, _DST = ArgInfo("src", "node", "From"), ArgInfo("dst", "node", "To")
_IDENT = ArgInfo("ident", "int", "Message")
_KEEP = ArgInfo("in_flight", "choice", "Messages on their way", "keep", ("keep", "drop"))
_DROP = dataclasses.replace(_KEEP, default="drop")

BUILTIN_ACTIONS: tuple[ActionInfo, ...] = (
    ActionInfo("crash", "Crash", "Stop the node; what it had only in memory is gone.", "node", (_NODE, _KEEP)),
    ActionInfo("restart", "Restart", "Start a crashed node again with what it had stored.", "node", (_NODE,)),
    ActionInfo("pause", "Pause", "Freeze the node; messages and timers wait for it.", "node", (_NODE,)),
    ActionInfo("resume", "Resume", "Let a paused node go on with all that waited.", "node", (_NODE,)),
    ActionInfo(
        "partition",
        "Partition",
        "Split the network into groups that cannot reach each other, such as n1,n2|n3.",
        "run",
        (ArgInfo("groups", "text", "Groups", "", unit="n1,n2|n3"), _DROP),
    ),
    ActionInfo("cut", "Cut one way", "Stop messages in one direction only.", "link", (_SRC, _DST, _DROP)),
    ActionInfo("heal", "Heal", "End every partition and cut.", "run"),
    ActionInfo(
        "link",
        "Change a link",
        "Set delay, loss, duplication and reordering from now on; * means every node.",
        "link",
        (
            _SRC,
            _DST,
            ArgInfo("latency", "text", "Delay", unit="2ms or 1ms..5ms"),
            ArgInfo("loss", "float", "Lost"),
            ArgInfo("duplicate", "float", "Doubled"),
            ArgInfo("reorder", "float", "Detoured"),
        ),
    ),
    ActionInfo(
        "skew",
        "Set the clock wrong",
        "Put the node's clock ahead by an offset and let it gain by a rate (0.01 is 1 % fast).",
        "node",
        (_NODE, ArgInfo("offset", "text", "Offset", "0us"), ArgInfo("rate", "float", "Rate", 0.0)),
    ),
    ActionInfo(
        "fire",
        "Let a timer fire",
        "End the wait of a running timer now.",
        "node",
        (_NODE, ArgInfo("timer", "text", "Timer")),
    ),
    ActionInfo("drop", "Lose the message", "Take a message off the network.", "message", (_IDENT,)),
    ActionInfo("deliver", "Deliver now", "Let a message arrive at once, before all others.", "message", (_IDENT,)),
    ActionInfo(
        "delay",
        "Delay the message",
        "Let a message arrive later (or earlier, with a minus).",
        "message",
        (_IDENT, ArgInfo("by", "text", "By", "10ms")),
    ),
    ActionInfo("duplicate", "Double the message", "Let a message arrive twice.", "message", (_IDENT,)),
    ActionInfo("torn", "Tear the next write", "The next crash leaves half-written data on disk.", "node", (_NODE,)),
    ActionInfo("losesync", "Lose the next fsync", "The disk says it synced, and did not.", "node", (_NODE,)),
)
