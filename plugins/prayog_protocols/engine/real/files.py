"""Capture files on disk: mapped into memory, so that a gigabyte opens without being read; packed ones are unpacked."""

from __future__ import annotations

import mmap
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from prayog_protocols.engine.capture import packed
from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.capture.records import CaptureError, Problem
from prayog_protocols.engine.real.reader import Reader

__all__ = ["open_capture"]

Progress = Callable[[int], bool]


def open_capture(path: str | Path, progress: Progress | None = None) -> Capture:
    """The capture in a file: pcap or pcapng, also packed with gzip.  Close it when it is no longer needed.

    `progress` is told now and then how many bytes were gone through; when it answers False, reading stops there.
    Raises `CaptureError` with a sentence when the file cannot be read or is no capture.
    """
    path = Path(path)
    try:
        file: IO[bytes] = path.open("rb")
    except OSError as problem:
        raise CaptureError(f"{path.name} cannot be opened: {problem.strerror or problem}.") from None
    problems: list[Problem] = []
    try:
        with suppress(OSError):
            if file.read(2) == packed.MAGIC:
                file, problems = _unpacked(file, progress)
        file.seek(0, 2)
        data: bytes | mmap.mmap = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if file.tell() else b""
    except (OSError, ValueError) as problem:
        file.close()
        if isinstance(problem, CaptureError):
            raise
        raise CaptureError(f"{path.name} cannot be read: {problem}.") from None

    reader = Reader(path)

    def release() -> None:
        reader.close()
        if isinstance(data, mmap.mmap):
            with suppress(BufferError):  # somebody still looks at it: it goes with the last one
                data.close()
        file.close()

    try:
        capture = Capture(data, path.name, progress=progress, release=release)
        capture.reader = reader
    except CaptureError:
        release()
        raise
    capture.records.problems.extend(problems)
    return capture


def _unpacked(file: IO[bytes], progress: Progress | None) -> tuple[IO[bytes], list[Problem]]:
    """A file without a name that holds the unpacked bytes, and what was wrong."""
    file.seek(0)
    # The capture keeps it open.
    out = tempfile.TemporaryFile(prefix="prayog-")  # noqa: SIM115
    try:
        free = shutil.disk_usage(tempfile.gettempdir()).free
        with file:
            problems = packed.unpack(file.read, out.write, progress, min(packed.LARGEST, free // 2))
        out.flush()
    except BaseException:
        out.close()
        raise
    return out, problems
