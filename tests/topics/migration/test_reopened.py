"""The lab is killed in each of the eight steps and opened again: it lands on that step and goes on.

The lab is a process of its own here, with the session that the window has; SIGKILL takes it, its worker, its proxies
and the owner of its servers away at once.
"""

from __future__ import annotations

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from prayog_sdk.services.postgres import EmbeddedPostgres

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is no signal of Windows")

LAB = """
import json, sys, threading
from pathlib import Path
from prayog_migration.engine.real.session import MigrationSession
from prayog_migration.engine.setup import Setup
from prayog_sdk.services import Services
from prayog_sim.run import Action

session = MigrationSession(Setup(rows=3_000), 1, lambda *told: None, Services(Path(sys.argv[1]), {}))

def listen():
    for line in sys.stdin:
        session.do(Action(**json.loads(line)))

threading.Thread(target=listen, daemon=True).start()
while True:
    step = session.wait(1.0)
    if step is not None:
        print(json.dumps([step.kind, step.node, dict(step.data)], default=str), flush=True)
"""


FOLLOWING = {
    "assess": "schema", "schema": "data", "data": "validate", "validate": "sync", "sync": "switch", "switch": "cleanup",
}  # fmt: skip


class Lab:
    """The lab's process, what it says, and its end."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", LAB, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._said: queue.Queue[tuple[str, str, Mapping[str, Any]]] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._said.put(tuple(json.loads(line)))

    def do(self, name: str, **args: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps({"name": name, "args": args}) + "\n")
        self.process.stdin.flush()

    def wait(self, kind: str, node: str = "", **fields: Any) -> Mapping[str, Any]:
        until, last = time.monotonic() + 60, None
        while time.monotonic() < until:
            try:
                last = self._said.get(timeout=0.2)
            except queue.Empty:
                assert self.process.poll() is None, "the lab ended"
                continue
            if last[0] in ("failed", "refused"):
                raise AssertionError(last)
            if last[0] == kind and node in ("", last[1]) and all(last[2].get(k) == v for k, v in fields.items()):
                return {**last[2], "at": last[1]}
        raise AssertionError(f"no {kind} of {node}; last: {last}")

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not `tmp_path`: a server that runs as another user must be able to go through all folders above its own."""
    made = Path(tempfile.mkdtemp(prefix="prayog_reopened_"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


def test_the_lab_is_killed_in_each_step_and_goes_on_there(folder: Path) -> None:
    if EmbeddedPostgres(folder / "x").probe().status == "missing":
        pytest.skip("no embedded PostgreSQL wheel is installed")
    lab = Lab(folder)
    try:
        for command in ("assess", "schema", "copy", "validate", "sync", "switch"):
            step = {"copy": "data"}.get(command, command)
            lab.do(command)
            lab.wait("step", step, phase="running")
            lab.kill()
            lab = Lab(folder)
            lab.do(command)
            found = lab.wait("ready")
            assert found["epoch"] > 1
            # A step that came through before the signal did lets the next one begin.
            assert found["at"] in (step, FOLLOWING[step]), (step, found)
            lab.wait("done", command)
            if command == "sync":
                lab.wait("caught_up")
        lab.do("audit")
        balance = lab.wait("balance")
        assert (balance["lost"], balance["duplicated"]) == (0, 0)
        lab.do("clean")
        time.sleep(0.05)
        lab.kill()
        lab = Lab(folder)
        lab.do("clean")
        assert lab.wait("clean")["left"] == []
    finally:
        lab.kill()
        EmbeddedPostgres(folder / "postgres-migration").stop()
