"""Pages without a migration: a wizard that only notes what is asked of it, and a course fed one event at a time."""

from __future__ import annotations

from typing import Any

from prayog_migration.panels.course import Course
from prayog_sim.trace import Step


class Told:
    """A wizard that only notes what its pages ask of it."""

    def __init__(self) -> None:
        self.acts: list[tuple[str, dict[str, Any]]] = []
        self.said: list[str] = []
        self.went: list[str] = []

    def act(self, name: str, **args: Any) -> None:
        self.acts.append((name, args))

    def begin(self, assess: bool = False, **knobs: Any) -> None:
        self.acts.append(("begin", knobs))

    def go(self, name: str) -> None:
        self.went.append(name)

    def say(self, sentence: str) -> None:
        self.said.append(sentence)


class Events:
    """A course that is fed one event after the other."""

    def __init__(self, *steps: tuple[str, str, dict[str, Any]]) -> None:
        self.course = Course()
        self._seq = 0
        for kind, node, data in steps:
            self.add(kind, node, **data)

    def add(self, kind: str, node: str = "", **data: Any) -> Course:
        self._seq += 1
        self.course.take(Step(self._seq, 1_000 * self._seq, kind, node, data))
        return self.course


START = ("start", "", {"source": "sqlite", "target": "postgresql", "strategy": "backfill + live sync", "demo": True})


def step(name: str, phase: str = "done", **facts: Any) -> tuple[str, str, dict[str, Any]]:
    return ("step", name, {"phase": phase, "sentence": "", "facts": facts})
