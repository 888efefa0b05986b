"""Signing and encrypting a message: two different things.

Signing (HMAC-SHA-256, RFC 2104) proves who made a message and that nobody changed it; the body stays readable.
Encrypting (AES-SIV, RFC 5297) hides the body; which key opened it says little about who else has that key.
AES-SIV needs no random number, so that a run stays the same run.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256, sha512

from prayog_queues.engine.envelope import Message

__all__ = ["CAN_ENCRYPT", "Unreadable", "opened", "sealed", "signed", "signed_by"]

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESSIV

    CAN_ENCRYPT = True
except ImportError:  # the lab then signs only, and says so
    CAN_ENCRYPT = False

_MARK = "aes-siv:"


class Unreadable(ValueError):
    """The body cannot be opened with this key."""


def signed(message: Message, key: str) -> Message:
    """The message with a signature over its id, source, type, key, time, number and body."""
    return replace(message, signature=_mac(message, key))


def signed_by(message: Message, key: str) -> bool:
    """Whether `key` made its signature and nothing was changed since."""
    return hmac.compare_digest(message.signature, _mac(message, key))


def _mac(message: Message, key: str) -> str:
    numbers = (str(message.time_us), str(message.number))
    parts = (message.id, message.source, message.type, message.key, *numbers, message.body)
    bound = "".join(f"{len(part)}:{part}" for part in parts)  # lengths: no two messages give the same text
    return hmac.new(key.encode(), bound.encode(), sha256).hexdigest()


def sealed(message: Message, key: str) -> Message:
    """The message with its body encrypted; raises `Unreadable` where the lab has no library for it."""
    if not CAN_ENCRYPT:
        raise Unreadable("this installation has no library to encrypt with (cryptography)")
    box = AESSIV(sha512(key.encode()).digest()).encrypt(message.body.encode(), [message.id.encode()])
    return replace(message, body=_MARK + b64encode(box).decode())


def opened(message: Message, key: str) -> Message:
    """The message with its body readable again.  Raises `Unreadable`."""
    if not message.body.startswith(_MARK):
        return message
    if not CAN_ENCRYPT:
        raise Unreadable("this installation has no library to decrypt with (cryptography)")
    try:
        box = b64decode(message.body.removeprefix(_MARK), validate=True)
        body = AESSIV(sha512(key.encode()).digest()).decrypt(box, [message.id.encode()])
    except (InvalidTag, ValueError):
        raise Unreadable(f"the body of {message.id} cannot be opened with this key, or was changed") from None
    return replace(message, body=body.decode())
