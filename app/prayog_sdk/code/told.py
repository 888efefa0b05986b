"""What the learner's code told in a trace: what it printed and where it failed, as rows to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from prayog_sdk.claims import events
from prayog_sim.trace import Step

__all__ = ["Row", "rows"]

MOST = 500
"""Rows that are kept: the first mistakes, and of the rest the newest."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of output, or one mistake; ``at`` is the step, ``line`` the line of the text (0: none)."""

    at: int
    line: int
    text: str
    wrong: bool


def rows(steps: Iterable[Step]) -> list[Row]:
    """The rows of `steps`, in order; of equal mistakes the first only."""
    found: list[Row] = []
    seen: set[str] = set()
    for event in events(steps):
        if event.kind == "printed":
            found.append(Row(event.step.seq, int(event.data["line"]), str(event.data["text"]), wrong=False))
        elif event.kind == "code_error" and event.data["sentence"] not in seen:
            seen.add(event.data["sentence"])
            found.append(Row(event.step.seq, int(event.data["line"]), str(event.data["sentence"]), wrong=True))
    if len(found) > MOST:
        wrong = [row for row in found if row.wrong][: MOST // 2]
        rest = [row for row in found if not row.wrong][len(wrong) - MOST :]
        found = sorted([*wrong, *rest], key=lambda row: row.at)
    return found
