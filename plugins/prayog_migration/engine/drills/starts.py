"""What the two databases of a drill hold before anything happens: a function of the knobs."""

from __future__ import annotations

from prayog_migration.engine.drills.messages import Change
from prayog_migration.engine.setup import Setup

__all__ = ["behind", "sides"]

Rows = dict[int, int]


def behind(setup: Setup) -> tuple[Change, ...]:
    """What the old side's log holds and the new side has not heard yet."""
    count = round(setup.lag_s * setup.rate) if setup.synced else 0
    return tuple((n + 1, n % setup.keys, 500 + n) for n in range(count))


def sides(setup: Setup) -> tuple[Rows, Rows]:
    """Rows of the old and of the new side; both are empty in a drill that has no two databases."""
    rows = dict.fromkeys(range(setup.keys), 1)
    if setup.drill == "dual write":
        return rows, dict(rows)
    if setup.drill not in ("move", "false alarm"):
        return {}, {}
    old = {**rows, **{key: value or 0 for _, key, value in behind(setup)}}
    return old, rows if setup.synced else {}
