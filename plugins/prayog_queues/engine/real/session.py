"""A job on a real broker: producers are threads, consumers processes that are really killed, the ledger is a database.

It says the words of ``docs/queues-events.md``, so the judge of the simulation judges it too.  Besides: ``backend``
(what it runs on and what a confirmation is worth there), ``problem`` (a sentence), and the steps of the experiments.

Rules
1. What the ledger holds is what happened.  At the end effects that a killed consumer could not tell are told from it.
2. ``finished`` comes when all orders are sent, the broker says that nothing waits or is out, and nobody is at work; or
   when that does not come in time, after a ``problem`` that says so.
3. A power loss cannot be had without root and a spare machine; what a killed process proves is said instead.
4. `close` leaves nothing: no process, port, file, queue or table.
5. A measurement (all but the job) ends soon after ``stop_measuring`` or `close`, wherever it is.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from prayog_queues.engine.envelope import Message
from prayog_queues.engine.port import Broker, BrokerError, Unable
from prayog_queues.engine.real.backends import BACKENDS, connect, durability_of, find, restart_of
from prayog_queues.engine.real.folding import fold, show, start
from prayog_queues.engine.real.ledger import Effect, PostgresLedger, open_ledger
from prayog_queues.engine.real.orders import declared, orders_of
from prayog_queues.engine.real.sending import Sender
from prayog_queues.engine.real.staff import Staff
from prayog_queues.engine.real.wire import now_us
from prayog_queues.engine.real.worker import Job
from prayog_queues.engine.setup import Setup, customers
from prayog_queues.engine.world.build import readable
from prayog_sdk.cluster.guard import Guard
from prayog_sdk.hookspecs import Progress
from prayog_sdk.run import Cancelled, Emit, Facts
from prayog_sdk.services import ServiceMissing, Services
from prayog_sdk.session import Session
from prayog_sim.run import Action, ActionError, Run, View
from prayog_sim.trace import Step

__all__ = ["JOB_ACTIONS", "BrokerSession", "not_here"]

JOB_ACTIONS = ("run_job", "kill", "restart_broker", "publish", "poison")
_ELSEWHERE = ("everywhere", "probe", "microscope", "stop_measuring")
_LOOK_S = 0.1
_CALM = 3
"""So many looks in a row must find nothing left."""
_MORE_S = 30.0
POWER = (
    "A power loss cannot be made here: it needs root and a disk that forgets. A killed process proves that what was "
    "given to the operating system survives; only a sync before the answer, or copies elsewhere, survive a power loss."
)


def not_here(setup: Setup) -> list[str]:
    """What of the set-up a real run does not do, in sentences."""
    every = [
        (setup.resequence, "putting messages back in order"), (setup.autoscale != "off", "scaling by itself"),
        (setup.door != "open" or setup.limit > 0, "passwords, signatures and limits of clients"),
        (setup.attacker != "none", "attackers"), (setup.engine != "correct", "broken engines"),
        (setup.heartbeat_ms > 0, "heartbeats of the set-up (brokers have their own)"),
        (setup.kind == "table", "the ways to take a row (see the microscope)"),
    ]  # fmt: skip
    return [f"Only the simulation knows {what}." for wanted, what in every if wanted]


class BrokerSession(Session):
    """The job of `setup` on the back-end that it names."""

    live = True

    def __init__(self, setup: Setup, seed: int, services: Services, progress: Progress) -> None:
        self.setup, self.seed = setup, seed
        self._services, self._progress = services, progress
        self._folder = Path(tempfile.mkdtemp(prefix="prayog-queues-"))
        self._guard = Guard(self._folder)
        self._staff: Staff | None = None
        self._senders: list[Sender] = []
        self._watch: threading.Thread | None = None
        self._stop = threading.Event()
        self._enough = threading.Event()
        self._told_effects: dict[tuple[str, str], int] = {}
        self._added = 0
        self._waiting = 1
        """Messages that wait or are out; −1: the broker does not tell."""
        self._effects_seen, self._changed = 0, 0.0
        self._broker: Broker | None = None
        super().__init__()
        try:
            progress(0, 0, f"{BACKENDS.get(setup.backend, setup.backend)} starts")
            prefix = f"prayog{os.getpid()}x{now_us() % 10**9}"
            self.place, self._server = find(setup.backend, services, prefix, self._folder, setup.durability)
        except BaseException:
            self.release()
            raise
        self.begin("broker", backend=setup.backend, title=BACKENDS[setup.backend], not_here=not_here(setup))

    # -- what a run is -----------------------------------------------------------------------------------------------

    def start(self) -> Facts:
        return start(self.setup)

    def fold(self, state: Facts, step: Step) -> Facts:
        return fold(state, step)

    def show(self, state: Facts, step: Step | None) -> View:
        return show(state, step)

    def check(self, action: Action) -> None:
        name = action.name
        if name == "power_loss":
            raise ActionError(POWER)
        if name in _ELSEWHERE:
            return
        if name not in JOB_ACTIONS:
            raise ActionError(f"{name} is done in the simulation only; here: {', '.join((*JOB_ACTIONS, *_ELSEWHERE))}.")
        if name == "run_job" and self._staff is not None:
            raise ActionError("The job runs already, or has run; begin a new run for another one.")
        if name in ("kill", "publish", "poison") and self._staff is None:
            raise ActionError("Nothing runs yet. Begin with run_job.")
        if name == "restart_broker" and self._restart() is None:
            title = BACKENDS[self.setup.backend]
            why = "has no server: its queue is a file, so kill a consumer" if self.setup.backend == "sqlite" else (
                "was not started by this lab, so it is not ours to kill"
            )  # fmt: skip
            raise ActionError(f"{title} {why}.")

    def do(self, action: Action, at: int | None = None) -> Step:
        if action.name == "stop_measuring":  # the worker is busy measuring: it looks here, and does the action after it
            self._enough.set()
        return super().do(action, at)

    def perform(self, action: Action) -> Iterator[Emit]:
        with contextlib.suppress(Cancelled):
            yield from self._perform(action)

    def _over(self) -> bool:
        return self.cancelled or self._enough.is_set()

    def _perform(self, action: Action) -> Iterator[Emit]:
        match action.name:
            case "run_job":
                yield from self._begin()
            case "kill":
                name = str(action.args.get("node") or "w1")
                if self._staff is None or not self._staff.kill(name):
                    yield "problem", name, {"sentence": f"{name} is down already, or there is no such consumer."}
            case "publish" | "poison":
                self._add(str(action.args.get("key") or customers(1)[0]), poison=action.name == "poison")
            case "restart_broker":
                yield from self._restarted()
            case "stop_measuring":
                self._enough.clear()
                yield "interrupted", "", {}
            case "everywhere":
                from prayog_queues.engine.real.everywhere import everywhere

                yield from everywhere(self.setup, self.seed, self._services, self._over, self._progress)
            case "probe":
                from prayog_queues.engine.real.probing import probe_all

                yield from probe_all(self._services, self._folder, self._over, action.args)
            case "microscope":
                from prayog_queues.engine.real.microscope import experiment

                yield from experiment(self._services, self._folder, self._over, action.args)

    def release(self) -> None:
        self._stop.set()
        for sender in self._senders:
            sender.close()
        if self._staff is not None:
            self._staff.close()
        if self._watch is not None:
            self._watch.join(timeout=10)
        if self._broker is not None:
            with contextlib.suppress(BrokerError):
                self._remove(self._broker)
            self._broker.close()
        server = getattr(self, "_server", None)
        if server is not None:
            server.stop()
        self._guard.release()
        shutil.rmtree(self._folder, ignore_errors=True)

    def repeat(self, simulated: Run, check: Callable[[], None]) -> list[str]:
        """Run the job, do what was done to `simulated` at the same moments, and wait for the end."""
        refused: list[str] = []
        began = self.now
        self.do(Action("run_job"))
        for timed in simulated.actions:
            self._wait_until(lambda at=timed.at: self.now - began >= at, check)  # type: ignore[misc]
            try:
                self.do(timed.action)
            except ActionError as error:
                refused.append(f"{timed.action.name}: {error}")
        self._wait_until(lambda: bool(self.state["finished"]), check)
        return refused + not_here(self.setup)

    def _wait_until(self, over: Callable[[], bool], check: Callable[[], None]) -> None:
        while not over() and not self.cancelled:
            check()
            self.wait(0.05)

    # -- the job -----------------------------------------------------------------------------------------------------

    def _begin(self) -> Iterator[Emit]:
        topology, _ = declared(self.setup)
        broker = self._broker = connect(self.place)
        try:
            broker.declare(topology)
        except Unable as error:
            yield "problem", "broker", {"sentence": str(error), "unable": True}
            yield "finished", "", {"published": 0, "effects": 0}
            return
        yield "backend", "broker", {
            "backend": self.place.backend, "title": BACKENDS[self.place.backend],
            "durability": durability_of(self.place, broker), "emulates": dict(getattr(broker, "emulates", {})),
        }  # fmt: skip
        queues = readable(topology)
        ledger, began = str(self._folder / "ledger.sqlite"), str(self._folder / "began")
        open_ledger(broker, ledger).close()
        jobs = [
            Job(f"w{i + 1}", 1, queues[i % len(queues)], self.setup, self.seed, self.place, ledger, began)
            for i in range(max(self.setup.consumers, len(queues)))
        ]
        self._staff = Staff(jobs, self._guard, self._hear)
        self._watch = threading.Thread(target=self._follow, name="queues-watch", daemon=True)
        self._watch.start()

    def _hear(self, kind: str, node: str, data: Mapping[str, Any]) -> None:
        if kind == "effect":
            place = (str(data["message"]), str(data["receipt"]))
            self._told_effects[place] = self._told_effects.get(place, 0) + 1
        self.report(kind, node, data)

    def _follow(self) -> None:
        """Start the producers when the consumers are there, watch, and say when all is done."""
        try:
            self._send_all()
            calm = 0
            until = time.monotonic() + _MORE_S + self._longest_s()
            while not self._stop.wait(_LOOK_S):
                calm = calm + 1 if self._at_rest() else 0
                if calm >= _CALM:
                    break
                if time.monotonic() > until or (self._staff and self._staff.gone):
                    self.report("problem", "broker", {"sentence": "It did not come to rest; it ends here."})
                    break
            if not self._stop.is_set():
                self._finish()
        except (BrokerError, OSError, RuntimeError) as error:
            self.report("problem", "broker", {"sentence": str(error)})
            self.report("finished", "", {"published": 0, "effects": 0})

    def _send_all(self) -> None:
        orders = orders_of(self.setup, self.seed)
        names = sorted({order.producer for order in orders})
        assert self._staff is not None
        until = time.monotonic() + 30
        while len(self._staff.ready) < len(self._staff.pids) and time.monotonic() < until:
            if self._stop.wait(0.02):
                return
        began = time.monotonic()
        (self._folder / "began").touch()
        self._senders = [
            Sender(name, self.setup, self.place, [o for o in orders if o.producer == name], began, self._hear)
            for name in names
        ]  # fmt: skip
        for sender in self._senders:
            while not sender.done.wait(0.1):
                if self._stop.is_set():
                    return
                self._sample()

    def _longest_s(self) -> float:
        setup = self.setup
        each = setup.work_ms / 1_000 + 0.02
        return 3 * setup.messages * each / max(1, setup.consumers) + 4 * setup.lease_ms / 1_000

    def _at_rest(self) -> bool:
        """Everything was sent, nothing waits or is out, nobody works."""
        assert self._staff is not None
        self._sample()
        now, idle = time.monotonic(), dict(self._staff.idle)
        quiet = all(now - idle.get(name, 0.0) < 1.0 for name in self._staff.pids) and bool(self._staff.pids)
        waiting = self._waiting
        return quiet and (waiting == 0 or (waiting < 0 and self._quiet_for(2.0)))

    def _quiet_for(self, seconds: float) -> bool:
        """A broker that does not tell how full it is: nothing was handed out for so long."""
        assert self._staff is not None
        return self._changed + seconds < time.monotonic()

    def _sample(self) -> None:
        """How full the queues are, as gauges; −1 where the broker does not tell."""
        assert self._broker is not None
        ready = leased = oldest = 0
        try:
            for queue in readable(declared(self.setup)[0]):
                found = self._broker.stats(queue)
                ready, leased, oldest = ready + found.ready, leased + found.leased, max(oldest, found.oldest_us)
        except Unable:
            self._note(-1)
            return
        except BrokerError:  # it is down just now
            self._waiting = 1
            return
        self._note(ready + leased)
        for name, value in (("depth", ready), ("in_flight", leased), ("oldest_age_ms", oldest / 1_000)):
            self.report("gauge", "broker", {"name": name, "value": value})

    def _note(self, waiting: int) -> None:
        self._waiting = waiting
        seen = sum(self._told_effects.values())
        if seen != self._effects_seen:
            self._effects_seen, self._changed = seen, time.monotonic()
        self._changed = self._changed or time.monotonic()

    def _finish(self) -> None:
        """What the ledger knows and nobody told, and the end."""
        assert self._broker is not None
        ledger = open_ledger(self._broker, str(self._folder / "ledger.sqlite"))
        effects = ledger.effects()
        ledger.close()
        left = dict(self._told_effects)
        for effect in effects:
            place = (effect.message, effect.receipt)
            if left.get(place, 0):
                left[place] -= 1
            else:
                self.report("effect", effect.consumer, _words(effect))
        self.report("finished", "", {"published": len(orders_of(self.setup, self.seed)), "effects": len(effects)})

    def _add(self, key: str, *, poison: bool) -> None:
        """One more order by hand."""
        self._added += 1
        name = f"hand-{self._added}"
        headers = (("poison", "yes"),) if poison else ()
        message = Message(name, key, f'{{"order": "{name}"}}', source="p1", time_us=now_us(), headers=headers)
        live = [sender for sender in self._senders if not sender.done.is_set()]
        if live:
            live[0].add(message)
            return
        assert self._staff is not None
        late = Sender("p1", self.setup, self.place, [], time.monotonic(), self._hear)
        late.add(message)
        self._senders.append(late)

    # -- the server --------------------------------------------------------------------------------------------------

    def _restart(self) -> Callable[[], None] | None:
        return restart_of(self.place, self._server, self._services)

    def _restarted(self) -> Iterator[Emit]:
        again = self._restart()
        if again is None:
            raise ServiceMissing("This broker is not ours to kill.")
        yield "crashed", "broker", {"point": "by hand", "how": "process"}
        again()
        if self.place.durability == "memory":  # the queues are gone as well: declared anew, as whoever connects does
            broker = connect(self.place)
            broker.declare(declared(self.setup)[0])
            broker.close()
        yield "started", "broker", {"after": "kill -9" if self._server is not None else "an immediate shutdown"}

    def _remove(self, broker: Broker) -> None:
        topology, _ = declared(self.setup)
        ledger = open_ledger(broker, str(self._folder / "ledger.sqlite")) if self._staff is not None else None
        if isinstance(ledger, PostgresLedger):
            ledger.remove()
        elif ledger is not None:
            ledger.close()
        broker.remove(topology)


def _words(effect: Effect) -> dict[str, Any]:
    return {
        "message": effect.message, "key": effect.key, "number": effect.number, "queue": effect.queue,
        "receipt": effect.receipt, "attempt": effect.attempt, "what": "charge", "stale": bool(effect.stale),
        "told_by": "ledger",
    }  # fmt: skip
