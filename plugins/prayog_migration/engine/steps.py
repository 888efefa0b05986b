"""The eight steps of a migration as a table: what must be true before each, what proves it done, how to undo it.

The page of a step and the worker read the same table.  ``gate`` and ``evidence`` are keys of the facts that the worker
keeps (see `real.facts`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["STEPS", "Phase", "Step", "StepName", "after", "first", "missing", "step"]

StepName = Literal["plan", "assess", "schema", "data", "validate", "sync", "switch", "cleanup"]
Phase = Literal["waiting", "running", "paused", "failed", "done"]


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``gate`` are the facts that must hold before it begins, ``evidence`` those that hold when it is done.

    ``undo`` says what taking it back does; "" where there is nothing to take back.
    """

    name: StepName
    title: str
    sentence: str
    gate: tuple[str, ...]
    evidence: tuple[str, ...]
    undo: str


STEPS: tuple[Step, ...] = (
    Step(
        "plan",
        "Plan",
        "What moves, from where to where, with how much downtime, by which strategy.",
        (),
        ("planned",),
        "Choose again; nothing was changed.",
    ),
    Step(
        "assess",
        "Assess",
        "Every object gets a verdict, every value that does not fit its type a policy.",
        ("planned",),
        ("assessed",),
        "Look again; nothing was changed.",
    ),
    Step(
        "schema",
        "Schema",
        "Tables are made on the target, without what only costs time while rows come in.",
        ("planned", "assessed"),
        ("tables_made",),
        "Drop what was made on the target.",
    ),
    Step(
        "data",
        "Data",
        "Changes are captured first, then rows are copied in chunks with their checkpoint in the same transaction.",
        ("tables_made",),
        ("loaded",),
        "Empty the target's tables and stop capturing.",
    ),
    Step(
        "validate",
        "Validate",
        "Both sides are compared at one position, row by row; then indexes and rules are made.",
        ("loaded",),
        ("equal", "rules_made"),
        "Compare again; nothing was changed.",
    ),
    Step(
        "sync",
        "Live sync",
        "Changes made meanwhile are applied, transaction by transaction, until nothing waits.",
        ("loaded", "captured"),
        ("caught_up",),
        "Pause it; the log keeps what waits.",
    ),
    Step(
        "switch",
        "Switch over",
        "The old side is fenced, the rest drained, both compared, and one row changed: the new side is in charge.",
        ("caught_up",),
        ("fenced", "drained", "verified", "promoted"),
        "Before the row changes: lower the fence. After it: go back, the old side was kept up to date.",
    ),
    Step(
        "cleanup",
        "Clean up",
        "Everything whose name begins with _wiz is removed on both sides; the report is written.",
        ("promoted",),
        ("clean",),
        "",
    ),
)


def step(name: str) -> Step:
    """The step called `name`; `KeyError` when there is none."""
    for one in STEPS:
        if one.name == name:
            return one
    raise KeyError(name)


def after(name: StepName) -> StepName | None:
    """The next step."""
    names = [one.name for one in STEPS]
    place = names.index(name) + 1
    return names[place] if place < len(names) else None


def missing(name: str, facts: Mapping[str, Any]) -> list[str]:
    """Facts of the step's gate that do not hold."""
    return [fact for fact in step(name).gate if not facts.get(fact)]


def first(name: str, lacking: Sequence[str]) -> str:
    """Which step comes before the step `name`, whose gate lacks these facts, as a sentence for the learner."""
    makers = [one for one in STEPS if any(fact in one.evidence for fact in lacking)]
    before = makers[0] if makers else step("data")  # changes are captured while rows are copied
    wanted = ", ".join(fact.replace("_", " ") for fact in lacking)
    number = STEPS.index(before) + 1
    return f"{step(name).title} comes later: first do step {number}, {before.title} (not true yet: {wanted})."
