"""A write batch: the payload of one log record, and therefore what a crash keeps or loses as a whole.

    8 bytes sequence of the first operation | 4 bytes count | operations
    operation: 1 put, 0 delete | varint length, key | for a put: varint length, value

Source: LevelDB `db/write_batch.cc`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import accumulate
from struct import Struct

import numpy as np

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


def puts_of(keys: list[bytes], values: list[bytes]) -> tuple[bytes, int]:
    """Like `body_of` for puts alone, and how many bytes of keys and values; rows of one shape in a matrix of bytes."""
    count, sizes, lengths = len(keys), set(map(len, keys)), set(map(len, values))
    if len(sizes) > 1 or len(lengths) > 1:
        return body_of(zip(keys, values, strict=True)), sum(map(len, keys)) + sum(map(len, values))
    parts = (_head(_PUT_KEY, *sizes), b"".join(keys), _head(_VALUE, *lengths), b"".join(values))
    columns = [np.frombuffer(part, np.uint8) for part in parts]
    ends = list(accumulate((len(parts[0]), *sizes, len(parts[2]), *lengths)))
    lines = np.empty((count, ends[-1]), np.uint8)
    for number, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
        lines[:, begin:end] = columns[number].reshape(-1, end - begin) if end > begin else 0
    return lines.tobytes(), len(parts[1]) + len(parts[3])


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
