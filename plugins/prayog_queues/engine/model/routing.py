"""Which queues a message goes to: AMQP 0-9-1, section 3.1.3 (exchange types), for the four kinds of exchanges.

The routing key is the message's `type`.  A queue gets one copy, however many of its bindings fit.
"""

from __future__ import annotations

from functools import lru_cache

from prayog_queues.engine.envelope import Message
from prayog_queues.engine.port import Binding, Exchange, Topology

__all__ = ["fits", "matches", "route"]


def route(topology: Topology, message: Message, to: str) -> list[str]:
    """Names of the queues that get it, in the order of their declaration; none: it is unroutable."""
    exchange = next((e for e in topology.exchanges if e.name == to), None)
    if exchange is None:
        return [to] if any(queue.name == to for queue in topology.queues) else []
    hit = {b.queue for b in topology.bindings if b.exchange == to and fits(exchange, b, message)}
    return [queue.name for queue in topology.queues if queue.name in hit]


def fits(exchange: Exchange, binding: Binding, message: Message) -> bool:
    """Whether `binding` lets `message` through."""
    match exchange.kind:
        case "fanout":
            return True
        case "direct":
            return binding.pattern == message.type
        case "topic":
            return matches(binding.pattern, message.type)
        case _:
            return _headers(binding.pattern, message)


@lru_cache(4_096)
def matches(pattern: str, key: str) -> bool:
    """Topic patterns: words between dots, ``*`` is one word, ``#`` is any number of words, also none.

    An empty text has no words; two dots in a row have an empty one between them (as RabbitMQ 3.10 does it).
    """
    return _words(tuple(pattern.split(".")) if pattern else (), tuple(key.split(".")) if key else ())


def _words(pattern: tuple[str, ...], key: tuple[str, ...]) -> bool:
    if not pattern:
        return not key
    head, rest = pattern[0], pattern[1:]
    if head == "#":
        return any(_words(rest, key[n:]) for n in range(len(key) + 1))
    return bool(key) and head in ("*", key[0]) and _words(rest, key[1:])


def _headers(pattern: str, message: Message) -> bool:
    """``all: type=order, city=Pune`` or ``any: …``; without a word in front, all must fit."""
    mode, colon, wanted = pattern.partition(":")
    if not colon:
        mode, wanted = "all", pattern
    have = {("type", message.type), ("key", message.key), *message.headers}
    pairs = [tuple(part.strip() for part in item.split("=", 1)) for item in wanted.split(",") if "=" in item]
    found = [pair in have for pair in pairs]
    return any(found) if mode.strip() == "any" else all(found)
