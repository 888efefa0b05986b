"""The run of a capture that was opened: what is in the file, and what the learner did with it.

The first step tells the file's SHA-256, so a run says which bytes it is about; every packet, tree and stream that is
shown is a function of these bytes and of the steps. Packets are not steps of their own: a file may hold millions.

Rules
1. The capture is read only here and in panels; nothing changes it but `verify`, `speaks` and comments, which are steps.
2. A question is made from packet and number (`exercises`), so the step that asks it names both.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from typing import Any

from prayog_protocols.engine.capture.capture import Capture
from prayog_sdk.run import Computation, Emit, Facts
from prayog_sim.run import Action, ActionError, Look, NodeView, View
from prayog_sim.trace import Step

__all__ = ["Reading", "digest"]

Progress = Callable[[int, int, str], None]
_BLOCK = 1 << 24
_SPEAKS = ("http", "http2", "smtp", "ftp", "ftp-data", "pop", "imap", "websocket", "tls", "dns", "stun", "dtls", "rtp")


def digest(capture: Capture, progress: Progress = lambda done, total, text: None) -> str:
    """SHA-256 of the file's bytes, in hex."""
    sha, size = hashlib.sha256(), len(capture.data)
    for at in range(0, size, _BLOCK):
        progress(at, size, "reading the file")
        sha.update(capture.data[at : at + _BLOCK])
    return sha.hexdigest()


class Reading(Computation):
    """An opened capture.  `release` gives back the file when the run is over."""

    def __init__(self, capture: Capture, sha256: str, release: Callable[[], None] = lambda: None) -> None:
        self.capture = capture
        self._release = release
        super().__init__()
        times = capture.records.times
        self.begin(
            capture.name, sha256=sha256, packets=len(capture), bytes=len(capture.data), format=capture.records.format,
            seconds=round((int(times.max()) - int(times.min())) / 1e9, 6) if len(times) else 0.0,
            interfaces=len(capture.records.interfaces),
            problems=[one.sentence for one in capture.records.problems[:20]],
            comment=capture.records.comment,
        )  # fmt: skip

    def start(self) -> Facts:
        return {"filter": "", "hits": -1, "verify": False, "comments": {}, "speaks": {}, "right": 0, "wrong": 0}

    def fold(self, state: Facts, step: Step) -> Facts:
        data = step.data
        match step.kind:
            case "start":
                return {**state, "packets": data["packets"], "bytes": data["bytes"]}
            case "filtered":
                return {**state, "filter": data["filter"], "hits": data["hits"]}
            case "check_sums":
                return {**state, "verify": data["on"]}
            case "commented":
                return {**state, "comments": {**state["comments"], str(data["packet"]): data["text"]}}
            case "speaks":
                return {**state, "speaks": {**state["speaks"], str(data["port"]): data["protocol"]}}
            case "answered":
                word = "right" if data["right"] else "wrong"
                return {**state, word: state[word] + 1}
            case _:
                return state

    def show(self, state: Facts, step: Step | None) -> View:
        packets = state.get("packets", 0)
        hits = f"; the filter “{state['filter']}” keeps {state['hits']:,}" if state["hits"] >= 0 else ""
        sentence = f"{packets:,} packets in {self.capture.name}{hits}."
        shown = {key: state[key] for key in ("filter", "hits", "right", "wrong")}
        node = NodeView(self.capture.name, volatile=shown, look=Look("store", "C", -1, sentence))
        return View(step.seq if step else -1, step.at if step else 0, nodes={node.name: node}, facts=state)

    def perform(self, action: Action) -> Iterator[Emit]:
        args = action.args
        match action.name:
            case "filter":
                return self._filter(str(args.get("text", "")))
            case "verify":
                return self._told("check_sums", {"on": bool(args.get("on", True))})
            case "comment":
                index = self._packet(args.get("packet"))
                return self._told("commented", {"packet": index + 1, "text": str(args.get("text", ""))[:1_000]})
            case "speaks":
                return self._told("speaks", _speaks(args.get("port"), str(args.get("protocol"))))
            case "answer":
                return self._answer(
                    str(args.get("kind")), args.get("packet"), str(args.get("answer")), args.get("number", 0)
                )
        raise ActionError(f"There is no action {action.name!r} on a capture.")

    def close(self) -> None:
        super().close()
        self._release()

    def _packet(self, number: Any) -> int:
        """Index of the packet with a number that counts from 1."""
        if not isinstance(number, int | str) or not str(number).isdigit() or not 1 <= int(number) <= len(self.capture):
            raise ActionError(f"Packets are numbered from 1 to {len(self.capture):,}; found {number!r}.")
        return int(number) - 1

    @staticmethod
    def _told(kind: str, data: dict[str, Any]) -> Iterator[Emit]:
        yield kind, "", data

    def _filter(self, text: str) -> Iterator[Emit]:
        from prayog_protocols.engine.filter import FilterError, compile_filter, explain

        if not text.strip():
            return self._told(
                "filtered", {"filter": "", "hits": len(self.capture), "words": "every packet", "first": []}
            )
        try:
            test, words = compile_filter(text), explain(text)
        except FilterError as error:
            raise ActionError(f"{error.sentence} (column {error.column + 1})") from None

        def work() -> Iterator[Emit]:
            found = test.select(self.capture)
            first = [int(index) + 1 for index in found[:20]]
            yield "filtered", "", {"filter": text, "hits": len(found), "words": words, "first": first}

        return work()

    def _answer(self, kind: str, packet: Any, answer: str, number: Any) -> Iterator[Emit]:
        from prayog_protocols.engine.exercises import exercise

        index = self._packet(packet)
        try:
            asked = exercise(self.capture, kind, index, int(number))
        except ValueError as error:
            raise ActionError(f"No such exercise can be made here: {error}.") from None
        verdict = asked.judge(answer)
        told = {"exercise": kind, "packet": index + 1, "question": asked.question, "answer": answer}
        return self._told("answered", {**told, "right": verdict.right, "why": verdict.why})


def _speaks(port: Any, protocol: str) -> dict[str, Any]:
    if not str(port).isdigit() or not 1 <= int(port) <= 65_535:
        raise ActionError(f"A port is a number from 1 to 65,535; found {port!r}.")
    if protocol not in _SPEAKS:
        raise ActionError(f"A port can speak {', '.join(_SPEAKS)}; found {protocol!r}.")
    return {"port": int(port), "protocol": protocol}
