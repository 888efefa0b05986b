"""Run by `conformance` in a process of its own: simulated scenarios of a topic, once each, with Qt out of reach.

Prints one line of JSON: ``hashes`` by scenario, the Qt modules that somebody tried to import, and a ``problem``.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

_QT = ("PySide6", "shiboken6", "pyqtgraph", "PyQt5", "PyQt6")


class _NoQt(importlib.abc.MetaPathFinder):
    def __init__(self) -> None:
        self.asked: list[str] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.split(".", maxsplit=1)[0] in _QT:
            self.asked.append(fullname)
            raise ModuleNotFoundError(f"{fullname} is out of reach here: a topic and its engine work without Qt")
        return None


def main(folder: Path, scenarios: Sequence[str]) -> dict[str, Any]:
    """The answer for these scenarios of the topic in `folder`."""
    guard = _NoQt()
    sys.meta_path.insert(0, guard)
    hashes: dict[str, str] = {}
    problem = ""
    try:
        from prayog_sdk import headless
        from prayog_sdk.manifest import read_folder
        from prayog_sdk.topic import Topic

        topic = Topic.load(read_folder(folder))
        for name in scenarios:
            run = headless.played(topic, topic.scenario(name))
            hashes[name] = run.trace.hash()
            run.close()
    except Exception as error:  # noqa: BLE001 - the answer of this process is data
        problem = f"{type(error).__name__}: {error}"
    return {"hashes": hashes, "qt": sorted(set(guard.asked)), "problem": problem}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2:])))
