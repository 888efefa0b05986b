"""What clients got from their store, read from the trace: lost writes, stale reads, and is it linearizable?"""

from __future__ import annotations

from typing import Any

from prayog_sdk.checks import Check, Measure, Verdict, count
from prayog_sim.history.linearizable import linearizable
from prayog_sim.history.operations import from_trace
from prayog_sim.history.registers import Register
from prayog_sim.trace import Trace

__all__ = ["LINEARIZABLE", "NO_LOSS", "lost_writes", "stale_reads", "unreplicated"]


def _linearizable(trace: Trace) -> Verdict:
    result = linearizable(from_trace(trace), Register())
    at = result.operation.steps[1] if result.operation is not None else None
    return Verdict(result.verdict == "linearizable", result.reason, at)


LINEARIZABLE = Check(
    "linearizable",
    "The store behaves like one register per key",
    _linearizable,
    "There is one order of all operations that explains every answer (Herlihy and Wing, 1990).",
)


def _lost(trace: Trace) -> list[tuple[int, int]]:
    """(place, step of the loss) of every acknowledged write that a later primary did not have."""
    kept: list[int] = []
    gone: list[tuple[int, int]] = []
    for step in trace:
        for effect in step.effects:
            if effect.kind == "ok" and effect.data.get("epoch"):
                kept.append(effect.data["place"])
            elif effect.kind == "takeover":
                gone += [(place, step.seq) for place in kept if place > effect.data["entries"]]
                kept = [place for place in kept if place <= effect.data["entries"]]
    return gone


def lost_writes(trace: Trace) -> int:
    """Writes that a client was told are done, and that are not in the log of the primary that took over."""
    return len(_lost(trace))


def _no_loss(trace: Trace) -> Verdict:
    gone = _lost(trace)
    if gone:
        return Verdict(False, f"{len(gone)} acknowledged writes are not in the new primary's log", gone[0][1], True)
    return Verdict(True, "every acknowledged write survived")


NO_LOSS = Check("no_loss", "No acknowledged write is lost in a fail-over", _no_loss)


def stale_reads(trace: Trace) -> int:
    """Answers of single servers (``read … at=``) that miss a write which had been acknowledged before the question."""
    done: dict[str, int] = {}
    keys: dict[tuple[str, int], tuple[str, str]] = {}
    since: dict[tuple[str, int], int] = {}
    stale = 0
    for step in trace:
        for effect in step.effects:
            data: Any = effect.data
            if effect.kind == "invoke":
                ident = (step.node, data["op"])
                keys[ident] = (data["key"], data.get("of", "op"))
                since[ident] = done.get(data["key"], 0)
            elif effect.kind == "ok":
                key, of = keys[step.node, data["op"]]
                if data.get("epoch"):
                    done[key] = max(done.get(key, 0), data["place"])
                elif of == "follower":
                    stale += data["place"] < since[step.node, data["op"]]
    return stale


def unreplicated(trace: Trace) -> int:
    """The largest number of entries that only the primary had."""
    return max((e.data["value"] for s in trace for e in s.effects
                if e.kind == "gauge" and e.data["name"] == "unreplicated"), default=0)  # fmt: skip


WRITES: dict[str, Measure] = {
    "writes": count("invoke", f="write"),
    "acknowledged": count("ok", lambda event: event.has("epoch")),
}
