"""A node's disk: what was written is safe only after `fsync`, and a crash may tear the last write.

Engines that must survive a crash write here and read it back in `on_start`.  Files are bytes.  Reads see every
write at once (the operating system's cache); a crash keeps only what was synced.

Rules
1. `write` replaces a file in place and is not atomic: torn, its front is new and the rest is old.
2. Without a fault, a crash loses everything that was not synced.  After `torn`, the next crash keeps a random
   part of it: some whole writes in order, then the front of one more.
3. After `losesync`, the next `fsync` says that it worked and did not (Rebello et al., "Can Applications Recover
   from fsync Failures?", USENIX ATC 2020).
"""

from __future__ import annotations

from typing import Any

from prayog_sim.rng import Rng

__all__ = ["Disk"]

Write = tuple[bool, bytes]
"""One write that was not synced yet: (append?, data)."""


class Disk:
    """The files of one node.  `effects` is where operations are reported: the list of the node's `Ctx`."""

    def __init__(self, effects: list[tuple[Any, ...]] | None = None) -> None:
        self.effects: list[tuple[Any, ...]] = effects if effects is not None else []
        self.torn = False
        self.losesync = False
        self._safe: dict[str, bytes] = {}
        self._fresh: dict[str, list[Write]] = {}

    def write(self, file: str, data: bytes) -> None:
        """Replace the content of `file`."""
        self._put(file, False, data)

    def append(self, file: str, data: bytes) -> None:
        """Add `data` at the end of `file`."""
        self._put(file, True, data)

    def read(self, file: str) -> bytes:
        """The content as the node sees it; empty when there is no such file."""
        content = self._safe.get(file, b"")
        for append, data in self._fresh.get(file, ()):
            content = content + data if append else data
        return content

    def fsync(self, file: str) -> None:
        """Make `file` safe: what is in it now survives a crash (unless the disk lies)."""
        lost, self.losesync = self.losesync, False
        if not lost:
            self._safe[file] = self.read(file)
            self._fresh.pop(file, None)
        self.effects.append(("disk", {"op": "fsync", "file": file, "lost": lost}))

    def files(self) -> tuple[str, ...]:
        """The names of all files, sorted."""
        return tuple(sorted({*self._safe, *self._fresh}))

    def unsynced(self, file: str) -> int:
        """How many bytes of `file` a crash would lose now."""
        return sum(len(data) for _, data in self._fresh.get(file, ()))

    def contents(self) -> tuple[Any, ...] | None:
        """All that is on the disk and in its cache as an immutable value; None for an empty, faultless disk."""
        if not (self._safe or self._fresh or self.torn or self.losesync):
            return None
        fresh = tuple((file, tuple(self._fresh[file])) for file in sorted(self._fresh))
        return tuple(sorted(self._safe.items())), fresh, self.torn, self.losesync

    @classmethod
    def holding(cls, contents: tuple[Any, ...] | None) -> Disk:
        """A disk with the given `contents`."""
        disk = cls()
        if contents is not None:
            safe, fresh, disk.torn, disk.losesync = contents
            disk._safe = dict(safe)
            disk._fresh = {file: list(writes) for file, writes in fresh}
        return disk

    def crash(self, rng: Rng) -> None:
        """Lose what was not synced; `rng` decides where a torn write breaks off."""
        for file in sorted(self._fresh) if self.torn else ():
            writes = self._fresh[file]
            whole = rng.randint(0, len(writes) - 1)
            content = self._safe.get(file, b"")
            for append, data in writes[:whole]:
                content = content + data if append else data
            append, data = writes[whole]
            front = data[: rng.randint(0, len(data))]
            self._safe[file] = content + front if append else front + content[len(front) :]
        self._fresh.clear()
        self.torn = self.losesync = False

    def _put(self, file: str, append: bool, data: bytes) -> None:
        if not isinstance(data, bytes):
            raise TypeError(f"a disk stores bytes, not {type(data).__name__}: encode it first")
        self._fresh.setdefault(file, []).append((append, data))
        self.effects.append(("disk", {"op": "append" if append else "write", "file": file, "bytes": len(data)}))
