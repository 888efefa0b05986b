"""A job on real brokers: charged twice and repaired, killed consumers and servers, and nothing left behind."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from prayog_queues.engine.envelope import Message
from prayog_queues.engine.judging import judge
from prayog_queues.engine.port import Queue, Topology, Unanswered
from prayog_queues.engine.real.backends import OWN, connect, find
from prayog_queues.engine.real.session import BrokerSession
from prayog_queues.engine.setup import Setup
from prayog_queues.engine.verdict import Verdict
from prayog_sdk.services import ServiceMissing, Services
from prayog_sim.run import Action, ActionError
from topics.queues.real_places import own_services

JOB: dict[str, Any] = {"messages": 12, "rate": 40.0, "keys": 4, "work_ms": 20.0, "consumers": 2, "restart_ms": 50}
STRUCK = JOB | {"crash_at": 3, "crash_point": "after_effect"}


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    yield from own_services()


def finished(session: BrokerSession, seconds: float = 60.0) -> Verdict:
    until = time.monotonic() + seconds
    while not session.state["finished"]:
        session.wait(0.1)
        told = [(s.at, s.node, s.data.get("sentence")) for s in session.trace if s.kind in ("problem", "error")]
        assert time.monotonic() < until, told[-6:]
    return judge(session.trace)


def run(
    services: Services, knobs: Mapping[str, Any], between: Callable[[BrokerSession], None] | None = None
) -> tuple[BrokerSession, Verdict]:
    try:
        session = BrokerSession(Setup(**knobs), 7, services, lambda done, total, text: None)
    except ServiceMissing as error:
        pytest.skip(str(error))
    try:
        session.do(Action("run_job"))
        if between is not None:
            between(session)
        return session, finished(session)
    finally:
        session.close()


@pytest.mark.parametrize("backend", OWN)
def test_charged_twice_and_repaired(services: Services, backend: str) -> None:
    knobs = STRUCK | {"backend": backend}
    _, verdict = run(services, knobs | {"handler": "ack last"})
    assert (verdict.counts["lost"], verdict.counts["duplicate"], verdict.effects) == (0, 1, 13)
    _, verdict = run(services, knobs | {"handler": "inbox"})
    assert (verdict.counts["lost"], verdict.counts["duplicate"], verdict.effects) == (0, 0, 12)


@pytest.mark.parametrize("backend", OWN)
def test_acknowledged_first_is_lost(services: Services, backend: str) -> None:
    knobs = STRUCK | {"backend": backend, "handler": "ack first", "crash_point": "after_ack"}
    _, verdict = run(services, knobs)
    assert (verdict.counts["lost"], verdict.counts["duplicate"], verdict.effects) == (1, 0, 11)


def pause_then(name: str, **args: Any) -> Callable[[BrokerSession], None]:
    def deed(session: BrokerSession) -> None:
        while session.state["effect"] < 4:
            session.wait(0.05)
        session.do(Action(name, args))

    return deed


@pytest.mark.parametrize("backend", OWN)
def test_a_consumer_killed_from_outside_loses_nothing(services: Services, backend: str) -> None:
    session, verdict = run(services, JOB | {"backend": backend, "handler": "inbox"}, pause_then("kill", node="w1"))
    assert [s.data["point"] for s in session.trace if s.kind == "crashed"] == ["by hand"]
    assert (verdict.counts["lost"], verdict.counts["duplicate"]) == (0, 0)


@pytest.mark.parametrize("durability", ["synced", "lazy"])
@pytest.mark.parametrize("backend", ["nats", "postgres"])
def test_a_killed_server_loses_nothing_that_it_confirmed(services: Services, backend: str, durability: str) -> None:
    knobs = JOB | {"backend": backend, "handler": "inbox", "durability": durability, "messages": 30}
    session, verdict = run(services, knobs, pause_then("restart_broker"))
    assert any(s.kind == "started" and s.node == "broker" for s in session.trace)
    assert verdict.counts["duplicate"] == 0
    (told,) = [s.data["durability"] for s in session.trace if s.kind == "backend"]
    if backend == "postgres" and durability == "lazy":
        assert "0.6 s of confirmed commits" in told, "what cannot be promised is said"
    else:
        assert verdict.counts["lost"] == 0
    assert ("power loss" in told) or backend == "postgres"


def test_a_lost_connection_is_told_at_once_and_comes_back(services: Services, tmp_path: Path) -> None:
    try:
        place, server = find("nats", services, f"prayogtest{os.getpid()}lost", tmp_path)
    except ServiceMissing as error:
        pytest.skip(str(error))
    assert server is not None
    broker = connect(place)
    try:
        topology = Topology((Queue("orders"),))
        broker.declare(topology)
        broker.publish(Message("m1"), "orders")
        broker.ack(broker.fetch("orders", 1, 5_000_000)[0])
        killer = threading.Timer(0.2, server.kill)
        killer.start()
        began = time.monotonic()
        with pytest.raises(Unanswered, match="lost"):
            broker.fetch("orders", 1, 60_000_000)
        assert time.monotonic() - began < 20, "the call had a minute"
        killer.join()
        server.url()
        broker.publish(Message("m2"), "orders")
        assert [d.message.id for d in broker.fetch("orders", 1, 5_000_000)] == ["m2"]
        broker.remove(topology)
    finally:
        broker.close()
        server.stop()


@pytest.mark.timeout(150)
def test_a_cluster_of_three_loses_nothing_when_one_is_killed(services: Services) -> None:
    knobs = JOB | {"backend": "nats", "durability": "replicated", "handler": "inbox", "messages": 30}
    session, verdict = run(services, knobs, pause_then("restart_broker"))
    assert (verdict.counts["lost"], verdict.counts["duplicate"]) == (0, 0)
    (told,) = [s.data["durability"] for s in session.trace if s.kind == "backend"]
    assert "majority of three" in told


def test_what_memory_keeps_is_gone_with_the_server_and_the_judge_says_so(services: Services) -> None:
    knobs = JOB | {
        "backend": "nats", "durability": "memory", "messages": 30, "work_ms": 100.0, "consumers": 1, "rate": 200.0,
    }  # fmt: skip
    session, verdict = run(services, knobs, pause_then("restart_broker"))
    assert verdict.counts["lost"] > 0, verdict.sentence()
    (told,) = [s.data["durability"] for s in session.trace if s.kind == "backend"]
    assert "gone" in told


def test_a_dead_machine_holds_its_message_until_the_lease_ends(services: Services) -> None:
    session, verdict = run(services, STRUCK | {"backend": "sqlite", "crash_how": "machine", "handler": "inbox"})
    assert any(s.kind == "lease_expired" for s in session.trace)
    assert (verdict.counts["lost"], verdict.counts["duplicate"]) == (0, 0)


def test_code_of_the_learner_runs_in_the_consumer(services: Services) -> None:
    code = (
        "def next_step(message, attempt, did, seen):\n"
        "    for step in ('work', 'charge and record', 'ack'):\n"
        "        if step not in did:\n"
        "            return step\n"
        "    return 'done'\n"
    )
    _, verdict = run(services, STRUCK | {"backend": "sqlite", "handler": "yours", "code": code})
    assert (verdict.effects, verdict.clean) == (12, True)


def test_code_that_hangs_ends_its_process_and_says_where(services: Services) -> None:
    code = "def next_step(message, attempt, did, seen):\n    return (1 for x in iter(int, 1)).__next__()\n"
    knobs = JOB | {"backend": "sqlite", "handler": "yours", "code": code, "messages": 1, "consumers": 1}
    session, _ = run(services, knobs | {"attempts": 1, "dead_letters": True})
    assert any(s.kind == "code_error" for s in session.trace)


def test_the_bank_can_be_down(services: Services) -> None:
    knobs = JOB | {"backend": "sqlite", "lease_ms": 20_000, "backoff_ms": 100}
    knobs |= {"bank_fails_at_ms": 0, "bank_fails_ms": 800}
    session, verdict = run(services, knobs)
    assert any(s.kind == "failed" for s in session.trace)
    assert (verdict.effects, verdict.counts["lost"]) == (12, 0)


def test_poison_is_put_aside(services: Services) -> None:
    knobs = JOB | {"backend": "nats", "poison": 30.0, "attempts": 2, "dead_letters": True}
    _, verdict = run(services, knobs)
    assert verdict.dead > 0
    assert verdict.effects + verdict.dead == 12
    assert verdict.counts["lost"] == 0


def test_what_cannot_be_done_is_said(services: Services) -> None:
    session = BrokerSession(Setup(backend="sqlite", attacker="forges"), 7, services, lambda *report: None)
    try:
        with pytest.raises(ActionError, match="needs root"):
            session.do(Action("power_loss"))
        with pytest.raises(ActionError, match="its queue is a file"):
            session.do(Action("restart_broker"))
        with pytest.raises(ActionError, match="run_job"):
            session.do(Action("kill", {"node": "w1"}))
        with pytest.raises(ActionError, match="simulation only"):
            session.do(Action("scale"))
        assert session.trace[0].data["not_here"] == ["Only the simulation knows attackers."]
    finally:
        session.close()


def test_what_the_broker_has_not_ends_the_job_with_its_sentence(services: Services) -> None:
    session, _ = run(services, JOB | {"backend": "nats", "priorities": True})
    (problem,) = [s for s in session.trace if s.kind == "problem"]
    assert "priorities" in problem.data["sentence"]


@pytest.mark.parametrize("backend", OWN)
def test_nothing_is_left(services: Services, backend: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    threads = set(threading.enumerate())
    run(services, STRUCK | {"backend": backend, "crash_how": "machine"})
    services.own_postgres("queues").stop()
    until = time.monotonic() + 5
    while time.monotonic() < until and left(before):
        time.sleep(0.05)
    assert left(before) == []
    assert [file for file in tmp_path.iterdir() if not file.name.startswith("pymp")] == []
    assert [t.name for t in threading.enumerate() if t not in threads] == []


def left(before: set[int]) -> list[str]:
    """Processes that this one has and had not; multiprocessing's own helper stays for all."""
    found = []
    for child in psutil.Process().children(recursive=True):
        words = " ".join(child.cmdline())
        if child.pid not in before and "resource_tracker" not in words and child.status() != psutil.STATUS_ZOMBIE:
            found.append(words)
    return found
