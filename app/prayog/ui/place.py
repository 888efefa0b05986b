"""Where a learner can be in the lab, as a value: what navigation, history, the palette and "continue" speak.

One value instead of a method per page means that a place can be written to a file, compared and gone back to.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ITEMS", "PAGES", "Place", "first_place"]

PAGES = ("home", "topics", "challenges", "work", "services", "plugins", "settings")
"""The pages of the rail, in its order; Ctrl+1 to Ctrl+6 are the first six."""
ITEMS = ("scenario", "lesson", "challenge", "saved")
"""Kinds of places on the bench: each opens its topic first."""


@dataclass(frozen=True, slots=True)
class Place:
    """A page (``kind`` in `PAGES`), a topic's page (``topic``), or an item of a topic on the bench (`ITEMS`)."""

    kind: str
    topic: str = ""
    item: str = ""

    def __str__(self) -> str:
        return "/".join(part for part in (self.kind, self.topic, self.item) if part)

    @classmethod
    def parse(cls, words: str) -> Place:
        """The place that was written as `words`; home when it makes no sense (another version wrote it)."""
        kind, _, rest = words.partition("/")
        topic, _, item = rest.partition("/")
        if kind in PAGES and not rest:
            return cls(kind)
        if kind == "topic" and topic and not item:
            return cls(kind, topic)
        if kind in ITEMS and topic and item:
            return cls(kind, topic, item)
        return cls("home")


def first_place(own: Path) -> Place:
    """The opening scenario of the topic in `own`, or its page when its manifest cannot be read."""
    from prayog_sdk.manifest import ManifestError, read_folder
    from prayog_sdk.scenario import files

    try:
        manifest = read_folder(own)
        return Place("scenario", manifest.id, manifest.opening or next(iter(files(manifest))))
    except (ManifestError, OSError, StopIteration):
        return Place("plugins")
