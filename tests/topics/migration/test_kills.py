"""Workers that are killed, frozen and cut off while the shop is open: real processes, real signals, real sockets.

A short version always runs; ``PRAYOG_LONG=1`` kills many more times, between all pairs of databases.
"""

from __future__ import annotations

import os
import random
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest

from prayog_migration.engine.real.cleaning import leftovers
from prayog_migration.engine.real.conductor import Conductor
from prayog_migration.engine.real.demo import make_shop
from prayog_migration.engine.real.faults import CannotBreak, Faults
from prayog_migration.engine.real.job import Order
from prayog_migration.engine.real.store import open_store

from .pairs import Databases, has_mariadb

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and SIGSTOP are not signals of Windows")
LONG = bool(os.environ.get("PRAYOG_LONG"))
STEPS = ("assess", "schema", "copy", "validate", "sync", "switch", "back", "switch")


class Theatre:
    """A conductor and everything that it said."""

    def __init__(self, databases: Databases, pair: tuple[str, str], rows: int) -> None:
        self.source, self.target = (databases.make(dialect) for dialect in pair)
        make_shop(open_store(self.source), rows, 1)
        self.said: list[tuple[str, str, Mapping[str, Any]]] = []
        order = Order(self.source, self.target, tag="kills", patience_s=2.0)
        self.conductor = Conductor(order, lambda kind, node, data: self.said.append((kind, node, data)))
        self.faults = Faults(
            self.conductor, lambda kind, node, data: self.said.append((kind, node, data)), databases.server
        )

    def until(self, kind: str, since: int, seconds: float = 60.0, **fields: Any) -> Mapping[str, Any]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for k, _, data in self.said[since:]:
                if k == kind and all(data.get(name) == value for name, value in fields.items()):
                    return data
            time.sleep(0.01)
        raise AssertionError(
            f"no {kind} in {seconds} s; {[one for one in self.said if one[0] not in ('lag', 'applied')][-6:]}"
        )

    def do(self, name: str, seconds: float = 60.0) -> None:
        self.conductor.do(name)
        assert self.conductor.wait(seconds), self.said[-4:]

    def audit(self) -> None:
        seen = len(self.said)
        self.do("audit")
        found = self.until("balance", seen)
        assert (found["lost"], found["duplicated"], found["quarantined"]) == (0, 0, 0)
        assert found["source_rows"] == found["target_rows"] > 0

    def end(self) -> None:
        """Everything is as promised, and nothing of ours is left."""
        seen = len(self.said)
        self.conductor.tell_shop("audit")
        orders = self.until("orders", seen)
        assert (orders["lost_count"], orders["doubled"], orders["undead"]) == (0, 0, 0)
        assert orders["promised"] > 0
        self.conductor.tell_shop("pin", side=orders["side"])
        self.conductor.close_shop()
        traffic = [data for kind, _, data in self.said if kind == "traffic"][-1]
        assert traffic["failed"] == 0, traffic["errors"]
        self.audit()
        self.do("clean")
        assert leftovers(open_store(self.source)) == leftovers(open_store(self.target)) == []


@pytest.mark.parametrize(
    ("pair", "seed", "kills"),
    [(("sqlite", "postgresql"), 1, 1)]
    + [
        (pair, seed, 3)
        for pair in (
            ("sqlite", "postgresql"),
            ("postgresql", "sqlite"),
            ("mysql", "postgresql"),
            ("postgresql", "mysql"),
        )
        for seed in range(2, 7)
        if LONG
    ],
)
def test_a_worker_that_is_killed_in_every_step(
    databases: Databases, pair: tuple[str, str], seed: int, kills: int
) -> None:
    if "mysql" in pair and not has_mariadb():
        pytest.skip("no MariaDB server is installed")
    dice = random.Random(seed)
    theatre = Theatre(databases, pair, 2_000)
    with theatre.conductor as conductor:
        conductor.open_shop(writers=2, rate=30)
        for step in STEPS:
            seen = len(theatre.said)
            if step in ("switch", "back"):
                theatre.until("caught_up", 0 if step == "switch" else seen - 400 if seen > 400 else 0)
                time.sleep(0.3)
            conductor.do(step)
            for _ in range(kills):
                time.sleep(dice.uniform(0.0, 0.6 if kills == 1 else 1.5))
                if conductor.worker_pid is not None:
                    conductor.kill_worker()
            assert conductor.wait(60), theatre.said[-4:]
            refused = [data for kind, node, data in theatre.said[seen:] if kind == "refused" and node == step]
            if refused:  # it had come through before it was killed, and is asked a second time
                assert "in charge already" in refused[-1]["sentence"], refused
        died = [data for kind, _, data in theatre.said if kind == "worker" and data["what"] == "died"]
        assert len(died) >= len(STEPS) - 2
        theatre.audit()
        theatre.end()


def test_everything_else_that_can_go_wrong_while_changes_flow(databases: Databases) -> None:
    theatre = Theatre(databases, ("sqlite", "postgresql"), 2_000)
    with theatre.conductor as conductor:
        conductor.open_shop(writers=2, rate=40)
        for step in ("assess", "schema"):
            theatre.do(step)
        conductor.proxies["target"].cut_after(60_000)  # in the middle of a COPY
        theatre.do("copy")
        assert theatre.until("fault", 0)["what"] == "connection"
        theatre.do("validate")
        theatre.do("sync")
        theatre.until("caught_up", 0)
        for what in ("lose_commit", "stop_target", "zombie"):
            theatre.faults.make(what)
            time.sleep(0.5)
            theatre.audit()
        seen = len(theatre.said)
        theatre.faults.make("cut")
        theatre.until("fault", seen, what="connection")
        theatre.faults.heal()
        theatre.audit()
        seen = len(theatre.said)
        theatre.faults.make("stall")
        assert theatre.until("stalled", seen, seconds=15)["sentence"]
        theatre.faults.heal()
        theatre.audit()
        seen = len(theatre.said)
        theatre.faults.make("fill_disk")
        assert theatre.until("fault", seen, what="space")["code"] == "53100"
        theatre.faults.heal()
        theatre.audit()
        seen = len(theatre.said)
        theatre.faults.make("lose_log")
        assert "copy begins again" in theatre.until("restarted", seen)["sentence"]
        theatre.audit()
        zombie = theatre.until("worker", 0, what="zombie ended")
        assert zombie["code"] == 76, "it found that it has a successor"
        with pytest.raises(CannotBreak, match="No fault"):
            theatre.faults.make("earthquake")
        theatre.end()
    assert databases.server.pid is not None
