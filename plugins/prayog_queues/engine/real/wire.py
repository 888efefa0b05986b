"""A message as bytes: JSON whose fields are those of the envelope, short ones left out.

Every adapter that has only bytes and headers to give uses it, so that a message read from one broker can be given to
another.
"""

from __future__ import annotations

import json
import time
from dataclasses import fields
from typing import Any

from prayog_queues.engine.envelope import Death, Message

__all__ = ["decode", "encode", "now_us", "safe_name"]

_PLAIN = {field.name: field.default for field in fields(Message) if field.name not in ("id", "headers", "deaths")}


def now_us() -> int:
    """The wall clock of this machine, µs since 1970."""
    return time.time_ns() // 1_000


def encode(message: Message) -> bytes:
    """`message` as JSON."""
    told: dict[str, Any] = {"id": message.id}
    for name, default in _PLAIN.items():
        value = getattr(message, name)
        if value != default:
            told[name] = value
    if message.headers:
        told["headers"] = message.headers
    if message.deaths:
        told["deaths"] = [(d.queue, d.reason, d.attempts, d.at_us) for d in message.deaths]
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()


def decode(data: bytes | str) -> Message:
    """What `encode` made; bytes of somebody else become the body of a message without an id."""
    try:
        told = json.loads(data)
        headers = tuple((str(name), str(value)) for name, value in told.pop("headers", ()))
        deaths = tuple(Death(*death) for death in told.pop("deaths", ()))
        return Message(**told, headers=headers, deaths=deaths)
    except (ValueError, TypeError, AttributeError):
        text = data.decode("utf-8", "backslashreplace") if isinstance(data, bytes) else data
        return Message("", body=text, type="unknown")


def safe_name(name: str) -> str:
    """`name` as every broker and database takes it: letters, digits and ``_``."""
    return "".join(sign if sign.isascii() and sign.isalnum() else "_" for sign in name)
