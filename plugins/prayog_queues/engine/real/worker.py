"""A consumer of a real run: a process of its own, so that it can really be killed in the middle of its handler.

It takes messages from the broker, does the steps that its handler wants (`engine.handlers`), charges at the ledger, and
tells the lab every word of ``docs/queues-events.md`` by its pipe *before* it goes on: what it said stays said when it
dies.

Rules
1. A crash is SIGKILL by its own hand at the named point: no farewell, no rollback but the database's own.  With
   ``machine`` it stops for ever instead (SIGSTOP): its connections stay open and silent, as those of a dead machine.
2. Each of its `concurrency` threads has a connection of its own.
3. The learner's code runs behind the fence of the SDK (`prayog_sdk.code.fence`): this whole process is behind it.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prayog_queues.engine.envelope import Delivery
from prayog_queues.engine.handlers import CODE, HANDLERS, POINTS, wrong
from prayog_queues.engine.port import Broker, BrokerError, Stale, Unable, Unanswered
from prayog_queues.engine.real.backends import Place, connect
from prayog_queues.engine.real.ledger import Ledger, open_ledger
from prayog_queues.engine.real.orders import declared
from prayog_queues.engine.real.wire import now_us
from prayog_queues.engine.setup import Setup
from prayog_sdk.code.fence import Door
from prayog_sdk.code.function import Function, events
from prayog_sim.rng import Rng

__all__ = ["Job", "die", "serve"]

WAIT_US = 100_000
AGAIN_S = 0.2
"""After a call that was not answered."""
MOST_STEPS = 12
"""More than there are words: a handler that goes round in circles ends here."""
BREAKER_AFTER, BREAKER_S = 5, 1.0


@dataclass(frozen=True, slots=True)
class Job:
    """All that a consumer has to know."""

    name: str
    life: int
    """The how manieth process of this name."""
    queue: str
    setup: Setup
    seed: int
    place: Place = field(repr=False)
    ledger: str = ""
    began: str = ""
    """A file that comes into being when the producers start: the bank's outage is counted from then."""
    struck: bool = False
    """The crash at a certain message has happened."""


class _Voice:
    """The pipe to the lab, for several threads."""

    def __init__(self, door: Door) -> None:
        self._door, self._lock = door, threading.Lock()

    def __call__(self, kind: str, node: str = "", **data: Any) -> None:
        with self._lock:
            self._door.send((kind, node, data))


def serve(door: Door, job: Job) -> None:
    """The whole life of the process (`prayog_sdk.code.fence.Fenced` starts it)."""
    voice, guard = _Voice(door), threading.Lock()
    own = CODE.function(job.setup.code) if HANDLERS[job.setup.handler] is None else None
    hands = [_Hand(job, number, voice, own, guard) for number in range(job.setup.concurrency)]
    try:
        for hand in hands:
            hand.open()
    except Unable as error:
        voice("problem", job.name, sentence=str(error))
        return
    voice("started", job.name, pid=os.getpid())
    if own is not None:
        door.limit_memory()
    threads = [threading.Thread(target=_live, args=(hand, voice, job.name), daemon=True) for hand in hands[1:]]
    for thread in threads:
        thread.start()
    _live(hands[0], voice, job.name)


def _live(hand: _Hand, voice: _Voice, name: str) -> None:
    try:
        hand.work()
    except Exception as error:  # noqa: BLE001 - a learner sees a sentence, never a traceback
        voice("problem", name, sentence=f"{name} ended: {type(error).__name__}: {error}")


class _Hand:
    """One thread: a connection, and one message at a time."""

    def __init__(self, job: Job, number: int, voice: _Voice, own: Function | None, guard: threading.Lock) -> None:
        self._job, self._setup, self._voice, self._own, self._guard = job, job.setup, voice, own, guard
        self._rng = Rng.derive(job.seed, "node", job.name, str(job.life), str(number))
        self._name = job.name if number == 0 else f"{job.name}.{number + 1}"
        self._failures = 0
        self._broker: Broker
        self._ledger: Ledger

    def open(self) -> None:
        """Connect and declare; a broker that is down is waited for."""
        while True:
            try:
                self._broker = connect(self._job.place, self._name)
                self._broker.declare(declared(self._setup)[0])
                self._ledger = open_ledger(self._broker, self._job.ledger)
                return
            except Unanswered as error:
                self._say("idle", sentence=str(error))
                time.sleep(AGAIN_S)

    def work(self) -> None:
        """Until the lab is gone or kills this process."""
        while True:
            try:
                found = self._broker.fetch(self._job.queue, self._setup.prefetch, WAIT_US, self._name)
            except BrokerError as error:
                self._say("idle", sentence=str(error))
                time.sleep(AGAIN_S)
                continue
            self._broker_told()
            if not found:
                self._say("idle")
            for delivery in found:
                self._receive(delivery)
                self._broker_told()

    def _say(self, kind: str, **data: Any) -> None:
        self._voice(kind, self._job.name, **data)

    def _broker_told(self) -> None:
        for kind, data in self._broker.told.drain():  # type: ignore[attr-defined] # every real adapter has it
            self._voice(kind, self._job.name if kind in ("assigned", "committed") else "broker", **data)

    # -- one message -----------------------------------------------------------------------------------------------

    def _receive(self, delivery: Delivery) -> None:
        point = self._draw(delivery)
        self._strike(point, "before_receive")
        message, until = delivery.message, delivery.lease_until_us
        self._say(
            "delivered", message=message.id, key=message.key, number=message.number, queue=delivery.queue,
            attempt=delivery.attempt, receipt=delivery.receipt, position=delivery.position,
            lease_us=max(0, until - now_us()) if until is not None else 0,
        )  # fmt: skip
        self._strike(point, "after_receive")
        self._strike(point, "before_work")
        self._say("began", message=message.id, receipt=delivery.receipt)
        did: list[str] = []
        seen: bool | None = None
        for _ in range(MOST_STEPS):
            step = self._next(delivery, did, seen)
            if step == "done":
                return
            if step in ("retry", "park"):
                self._give_up(delivery, "the handler said so", did, park=step == "park")
                return
            found = self._do(step, delivery, did, point)
            if found == "over":
                return
            if step == "ask":
                seen = found == "known"
        self._give_up(delivery, "its handler does not come to an end", did, park=True)

    def _draw(self, delivery: Delivery) -> str:
        """Where this process will die with this message, if it will."""
        setup = self._setup
        hit = setup.crash > 0 and self._rng.random() * 100 < setup.crash
        if setup.crash_at and not self._job.struck and delivery.attempt == 1:
            hit = hit or delivery.message.id.rpartition("-")[2] == str(setup.crash_at)
        if not hit:
            return ""
        return self._rng.choice(POINTS) if setup.crash_point == "anywhere" else setup.crash_point

    def _next(self, delivery: Delivery, did: list[str], seen: bool | None) -> str:
        handler = HANDLERS[self._setup.handler]
        if handler is not None:
            return handler(delivery.message.id, delivery.attempt, did, seen)
        assert self._own is not None
        with self._guard:  # the fence's watch over a call is one for the process
            outcome = self._own(delivery.message.id, delivery.attempt, list(did), seen, expect=wrong)
        for kind, data in events(outcome):
            self._say(kind, **data)
        return str(outcome.value) if outcome.mistake is None else "park"

    def _do(self, step: str, delivery: Delivery, did: list[str], point: str) -> str:
        """One step; what came of it, or ``over``."""
        if step == "work":
            self._rest(delivery)
            if dict(delivery.message.headers).get("poison"):
                self._give_up(delivery, "this message cannot be read", did)
                return "over"
            did.append(step)
            self._strike(point, "after_work")
            return ""
        if step == "ack":
            self._strike(point, "before_ack")
            settled = self._ack(delivery)
            did.append(step)
            self._strike(point, "after_ack")
            return "" if settled else "over"
        return self._charge(step, delivery, did, point)

    def _charge(self, step: str, delivery: Delivery, did: list[str], point: str) -> str:
        if self._bank_is_down():
            self._failures += 1
            if self._setup.breaker and self._failures >= BREAKER_AFTER:
                time.sleep(BREAKER_S)
            self._give_up(delivery, "the bank does not answer", did)
            return "over"
        self._failures = 0
        joined = step == "charge and record" and self._ledger.joins and self._setup.handler == "inbox"
        before = (lambda: self._strike(point, "after_effect")) if joined else (lambda: None)
        try:
            found = self._ledger.serve(
                step, delivery, self._job.name, fencing=self._setup.fencing, before_commit=before,
                ack=self._broker.ack if joined else None,
            )  # fmt: skip
        except Stale:
            self._say("stale_ack", message=delivery.message.id, receipt=delivery.receipt, accepted=False)
            return "over"
        except BrokerError as error:  # it happened or not: the ledger knows, and the lease brings the message back
            ids = {"message": delivery.message.id, "receipt": delivery.receipt}
            self._say("failed", **ids, attempt=delivery.attempt, why=str(error))
            return "over"
        if found == "stale":
            self._say("rejected", message=delivery.message.id, why="stale", by=self._job.name)
            self._give_up(delivery, "the bank has seen a newer receipt", did, stale=True)
            return "over"
        did.append(step)
        if found == "known":
            self._say("known", message=delivery.message.id, receipt=delivery.receipt)
        elif "charge" in step:
            self._tell_effect(delivery)
            self._strike(point, "after_effect")
        if "record" in step:
            self._strike(point, "after_record")
        if joined:
            did.append("ack")
            self._say("acked", message=delivery.message.id, receipt=delivery.receipt, queue=delivery.queue)
            self._strike(point, "after_ack")
        return found

    def _tell_effect(self, delivery: Delivery) -> None:
        message, until = delivery.message, delivery.lease_until_us
        self._say(
            "effect", message=message.id, key=message.key, number=message.number, queue=delivery.queue,
            receipt=delivery.receipt, attempt=delivery.attempt, what="charge",
            stale=until is not None and now_us() > until,
        )  # fmt: skip

    def _ack(self, delivery: Delivery) -> bool:
        late = delivery.lease_until_us is not None and now_us() > delivery.lease_until_us
        ids = {"message": delivery.message.id, "receipt": delivery.receipt}
        try:
            self._broker.ack(delivery)
        except Stale:
            self._say("stale_ack", **ids, accepted=False)
            return False
        except BrokerError as error:
            self._say("failed", **ids, attempt=delivery.attempt, why=str(error))
            return False
        if late:
            self._say("stale_ack", **ids, accepted=True)
        else:
            self._say("acked", **ids, queue=delivery.queue)
        return True

    def _give_up(
        self, delivery: Delivery, why: str, did: list[str], *, park: bool = False, stale: bool = False
    ) -> None:
        ids = {"message": delivery.message.id, "receipt": delivery.receipt}
        self._say("failed", **ids, attempt=delivery.attempt, why=why)
        if "ack" in did:
            return
        try:
            if stale:
                self._broker.ack(delivery)
            elif park:
                self._broker.term(delivery, "refused")
            else:
                self._broker.nack(delivery)
                self._say("returned", **ids, delay_us=1_000 * self._setup.backoff_ms)
        except Stale:
            self._say("stale_ack", **ids, accepted=False)
        except BrokerError as error:
            self._say("idle", sentence=str(error))

    def _rest(self, delivery: Delivery) -> None:
        """The work takes its time; with `extend` the lease begins anew thrice within it."""
        setup, mean = self._setup, self._setup.work_ms / 1_000
        if setup.work == "varied" and mean:
            mean = self._rng.expovariate(1 / mean)
        elif setup.work == "long tail":
            mean *= 10 if self._rng.random() < 0.02 else 0.8
        until = time.monotonic() + mean
        while (left := until - time.monotonic()) > 0:
            if not (setup.extend and setup.lease_ms):
                time.sleep(left)
                return
            time.sleep(min(left, setup.lease_ms / 3_000))
            try:
                self._broker.extend(delivery)
                self._say(
                    "extended", message=delivery.message.id, receipt=delivery.receipt, lease_us=1_000 * setup.lease_ms
                )  # fmt: skip
            except BrokerError:
                continue  # it ends as it would without

    def _bank_is_down(self) -> bool:
        setup = self._setup
        if not setup.bank_fails_ms:
            return False
        since_ms = 1_000 * (time.time() - Path(self._job.began).stat().st_mtime) - setup.bank_fails_at_ms
        return 0 <= since_ms < setup.bank_fails_ms

    def _strike(self, point: str, here: str) -> None:
        if point != here:
            return
        self._say("crashed", point=here, how=self._setup.crash_how)
        die(self._setup.crash_how)


def die(how: str) -> None:
    """End this process as `how` says; never returns."""
    if how == "process" or sys.platform == "win32":
        if sys.platform == "win32":
            os._exit(137)
        os.kill(os.getpid(), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGSTOP)
    while True:  # somebody sent SIGCONT: a dead machine does not come back
        time.sleep(3_600)
