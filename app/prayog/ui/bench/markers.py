"""Where the marked steps of a trace are, kept up to date as it grows: for the scrubber and "run to next".

Rules
1. Which steps are marked, and how gravely, is decided in one place: `prayog_sdk.qt.markers`.
2. Looking at new steps costs the same for each, and `update` looks at no more than `limit` at once.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable

from prayog_sdk.qt.markers import KINDS, Kind, marker
from prayog_sim.trace import Step, Trace

__all__ = ["Markers", "mark_of"]

_EVERYDAY = frozenset({"send", "timer", "gauge", "cancel", "set_timer", "cancel_timer"})


def mark_of(step: Step) -> Kind | None:
    """The mark that `step` deserves by itself, if any; a message that was lost deserves none."""
    found = marker(step)
    return found.kind if found is not None and found.kind != "loss" else None


class Markers:
    """The marks of one trace, by kind and in order."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Start with another trace."""
        self._seen = 0
        self._places: dict[Kind, list[int]] = {kind: [] for kind in KINDS}
        self.kinds: Counter[str] = Counter()
        """How often each kind of step, and of noteworthy effect, occurred."""

    def update(self, trace: Trace, limit: int = 2000) -> bool:
        """Look at steps not looked at yet; True when there are more than `limit`."""
        steps = trace[self._seen : self._seen + limit]
        for step in steps:
            self.kinds[step.kind] += 1
            for effect in step.effects:
                if effect.kind not in _EVERYDAY:
                    self.kinds[effect.kind] += 1
            mark = mark_of(step)
            if mark is not None:
                self._places[mark].append(step.seq)
        self._seen += len(steps)
        return self._seen < len(trace)

    def put(self, kind: Kind, places: Iterable[int]) -> None:
        """The marks that are not in the trace: ``bookmark`` and ``check``."""
        self._places[kind] = sorted(places)

    def places(self, kind: Kind) -> list[int]:
        return self._places[kind]

    def gravest(self, low: int, high: int) -> tuple[Kind, int] | None:
        """The gravest mark among the steps `low` to `high` (both included), and where it is first."""
        for kind in KINDS:
            places = self._places[kind]
            i = bisect_left(places, low)
            if i < len(places) and places[i] <= high:
                return kind, places[i]
        return None

    def after(self, seq: int) -> int | None:
        """The next marked step after `seq`."""
        found = [places[i] for places in self._places.values() if (i := bisect_right(places, seq)) < len(places)]
        return min(found, default=None)

    def before(self, seq: int) -> int | None:
        """The last marked step before `seq`."""
        found = [places[i - 1] for places in self._places.values() if (i := bisect_left(places, seq)) > 0]
        return max(found, default=None)
