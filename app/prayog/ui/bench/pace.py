"""How fast time flows at 1x, so that a learner can follow it whatever the unit of the run's clock is.  No Qt."""

from __future__ import annotations

import math
import statistics
from itertools import pairwise

from prayog.ui.bench.branch import Branch
from prayog_sim.run import View

__all__ = ["LONGEST_WAIT_S", "MAX", "SPEEDS", "next_speed", "pace", "rate"]

MAX = math.inf
SPEEDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 1000.0, MAX)
LONGEST_WAIT_S = 1.5
_FLIGHT_S = 0.8  # a message's flight at 1x
_STEP_S = 0.25  # a step of a computation at 1x


def pace(branch: Branch, view: View) -> float:
    """Virtual µs per second at 1x, rounded to 1, 2 or 5 times a power of ten."""
    flights = [f.arrives_at - f.sent_at for f in view.flights if f.arrives_at > f.sent_at]
    if flights:
        return _round_125(statistics.median(flights) / _FLIGHT_S)
    recent = branch.run.trace[max(0, branch.at - 64) : branch.at + 65]
    gaps = [b.at - a.at for a, b in pairwise(recent) if b.at > a.at]
    if gaps:
        return _round_125(statistics.median(gaps) / _STEP_S)
    return _round_125(max(1.0, (branch.due() or 0.0) - branch.clock_us) / _STEP_S)


def rate(branch: Branch, due: float, speed: float) -> float:
    """Virtual µs per second towards the step that is due."""
    if speed == MAX:
        return MAX
    last = float(branch.run.trace[branch.at].at) if branch.at >= 0 else 0.0
    return max(speed * (branch.pace_us or 1.0), (due - last) / LONGEST_WAIT_S)


def next_speed(speed: float, stops: int) -> float:
    """`stops` further along `SPEEDS` (negative: slower)."""
    nearest = min(range(len(SPEEDS)), key=lambda i: abs(_log(SPEEDS[i]) - _log(speed)))
    return SPEEDS[max(0, min(len(SPEEDS) - 1, nearest + stops))]


def _log(speed: float) -> float:
    return math.log10(speed) if speed < MAX else 4.0


def _round_125(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return min((1.0, 2.0, 5.0, 10.0), key=lambda m: abs(math.log10(value / (m * power)))) * power
