"""Where the learner goes next: whether a step is done, what must come before it, and which step comes after.  No Qt."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_migration.engine.steps import STEPS, after, missing, step
from prayog_migration.panels.course import Course

__all__ = ["done", "facts_of", "lacking", "onward", "titled"]

_CAPTURES = "data"
"""The step that makes true what is no step's evidence: changes are captured while rows are copied."""


def titled(name: str) -> str:
    """The step's number and title, as on the rail."""
    return f"{[one.name for one in STEPS].index(name) + 1} {step(name).title}"  # type: ignore[arg-type]


def facts_of(course: Course) -> Mapping[str, Any]:
    """What is true; the big bang fences the source at once, so a complete copy has caught up as well."""
    if course.started.get("strategy") == "big bang":
        return {**course.facts, "caught_up": course.facts.get("equal")}
    return course.facts


def done(name: str, course: Course) -> bool:
    """The step's evidence is there."""
    if name == "cleanup":
        return bool(course.clean) and not course.clean["left"]
    if name == "sync" and course.side == "target":
        return True
    facts = facts_of(course)
    return all(facts.get(fact) for fact in step(name).evidence)


def lacking(name: str, course: Course) -> list[str]:
    """Facts of the gate that do not hold; none for a step that was done."""
    return [] if done(name, course) else missing(name, facts_of(course))


def onward(name: str, course: Course) -> tuple[str, str]:
    """(step, words) of the page that comes next, ("", "") while there is something to do on this one.

    Before a step may begin it is the first one whose evidence is missing; when it is done, the one after it.
    """
    if done("cleanup", course):
        return ("", "") if name == "cleanup" else ("cleanup", f"It is over: {titled('cleanup')}")
    wanted = lacking(name, course)
    if wanted:
        first = next((one.name for one in STEPS if wanted[0] in one.evidence), _CAPTURES)
        return first, f"First: {titled(first)}"
    if not (bool(course.started) if name == "plan" else done(name, course)):
        return "", ""
    following = after(name)  # type: ignore[arg-type]
    if following == "sync" and course.started.get("strategy") == "big bang":
        following = "switch"
    return (following, f"Go on to {titled(following)}") if following else ("", "")
