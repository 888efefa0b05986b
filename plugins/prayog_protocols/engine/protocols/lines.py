"""Lines of text protocols: where they end, and nodes for parts of them."""

from __future__ import annotations

from prayog_protocols.engine.spec import Field, Kind
from prayog_protocols.engine.tree import Node

__all__ = ["line_at", "text_node"]


def line_at(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Where the line's content ends, and where the next line begins; CRLF and LF both end one."""
    found = data.find(b"\n", at, end)
    if found < 0:
        return end, end
    return (found - 1 if found > at and data[found - 1] == 13 else found), found + 1


def text_node(field: Field, source: int, data: bytes, at: int, end: int, value: str | int | None = None) -> Node:
    """A node for the bytes from `at` to `end`, with their text as its value if no other is given."""
    if value is None:
        piece = data[at:end]
        value = piece if field.kind is Kind.BYTES else piece.decode("utf-8", "replace")  # type: ignore[assignment]
    return Node(field, source, at * 8, (end - at) * 8, value)
