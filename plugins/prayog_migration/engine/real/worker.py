"""The worker: the process in which a migration runs, so that it can be killed like any other.

It is started by `conductor` as ``python -m prayog_migration.engine.real.worker`` and speaks in lines of JSON: on its
standard input first the `Order`, then commands (``{"do": "copy"}``); on its standard output events
(``{"kind": "chunk", "node": "orders", "data": {…}}``).

Rules
1. It may be killed at any moment.  Its successor claims the target, reads where the migration stands, and goes on.
2. Its standard input is its life line: when that closes, whoever started it is gone, and it ends at the next look.
3. A connection that breaks or hangs is the same as a kill, without the process: everything is opened again.
4. Between commands changes flow, in whichever direction they flow now.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from prayog_migration.engine.changes import Contradiction
from prayog_migration.engine.identity import Unfollowable
from prayog_migration.engine.real import (
    checking,
    cleaning,
    copying,
    preparing,
    previewing,
    probing,
    reporting,
    room,
    switching,
)
from prayog_migration.engine.real.capture import CannotCapture, CaptureLost, Drift
from prayog_migration.engine.real.fence import FenceBusy
from prayog_migration.engine.real.flow import Flow
from prayog_migration.engine.real.job import GateShut, Job, Order
from prayog_migration.engine.real.ledger import Fenced
from prayog_migration.engine.real.load import Cancelled
from prayog_migration.engine.real.pulse import Pulse
from prayog_migration.engine.real.store import Fault
from prayog_migration.engine.real.trials import forget, trials

__all__ = ["Worker", "main"]

_IDLE_S = 0.02
_WAITS_S = (0.1, 0.2, 0.5, 1.0, 2.0)
STALLED, FENCED = 75, 76
"""Exit codes: a connection hung; another worker has taken over."""

Command = Mapping[str, Any]


class Worker:
    """Runs commands on one job; changes flow in between."""

    def __init__(self, order: Order, say: Callable[[str, str, Mapping[str, Any]], None]) -> None:
        self.job = Job(order, say)
        self.todo: queue.SimpleQueue[Command | None] = queue.SimpleQueue()
        self._flow = Flow(self.job)
        self._failed = 0
        self._over = False
        """Everything was taken away, also what a worker remembers."""

    def hear(self, command: Command) -> None:
        """Take a command; buttons work at once, everything else in its turn."""
        control = self.job.control
        match command:
            case {"do": "pause"}:
                control.pause()
                self.job.say("paused", "", sentence="You paused it.")
            case {"do": "resume"}:
                control.resume()
                self.job.say("resumed")
            case {"do": "throttle", "rate": rate}:
                control.rate = float(rate)
            case {"do": "unfence"}:
                control.called_off = True
            case {"do": "cancel"}:
                control.cancel()
                self.todo.put(command)
            case _:
                self.todo.put(command)

    def end(self) -> None:
        """Nobody listens any more."""
        self.job.control.cancel()
        self.todo.put(None)

    def run(self) -> int:
        """Work until the commands end; the exit code."""
        try:
            self._patiently(self._open)
            while True:
                command = self._next()
                if command is None:
                    return 0
                if command.get("do") == "end":
                    return 0
                self._perform(command)
                if self._over:
                    return 0
        except Fenced as fenced:
            self.job.say("fenced_off", "", sentence=str(fenced))
            return FENCED
        except Cancelled:
            return 0
        finally:
            self.job.close()

    def _open(self) -> None:
        self.job.reconnect()
        switching.recover(self.job)
        standing = self.job.standing()
        self.job.say("ready", standing["name"], epoch=self.job.ledger.epoch, phase=standing["phase"],
                     facts=self.job.facts(), side=self.job.side, pid=os.getpid())  # fmt: skip

    def _next(self) -> Command | None:
        """The next command; while there is none, changes flow."""
        while True:
            with contextlib.suppress(queue.Empty):
                return self.todo.get_nowait()
            if self.job.control.paused or not self._flow.ready:
                with contextlib.suppress(queue.Empty):
                    return self.todo.get(timeout=0.1)
                continue
            if not self._guarded(self._flow.turn):
                with contextlib.suppress(queue.Empty):
                    return self.todo.get(timeout=_IDLE_S)

    def _perform(self, command: Command) -> None:
        name = command["do"]
        work: dict[str, Callable[[], object]] = {
            "assess": lambda: preparing.assess_source(self.job),
            "probe": lambda: probing.probe(self.job, float(command.get("writes_s", 0))),
            "preview": lambda: previewing.preview(self.job),
            "schema": lambda: preparing.make_schema(self.job),
            "copy": lambda: copying.copy(self.job),
            "validate": lambda: checking.validate(self.job),
            "audit": lambda: checking.audit(self.job),
            "sync": self._flow.begin,
            "switch": lambda: switching.switch(self.job, "target"),
            "back": lambda: switching.switch(self.job, "source"),
            "replan": lambda: preparing.plan_again(self.job),
            "undo": lambda: preparing.undo(self.job, command.get("step", "")),
            "cancel": self._cancel,
            "report": lambda: reporting.report(self.job, command["folder"], command.get("forecast")),
            "clean": lambda: self._clean(str(command.get("folder", ""))),
            **trials(self.job, command),
        }
        if name not in work:
            self.job.say("refused", name, sentence=f"The worker knows no command {name!r}.")
            return
        began = time.monotonic()
        if self._guarded(work[name], name) and not command.get("quietly"):
            self.job.say("done", name, us=round(1e6 * (time.monotonic() - began)))

    def _clean(self, folder: str) -> None:
        self._flow.stop()
        if folder:
            forget(self.job, folder)
        gone = cleaning.clean(self.job)
        left = cleaning.leftovers(self.job.source) + cleaning.leftovers(self.job.target)
        self.job.say("clean", "", gone=gone, left=left)
        self._over = True

    def _cancel(self) -> None:
        """Nothing of ours stays on the source; what is on the target stays until it is undone or loaded again."""
        self._flow.stop()
        self.job.control.renew()
        preparing.let_go(self.job)

    def _guarded(self, work: Callable[[], object], name: str = "flow") -> bool:
        """Do it, and get over what can be got over; whether it was done."""
        while True:
            try:
                answer = work()
                self._failed = 0
                return answer is not False
            except Cancelled:
                if self.todo.empty():
                    raise
                self.job.say("cancelled", name)
                return False
            except (GateShut, CannotCapture, Unfollowable, FenceBusy, switching.SwitchRefused, preparing.Refused) as no:
                self.job.say("refused", name, sentence=str(no))
                return False
            except Drift as drift:
                self._flow.hold(str(drift))
                self.job.say("drift", name, sentence=str(drift))
                return False
            except CaptureLost as lost:
                self._patiently(partial(copying.begin_again, self.job, str(lost)))
                copying.copy(self.job)
                return True
            except Contradiction as wrong:
                self._flow.hold(str(wrong))
                self.job.say("contradiction", name, sentence=str(wrong))
                return False
            except Exception as error:
                fault = self._fault(error)
                if fault.kind not in ("connection", "retry", "space"):
                    raise
                self._get_over(fault, name)

    def _fault(self, error: Exception) -> Fault:
        here = self.job.target.fault(error)
        return self.job.source.fault(error) if here.kind == "fatal" else here

    def _get_over(self, fault: Fault, name: str) -> None:
        """Wait a moment and open everything again; what was committed is on the target."""
        self._failed += 1
        wait = _WAITS_S[min(self._failed, len(_WAITS_S)) - 1]
        said = room.sentence(self.job, fault.sentence) if fault.kind == "space" else _told(fault)
        self.job.say("fault", name, what=fault.kind, code=fault.code, sentence=said, wait_us=round(1e6 * wait))
        self.job.control.wait(wait)
        if self.job.control.cancelled:
            raise Cancelled
        with contextlib.suppress(Fenced):
            try:
                self.job.reconnect()
            except Exception as again:
                if self._fault(again).kind not in ("connection", "retry", "space"):
                    raise

    def _patiently(self, work: Callable[[], object]) -> None:
        while True:
            try:
                work()
                return
            except Exception as error:
                fault = self._fault(error)
                if isinstance(error, Fenced) or fault.kind not in ("connection", "retry", "space"):
                    raise
                self._failed += 1
                wait = _WAITS_S[min(self._failed, len(_WAITS_S)) - 1]
                self.job.say("fault", "opening", what=fault.kind, code=fault.code, sentence=_told(fault))
                self.job.control.wait(wait)
                if self.job.control.cancelled:
                    raise Cancelled from error


def _told(fault: Fault) -> str:
    """A fault that passes, for the learner: what the driver said alone reads like the end."""
    if fault.kind != "connection":
        return fault.sentence
    return f"A connection broke ({fault.sentence.rstrip('.')}). The wizard tries again, and goes on at its checkpoint."


def main() -> int:
    """Read the order, then commands until the input ends."""
    gc.set_threshold(200_000, 20, 100)  # batches are many small objects without cycles
    lock = threading.Lock()

    def say(kind: str, node: str, data: Mapping[str, Any]) -> None:
        line = json.dumps({"kind": kind, "node": node, "data": data}, ensure_ascii=False, default=str)
        with lock, contextlib.suppress(BrokenPipeError):
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    order = Order(**json.loads(sys.stdin.readline()))
    worker = Worker(order, say)

    def listen() -> None:
        for line in sys.stdin:
            worker.hear(json.loads(line))
        worker.end()

    threading.Thread(target=listen, name="commands", daemon=True).start()
    with Pulse(order, lambda where: _stalled(say, where)):
        try:
            return worker.run()
        except Exception as error:
            say("failed", "", {"sentence": str(error) or type(error).__name__, "type": type(error).__name__})
            if os.environ.get("PRAYOG_TRACE"):
                raise
            return 1


def _stalled(say: Callable[[str, str, Mapping[str, Any]], None], where: str) -> None:
    say("stalled", where, {"sentence": f"The {where} has not answered for some seconds; the worker begins anew."})
    os._exit(STALLED)


if __name__ == "__main__":
    sys.exit(main())
