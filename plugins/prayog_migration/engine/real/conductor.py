"""The conductor: starts the worker, hears it, starts it again when it dies, and lets things go wrong on purpose.

It lives in the lab's process and only ever waits on pipes.  The worker and the shop's writers are processes of their
own; the wizard's connections to servers go through proxies, so that the network can be broken.

Rules
1. A worker that ends without being asked is replaced, and the command that it was working on is given again.  Its
   successor finds in the target how far it had come.
2. Nothing outlives the lab: the processes' life lines are pipes from here, and a guard kills whoever does not heed
   them.
3. URLs with passwords go through pipes, never into a command line, an event or a log.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from prayog_migration.engine.real.job import Order
from prayog_migration.engine.real.proxy import Proxy, proxied
from prayog_migration.engine.real.shopper import Shift
from prayog_migration.engine.real.store import open_store
from prayog_sdk.child import command
from prayog_sdk.cluster.guard import Guard
from prayog_sdk.cluster.processes import Child, how_it_ended

__all__ = ["Conductor", "Report"]

Report = Callable[[str, str, Mapping[str, Any]], None]
"""Hears (kind, node, data), from any thread."""

_WORKER = "prayog_migration.engine.real.worker"
_SHOPPER = "prayog_migration.engine.real.shopper"
_LOOK_S = 0.05
_LIVES = 50
"""Workers in a row that may die without getting anything done."""
_LONG = (
    "probe", "assess", "preview", "schema", "copy", "validate", "audit", "sync", "switch", "back", "replan", "undo",
    "report", "clean", "ask", "aside", "rules", "cast", "files", "shards", "change",
)  # fmt: skip


class Conductor:
    """One migration and its surroundings."""

    def __init__(self, order: Order, report: Report) -> None:
        self.order = order
        self._report = report
        self._lock = threading.RLock()
        self._folder = Path(tempfile.mkdtemp(prefix="prayog_wizard_"))
        self._guard = Guard(self._folder)
        self.proxies: dict[str, Proxy] = {}
        self._order = self._through_proxies(order)
        self._worker: Child | None = None
        self._frozen: list[Child] = []
        self._shop: Child | None = None
        self._doing: dict[str, Any] | None = None
        self._asked: list[dict[str, Any]] = []
        self._kept: dict[str, dict[str, Any]] = {}
        """Buttons that are pressed: a successor finds them so."""
        self._following = False
        self._deaths = 0
        self._closed = threading.Event()
        self._watch = threading.Thread(target=self._look_after, name="conductor", daemon=True)
        self._watch.start()

    # -- commands ----------------------------------------------------------------------------------------------

    def do(self, name: str, **arguments: Any) -> None:
        """Give the worker a command; it is started when there is none."""
        line = {"do": name, **arguments}
        with self._lock:
            if self._worker is None:
                self._start_worker()
            if name in ("throttle", "pause"):
                self._kept[name] = line
            elif name in ("resume", "cancel"):
                self._kept.pop("pause", None)
            if name in _LONG:
                self._asked.append(line)
                self._give_next()
            else:
                self._send(line)

    def wake(self) -> None:
        """Start the worker without a command: it says where the migration stands."""
        with self._lock:
            if self._worker is None:
                self._start_worker()

    @property
    def busy(self) -> bool:
        """The worker has something to do that it was told to do."""
        with self._lock:
            return self._doing is not None or bool(self._asked)

    @property
    def worker_pid(self) -> int | None:
        """The worker's process id while it lives."""
        with self._lock:
            return None if self._worker is None or self._worker.ended is not None else self._worker.pid

    def wait(self, seconds: float) -> bool:
        """Wait until the worker has done what it was told; whether it has.  Not for the GUI thread."""
        until = time.monotonic() + seconds
        while self.busy and time.monotonic() < until:
            time.sleep(0.01)
        return not self.busy

    # -- the shop ----------------------------------------------------------------------------------------------

    def open_shop(self, shift: Shift | None = None, **more: Any) -> None:
        """Let the application write; it connects to the databases themselves, not through the wizard's proxies."""
        with self._lock:
            if self._shop is not None:
                return
            told = shift or Shift(self.order.source, self.order.target, **more)
            self._shop = self._start(_SHOPPER, asdict(told), self._hear)

    def tell_shop(self, name: str, **arguments: Any) -> None:
        """Give the shop a command: pause, resume, rate, pin, audit."""
        with self._lock:
            if self._shop is not None:
                self._shop.write(json.dumps({"do": name, **arguments}))

    def close_shop(self) -> None:
        """Let the writers finish and end; their last account is told."""
        with self._lock:
            shop, self._shop = self._shop, None
        if shop is not None:
            shop.write(json.dumps({"do": "end"}))
            until = time.monotonic() + 10
            while shop.ended is None and time.monotonic() < until:
                time.sleep(0.02)
            self._end(shop)

    # -- what can go wrong -------------------------------------------------------------------------------------

    def kill_worker(self) -> None:
        """SIGKILL, as a crash or a power cut would; a successor is started."""
        with self._lock:
            worker = self._worker
        if worker is not None:
            self._report("injected", "kill", {"sentence": f"Worker {worker.pid} was killed.", "pid": worker.pid})
            worker.kill()

    def freeze_worker(self) -> None:
        """Stop the worker where it is, and start a successor: the frozen one is a zombie that does not know it."""
        with self._lock:
            worker, self._worker = self._worker, None
            if worker is None:
                return
            worker.stop()
            self._frozen.append(worker)
            said = f"Worker {worker.pid} sleeps and does not know it; a successor is started."
            self._report("injected", "zombie", {"sentence": said, "pid": worker.pid})
            self._start_worker()
            self._again()

    def thaw(self) -> None:
        """Let the frozen workers go on; they find that they have a successor, and end."""
        with self._lock:
            frozen, self._frozen = self._frozen, []
        for worker in frozen:
            worker.go_on()
            until = time.monotonic() + 15
            while worker.ended is None and time.monotonic() < until:
                time.sleep(0.02)
            ended = worker.ended
            said = how_it_ended(ended) if ended is not None else "did not end"
            told = {
                "what": "zombie ended",
                "pid": worker.pid,
                "code": ended,
                "sentence": f"The zombie woke and {said}.",
            }
            self._report("worker", "", told)
            self._end(worker)

    # -- processes ---------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End everything; what is captured and fenced stays for the next time."""
        self._closed.set()
        self.close_shop()
        with self._lock:
            worker, self._worker = self._worker, None
            frozen, self._frozen = self._frozen, []
        if worker is not None:
            worker.write(json.dumps({"do": "end"}))
            until = time.monotonic() + 2
            while worker.ended is None and time.monotonic() < until:
                time.sleep(0.01)
        for child in [*frozen, *([worker] if worker else [])]:
            self._end(child)
        for proxy in self.proxies.values():
            proxy.close()
        self._guard.release()
        shutil.rmtree(self._folder, ignore_errors=True)
        self._watch.join(timeout=2)

    def _start_worker(self) -> None:
        self._worker = self._start(_WORKER, asdict(self._order), self._hear)

    def _start(self, module: str, first: Mapping[str, Any], on_line: Callable[[str], None]) -> Child:
        child = Child(command(module), self._folder, on_line)
        self._guard.watch(child.pid)
        child.write(json.dumps(first))
        return child

    def _end(self, child: Child) -> None:
        child.close()
        self._guard.forget(child.pid)

    def _send(self, line: Mapping[str, Any]) -> None:
        assert self._worker is not None
        self._worker.write(json.dumps(line))

    def _give_next(self) -> None:
        if self._doing is None and self._asked:
            self._doing = self._asked.pop(0)
            self._send(self._doing)

    def _again(self) -> None:
        """A successor is given what its predecessor was working on, and lets changes flow if they did."""
        for line in self._kept.values():
            self._send(line)
        if self._following and (self._doing or {}).get("do") != "sync":
            self._send({"do": "sync", "quietly": True})
        if self._doing is not None:
            self._send(self._doing)

    def _hear(self, line: str) -> None:
        try:
            event = json.loads(line)
            kind, node, data = event["kind"], event["node"], event["data"]
        except (ValueError, KeyError, TypeError):
            return  # half a line of a process that was killed
        with self._lock:
            if kind in ("done", "refused", "cancelled", "drift", "contradiction"):
                self._deaths = 0
                if self._doing is not None and self._doing["do"] == node:
                    self._doing = None
                    self._give_next()
            if kind == "done":
                if node == "sync":
                    self._following = True
                elif node in ("clean", "cancel", "undo", "replan"):
                    self._following = False
            elif kind == "failed":  # the same would only fail again
                self._doing, self._following = None, False
                self._asked.clear()
        self._report(kind, node, data)
        if kind == "ready":
            said = f"Worker {data['pid']} works in epoch {data['epoch']}."
            told = {"what": "started", "pid": data["pid"], "epoch": data["epoch"], "code": None, "sentence": said}
            self._report("worker", "", told)

    def _look_after(self) -> None:
        while not self._closed.wait(_LOOK_S):
            with self._lock:
                worker = self._worker
                if worker is None or worker.ended is None:
                    continue
                self._worker = None
                code = worker.ended
                self._deaths += 1
                wanted = self._doing is not None or self._asked or self._following
            worker.read_to_end()
            tail = [line for line in worker.tail if line.strip()][-3:]
            told = {"what": "died" if code else "ended", "code": code, "pid": worker.pid, "tail": tail}
            self._report("worker", "", {**told, "sentence": f"The worker {how_it_ended(code)}."})
            self._end(worker)
            with self._lock:
                if wanted and self._deaths < _LIVES and not self._closed.is_set():
                    self._start_worker()
                    self._again()
                elif wanted:
                    self._doing = None
                    self._asked.clear()

    def _through_proxies(self, order: Order) -> Order:
        """The order with the servers behind proxies; files need none."""
        urls = {"source": order.source, "target": order.target}
        for side, url in urls.items():
            if open_store(url).dialect != "sqlite":
                self.proxies[side], urls[side] = proxied(url)
        return replace(order, source=urls["source"], target=urls["target"])

    def __enter__(self) -> Conductor:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(Exception):
            self.close()
