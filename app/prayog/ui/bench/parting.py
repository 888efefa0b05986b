"""Where two runs part, and what they count to: computed in a worker.  No Qt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from prayog.ui.bench.verdicts import judge
from prayog_sdk.checks import Check, Verdict
from prayog_sdk.qt.jobs import Ctx
from prayog_sim.clock import format_us
from prayog_sim.lines import line
from prayog_sim.trace import Trace

__all__ = ["Parting", "Side", "part"]

Side = tuple[Trace, Mapping[str, Check], Mapping[str, Callable[[Trace], Any]]]
"""A trace up to the shown moment, and the checks and measures that belong to its run."""


@dataclass(frozen=True, slots=True)
class Parting:
    """``sentence``: where they part first.  ``rows``: name, value of A, value of B; a verdict is its sign."""

    sentence: str
    rows: tuple[tuple[str, Any, Any], ...]


def part(ctx: Ctx, a: Side, b: Side, timed: bool) -> Parting:
    """Compare both sides."""
    found = [judge(trace, checks, measures, {}, ctx) for trace, checks, measures in (a, b)]
    titles = {name: check.title for _, checks, _ in (a, b) for name, check in checks.items()}
    rows: list[tuple[str, Any, Any]] = []
    for name in dict.fromkeys([*found[0].measures, *found[1].measures]):
        rows.append((name.replace("_", " "), found[0].measures.get(name), found[1].measures.get(name)))
    for name, title in titles.items():
        rows.append((title, _sign(found[0].verdicts.get(name)), _sign(found[1].verdicts.get(name))))
    return Parting(_parts(ctx, a[0], b[0], timed), tuple(rows))


def _sign(verdict: Verdict | None) -> str | None:
    return None if verdict is None else "✓" if verdict.ok else "✗"


def _parts(ctx: Ctx, a: Trace, b: Trace, timed: bool) -> str:
    for seq in range(min(len(a), len(b))):
        if seq % 256 == 0:
            ctx.check()
        here, there = a[seq], b[seq]
        if (here.at, here.kind, here.node, here.data) != (there.at, there.kind, there.node, there.data):
            when = (f" at {format_us(here.at)}", f" at {format_us(there.at)}") if timed else ("", "")
            return f"They part at event {seq:,}. A{when[0]}: {line(here)}. B{when[1]}: {line(there)}."
    if len(a) != len(b):
        return f"They are the same for {min(len(a), len(b)):,} events; A has {len(a):,} by now, B {len(b):,}."
    return "Up to here they are the same." if len(a) else "Nothing has happened in either of them yet: play or step."
