"""What was measured on real brokers, read from the steps of a session: answers of probes, and one job everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prayog_sim.trace import Step

__all__ = ["ANSWERS", "MEASUREMENTS", "STOPPED", "Answer", "Experiment", "Measured", "Outcome"]

MEASUREMENTS = ("probe", "everywhere", "microscope")
"""Actions that take a while, and can be stopped."""
STOPPED = "It was stopped before its end."

Data = Mapping[str, Any]

ANSWERS: Mapping[str, tuple[str, str]] = {
    "yes": ("✓ yes", "good"), "no": ("✗ no", "warn"), "unable": ("– has none", "muted"),
    "emulated": ("~ by the adapter", "text"), "absent": ("· not here", "muted"),
}  # fmt: skip
"""What a probe may answer: words and tone."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One cell of the matrix of guarantees."""

    backend: str
    probe: str
    question: str
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
    durability: str
    """What a confirmation was worth there."""
    sentence: str
    seq: int


@dataclass(slots=True)
class Experiment:
    """One experiment on a real database: what it asks, its rows (label, sentence, step), and what it shows."""

    title: str
    question: str
    rows: list[tuple[str, str, int]]
    conclusion: str = ""


class Measured:
    """Reads a session."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Answer] = {}
        """(probe, back-end) → what was found."""
        self.outcomes: dict[str, Outcome] = {}
        self.problems: dict[str, str] = {}
        """Back-end → why nothing could be measured there."""
        self.titles: dict[str, str] = {}
        """Back-end → its name for people."""
        self.experiment: Experiment | None = None
        """The newest of the microscope."""
        self.state: Literal["none", "running", "over", "stopped"] = "none"
        """Of the last measurement: ``stopped`` by the learner, or by an error."""

    def take(self, step: Step) -> None:
        """Read one more step."""
        data = step.data
        if step.kind == "action" and data["name"] in MEASUREMENTS:
            self.state = "running"
        elif step.kind in ("interrupted", "error") and self.state == "running":
            self.state = "stopped"
            if self.experiment is not None and not self.experiment.conclusion:
                self.experiment.conclusion = STOPPED
        elif step.kind == "guarantee":
            found = Answer(
                data["backend"], data["probe"], data.get("question", data["probe"]), data["answer"],
                data.get("sentence", ""), step.seq,
            )  # fmt: skip
            self.answers[found.probe, found.backend] = found
            self.titles[found.backend] = data.get("title", found.backend)
        elif step.kind == "outcome":
            counts = dict(data.get("verdict", {}))
            self.titles[data["backend"]] = data.get("title", data["backend"])
            self.outcomes[data["backend"]] = Outcome(
                data["backend"], data.get("published", 0), data.get("effects", 0), counts,
                data.get("seconds", 0.0), data.get("durability", ""), " ".join(_told(data)), step.seq,
            )  # fmt: skip
        elif step.kind == "absent" and data.get("backend"):
            self.titles[data["backend"]] = data.get("title", data["backend"])
            self.problems[data["backend"]] = data.get("sentence", "")
        elif step.kind == "experiment":
            self.experiment = Experiment(data["title"], data["question"], [])
        elif step.kind == "measured" and self.experiment is not None:
            self.experiment.rows.append((data["label"], data["sentence"], step.seq))
        elif step.kind == "concluded" and self.experiment is not None:
            self.experiment.conclusion = data["sentence"]
            self.state = "over"
        elif step.kind in ("probed", "compared"):
            self.state = "over"

    def question(self, probe: str) -> str:
        """What a probe asks."""
        return next((a.question for a in self.answers.values() if a.probe == probe), probe)

    def title(self, backend: str) -> str:
        """A back-end for people."""
        return self.titles.get(backend, backend)

    def probes(self) -> list[str]:
        """The rows, in the order in which they were first answered."""
        return list(dict.fromkeys(probe for probe, _ in self.answers))

    def backends(self) -> list[str]:
        """The columns."""
        return list(dict.fromkeys(backend for _, backend in self.answers))


def _told(data: Data) -> list[str]:
    """What is to be said of an outcome: the verdict, what the adapter did, and what could not be done there."""
    done = [f"Done by the adapter: {what}." for what in data.get("emulates", {})]
    return [data.get("sentence", ""), *done, *map(str, data.get("cannot", ())[:2])]
