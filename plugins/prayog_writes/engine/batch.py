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


_SHORT = range(4096)
_PUT_KEY, _DELETE_KEY, _VALUE = (
    [before + varint(length) for length in _SHORT] for before in (b"\x01", b"\x00", b"")
)
"""What stands before a key or a value, by its length; made once, as every write needs it."""


def _head(heads: list[bytes], length: int) -> bytes:
    return heads[length] if length in _SHORT else heads[0][:-1] + varint(length)


def encode_put(sequence: int, key: bytes, value: bytes) -> bytes:
    """A whole log record: its type (1), and the payload of a batch that puts one value."""
    try:
        parts = _ONE.pack(1, sequence, 1), _PUT_KEY[len(key)], key, _VALUE[len(value)], value
    except IndexError:
        parts = _ONE.pack(1, sequence, 1), _head(_PUT_KEY, len(key)), key, _head(_VALUE, len(value)), value
    return b"".join(parts)


def body_of(operations: Iterable[Operation]) -> bytes:
    """The operations of a batch, without its head."""
    parts: list[bytes] = []
    for key, value in operations:
        if value is None:
            parts += (_head(_DELETE_KEY, len(key)), key)
        else:
            parts += (_head(_PUT_KEY, len(key)), key, _head(_VALUE, len(value)), value)
    return b"".join(parts)


def puts_of(keys: list[bytes], values: list[bytes]) -> bytes:
    """Like `body_of` for puts alone, in one pass; rows of one shape without any loop in Python."""
    if len(set(map(len, keys))) == 1 == len(set(map(len, values))):
        head, size = _head(_PUT_KEY, len(keys[0])), _head(_VALUE, len(values[0]))
        return b"".join(chain.from_iterable(zip(repeat(head), keys, repeat(size), values, strict=False)))
    return body_of(zip(keys, values, strict=True))


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
