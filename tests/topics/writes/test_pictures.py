"""What the picture of the levels is made of, without a window: places, sub-levels, and compactions on their way."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prayog_sim.run import Action
from prayog_writes.engine.study import Study
from prayog_writes.panels.motion import Chronicle, motion, share_of_step
from prayog_writes.panels.tree import Box, Keys, layout, order, overlaps, sublevels, told_key
from prayog_writes.topic import Params, setup_of

ROOM = Box(10, 20, 400, 300)


def file(number: int, low: str, high: str, size: int = 100) -> dict[str, Any]:
    return {"number": number, "low": low, "high": high, "size": size, "entries": 10, "tombstones": 0}


ranges = st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda pair: (f"{min(pair):02d}", f"{max(pair):02d}"))


@given(st.lists(ranges, max_size=12))
def test_a_table_of_level_0_lies_above_all_older_ones_that_it_overlaps(spans: list[tuple[str, str]]) -> None:
    files = [file(100 - n, low, high) for n, (low, high) in enumerate(spans)]  # the newest first
    lanes = sublevels(files)
    for newer in range(len(files)):
        older = [lanes[k] for k in range(newer + 1, len(files)) if overlaps(files[newer], [files[k]])]
        assert lanes[newer] == max(older, default=-1) + 1


def test_keys_that_are_no_text_are_ordered_by_their_bytes() -> None:
    keys = [b"\x00\x01", b"Z", b"a\\b", b"\xc3\xa4", b"\xe0\xa4\x86", b"\xfe", b"\xff\x00"]
    told = [key.decode("utf-8", "backslashreplace") for key in keys]
    assert [order(key) for key in told] == keys
    axis = Keys([file(1, told[0], told[-1]), file(2, told[2], told[4])])
    places = [axis.place(key) for key in told]
    assert places == sorted(places)
    assert overlaps(file(1, told[1], told[3]), [file(2, told[5], told[6]), file(3, told[2], told[4])])[0]["number"] == 3
    assert told_key(told[0]) == "\\x00\\x01"
    assert len(told_key("k" * 500)) < 40


def test_area_is_bytes_on_every_level() -> None:
    levels = [[file(1, "a", "z", 3_000)], [file(2, "a", "c", 10), file(3, "d", "z", 9_000)], []]
    boxes = layout(levels, by_key=False, room=ROOM)
    areas = {n: box.w * box.h for n, box in boxes.items()}
    assert areas[1] / areas[3] == pytest.approx(3_000 / 9_000)
    assert areas[2] / areas[3] == pytest.approx(10 / 9_000)
    assert max(box.x + box.w for box in boxes.values()) <= ROOM.x + ROOM.w + 0.01


def test_aligned_by_key_what_overlaps_lies_above_each_other() -> None:
    levels = [[file(9, "b", "y"), file(8, "a", "c")], [file(1, "a", "b"), file(2, "c", "d"), file(3, "x", "z")]]
    boxes = layout(levels, by_key=True, room=ROOM)

    def meet(a: Box, b: Box) -> bool:
        return a.x < b.x + b.w - 0.01 and b.x < a.x + a.w - 0.01

    assert meet(boxes[9], boxes[2])
    assert not meet(boxes[8], boxes[3])
    assert boxes[9].y + boxes[9].h <= boxes[8].y + 0.01  # the newer above the older
    assert boxes[1].x + boxes[1].w <= boxes[2].x


def test_a_key_between_two_borders_lies_between_them() -> None:
    axis = Keys([file(1, "user00000010", "user00000020"), file(2, "user00000030", "user00000090")])
    places = [axis.place(f"user{n:08d}") for n in (5, 10, 13, 17, 20, 25, 30, 60, 90, 99)]
    assert places == sorted(places)
    assert places[0] == 0.0
    assert places[-1] == 1.0
    assert 0 < places[2] < places[3] < places[4]


@pytest.fixture(scope="module")
def run() -> Study:
    run = Study(setup_of(Params(memtable_kib=8, file_kib=8, base_kib=16, keys=900, value_size=40), "manual"), 1)
    run.do(Action("run_workload", {"workload": "random", "count": 4_000}))
    while run.step() is not None:
        pass
    return run


def test_a_compaction_lifts_merges_and_lands(run: Study) -> None:
    chronicle = Chronicle()
    for step in run.trace:
        chronicle.take(step)
    begin = next(
        s.seq for s in run.trace if s.kind == "compaction_begin" and not s.data["move"] and len(s.data["inputs"]) > 4
    )
    edit = next(s.seq for s in run.trace[begin:] if s.kind == "edit")

    def at(seq: int, share: float) -> Any:
        return motion(run.trace, seq, share, run.view(seq).facts, chronicle.tables)

    lifted = at(begin, 0.3)
    assert (lifted.lift, lifted.merged, lifted.landed) == (0.3, 0.0, 1.0)
    assert [[level, f["number"]] for level, f in lifted.inputs] == run.trace[begin].data["inputs"]
    merged = [at(step.seq, share).merged for step in run.trace[begin:edit] for share in (0.5, 1.0)]
    assert merged == sorted(merged)
    assert merged[-1] == pytest.approx(1.0)  # every row of the inputs was written on or dropped
    landing = at(edit, 0.25)
    assert landing.landed == 0.25
    assert [[f["number"] for f in files] for files in landing.before] == [
        [f["number"] for f in files] for files in run.view(edit - 1).facts["levels"]
    ]
    assert at(edit, 1.0) is None  # on the step itself everything is in its place
    assert at(begin - 1, 1.0) is None or at(begin - 1, 1.0).kind != "compaction"


def test_the_picture_depends_on_trace_and_position_alone(run: Study) -> None:
    chronicle = Chronicle()
    for step in run.trace:
        chronicle.take(step)
    for seq in range(0, len(run.trace), 7):
        facts = run.view(seq).facts
        first = motion(run.trace, seq, 0.4, facts, chronicle.tables)
        motion(run.trace, max(0, seq - 3), 0.9, run.view(max(0, seq - 3)).facts, chronicle.tables)
        assert motion(run.trace, seq, 0.4, facts, chronicle.tables) == first


def test_on_a_step_everything_has_arrived(run: Study) -> None:
    assert share_of_step(run.trace, 5, float(run.trace[5].at), None) == 1.0
    assert share_of_step(run.trace, 5, run.trace[5].at + 0.25, None) == pytest.approx(0.25)
    last = len(run.trace) - 1
    assert share_of_step(run.trace, last, run.trace[last].at + 0.5, None) == 1.0
    assert share_of_step(run.trace, -1, 0.0, 1) == 1.0


def test_the_chronicle_finds_the_edit_of_a_moment(run: Study) -> None:
    chronicle = Chronicle()
    for step in run.trace:
        chronicle.take(step)
    for seq in range(-1, len(run.trace), 11):
        assert chronicle.edit_at(seq) == sum(at <= seq for at, _, _ in chronicle.edits)
