"""Histories from a seed: clients of an object that is atomic by construction, and small ways to spoil them.

Clients ask, the object acts at a moment of its own choosing, clients hear of it.  A timeout leaves the outcome
unknown: the object acts much later or never, and the client goes on under another number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from heapq import heappop, heappush
from typing import Any

from prayog_sim.history.model import IMPOSSIBLE, Model
from prayog_sim.history.operations import History, Operation, Recorder
from prayog_sim.rng import Rng

Ask = Callable[[Rng], tuple[str, Any, Any]]
"""What a client asks next: kind, value, key."""


def cas_register(rng: Rng) -> tuple[str, Any, Any]:
    """Reads, writes and compare-and-sets of 0 … 4 in equal shares, as in Jepsen's etcd test."""
    kind = rng.choice(("read", "write", "cas"))
    if kind == "read":
        return kind, None, None
    return kind, rng.randint(0, 4) if kind == "write" else (rng.randint(0, 4), rng.randint(0, 4)), None


def writes(rng: Rng) -> tuple[str, Any, Any]:
    """Few reads among many writes of few values."""
    return ("read", None, None) if rng.random() < 0.2 else ("write", rng.randint(0, 4), None)


def key_value(rng: Rng) -> tuple[str, Any, Any]:
    """Puts, gets and appends on ten keys; every written text is another one."""
    kind = rng.choice(("get", "append", "append", "put"))
    return kind, None if kind == "get" else f"x{rng.randint(0, 10**9)}y", str(rng.randint(0, 9))


def queue(rng: Rng) -> tuple[str, Any, Any]:
    """Mostly different elements."""
    kind = rng.choice(("enqueue", "dequeue"))
    return kind, rng.randint(0, 99) if kind == "enqueue" else None, None


def mutex(rng: Rng) -> tuple[str, Any, Any]:
    return rng.choice(("acquire", "release")), None, None


def atomic(
    ask: Ask, model: Model, seed: int, count: int = 100, clients: int = 5, timeouts: float = 0.0, delay: int = 100
) -> History:
    """`count` operations of `clients` on an atomic object, a share `timeouts` of them with unknown outcome."""
    rng = Rng.derive(seed, "history", ask.__name__)
    recorder = Recorder()
    states: dict[Any, Any] = {}
    answers: dict[int, Any] = {}
    agenda: list[tuple[int, int, str, int, Any]] = []
    order = 0

    def later(after: int, what: str, process: int, data: Any = None) -> None:
        nonlocal order
        order += 1
        heappush(agenda, (now + after, order, what, process, data))

    now, asked, newest = 0, 0, clients - 1
    for process in range(clients):
        later(rng.randint(0, delay), "ask", process)
    while agenda:
        now, _, what, process, data = heappop(agenda)
        if what == "ask" and asked < count:
            asked += 1
            kind, value, key = ask(rng)
            recorder.invoke(process, kind, value, key, time=now)
            request = (asked, kind, value, key)
            if rng.random() < timeouts:
                newest += 1
                later(rng.randint(1, delay), "give up", process, newest)
                if rng.random() < 0.6:
                    later(rng.randint(1, 10 * delay), "act", process, request)
                continue
            took = rng.randint(1, delay)
            later(took, "act", process, request)
            later(took + rng.randint(1, delay), "told", process, request)
        elif what == "act":
            number, kind, value, key = data
            answers[number], states[key] = act(model, states.get(key, model.initial), kind, value)
        elif what == "told":
            answer = answers[data[0]]
            outcome = "fail" if answer is IMPOSSIBLE or answer is False else "ok"
            recorder.complete(process, outcome, None if answer is IMPOSSIBLE else answer, time=now)  # type: ignore[arg-type]
            later(rng.randint(1, delay // 2 + 1), "ask", process)
        elif what == "give up":
            recorder.complete(process, "unknown", time=now)
            later(rng.randint(1, delay), "ask", data)
    return recorder.history()


def act(model: Model, state: Any, kind: str, value: Any) -> tuple[Any, Any]:
    """The answer of an object of that kind, and its state afterwards."""
    answer = None
    if kind in ("read", "get"):
        answer = state
    elif kind == "dequeue":
        answer = state[0] if state else None
    after = model.step(state, model.call(Operation(0, kind, value, 0, 1, result=answer)))
    if after is not IMPOSSIBLE:
        return answer, after
    return (False if kind == "cas" else IMPOSSIBLE), state


def spoiled(history: History, seed: int, kinds: tuple[str, ...] = ("read", "get", "dequeue")) -> History:
    """`history` with one answer changed into another that was given in it (or into one that never was)."""
    rng = Rng.derive(seed, "spoil")
    answered = [i for i, op in enumerate(history.operations) if op.kind in kinds and op.outcome == "ok"]
    if not answered:
        return history
    place = rng.choice(answered)
    old = history.operations[place]
    others = [o.result for i in answered if (o := history.operations[i]).key == old.key and o.result != old.result]
    changed = replace(old, result=rng.choice(others) if others else 99)
    return replace(history, operations=(*history.operations[:place], changed, *history.operations[place + 1 :]))
