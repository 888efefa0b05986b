"""As much of QUIC as its first flight needs: packets with long headers, and Initial packets that anybody can open.

An Initial packet is encrypted with keys made of the connection id that stands in it (RFC 9001 §5.2), against accidents
and boxes on the way, not against readers.  Sources: RFC 9000 §17.2 and §14.1, RFC 9001 §5.
"""

from __future__ import annotations

from struct import pack

__all__ = ["HANDSHAKE", "ZERO_RTT", "initial", "long", "short"]

ZERO_RTT, HANDSHAKE = 0xD3, 0xE3
_SALT = bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a")  # RFC 9001 §5.2
_LEAST = 1_200  # bytes of a datagram with an Initial packet


def _number(value: int) -> bytes:
    """A variable-length integer, in two bytes (RFC 9000 §16)."""
    return pack(">H", 0x4000 | value)


def _head(first: int, to: bytes, of: bytes) -> bytes:
    return bytes((first,)) + pack(">I", 1) + bytes((len(to),)) + to + bytes((len(of),)) + of


def long(first: int, to: bytes, of: bytes, sealed: bytes) -> bytes:
    """A packet with a long header whose encrypted part (with its number) is `sealed`."""
    return _head(first, to, of) + _number(len(sealed)) + sealed


def short(to: bytes, sealed: bytes) -> bytes:
    """A packet with a short header: after the handshake."""
    return b"\x43" + to + sealed


def _expanded(secret: bytes, label: bytes, size: int) -> bytes:
    """HKDF-Expand-Label with SHA-256 (RFC 8446 §7.1)."""
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

    label = b"tls13 " + label
    return HKDFExpand(SHA256(), size, pack(">HB", size, len(label)) + label + b"\0").derive(secret)


def initial(known: bytes, to: bytes, of: bytes, hello: bytes, *, server: bool) -> bytes:
    """A datagram with one Initial packet that carries `hello`; `known` is the client's first destination id."""
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.hmac import HMAC

    extract = HMAC(_SALT, SHA256())
    extract.update(known)
    secret = _expanded(extract.finalize(), b"server in" if server else b"client in", 32)
    key, vector, mask_key = (
        _expanded(secret, *each) for each in ((b"quic key", 16), (b"quic iv", 12), (b"quic hp", 16))
    )
    plain = b"\x06\x00" + _number(len(hello)) + hello  # a CRYPTO frame from offset 0; zeros after it are PADDING
    head = _head(0xC3, to, of) + b"\x00"  # no token
    plain += bytes(_LEAST - len(head) - 2 - 4 - len(plain) - 16)
    head += _number(4 + len(plain) + 16) + bytes(4)  # packet number 0 in four bytes
    packet = bytearray(head + AESGCM(key).encrypt(vector, plain, head))
    at = len(head) - 4
    sample = bytes(packet[at + 4 : at + 20])  # RFC 9001 §5.4.2
    mask = Cipher(algorithms.AES(mask_key), modes.ECB()).encryptor().update(sample)
    packet[0] ^= mask[0] & 0x0F
    for n in range(4):
        packet[at + n] ^= mask[n + 1]
    return bytes(packet)
