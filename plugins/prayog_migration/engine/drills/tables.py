"""What is in the old and in the new database, folded from a trace; and where they differ.

Every drill tells the same events: ``holds`` and ``put`` (rows), ``set`` (a write of an application), at the node of its
side.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from prayog_sim.trace import Step

__all__ = ["Difference", "Tables", "tables"]

SIDES = ("old", "new")


@dataclass(frozen=True, slots=True)
class Difference:
    """Keys that are on the old side only, on the new side only, or on both with different values."""

    missing: tuple[int, ...]
    extra: tuple[int, ...]
    other: tuple[int, ...]

    @property
    def count(self) -> int:
        """Rows that are not the same on both sides."""
        return len(self.missing) + len(self.extra) + len(self.other)


@dataclass(slots=True)
class Tables:
    """Both sides; ``acknowledged`` is the last write of each key that an application was told is kept."""

    sides: dict[str, dict[int, int]] = field(default_factory=lambda: {side: {} for side in SIDES})
    acknowledged: dict[int, int | None] = field(default_factory=dict)

    def take(self, step: Step) -> None:
        """The next step."""
        for effect in step.effects:
            if step.node in SIDES:
                self._side(self.sides[step.node], effect.kind, effect.data)
            elif effect.kind == "ok" and "key" in effect.data:
                self.acknowledged[int(effect.data["key"])] = effect.data["value"]

    @staticmethod
    def _side(rows: dict[int, int], kind: str, data: Mapping[str, Any]) -> None:
        if kind == "holds":
            rows.clear()
        if kind in ("holds", "put"):
            changed: Iterable[tuple[int, int | None]] = data["rows"]
        elif kind == "set":
            changed = [(data["key"], data["value"])]
        else:
            return
        for key, value in changed:
            if value is None:
                rows.pop(key, None)
            else:
                rows[key] = value

    @property
    def difference(self) -> Difference:
        """Where the two sides differ now."""
        old, new = self.sides["old"], self.sides["new"]
        return Difference(
            tuple(sorted(old.keys() - new.keys())),
            tuple(sorted(new.keys() - old.keys())),
            tuple(sorted(key for key in old.keys() & new.keys() if old[key] != new[key])),
        )

    def lost(self, side: str) -> tuple[int, ...]:
        """Keys whose last acknowledged write is not what `side` holds."""
        rows = self.sides[side]
        return tuple(sorted(key for key, value in self.acknowledged.items() if rows.get(key) != value))


def tables(trace: Iterable[Step]) -> Tables:
    """Both sides after a whole trace."""
    found = Tables()
    for step in trace:
        found.take(step)
    return found
