"""For all tests: Qt draws off screen, and the sandbox of the web view, which root cannot have, is off."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
if sys.platform == "linux" and os.geteuid() == 0:
    os.environ.setdefault("QTWEBENGINE_DISABLE_SANDBOX", "1")

ROOT = Path(__file__).parent.parent
BUILT_IN = {entry.name for root in ("app", "plugins", "resources") for entry in (ROOT / root).iterdir()}


@pytest.fixture(autouse=True, scope="module")
def _no_plugin_stays() -> Iterator[None]:
    """A plugin that a module of tests opened is gone afterwards, so that others can drop in another copy of it."""
    path, modules = list(sys.path), set(sys.modules)
    yield
    sys.path[:] = [entry for entry in sys.path if entry in path or not _below_tests(entry)]
    for name in set(sys.modules) - modules:
        if name.startswith("prayog_") and name.partition(".")[0] not in BUILT_IN:
            del sys.modules[name]


def _below_tests(entry: str) -> bool:
    return Path(tempfile.gettempdir()) in Path(entry).parents or ROOT / "tests" in Path(entry).parents
