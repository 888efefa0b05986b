"""What of a node's fields changed since the last step, as JSON: the journal says it once, not at every step.

Values are encoded as messages are, so that panels see the same tuples and dataclasses as in a simulated world.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from prayog_sdk.cluster.codec import CodecError, decode, encode
from prayog_sim.disk import Disk
from prayog_sim.node import Node
from prayog_sim.run import Look, NodeView, Status

__all__ = ["Differ", "apply"]

_FIXED = (str, int, float, bool, bytes, tuple, frozenset, type(None))


class Differ:
    """Compares a node with what it was at the last call."""

    def __init__(self) -> None:
        self._raw: dict[str, Any] = {}
        self._said: dict[str, Any] = {}
        self._look: list[Any] = []
        self._timers: list[Any] = []

    def changes(self, node: Node, disk: Disk, timers: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
        """``d`` durable and ``v`` volatile fields that changed, ``l`` the look and ``t`` the timers if they did."""
        found: dict[str, Any] = {}
        fields = {name: value for name, value in vars(node).items() if not name.startswith("_")}
        fields |= {f"disk/{file}": disk.read(file) for file in disk.files()}
        for name, value in fields.items():
            if name in self._raw and self._raw[name] is value and isinstance(value, _FIXED):
                continue
            self._raw[name] = value
            said = _encoded(value)
            if name not in self._said or self._said[name] != said:
                self._said[name] = said
                half = "d" if name in node.durable or name.startswith("disk/") else "v"
                found.setdefault(half, {})[name] = said
        look = _looks(node)
        if look != self._look:
            self._look = found["l"] = look
        running = [[name, begun, due] for name, (begun, due) in sorted(timers.items())]
        if running != self._timers:
            self._timers = found["t"] = running
        return found


def apply(view: NodeView, changes: Mapping[str, Any], status: Status, packages: Collection[str]) -> NodeView:
    """`view` with `changes` (of `Differ.changes`) and a status; classes only from `packages`."""
    look = view.look
    if "l" in changes:
        role, letter, hue, sentence, badge, *answers = changes["l"]
        look = Look(role, letter, hue, sentence, badge, tuple(answers))
    timers = tuple((str(n), int(b), int(d)) for n, b, d in changes["t"]) if "t" in changes else view.timers
    durable = {**view.durable, **_decoded(changes["d"], packages)} if "d" in changes else view.durable
    volatile = {**view.volatile, **_decoded(changes["v"], packages)} if "v" in changes else view.volatile
    return NodeView(view.name, status, durable, volatile, timers, look)


def _decoded(fields: Mapping[str, Any], packages: Collection[str]) -> dict[str, Any]:
    found = {}
    for name, value in fields.items():
        try:
            found[name] = decode(value, packages)
        except CodecError:  # shown as it is
            found[name] = value
    return found


def _encoded(value: Any) -> Any:
    try:
        return encode(value)
    except CodecError:  # a field that is no value is shown, not refused
        return repr(value)


def _looks(node: Node) -> list[Any]:
    try:
        look = node.look()
    except Exception as error:  # noqa: BLE001 - drawing must go on
        look = Look("failed", "!", sentence=f"its look() failed: {type(error).__name__}: {error}")
    return [look.role, look.letter, look.hue, look.sentence, look.badge, *look.tally]
