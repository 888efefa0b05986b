"""Snappy, the quick compression of LevelDB's blocks: repeated bytes become references to where they stood before.

    varint length of the whole | elements: a literal (its bytes follow) or a copy (length, how far back)

An element's first byte tells its kind in the lowest two bits: 0 a literal, 1 a copy of 4 … 11 bytes from at most 2,047
bytes back, 2 one of 1 … 64 bytes from at most 65,535 back, 3 the same with four bytes of distance.

`compress` takes, from left to right, the nearest earlier place with the same four bytes and makes the most of it.
numpy finds these places for a whole block by one sort; the reference program keeps a table of hashes instead.

Source: google/snappy `format_description.txt`.
"""

from __future__ import annotations

import numpy as np

from prayog_writes.engine.coding import take_varint, varint

__all__ = ["compress", "decompress"]

FAR = 65_535
"""A copy of kind 2 reaches so far back."""


def compress(data: bytes) -> bytes:
    """`data` as a Snappy block; never much longer than `data`."""
    out, done = [varint(len(data))], 0
    for start, back in _repeats(data):
        if start < done or back > FAR:
            continue
        length = _common(data, start - back, start)
        if done < start:
            out.append(_literal(data[done:start]))
        done = start + length
        while length > 64:
            out.append(_copy(64, back))
            length -= 64
        out.append(_copy(length, back))
    if done < len(data):
        out.append(_literal(data[done:]))
    return b"".join(out)


def _repeats(data: bytes) -> list[tuple[int, int]]:
    """Every place whose four bytes stood somewhere before, and how far back that is at least."""
    count = len(data) - 3
    if count < 2:
        return []
    words = np.ndarray((count,), "<u4", data, strides=(1,))
    order = np.argsort(words, kind="stable")
    same = words[order[1:]] == words[order[:-1]]
    back = np.zeros(count, np.int64)
    back[order[1:][same]] = (order[1:] - order[:-1])[same]
    found = np.flatnonzero(back)
    return list(zip(found.tolist(), back[found].tolist(), strict=True))


def _common(data: bytes, a: int, b: int) -> int:
    """How many bytes from `a` and from `b` on are the same; four are known to be."""
    length = 4
    while (more := data[b + length : b + length + 32]) and data[a + length : a + length + len(more)] == more:
        length += len(more)
    while b + length < len(data) and data[a + length] == data[b + length]:
        length += 1
    return length


def _literal(data: bytes) -> bytes:
    rest = len(data) - 1
    if rest < 60:
        return bytes((rest << 2,)) + data
    width = (rest.bit_length() + 7) // 8
    return bytes((59 + width << 2,)) + rest.to_bytes(width, "little") + data


def _copy(length: int, back: int) -> bytes:
    if 4 <= length < 12 and back < 2048:
        return bytes((1 | length - 4 << 2 | back >> 8 << 5, back & 255))
    return bytes((2 | length - 1 << 2,)) + back.to_bytes(2, "little")


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
        if len(out) > size:
            break  # before a damaged length fills the memory
    if len(out) != size:
        raise ValueError(f"{size} bytes were announced, {len(out)} came out")
    return bytes(out)
