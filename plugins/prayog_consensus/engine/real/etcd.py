"""A cluster of etcd on this machine as a run: the same blows as in a simulation, against a Raft that others wrote.

The word ``etcd`` among the options asks for it.  Its members are started with the set-up's election timeout; their
messages go by loopback as they are, without the delays and losses of the set-up.  All that is seen is what each member
answers when it is asked: every `_QUICK_S` while nobody leads, else every `_CALM_S`.

Rules
1. Only the thread that calls `step` and `do` touches the trace and starts or ends processes; the threads that ask put
   what they hear into a queue.
2. What a process said before it was killed counts no more once it is dead.
3. `close` leaves nothing: no process, port, thread or file.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from prayog_consensus.engine.provoke import revive
from prayog_consensus.engine.real.etcdprogram import command, environment, free_ports, version
from prayog_consensus.engine.real.following import repeat
from prayog_consensus.engine.real.gateway import Gateway, Status
from prayog_consensus.engine.setup import ETCD_DEEDS, Setup, names
from prayog_sdk.cluster.guard import Guard
from prayog_sdk.cluster.processes import Child, how_it_ended
from prayog_sdk.hookspecs import Progress
from prayog_sdk.params import ParamError
from prayog_sdk.run import Folded
from prayog_sdk.services import ServiceMissing
from prayog_sim.run import Action, ActionError, Look, NodeView, Run, TimedAction, View
from prayog_sim.trace import Effect, Step

__all__ = ["Etcd", "start"]

_QUICK_S = 0.005
_CALM_S = 0.05
_READY_S = 20.0
_MOST = 9
_SHORTEST_MS = 50  # a shorter election timeout only makes the members elect all the time
_STATUS = {"crash": "down", "error": "down", "pause": "paused", "start": "up", "restart": "up", "resume": "up"}


def start(setup: Setup, progress: Progress = lambda done, total, text: None) -> Etcd:
    """As many members as the set-up has nodes, all answering.  Raises `ServiceMissing` or `ParamError`."""
    if setup.algorithm != "raft":
        raise ParamError(f"etcd runs Raft; the algorithm is {setup.algorithm}")
    if not 1 <= setup.nodes <= _MOST:
        raise ParamError(f"so many members of etcd would be too much for one machine: at most {_MOST}")
    return Etcd(names(setup.nodes), max(_SHORTEST_MS, round(setup.timeout_ms)), version(), progress)


class Etcd(Folded):
    """`members` of etcd whose election timeout is `timeout` to twice that (ms)."""

    kind: Literal["world", "session"] = "session"
    live = True
    offers = ("crash", "restart", "pause", "resume")

    def __init__(self, members: tuple[str, ...], timeout: int, version: str, progress: Progress) -> None:
        self._names = members
        super().__init__()
        self._began = time.perf_counter_ns()
        self._closing = threading.Event()
        self._news: deque[tuple[int, str, Child, Status | None]] = deque()
        self._children: dict[str, Child] = {}
        self._asleep: set[str] = set()
        self._answered: set[str] = set()
        self._won = 0  # the newest term that somebody leads or led
        self._led = False
        self._folder = Path(tempfile.mkdtemp(prefix="prayog-etcd-"))
        self._guard = Guard(self._folder)
        ports = free_ports(2 * len(members))
        self._ports = dict(zip(members, ports, strict=False))
        peers = {name: f"http://127.0.0.1:{port}" for name, port in zip(members, ports[len(members) :], strict=True)}
        self._commands = {name: command(name, port, peers, timeout) for name, port in self._ports.items()}
        self._threads = [
            threading.Thread(target=self._ask, args=(name,), name=f"etcd-{name}", daemon=True) for name in members
        ]
        try:
            for name in members:
                self._spawn(name)
                self._put("start", name, {"pid": self._children[name].pid, "etcd": version, "timeout_ms": timeout})
            for thread in self._threads:
                thread.start()
            self._await_all(progress)
        except BaseException:
            self.close()
            raise

    # -- what a run is -----------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        return not self._closing.is_set()

    @property
    def next_at(self) -> int | None:
        return None

    @property
    def now(self) -> int:
        """µs since the start."""
        return (time.perf_counter_ns() - self._began) // 1_000

    def step(self) -> Step | None:
        while self._news:
            at, name, child, status = self._news.popleft()
            if self._children.get(name) is not child:
                continue
            if status is None:
                return self._bury(name, child, at)
            return self._hear(name, status, at)
        return None

    def wait(self, seconds: float) -> Step | None:
        """Like `step`, but waits up to `seconds` for something to happen."""
        until = time.monotonic() + seconds
        while (step := self.step()) is None and self.busy and time.monotonic() < until:
            time.sleep(0.002)
        return step

    def do(self, action: Action, at: int | None = None) -> Step:
        if self._closing.is_set():
            raise ActionError("this cluster was stopped; start a new one")
        while self.step() is not None:  # what happened before stands before it in the trace
            pass
        return [self._deed(step) for step in self._plan(action)][-1]

    def close(self) -> None:
        if self._closing.is_set():
            return
        self._closing.set()
        for thread in self._threads:
            if thread.ident is not None:
                thread.join(timeout=5)
        for child in self._children.values():
            child.close()
        self._guard.release()
        shutil.rmtree(self._folder, ignore_errors=True)

    def repeat(self, simulated: Run, check: Callable[[], None]) -> list[str]:
        """Do here what was done to `simulated`; see `following`."""
        return repeat(self, simulated, check)

    # -- its state ---------------------------------------------------------------------------------------------------

    def start(self) -> Mapping[str, Any]:
        return {name: {"status": "down", "leads": False} for name in self._names}

    def fold(self, state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        known = {**state[step.node]}
        if step.kind == "status":
            known |= {key: step.data[key] for key in ("member", "leader", "term", "index", "leads")}
        else:
            known["status"] = _STATUS[step.kind]
            if known["status"] == "down":
                known |= {"leader": 0, "leads": False}
        return {**state, step.node: known}

    def show(self, state: Mapping[str, Any], step: Step | None) -> View:
        called = {known["member"]: name for name, known in state.items() if "member" in known}
        nodes = {name: _shown(name, known, called) for name, known in state.items()}
        return View(step.seq if step else -1, step.at if step else 0, nodes)

    # -- what happens by itself --------------------------------------------------------------------------------------

    def _hear(self, name: str, status: Status, at: int) -> Step:
        led = self.state[name]["leads"]
        leads = status.leads and (status.term > self._won or (led and status.term == self._won))
        effects: tuple[Effect, ...] = ()
        if leads and status.term > self._won:
            self._won = status.term
            effects = (Effect("leader", {"term": status.term}),)
        elif led and not leads:
            effects = (Effect("stepdown", {"term": status.term}),)
        return self._put("status", name, {**asdict(status), "leads": leads}, effects, at)

    def _bury(self, name: str, child: Child, at: int) -> Step:
        """A member ended, and nobody here had ended it."""
        sentence = _last_words(name, child)
        self._forget(name)
        return self._put("error", name, {"sentence": sentence}, (), at)

    def _put(
        self, kind: str, name: str, data: Mapping[str, Any], effects: tuple[Effect, ...] = (), at: int | None = None
    ) -> Step:
        before = self.trace[-1].at if len(self.trace) else 0
        when = max(before, self.now if at is None else at)
        step = self._append_step(Step(len(self.trace), when, kind, name, data, -1, effects))
        self._led = self._leader() is not None
        return step

    def _ask(self, name: str) -> None:
        """Ask `name` again and again, on a thread of its own, and tell what is new."""
        line = Gateway(self._ports[name])
        last: tuple[Child, Status | None] | None = None
        while not self._closing.wait(_CALM_S if self._led else _QUICK_S):
            child = self._children.get(name)
            if child is None or name in self._asleep:
                line.close()
                continue
            status = line.status()
            if status is not None:
                self._answered.add(name)
            elif child.ended is None:
                continue
            if last is None or last[0] is not child or _differ(last[1], status):
                last = (child, status)
                self._news.append((self.now, name, child, status))
        line.close()

    # -- what is done to it ------------------------------------------------------------------------------------------

    def _plan(self, action: Action) -> list[Action]:
        if action.name == "revive":
            return revive({name: known["status"] for name, known in self.state.items()})
        blow = {"kill_leader": "crash", "sleeping_leader": "pause"}.get(action.name)
        if blow is None:
            return [action]
        leader = self._leader()
        if leader is None:
            raise ActionError("nobody leads now; wait for a leader first")
        return [Action(blow, {"node": leader})]

    def _leader(self) -> str | None:
        up = [(known["term"], name) for name, known in self.state.items() if known["leads"] and known["status"] == "up"]
        return max(up)[1] if up else None

    def _deed(self, action: Action) -> Step:
        if action.name not in self.offers:
            raise ActionError(
                f"{action.name!r} cannot be done to etcd, whose network and log are its own; here one can "
                f"{', '.join((*self.offers, *ETCD_DEEDS))}"
            )
        name = str(action.args.get("node"))
        if name not in self._names:
            raise ActionError(f"node must be one of {', '.join(self._names)}; found {action.args.get('node')!r}")
        status, child = self.state[name]["status"], self._children.get(name)
        needed = {"crash": ("up", "paused"), "restart": ("down",), "pause": ("up",), "resume": ("paused",)}[action.name]
        if status not in needed:
            raise ActionError(f"{name} is {status}; only one that is {' or '.join(needed)} can {action.name}")
        after = len(self.trace)
        data = {"node": name, "by": "hand"}
        if child is None:
            self._spawn(name)
            data["pid"] = str(self._children[name].pid)
        elif action.name == "crash":
            child.kill()
            self._forget(name)
        elif action.name == "pause":
            self._asleep.add(name)
            child.stop()
        else:
            child.go_on()
            self._asleep.discard(name)
        done = self._put(action.name, name, data)
        self.actions.append(TimedAction(after, done.at, action))
        return done

    def _spawn(self, name: str) -> None:
        child = Child(self._commands[name], self._folder, lambda line: None, environ=environment())
        self._guard.watch(child.pid)
        self._children[name] = child

    def _forget(self, name: str) -> None:
        child = self._children.pop(name)
        self._asleep.discard(name)
        child.close()
        self._guard.forget(child.pid)

    def _await_all(self, progress: Progress) -> None:
        """Until each has answered once; what they said is still to be stepped through."""
        until = time.monotonic() + _READY_S
        while len(self._answered) < len(self._names):
            progress(len(self._answered), len(self._names), "members of etcd are starting")
            dead = [(name, child) for name, child in self._children.items() if child.ended is not None]
            if dead or time.monotonic() > until:
                why = _last_words(*dead[0]) if dead else f"after {_READY_S:.0f} s not all have answered"
                raise ServiceMissing(f"etcd is here, but its members did not start: {why}.", "Try again.")
            time.sleep(0.01)


def _last_words(name: str, child: Child) -> str:
    child.read_to_end()
    last = f": {child.tail[-1]}" if child.tail else ""
    return f"{name} {how_it_ended(child.ended or 0)}, and not by this lab{last}"


def _differ(one: Status | None, other: Status | None) -> bool:
    """The log index grows all the time and is no news."""
    if one is None or other is None:
        return one is not other
    return (one.member, one.leader, one.term) != (other.member, other.leader, other.term)


def _shown(name: str, known: Mapping[str, Any], called: Mapping[int, str]) -> NodeView:
    status, term = known["status"], known.get("term", -1)
    leader = known.get("leader", 0)
    durable = {"term": term} if term >= 0 else {}
    if status == "down":
        return NodeView(name, status, durable, look=Look("follower", "F", term, "a killed process; its files stay"))
    if not leader:
        return NodeView(name, status, durable, look=Look("candidate", "?", term, "knows of no leader"))
    volatile = {"leader": called.get(leader, str(leader)), "last index": known["index"]}
    if known["leads"]:
        return NodeView(name, status, durable, volatile, look=Look("leader", "L", term, f"leads term {term}"))
    sentence = f"follows {volatile['leader']} in term {term}"
    return NodeView(name, status, durable, volatile, look=Look("follower", "F", term, sentence))
