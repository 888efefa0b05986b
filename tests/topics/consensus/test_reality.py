"""The algorithms as real processes, and what the reality check makes of them."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prayog_consensus.comparing import Loss, compare, losses
from prayog_consensus.engine.exploring import ROUNDS
from prayog_consensus.engine.real.outside import command
from prayog_consensus.engine.real.processes import start
from prayog_consensus.engine.setup import ALGORITHMS, Setup
from prayog_consensus.topic import prayog_actions, prayog_build, prayog_checks, prayog_session
from prayog_sdk.cluster import Cluster
from prayog_sdk.headless import run_scenario
from prayog_sdk.params import ParamError
from prayog_sdk.services import ServiceMissing, Services
from prayog_sim.clock import ms, s
from prayog_sim.run import Action
from prayog_sim.trace import Effect, Step, Trace
from topics.consensus.playing import topic

pytestmark = pytest.mark.usefixtures("no_leaks")


@pytest.fixture
def clusters() -> Iterator[list[Cluster]]:
    made: list[Cluster] = []
    yield made
    for cluster in made:
        cluster.close()


def wait_for(cluster: Cluster, kind: str, count: int = 1, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while sum(e.kind == kind for step in cluster.trace for e in step.effects) < count:
        assert time.monotonic() < end, f"{kind} did not come {count} times in {seconds} s"
        cluster.wait(0.05)


@pytest.mark.parametrize("scenario", ["real_leader_dies", "real_stale_leader", "real_maelstrom_echo"])
def test_scenario_holds(scenario: str, tmp_path: Path) -> None:
    result = run_scenario(topic(), topic().scenario(scenario), services=Services(tmp_path))
    assert [(check.name, check.reason) for check in result.checks if not check.ok] == []
    assert [step.data["sentence"] for step in result.trace if step.kind in ("error", "hung")] == []


def test_a_killed_leader_is_replaced_and_comes_back_with_its_log(clusters: list[Cluster]) -> None:
    setup = Setup(nodes=3, writes=20)
    clusters.append(cluster := start(setup, 1))
    wait_for(cluster, "ok", 3)
    killed = cluster.do(Action("kill_leader")).node
    wait_for(cluster, "leader", 2)
    cluster.do(Action("revive"))
    end = time.monotonic() + 20
    while cluster.view().nodes[killed].volatile.get("commit", 0) < 4:
        assert time.monotonic() < end
        cluster.wait(0.05)
    node = cluster.view().nodes[killed]
    assert node.status == "up"
    assert node.look.role == "follower"
    assert node.durable["term"] >= 2
    checks = topic().checks(setup)
    for name in ("one_leader", "agreement", "linearizable"):
        verdict = checks[name].judge(cluster.trace)
        assert verdict.ok, verdict.reason


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_every_algorithm_runs_as_processes(algorithm: str, clusters: list[Cluster]) -> None:
    # Real messages come as late as they like: rounds must be long enough for a busy machine, or FloodMax elects two.
    setup = Setup(algorithm, 3, writes=20, latency_ms=1_000 if algorithm in ROUNDS else 1)
    world = prayog_build(setup, 1)
    world.run(until_us=s(1))
    clusters.append(cluster := start(setup, 1))
    began = time.monotonic()
    enough, limit = (6.0, 6.0) if algorithm in ROUNDS else (0.4, 1.0)  # by then some said all that the simulation does
    while (passed := time.monotonic() - began) < enough or (
        not said(world.trace) <= said(cluster.trace)
        and (passed < limit or (not said(world.trace) & said(cluster.trace) and passed < 20))
    ):
        cluster.wait(0.05)
    odd = ("error", "hung", "violation", "unjudged")
    assert [step.data["sentence"] for step in cluster.trace if step.kind in odd] == []
    assert topic().checks(setup)["safe"].judge(cluster.trace).ok
    assert said(world.trace) & said(cluster.trace) or not said(world.trace)


def said(trace: Trace) -> set[str]:
    """The types of the messages that were delivered."""
    return {type(step.data["msg"]).__name__ for step in trace if step.kind == "deliver"}


def test_a_broken_rule_is_found_in_real_processes_too(clusters: list[Cluster]) -> None:
    """A ring on which every token is passed on, also lower ones: all of them come back, and all win."""
    setup = Setup("chang-roberts", 3, variant="forwards-all", latency_ms=1)
    clusters.append(cluster := start(setup, 1))
    end = time.monotonic() + 15
    while not any(step.kind == "violation" for step in cluster.trace):
        assert time.monotonic() < end
        cluster.wait(0.05)
    verdict = topic().checks(setup)["safe"].judge(cluster.trace)
    assert not verdict.ok
    assert verdict.at is not None
    assert "election 1" in cluster.trace[verdict.at].data["sentence"]


def test_the_deeds_of_a_simulation_are_repeated_on_whoever_plays_the_part(clusters: list[Cluster]) -> None:
    setup = Setup(nodes=3)
    world = prayog_build(setup, 5)
    world.run(until=lambda step: any(e.kind == "leader" for e in step.effects))
    for _ in range(2):
        world.run(until_us=world.now + ms(100))
        world.do(Action("kill_leader"))
        world.run(until=lambda step: any(e.kind == "leader" for e in step.effects))
        world.do(Action("revive"))
    clusters.append(cluster := start(setup, 2))
    assert cluster.repeat(world, lambda: None) == []  # type: ignore[attr-defined]
    assert len(losses(world.trace)) == 2
    assert len(losses(cluster.trace)) == 2
    found = compare(world.trace, cluster.trace)
    assert found.unexplained == ()
    assert {"Without a leader, median", "Candidates for each loss"} <= {row.name for row in found.rows}
    assert "medians of 2 and 2" in found.summary


def test_a_loss_is_measured_from_the_blow_to_the_next_leader() -> None:
    def step(seq: int, at: int, kind: str, node: str, *effects: Effect) -> Step:
        return Step(seq, at, kind, node, {}, -1, effects)

    vote = Effect("send", {"to": "n3", "msg": {"type": "Vote"}, "arrives": None})
    trace = Trace(
        [
            step(0, 0, "start", "n1", Effect("leader", {"term": 1})),
            step(1, 100, "crash", "n2"),
            step(2, 200, "pause", "n1"),
            step(3, 350, "timer", "n2", Effect("candidate", {"term": 2}), vote, vote),
            step(4, 500, "deliver", "n2", Effect("leader", {"term": 2})),
            step(5, 600, "resume", "n1", vote),
        ]
    )
    assert losses(trace) == [Loss(2, "pause", 300, 1, 2)]


def test_a_program_that_cannot_be_run_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("no program")
    with pytest.raises(ParamError, match="plain is not executable"):
        command(str(tmp_path / "plain"))
    with pytest.raises(ParamError, match=r"one of the samples broadcast.py, echo.py, lin_kv.py"):
        command("nothing.py")


def test_a_program_takes_the_place_of_the_algorithm(tmp_path: Path) -> None:
    world = prayog_build(Setup(nodes=2, program="lin_kv.py", workload="lin-kv", options="clients=2 count=5"), 1)
    try:
        world.run(until_us=s(10))
        check = topic().checks(Setup(program="lin_kv.py", workload="lin-kv"))["lin-kv"]
        verdict = check.judge(world.trace)
        assert verdict.ok, verdict.reason
    finally:
        world.close()


# -- etcd ----------------------------------------------------------------------------------------------------------

ETCD = Setup(nodes=3, latency_ms=0.2, options="etcd")
no_etcd = pytest.mark.skipif(shutil.which("etcd") is None, reason="no program etcd on this machine")


@no_etcd
def test_the_leader_of_etcd_is_killed_and_replaced(tmp_path: Path) -> None:
    result = run_scenario(topic(), topic().scenario("etcd_leader_dies"), services=Services(tmp_path))
    assert [(check.name, check.reason) for check in result.checks if not check.ok] == []
    assert [step.data["sentence"] for step in result.trace if step.kind == "error"] == []
    assert len(losses(result.trace)) == 5
    simulated = run_scenario(topic(), topic().scenario("raft_leader_dies")).trace
    found = compare(simulated, result.trace)
    assert "etcd 3." in found.summary
    assert next(row for row in found.rows if "median" in row.name).why.startswith("etcd 3.")


@no_etcd
def test_a_simulation_is_repeated_on_etcd_and_what_it_cannot_do_is_said() -> None:
    world = prayog_build(ETCD, 1)
    world.run(until=lambda step: any(e.kind == "leader" for e in step.effects))
    leader = world.do(Action("kill_leader")).node
    world.do(Action("restart", {"node": leader}))
    world.do(Action("partition", {"groups": "n1|n2,n3"}))
    run = prayog_session(ETCD, 1, lambda done, total, text: None)
    try:
        refused = run.repeat(world, lambda: None)
        assert [name.split(":")[0] for name in refused] == ["partition"]
        assert [step.kind for step in run.trace if step.kind in ("crash", "restart")] == ["crash", "restart"]
        assert run.view(-1).nodes["n1"].status == "down"
        assert all(node.status == "up" for node in run.view().nodes.values())
    finally:
        run.close()


def test_without_etcd_one_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServiceMissing, match="No etcd was found") as missing:
        prayog_session(ETCD, 1, lambda done, total, text: None)
    assert "etcd-server" in missing.value.way_forward


def test_a_program_of_that_name_that_is_no_etcd_is_not_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    impostor = tmp_path / "etcd"
    impostor.write_text("#!/bin/sh\necho etcd Version: 3.3.27\n")
    impostor.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ServiceMissing, match=r"no etcd of version 3\.4 or newer"):
        prayog_session(ETCD, 1, lambda done, total, text: None)


def test_etcd_offers_only_what_can_be_done_to_it() -> None:
    assert {spec.name for spec in prayog_actions(ETCD)} == {"kill_leader", "sleeping_leader", "revive"}
    assert [check.name for check in prayog_checks(ETCD)] == ["one_leader"]
    with pytest.raises(ParamError, match="etcd runs Raft"):
        prayog_session(Setup("zab", options="etcd"), 1, lambda done, total, text: None)
