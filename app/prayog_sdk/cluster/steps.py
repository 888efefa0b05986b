"""From a line of a journal to a step of the trace: messages decoded, fates looked up, causes found."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator
from typing import Any

from prayog_sdk.cluster.codec import CodecError, decode
from prayog_sdk.cluster.journal import Line
from prayog_sdk.cluster.proxy import Fate
from prayog_sim.trace import Effect, Step

__all__ = ["Builder"]

_NEVER = "it did not leave: its sender was killed or stopped"
_PATIENCE_S = 0.005  # for the proxy to decide what becomes of a message that has just left


class Builder:
    """Remembers what it needs to find causes: who sent what, and which step set which timer."""

    def __init__(self, fates: dict[int, list[Fate]], packages: Collection[str]) -> None:
        self._fates = fates
        self._packages = packages
        self._sent: dict[int, tuple[int, str, Any, str]] = {}
        """Number of a message on its way: (step that sent it, src, message, label)."""
        self._timers: dict[tuple[str, str], int] = {}
        self._heard: dict[int, int] = {}
        """Number of a message to an outside program: the step that delivered it."""
        self.answers: dict[int, int] = {}
        """Number of a question to a node (an action): the step that answered it."""

    def build(self, seq: int, line: Line, not_before: int) -> Step:
        """The step number `seq` that `line` tells of."""
        data, node, cause = dict(line.data), line.node, -1
        ident = data.get("ident")
        if line.kind == "deliver":
            cause = self._sent.pop(ident, (-1,))[0] if isinstance(ident, int) else -1
            data["msg"] = self._decoded(data.get("msg"))
            if data.pop("outside", False) and isinstance(ident, int):
                self._heard[ident] = seq
        elif line.kind == "drop":
            node = data.pop("node")
            cause, _, msg, label = self._sent.pop(data["ident"], (-1, "", None, ""))
            data |= {"msg": msg, "label": label}
        elif line.kind == "timer":
            cause = self._timers.pop((node, data["name"]), -1)
        elif line.kind == "action":
            self.answers[data.pop("ask")] = seq
        elif "answers" in data:
            cause = self._heard.pop(data.pop("answers"), -1)
        effects = tuple(self._effects(seq, node, line))
        return Step(seq, max(line.at, not_before), line.kind, node, data, cause, effects)

    def _effects(self, seq: int, node: str, line: Line) -> Iterator[Effect]:
        for raw in line.effects:
            match raw:
                case ["send", dst, encoded, ident, label, *why]:
                    yield from self._send(seq, node, dst, self._decoded(encoded), ident, label, *why)
                case ["timer", name, after, due]:
                    self._timers[node, name] = seq
                    yield Effect("timer", {"name": name, "after": after, "due": due})
                case ["cancel", name]:
                    yield Effect("cancel", {"name": name})
                case ["note", text]:
                    yield Effect("note", {"text": text})
                case ["gauge", name, value]:
                    yield Effect("gauge", {"name": name, "value": value})
                case ["emit", kind, data]:
                    yield Effect(kind, data)
                case ["disk", data]:
                    yield Effect("disk", data)

    def _send(self, seq: int, src: str, dst: str, msg: Any, ident: int, label: str, why: str = "") -> Iterator[Effect]:
        for copy, arrives, fate in [(ident, None, why)] if why else self._fate(ident):
            if arrives is not None or fate == _NEVER:  # a sender that was only stopped sends it later
                self._sent[copy] = (seq, src, msg, label)
            data = {"to": dst, "msg": msg, "arrives": arrives, "ident": copy, "label": label}
            yield Effect("send", {**data, "fate": fate} if fate else data)

    def _fate(self, ident: int) -> list[Fate]:
        until = time.monotonic() + _PATIENCE_S
        while ident not in self._fates and time.monotonic() < until:
            time.sleep(0.0005)
        return self._fates.pop(ident, [(ident, None, _NEVER)])

    def _decoded(self, data: Any) -> Any:
        try:
            return decode(data, self._packages)
        except CodecError as error:
            return {"undecoded": data, "why": str(error)}
