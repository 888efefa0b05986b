"""How fast the judge of the queues reads a run.  Run it: ``python tests/bench/bench_queues_judge.py [operations]``.

A million operations (steps of a run in the words of docs/queues-events.md: published, stored, confirmed, delivered,
began, effect, acknowledged, with redeliveries and duplicates among them) must take less than 3 s; Jepsen's total-queue
on a history of the same size stands beside it.  CPU time; making the run is not counted.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from time import process_time

from prayog_queues.engine.history import total_queue
from prayog_queues.engine.judging import judge
from prayog_sim.history.operations import History, Operation
from prayog_sim.trace import Step

KEYS = 1_000


def steps(operations: int) -> Iterator[Step]:
    """A run of so many steps: every 50th message is doubled by a crash, every 500th is lost."""
    seq = 0
    for i in range(operations):
        key, number, message, receipt = f"k{i % KEYS}", i // KEYS + 1, f"m{i}", f"r{i}"
        about = {"message": message, "key": key, "number": number}
        there = {**about, "queue": "orders"}
        hand = {"message": message, "receipt": receipt, "queue": "orders"}
        told = [
            ("publish", "p1", {**about, "to": "orders"}), ("stored", "broker", {**there, "position": -1}),
            ("confirmed", "p1", {"message": message}),
            ("delivered", "w1", {**there, "attempt": 1, "receipt": receipt, "position": -1, "lease_us": 1_000_000}),
            ("began", "w1", hand), ("effect", "w1", {**there, "receipt": receipt, "what": "charge", "stale": False}),
            ("acked", "broker", {**hand, "consumer": "w1"}),
        ]  # fmt: skip
        if i % 500 == 250:
            del told[5]
            told.append(("crashed", "w1", {"point": "after_ack", "how": "simulated"}))
        elif i % 50 == 0:
            again = [("crashed", "w1", {"point": "after_effect", "how": "simulated"}), *told[3:]]
            told = [*told[:6], *again]
        for kind, node, data in told:
            if seq == operations:
                return
            yield Step(seq, seq, kind, node, data)
            seq += 1


def main() -> None:
    operations = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    run = list(steps(operations))
    words = ("enqueue", "dequeue")
    both = (Operation(0, f, i, 2 * i, 2 * i + 1, "ok", i) for i in range(operations // 2) for f in words)
    history = History(tuple(both))
    for name, work in (("judge", lambda: judge(run)), ("Jepsen's total-queue", lambda: total_queue(history))):
        times = []
        for _ in range(3):
            began = process_time()
            result = work()
            times.append(process_time() - began)
        print(f"{name}: {operations:,} operations in {sorted(times)[1]:.2f} s (median of 3; the bar is 3 s)")
        if name == "judge":
            print(f"  {result.sentence()}")  # type: ignore[attr-defined] # a Verdict


if __name__ == "__main__":
    main()
