"""A query carried out with its commentary kept, and the plan in words.

Why it exists: `EXPLAIN` is how a person asks a database what it did. `run` is our `EXPLAIN ANALYZE`: the
visits in order for a panel to step through, the answer, and the same story in a few lines of text.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from .index import Action, Answer, SpatialIndex, Visit
from .wording import count, question

KIND_WORDS = {
    "cell": ("cell", "cells"),
    "box": ("box", "boxes"),
    "range": ("key range", "key ranges"),
    "node": ("node", "nodes"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """What an index did: its visits in order, the answer, and the plan as lines of text."""

    visits: tuple[Visit, ...]
    answer: Answer
    plan: tuple[str, ...]


def run(index: SpatialIndex, query: Any) -> Explanation:
    """Answer `query` (any question that the index takes) and keep every visit."""
    visits: list[Visit] = []
    steps = index.explain(query)
    while True:
        try:
            visits.append(next(steps))
        except StopIteration as end:
            answer: Answer = end.value
            return Explanation(tuple(visits), answer, plan_lines(index, query, visits, answer))


def plan_lines(
    index: SpatialIndex, query: Any, visits: list[Visit], answer: Answer
) -> tuple[str, ...]:
    """The plan as an indented tree, innermost work last, as database consoles print it."""
    kinds = KIND_WORDS[visits[0].kind] if visits else KIND_WORDS["node"]
    done = Counter(visit.action for visit in visits)
    skipped = sum(visit.points for visit in visits if visit.action == "pruned")
    funnel = answer.funnel
    lines = [
        f"Answer: {count(funnel.answer, 'point')}: {question(query)}",
        f"  -> Refine: {count(funnel.refined, 'point')} tested one by one with the exact rule",
        f"    -> {index.name}: {count(funnel.candidates, 'candidate')} of {count(funnel.total, 'point')}",
    ]
    told: tuple[tuple[Action, str], ...] = (
        ("visited", "opened"),
        ("refined", "read, their points tested"),
        ("inside", "taken whole"),
        ("pruned", f"left out, with {count(skipped, 'point')} in them"),
    )
    for action, words in told:
        if done[action]:
            lines.append(f"      {count(done[action], *kinds)} {words}")
    lines.append(f"  {_share(funnel.candidates, funnel.answer)}")
    return tuple(lines)


def _share(candidates: int, answer: int) -> str:
    if not candidates:
        return "No candidate was read."
    return f"{100.0 * answer / candidates:.0f} % of the candidates are answers."
