"""Two truths about one session: what the tap made of it, and what the kernel sent.

The bytes of every flow must be the same.  Segments, numbers, sums and resets differ, and each difference has a reason.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.capture.writer import Writer
from prayog_protocols.engine.streams.assembly import Chunk, assemble
from prayog_protocols.engine.streams.flows import NONE
from prayog_protocols.engine.streams.segments import segments_of

__all__ = ["compared"]

_TCP, _UDP, _RST = 6, 17, 4
Frames = Iterable[tuple[int, bytes]]


def compared(tap: Frames, kernel: Frames) -> dict[str, Any]:
    """Both views of the same flows: ``flows``, ``same`` (how many are equal), ``differences`` with reasons."""
    ours, theirs = _capture(tap), _capture(kernel)
    mine, real = _flows(ours), _flows(theirs)
    flows = [
        {"protocol": key[0], "client": key[1], "server": key[2], "same": mine[key] == real.get(key),
         "bytes": sum(map(len, mine[key]))}
        for key in mine
    ]  # fmt: skip
    missing = [key for key in real if key not in mine]
    return {
        "flows": flows, "same": sum(bool(flow["same"]) for flow in flows), "only_kernel": len(missing),
        "differences": _differences(_counted(ours), _counted(theirs)),
    }  # fmt: skip


def _capture(frames: Frames) -> Capture:
    out = io.BytesIO()
    writer = Writer(out)
    writer.interface(1)
    for time_ns, frame in frames:
        writer.packet(frame, time_ns)
    return Capture(out.getvalue())


def _flows(capture: Capture) -> dict[tuple[str, int, int], tuple[bytes, ...]]:
    """The bytes of each direction of each flow; of UDP each datagram by itself."""
    found: dict[tuple[str, int, int], tuple[bytes, ...]] = {}
    for proto, name in ((_TCP, "tcp"), (_UDP, "udp")):
        numbers = capture.flows.stream[capture.columns.proto == proto]
        for number in sorted({int(one) for one in numbers if one != NONE}):
            flow = capture.flows.flow(proto, number)
            if proto == _TCP:
                sides = assemble(segments_of(capture, number))
                data = tuple(
                    b"".join(
                        capture.piece(part.index, part.at, part.size) for part in side.parts if isinstance(part, Chunk)
                    )
                    for side in sides
                )
            else:
                data = tuple(capture.raw(int(index))[42:] for index in flow.indexes)
            found[name, flow.client[1], flow.server[1]] = data
    return found


def _counted(capture: Capture) -> Mapping[str, int]:
    tcp = capture.columns.proto == _TCP
    flags = capture.columns.flags[tcp]
    bad = 0
    capture.verify = True
    for index in range(len(capture)):
        packet = capture.packet(index)
        bad += any(packet.value(f"{name}.checksum.status") == 0 for name in ("tcp", "udp"))
    sizes = [segment.size for number in {int(one) for one in capture.flows.stream[tcp] if one != NONE}
             for segment in segments_of(capture, number)]  # fmt: skip
    return {"packets": len(capture), "resets": int(np.count_nonzero(flags & _RST)), "bad_sums": bad,
            "segments": sum(size > 0 for size in sizes), "largest": max(sizes, default=0)}  # fmt: skip


_REASONS = {
    "packets": "The kernel acknowledges late and joins what it can; the tap shows one acknowledgement for each read.",
    "segments": "The tap cuts what a program wrote at the segment size that it was given; the kernel at its own.",
    "largest": "Loopback takes packets of 64 KiB, so the kernel need not cut; the tap cuts as an Ethernet would.",
    "resets": "A socket is reset that is closed with unread bytes, or written to after its end; no call shows it.",
    "bad_sums": "Loopback leaves check sums unfinished, as nothing can go wrong on the way; the tap works them out.",
}


def _differences(ours: Mapping[str, int], theirs: Mapping[str, int]) -> list[dict[str, Any]]:
    return [{"what": name, "tap": ours[name], "kernel": theirs[name], "why": why}
            for name, why in _REASONS.items() if ours[name] != theirs[name]]  # fmt: skip
