"""The actions of a world that can be done to real processes, and how their arguments are read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from prayog_sim.actions import BUILTIN_ACTIONS
from prayog_sim.network import Link, parse_latency
from prayog_sim.run import Action, ActionError

__all__ = ["OFFERED", "check_arguments", "cut_pairs", "new_link"]

OFFERED = ("crash", "restart", "pause", "resume", "partition", "cut", "heal", "link")
_TAKES = {info.name: tuple(arg.name for arg in info.args) for info in BUILTIN_ACTIONS}


def check_arguments(action: Action) -> None:
    """Raise `ActionError` when `action` has an argument that it does not take, or lacks its groups."""
    takes = _TAKES[action.name]
    for name in action.args:
        if name not in takes:
            raise ActionError(f"{action.name} does not take {name!r}; it takes {', '.join(takes) or 'nothing'}")
    if action.args.get("in_flight", "keep") not in ("keep", "drop"):
        raise ActionError(f"in_flight must be keep or drop, not {action.args['in_flight']!r}")
    if action.name == "partition" and not action.args.get("groups"):
        raise ActionError("partition needs groups, such as n1,n2|n3")


def cut_pairs(text: str, names: tuple[str, ...]) -> set[tuple[str, str]]:
    """The directed links between the groups of `text` (``n1,n2|n3``); nodes not named are together."""
    groups = [[name.strip() for name in part.split(",") if name.strip()] for part in text.split("|")]
    group_of: dict[str, int] = {}
    for number, group in enumerate(groups):
        for name in group:
            if name not in names:
                raise ActionError(f"partition found no node {name!r} in {text!r}; the nodes are {', '.join(names)}")
            if name in group_of:
                raise ActionError(f"partition found {name} twice in {text!r}; a node is in one group only")
            group_of[name] = number
    pairs = {(a, b) for a in names for b in names if group_of.get(a, -1) != group_of.get(b, -1)}
    if not pairs:
        raise ActionError(f"partition {text!r} leaves all nodes in one group; write two or more, such as n1,n2|n3")
    return pairs


def new_link(link: Link, args: Mapping[str, Any]) -> Link:
    """`link` with the changes that `args` ask for."""
    change: dict[str, Any] = {}
    try:
        for name in ("loss", "duplicate", "reorder"):
            if args.get(name) is not None:
                change[name] = float(args[name])
        if args.get("latency") is not None:
            change["latency"] = parse_latency(str(args["latency"]))
        changed = dataclasses.replace(link, **change)
    except (TypeError, ValueError) as error:
        raise ActionError(f"link: {error}") from None
    if not change:
        raise ActionError("link needs something to change: latency, loss, duplicate or reorder")
    return changed
