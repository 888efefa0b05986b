"""All algorithms of this topic, by name, each imported when it is first asked for."""

from __future__ import annotations

import importlib

from prayog_consensus.engine.family import Family
from prayog_consensus.engine.setup import WHERE

__all__ = ["every", "family"]


def family(algorithm: str) -> Family:
    """The family of an algorithm named in `WHERE`."""
    found: Family = importlib.import_module(f"prayog_consensus.engine.{WHERE[algorithm]}").FAMILY
    return found


def every() -> list[Family]:
    """All families, in the order of `WHERE`."""
    return [family(name) for name in WHERE]
