"""Where a database keeps its files: the seam, and a disk in memory that can be killed at any moment.

`Files` is all that the engine asks of a disk.  `MemoryFiles` answers like a POSIX file system seen from the day
after a power failure, and keeps a journal, so that the disk can be rebuilt as it was at every single moment.

What survives (POSIX fsync(2); Pillai et al., "All file systems are not created equal", OSDI 2014):

* the process dies: everything that was written, also what was never synced;
* the power fails: of a file what `Sink.sync` covered, of the folder (which names there are, and what they mean) what
  `sync_folder` covered.  Of later bytes a part may have reached the disk: a *torn write*.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from errno import ENOENT, ENOSPC
from typing import Literal, Protocol

__all__ = ["Change", "Files", "Image", "MemoryFiles", "Sink", "Source", "replayed"]


class Sink(Protocol):
    """A file that is being written, from front to back."""

    def append(self, data: bytes) -> None:
        """Hand `data` to the operating system; raises `OSError` (ENOSPC when the disk is full)."""
        ...

    def sync(self) -> None:
        """Return when everything appended so far is on the disk."""
        ...

    def close(self) -> None:
        """Close without syncing."""
        ...


class Source(Protocol):
    """A file that is read at any place."""

    size: int

    def read(self, at: int, size: int) -> bytes:
        """`size` bytes from byte `at` on; fewer where the file ends."""
        ...

    def close(self) -> None:
        """Give it back."""
        ...


class Files(Protocol):
    """One folder."""

    def create(self, name: str) -> Sink:
        """A new empty file; an old one of that name is replaced."""
        ...

    def extend(self, name: str) -> Sink:
        """The file `name`, to be appended to."""
        ...

    def open(self, name: str) -> Source:
        """The file `name`, to be read; raises `OSError` when there is none."""
        ...

    def read(self, name: str) -> bytes:
        """All of a file; raises `OSError` when there is none."""
        ...

    def size(self, name: str) -> int:
        """Bytes of a file that is there."""
        ...

    def has(self, name: str) -> bool:
        """Whether there is such a file."""
        ...

    def rename(self, old: str, new: str) -> None:
        """`new` becomes `old`'s content in one step."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file that is there."""
        ...

    def names(self) -> list[str]:
        """All files, sorted."""
        ...

    def sync_folder(self) -> None:
        """Return when the names are on the disk."""
        ...


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the journal: what was asked of the disk.  `ident` is the file, whatever its name."""

    what: Literal["create", "append", "sync", "rename", "remove", "sync_folder"]
    ident: int = 0
    name: str = ""
    new: str = ""
    data: bytes = b""


@dataclass(slots=True)
class _File:
    """``data`` is bytes once nobody writes it any more: so it can be handed on without a copy."""

    data: bytearray | bytes = field(default_factory=bytearray)
    synced: int = 0

    def append(self, data: bytes) -> None:
        if isinstance(self.data, bytes):
            self.data = bytearray(self.data)
        self.data += data

    def seal(self) -> None:
        self.data = bytes(self.data)


class Image:
    """The disk after some changes: names and contents, those in memory and those that are safe."""

    def __init__(self) -> None:
        self.inodes: dict[int, _File] = {}
        self.now: dict[str, int] = {}
        self.safe: dict[str, int] = {}

    def apply(self, change: Change) -> None:
        """What `change` does to the disk."""
        match change.what:
            case "create":
                self.inodes[change.ident] = _File()
                self.now[change.name] = change.ident
            case "append":
                self.inodes[change.ident].append(change.data)
            case "sync":
                file = self.inodes[change.ident]
                file.synced = len(file.data)
            case "rename":
                self.now[change.new] = self.now.pop(change.name)
            case "remove":
                del self.now[change.name]
            case "sync_folder":
                self.safe = dict(self.now)
                there = set(self.now.values())
                self.inodes = {ident: file for ident, file in self.inodes.items() if ident in there}

    def after_kill(self) -> dict[str, bytes]:
        """The files when the process dies now."""
        return {name: bytes(self.inodes[i].data) for name, i in self.now.items()}

    def after_power_failure(self, torn: float = 0.0, names_kept: bool = False) -> dict[str, bytes]:
        """The files when the power fails now.

        ``torn``: the share of the unsynced bytes of each file that reached the disk all the same.
        ``names_kept``: the folder happens to be on the disk too, as the operating system may have written it.
        """
        names = self.now if names_kept else self.safe
        files = {}
        for name, ident in names.items():
            file = self.inodes[ident]
            kept = file.synced + int(torn * (len(file.data) - file.synced))
            files[name] = bytes(file.data[:kept])
        return files


def replayed(journal: list[Change], first: dict[str, bytes] | None = None) -> Iterator[tuple[int, Image]]:
    """The disk before the first change and after each: (how many changes were made, image), always the same image."""
    image = MemoryFiles(first).image
    yield 0, image
    for count, change in enumerate(journal, 1):
        image.apply(change)
        yield count, image


class MemoryFiles:
    """A folder in memory.  ``first``: files that are safely there.  ``capacity``: bytes until the disk is full.

    With ``journal`` every change is kept in `changes`.  `syncs` counts calls of `Sink.sync`, `written` bytes.
    """

    def __init__(
        self, first: dict[str, bytes] | None = None, journal: bool = False, capacity: int | None = None
    ) -> None:
        self.image = Image()
        self.changes: list[Change] = []
        self.capacity = capacity
        self.syncs = self.folder_syncs = self.written = 0
        self._journal = journal
        self._next = 1
        for name, data in sorted((first or {}).items()):
            self.image.inodes[self._next] = _File(data, len(data))
            self.image.now[name] = self.image.safe[name] = self._next
            self._next += 1

    def _change(self, change: Change) -> None:
        self.image.apply(change)
        if self._journal:
            self.changes.append(change)

    def used(self) -> int:
        """Bytes in all files."""
        return sum(len(self.image.inodes[i].data) for i in self.image.now.values())

    def create(self, name: str) -> Sink:
        if self.capacity is not None and self.used() >= self.capacity:
            raise OSError(ENOSPC, "No space left on device", name)
        ident, self._next = self._next, self._next + 1
        self._change(Change("create", ident, name))
        return _MemorySink(self, ident)

    def extend(self, name: str) -> Sink:
        return _MemorySink(self, self._ident(name))

    def open(self, name: str) -> Source:
        return _MemorySource(self.image.inodes[self._ident(name)])

    def read(self, name: str) -> bytes:
        return bytes(self.image.inodes[self._ident(name)].data)

    def size(self, name: str) -> int:
        return len(self.image.inodes[self._ident(name)].data)

    def has(self, name: str) -> bool:
        return name in self.image.now

    def rename(self, old: str, new: str) -> None:
        self._ident(old)
        self._change(Change("rename", 0, old, new))

    def remove(self, name: str) -> None:
        self._ident(name)
        self._change(Change("remove", 0, name))

    def names(self) -> list[str]:
        return sorted(self.image.now)

    def sync_folder(self) -> None:
        self.folder_syncs += 1
        self._change(Change("sync_folder"))

    def append(self, ident: int, data: bytes) -> None:
        """Append to a file; a full disk takes what fits, as real ones do."""
        if self.capacity is not None:
            room = self.capacity - self.used()
            if len(data) > room:
                self._change(Change("append", ident, data=data[: max(room, 0)]))
                raise OSError(ENOSPC, "No space left on device")
        self.written += len(data)
        if self._journal:
            self._change(Change("append", ident, data=bytes(data)))
        else:
            self.image.inodes[ident].append(data)

    def seal(self, ident: int) -> None:
        """Nobody writes a file any more."""
        if ident in self.image.inodes:
            self.image.inodes[ident].seal()

    def sync(self, ident: int) -> None:
        """Make a file safe as it is."""
        self.syncs += 1
        self._change(Change("sync", ident))

    def _ident(self, name: str) -> int:
        if name not in self.image.now:
            raise OSError(ENOENT, "No such file", name)
        return self.image.now[name]


class _MemorySink:
    def __init__(self, files: MemoryFiles, ident: int) -> None:
        self._files = files
        self._ident = ident

    def append(self, data: bytes) -> None:
        self._files.append(self._ident, data)

    def sync(self) -> None:
        self._files.sync(self._ident)

    def close(self) -> None:
        self._files.seal(self._ident)


class _MemorySource:
    def __init__(self, file: _File) -> None:
        self._data = bytes(file.data)
        self.size = len(file.data)

    def read(self, at: int, size: int) -> bytes:
        return self._data[at : at + size]

    def close(self) -> None:
        pass
