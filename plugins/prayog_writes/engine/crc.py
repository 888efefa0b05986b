"""CRC-32C (Castagnoli), the checksum of every record and block, as LevelDB stores it.

The package google-crc32c does it with the processor's own instruction.  Where it is missing, a table does: 85 times
slower for a log record, so the lab depends on the package and only reads other people's files without it.

Source: RFC 3720 appendix B.4 (check value E3069283 for "123456789"); the mask is that of LevelDB's `crc32c.h`, so
that the checksum of data that itself holds checksums does not degenerate.
"""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["crc32c", "crc32c_by_table", "masked"]

_POLYNOMIAL = 0x82F63B78  # 1EDC6F41 with its bits reversed


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = (byte >> 1) ^ (_POLYNOMIAL if byte & 1 else 0)  # noqa: PLW2901 - shifted out bit by bit
        table.append(byte)
    return tuple(table)


_TABLE = _table()


def crc32c_by_table(data: bytes) -> int:
    """The checksum, one byte at a time."""
    table, crc = _TABLE, 0xFFFFFFFF
    for byte in data:
        crc = table[(crc ^ byte) & 255] ^ (crc >> 8)
    return crc ^ 0xFFFFFFFF


def _quickest() -> Callable[[bytes], int]:
    try:
        import google_crc32c
    except ImportError:
        return crc32c_by_table
    value: Callable[[bytes], int] = google_crc32c.value
    return value


crc32c: Callable[[bytes], int] = _quickest()
"""The checksum of some bytes, 0 … 2³² − 1."""


def masked(crc: int) -> int:
    """The form in which a checksum is stored."""
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
