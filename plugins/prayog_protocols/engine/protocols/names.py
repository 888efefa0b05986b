"""Domain names as DNS writes them: labels behind their lengths, and pointers back to labels written before.

RFC 1035 §4.1.4.  Rules against hostile input: a pointer must point to before itself and before all pointers followed so
far, so that none is followed twice; a name has at most 255 bytes.
"""

from __future__ import annotations

from prayog_protocols.engine.dissection import Dissection, Stop
from prayog_protocols.engine.spec import Call, Field, Kind
from prayog_protocols.engine.tree import Node

__all__ = ["domain_names", "encode_name", "read_name"]

LONGEST = 255


def read_name(c: Dissection, data: bytes, at: int, end: int, base: int) -> tuple[str, int, int]:
    """The name at `at`, the place after it, and how many labels it has; pointers count from `base`.

    The root is "<Root>", as Wireshark writes it.  Raises `Stop` after a note when the name is broken.
    """
    labels: list[str] = []
    total, here, after, lowest = 0, at, -1, at
    while True:
        if here >= end:
            c.note("error", "A name goes on beyond the end of the message.", at * 8, max(0, end - at) * 8)
            raise Stop(end)
        size = data[here]
        if size == 0:
            here += 1
            break
        if size < 64:
            if here + 1 + size > end:
                c.note(
                    "error", f"A label of {size} bytes goes beyond the end of the message.", here * 8, (end - here) * 8
                )
                raise Stop(end)
            total += size + 1
            if total >= LONGEST:
                c.note(
                    "error",
                    "A name of more than 255 bytes (RFC 1035 §2.3.4).",
                    at * 8,
                    (here - at) * 8 if here > at else 8,
                )
                raise Stop(end)
            labels.append(data[here + 1 : here + 1 + size].decode("utf-8", "replace"))
            here += 1 + size
        elif size >= 192:
            if here + 2 > end:
                c.note("error", "A pointer needs 2 bytes, and 1 is left.", here * 8, 8)
                raise Stop(end)
            target = base + ((size & 63) << 8 | data[here + 1])
            if after < 0:
                after = here + 2
            if target >= lowest or target < base:
                c.note("error", f"This pointer leads to byte {target - base} of the message, which is not before it: "
                                "it would be followed for ever.", here * 8, 16)  # fmt: skip
                raise Stop(end)
            lowest = here = target
        else:
            c.note(
                "error",
                f"A label begins with {size:#x}: neither a length nor a pointer (RFC 1035 §4.1.4).",
                here * 8,
                8,
            )
            raise Stop(end)
    return ".".join(labels) or "<Root>", here if after < 0 else after, max(1, len(labels))


def encode_name(name: str) -> bytes:
    """A name without pointers."""
    out = b""
    for label in name.strip(".").split(".") if name.strip(".") and name != "<Root>" else ():
        piece = label.encode()
        if not 0 < len(piece) < 64:
            raise ValueError(f"the label {label!r} has {len(piece)} bytes; 1 to 63 are allowed")
        out += bytes((len(piece),)) + piece
    if len(out) >= LONGEST:
        raise ValueError(f"the name {name!r} takes {len(out) + 1} bytes; 255 are allowed")
    return out + b"\0"


def domain_names(name: str, label: str, meaning: str, source: str) -> Call:
    """Names one after the other up to the end of the block; zeros at the end are left."""
    own = Field(name, label, Kind.TEXT, meaning=meaning, source=source, key="domains")

    def read(c: Dissection, out: list[Node], data: bytes, at: int, end: int) -> int:
        while at < end and data[at]:
            found, after, _ = read_name(c, data, at, end, at)
            out.append(Node(own, c.source, at * 8, (after - at) * 8, found))
            at = after
        return at

    return Call(read, (), lambda values: b"".join(map(encode_name, values.get("domains", ()))), (own,))
