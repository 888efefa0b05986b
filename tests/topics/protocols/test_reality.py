"""Simulated experiments beside the real conversations that do the same: every difference has its reason."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import prayog_protocols
from prayog_protocols.topic import Params
from prayog_sdk import manifest
from prayog_sdk.services import ServiceMissing, Services
from prayog_sdk.topic import Topic
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Trace

pytestmark = pytest.mark.xdist_group("protocol labs")
METHODS = [("POST", False), ("PUT", False), ("DELETE", False), ("GET", False), ("POST", True)]
DEEDS = {
    "retry": [Action("request", {"method": method, "key": key}) for method, key in METHODS],
    "ftp": [Action("fetch", {"mode": "active"}), Action("fetch", {"mode": "passive"})],
    "updates": [Action("watch", {"way": "polling"}), Action("watch", {"way": "WebSocket"})],
}
SAME = {
    "retry": {"POST, sent twice: orders made", "PUT, sent twice: orders made",
              "POST with a key, sent twice: orders made", "DELETE, sent twice: the order is gone"},
    "ftp": {"active mode: the file came", "passive mode: the file came"},
    "updates": {"polling: changes were heard of", "WebSocket: changes were heard of", "the dearest way"},
}  # fmt: skip


def nothing(done: int, total: int, text: str) -> None: ...


@pytest.fixture(scope="module")
def topic() -> Topic:
    return Topic.load(manifest.read_folder(Path(prayog_protocols.__file__).parent, "built-in"))


@pytest.mark.parametrize("study", DEEDS)
def test_every_difference_is_explained(topic: Topic, study: str, tmp_path: Path) -> None:
    services, params = Services(tmp_path, environ={}), Params(study=study)
    simulated, session = topic.build(params, 1, nothing), topic.session(params, 1, services, nothing)
    try:
        for action in DEEDS[study]:
            simulated.do(action)
            while simulated.step() is not None:
                pass
            session.do(action)
            until = time.monotonic() + 30
            while session.busy and time.monotonic() < until:
                session.step()
                time.sleep(0.002)
        while session.step() is not None:
            pass
        comparison = topic.compare(Trace(simulated.trace), Trace(session.trace))
    finally:
        simulated.close()
        session.close()
        services.close()
    assert comparison is not None
    assert not comparison.unexplained
    assert {row.name for row in comparison.rows if row.same} >= SAME[study]


def test_what_the_lab_cannot_do_is_said(topic: Topic, tmp_path: Path) -> None:
    services = Services(tmp_path, environ={})
    with pytest.raises(ServiceMissing, match="no counterpart"):
        topic.session(Params(study="round trips"), 1, services, nothing)
    session = topic.session(Params(study="retry"), 1, services, nothing)
    with pytest.raises(ActionError, match="no conversation"):
        session.do(Action("request", {"method": "GET", "lose": False}))
    session.close()
    services.close()
