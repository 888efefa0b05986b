"""The replicated logs of any algorithm here as one kind of table, for the log grid.

Each algorithm keeps its log in its own form; these functions read it from a node's view and never from a live node.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prayog_sim.lines import short
from prayog_sim.run import NodeView

__all__ = ["Cell", "Row", "row"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One entry: its `slot` (1 is the first), the term, view or epoch it was written in (-1: it has none), its text."""

    slot: int
    epoch: int
    text: str
    committed: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One node's log: entries up to `base` are in a snapshot; ``match`` and ``next`` are a leader's view of others."""

    node: str
    role: str
    cells: tuple[Cell, ...]
    base: int = 0
    match: Mapping[str, int] | None = None
    next: Mapping[str, int] | None = None


def row(view: NodeView) -> Row | None:
    """The log of a node; None when it keeps none (a client, an acceptor)."""
    known = {**view.volatile, **view.durable}
    log = known.get("log", known.get("history", known.get("slots")))
    if log is None:
        return None
    commit = known.get("commit", known.get("committed", known.get("commit_number", 0)))
    base = int(getattr(log, "base", 0))
    entries = getattr(log, "entries", log)
    cells = _numbered(entries) if isinstance(entries, Mapping) else list(enumerate(_sequence(entries), base + 1))
    shown = tuple(Cell(slot, _epoch(entry), _text(entry), _is_committed(slot, commit)) for slot, entry in cells)
    match, upcoming = known.get("match"), known.get("next")
    leads = view.look.role == "leader" and isinstance(match, Mapping) and isinstance(upcoming, Mapping)
    return Row(view.name, view.look.role, shown, base, match if leads else None, upcoming if leads else None)


def _sequence(entries: Any) -> Sequence[Any]:
    return entries if isinstance(entries, list | tuple) else ()


def _numbered(entries: Mapping[Any, Any]) -> list[tuple[int, Any]]:
    return sorted((int(slot), entry) for slot, entry in entries.items() if str(slot).isdigit())


def _is_committed(slot: int, commit: Any) -> bool:
    if isinstance(commit, int):
        return slot <= commit
    return slot in commit if isinstance(commit, Mapping | set | frozenset | list | tuple) else False


def _epoch(entry: Any) -> int:
    for name in ("term", "view", "epoch", "ballot"):
        value = _part(entry, name)
        if isinstance(value, int):
            return value
        number = _part(value, "number") if value is not None else None
        if isinstance(number, int):
            return number
    zxid = _part(entry, "zxid")
    epoch = _part(zxid, "epoch") if zxid is not None else None
    return epoch if isinstance(epoch, int) else -1


def _text(entry: Any) -> str:
    command = next((part for name in ("command", "value", "txn") if (part := _part(entry, name)) is not None), entry)
    key, value = _part(command, "key"), _part(command, "value")
    if key is not None:
        return f"{key}={value}" if value is not None else str(key)
    return short(type(command).__name__.lower() if hasattr(command, "__dataclass_fields__") else command, 10)


def _part(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)
