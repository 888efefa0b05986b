"""The built-in topics on the real bench: every panel opens, follows a run to its end, and can say what it shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

import prayog_consensus
import prayog_location
import prayog_migration
import prayog_protocols
import prayog_queues
import prayog_writes
from prayog.settings import Settings
from prayog.ui.bench.page import BenchPage
from prayog_sdk import manifest
from prayog_sdk.qt.jobs import JobManager
from prayog_sdk.services import Services
from prayog_sdk.topic import Topic

pytestmark = [pytest.mark.xdist_group("webengine"), pytest.mark.timeout(180)]
TOPICS = {
    "location": prayog_location,
    "consensus": prayog_consensus,
    "writes": prayog_writes,
    "migration": prayog_migration,
    "protocols": prayog_protocols,
    "queues": prayog_queues,
}


@pytest.fixture
def bench(
    request: pytest.FixtureRequest, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[BenchPage]:
    monkeypatch.setenv("QTWEBENGINE_DISABLE_SANDBOX", "0")  # the simple map: quick, and the same on every machine
    folder = Path(TOPICS[request.param].__file__).parent
    topic = Topic.load(manifest.read_folder(folder, "built-in"))
    jobs = JobManager()
    services = Services(tmp_path / "services", environ={})
    page = BenchPage(topic, jobs=jobs, services=services, store=None, settings=Settings(), data_dir=tmp_path)
    qtbot.addWidget(page)
    page.resize(1280, 800)
    page.show()
    yield page
    page.close_topic()
    jobs.shutdown()
    services.close()


def open_scenario(page: BenchPage, qtbot: QtBot, name: str) -> None:
    page.open_scenario(page.topic.scenario(name))
    qtbot.waitUntil(lambda: page.driver.branch is not None, timeout=30_000)


@pytest.mark.parametrize(
    ("bench", "scenario", "steps"),
    [
        ("location", "near_indore", 50), ("location", "fourteen_metres", 10), ("location", "three_rulers", 5),
        ("location", "z_or_hilbert", 3), ("consensus", "raft_two_kings", 200), ("consensus", "paxos_duel", 100),
        ("consensus", "floodmax_myth", 20), ("consensus", "raft_your_vote", 200),
        ("protocols", "afternoon", 1), ("protocols", "may_i_retry", 80),
        ("writes", "levels_form", 100), ("writes", "wal_lab", 40),
        ("migration", "lost_minutes", 150), ("protocols", "tcp_newreno", 200), ("queues", "charged_twice", 200),
    ],
    indirect=["bench"],
)  # fmt: skip
def test_every_panel_follows_a_run(bench: BenchPage, qtbot: QtBot, scenario: str, steps: int) -> None:
    problems: list[object] = []
    bench.problem.connect(problems.append)
    open_scenario(bench, qtbot, scenario)
    for slot in bench.docks.slots():
        dock = bench.docks.dock(slot.spec.id)
        assert dock is not None
        dock.show()
        dock.raise_()
        qtbot.waitUntil(lambda slot=slot: slot.panel is not None, timeout=20_000)
    bench.driver.set_speed(float("inf"))
    bench.driver.play()
    qtbot.waitUntil(lambda: len(bench.host.trace) >= steps or not bench.driver.playing, timeout=30_000)
    bench.driver.pause()
    bench.driver.seek(0)
    bench.driver.last()
    qtbot.wait(200)
    assert not problems
    for slot in bench.docks.slots():
        assert slot.panel is not None, slot.spec.id
        assert isinstance(slot.panel.outline(), str)


@pytest.mark.parametrize("bench", ["writes"], indirect=True)
def test_a_scenario_brings_its_panel_and_the_next_does_not_inherit_it(bench: BenchPage, qtbot: QtBot) -> None:
    def front(panel: str) -> None:
        dock = bench.docks.dock(panel)
        assert dock is not None
        qtbot.waitUntil(lambda: dock.slot.seen)

    open_scenario(bench, qtbot, "wal_lab")
    front("log")
    bench.open_scenario(bench.topic.scenario("levels_form"))
    front("levels")


@pytest.mark.parametrize("bench", ["location"], indirect=True)
def test_a_question_from_the_map_is_an_action(bench: BenchPage, qtbot: QtBot) -> None:
    open_scenario(bench, qtbot, "five_cabs")
    dock = bench.docks.dock("map")
    assert dock is not None
    qtbot.waitUntil(lambda: dock.slot.panel is not None, timeout=20_000)
    panel = dock.slot.panel
    assert panel is not None
    panel.map.clicked.emit(22.72, 75.86)  # type: ignore[attr-defined] # a MapPanel
    assert bench.host.run.actions[-1].action.name == "radius"
    assert bench.host.run.actions[-1].action.args["point"] == [22.72, 75.86]


@pytest.mark.parametrize("bench", ["consensus"], indirect=True)
def test_a_counter_example_comes_to_the_bench(bench: BenchPage, qtbot: QtBot) -> None:
    """A broken variant is explored in another process, and the way to the violation is a run of its own."""
    from prayog_consensus.engine.exploring import Small, counter_example, system
    from prayog_sim.explorer import Explorer, Limits

    small = Small("paxos", nodes=3, variant="no-promise-check", timers=0, messages=9,
                  actions=("propose node=p1 value=1", "propose node=p2 value=2"))  # fmt: skip
    explored = system(small)
    report = Explorer(explored).run(Limits(states=60_000))
    failed = next((verdict for verdict in report.verdicts if verdict.outcome == "fails"), None)
    assert failed is not None
    assert failed.path is not None
    run, before, after = counter_example(small, failed.path, failed.name)
    assert after <= before
    open_scenario(bench, qtbot, "paxos_one_decree")
    bench.host.show("Counter-example", run)
    assert bench.host.run is run
    assert any(step.kind == "violation" for step in bench.host.trace)
    assert len(bench.driver.branches) == 2
