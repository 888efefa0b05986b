"""Decompression of Snappy blocks, so that other people's LevelDB files can be read without their library.

Source: google/snappy `format_description.txt`.
"""

from __future__ import annotations

from prayog_writes.engine.coding import take_varint

__all__ = ["decompress"]


def decompress(data: bytes) -> bytes:
    """What was compressed; raises `ValueError` when `data` is no Snappy block."""
    try:
        return _decompress(data)
    except IndexError:
        raise ValueError("the compressed block ends too early") from None


def _decompress(data: bytes) -> bytes:
    size, at = take_varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        kind, high = tag & 3, tag >> 2
        if kind == 0:
            length = high + 1
            if high >= 60:
                more = high - 59
                length = int.from_bytes(data[at : at + more], "little") + 1
                at += more
            out += data[at : at + length]
            at += length
            continue
        if kind == 1:
            length, offset = (high & 7) + 4, tag >> 5 << 8 | data[at]
            at += 1
        else:
            width = 2 if kind == 2 else 4
            length, offset = high + 1, int.from_bytes(data[at : at + width], "little")
            at += width
        if not 0 < offset <= len(out):
            raise ValueError(f"a copy from {offset} bytes back, but {len(out)} are there")
        begin = len(out) - offset
        while length > 0:  # a copy may overlap what it writes
            piece = out[begin : begin + min(length, offset)]
            out += piece
            length -= len(piece)
    if len(out) != size:
        raise ValueError(f"{size} bytes were announced, {len(out)} came out")
    return bytes(out)
