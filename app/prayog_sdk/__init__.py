"""All that a topic's author imports (no Qt; panels import `prayog_sdk.qt`)."""

from __future__ import annotations

API = (1, 0)
"""Version of this surface: a topic loads when its major is the same and its minor is not newer."""
