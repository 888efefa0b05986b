"""What goes on in a cluster, collected into a trace: `session.Cluster` is this, and what can be done to it.

Rules
1. Only the thread that calls `step` touches the trace; it looks into the journals itself.
2. Nothing that a process does raises here: what goes wrong is a step.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from prayog_sdk.cluster.guard import Guard
from prayog_sdk.cluster.journal import Line, Merge
from prayog_sdk.cluster.members import Factory, Member, NodeMember, Surroundings
from prayog_sdk.cluster.processes import how_it_ended
from prayog_sdk.cluster.programs import Program, ProgramMember
from prayog_sdk.cluster.proxy import Proxy
from prayog_sdk.cluster.state import Moments, Present
from prayog_sdk.cluster.steps import Builder
from prayog_sdk.cluster.watched import Watch
from prayog_sim.clock import format_us
from prayog_sim.loop import Invariant
from prayog_sim.network import Fixed, Link, Network
from prayog_sim.run import TimedAction, View
from prayog_sim.trace import Effect, Step, Trace

__all__ = ["SILENCE", "Recorded"]

SILENCE = 3_000_000
"""A node that lets a message wait for so long (µs) without doing anything is called hung."""
_READY_S = 30.0  # for all processes to import their code
_BEGUN_S = 2.0  # for all nodes to begin, once they may
_LOOK_US = 2_000  # between two looks into the journals

Progress = Callable[[int, int, str], None]


class Recorded:
    """Processes, their network, and the trace of what they do; see `Cluster` for the arguments."""

    kind: Literal["world", "session"] = "session"
    live = True
    """It goes on by itself for ever: whoever follows it says how long."""

    def __init__(
        self,
        nodes: Mapping[str, Factory | Program],
        seed: int = 0,
        network: Network | None = None,
        *,
        transport: Literal["udp", "tcp"] = "udp",
        packages: tuple[str, ...] = (),
        invariants: Iterable[Invariant] = (),
        progress: Progress = lambda done, total, text: None,
    ) -> None:
        if not nodes or not all(nodes) or len(nodes) > 60:
            raise ValueError("a cluster needs 1 to 60 nodes, and every node needs a name")
        self._names = tuple(nodes)
        self.trace = Trace()
        self.actions: list[TimedAction] = []
        self._epoch = time.perf_counter_ns()
        self._closed = False
        self._folder = Path(tempfile.mkdtemp(prefix="prayog-cluster-"))
        word = secrets.token_hex(8)
        self._proxy = Proxy(self._names, seed, network or Network(Link(Fixed(0))), word, self._now, transport == "tcp")
        own = {_package(factory) for factory in nodes.values() if not isinstance(factory, Program)}
        ours = {name: factory for name, factory in nodes.items() if not isinstance(factory, Program)}
        self._watch = Watch(ours, invariants)
        self._told_blind = False
        around = Surroundings(
            self._folder, self._names, seed, transport, self._proxy.port, word,
            tuple(sorted({*own, *packages, "prayog_sdk.cluster"})), self._now, self._proxy.submit, bool(self._watch),
        )  # fmt: skip
        self._guard = Guard(self._folder)
        self._merge = Merge(self._names)
        self._moments = Moments(self._names, around.packages)
        self._builder = Builder(self._proxy.fates, around.packages)
        self._looked = -_LOOK_US
        self._news: deque[Step] = deque()
        self._refused: dict[int, str] = {}
        self._asked = 0
        self._told_hung: dict[str, int] = {}
        self._members: dict[str, Member] = {}
        try:
            programs = tuple(name for name, made in nodes.items() if isinstance(made, Program))
            for index, (name, made) in enumerate(nodes.items()):
                if isinstance(made, Program):
                    member = ProgramMember(name, index, made, programs, around)
                    self._proxy.serve(name, member.feed)
                    self._members[name] = member
                else:
                    self._members[name] = NodeMember(name, index, made, around)
            self._proxy.start()
            self._start(progress)
        except BaseException:
            self.close()
            raise

    # -- what a run is -------------------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        return not self._closed

    @property
    def next_at(self) -> int | None:
        return None

    @property
    def now(self) -> int:
        """µs since the start."""
        return self._now()

    @property
    def statuses(self) -> dict[str, str]:
        """How each process stands now; the trace tells it when a new one has said that it started."""
        return {name: member.status for name, member in self._members.items()}

    def step(self) -> Step | None:
        if not self._news and not self._closed:
            self._look()
            while not self._news and (line := self._merge.next(self._now())) is not None:
                self._happen(line)
        return self._news.popleft() if self._news else None

    def wait(self, seconds: float) -> Step | None:
        """Like `step`, but waits up to `seconds` for something to happen."""
        until = time.monotonic() + seconds
        while (step := self.step()) is None and self.busy and time.monotonic() < until:
            time.sleep(0.002)
        return step

    def view(self, at: int = -2) -> View:
        """The state after step `at`; -1 is before the first step, -2 is now."""
        return self._moments.view(self.trace, at)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        self._news.clear()
        for member in self._members.values():
            if member.child is not None:
                member.child.kill()
        for member in self._members.values():
            if member.child is not None:
                member.child.close()
            member.close()
        self._proxy.close()
        self._guard.release()
        shutil.rmtree(self._folder, ignore_errors=True)

    # -- starting ------------------------------------------------------------------------------------------------

    def _start(self, progress: Progress) -> None:
        for name in self._names:
            self._spawn(self._members[name])
        until = time.monotonic() + _READY_S
        waiting = [name for name, member in self._members.items() if isinstance(member, NodeMember)]
        while waiting and time.monotonic() < until:
            progress(len(self._names) - len(waiting), len(self._names), "processes are starting")
            waiting = [name for name in waiting if not (self._proxy.knows(name) or self._gone(name))]
            time.sleep(0.005)
        self._epoch = time.perf_counter_ns()
        for member in self._members.values():
            member.go(self._epoch)
        until = time.monotonic() + _BEGUN_S
        while any(member.status == "starting" for member in self._members.values()) and time.monotonic() < until:
            time.sleep(0.002)
            self._collect()

    def _gone(self, name: str) -> bool:
        child = self._members[name].child
        return child is None or child.ended is not None

    def _spawn(self, member: Member) -> None:
        self._proxy.expect(member.name)
        try:
            member.spawn()
        except OSError as error:
            member.status = "down"
            self._proxy.lose(member.name)
            sentence = f"{member.name} did not start: {error.strerror or error} ({error.filename or 'its program'})"
            self._merge.add([Line(member.name, self._now(), "error", {"sentence": sentence})])
            return
        assert member.child is not None
        self._guard.watch(member.child.pid)

    # -- collecting ----------------------------------------------------------------------------------------------

    def _now(self) -> int:
        return (time.perf_counter_ns() - self._epoch) // 1_000

    def _look(self) -> None:
        """Take what is new in the journals, and notice who died or hangs."""
        now = self._now()
        if now - self._looked < _LOOK_US:
            return
        self._looked = now
        dead = [member for member in self._members.values() if member.child is not None and self._gone(member.name)]
        self._collect()
        for member in dead:
            self._bury(member)
        while self._proxy.news:
            at, kind, node, data = self._proxy.news.popleft()
            self._merge.add([Line("", at, kind, {**data, "node": node})])
        self._find_hung(now)

    def _collect(self) -> None:
        """Take the new lines of all journals."""
        for member in self._members.values():
            lines = member.lines()
            if member.status == "starting" and any(line.kind in ("start", "restart") for line in lines):
                member.status = "up"
            self._merge.add(lines)

    def _bury(self, member: Member) -> None:
        """A process ended, and nobody here had ended it."""
        child = member.child
        assert child is not None
        code = child.ended
        child.read_to_end()
        self._merge.add(member.lines())
        stderr = list(child.tail)
        self._forget(member)
        code = 0 if code is None else code
        told = f": {stderr[-1]}" if stderr else ""
        sentence = f"{member.name} {how_it_ended(code)}, and not by this lab{told}"
        data = {"sentence": sentence, "code": code, "stderr": stderr, "by": "itself"}
        self._merge.add([Line(member.name, self._now(), "crash" if code < 0 else "error", data)])

    def _forget(self, member: Member) -> None:
        """Its process is gone."""
        child, member.child = member.child, None
        member.status = "down"
        self._proxy.lose(member.name)
        if child is not None:
            child.close()
            self._guard.forget(child.pid)

    def _find_hung(self, now: int) -> None:
        """Nodes that run, have something to do, and have done nothing for `SILENCE`; each is told once per silence."""
        present: Present = self._moments.present
        waiting: dict[str, int] = {}
        for flight in present.flights.values():
            member = self._members.get(flight.dst)
            if member is not None and member.last_at < flight.arrives_at:
                waiting[flight.dst] = min(flight.arrives_at, waiting.get(flight.dst, flight.arrives_at))
        for name, member in self._members.items():
            since = waiting.get(name, member.waits_since(now))
            if member.status != "up" or since is None or since < self._told_hung.get(name, 0):
                continue
            if since < now - SILENCE:
                self._told_hung[name] = now
                sentence = f"{name} does nothing: a message has waited for it for {format_us(now - since)}"
                stderr = list(member.child.tail) if member.child is not None else []
                self._merge.add([Line(name, now, "hung", {"sentence": sentence, "stderr": stderr})])

    def _settle(self) -> None:
        """Put everything that happened until now into the trace."""
        self._looked = -_LOOK_US
        self._look()
        now = self._now()
        while (line := self._merge.next(now, flush=True)) is not None:
            self._happen(line)

    def _happen(self, line: Line) -> None:
        """Make a step of `line`, unless it is an answer only."""
        if line.kind == "refused":
            self._refused[line.data["ask"]] = line.data["sentence"]
            return
        member = self._members.get(line.node)
        if member is not None and line.kind == "error" and member.child is not None:
            self._forget(member)  # its handler raised, and it said so itself before it ended
        last = self.trace[-1].at if len(self.trace) else 0
        step = self._builder.build(len(self.trace), line, last)
        self._put(step)
        if step.kind in ("crash", "error"):
            self._died(step)
            return
        if line.changes:
            self._moments.note(step.seq, step.node, line.changes)
        if line.attributes:
            self._watch.note(step.node, line.attributes)
            self._judge(step)

    def _died(self, step: Step) -> None:
        """In `step` a node went down."""
        self._moments.died(step.seq, step.node, self._members[step.node].fresh)
        self._watch.died(step.node)
        self._judge(step)

    def _judge(self, step: Step) -> None:
        """After `step`: what must hold, as after every step of a world."""
        if not self._watch:
            return
        if self._watch.blind and not self._told_blind:
            self._told_blind = True
            self._put(Step(len(self.trace), step.at, "unjudged", "", {"sentence": self._watch.blind}, step.seq))
        for name, sentence in self._watch.news().items():
            data = {"invariant": name, "name": name, "sentence": sentence}
            self._put(Step(len(self.trace), step.at, "violation", "", data, step.seq))

    def _put(self, step: Step) -> None:
        if step.kind in ("crash", "error"):
            flights = self._moments.present.flights.values()
            lost = [f for f in flights if f.dst == step.node and f.arrives_at <= step.at]
            effects = tuple(
                Effect(
                    "lost",
                    {"src": f.src, "to": f.dst, "ident": f.ident, "label": f.label, "why": f"{f.dst} died with it"},
                )
                for f in lost
            )
            step = Step(step.seq, step.at, step.kind, step.node, step.data, step.cause, (*step.effects, *effects))
        self.trace.append(step)
        self._moments.happen(step)
        self._news.append(step)


def _package(factory: Factory) -> str:
    """The top package of the class that `factory` makes."""
    made: Any = getattr(factory, "func", factory)
    return str(made.__module__).split(".")[0]
