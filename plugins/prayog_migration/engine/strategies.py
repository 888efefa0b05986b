"""The seven strategies as numbers: what each costs in freeze, duration, space and risk, predicted from a few facts.

The facts come from a probe of two seconds (`real.probing`) or, in the drill, from a company's description.  The model
is small on purpose; after a real run its figures are put beside what was measured.

Let r rows be copied at c rows/s while w rows/s are written and at most a changes/s applied.

* A copy takes r/c.  Big bang freezes for all of it, and for the check.
* Whoever follows the log during the copy is w·r/c changes behind at its end, and catches up at a − w a second; if w ≥ a
  it never does.  Its freeze is what waits at the fence, and the fence itself.
* Whoever moves in n parts freezes n times, each for a part.
* Rows at risk are those that nobody can bring back when it goes wrong at the worst moment.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

__all__ = [
    "ABOUT",
    "COMPANIES",
    "HERE",
    "PARTS",
    "ROUNDS",
    "TRICKLE",
    "Company",
    "Facts",
    "Forecast",
    "Limits",
    "fits",
    "forecast",
    "forecast_here",
]

PARTS = 5
"""Into so many parts the strategies that go by part divide the rows."""
_CHECK_SHARE = 0.5
"""A comparison of both sides takes about half as long as the copy."""
_FENCE_S = 0.1
_DEVELOPMENT_DAYS = {
    "big bang": 1, "incremental": 5, "trickle": 8, "parallel run": 10, "phased": 6, "dual write": 6,
    "backfill + live sync": 3,
}  # fmt: skip

ABOUT: Mapping[str, str] = {
    "big bang": "Stop, move everything, start on the new side.",
    "incremental": "Move a part, let both sides work, move the next part.",
    "trickle": "A few users first, then more and more of them.",
    "parallel run": "Both sides work and are compared for weeks; then one goes.",
    "phased": "Module by module: users, then orders, then payments.",
    "dual write": "The application writes to both sides itself, and old rows follow.",
    "backfill + live sync": "Copy the past, follow the log, switch over when nothing waits.",
}


HERE: Mapping[str, str] = {
    "big bang": "The source is fenced, copied, compared and left.",
    "incremental": "Here tables go over in up to five parts of about one size; each is copied, caught up with and "
    "compared before the next begins. One switch-over at the end.",
    "trickle": "Here rows go over at a third of the speed that the first ones show, so that the source hardly notices; "
    "the log is followed from the beginning.",
    "parallel run": "Here both sides answer the same questions three times, each time at one position of the log, and "
    "have to agree before the sides change.",
    "phased": "Here tables go over layer by layer, first those that refer to no other; each layer is copied, caught up "
    "with and compared before the next begins. One switch-over at the end.",
    "dual write": "Here the second write is made by the log, as an application that is not changed cannot make it; "
    "both sides are reconciled every few seconds until the switch-over.",
    "backfill + live sync": "Copy, follow the log, switch over, and keep the old side up to date for the way back.",
}
"""What the worker does with each strategy; where that is a variation of the strategy, it says so."""

TRICKLE = 1 / 3
"""The share of its speed at which a trickling copy goes on."""
ROUNDS = 3
"""How often both sides answer the same questions in a parallel run."""
_ROUND_S = 1.0


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known before the move: rows and bytes, rows a second that can be copied, changes a second that can be
    applied, and writes a second that come meanwhile."""

    rows: int
    bytes: int
    copy_s: float
    apply_s: float
    writes_s: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a strategy costs: seconds of freeze (the longest one), seconds in all, times the space, rows at risk, and
    days of work for people.  ``way_back``: going back after the switch loses nothing.  ``compared``: both sides answer
    the same questions for a while before one goes.  ``why`` says where the figures come from."""

    strategy: str
    freeze_s: float
    duration_s: float
    space: float
    at_risk: int
    days: int
    way_back: bool
    compared: bool
    why: str


def forecast(strategy: str, facts: Facts) -> Forecast:
    """What `strategy` would cost.  Times are infinite where it would never catch up."""
    copy = facts.rows / max(facts.copy_s, 1e-9)
    check = _CHECK_SHARE * copy
    behind = facts.writes_s * copy
    spare = facts.apply_s - facts.writes_s
    catch_up = behind / spare if spare > 0 else math.inf
    follow = copy + catch_up + check
    fence = _FENCE_S + facts.writes_s * _FENCE_S / max(facts.apply_s, 1e-9) if spare > 0 else math.inf
    part = (copy + check) / PARTS
    window = max(1, round(facts.writes_s * 1.0))
    freeze, duration, space, risk, back, why = {
        "big bang": (copy + check, copy + check, 2.0, 0, False, "the copy and the check, with everybody waiting"),
        "incremental": (part, copy + check, 1.0 + 1 / PARTS, 0, False, f"one of {PARTS} parts at a time waits"),
        "trickle": (fence, 2 * follow, 2.0, window, True, "as live sync, user group by user group"),
        "parallel run": (fence, 3 * follow, 2.0, 0, True, "as live sync, and both sides stay and are compared"),
        "phased": (part, 1.5 * (copy + check), 2.0, 0, False, f"each of {PARTS} modules waits for its own copy"),
        "dual write": (0.0, 2 * copy + check, 2.0, max(1, round(facts.writes_s)), False,
                       "no freeze; a crash between two writes leaves a difference for good"),
        "backfill + live sync": (fence, follow, 2.0, 0, True, "what waits at the fence, after catching up"),
    }[strategy]  # fmt: skip
    return Forecast(strategy, freeze, duration, space, risk, _DEVELOPMENT_DAYS[strategy], back,
                    strategy == "parallel run", why)  # fmt: skip


def forecast_here(strategy: str, facts: Facts) -> Forecast:
    """What `strategy` would cost as the worker runs it (`HERE`): all live ones have one switch-over and a way back."""
    if strategy == "big bang":
        return forecast(strategy, facts)
    base = forecast("backfill + live sync", facts)
    copy, check = facts.rows / max(facts.copy_s, 1e-9), _CHECK_SHARE * facts.rows / max(facts.copy_s, 1e-9)
    more = {
        "incremental": check, "phased": check, "trickle": copy / TRICKLE - copy, "parallel run": ROUNDS * _ROUND_S,
        "dual write": check,
    }.get(strategy, 0.0)  # fmt: skip
    why = f"{base.why}; {'slower on purpose' if strategy == 'trickle' else 'compared once more'}" if more else base.why
    return replace(
        base, strategy=strategy, duration_s=base.duration_s + more, days=_DEVELOPMENT_DAYS[strategy],
        compared=strategy == "parallel run", why=why,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """What somebody can live with."""

    freeze_s: float = math.inf
    duration_s: float = math.inf
    space: float = math.inf
    at_risk: float = math.inf
    days: float = math.inf
    way_back: bool = False
    compared: bool = False


def fits(found: Forecast, limits: Limits) -> str:
    """Why the forecast breaks a limit; "" when it breaks none."""
    if found.freeze_s > limits.freeze_s:
        return f"freezes for {found.freeze_s:,.1f} s, and {limits.freeze_s:,.1f} s are allowed"
    if found.duration_s > limits.duration_s:
        return f"takes {found.duration_s:,.0f} s, and {limits.duration_s:,.0f} s are allowed"
    if found.space > limits.space:
        return f"needs {found.space:.1f} times the space, and there is room for {limits.space:.1f}"
    if found.at_risk > limits.at_risk:
        return f"puts {found.at_risk:,} rows at risk, and no more than {limits.at_risk:,.0f} may be"
    if found.days > limits.days:
        return f"takes people {found.days} days, and {limits.days:.0f} are paid for"
    if limits.way_back and not found.way_back:
        return "has no way back that loses nothing"
    if limits.compared and not found.compared:
        return "never has both sides answer the same questions"
    return ""


@dataclass(frozen=True, slots=True)
class Company:
    """One of the four of the challenge: what it has and what it can live with."""

    name: str
    story: str
    facts: Facts
    limits: Limits


COMPANIES = (
    Company(
        "kirana", "A shop with one till; it is closed at night. Somebody has one day.",
        Facts(40_000, 8_000_000, 50_000, 20_000, 2), Limits(freeze_s=600, days=1),
    ),
    Company(
        "bank", "UPI payments; the regulator wants both systems compared before one goes, and a way back.",
        Facts(40_000_000, 12_000_000_000, 50_000, 30_000, 4_000),
        Limits(freeze_s=2, at_risk=0, duration_s=6_000, way_back=True, compared=True),
    ),
    Company(
        "archive", "Train timetables of forty years on a disk with hardly any room; a pause of five minutes is fine.",
        Facts(60_000_000, 90_000_000_000, 50_000, 20_000, 0), Limits(freeze_s=400, space=1.5),
    ),
    Company(
        "market", "An online shop that must not stop, with a team that has four days and wants to be able to go back.",
        Facts(20_000_000, 6_000_000_000, 50_000, 30_000, 3_000),
        Limits(freeze_s=2, at_risk=0, days=4, way_back=True),
    ),
)  # fmt: skip
