"""A run of queues as a history of ``enqueue`` and ``dequeue``, for Jepsen's checkers, and Jepsen's total-queue itself.

Dequeued is what took effect: an acknowledgement alone says nothing about the work.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from prayog_sim.history.operations import History, Recorder
from prayog_sim.trace import Step

__all__ = ["TotalQueue", "to_history", "total_queue"]


@dataclass(frozen=True, slots=True)
class TotalQueue:
    """Multisets of values, as Jepsen's ``checker/total-queue`` gives them."""

    lost: Counter[Any]
    """Acknowledged and never dequeued."""
    unexpected: Counter[Any]
    """Dequeued, and nobody ever asked for them to be enqueued."""
    duplicated: Counter[Any]
    """Dequeued more often than asked for."""
    recovered: Counter[Any]
    """Nobody knew whether they were enqueued; they were."""
    attempts: int
    acknowledged: int
    ok: int

    @property
    def valid(self) -> bool:
        """Nothing lost, nothing unexpected.  Duplicates are allowed, as in Jepsen: at-least-once queues make them."""
        return not self.lost and not self.unexpected


def total_queue(history: History) -> TotalQueue:
    """What was enqueued must be dequeued; order does not matter, and duplicates are counted.

    Values are compared as they are written, so anything may be one (`repr`).
    """
    asked: Counter[Any] = Counter()
    enqueued: Counter[Any] = Counter()
    dequeued: Counter[Any] = Counter()
    for op in history.operations:
        if op.kind == "enqueue":
            asked[_value(op.value)] += 1
            if op.outcome == "ok":
                enqueued[_value(op.value)] += 1
        elif op.kind == "dequeue" and op.outcome == "ok":
            dequeued[_value(op.result if op.result is not None else op.value)] += 1
    ok = dequeued & asked
    unexpected: Counter[Any] = Counter({value: n for value, n in dequeued.items() if value not in asked})
    duplicated = dequeued - asked - unexpected
    return TotalQueue(
        enqueued - dequeued, unexpected, duplicated, ok - enqueued,
        asked.total(), enqueued.total(), ok.total(),
    )  # fmt: skip


def _value(value: Any) -> Any:
    try:
        hash(value)
    except TypeError:
        return repr(value)
    return value


def to_history(trace: Iterable[Step]) -> History:
    """What producers asked for and were told, and what consumers got done.  Write it with ``write_history``."""
    recorder = Recorder()
    for step in trace:
        for kind, data in ((step.kind, step.data), *((e.kind, e.data) for e in step.effects)):
            message, seq, at = data.get("message"), step.seq, step.at
            who = data.get("consumer") or step.node
            if kind == "publish":
                recorder.invoke(step.node, "enqueue", message, ident=message, time=at, step=seq)
            elif kind in ("confirmed", "refused", "unconfirmed"):
                if recorder.open_operation(step.node, message) is not None:
                    outcome = {"confirmed": "ok", "refused": "fail", "unconfirmed": "unknown"}[kind]
                    result = message if kind == "confirmed" else None
                    recorder.complete(step.node, outcome, result, ident=message, time=at, step=seq)  # type: ignore[arg-type] # one of three
            elif kind == "delivered":
                recorder.invoke(who, "dequeue", None, ident=data["receipt"], time=at, step=seq)
            elif kind == "effect":
                if recorder.open_operation(who, data.get("receipt")) is None:
                    recorder.invoke(who, "dequeue", None, ident=data.get("receipt"), time=at, step=seq)
                recorder.complete(who, "ok", message, ident=data.get("receipt"), time=at, step=seq)
            elif kind in ("crashed", "crash"):
                recorder.incident(step.node or "run", "crash", None, time=at)
    return recorder.history("trace")
