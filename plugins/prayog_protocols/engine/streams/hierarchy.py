"""Which protocols are in a capture, and within which others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["Hierarchy", "Level", "hierarchy"]

DEEPEST = 40


@dataclass(slots=True)
class Level:
    """A protocol at one place of the hierarchy."""

    name: str  # "tcp"
    title: str
    packets: int = 0  # that have it here
    bytes: int = 0  # of the layer with all that is in it
    last: int = 0  # packets in which nothing comes after it
    inside: dict[str, Level] = field(default_factory=dict)


@dataclass(slots=True)
class Hierarchy:
    """The protocols from the outside to the inside."""

    root: Level
    looked: int  # packets that were taken apart
    total: int  # packets of the capture


def hierarchy(capture: Capture, progress: Callable[[int], bool] | None = None, most: int = 20_000) -> Hierarchy:
    """Count the layers of all packets, or of `most` that are spread evenly over the capture.

    `progress` is told how many packets were looked at; when it answers False, counting stops there.
    """
    total = len(capture)
    step = max(1, -(-total // most))
    root = Level("frame", "Frame")
    looked = 0
    for index in range(0, total, step):
        _count(capture, root, index)
        looked += 1
        if progress is not None and looked % 100 == 0 and not progress(looked):
            break
    return Hierarchy(root, looked, total)


def _count(capture: Capture, root: Level, index: int) -> None:
    level = root
    root.packets += 1
    root.bytes += int(capture.records.lengths[index])
    packet = capture.packet(index)
    before = ""
    for layer in packet.layers[:DEEPEST]:
        # Several messages of a protocol in one packet are one.
        if layer.name in ("frame", before):
            continue
        known = level.inside.get(layer.name)
        if known is None:
            protocol = capture.registry.protocols.get(layer.name)
            title = (protocol.short or protocol.title) if protocol is not None else layer.name
            known = level.inside[layer.name] = Level(layer.name, title)
        known.packets += 1
        known.bytes += max(0, len(packet.sources[layer.source].data) - (layer.start >> 3))
        level, before = known, layer.name
    level.last += 1
