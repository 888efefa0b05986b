"""What topics there are, in which state each is, and who is to blame when one fails.  No Qt.

`discovery` finds topics by reading their manifests and imports nothing; `registry` owns the states and opens
topics; `guard` turns whatever a topic throws into a `Problem` with a sentence.  The window paints what is here.
"""

from __future__ import annotations

from prayog.catalog.discovery import Found, find
from prayog.catalog.guard import blame, guard, problem_of, strict
from prayog.catalog.registry import TRANSITIONS, Entry, Registry, State, TopicFailed

__all__ = [
    "TRANSITIONS", "Entry", "Found", "Registry", "State", "TopicFailed", "blame", "find", "guard", "problem_of",
    "strict",
]  # fmt: skip
