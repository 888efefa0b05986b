"""The journals of many processes become one sequence in which causes come before effects."""

from __future__ import annotations

import json
import random
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from prayog_sdk.cluster.journal import HOLD, PATIENCE, Line, Merge, Tail


def _history(seed: int) -> list[Line]:
    """A run of three processes with clocks that are wrong by up to a second."""
    rng = random.Random(seed)
    names = ["a", "b", "c"]
    wrong = {name: rng.randrange(1_000_000) for name in names}
    clocks: dict[str, dict[str, int]] = {name: {} for name in names}
    sent: list[dict[str, int]] = []
    lines = []
    for at in range(60):
        name = rng.choice(names)
        if sent and rng.random() < 0.5:
            for other, count in rng.choice(sent).items():
                clocks[name][other] = max(count, clocks[name].get(other, 0))
        clocks[name][name] = clocks[name].get(name, 0) + 1
        sent.append(dict(clocks[name]))
        lines.append(Line(name, at * 10 + wrong[name], "step", {"n": at}, clock=dict(clocks[name])))
    return lines


@given(st.integers(0, 10_000), st.integers(0, 10_000))
def test_causes_come_first_however_wrong_the_clocks_are(seed: int, order: int) -> None:
    lines, merge, rng = _history(seed), Merge(["a", "b", "c"]), random.Random(order)
    queues = {name: [line for line in lines if line.node == name] for name in "abc"}
    seen: dict[str, int] = {}
    out: list[Line] = []
    while any(queues.values()) or not merge.empty:
        ready = [name for name in "abc" if queues[name]]
        if ready:
            merge.add([queues[rng.choice(ready)].pop(0)])
        while (line := merge.next(0, flush=True)) is not None:
            assert all(seen.get(other, 0) >= count for other, count in line.clock.items() if other != line.node)
            assert line.clock[line.node] == seen.get(line.node, 0) + 1
            seen[line.node] = line.clock[line.node]
            out.append(line)
    assert len(out) == len(lines)


def test_concurrent_lines_come_in_the_order_of_the_clock_and_not_before_late_ones_may() -> None:
    merge = Merge(["a", "b"])
    merge.add([Line("a", 2_000, "second", {}, clock={"a": 1})])
    assert merge.next(2_000 + HOLD - 1) is None
    merge.add([Line("b", 1_000, "first", {}, clock={"b": 1})])
    found = [merge.next(2_000 + HOLD), merge.next(2_000 + HOLD)]
    assert [line.kind for line in found if line] == ["first", "second"]


def test_a_lost_cause_does_not_stop_the_trace() -> None:
    merge = Merge(["a", "b"])
    merge.add([Line("a", 0, "step", {}, clock={"a": 1, "b": 7})])
    assert merge.next(PATIENCE, flush=True) is None
    assert merge.next(PATIENCE + 1) is not None


def test_a_line_that_was_cut_off_is_no_line(tmp_path: Path) -> None:
    path = tmp_path / "j"
    tail = Tail("a", path)
    assert tail.read() == []
    whole = json.dumps({"v": {"a": 1}, "at": 5, "k": "timer", "d": {"name": "t"}})
    path.write_text(f"{whole}\nnonsense\n{whole[:20]}")
    assert [line.kind for line in tail.read()] == ["timer"]
    with path.open("a") as file:
        file.write(f"{whole[20:]}\n")
    assert [line.kind for line in tail.read()] == ["timer"]
    tail.close()
