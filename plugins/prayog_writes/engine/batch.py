"""A write batch: the payload of one log record, and therefore what a crash keeps or loses as a whole.

    8 bytes sequence of the first operation | 4 bytes count | operations
    operation: 1 put, 0 delete | varint length, key | for a put: varint length, value

Source: LevelDB `db/write_batch.cc`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from struct import Struct

from prayog_writes.engine.coding import take_sized, varint

__all__ = ["HEAD", "Operation", "body_of", "decode", "encode_put", "puts_of"]

HEAD = Struct("<QI")
_ONE = Struct("<BQI")
Operation = tuple[bytes, bytes | None]
"""A key and its value; None deletes the key."""


class _Heads(dict[int, bytes]):
    """Length → the bytes before a key or a value of that length; each is made once."""

    def __init__(self, before: bytes) -> None:
        super().__init__()
        self._before = before

    def __missing__(self, length: int) -> bytes:
        head = self._before + varint(length)
        if length < 4096:
            self[length] = head
        return head


_PUT_KEY, _DELETE_KEY, _VALUE = _Heads(b"\x01"), _Heads(b"\x00"), _Heads(b"")


def encode_put(sequence: int, key: bytes, value: bytes) -> bytes:
    """A whole log record: its type (1), and the payload of a batch that puts one value."""
    return b"".join((_ONE.pack(1, sequence, 1), _PUT_KEY[len(key)], key, _VALUE[len(value)], value))


def body_of(operations: Iterable[Operation]) -> bytes:
    """The operations of a batch, without its head."""
    parts: list[bytes] = []
    for key, value in operations:
        if value is None:
            parts += (_DELETE_KEY[len(key)], key)
        else:
            parts += (_PUT_KEY[len(key)], key, _VALUE[len(value)], value)
    return b"".join(parts)


def puts_of(keys: list[bytes], values: list[bytes]) -> bytes:
    """Like `body_of` for puts alone, in one pass; rows of one shape without any loop in Python."""
    if len(set(map(len, keys))) == 1 == len(set(map(len, values))):
        head, size = _PUT_KEY[len(keys[0])], _VALUE[len(values[0])]
        return b"".join(chain.from_iterable(zip(repeat(head), keys, repeat(size), values, strict=False)))
    heads, sizes = _PUT_KEY, _VALUE
    return b"".join(
        [
            part
            for key, value in zip(keys, values, strict=True)
            for part in (heads[len(key)], key, sizes[len(value)], value)
        ]
    )


def decode(payload: bytes) -> tuple[int, list[Operation]]:
    """The first sequence and the operations; raises `ValueError` with what is wrong."""
    if len(payload) < HEAD.size:
        raise ValueError(f"a batch has at least {HEAD.size} bytes, this one {len(payload)}")
    sequence, count = HEAD.unpack_from(payload)
    operations = list(_operations(payload))
    if len(operations) != count:
        raise ValueError(f"the batch announces {count} operations and holds {len(operations)}")
    return sequence, operations


def _operations(payload: bytes) -> Iterator[Operation]:
    at = HEAD.size
    try:
        while at < len(payload):
            kind = payload[at]
            if kind > 1:
                raise ValueError(f"operation of unknown kind {kind}")
            key, at = take_sized(payload, at + 1)
            if kind:
                value, at = take_sized(payload, at)
                yield key, value
            else:
                yield key, None
    except IndexError:
        raise ValueError("the batch ends inside an operation") from None
