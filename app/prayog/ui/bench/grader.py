"""Grades a challenge in a process of its own, so that replaying many seeds never holds up the window."""

from __future__ import annotations

from typing import Any

from prayog_sdk.grading import ChallengeResult, grade
from prayog_sdk.lessons import Challenge
from prayog_sdk.manifest import Manifest
from prayog_sdk.saved import SavedRun
from prayog_sdk.topic import Topic

__all__ = ["grade_in_process"]


def grade_in_process(ctx: Any, manifest: Manifest, challenge: Challenge, saved: SavedRun) -> ChallengeResult:
    """Open the topic here and grade `saved`; called through `JobManager.submit_process`."""
    topic = Topic.load(manifest)
    try:
        return grade(challenge, topic, saved)
    finally:
        topic.close()
