"""What came of an election, read from the trace: who led and when, who knows it, and what it cost.

Rules
1. A node leads from its ``leader`` event until its ``stepdown``, its crash, or the end of the run.
2. A node believes the last ``elected`` that it told; a crash does not change what it had stored.
"""

from __future__ import annotations

from collections.abc import Iterator

from prayog_sdk.checks import Check, Claim, Verdict
from prayog_sdk.claims import Fact, Quantity, Scope
from prayog_sim.clock import format_us
from prayog_sim.trace import Step, Trace

__all__ = ["AGREED", "ONE_AT_A_TIME", "ONE_LEADER", "leaders", "leaders_at_once", "rounds"]


def _reigns(trace: Trace) -> Iterator[tuple[Step, frozenset[str]]]:
    """Every step at which somebody began or ceased to lead, with all who lead after it."""
    now: frozenset[str] = frozenset()
    for step in trace:
        before = now
        if step.kind in ("crash", "error"):
            now -= {step.node}
        for effect in step.effects:
            if effect.kind == "leader":
                now |= {step.node}
            elif effect.kind == "stepdown":
                now -= {step.node}
        if now != before:
            yield step, now


def _at_once(scope: Scope) -> Fact:
    path: list[tuple[int, int]] = []
    for step, now in _reigns(scope.trace):
        if len(now) > (path[-1][1] if path else 0):
            path.append((step.seq, len(now)))
    if not path:
        return Fact(0, "nobody led")
    seq, most = path[-1]
    step, who = next((step, now) for step, now in _reigns(scope.trace) if step.seq == seq)
    names = " and ".join(sorted(who))
    return Fact(most, f"{names} led at once at {format_us(step.at)}" if most > 1 else f"{names} led", seq, path)


leaders_at_once = Quantity("leaders_at_once", _at_once)
"""The largest number of nodes that led at the same moment."""


def _declared(scope: Scope) -> Fact:
    found: dict[str, int] = {}
    for step in scope.trace:
        if any(effect.kind == "leader" for effect in step.effects):
            found.setdefault(step.node, step.seq)
    path = [(seq, number) for number, seq in enumerate(found.values(), 1)]
    said = f"{', '.join(found)} declared themselves leader" if found else "nobody declared itself leader"
    return Fact(len(found), said if len(found) != 1 else f"only {next(iter(found))} declared itself leader",
                path[-1][0] if path else None, path)  # fmt: skip


leaders = Quantity("leaders", _declared)
"""How many nodes ever declared themselves leader."""


def _rounds(scope: Scope) -> Fact:
    seen = [
        (step.seq, effect.data["round"])
        for step in scope.trace
        for effect in step.effects
        if effect.kind in ("leader", "elected") and "round" in effect.data
    ]
    most = max((number for _, number in seen), default=None)
    return Fact(most, f"the last node decided in round {most}", seen[-1][0] if seen else None)


rounds = Quantity("rounds", _rounds)
"""The round in which the last node decided; None for algorithms without rounds."""


def _agreed(trace: Trace) -> Verdict:
    down: set[str] = set()
    belief: dict[str, str] = {}
    nodes: dict[str, None] = {}
    for step in trace:
        if step.kind in ("start", "crash") and step.node:
            nodes.setdefault(step.node)
        if step.kind in ("crash", "error"):
            down.add(step.node)
        elif step.kind == "restart":
            down.discard(step.node)
        for effect in step.effects:
            if effect.kind == "elected":
                belief[step.node] = str(effect.data["leader"])
            elif effect.kind == "leader":
                belief[step.node] = step.node
            elif effect.kind == "forgets":
                belief.pop(step.node, None)
    end = trace[-1].seq if len(trace) else None
    live = [node for node in nodes if node not in down]
    lost = [node for node in live if node not in belief]
    if lost or not live:
        return Verdict(False, f"{', '.join(lost) or 'nobody'} does not know of any leader", end)
    said = {belief[node] for node in live}
    if len(said) > 1:
        return Verdict(False, "; ".join(f"{node} believes in {belief[node]}" for node in live), end)
    leader = said.pop()
    if leader in down:
        return Verdict(False, f"all believe in {leader}, which is down", end)
    return Verdict(True, f"all {len(live)} live nodes follow {leader}", end)


AGREED = Check(
    "agreed",
    "In the end all live nodes follow one live leader",
    _agreed,
    "Announced to everybody, and not to a leader that is gone.",
)
ONE_LEADER = Check("one_leader", "Exactly one node declares itself leader", leaders == 1)
ONE_AT_A_TIME = Check(
    "one_at_a_time",
    "Never do two nodes lead at the same moment",
    Claim("leaders_at_once <= 1", (leaders_at_once <= 1).look),
    "More than an election promises when messages are slow or the network is cut.",
)
