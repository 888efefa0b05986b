"""The disk of this machine, as `files.Files`: one folder, plain system calls."""

from __future__ import annotations

import os
from os import write
from pathlib import Path

from prayog_writes.engine.files import Sink, Source

__all__ = ["DiskFiles"]


class DiskFiles:
    """A folder, made when it is not there.  `syncs` counts fsyncs of files, `folder_syncs` those of the folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.syncs = self.folder_syncs = 0

    def create(self, name: str) -> Sink:
        return _DiskSink(self, self.folder / name, os.O_TRUNC)

    def extend(self, name: str) -> Sink:
        return _DiskSink(self, self.folder / name, os.O_APPEND)

    def open(self, name: str) -> Source:
        return _DiskSource(self.folder / name)

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def size(self, name: str) -> int:
        return (self.folder / name).stat().st_size

    def has(self, name: str) -> bool:
        return (self.folder / name).exists()

    def rename(self, old: str, new: str) -> None:
        os.replace(self.folder / old, self.folder / new)

    def remove(self, name: str) -> None:
        os.remove(self.folder / name)

    def names(self) -> list[str]:
        return sorted(entry.name for entry in os.scandir(self.folder) if entry.is_file())

    def sync_folder(self) -> None:
        self.folder_syncs += 1
        if os.name == "nt":  # a folder cannot be opened there; NTFS journals names by itself
            return
        number = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


_BINARY = getattr(os, "O_BINARY", 0)
_sync = getattr(os, "fdatasync", os.fsync)
"""fdatasync(2) leaves out what is not needed to read the file again, such as the time of the last change."""


class _DiskSink:
    __slots__ = ("_files", "_number")

    def __init__(self, files: DiskFiles, path: Path, how: int) -> None:
        self._files = files
        self._number = os.open(path, os.O_WRONLY | os.O_CREAT | _BINARY | how, 0o644)

    def append(self, data: bytes) -> None:
        done = write(self._number, data)
        while done < len(data):  # the system may take less than it was given
            done += write(self._number, data[done:])

    def sync(self) -> None:
        self._files.syncs += 1
        _sync(self._number)

    def close(self) -> None:
        if self._number >= 0:
            os.close(self._number)
            self._number = -1


class _DiskSource:
    """Closes itself when nobody holds it any more: a scan may outlive the table's place in the database."""

    __slots__ = ("_number", "size")

    def __init__(self, path: Path) -> None:
        self._number = -1
        self._number = os.open(path, os.O_RDONLY | _BINARY)
        self.size = os.fstat(self._number).st_size

    def read(self, at: int, size: int) -> bytes:
        if hasattr(os, "pread"):
            return os.pread(self._number, size, at)
        os.lseek(self._number, at, os.SEEK_SET)
        return os.read(self._number, size)

    def close(self) -> None:
        if self._number >= 0:
            os.close(self._number)
            self._number = -1

    def __del__(self) -> None:
        self.close()
