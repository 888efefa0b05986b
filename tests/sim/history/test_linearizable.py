"""The checker against all permutations, against histories that are right by construction, and by hand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, permutations
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prayog_sim.history.linearizable import Linearizability, linearizable
from prayog_sim.history.model import ANY, IMPOSSIBLE, Model
from prayog_sim.history.models import guess
from prayog_sim.history.operations import History, HistoryError, Operation
from prayog_sim.history.queues import FifoQueue, Mutex
from prayog_sim.history.registers import CasRegister, KeyValue, Register
from sim.history import generated


def made(*operations: tuple[Any, ...], **more: Any) -> History:
    """Operations given as (process, kind, value, invoked, returned, outcome, result, key)."""
    return History(tuple(Operation(*operation) for operation in operations), **more)


# -- every order, tried out ------------------------------------------------------------------------------------------


def brute(operations: Sequence[Operation], model: Model, until: float = float("inf")) -> bool:
    """Some order of the operations completed by `until`, and of some of the others, keeps real time and fits."""
    told = [op for op in operations if model.call(op) is not None and op.invoked <= until]
    sure = [op for op in told if end(op) <= until and op.outcome != "unknown"]
    others = [op for op in told if op not in sure]
    return any(
        in_time(order) and fits(order, model)
        for count in range(len(others) + 1)
        for chosen in combinations(others, count)
        for order in permutations([*sure, *chosen])
    )


def end(op: Operation) -> float:
    return float("inf") if op.outcome == "unknown" or op.returned is None else op.returned


def in_time(order: Sequence[Operation]) -> bool:
    return all(end(late) >= early.invoked for early, late in combinations(order, 2))


def fits(order: Sequence[Operation], model: Model) -> bool:
    state: Any = model.initial
    for op in order:
        state = model.step(state, model.call(op))
        if state is IMPOSSIBLE:
            return False
    return True


def culprit(operations: Sequence[Operation], model: Model) -> float | None:
    """The first return up to which the history cannot be explained."""
    told = [op for op in operations if model.call(op) is not None and op.outcome != "unknown"]
    return next((until for until in sorted(map(end, told)) if not brute(operations, model, until)), None)


VALUES = st.integers(0, 2)
PAIRS = st.tuples(VALUES, VALUES)


@st.composite
def operations(draw: st.DrawFn, kinds: dict[str, tuple[Any, Any]], most: int = 6) -> list[Operation]:
    """Up to six operations of these kinds, whose intervals and answers are anything."""
    found = []
    for number in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(sorted(kinds)))
        asked, answered = kinds[kind]
        begun = draw(st.integers(0, 12))
        lasts = draw(st.integers(0, 8))
        outcome = draw(st.sampled_from(("ok", "ok", "ok", "ok", "unknown", "fail")))
        result = draw(answered) if outcome == "ok" else False if outcome == "fail" and draw(st.booleans()) else None
        over = None if outcome == "unknown" and draw(st.booleans()) else begun + lasts
        found.append(Operation(number, kind, draw(asked), begun, over, outcome, result))
    return found


NIL = st.none()
KINDS: dict[str, tuple[Model, dict[str, tuple[Any, Any]]]] = {
    "register": (Register(0), {"read": (NIL, VALUES), "write": (VALUES, NIL)}),
    "cas": (
        CasRegister(0),
        {"read": (NIL, VALUES), "write": (VALUES, NIL), "cas": (PAIRS, st.sampled_from((None, True, False)))},
    ),
    "cas of who knows what": (
        CasRegister(ANY, nil_says_nothing=True),
        {"read": (NIL, st.none() | VALUES), "write": (VALUES, NIL), "cas": (PAIRS, st.just(True))},
    ),
    "texts": (
        KeyValue(),
        {
            "get": (NIL, st.sampled_from(("", "a", "b", "ab", "ba", "aab", None))),
            "append": (st.sampled_from("ab"), NIL),
            "put": (st.sampled_from("ab"), NIL),
        },
    ),
    "lists": (
        KeyValue(),
        {"get": (NIL, st.lists(VALUES, min_size=1, max_size=3)), "append": (VALUES, NIL)},
    ),
    "queue": (FifoQueue(), {"enqueue": (st.integers(0, 3), NIL), "dequeue": (NIL, st.none() | st.integers(0, 3))}),
    "mutex": (Mutex(), {"acquire": (NIL, NIL), "release": (NIL, NIL)}),
}


@pytest.mark.parametrize("name", KINDS)
def test_the_verdict_and_the_operation_are_those_of_trying_every_order(name: str) -> None:
    model, kinds = KINDS[name]

    @settings(max_examples=100, deadline=None)
    @given(operations(kinds))
    def compare(ops: list[Operation]) -> None:
        result = linearizable(History(tuple(ops)), model)
        assert (result.verdict == "linearizable") == brute(ops, model)
        assert in_time(result.order)
        assert fits(result.order, model)
        if result.verdict == "linearizable":
            sure = {op.process for op in ops if op.outcome != "unknown" and model.call(op) is not None}
            assert sure <= {op.process for op in result.order}
        else:
            assert result.operation is not None
            assert end(result.operation) == culprit(ops, model)

    compare()


# -- right by construction -------------------------------------------------------------------------------------------

ATOMIC = [
    (generated.cas_register, CasRegister(), 150, 0.0),
    (generated.cas_register, CasRegister(), 110, 0.3),
    (generated.writes, Register(), 110, 0.5),
    (generated.key_value, KeyValue(), 800, 0.02),
    (generated.queue, FifoQueue(), 60, 0.0),
    (generated.mutex, Mutex(), 100, 0.1),
]


@pytest.mark.parametrize(("ask", "model", "count", "timeouts"), ATOMIC, ids=lambda v: getattr(v, "__name__", None))
@pytest.mark.parametrize("clients", [5, 10])
def test_what_an_atomic_object_answers_is_linearizable(
    ask: generated.Ask, model: Model, count: int, timeouts: float, clients: int
) -> None:
    for seed in range(5):
        history = generated.atomic(ask, model, seed, count, clients, timeouts)
        result = linearizable(history, model)
        assert result.verdict == "linearizable", (seed, result.reason)
        for order in result.orders.values():
            assert fits(order, model)


@pytest.mark.parametrize(
    ("ask", "model"), [(ask, model) for ask, model, _, _ in ATOMIC], ids=lambda v: getattr(v, "__name__", None)
)
@pytest.mark.parametrize("timeouts", [0.0, 0.2])
def test_small_ones_with_a_changed_answer_are_judged_as_by_trying_every_order(
    ask: generated.Ask, model: Model, timeouts: float
) -> None:
    for seed in range(25):
        history = generated.spoiled(generated.atomic(ask, model, seed, 7, 3, timeouts), seed)
        by_key: dict[Any, list[Operation]] = {}
        for op in history.operations:
            by_key.setdefault(op.key, []).append(op)
        expected = all(brute(ops, model) for ops in by_key.values())
        assert (linearizable(history, model).verdict == "linearizable") == expected, seed


def test_one_changed_answer_is_mostly_noticed() -> None:
    """With few clients and no timeouts there is little room for a lie."""
    noticed = 0
    for seed in range(20):
        history = generated.atomic(generated.key_value, KeyValue(), seed, 200, 3)
        noticed += linearizable(generated.spoiled(history, seed)).verdict == "not linearizable"
    assert noticed >= 18


def test_a_long_history_takes_no_recursion_and_little_time() -> None:
    history = generated.atomic(generated.cas_register, CasRegister(), 1, 20_000, 5)
    result = linearizable(history, CasRegister())
    assert result.verdict == "linearizable"
    assert result.steps < 200_000


# -- by hand ---------------------------------------------------------------------------------------------------------


def test_a_stale_read_is_named_with_what_the_register_held() -> None:
    history = made(
        ("p1", "write", 1, 0, 1),
        ("p1", "write", 2, 2, 3),
        ("p2", "read", None, 4, 5, "ok", 1),
        ("p2", "read", None, 6, 7, "ok", 2),
    )
    result = linearizable(history)
    assert result.verdict == "not linearizable"
    assert result.operation == history.operations[2]
    assert result.reason == "p2 read → 1 cannot be placed: whatever the order, the register held 2 by then"
    assert result.order == history.operations[:2]


def test_a_later_operation_is_not_blamed() -> None:
    """A read of 3 beside a write of 4 is wrong, not the read of 4 that follows (a bug that Knossos once had)."""
    history = made(
        (0, "write", 0, 0, 1),
        (1, "read", None, 2, 4, "ok", 3),
        (2, "write", 4, 3, 5),
        (3, "read", None, 6, 7, "ok", 4),
    )
    result = linearizable(history, Register())
    assert result.operation == history.operations[1]
    assert "held 0 or held 4 by then" in result.reason


def test_reading_the_new_value_and_then_the_old_one_is_wrong_while_the_write_still_goes_on() -> None:
    open_write = ("w", "write", 1, 0)
    assert linearizable(made(open_write, ("r", "read", None, 1, 2, "ok", 1)), Register(0)).verdict == "linearizable"
    both = made(open_write, ("r", "read", None, 1, 2, "ok", 1), ("r", "read", None, 3, 4, "ok", 0))
    assert linearizable(both, Register(0)).verdict == "not linearizable"


def test_an_unknown_write_may_take_effect_late_or_never_and_a_failed_one_never_does() -> None:
    reads = [("r", "read", None, t, t + 1, "ok", v) for t, v in ((2, 0), (4, 5), (6, 0))]
    unknown = ("w", "write", 5, 0, 1, "unknown")
    assert linearizable(made(unknown, *reads[:1]), Register(0)).order[0].kind == "read"
    assert linearizable(made(unknown, *reads[:2]), Register(0)).verdict == "linearizable"
    assert linearizable(made(unknown, *reads), Register(0)).verdict == "not linearizable"
    assert linearizable(made(("w", "write", 5, 0, 1, "fail"), reads[1]), Register(0)).verdict == "not linearizable"


def test_a_refusal_says_that_something_else_was_there() -> None:
    history = made(("w", "write", 1, 0, 1), ("c", "cas", (1, 2), 2, 3, "fail", False))
    assert linearizable(history).verdict == "not linearizable"
    silent = made(("w", "write", 1, 0, 1), ("c", "cas", (1, 2), 2, 3, "fail"))
    assert linearizable(silent).verdict == "linearizable"


def test_a_hard_key_does_not_hide_a_wrong_one() -> None:
    """Dequeues that tell nothing make the first key hard: alone it takes many times as long as both."""
    hard: list[tuple[Any, ...]] = [(i, "enqueue", i, 0, 100, "ok", None, "hard") for i in range(14)]
    hard += [(20 + i, "dequeue", None, 0, None, "unknown", None, "hard") for i in range(6)]
    hard += [(30, "dequeue", None, 200, 201, "ok", 99, "hard")]
    wrong = [(40, "enqueue", "a", 0, 1, "ok", None, "wrong"), (40, "dequeue", None, 2, 3, "ok", "b", "wrong")]
    result = linearizable(made(*hard, *wrong), FifoQueue())
    assert (result.verdict, result.key) == ("not linearizable", "wrong")
    assert result.reason.startswith("process 40 dequeue on wrong → b cannot be placed: ")
    assert result.reason.endswith("key wrong held a by then")
    assert result.steps < 2_000
    assert linearizable(made(*hard), FifoQueue(), 50_000).verdict == "unknown"


def test_appends_that_nobody_saw_cost_little_and_are_still_named() -> None:
    appends = [(i, "append", f"x{i}", 0, 100) for i in range(14)]
    assert linearizable(made(*appends, (20, "get", None, 200, 201, "ok", "x3x1")), budget=400_000).verdict == (
        "not linearizable"
    )
    result = linearizable(made((1, "put", "a", 0, 1), (1, "get", None, 2, 3, "ok", "b")))
    assert result.reason.endswith("the key-value held a by then")


def test_a_queue_may_hold_an_element_twice() -> None:
    filled = [("p", "enqueue", v, 2 * i, 2 * i + 1) for i, v in enumerate("axa")]
    emptied = [("q", "dequeue", None, 10 + 2 * i, 11 + 2 * i, "ok", v) for i, v in enumerate("ax")]
    assert linearizable(made(*filled, *emptied)).verdict == "linearizable"
    assert linearizable(made(*filled, *emptied, ("q", "dequeue", None, 20, 21, "ok", None))).reason == (
        "q dequeue → nothing cannot be placed: whatever the order, the queue held a by then"
    )


def test_the_budget_ends_it_and_a_second_run_goes_on() -> None:
    """Dequeues that tell nothing empty a queue in as many orders as there are."""
    begun = [(i, "enqueue", i, 0, 100) for i in range(6)] + [(20 + i, "dequeue", None, 0) for i in range(3)]
    wrong = made(*begun, (40, "dequeue", None, 200, 201, "ok", 7))
    check = Linearizability(wrong)
    first = check.run(500)
    assert first.verdict == "unknown"
    assert first.undecided == (None,)
    assert "a larger budget may decide it" in first.reason
    assert first.steps < 600
    second = check.run()
    assert second.verdict == "not linearizable"
    assert second == check.run()
    assert second.steps == linearizable(wrong).steps


def test_nothing_to_judge_is_linearizable() -> None:
    assert linearizable(History(()), Register()).verdict == "linearizable"
    assert linearizable(made((1, "read", None, 0)), Register()).verdict == "linearizable"


@pytest.mark.parametrize(
    ("kinds", "model"),
    [
        (("read",), "register"),
        (("read", "cas"), "cas-register"),
        (("get", "put"), "key-value"),
        (("read", "append"), "key-value"),
        (("enqueue",), "queue"),
        (("acquire", "release"), "mutex"),
    ],
)
def test_the_model_is_guessed_from_the_words(kinds: tuple[str, ...], model: str) -> None:
    assert guess(made(*((1, kind, None, i, i) for i, kind in enumerate(kinds)))).name == model


def test_a_model_says_what_it_knows() -> None:
    with pytest.raises(HistoryError, match="a register knows read, write, not 'append'"):
        linearizable(made((1, "append", 1, 0, 1)), Register())
    with pytest.raises(HistoryError, match="no model knows all of read, enqueue"):
        linearizable(made((1, "read", None, 0, 1), (1, "enqueue", 1, 2, 3)))
    with pytest.raises(HistoryError, match="needs two values"):
        linearizable(made((1, "cas", 1, 0, 1)), CasRegister())
    with pytest.raises(HistoryError, match="before it was invoked"):
        made((1, "read", None, 5, 1))


@example(seed=3)
@given(seed=st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_steps_do_not_depend_on_how_the_budget_is_cut(seed: int) -> None:
    history = generated.spoiled(generated.atomic(generated.cas_register, CasRegister(), seed, 60, 8, 0.2), seed)
    at_once = Linearizability(history, CasRegister()).run()
    check = Linearizability(history, CasRegister())
    result = check.run(7)
    while result.verdict == "unknown":
        result = check.run(7)
    assert (result.verdict, result.operation, result.order) == (at_once.verdict, at_once.operation, at_once.order)
