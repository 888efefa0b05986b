"""`prayog check`: whether a topic keeps its promises to the learner and to the lab, as sentences for its author.

Each promise is a function that yields findings (`offered`, `played`, `taught`).  An ``error`` breaks something for a
learner; a ``warn`` is worth a look.

Rules
1. The suite never raises because of a topic, and always comes back: whatever a topic does is a finding.
2. What needs another process (determinism, no Qt) runs in two short-lived ones, both by `probe`.
3. One mistake is told once: what depends on something that is spoilt is not looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from prayog_sdk.manifest import Manifest, ManifestError, read_folder
from prayog_sdk.testing import offered, played, taught
from prayog_sdk.testing.findings import Case, Finding
from prayog_sdk.topic import Topic, TopicError

__all__ = ["PROMISES", "Finding", "check", "check_topic"]

PROMISES = (
    offered.card, offered.hooks, offered.the_knobs, offered.source, played.scenarios, offered.panels, offered.code,
    played.seeking, played.determinism, played.nodes, taught.the_lessons, played.broken_variants,
)  # fmt: skip
"""In order: the later ones use what the earlier ones found."""


def check(folder: Path) -> list[Finding]:
    """All findings about the topic in `folder`."""
    try:
        manifest = read_folder(folder)
    except ManifestError as error:
        return [
            Finding("error", "manifest", error.sentence, f"{error.where}:{error.line}" if error.line else error.where)
        ]
    return check_topic(manifest)


def check_topic(manifest: Manifest) -> list[Finding]:
    """All findings about the topic of `manifest`."""
    try:
        topic = Topic.load(manifest)
    except (TopicError, ManifestError) as error:
        return [Finding("error", "load", str(error), manifest.module)]
    case = Case(topic)
    try:
        findings = [finding for promise in PROMISES for finding in _guarded(promise, case)]
    finally:
        case.close()
    return list(dict.fromkeys(findings))  # what is wrong in English is found again in every other language


def _guarded(promise: Callable[[Case], Iterator[Finding]], case: Case) -> Iterator[Finding]:
    try:
        yield from promise(case)
    except Exception as error:  # noqa: BLE001 - the topic's code; see rule 1
        yield Finding("error", promise.__name__, *case.told(error))
