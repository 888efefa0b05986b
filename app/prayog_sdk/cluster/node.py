"""One node as an operating-system process: ``python -m prayog_sdk.cluster.node``, started by `Cluster`.

It runs a `prayog_sim.node.Node`, the same class that a `World` runs.  Messages come and go through the proxy, timers
run on the monotonic clock, durable attributes are synced to a file before any effect leaves.  Each step is a line of
its journal, from which the lab makes the trace.

Rules
1. Order within a step: the handler returns, the durable state is safe, the line is in the journal, then messages leave.
   So whoever receives a message can rely on what its sender stored, and the lab finds the cause of each step.
2. The process ends when its standard input closes: the lab is gone.
3. Standard output and error are the node's own; the lab shows them.
"""

from __future__ import annotations

import base64
import json
import os
import pickle
import queue
import selectors
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path, PurePath
from typing import Any

from prayog_sdk.cluster.codec import decode, encode
from prayog_sdk.cluster.durable import Store
from prayog_sdk.cluster.snapshot import Differ
from prayog_sdk.cluster.watched import Attributes
from prayog_sdk.cluster.wire import IDENTS, LARGEST, LIFE, Port, unpack
from prayog_sim.node import Ctx, Node
from prayog_sim.rng import Rng
from prayog_sim.run import ActionError
from prayog_sim.values import keep, require_value

__all__ = ["FAILED", "Process", "main"]

FAILED = 70
"""Exit code of a node whose handler raised."""


class Process:
    """The loop around one node.  `config` comes from the lab: see `Cluster`."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.me: str = config["name"]
        self._packages = tuple(config["packages"])
        self._word = config["word"]
        self._epoch = 0
        self._index, life = int(config["index"]), int(config["life"])
        self._kind = "restart" if life else "start"
        self._count = self._sent = life * LIFE
        self._clock: dict[str, int] = {}
        self._timers: dict[str, tuple[int, int]] = {}
        self._differ = Differ()
        self._watched = Attributes() if config["watched"] else None
        self._commands: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        folder = Path(config["folder"])
        # Our own pipe, not a socket: the factory that `Cluster` pickled.
        self._node: Node = pickle.loads(base64.b64decode(config["factory"]))()
        self._store = Store(folder / f"{self._index}.durable", self._packages)
        disk = self._store.load(self._node)
        rng = Rng.derive(int(config["seed"]), "node", self.me, str(life))
        self._ctx = Ctx(self.me, tuple(config["peers"]), rng=rng, disk=disk)
        self._journal = open(folder / f"{self._index}.{life}.jsonl", "w", encoding="utf-8")  # noqa: SIM115 - until death
        self._limit = LARGEST - 4_096 if config["transport"] == "udp" else 0  # the rest of the envelope is shorter
        self._port = Port(config["transport"], int(config["port"]))
        self._port.send({"k": self._word, "h": self.me, "life": life})

    # -- the loop ----------------------------------------------------------------------------------------------

    def run(self, epoch: int) -> None:
        """Start the node and serve it until the process ends; `epoch` is the cluster's time 0 (ns)."""
        self._epoch = epoch
        bell, ring = socket.socketpair()
        threading.Thread(target=self._listen, args=(ring,), daemon=True).start()
        self._handle(self._kind, {}, self._node.on_start)
        with selectors.DefaultSelector() as selector:
            selector.register(self._port.socket, selectors.EVENT_READ)
            selector.register(bell, selectors.EVENT_READ)
            while True:
                due = min((due for _, due in self._timers.values()), default=None)
                wait = None if due is None else max(0.0, (due - self._now()) / 1_000_000)
                for key, _ in selector.select(wait):
                    if key.fileobj is bell:
                        bell.recv(64)
                        self._obey()
                    else:
                        for data in self._port.receive():
                            self._deliver(data)
                self._fire()

    def _listen(self, ring: socket.socket) -> None:
        """(A thread.)  Take the lab's commands; end with the lab."""
        for line in sys.stdin:
            self._commands.put(json.loads(line))
            ring.send(b".")
        os._exit(0)  # no clean-up may hold it up

    def _obey(self) -> None:
        while True:
            try:
                command = self._commands.get_nowait()
            except queue.Empty:
                return
            self._act(command)

    def _deliver(self, data: bytes) -> None:
        envelope = unpack(data, self._word)
        if envelope is None or envelope.get("t") != self.me:
            return
        msg = decode(envelope["m"], self._packages)
        for name, count in envelope["v"].items():
            self._clock[name] = max(count, self._clock.get(name, 0))
        told = {"src": envelope["f"], "msg": envelope["m"], "ident": envelope["i"], "label": envelope["l"]}
        self._handle("deliver", told, self._node.on_message, envelope["f"], msg)

    def _fire(self) -> None:
        now = self._now()
        due = sorted((due, name) for name, (_, due) in self._timers.items() if due <= now)
        for at, name in due:
            if self._timers.get(name, (0, -1))[1] == at:  # an earlier one of this round may have changed it
                del self._timers[name]
                self._handle("timer", {"name": name}, self._node.on_timer, name)

    def _act(self, command: Mapping[str, Any]) -> None:
        name, args = command["name"], command["args"]
        told = {**args, "name": name, "by": "hand", "ask": command["ask"]}
        before = keep((self._node, self._ctx.disk, self._ctx.rng))
        try:
            self._handle("action", told, self._node.on_action, name, args)
        except ActionError as error:
            self._node, disk, rng = before()
            self._ctx = Ctx(self.me, self._ctx.peers, rng=rng, disk=disk)
            self._write("refused", {"ask": command["ask"], "sentence": str(error)}, [])

    # -- one step ----------------------------------------------------------------------------------------------

    def _handle(self, kind: str, told: dict[str, Any], handler: Callable[..., None], *args: Any) -> None:
        ctx = self._ctx
        at = ctx.now = self._now()
        try:
            handler(*args, ctx)
            effects = list(ctx.effects)
            for effect in effects:
                if effect[0] == "send":
                    require_value(effect[2])
            self._store.save(self._node, ctx.disk)
        except ActionError:
            raise
        except Exception as error:  # noqa: BLE001 - a learner's engine may raise anything; it becomes a step
            self._write("error", {**told, **_blame(self.me, kind, error)}, [], at)
            os._exit(FAILED)
        finally:
            ctx.effects.clear()
        leaving: list[dict[str, Any]] = []
        self._write(kind, told, [self._effect(effect, at, leaving) for effect in effects], at)
        for envelope in leaving:
            envelope["v"] = self._clock
            self._port.send(envelope)

    def _effect(self, effect: tuple[Any, ...], at: int, leaving: list[dict[str, Any]]) -> list[Any]:
        """The effect as the journal says it; timers begin, and messages wait in `leaving`."""
        match effect:
            case ("send", dst, msg):
                self._sent += 1
                ident = self._sent * IDENTS + self._index
                encoded, label = encode(msg), _label(self._node, msg)
                if self._limit and len(json.dumps(encoded)) > self._limit:
                    return ["send", dst, encoded, ident, label, "too long for a datagram; use TCP"]
                leaving.append({"k": self._word, "f": self.me, "t": dst, "i": ident, "l": label, "m": encoded})
                return ["send", dst, encoded, ident, label]
            case ("timer", name, after):
                self._timers[name] = (at, at + after)
                return ["timer", name, after, at + after]
            case ("cancel", name):
                self._timers.pop(name, None)
        return list(effect)

    def _write(self, kind: str, told: Mapping[str, Any], effects: list[Any], at: int | None = None) -> None:
        self._count += 1
        self._clock[self.me] = self._count
        line: dict[str, Any] = {"v": self._clock, "at": self._now() if at is None else at, "k": kind, "d": told}
        if effects:
            line["fx"] = effects
        if changes := self._differ.changes(self._node, self._ctx.disk, self._timers):
            line["s"] = changes
        if self._watched is not None and (attributes := self._watched.changes(self._node)):
            line["w"] = attributes
        self._journal.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._journal.flush()

    def _now(self) -> int:
        """µs since the cluster began; the clock is the same in all processes of a machine."""
        return (time.perf_counter_ns() - self._epoch) // 1_000


def _label(node: Node, msg: Any) -> str:
    try:
        return node.label(msg)
    except Exception:  # noqa: BLE001 - a label is decoration
        return type(msg).__name__


def _blame(me: str, kind: str, error: Exception) -> dict[str, Any]:
    """Where the handler failed, and a sentence: the last frame that is neither the kernel's nor this package's."""
    file, row, trace = "its code", 0, error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if not module.startswith(("prayog_sim.", "prayog_sdk.cluster.")) and module != "__main__":
            file, row = PurePath(trace.tb_frame.f_code.co_filename).name, trace.tb_lineno
        trace = trace.tb_next
    said = str(error) or "no reason was given"
    sentence = f"{me} crashed in {file}, line {row}, at this {kind}: {type(error).__name__}: {said}"
    return {"sentence": sentence, "file": file, "line": row}


def main() -> None:
    """Read the configuration, say where this node is, and run as soon as the lab says that all are there."""
    process = Process(json.loads(sys.stdin.readline()))
    go = sys.stdin.readline()
    if go:
        process.run(json.loads(go)["epoch"])


if __name__ == "__main__":
    main()
