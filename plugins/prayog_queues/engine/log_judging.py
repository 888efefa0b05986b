"""What can go wrong in a partitioned log, as Jepsen's test for Kafka-like systems defines it (jepsen.tests.kafka).

A *send* puts a value at an offset of a partition, a *poll* sees values there.  What is found, by Jepsen's names:

``lost-write``            acknowledged (or seen elsewhere), at or before an offset that was read, and read by nobody
``inconsistent-offsets``  two values at one offset of one partition
``duplicate``             one value at two offsets
``G1a``                   a value was read whose send had failed
``poll-skip``             a reader went over an offset that holds something, with no new assignment between
``nonmonotonic-poll``     a reader went back, with no new assignment between
``nonmonotonic-send``     what one producer sent later stands earlier
``unseen``                acknowledged and read by nobody, at the end
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from prayog_sim.trace import Step

__all__ = ["NAMES", "Anomaly", "Assigned", "Polled", "Sent", "anomalies", "from_trace"]

NAMES = (
    "lost-write", "inconsistent-offsets", "duplicate", "G1a", "poll-skip", "nonmonotonic-poll", "nonmonotonic-send",
    "unseen",
)  # fmt: skip

Part = Any
"""The name of a partition: any value that can be a key."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A send that is over; `offset` is None where nobody said it.  `seq`: the step that told it."""

    process: Any
    part: Part
    value: Any
    offset: int | None
    outcome: Literal["ok", "fail", "unknown"] = "ok"
    seq: int = -1


@dataclass(frozen=True, slots=True)
class Polled:
    """What a reader got of one partition at once: (offset, value)."""

    process: Any
    part: Part
    values: tuple[tuple[int, Any], ...]
    seq: int = -1


@dataclass(frozen=True, slots=True)
class Assigned:
    """A reader has these partitions from here on: what it read of others is forgotten."""

    process: Any
    parts: tuple[Part, ...]
    seq: int = -1


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One finding: the `values` and offsets it is about, and the steps that prove it."""

    name: str
    part: Part
    values: tuple[Any, ...]
    offsets: tuple[int, ...]
    seqs: tuple[int, ...]

    def __str__(self) -> str:
        where = f"partition {self.part}" if not isinstance(self.part, tuple) else f"{self.part[0]}, part {self.part[1]}"
        offsets = f" at {', '.join(map(str, self.offsets))}" if self.offsets else ""
        return f"{self.name}: {', '.join(map(str, self.values))} in {where}{offsets}"


Operation = Sent | Polled | Assigned


def anomalies(operations: Iterable[Operation], *, over: bool = False) -> list[Anomaly]:
    """All anomalies, grouped in the order of `NAMES`; ``unseen`` only when the run is `over`."""
    ops = list(operations)
    logs: dict[Part, dict[int, dict[Any, int]]] = {}
    where: dict[tuple[Part, Any], list[tuple[int, int]]] = {}
    read: dict[tuple[Part, Any], int] = {}
    furthest: dict[Part, tuple[int, int]] = {}
    for op in ops:
        if isinstance(op, Polled):
            for offset, value in op.values:
                read.setdefault((op.part, value), op.seq)
                if offset > furthest.get(op.part, (-1, -1))[0]:
                    furthest[op.part] = (offset, op.seq)

    def put(part: Part, offset: int, value: Any, seq: int) -> None:
        values = logs.setdefault(part, {}).setdefault(offset, {})
        if value not in values:
            values[value] = seq
            where.setdefault((part, value), []).append((offset, seq))

    for op in ops:
        if isinstance(op, Polled):
            for offset, value in op.values:
                put(op.part, offset, value, op.seq)
        elif isinstance(op, Sent) and op.offset is not None and _happened(op, read):
            put(op.part, op.offset, op.value, op.seq)
    found: dict[str, list[Anomaly]] = {name: [] for name in NAMES}
    for part, log in logs.items():
        for offset in sorted(log):
            if len(log[offset]) > 1:
                seqs = tuple(sorted(log[offset].values()))
                found["inconsistent-offsets"].append(
                    Anomaly("inconsistent-offsets", part, tuple(log[offset]), (offset,), seqs)
                )
    for (part, value), places in where.items():
        if len(places) > 1:
            offsets, seqs = zip(*sorted(places), strict=True)
            found["duplicate"].append(Anomaly("duplicate", part, (value,), offsets, tuple(sorted(seqs))))
    for op in ops:
        if not isinstance(op, Sent):
            continue
        at = read.get((op.part, op.value))
        if op.outcome == "fail" and at is not None:
            found["G1a"].append(Anomaly("G1a", op.part, (op.value,), (), (op.seq, at)))
        elif op.outcome == "ok" and at is None:
            ahead, seen_at = furthest.get(op.part, (-1, -1))
            if op.offset is not None and op.offset <= ahead:
                found["lost-write"].append(
                    Anomaly("lost-write", op.part, (op.value,), (op.offset,), (op.seq, seen_at))
                )
            elif over:
                found["unseen"].append(Anomaly("unseen", op.part, (op.value,), (), (op.seq,)))
    _walks(ops, logs, found)
    return [anomaly for name in NAMES for anomaly in found[name]]


def _happened(op: Sent, read: Mapping[tuple[Part, Any], int]) -> bool:
    """It is in the log: said so, or unknown and seen by a reader."""
    return op.outcome == "ok" or (op.outcome == "unknown" and (op.part, op.value) in read)


def _walks(ops: list[Operation], logs: Mapping[Part, Mapping[int, Any]], found: dict[str, list[Anomaly]]) -> None:
    """The ways of readers and of producers through each partition.  Offsets of nothing are no gap: compaction leaves
    some, and so do the markers of transactions."""
    index = {part: {offset: i for i, offset in enumerate(sorted(log))} for part, log in logs.items()}
    order = {part: sorted(log) for part, log in logs.items()}
    polled: dict[tuple[Any, Part], tuple[int, Any, int]] = {}
    sent: dict[tuple[Any, Part], tuple[int, Any, int]] = {}
    for op in ops:
        if isinstance(op, Assigned):
            for process, part in [k for k in polled if k[0] == op.process and k[1] not in op.parts]:
                del polled[process, part]
        elif isinstance(op, Polled) and op.values:
            for offset, value in op.values:
                before = polled.get((op.process, op.part))
                here = index[op.part][offset]
                if before is not None:
                    last, earlier, seq = before
                    delta = here - index[op.part][last]
                    if delta > 1:
                        skipped = order[op.part][index[op.part][last] + 1 : here]
                        values = tuple(next(iter(logs[op.part][o])) for o in skipped)
                        found["poll-skip"].append(
                            Anomaly("poll-skip", op.part, values, tuple(skipped), (seq, op.seq))
                        )
                    elif delta < 1:
                        found["nonmonotonic-poll"].append(
                            Anomaly("nonmonotonic-poll", op.part, (earlier, value), (last, offset), (seq, op.seq))
                        )
                polled[op.process, op.part] = (offset, value, op.seq)
        elif isinstance(op, Sent) and op.outcome == "ok" and op.offset is not None:
            before = sent.get((op.process, op.part))
            if before is not None and op.offset <= before[0]:
                found["nonmonotonic-send"].append(
                    Anomaly("nonmonotonic-send", op.part, (before[1], op.value), (before[0], op.offset),
                            (before[2], op.seq))
                )  # fmt: skip
            sent[op.process, op.part] = (op.offset, op.value, op.seq)


def from_trace(trace: Iterable[Step]) -> list[Operation]:
    """The sends and polls of a run on a log; empty where there is none.

    A value is a message at its first publishing: a message that its producer sent again is one more value, since a log
    without deduplication stores it twice and is right to do so.
    """
    ops: list[Operation] = []
    producer: dict[str, str] = {}
    part_of: dict[tuple[str, str], Any] = {}
    known: dict[tuple[Any, int], Any] = {}
    copies: dict[tuple[str, str], int] = {}
    for step in trace:
        for kind, data in ((step.kind, step.data), *((e.kind, e.data) for e in step.effects)):
            if kind == "publish":
                producer[data["message"]] = step.node
            elif kind == "stored" and data.get("position", -1) >= 0:
                message, queue, position = data["message"], data["queue"], data["position"]
                part = (queue, data.get("partition", 0))
                part_of[message, queue] = part
                copies[message, queue] = copy = copies.get((message, queue), 0) + 1
                value = message if copy == 1 else f"{message} (sent {copy} times)"
                known[part, position] = value
                ops.append(Sent(producer.get(message, ""), part, value, position, "ok", step.seq))
            elif kind == "delivered" and data.get("position", -1) >= 0:
                message, position = data["message"], data["position"]
                part = part_of.get((message, data["queue"]), (data["queue"], data.get("partition", 0)))
                who = data.get("consumer") or step.node
                ops.append(Polled(who, part, ((position, _value(known, part, position, message)),), step.seq))
            elif kind in ("assigned", "returned", "crashed", "crash"):  # it goes on at what was committed, or goes back
                ops.append(Assigned(data.get("consumer") or step.node, (), step.seq))
    return ops


def _value(known: Mapping[tuple[Any, int], Any], part: Any, position: int, message: str) -> Any:
    """What stands there, if it is this message; else the message: then two values share one offset."""
    value = known.get((part, position), message)
    return value if value == message or str(value).startswith(f"{message} (") else message
