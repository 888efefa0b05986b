"""Bytes that no protocol claims."""

from __future__ import annotations

from prayog_protocols.engine.spec import Derive, Field, Protocol, bytes_

DATA = Protocol(
    "data", "Data", short="Data",
    meaning="Bytes of which nobody knows the format, or whose protocol this program does not read.",
    items=(
        bytes_("data.data", "rest", "Data", "The bytes as they are.", key="content"),
        Derive(Field("data.len", "Length", derived=True, meaning="How many bytes there are."), "len(content or b'')"),
    ),
)  # fmt: skip

PROTOCOLS = (DATA,)
