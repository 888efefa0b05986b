"""The check sums of the Internet.

`internet` is the one's complement sum of RFC 1071, `crc32c` the polynomial of SCTP (RFC 9260 Appendix A).
"""

from __future__ import annotations

import google_crc32c

__all__ = ["crc32c", "internet", "pseudo_header"]


def internet(*pieces: bytes) -> int:
    """RFC 1071: the complement of the one's complement sum of 16-bit words; 0 over data that holds a right sum.

    As 2¹⁶ ≡ 1 modulo 2¹⁶ - 1, the sum of the words is the whole message as one number, modulo 2¹⁶ - 1.
    """
    data = b"".join(pieces)
    if len(data) & 1:
        data += b"\0"
    number = int.from_bytes(data, "big")
    rest = number % 0xFFFF
    if rest == 0 and number:
        rest = 0xFFFF
    return rest ^ 0xFFFF


def pseudo_header(src: bytes, dst: bytes, proto: int, size: int) -> bytes:
    """What TCP, UDP and ICMPv6 sum up besides themselves (RFC 9293 §3.1, RFC 8200 §8.1)."""
    if len(src) == 4:
        return src + dst + bytes((0, proto)) + size.to_bytes(2, "big")
    return src + dst + size.to_bytes(4, "big") + bytes((0, 0, 0, proto))


def crc32c(data: bytes) -> int:
    """CRC-32C as SCTP puts it on the wire, read as a big-endian number."""
    return int.from_bytes(google_crc32c.value(data).to_bytes(4, "little"), "big")
