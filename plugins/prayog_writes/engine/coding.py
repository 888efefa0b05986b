"""Numbers and keys as bytes, as LevelDB writes them.

A *varint* holds 7 bits a byte, lowest first; the high bit says that more follow.  An *internal key* is the user's
key and 8 bytes more: ``sequence << 8 | kind``, little-endian, kind 1 for a value and 0 for a tombstone.

Source: LevelDB `util/coding.cc`, `db/dbformat.h`.
"""

from __future__ import annotations

from struct import Struct

__all__ = ["DELETE", "MAX_SEQUENCE", "PUT", "TRAILER", "internal", "sized", "take_sized", "take_varint", "varint"]

PUT, DELETE = 1, 0
TRAILER = Struct("<Q")
MAX_SEQUENCE = (1 << 56) - 1


def varint(number: int) -> bytes:
    """`number` (not negative) in 7 bits a byte."""
    if number < 128:
        return bytes((number,))
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def take_varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at `at` and the place after it; raises `IndexError` when the bytes end first."""
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            return number, at
        shift += 7


def sized(data: bytes) -> bytes:
    """`data` behind its length."""
    return varint(len(data)) + data


def take_sized(data: bytes, at: int) -> tuple[bytes, int]:
    """What `sized` wrote; raises `IndexError` when the bytes end first."""
    size, at = take_varint(data, at)
    if at + size > len(data):
        raise IndexError(f"{size} bytes were announced, {len(data) - at} are there")
    return data[at : at + size], at + size


def internal(key: bytes, sequence: int, kind: int) -> bytes:
    """The internal key of one version of `key`."""
    return key + TRAILER.pack(sequence << 8 | kind)
