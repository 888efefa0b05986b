"""A conversation as a text: who said what, and when."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from prayog_protocols.engine.streams.follow import Followed, follow

if TYPE_CHECKING:
    from prayog_protocols.engine.capture.capture import Capture

__all__ = ["transcript"]

SHOWN = 20  # bytes of something that is no text


def transcript(capture: Capture, index: int, kind: str = "tcp") -> str:
    """The conversation of packet `index` as text: each line with its time, the side that said it and the packet.

    Raises `ValueError` with a sentence when the packet is in no such conversation.
    """
    followed = follow(capture, index, kind)
    flow = capture.flows.flow(17 if kind == "udp" else 6, followed.number)
    names = [f"{ip_address(end[0])} port {end[1]}" for end in (flow.client, flow.server)]
    lines = [f"Conversation {followed.number}, followed as {kind}.", f"C is {names[0]}, S is {names[1]}.", ""]
    lines += _said(capture, followed)
    if followed.more:
        lines.append("… and more, which was left out here.")
    return "\n".join(lines) + "\n"


def _said(capture: Capture, followed: Followed) -> list[str]:
    lines: list[str] = []
    times = capture.records.times
    for part in followed.parts:
        side = "C" if part.outward else "S"
        if part.missing:
            lines.append(f"{'':>12}  {side}  [{part.missing:,} bytes were not captured]")
            continue
        since = (int(times[part.frame - 1]) - int(times[0])) / 1e9
        for number, text in enumerate(_lines(part.data)):
            stamp = f"{since:12.6f}" if number == 0 else " " * 12
            lines.append(f"{stamp}  {side}  {text}" + (f"    (packet {part.frame})" if number == 0 else ""))
    return lines


def _lines(data: bytes) -> list[str]:
    """The lines of a text; of anything else how long it is and how it begins."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if any(ord(letter) < 32 and letter not in "\r\n\t" for letter in text):
        head = data[:SHOWN].hex(" ")
        return [f"[{len(data):,} bytes: {head}{' …' if len(data) > SHOWN else ''}]"]
    return [line.rstrip("\r") for line in text.removesuffix("\n").split("\n")]
