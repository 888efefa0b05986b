"""The shell of Prayog: window, catalogue, lessons, progress, command line.

It never imports a topic by name: topics are found through their manifests (`prayog.catalog`) and opened through
`prayog_sdk.topic`.  Start reading at `cli` (what can be asked for) and `catalog` (what there is to open).
"""

from __future__ import annotations

__all__ = ["lab_version"]


def lab_version() -> str:
    """The version of the installed lab, or ``"unknown"`` when it runs from a folder that was never installed."""
    from importlib.metadata import PackageNotFoundError, version  # 35 ms that the start of the window does not need

    try:
        return version("prayog")
    except PackageNotFoundError:
        return "unknown"
