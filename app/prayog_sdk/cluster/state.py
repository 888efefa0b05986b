"""What a cluster looks like at any moment, computed from its trace and from the snapshots in the journals."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from prayog_sdk.cluster.snapshot import apply
from prayog_sim.run import Flight, Look, NodeView, Status, View
from prayog_sim.trace import Step, Trace

__all__ = ["Moments", "Present"]

_EVERY = 256
_STATUS: Mapping[str, Status] = {
    "start": "up", "restart": "up", "crash": "down", "error": "down", "pause": "paused", "resume": "up",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Present:
    """The part that is folded from the steps: who is up, what is on its way, which links are cut."""

    status: Mapping[str, Status]
    flights: Mapping[int, Flight] = field(default_factory=dict)
    cuts: tuple[tuple[str, str], ...] = ()

    def after(self, step: Step) -> Present:
        """The present after `step`."""
        status, flights, cuts = self.status, self.flights, self.cuts
        if step.kind in _STATUS and step.node in status:
            status = {**status, step.node: _STATUS[step.kind]}
        sent = [effect.data for effect in step.effects if effect.kind == "send" and effect.data["arrives"] is not None]
        gone = [effect.data["ident"] for effect in step.effects if effect.kind == "lost"]
        if step.kind in ("deliver", "drop") and "ident" in step.data:
            gone.append(step.data["ident"])
        if sent or gone:
            flights = {ident: flight for ident, flight in flights.items() if ident not in gone}
            for data in sent:
                flights[data["ident"]] = Flight(
                    data["ident"], step.node, data["to"], step.at, data["arrives"], data["label"], data["msg"]
                )
        if step.kind == "fault" and "cuts" in step.data:
            cuts = tuple((src, dst) for src, dst in step.data["cuts"])
        return Present(status, flights, cuts)


class Moments:
    """The whole cluster after every step: of the fields only what changed is kept, of the rest every 256th present."""

    def __init__(self, names: tuple[str, ...], packages: Collection[str]) -> None:
        self._packages = packages
        self.present = Present(dict.fromkeys(names, "down"))
        self._kept = [self.present]
        first = {name: NodeView(name, "down", look=Look(sentence="not started yet")) for name in names}
        self._seqs: dict[str, list[int]] = {name: [-1] for name in names}
        self._views: dict[str, list[NodeView]] = {name: [view] for name, view in first.items()}

    def note(self, seq: int, name: str, changes: Mapping[str, Any]) -> None:
        """After step `seq`, `changes` came to what is known of `name`."""
        self._put(seq, apply(self._views[name][-1], changes, "up", self._packages))

    def died(self, seq: int, name: str, fresh: Look) -> None:
        """Step `seq` took the memory of `name`; its stored half stays.  `fresh` is the look of one that begins."""
        last = self._views[name][-1]
        look = Look(fresh.role, fresh.letter, last.look.hue, "down; what it had only in memory is gone")
        self._put(seq, NodeView(name, "down", last.durable, {}, (), look))

    def happen(self, step: Step) -> None:
        """`step` is the newest."""
        self.present = self.present.after(step)
        if (step.seq + 1) % _EVERY == 0:
            self._kept.append(self.present)

    def view(self, trace: Trace, at: int) -> View:
        """Everything after step `at` of `trace` (-1: before the first, -2: now)."""
        last = len(trace) - 1
        seq = last if at == -2 else min(at, last)
        present = self.present
        if seq < last:
            present = self._kept[(seq + 1) // _EVERY]
            for step in trace[(seq + 1) // _EVERY * _EVERY : seq + 1]:
                present = present.after(step)
        return self._shown(seq, trace[seq].at if seq >= 0 else 0, present)

    def _shown(self, seq: int, at: int, present: Present) -> View:
        nodes = {}
        for name, views in self._views.items():
            found = views[bisect_right(self._seqs[name], seq) - 1]
            status = present.status[name]
            nodes[name] = NodeView(name, status, found.durable, found.volatile, found.timers, found.look)
        flights = tuple(sorted(present.flights.values(), key=lambda flight: flight.arrives_at))
        return View(seq, at, nodes, flights, present.cuts)

    def _put(self, seq: int, view: NodeView) -> None:
        seqs, views = self._seqs[view.name], self._views[view.name]
        if seqs[-1] == seq:
            views[-1] = view
        else:
            seqs.append(seq)
            views.append(view)
