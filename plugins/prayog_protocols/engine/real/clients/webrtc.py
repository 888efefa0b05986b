"""WebRTC: two peers find each other, agree on keys, and open a channel.  Offer and answer are carried by hand here."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from prayog_protocols.engine.real.media import without_codecs

MESSAGES = ("Namaste", "The train leaves at five", "Okay")


async def _talk(lab: Any, aiortc: Any, **channel: Any) -> None:
    asha, ravi = aiortc.RTCPeerConnection(), aiortc.RTCPeerConnection()
    try:
        await _chat(lab, asha, ravi, **channel)
    finally:
        await asha.close()
        await ravi.close()


async def _chat(lab: Any, asha: Any, ravi: Any, **channel: Any) -> None:
    line = asha.createDataChannel("chat", **channel)
    heard: list[str] = []
    done = asyncio.Event()

    @line.on("open")  # type: ignore[untyped-decorator]
    def opened() -> None:
        for word in MESSAGES:
            line.send(word)

    @line.on("message")  # type: ignore[untyped-decorator]
    def answered(word: str) -> None:
        heard.append(word)
        if len(heard) == len(MESSAGES):
            done.set()

    @ravi.on("datachannel")  # type: ignore[untyped-decorator]
    def arrived(other: Any) -> None:
        other.on("message", lambda word: other.send(f"{word}!"))

    await asha.setLocalDescription(await asha.createOffer())
    lab.tell("signal", name="offer", sdp=asha.localDescription.sdp)
    await ravi.setRemoteDescription(asha.localDescription)
    await ravi.setLocalDescription(await ravi.createAnswer())
    lab.tell("signal", name="answer", sdp=ravi.localDescription.sdp)
    await asha.setRemoteDescription(ravi.localDescription)
    began = time.perf_counter()
    await asyncio.wait_for(done.wait(), 8)
    lab.tell("channel", label="chat", ordered=line.ordered, heard=heard, ms=round(1000 * (time.perf_counter() - began)))


def chat(lab: Any) -> None:
    lab.do(_talk(lab, without_codecs(lab)), seconds=12)


def unordered(lab: Any) -> None:
    lab.do(_talk(lab, without_codecs(lab), ordered=False, maxRetransmits=0), seconds=12)
