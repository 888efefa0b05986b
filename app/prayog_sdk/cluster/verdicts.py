"""What the workloads are judged by, from the trace alone."""

from __future__ import annotations

from collections.abc import Mapping

from prayog_sdk.checks import Check, Verdict
from prayog_sim.history.linearizable import linearizable
from prayog_sim.history.operations import Operation, from_trace
from prayog_sim.history.registers import KeyValue
from prayog_sim.trace import Trace

__all__ = ["CHECKS"]


def _answered(trace: Trace, of: str, kind: str) -> list[Operation]:
    return [op for op in from_trace(trace, of).operations if op.kind == kind and op.outcome == "ok"]


def _echo(trace: Trace) -> Verdict:
    answered = _answered(trace, "echo", "echo")
    for op in answered:
        if op.result != op.value:
            return Verdict(False, f"{op.process} asked for {op.value!r} and was told {op.result!r}", op.steps[1])
    return Verdict(bool(answered), f"{len(answered)} echoes, each what was asked for")


def _unique(trace: Trace) -> Verdict:
    answered = _answered(trace, "ids", "generate")
    first: dict[str, Operation] = {}
    for op in answered:
        other = first.setdefault(repr(op.result), op)
        if other is not op:
            sentence = f"{other.process} and {op.process} were both given the id {op.result!r}"
            return Verdict(False, sentence, op.steps[1])
    return Verdict(bool(answered), f"{len(answered)} ids, no two the same")


def _broadcast(trace: Trace) -> Verdict:
    accepted = {op.value: op for op in _answered(trace, "broadcast", "broadcast")}
    last: dict[str, Operation] = {}
    for op in _answered(trace, "broadcast", "read"):
        last[str(op.key)] = op
    for node, op in last.items():
        known = set(op.result or ())
        missing = sorted(value for value in accepted if value not in known)
        if missing:
            words = ", ".join(map(str, missing[:5])) + (" and more" if len(missing) > 5 else "")
            return Verdict(False, f"{node} does not know {words}, which had been accepted", op.steps[1])
        asked = {op.value for op in from_trace(trace, "broadcast").operations if op.kind == "broadcast"}
        if invented := sorted(known - asked):
            return Verdict(False, f"{node} knows {invented[0]}, which nobody ever sent", op.steps[1])
    if not last:
        return Verdict(False, "nobody was asked what he knows, or nobody answered")
    return Verdict(True, f"{len(last)} nodes know all {len(accepted)} messages that were accepted")


def _lin_kv(trace: Trace) -> Verdict:
    result = linearizable(from_trace(trace), KeyValue())
    at = result.operation.steps[1] if result.operation is not None else None
    return Verdict(result.verdict == "linearizable", f"{result.verdict}: {result.reason}", at)


CHECKS: Mapping[str, Check] = {
    "echo": Check("echo", "Every answer is what was asked for", _echo),
    "unique-ids": Check("unique-ids", "No id is given twice", _unique),
    "broadcast": Check("broadcast", "In the end every node knows every accepted message", _broadcast),
    "lin-kv": Check("lin-kv", "Reads, writes and compare-and-sets are linearizable", _lin_kv),
}
"""Workload → its check."""
