"""What a lab process and its owner say to each other: values of Python, each with its length in front.

`marshal` is quick and knows bytes and tuples; both ends are the same Python, and the lab process is our own.
"""

from __future__ import annotations

import marshal
import threading
from typing import Any, BinaryIO

__all__ = ["Pipe", "receive"]


class Pipe:
    """The writing end; any thread may write."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def tell(self, kind: str, value: Any = None) -> None:
        """One message.  Raises `OSError` when nobody listens any more."""
        data = marshal.dumps((kind, value))
        with self._lock:
            self._stream.write(len(data).to_bytes(4, "big") + data)
            self._stream.flush()


def receive(stream: BinaryIO) -> tuple[str, Any] | None:
    """The next message; None at the end of the stream."""
    head = stream.read(4)
    if len(head) < 4:
        return None
    data = stream.read(int.from_bytes(head, "big"))
    if len(data) < int.from_bytes(head, "big"):
        return None
    kind, value = marshal.loads(data)
    return str(kind), value
