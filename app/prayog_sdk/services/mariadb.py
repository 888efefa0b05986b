"""A MariaDB of the lab's own, where the machine has its programs: data in a folder, a binlog, loopback only.

No wheel brings a MariaDB, so it is started only where ``mariadbd`` is on the PATH; everywhere else a learner names a
server by URL.

Rules
1. The data stay in the folder between two starts; socket and pid lie in a folder that goes with the server.
2. A `cluster.guard` kills it when the lab dies: InnoDB recovers at the next start.
"""

from __future__ import annotations

import contextlib
import getpass
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from prayog_sdk.cluster.guard import Guard
from prayog_sdk.services import ServiceMissing, ServiceState

__all__ = ["OwnMariadb"]

_SERVER, _INSTALL = "mariadbd", "mariadb-install-db"
_READY_S = 60.0
_STOP_S = 15.0
_WAY_FORWARD = (
    "Install MariaDB (Debian: mariadb-server-core and mariadb-client-core), or give the URL of a MySQL or MariaDB "
    "server under Services, for example mysql://user:password@127.0.0.1:3306/."
)


class OwnMariadb:
    """One MariaDB server with its data in `folder`; its user is root, without a password, on loopback."""

    name = "mysql"
    title = "MariaDB (of the lab's own)"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._runtime: Path | None = None
        self._guard: Guard | None = None
        self._port = 0

    def probe(self) -> ServiceState:
        if not self._programs():
            return ServiceState(self.name, self.title, "missing", self._missing(), way_forward=_WAY_FORWARD)
        if self.pid is None:
            return ServiceState(self.name, self.title, "ready", "Starts in some seconds when a topic asks for it.")
        sentence = "Running for this lab only; it stops with it."
        return ServiceState(self.name, self.title, "running", sentence, can_stop=True)

    @property
    def pid(self) -> int | None:
        """The server's process id while it lives."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def url(self) -> str:
        """``mysql://root@127.0.0.1:PORT``, of a server that answers.  Raises `ServiceMissing`."""
        with self._lock:
            if self.pid is None:
                self._start()
            return f"mysql://root@127.0.0.1:{self._port}"

    def stop(self) -> None:
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                with contextlib.suppress(OSError):
                    process.terminate()
                try:
                    process.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            self._leave()

    def _leave(self) -> None:
        guard, self._guard = self._guard, None
        if guard is not None:
            guard.release()
        runtime, self._runtime = self._runtime, None
        if runtime is not None:
            shutil.rmtree(runtime, ignore_errors=True)

    def _programs(self) -> tuple[str, str] | None:
        server, install = shutil.which(_SERVER), shutil.which(_INSTALL)
        return (server, install) if server and install and sys.platform != "win32" else None

    def _missing(self) -> str:
        return f"No MySQL or MariaDB was named, and {_SERVER} is not on this machine."

    def _start(self) -> None:
        programs = self._programs()
        if programs is None:
            raise ServiceMissing(self._missing(), _WAY_FORWARD)
        server, install = programs
        self._leave()
        data, log = self._folder / "data", self._folder / "log"
        user = f"--user={getpass.getuser()}"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if not (data / "mysql").exists():
                shutil.rmtree(data, ignore_errors=True)
                command = [install, "--no-defaults", f"--datadir={data}", "--skip-test-db", user,
                           "--auth-root-authentication-method=normal"]  # fmt: skip
                subprocess.run(command, check=True, capture_output=True, timeout=_READY_S)
            self._runtime = Path(tempfile.mkdtemp(prefix="prayog_mariadb_"))  # a socket's path must be short
            self._guard = Guard(self._runtime)
            with socket.create_server(("127.0.0.1", 0)) as free:
                self._port = int(free.getsockname()[1])
            self._process = subprocess.Popen(
                [server, "--no-defaults", f"--datadir={data}", f"--socket={self._runtime / 's'}", user,
                 f"--pid-file={self._runtime / 'pid'}", f"--port={self._port}", "--bind-address=127.0.0.1",
                 f"--log-error={log}", f"--log-bin={data / 'bin'}", "--binlog-format=ROW", "--server-id=1",
                 "--character-set-server=utf8mb4", "--innodb-buffer-pool-size=64M"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C in the lab's terminal is not meant for it
            )  # fmt: skip
            self._guard.watch(self._process.pid)
        except (OSError, subprocess.SubprocessError) as error:
            self.stop()
            raise ServiceMissing(f"MariaDB did not start: {error}.", f"Its folder is {self._folder}.") from error
        self._await(log)

    def _await(self, log: Path) -> None:
        """Until the server greets: its protocol begins with the version, before any password."""
        until = time.monotonic() + _READY_S
        while self.pid is not None and time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), 1) as connection:
                connection.settimeout(1)
                if connection.recv(5)[4:] == b"\x0a":
                    return
            time.sleep(0.05)
        lines = log.read_text("utf-8", "replace").splitlines() if log.exists() else []
        said = next((line for line in reversed(lines) if "[ERROR]" in line), "it did not answer in time")
        self.stop()
        raise ServiceMissing(f"MariaDB did not start: {said.rpartition('[ERROR] ')[2].rstrip('.')}.",
                             f"Its log is {log}.")  # fmt: skip
