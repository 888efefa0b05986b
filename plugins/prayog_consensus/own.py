"""This topic, loaded from its own folder: for workers that play its scenarios outside the window."""

from __future__ import annotations

from pathlib import Path

from prayog_sdk.manifest import read_folder
from prayog_sdk.topic import Topic

__all__ = ["own_topic"]


def own_topic() -> Topic:
    """A fresh `Topic`; call it in a worker, it imports every algorithm that is asked for."""
    return Topic.load(read_folder(Path(__file__).parent, "built-in"))
