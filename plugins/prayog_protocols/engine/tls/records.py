"""Opens the records of one direction: TLS 1.0 to 1.2 (RFC 2246, 4346, 5246, 5288, 7905), TLS 1.3 (RFC 8446 §5.2) and
DTLS up to 1.2.

The ciphers are those of the `cryptography` library; without it nothing is opened, and everything else still works.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from hashlib import sha1, sha256, sha384
from typing import Any

__all__ = ["SUITES", "Opener", "Suite", "master_keys", "traffic_opener"]


@dataclass(frozen=True, slots=True)
class Suite:
    """How a cipher suite protects records."""

    cipher: str  # "gcm", "ccm", "ccm8", "chacha", "cbc"
    key: int  # bytes
    hash: str = "sha256"  # of the key derivation
    mac: str = ""  # of CBC suites


def _suites() -> dict[int, Suite]:
    found: dict[int, Suite] = {0x1301: Suite("gcm", 16), 0x1302: Suite("gcm", 32, "sha384"),
        0x1303: Suite("chacha", 32),
                               0x1304: Suite("ccm", 16), 0x1305: Suite("ccm8", 16)}  # fmt: skip
    for number in (0x009C, 0x009E, 0xC02B, 0xC02F):
        found[number], found[number + 1] = Suite("gcm", 16), Suite("gcm", 32, "sha384")
    for number in (0xCCA8, 0xCCA9, 0xCCAA):
        found[number] = Suite("chacha", 32)
    for number in (0x002F, 0x0033, 0xC009, 0xC013):
        found[number] = Suite("cbc", 16, mac="sha1")
    for number in (0x0035, 0x0039, 0xC00A, 0xC014):
        found[number] = Suite("cbc", 32, mac="sha1")
    for number in (0x003C, 0x0067, 0xC023, 0xC027):
        found[number] = Suite("cbc", 16, mac="sha256")
    for number in (0x003D, 0x006B):
        found[number] = Suite("cbc", 32, mac="sha256")
    for number in (0xC024, 0xC028):
        found[number] = Suite("cbc", 32, "sha384", mac="sha384")
    found[0xC0AC], found[0xC0AD] = Suite("ccm", 16), Suite("ccm", 32)
    return found


SUITES = _suites()
_HASHES = {"sha1": sha1, "sha256": sha256, "sha384": sha384}


def _prf(secret: bytes, label: bytes, seed: bytes, size: int, name: str) -> bytes:
    """The pseudo-random function of TLS 1.2 (RFC 5246 §5)."""
    out, block, seed = b"", label + seed, label + seed
    while len(out) < size:
        block = hmac.digest(secret, block, name)
        out += hmac.digest(secret, block + seed, name)
    return out[:size]


def _old_prf(secret: bytes, label: bytes, seed: bytes, size: int) -> bytes:
    """That of TLS 1.0 and 1.1: each half of the secret with a hash of its own (RFC 2246 §5)."""
    half = (len(secret) + 1) // 2
    parts = _prf(secret[:half], label, seed, size, "md5"), _prf(secret[-half:], label, seed, size, "sha1")
    return bytes(a ^ b for a, b in zip(*parts, strict=True))


def _expand(secret: bytes, label: str, size: int, name: str) -> bytes:
    """HKDF-Expand-Label with an empty context (RFC 8446 §7.1)."""
    words = b"tls13 " + label.encode()
    info = size.to_bytes(2, "big") + bytes((len(words),)) + words + b"\0"
    out, block, count = b"", b"", 1
    while len(out) < size:
        block = hmac.digest(secret, block + info + bytes((count,)), name)
        out, count = out + block, count + 1
    return out[:size]


class Opener:
    """Opens one record after the other."""

    def __init__(
        self, suite: Suite, key: bytes, iv: bytes, modern: bool, mac: bytes = b"", encrypt_then_mac: bool = False
    ) -> None:
        self.suite, self.key, self.iv, self.modern, self.mac = suite, key, iv, modern, mac
        self.encrypt_then_mac = encrypt_then_mac
        self.number = 0
        self.secret = b""  # TLS 1.3: for the next keys
        self._aead: Any = _aead(suite, key)

    def open(self, kind: int, version: int, content: bytes, number: int | None = None) -> bytes | None:
        """The plain text of a record, with TLS 1.3's inner type still behind it; None when it cannot be opened.

        `number` is the record's own where it carries one (DTLS: epoch and sequence number).
        """
        count = self.number if number is None else number
        self.number += 1
        try:
            if self.suite.cipher == "cbc":
                return self._cbc(content)
            return self._sealed(kind, version, content, count)
        except Exception:  # noqa: BLE001 - whatever the library says: it cannot be opened
            return None

    def _sealed(self, kind: int, version: int, content: bytes, count: int) -> bytes | None:
        if self._aead is None:
            return None
        tag = 8 if self.suite.cipher == "ccm8" else 16
        if self.modern:
            nonce = (int.from_bytes(self.iv, "big") ^ count).to_bytes(12, "big")
            head = bytes((kind,)) + version.to_bytes(2, "big") + len(content).to_bytes(2, "big")
            return bytes(self._aead.decrypt(nonce, content, head))
        if self.suite.cipher == "chacha":
            nonce, sealed = (int.from_bytes(self.iv, "big") ^ count).to_bytes(12, "big"), content
        else:
            nonce, sealed = self.iv + content[:8], content[8:]
        size = len(sealed) - tag
        head = count.to_bytes(8, "big") + bytes((kind,)) + version.to_bytes(2, "big") + size.to_bytes(2, "big")
        return bytes(self._aead.decrypt(nonce, sealed, head))

    def _cbc(self, content: bytes) -> bytes | None:
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        size = _HASHES[self.suite.mac]().digest_size
        if self.encrypt_then_mac:
            content = content[:-size]
        if self.iv:  # TLS 1.0: the last block of a record begins the next one (RFC 2246 §6.2.3.2)
            content = self.iv + content
        if len(content) < 32 or len(content) % 16:
            return None
        self.iv = content[-16:] if self.iv else b""
        machine = Cipher(algorithms.AES(self.key), modes.CBC(content[:16])).decryptor()
        plain = machine.update(content[16:]) + machine.finalize()
        padding = plain[-1]
        end = len(plain) - 1 - padding - (0 if self.encrypt_then_mac else size)
        return plain[:end] if end >= 0 and plain[-padding - 1 :] == bytes((padding,)) * (padding + 1) else None

    def updated(self) -> Opener:
        """The opener after a Key Update (RFC 8446 §7.2)."""
        size = _HASHES[self.suite.hash]().digest_size
        return traffic_opener(_expand(self.secret, "traffic upd", size, self.suite.hash), self.suite)


def _aead(suite: Suite, key: bytes) -> Any:
    try:
        from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305
    except ImportError:
        return None
    match suite.cipher:
        case "gcm":
            return AESGCM(key)
        case "ccm" | "ccm8":
            return AESCCM(key, tag_length=8 if suite.cipher == "ccm8" else 16)
        case "chacha":
            return ChaCha20Poly1305(key)
        case _:
            return None


def master_keys(
    master: bytes, client_random: bytes, server_random: bytes, suite: Suite, encrypt_then_mac: bool = False,
    version: int = 0x0303,
) -> tuple[Opener, Opener]:  # fmt: skip
    """Openers for what the client and for what the server sends, from a master secret (RFC 5246 §6.3)."""
    mac = _HASHES[suite.mac]().digest_size if suite.mac else 0
    iv = 12 if suite.cipher == "chacha" else 4 if not suite.mac else 16 if version == 0x0301 else 0
    size, seed = 2 * (mac + suite.key + iv), server_random + client_random
    if version in (0x0301, 0x0302, 0xFEFF):
        block = _old_prf(master, b"key expansion", seed, size)
    else:
        block = _prf(master, b"key expansion", seed, size, suite.hash)
    at, pieces = 0, []
    for size in (mac, mac, suite.key, suite.key, iv, iv):
        pieces.append(block[at : at + size])
        at += size
    return (
        Opener(suite, pieces[2], pieces[4], False, pieces[0], encrypt_then_mac),
        Opener(suite, pieces[3], pieces[5], False, pieces[1], encrypt_then_mac),
    )


def traffic_opener(secret: bytes, suite: Suite) -> Opener:
    """The opener of a traffic secret of TLS 1.3 (RFC 8446 §7.3)."""
    opener = Opener(suite, _expand(secret, "key", suite.key, suite.hash), _expand(secret, "iv", 12, suite.hash), True)
    opener.secret = secret
    return opener
