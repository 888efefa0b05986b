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

import time
from collections.abc import Callable, Mapping
from typing import Any

from prayog_sdk.cluster.faults import OFFERED, check_arguments, cut_pairs, new_link
from prayog_sdk.cluster.members import Member
from prayog_sdk.cluster.recorded import Recorded
from prayog_sim.run import Action, ActionError, TimedAction
from prayog_sim.trace import Effect, Step

__all__ = ["ANSWER_S", "Cluster"]

ANSWER_S = 0.04


class Cluster(Recorded):
    """`nodes`: a name and a factory (or an outside `Program`) for each; `network` is what the proxy adds to loopback.

    ``invariants``: those of a world; a violation is a step here too (see `watched`).
    ``transport``: ``udp`` or ``tcp``.  ``packages``: whose dataclasses may travel besides those of the nodes' own
    packages.  Raises `TypeError` with a sentence when a factory cannot be handed to another process.
    """

    offers: tuple[str, ...] = OFFERED
    """The actions of a world that can be done here too."""

    def do(self, action: Action, at: int | None = None) -> Step:
        if self._closed:
            raise ActionError("this cluster was stopped; start a new one")
        self._settle()
        after, now = len(self.trace), self._now()
        if action.name in OFFERED:
            check_arguments(action)
            doing: Callable[..., Step] = getattr(self, f"_do_{action.name}")
            step = doing(dict(action.args), {**action.args, "name": action.name})
        else:
            step = self._ask(action)
        self.actions.append(TimedAction(after, now, action))
        self._news.clear()  # `do` may append more than its own step; they are in the trace
        return step

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
        self._died(step)
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
        pid = {"pid": member.child.pid} if member.child is not None else dict[str, int]()
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
        flights = self._moments.present.flights
        effects = tuple(
            Effect("lost", {"src": f.src, "to": f.dst, "ident": f.ident, "label": f.label, "why": "cut"})
            for ident in gone
            if (f := flights.get(ident)) is not None
        )
        return self._record_step("fault", "", {**data, "cuts": sorted(map(list, pairs))}, effects)

    def _do_link(self, args: Mapping[str, Any], data: Mapping[str, Any]) -> Step:
        every = {"*": self._names}
        sources, targets = (
            every.get(str(args.get(end))) or (self._member({"node": args.get(end)}).name,) for end in ("src", "dst")
        )
        changes = [
            (src, dst, new_link(self._proxy.link(src, dst), args)) for src in sources for dst in targets if src != dst
        ]
        for src, dst, link in changes:
            self._proxy.change(src, dst, link)
        return self._record_step("fault", "", data)
