"""The same questions to real databases: the same places, or a difference with a cause."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import prayog_location
from prayog_location.engine.index import Radius
from prayog_location.engine.points import Points
from prayog_location.engine.real.databases import DatabaseSession, _difference
from prayog_location.engine.real.stores import SqliteStore
from prayog_location.topic import Params
from prayog_sdk import manifest
from prayog_sdk.services import Services
from prayog_sdk.topic import Topic, silent
from prayog_sim.run import Action, ActionError

QUESTIONS = (
    Action("radius", {"point": "22.7196,75.8577", "km": 300}),
    Action("nearest", {"point": "22.7196,75.8577", "k": 10}),
    Action("box", {"south": 20, "west": 72, "north": 24, "east": 78}),
    Action("polygon", {"corners": "8,77|8,78|13,80|13,75"}),
)


@pytest.fixture(scope="module")
def topic() -> Topic:
    return Topic.load(manifest.read_folder(Path(prayog_location.__file__).parent, "built-in"))


@pytest.fixture(scope="module")
def session(topic: Topic, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DatabaseSession]:
    services = Services(tmp_path_factory.mktemp("services"))
    session = topic.session(Params(table="India"), 1, services)
    for action in QUESTIONS:
        session.do(action)
    while session.busy:
        session.wait(60)
    yield session  # type: ignore[misc] # prayog_session returns this class
    session.close()
    services.close()


@pytest.mark.parametrize("store", ["sqlite", "postgres", "redis"])
def test_a_real_database_finds_the_same_places(session: DatabaseSession, store: str) -> None:
    absent = [step for step in session.trace if step.kind == "absent" and step.node == store]
    if absent:
        pytest.skip(f"no {store} here: {absent[0].data['sentence']}")
    found = [step for step in session.trace if step.kind == "found" and step.node == store]
    assert len(found) == (2 if store == "redis" else 4), "Redis cannot search boxes of degrees or polygons"
    assert not [step for step in session.trace if step.kind == "error"]
    differs = [step for step in session.trace if step.kind == "differs" and step.node == store]
    assert all(step.data["explained"] for step in differs)
    assert all(step.data["plan"] and step.data["us"] > 0 for step in found)


def test_comparison_names_every_database(topic: Topic, session: DatabaseSession) -> None:
    run = topic.build(Params(table="India"), 1)
    run.do(QUESTIONS[-1])
    while run.step() is not None:
        pass
    comparison = topic.compare(run.trace, session.trace)
    assert comparison is not None
    assert not comparison.unexplained
    assert "databases found exactly the simulated places" in comparison.summary


def test_without_servers_sqlite_still_answers(topic: Topic, tmp_path: Path) -> None:
    nothing = "redis://127.0.0.1:1/0", "postgresql://127.0.0.1:1/none"
    environ = {"PRAYOG_REDIS_URL": nothing[0], "PRAYOG_POSTGRES_URL": nothing[1]}
    session = topic.session(Params(table="cabs in Indore"), 1, Services(tmp_path, environ))
    session.do(Action("radius", {"point": "22.7196,75.8577", "km": 2}))
    while session.busy:
        session.wait(30)
    kinds = {(step.kind, step.node) for step in session.trace}
    assert {("absent", "postgres"), ("absent", "redis"), ("found", "sqlite")} <= kinds
    with pytest.raises(ActionError, match="Real databases are asked"):
        session.do(Action("measure", {}))
    session.close()


def test_sqlite_is_exact_at_the_date_line_and_the_pole() -> None:
    store = SqliteStore()
    points = Points(np.array([-16.8, -16.9, 89.9, 89.9, 0.0]), np.array([179.9, -179.9, 0.0, 180.0, 0.0]))
    store.load(points, lambda done, total: None)
    assert sorted(store.ask(Radius(-16.85, 180.0, 40_000)).ids.tolist()) == [0, 1]
    assert sorted(store.ask(Radius(90.0, 0.0, 20_000)).ids.tolist()) == [2, 3]
    store.close()


def test_an_unexplained_difference_is_called_one() -> None:
    points = Points(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    found = _difference(SqliteStore(), Radius(0, 0, 200_000), np.array([0]), np.array([0, 1]), points)
    assert found["explained"] is False
    assert silent(0, 0, "") is None
