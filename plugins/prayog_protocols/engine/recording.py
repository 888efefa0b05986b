"""Packets in a trace: how a conversation that happened (or was simulated) becomes a capture that can be looked at.

A step of kind ``packet`` carries one frame; ``keys`` carries secrets of TLS; ``speaks`` says what a port speaks.  A
`Recording` writes the steps up to a moment as pcapng and reads them as any other capture, so that nothing is shown of a
run that its file would not show.

Rules
1. Each packet says where it comes from: *observed* at a socket or by the kernel, *synthesised* (its bytes were
   observed, its headers made here) or *simulated*.  The same word is the packet's comment in the file.
2. Packets of one link type share an interface."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping
from typing import Any

from prayog_protocols.engine.capture.capture import Capture
from prayog_protocols.engine.capture.writer import Writer
from prayog_sim.trace import Step

__all__ = ["ORIGINS", "Recording", "origin_of", "packet_data"]

ORIGINS = {
    "observed": "These bytes crossed a socket or the kernel, as they are.",
    "synthesised": "The application's bytes and times were observed; the headers around them were made here.",
    "simulated": "Made by a simulation: no such packet crossed any network.",
}


def packet_data(
    frame: bytes, time_ns: int, origin: str, link: int = 1, comment: str = "", **more: Any
) -> dict[str, Any]:
    """The data of a ``packet`` step.  Raises `ValueError` for an origin that is not one of `ORIGINS`."""
    if origin not in ORIGINS:
        raise ValueError(f"a packet is {', '.join(ORIGINS)}; found {origin!r}")
    said = {"comment": comment} if comment else {}
    return {"hex": frame.hex(), "time_ns": time_ns, "origin": origin, "link": link, **said, **more}


def origin_of(capture: Capture, index: int) -> str:
    """Where a packet comes from, as its comment says; empty when it says nothing (the file of somebody else)."""
    for comment in capture.records.comments.get(index, ()):
        word = comment.partition(":")[0].strip()
        if word in ORIGINS:
            return word
    return ""


class Recording:
    """The packets of a trace, taken in step by step."""

    def __init__(self, name: str = "this run") -> None:
        self._name = name
        self.steps: list[int] = []  # of each packet: the step that brought it
        self.packets: list[Mapping[str, Any]] = []
        self.keys: list[str] = []
        self.speaks: dict[int, str] = {}
        self._capture: Capture | None = None

    def take(self, step: Step) -> bool:
        """Take in one more step; True when it changed the capture."""
        before = len(self.packets), len(self.keys), len(self.speaks)
        self._take(step.kind, step.data, step.seq)
        for effect in step.effects:
            self._take(effect.kind, effect.data, step.seq)
        if before == (len(self.packets), len(self.keys), len(self.speaks)):
            return False
        self._capture = None
        return True

    def take_all(self, steps: Iterable[Step]) -> None:
        """Take in many."""
        for step in steps:
            self.take(step)

    def _take(self, kind: str, data: Mapping[str, Any], seq: int) -> None:
        if kind == "packet" and "hex" in data:
            self.packets.append(data)
            self.steps.append(seq)
        elif kind == "keys":
            self.keys.append(str(data["log"]))
        elif kind == "speaks":
            self.speaks[int(data["port"])] = str(data["protocol"])

    @property
    def capture(self) -> Capture:
        """All of them as a capture; the same object until something is added."""
        if self._capture is None:
            self._capture = Capture(self.pcapng(), self._name)
            self._capture.speaks.update(self.speaks)
        return self._capture

    def pcapng(self) -> bytes:
        """All of them as a file that Wireshark opens."""
        out = io.BytesIO()
        ports = ", ".join(f"port {port} speaks {name}" for port, name in sorted(self.speaks.items()))
        writer = Writer(out, "; ".join(text for text in (self._name, ports) if text))
        links = dict.fromkeys(int(packet.get("link", 1)) for packet in self.packets) or {1: None}
        numbers = {
            link: writer.interface(link, f"prayog{n}", "see the comment of each packet") for n, link in enumerate(links)
        }
        if self.keys:
            writer.secrets("\n".join(self.keys))
        for packet in self.packets:
            comment = packet["origin"] + (f": {packet['comment']}" if packet.get("comment") else "")
            writer.packet(
                bytes.fromhex(packet["hex"]), int(packet["time_ns"]), numbers[int(packet.get("link", 1))], comment
            )
        return out.getvalue()
