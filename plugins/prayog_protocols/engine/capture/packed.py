"""Captures packed with gzip (RFC 1952), unpacked a piece at a time, with a limit: a small file can hold a huge one."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from contextlib import suppress

from prayog_protocols.engine.capture.records import CaptureError, Problem

__all__ = ["LARGEST", "MAGIC", "unpack"]

MAGIC = b"\x1f\x8b"
LARGEST = 8 << 30  # bytes that are unpacked at most
PIECE = 1 << 14
BELIEVED = 256 << 20  # from this size on, a file must not be …
RATIO = 200  # … that many times larger than it was packed: captures are 2 to 30 times larger


def unpack(
    read: Callable[[int], bytes],
    write: Callable[[bytes], object],
    progress: Callable[[int], bool] | None = None,
    largest: int = LARGEST,
) -> list[Problem]:
    """Unpack what `read` gives, and hand it to `write`.  Returns what was wrong; raises `CaptureError` for too much.

    `progress` is told how many packed bytes were read; when it answers False, unpacking stops there.
    """
    taken = made = start = 0
    member = zlib.decompressobj(31)
    piece = b""
    while True:
        if not piece:
            piece = read(PIECE)
            taken += len(piece)
            if not piece:
                break
            if progress is not None and not progress(taken):
                return []
        if member.eof:  # gzip files may stand one after the other
            if not piece.startswith(MAGIC):
                return [Problem(made, "After the packed part come bytes that are not packed; they were left out.")]
            member, start = zlib.decompressobj(31), taken - len(piece)
        before = member.copy()
        try:
            out = member.decompress(piece, 1 << 20)
        except zlib.error as problem:
            write(_up_to_damage(before, piece))
            return [Problem(made, f"The packed file is damaged near byte {taken - len(piece)}: {problem}.")]
        piece = member.unconsumed_tail or member.unused_data
        made += len(out)
        if made > largest or (made > BELIEVED and made > taken * RATIO):
            raise CaptureError(
                f"{taken:,} bytes of this file unpack to more than {made:,}: no capture packs so well, or it is too "
                "large for here. Unpack it with gzip yourself if you trust it."
            )
        write(out)
    if not member.eof and taken > start:
        return [Problem(made, f"The packed file ends at byte {taken}, in the middle: what could be unpacked is here.")]
    return []


def _up_to_damage(member: zlib._Decompress, piece: bytes) -> bytes:
    """What can be unpacked of a piece that is damaged."""
    out = b""
    with suppress(zlib.error):
        for at in range(len(piece)):
            out += member.decompress(piece[at : at + 1])
    return out
