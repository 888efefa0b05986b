"""Icons and keys of the faults that every simulated world has: a topic's own actions bring theirs along."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from prayog_sdk.specs import ActionSpec

__all__ = ["dressed"]

_FACES = {
    "crash": ("crash", "K"), "restart": ("restart-node", "U"), "pause": ("pause-node", ""), "resume": ("play", ""),
    "partition": ("partition", "P"), "cut": ("link", ""), "heal": ("heal", "H"), "link": ("delay", "L"),
    "skew": ("skew", ""), "fire": ("clock", ""), "drop": ("drop", "X"), "deliver": ("step", ""),
    "delay": ("delay", "S"), "duplicate": ("copy", ""), "torn": ("disk", ""), "losesync": ("disk", ""),
}  # fmt: skip


def dressed(specs: Sequence[ActionSpec]) -> list[ActionSpec]:
    """`specs` with icons and keys for the world's own faults; a topic's own keys come first."""
    taken = {spec.key.upper() for spec in specs if spec.key}
    found = []
    for spec in specs:
        icon_name, key = _FACES.get(spec.name, ("", ""))
        found.append(replace(spec, icon=spec.icon or icon_name, key=spec.key or ("" if key in taken else key)))
    return found
