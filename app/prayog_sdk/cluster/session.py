"""A cluster of real processes as a run: the same node classes as in a `World`, recorded as they happen.

::

    cluster = Cluster({"n1": partial(Server, "n1", …), "n2": …}, seed=1)
    cluster.wait(1.0)
    cluster.do(Action("crash", {"node": "n1"}))     # SIGKILL

Everything seen is made from the trace, which has the steps of a world: `deliver`, `timer`, `crash`, `restart`, `pause`,
`fault`, …, in the order that the journals' vector clocks allow.  Times are µs of the monotonic clock since the moment
when all nodes were ready.

What is not as in a world: a real run cannot be run again; a message may be lost by a full socket buffer, which nobody
notices (it stays on its way); ``restart`` makes a step ``spawn`` when the process is started and ``restart`` when the
node begins; and a node that is killed between writing its journal and sending leaves messages that never left.

Rules
1. Only the thread that calls `step` and `do` touches the trace; they look into the journals themselves and never wait
   longer than `ANSWER_S` (a restart does not wait at all).
2. A session fails in steps, never by an exception: a node that dies is a step ``crash`` or ``error`` with the last
   lines of its standard error, one that does nothing for `SILENCE` µs although a message waits is a step ``hung``.
3. `close` leaves nothing: no process, port, thread or file.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from prayog_sdk.cluster.faults import OFFERED, check_arguments, cut_pairs, new_link
from prayog_sdk.cluster.guard import Guard
from prayog_sdk.cluster.journal import Line, Merge
from prayog_sdk.cluster.members import Factory, Member, NodeMember, Surroundings
from prayog_sdk.cluster.processes import how_it_ended
from prayog_sdk.cluster.programs import Program, ProgramMember
from prayog_sdk.cluster.proxy import Proxy
from prayog_sdk.cluster.state import Moments, Present
from prayog_sdk.cluster.steps import Builder
from prayog_sdk.run import Folded
from prayog_sim.clock import format_us
from prayog_sim.network import Fixed, Link, Network
from prayog_sim.run import Action, ActionError, TimedAction, View
from prayog_sim.trace import Effect, Step

__all__ = ["ANSWER_S", "SILENCE", "Cluster"]

ANSWER_S = 0.04
SILENCE = 3_000_000
_READY_S = 30.0  # for all processes to import their code
_LOOK_US = 2_000  # between two looks into the journals

Progress = Callable[[int, int, str], None]


class Cluster(Folded):
    """`nodes`: a name and a factory (or an outside `Program`) for each; `network` is what the proxy adds to loopback.

    ``transport``: ``udp`` or ``tcp``.  ``packages``: whose dataclasses may travel besides those of the nodes' own
    packages.  Raises `TypeError` with a sentence when a factory cannot be handed to another process.
    """

    kind: Literal["world", "session"] = "session"
    live = True
    """It goes on by itself for ever: whoever follows it says how long."""
    offers: tuple[str, ...] = OFFERED
    """The actions of a world that can be done here too."""

    def __init__(
        self,
        nodes: Mapping[str, Factory | Program],
        seed: int = 0,
        network: Network | None = None,
        *,
        transport: Literal["udp", "tcp"] = "udp",
        packages: tuple[str, ...] = (),
        progress: Progress = lambda done, total, text: None,
    ) -> None:
        if not nodes or not all(nodes) or len(nodes) > 60:
            raise ValueError("a cluster needs 1 to 60 nodes, and every node needs a name")
        self._names = tuple(nodes)
        super().__init__()
        self._epoch = time.perf_counter_ns()
        self._closed = False
        self._folder = Path(tempfile.mkdtemp(prefix="prayog-cluster-"))
        word = secrets.token_hex(8)
        self._proxy = Proxy(
            self._names, seed, network or Network(Link(Fixed(0))), word, self._now, transport == "tcp"
        )
        own = {_package(factory) for factory in nodes.values() if not isinstance(factory, Program)}
        around = Surroundings(
            self._folder, self._names, seed, transport, self._proxy.port, word,
            tuple(sorted({*own, *packages, "prayog_sdk.cluster"})), self._now, self._proxy.submit,
        )  # fmt: skip
        self._guard = Guard(self._folder)
        self._merge = Merge(self._names)
        self._moments = Moments(self._names)
        self._builder = Builder(self._proxy.fates, around.packages)
        self._looked = -_LOOK_US
        self._news: deque[Step] = deque()
        self._refused: dict[int, str] = {}
        self._asked = 0
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

    def do(self, action: Action, at: int | None = None) -> Step:
        if self._closed:
            raise ActionError("this cluster was stopped; start a new one")
        self._settle()
        after, now = len(self.trace), self._now()
        if action.name in OFFERED:
            check_arguments(action)
            step = getattr(self, f"_do_{action.name}")(dict(action.args), {**action.args, "name": action.name})
        else:
            step = self._ask(action)
        self.actions.append(TimedAction(after, now, action))
        self._news.clear()  # `do` may append more than its own step; they are in the trace
        return step

    def view(self, at: int = -2) -> View:
        return super().view(at)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
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

    # -- the state, as a fold ------------------------------------------------------------------------------------

    def start(self) -> Mapping[str, Any]:
        return {"now": Present(dict.fromkeys(self._names, "down"))}

    def fold(self, state: Mapping[str, Any], step: Step) -> Mapping[str, Any]:
        return {"now": state["now"].after(step)}

    def show(self, state: Mapping[str, Any], step: Step | None) -> View:
        return self._moments.view(step, state["now"])

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
        for member in self._members.values():
            self._merge.add(member.lines())
        for member in dead:
            self._bury(member)
        while self._proxy.news:
            at, kind, node, data = self._proxy.news.popleft()
            self._merge.add([Line("", at, kind, {**data, "node": node})])
        self._find_hung(now)

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
        present: Present = self._state["now"]
        for flight in present.flights.values():
            member = self._members.get(flight.dst)
            if (
                member is not None
                and member.status == "up"
                and flight.arrives_at < now - SILENCE
                and member.last_at < flight.arrives_at
            ):
                member.last_at = now
                waits = format_us(now - flight.arrives_at)
                sentence = f"{flight.dst} does nothing: a message from {flight.src} has waited for it for {waits}"
                stderr = list(member.child.tail) if member.child is not None else []
                self._merge.add([Line(flight.dst, now, "hung", {"sentence": sentence, "stderr": stderr})])

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
        if member is not None and line.kind in ("start", "restart") and member.status == "starting":
            member.status = "up"
        if member is not None and line.kind == "error" and member.child is not None:
            self._forget(member)  # its handler raised, and it said so itself before it ended
        last = self.trace[-1].at if len(self.trace) else 0
        step = self._builder.build(len(self.trace), line, last)
        self._put(step)
        if step.kind in ("crash", "error"):
            self._moments.died(step.seq, step.node)
        elif line.changes:
            self._moments.note(step.seq, step.node, line.changes)

    def _put(self, step: Step) -> None:
        if step.kind in ("crash", "error"):
            flights = self._state["now"].flights.values()
            lost = [f for f in flights if f.dst == step.node and f.arrives_at <= step.at]
            effects = tuple(
                Effect(
                    "lost",
                    {"src": f.src, "to": f.dst, "ident": f.ident, "label": f.label, "why": f"{f.dst} died with it"},
                )
                for f in lost
            )
            step = Step(step.seq, step.at, step.kind, step.node, step.data, step.cause, (*step.effects, *effects))
        self._state = self.fold(self._state, step)
        self.trace.append(step)
        self._news.append(step)
        if len(self.trace) % 256 == 0:
            self._kept.append(self._state)

    # -- acting --------------------------------------------------------------------------------------------------

    def _member(self, args: Mapping[str, Any]) -> Member:
        member = self._members.get(str(args.get("node")))
        if member is None:
            raise ActionError(f"node must be one of {', '.join(self._names)}; found {args.get('node')!r}")
        return member

    def _record_step(self, kind: str, node: str, data: Mapping[str, Any], effects: tuple[Effect, ...] = ()) -> Step:
        at = max(self._now(), self.trace[-1].at if len(self.trace) else 0)
        self._put(Step(len(self.trace), at, kind, node, {**data, "by": "hand"}, -1, effects))
        return self.trace[-1]

    def _ask(self, action: Action) -> Step:
        known = (*OFFERED, *sorted({name for member in self._members.values() for name in member.actions}))
        if "node" not in action.args or not any(action.name in m.actions for m in self._members.values()):
            raise ActionError(f"{action.name!r} cannot be done to real processes; here one can {', '.join(known)}")
        member = self._member(action.args)
        if action.name not in member.actions:
            raise ActionError(f"{member.name} does not know {action.name!r}; the actions are {', '.join(known)}")
        if member.status != "up":
            raise ActionError(f"{member.name} is {member.status}, so it cannot {action.name}")
        self._asked += 1
        ask = self._asked
        member.act(ask, action.name, action.args)
        until = time.monotonic() + ANSWER_S
        while time.monotonic() < until:
            time.sleep(0.001)
            self._settle()
            if ask in self._refused:
                raise ActionError(self._refused.pop(ask))
            if ask in self._builder.answers:
                return self.trace[self._builder.answers.pop(ask)]
        return self._record_step("asked", member.name, {**action.args, "name": action.name})

    def _do_crash(self, args: Mapping[str, Any], data: Mapping[str, Any]) -> Step:
        member = self._member(args)
        if member.child is None:
            raise ActionError(f"{member.name} is down already")
        member.child.kill()
        self._settle_of(member)
        step = self._record_step("crash", member.name, data)
        self._moments.died(step.seq, member.name)
        return step

    def _settle_of(self, member: Member) -> None:
        """All that a killed process had written comes before its end."""
        self._merge.add(member.lines())
        self._forget(member)
        self._settle()

    def _do_restart(self, args: Mapping[str, Any], data: Mapping[str, Any]) -> Step:
        member = self._member(args)
        if member.child is not None:
            raise ActionError(f"{member.name} is {member.status}; only a crashed node can restart")
        self._spawn(member)
        member.go(self._epoch)
        pid = {"pid": member.child.pid} if member.child is not None else {}
        return self._record_step("spawn", member.name, {**data, **pid})

    def _do_pause(self, args: Mapping[str, Any], data: Mapping[str, Any]) -> Step:
        member = self._member(args)
        if member.child is None or member.status != "up":
            raise ActionError(f"{member.name} is {member.status}; only a running node can be stopped")
        member.child.stop()
        member.status = "paused"
        self._settle()
        return self._record_step("pause", member.name, data)

    def _do_resume(self, args: Mapping[str, Any], data: Mapping[str, Any]) -> Step:
        member = self._member(args)
        if member.child is None or member.status != "paused":
            raise ActionError(f"{member.name} is {member.status}; only a stopped node can go on")
        step = self._record_step("resume", member.name, data)
        member.status, member.last_at = "up", self._now()
        member.child.go_on()
        return step

    def _do_partition(self, args: Mapping[str, Any], data: Mapping[str, Any]) -> Step:
        return self._cut(cut_pairs(str(args["groups"]), self._names), args, data)

    def _do_cut(self, args: Mapping[str, Any], data: Mapping[str, Any]) -> Step:
        src, dst = (self._member({"node": args.get(end)}).name for end in ("src", "dst"))
        if src == dst:
            raise ActionError(f"cut needs two nodes; {src} always reaches itself")
        return self._cut({(src, dst), *self._proxy.cuts}, args, data)

    def _do_heal(self, args: Mapping[str, Any], data: Mapping[str, Any]) -> Step:
        return self._cut(set(), args, data)

    def _cut(self, pairs: set[tuple[str, str]], args: Mapping[str, Any], data: Mapping[str, Any]) -> Step:
        gone = self._proxy.cut(pairs, args.get("in_flight", "drop") == "drop")
        flights = self._state["now"].flights
        effects = tuple(
            Effect("lost", {"src": f.src, "to": f.dst, "ident": f.ident, "label": f.label, "why": "cut"})
            for ident in gone
            if (f := flights.get(ident)) is not None
        )
        return self._record_step("fault", "", {**data, "cuts": sorted(map(list, pairs))}, effects)

    def _do_link(self, args: Mapping[str, Any], data: Mapping[str, Any]) -> Step:
        ends = [self._names if args.get(e) == "*" else (self._member({"node": args.get(e)}).name,) for e in ("src", "dst")]
        changes = [
            (src, dst, new_link(self._proxy.link(src, dst), args)) for src in ends[0] for dst in ends[1] if src != dst
        ]
        for src, dst, link in changes:
            self._proxy.change(src, dst, link)
        return self._record_step("fault", "", data)


def _package(factory: Factory) -> str:
    """The top package of the class that `factory` makes."""
    made: Any = getattr(factory, "func", factory)
    return str(made.__module__).split(".")[0]
