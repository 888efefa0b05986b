"""Two policies on the same operations: the course of a run, its twin, and both on one slider."""

from __future__ import annotations

from typing import Any

import pytest

from prayog_sim.run import Action
from prayog_writes.alongside import alongside
from prayog_writes.course import Course
from prayog_writes.engine.study import Study
from prayog_writes.topic import Params, setup_of

SMALL = Params(memtable_kib=4, file_kib=4, base_kib=16, keys=400, value_size=40)
DONE = [
    Action("run_workload", {"workload": "random", "count": 1_500}),
    Action("put", {"key": "asha", "value": "1"}),
    Action("run_workload", {"workload": "YCSB C", "count": 400}),
    Action("flush"),
]  # fmt: skip


class Quiet:
    def progress(self, done: int, total: int = 0, text: str = "") -> None:
        """Nobody asks."""


@pytest.fixture(scope="module")
def run() -> Study:
    run = Study(setup_of(SMALL, "manual"), 5)
    for action in DONE:
        run.do(action)
    while run.step() is not None:
        pass
    return run


@pytest.fixture(scope="module")
def course(run: Study) -> Course:
    course = Course()
    for step in run.trace:
        course.take(step)
    return course


def test_a_course_has_the_levels_and_meters_of_the_views(run: Study, course: Course) -> None:
    assert len(course.moments) > 10
    for moment in course.moments:
        facts = run.view(moment.seq).facts
        assert course.levels(moment.seq) == facts["levels"]
        for name in ("write", "write_with_log", "read", "space"):
            assert moment.values[name] == facts["amplification"][name]["value"]
        assert moment.values["l0"] == len(facts["levels"][0])


def test_operations_and_bytes_only_grow_also_over_a_crash(run: Study, course: Course) -> None:
    assert [m.operations for m in course.moments][-1] == 1_901
    twin = Study(setup_of(SMALL, "manual"), 5)
    for action in (*DONE[:1], Action("crash"), Action("reopen"), *DONE[:1]):
        twin.do(action)
    while twin.step() is not None:
        pass
    crashed = Course()
    for step in twin.trace:
        crashed.take(step)
    for read in (lambda m: m.operations, lambda m: m.user, lambda m: m.place):
        values = [read(m) for m in crashed.moments]
        assert values == sorted(values)
    assert crashed.moments[-1].operations == 3_000


def test_a_twin_with_the_same_policy_is_the_same(course: Course) -> None:
    twin = alongside(Quiet(), SMALL, "leveled", 5, DONE)
    assert [(m.place, m.values, m.now_us) for m in twin.moments[1:]] == [
        (m.place, m.values, m.now_us) for m in course.moments
    ][-len(twin.moments) + 1 :]


def test_another_policy_gets_the_same_operations_and_pays_otherwise(course: Course) -> None:
    twin = alongside(Quiet(), SMALL, "size-tiered", 5, DONE)
    for moment in course.moments:
        other = twin.moments[twin.like(moment.place)]
        assert (other.operations, other.user) == (moment.operations, moment.user)
    assert twin.moments[-1].values["write"] != course.moments[-1].values["write"]


def test_the_twin_ends_where_it_would_be_down() -> None:
    twin = alongside(Quiet(), SMALL, "size-tiered", 5, [*DONE[:1], Action("crash"), *DONE[1:]])
    assert twin.moments[-1].operations == 1_500


def test_one_slider_moves_both(bench: Any) -> None:
    bench.open("leveled")
    bench.play(500)
    panel = bench.panel("policies")
    assert panel._other.currentText() == "size-tiered"
    assert "same operations" in panel._note.text()
    panel._go.click()
    bench.until(lambda: panel._job is None)
    bench.frame()
    panel._slider.setValue(3)
    bench.frame()
    moment = panel._here.moments[3]
    assert bench.at == moment.seq
    words = f"after {moment.operations:,} operations"
    assert all(words in title.text() for title in panel._titles)
    here, there = (tree.facts["levels"] for tree in panel._trees)
    assert here == bench.page.host.view().facts["levels"]
    assert there == panel._there.levels(panel._there.moments[panel._there.like(moment.place)].seq)
    panel._slider.setValue(len(panel._here.moments) - 1)
    bench.frame()
    assert "size-tiered" in panel._titles[1].text()
    here, there = (tree.facts["levels"] for tree in panel._trees)
    assert [f["number"] for files in there for f in files] != [f["number"] for files in here for f in files]


def test_a_recording_cannot_be_done_again(bench: Any, tmp_path: Any) -> None:
    from prayog_writes.engine.real.guest import GuestSession

    bench.open("first_write")
    panel = bench.panel("policies")
    bench.page.host.show("guest", GuestSession())
    panel._go.click()
    assert panel._job is None
    assert "cannot be done again" in panel._note.text()
