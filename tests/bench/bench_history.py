"""How fast histories are judged.  Run it: ``python tests/bench/bench_history.py``.

The histories come from a seed: clients of a register (compare-and-set, 0 … 4) that is atomic by construction, with
timeouts, as in Jepsen's etcd test of 5 clients and about 100 operations; and the same with one answer changed.  The
peers do the same search in Python, on the same operations:

* plain: Wing and Gong's search (1993) as it was published, without a memory;
* remembering: with Lowe's memory of configurations, on a linked list, as in Porcupine's `checkSingle`.

Each is stopped after a number of steps, and what it then knows counts.  A ratio is taken of the histories that both
decided.  CPU time.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from prayog_sim.history.linearizable import linearizable
from prayog_sim.history.model import IMPOSSIBLE, Model
from prayog_sim.history.operations import History
from prayog_sim.history.registers import CasRegister, KeyValue
from sim.history import generated

STEPS = 300_000
Judge = Callable[[History, Model], bool | None]


def ours(history: History, model: Model) -> bool | None:
    return {"linearizable": True, "not linearizable": False, "unknown": None}[linearizable(history, model).verdict]


def plain(history: History, model: Model) -> bool | None:
    return wing_gong(history, model, remember=False)


def remembering(history: History, model: Model) -> bool | None:
    return wing_gong(history, model, remember=True)


class Entry:
    """An invocation or a return in the linked list; `end` is the return that belongs to an invocation."""

    __slots__ = ("after", "before", "call", "end", "ident")

    def __init__(self, ident: int, call: Any, end: Entry | None) -> None:
        self.ident, self.call, self.end = ident, call, end
        self.before: Entry = self
        self.after: Entry | None = None


def wing_gong(history: History, model: Model, remember: bool) -> bool | None:
    """Take the first operation that fits, go on behind it, and take it back when that led to nothing."""
    told = [(op, call) for op in history.operations if (call := model.call(op)) is not None]
    events = []
    for ident, (op, call) in enumerate(told):
        unknown = op.outcome == "unknown" or op.returned is None
        end = Entry(ident, None, None)
        events += [(op.invoked, 0, Entry(ident, (call, unknown), end)), (2**60 if unknown else op.returned, 1, end)]
    head = last = Entry(-1, None, None)
    for _, _, entry in sorted(events, key=lambda event: event[:2]):
        last.after, entry.before, last = entry, last, entry
    state: Any = model.initial
    done, taken, known = 0, [], set()
    entry = head.after
    for _ in range(STEPS):
        if head.after is None:
            return True
        if entry is not None and entry.end is not None:
            call, unknown = entry.call
            after = model.step(state, call)
            if after is IMPOSSIBLE and unknown:
                after = state  # it had no effect
            bits = done | 1 << entry.ident
            if after is not IMPOSSIBLE and not (remember and (bits, after) in known):
                known.add((bits, after))
                taken.append((entry, state, done))
                state, done = after, bits
                unlink(entry)
                unlink(entry.end)
                entry = head.after
            else:
                entry = entry.after
        else:
            if not taken:
                return False
            entry, state, done = taken.pop()
            assert entry.end is not None
            relink(entry.end)
            relink(entry)
            entry = entry.after
    return None


def unlink(entry: Entry) -> None:
    entry.before.after = entry.after
    if entry.after is not None:
        entry.after.before = entry.before


def relink(entry: Entry) -> None:
    entry.before.after = entry
    if entry.after is not None:
        entry.after.before = entry


def measure(judge: Judge, histories: list[History], model: Model) -> list[tuple[float, bool | None]]:
    found = []
    for history in histories:
        began = process_time()
        verdict = judge(history, model)
        found.append((process_time() - began, verdict))
    return found


def compare(name: str, histories: list[History], model: Model) -> None:
    mine = measure(ours, histories, model)
    longest = max(took for took, _ in mine)
    open_ones = sum(verdict is None for _, verdict in mine)
    word = "ok" if longest < 2 and not open_ones else "TOO SLOW"
    print(f"{name}: {len(histories)} histories, longest {1_000 * longest:.1f} ms (< 2 s, all decided: {word})")
    for peer in (remembering, plain):
        theirs = measure(peer, histories, model)
        both = [i for i, (_, verdict) in enumerate(theirs) if verdict is not None]
        assert all(mine[i][1] in (theirs[i][1], None) for i in both), f"{peer.__name__} says otherwise"
        ratio = sum(theirs[i][0] for i in both) / sum(mine[i][0] for i in both) if both else float("nan")
        print(f"  {ratio:7.1f} times {peer.__name__}, which decided {len(both)} of {len(histories)}")


def main() -> None:
    model = CasRegister()
    for clients, timeouts, count in ((5, 0.1, 110), (5, 0.3, 110), (10, 0.2, 150), (10, 0.5, 150)):
        right = [generated.atomic(generated.cas_register, model, seed, count, clients, timeouts) for seed in range(20)]
        wrong = [generated.spoiled(history, seed) for seed, history in enumerate(right)]
        compare(f"register, {clients} clients, {100 * timeouts:.0f} % timeouts", right + wrong, model)
    store = KeyValue()
    right = [generated.atomic(generated.key_value, store, seed, 3_000, 50) for seed in range(3)]
    took = measure(ours, right + [generated.spoiled(h, seed) for seed, h in enumerate(right)], store)
    print(f"10 keys, 50 clients, 3,000 operations: longest {1_000 * max(t for t, _ in took):.0f} ms, ", end="")
    print(f"{sum(v is None for _, v in took)} undecided of {len(took)}")


if __name__ == "__main__":
    main()
