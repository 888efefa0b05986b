"""What was measured on real brokers, read from the steps of a session: answers of probes, and one job everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from prayog_sim.trace import Step

__all__ = ["ANSWERS", "Answer", "Measured", "Outcome"]

Data = Mapping[str, Any]

ANSWERS: Mapping[str, tuple[str, str]] = {
    "yes": ("✓ yes", "good"), "no": ("✗ no", "bad"), "unable": ("– has none", "muted"),
    "emulated": ("~ done by the adapter", "warn"), "absent": ("· not here", "muted"),
}  # fmt: skip
"""What a probe may answer: words and tone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One cell of the matrix of guarantees."""

    backend: str
    probe: str
    answer: str
    sentence: str
    seq: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """The same job on one back-end."""

    backend: str
    published: int
    effects: int
    counts: Mapping[str, int]
    seconds: float
    sentence: str
    seq: int


class Measured:
    """Reads a session."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Answer] = {}
        """(probe, back-end) → what was found."""
        self.outcomes: dict[str, Outcome] = {}
        self.problems: dict[str, str] = {}
        """Back-end → why nothing could be measured there."""

    def take(self, step: Step) -> None:
        """Read one more step."""
        data = step.data
        if step.kind == "guarantee":
            found = Answer(data["backend"], data["probe"], data["answer"], data.get("sentence", ""), step.seq)
            self.answers[found.probe, found.backend] = found
        elif step.kind == "outcome":
            counts = dict(data.get("verdict", {}))
            self.outcomes[data["backend"]] = Outcome(
                data["backend"], data.get("published", 0), data.get("effects", 0), counts,
                data.get("seconds", 0.0), data.get("sentence", ""), step.seq,
            )  # fmt: skip
        elif step.kind == "problem" and data.get("backend"):
            self.problems[data["backend"]] = data.get("sentence", "")

    def probes(self) -> list[str]:
        """The rows, in the order in which they were first answered."""
        return list(dict.fromkeys(probe for probe, _ in self.answers))

    def backends(self) -> list[str]:
        """The columns."""
        return list(dict.fromkeys(backend for _, backend in self.answers))
