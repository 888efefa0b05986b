"""What a real node keeps through a crash: its durable attributes and its synced files, in one file of its own.

Rules
1. `save` returns only when the new state is safe: it is written to a second file, synced, put in the place of the
   first by one rename, and the folder is synced, so that the rename is safe too.  (Pillai et al., "All File Systems
   Are Not Created Equal", OSDI 2014, say why each of the four is needed.)
2. A kill leaves the old state or the new one, never a mixture.
3. What a node wrote to its `Disk` without a sync lives in the process only and is gone with it, as after a power cut.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from prayog_sdk.cluster.codec import decode, encode
from prayog_sim.disk import Disk
from prayog_sim.node import Node

__all__ = ["Store"]


class Store:
    """The durable half of one node, in the file `path`."""

    def __init__(self, path: Path, packages: Collection[str]) -> None:
        self._path = path
        self._packages = packages
        self._values: tuple[Any, ...] = ()
        self._text = ""

    def load(self, node: Node) -> Disk:
        """Put back into `node` what was saved, and return its disk.  A first start changes nothing."""
        try:
            text = self._path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return Disk()
        saved = json.loads(text)
        for name, value in saved["attributes"].items():
            setattr(node, name, decode(value, self._packages))
        self._text = text
        return Disk.holding((decode(saved["files"], self._packages), (), False, False))

    def save(self, node: Node, disk: Disk) -> bool:
        """Make the durable state safe; False when it is the one that is safe already."""
        contents = disk.contents()
        files = contents[0] if contents is not None else ()
        values = (files, *(getattr(node, name) for name in node.durable if hasattr(node, name)))
        if len(values) == len(self._values) and all(map(_unchanged, values, self._values)):
            return False
        self._values = values
        attributes = {name: encode(getattr(node, name)) for name in node.durable if hasattr(node, name)}
        text = json.dumps({"attributes": attributes, "files": encode(files)}, separators=(",", ":"))
        if text == self._text:
            return False
        second = self._path.with_suffix(".new")
        with open(second, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(second, self._path)
        _sync_folder(self._path.parent)
        self._text = text
        return True


def _unchanged(value: Any, before: Any) -> bool:
    """Certainly the same: the same object, of a kind that cannot change inside."""
    return value is before and not isinstance(value, list | dict | set)


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":
        return  # a folder cannot be opened there; NTFS keeps renames in its own journal
    handle = os.open(folder, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # some file systems refuse it
            os.fsync(handle)
    finally:
        os.close(handle)
