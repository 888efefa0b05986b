"""Probes, the job everywhere, and the microscope: what they find is measured here, and nothing of them is left."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from prayog_queues.engine.guarantees import PROBES
from prayog_queues.engine.real.everywhere import everywhere
from prayog_queues.engine.real.microscope import EXPERIMENTS, experiment
from prayog_queues.engine.real.probing import SIMULATOR, probe_all
from prayog_queues.engine.real.session import BrokerSession
from prayog_queues.engine.setup import Setup
from prayog_sdk.services import ServiceMissing, Services
from prayog_sim.run import Action
from topics.queues.real_places import own_services


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    yield from own_services()


def answers(services: Services, folder: Path, backend: str, *probes: str) -> dict[str, str]:
    found = {}
    for probe in probes:
        for kind, _, data in probe_all(services, folder, lambda: False, {"backend": backend, "probe": probe}):
            if kind == "guarantee":
                assert data["sentence"]
                found[data["probe"]] = data["answer"]
    if "absent" in found.values():
        pytest.skip(f"{backend} is not here")
    return found


def test_the_simulator_keeps_what_it_promises(services: Services, tmp_path: Path) -> None:
    found = answers(services, tmp_path, SIMULATOR, *(probe.name for probe in PROBES))
    assert {name for name, answer in found.items() if answer == "no"} == {"dedup_over", "unroutable"}


@pytest.mark.parametrize(
    ("backend", "wanted"),
    [
        ("sqlite", {"order": "yes", "late_ack": "yes", "deaths": "yes", "urgent": "yes", "copies": "yes"}),
        ("postgres", {"order": "yes", "late_ack": "yes", "by_key": "yes", "unroutable": "yes", "killed": "yes"}),
        ("nats", {"late_ack": "no", "deaths": "emulated", "urgent": "unable", "dedup_over": "no", "killed": "yes"}),
        ("redis", {"late_ack": "no", "dedup": "unable", "looking": "yes"}),
        ("rabbitmq", {"lease": "no", "hung_up": "yes", "looking": "unable", "copies": "yes"}),
        ("mqtt", {"delay": "unable", "looking": "unable"}),
    ],
)
def test_a_real_broker_is_asked(services: Services, tmp_path: Path, backend: str, wanted: dict[str, str]) -> None:
    if backend in ("redis", "rabbitmq", "mqtt") and services.probe(backend).status != "running":
        pytest.skip(f"there is no {backend} here")
    assert answers(services, tmp_path, backend, *wanted) == wanted


def test_one_job_everywhere_is_one_row_each(services: Services) -> None:
    knobs: dict[str, Any] = {"messages": 8, "rate": 60.0, "work_ms": 5.0, "consumers": 2, "restart_ms": 50}
    setup = Setup(**knobs, crash_at=3, handler="inbox")
    told = list(everywhere(setup, 7, services, lambda: False, lambda done, total, text: None))
    rows = {node: data for kind, node, data in told if kind == "outcome"}
    assert told[-1][0] == "compared"
    assert {"simulator", "sqlite"} <= set(rows)
    for name, row in rows.items():
        assert row["verdict"]["lost"] == 0, (name, row)
        if name != "mqtt":  # a session that never comes back keeps its message
            assert (row["effects"], row["verdict"]["duplicate"]) == (8, 0), (name, row)


@pytest.mark.parametrize("what", ["double_take", "skip_locked", "skipped_id", "statements"])
def test_an_experiment_is_measured_and_leaves_nothing(services: Services, tmp_path: Path, what: str) -> None:
    try:
        url = services.own_postgres("queues").url()
    except ServiceMissing as error:
        pytest.skip(str(error))
    told = list(experiment(services, tmp_path, lambda: False, {"what": what}))
    assert told[0][0] == "experiment"
    (end,) = [data for kind, _, data in told if kind == "concluded"]
    if what in ("double_take", "skipped_id"):  # the others are ratios of times
        assert end["holds"], told
    with psycopg.connect(url) as db:
        assert db.execute("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'prayog%'").fetchone() == (0,)


def test_an_unknown_experiment_names_the_others(services: Services, tmp_path: Path) -> None:
    ((kind, _, data),) = experiment(services, tmp_path, lambda: False, {"what": "levitate"})
    assert kind == "problem"
    assert all(name in data["sentence"] for name in EXPERIMENTS)


@pytest.mark.parametrize(
    ("name", "args", "first"),
    [
        ("probe", {"backend": "sqlite", "probe": "place"}, ""),
        ("probe", {"backend": "sqlite"}, "guarantee"),
        ("everywhere", {}, "outcome"),
        ("microscope", {"what": "polling"}, "experiment"),
    ],
)
def test_a_measurement_that_is_stopped_ends_soon_and_another_can_begin(
    services: Services, name: str, args: dict[str, Any], first: str
) -> None:
    session = BrokerSession(Setup(backend="sqlite", messages=400, rate=10.0), 7, services, lambda *report: None)

    def until(*kinds: str) -> None:
        end = time.monotonic() + 20
        while (step := session.wait(0.5)) is None or step.kind not in kinds:
            assert time.monotonic() < end, [step.kind for step in session.trace]

    try:
        try:
            session.do(Action(name, args))
        except ServiceMissing as error:
            pytest.skip(str(error))
        if first:
            until(first, "error")
        session.do(Action("stop_measuring"))
        until("interrupted")
        assert not {"compared", "concluded"} & {step.kind for step in session.trace}
        session.do(Action("probe", {"backend": SIMULATOR, "probe": "order"}))
        until("probed")
    finally:
        session.close()
