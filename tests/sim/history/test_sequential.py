"""Sequential consistency: against all permutations, against what is known of it, and by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, permutations
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prayog_sim.history.linearizable import linearizable
from prayog_sim.history.model import IMPOSSIBLE, Model
from prayog_sim.history.operations import History, Operation
from prayog_sim.history.queues import FifoQueue
from prayog_sim.history.registers import CasRegister, KeyValue, Register
from prayog_sim.history.sequential import SequentialConsistency, sequential
from sim.history import generated
from sim.history.test_linearizable import made

YES, NO = "sequentially consistent", "not sequentially consistent"


# -- every order, tried out ------------------------------------------------------------------------------------------


def done(op: Operation) -> bool:
    return op.outcome != "unknown" and op.returned is not None


def brute(operations: Sequence[Operation], model: Model, needed: Sequence[Operation] | None = None) -> bool:
    """Some order of the `needed` operations and of some of the others keeps each process's own, and fits."""
    told = [op for op in operations if model.call(op) is not None]
    must = [op for op in told if done(op)] if needed is None else list(needed)
    others = [op for op in told if op not in must]
    return any(
        own(order, told) and fits(order, model)
        for count in range(len(others) + 1)
        for chosen in combinations(others, count)
        for order in permutations([*must, *chosen])
    )


def own(order: Sequence[Operation], told: Sequence[Operation]) -> bool:
    """Before each operation stand all of its process that were over when it was asked."""
    for place, op in enumerate(order):
        for other in told:
            over = other.process == op.process and done(other) and (other.returned or 0) < op.invoked
            if over and other not in order[:place]:
                return False
    return True


def fits(order: Sequence[Operation], model: Model) -> bool:
    states: dict[Any, Any] = {}
    for op in order:
        states[op.key] = model.step(states.get(op.key, model.initial), model.call(op))
        if states[op.key] is IMPOSSIBLE:
            return False
    return True


def culprit(operations: Sequence[Operation], model: Model) -> Operation | None:
    told = sorted((op for op in operations if model.call(op) is not None and done(op)), key=lambda op: op.returned or 0)
    return next((told[k] for k in range(len(told)) if not brute(operations, model, told[: k + 1])), None)


VALUES = st.integers(0, 2)


@st.composite
def histories(draw: st.DrawFn, kinds: dict[str, tuple[Any, Any]], keys: int = 2, most: int = 6) -> History:
    """Up to six operations of three processes, each of which does one after the other; answers are anything."""
    clocks = [0, 0, 0]
    found = []
    for _ in range(draw(st.integers(1, most))):
        process = draw(st.integers(0, 2))
        kind = draw(st.sampled_from(sorted(kinds)))
        asked, answered = kinds[kind]
        begun = clocks[process] + draw(st.integers(1, 3))
        ended = clocks[process] = begun + draw(st.integers(0, 3))
        outcome = draw(st.sampled_from(("ok", "ok", "ok", "ok", "unknown", "fail")))
        result = draw(answered) if outcome == "ok" else None
        returned = None if outcome == "unknown" and draw(st.booleans()) else 10 * ended + process
        key = draw(st.sampled_from("xy"[:keys]))
        found.append(Operation(process, kind, draw(asked), 10 * begun, returned, outcome, result, key))  # type: ignore[arg-type]
    return History(tuple(sorted(found, key=lambda op: op.invoked)))


REGISTER = {"read": (st.none(), VALUES), "write": (VALUES, st.none())}
CAS = {**REGISTER, "cas": (st.tuples(VALUES, VALUES), st.none())}
STORE = {"get": (st.none(), st.sampled_from(("", "a", "b", "ab", "ba"))), "append": (st.sampled_from("ab"), st.none())}
QUEUE = {"enqueue": (VALUES, st.none()), "dequeue": (st.none(), st.one_of(st.none(), VALUES))}


@pytest.mark.parametrize(
    ("kinds", "model"),
    [(REGISTER, Register(0)), (CAS, CasRegister(0)), (STORE, KeyValue()), (QUEUE, FifoQueue())],
    ids=["register", "cas", "key-value", "queue"],
)
@settings(max_examples=120, deadline=None)
@given(data=st.data())
def test_every_verdict_is_that_of_trying_all_orders(kinds: dict[str, Any], model: Model, data: st.DataObject) -> None:
    history = data.draw(histories(kinds))
    result = sequential(history, model)
    assert result.verdict == (YES if brute(history.operations, model) else NO)
    if result.verdict == YES:
        assert own(result.order, [op for op in history.operations if model.call(op) is not None])
        assert fits(result.order, model)
        assert {op for op in history.operations if done(op) and model.call(op) is not None} <= set(result.order)
    elif result.key is None:
        assert result.operation == culprit(history.operations, model)
    else:
        assert result.operation == culprit([op for op in history.operations if op.key == result.key], model)


# -- what is known of it -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(
    ("ask", "model"),
    [(generated.cas_register, CasRegister(0)), (generated.key_value, KeyValue()), (generated.queue, FifoQueue())],
)
def test_what_is_linearizable_is_sequentially_consistent(ask: generated.Ask, model: Model, seed: int) -> None:
    history = generated.atomic(ask, model, seed, count=80, timeouts=0.05 if ask is generated.cas_register else 0.0)
    assert sequential(history, model).verdict == YES
    late = {process: 100_000 * n for n, process in enumerate(dict.fromkeys(op.process for op in history.operations))}
    shifted = [
        replace(
            op,
            invoked=op.invoked + late[op.process],
            returned=None if op.returned is None else op.returned + late[op.process],
        )
        for op in history.operations
    ]  # real time between processes does not matter
    assert sequential(History(tuple(shifted)), model, budget=20_000).verdict in (YES, "unknown")


@pytest.mark.parametrize("seed", range(12))
def test_an_answer_that_nobody_wrote_is_found(seed: int) -> None:
    history = generated.atomic(generated.writes, Register(0), seed, count=60)
    reads = [i for i, op in enumerate(history.operations) if op.kind == "read" and op.outcome == "ok"]
    place = reads[seed % len(reads)]
    wrong = replace(history.operations[place], result=99)
    spoiled = replace(history, operations=(*history.operations[:place], wrong, *history.operations[place + 1 :]))
    result = sequential(spoiled, Register(0), budget=60_000)
    assert result.verdict in (NO, "unknown")
    if result.verdict == NO:
        assert result.operation == wrong


def test_an_old_answer_may_be_sequentially_consistent_and_not_linearizable() -> None:
    history = made(("a", "write", 1, 0, 1), ("b", "read", None, 2, 3, "ok", 0), ("b", "read", None, 4, 5, "ok", 1))
    assert linearizable(history, Register(0)).verdict == "not linearizable"
    result = sequential(history, Register(0))
    assert result.verdict == YES
    assert [op.kind for op in result.order] == ["read", "write", "read"]


def test_two_keys_can_each_be_fine_and_not_together() -> None:
    """Dekker's test: each process writes its own and reads the other's old value."""
    history = made(
        ("a", "write", 1, 0, 1, "ok", None, "x"), ("a", "read", None, 2, 3, "ok", 0, "y"),
        ("b", "write", 1, 0, 1, "ok", None, "y"), ("b", "read", None, 2, 4, "ok", 0, "x"),
    )  # fmt: skip
    for key in "xy":
        alone = History(tuple(op for op in history.operations if op.key == key))
        assert sequential(alone, Register(0)).verdict == YES
    result = sequential(history, Register(0))
    assert result.verdict == NO
    assert result.operation == history.operations[3]
    assert result.reason == (
        "b read on x → 0 cannot be placed: no order of the whole history that keeps every client's own explains it, "
        "though each key alone may be fine"
    )


def test_all_must_see_one_order_of_writes() -> None:
    """Independent reads of independent writes: two readers disagree about which write came first."""
    history = made(
        ("w1", "write", 1, 0, 1, "ok", None, "x"), ("w2", "write", 1, 0, 1, "ok", None, "y"),
        ("r1", "read", None, 2, 3, "ok", 1, "x"), ("r1", "read", None, 4, 5, "ok", 0, "y"),
        ("r2", "read", None, 2, 3, "ok", 1, "y"), ("r2", "read", None, 4, 6, "ok", 0, "x"),
    )  # fmt: skip
    assert sequential(history, Register(0)).verdict == NO
    assert sequential(replace(history, operations=history.operations[:-1]), Register(0)).verdict == YES


def test_a_process_reads_its_own_writes() -> None:
    history = made(("a", "write", 1, 0, 1), ("a", "read", None, 2, 3, "ok", 0))
    result = sequential(history, Register(0))
    assert (result.verdict, result.operation) == (NO, history.operations[1])


@example(timeout=True)
@example(timeout=False)
@given(timeout=st.booleans())
@settings(max_examples=2)
def test_what_a_client_gave_up_on_may_come_late(timeout: bool) -> None:
    outcome = "unknown" if timeout else "ok"
    history = made(
        ("a", "write", 1, 0, 1, outcome), ("a", "read", None, 2, 3, "ok", 0), ("b", "read", None, 4, 5, "ok", 1)
    )
    assert sequential(history, Register(0)).verdict == (YES if timeout else NO)


def test_a_budget_ends_it_and_it_can_go_on() -> None:
    """Many writers and one impossible reader: too many orders to try."""
    writes = [(f"w{n}", "write", n, 0, 100 + n) for n in range(1, 14)]
    reads = [("r", "read", None, 2 * n, 2 * n + 1, "ok", 1 + n % 2) for n in range(1, 6)]
    history = made(*writes, *reads)
    check = SequentialConsistency(history, Register(0))
    first = check.run(2_000)
    assert first.verdict == "unknown"
    assert 2_000 <= first.steps < 3_500
    assert first.undecided
    assert "undecided after" in first.reason
    assert check.run(2_000).steps > first.steps


def test_nothing_is_fine() -> None:
    assert sequential(History(()), Register()).verdict == YES
