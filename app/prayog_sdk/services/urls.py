"""Services that run elsewhere and are reached by a URL: PostgreSQL, MySQL or MariaDB, Redis.

Only the client libraries are ours; a probe is one round trip with a short deadline.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from prayog_sdk.services import ServiceMissing, ServiceState, masked

__all__ = ["KINDS", "Kind", "UrlService"]

_SECONDS = 2


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of service is spoken to: ``version(url)`` makes one round trip and returns the server's version."""

    title: str
    schemes: tuple[str, ...]
    example: str
    version: Callable[[str], str]
    default: str = ""


def _postgres(url: str) -> str:
    import psycopg

    with psycopg.connect(url, connect_timeout=_SECONDS) as connection:
        row = connection.execute("show server_version").fetchone()
        return str(row[0]).split()[0] if row else ""


def _mysql(url: str) -> str:
    import pymysql

    parts = urlsplit(url)
    with pymysql.connect(
        host=parts.hostname or "127.0.0.1",
        port=parts.port or 3306,
        user=unquote(parts.username or "root"),
        password=unquote(parts.password or ""),
        database=parts.path.lstrip("/") or None,
        connect_timeout=_SECONDS,
        read_timeout=_SECONDS,
    ) as connection:
        return str(connection.get_server_info())


def _redis(url: str) -> str:
    import redis

    with redis.Redis.from_url(url, socket_timeout=_SECONDS, socket_connect_timeout=_SECONDS) as client:
        return str(client.info("server")["redis_version"])


KINDS = {
    "postgres": Kind(
        "PostgreSQL", ("postgresql", "postgres"), "postgresql://user:password@127.0.0.1:5432/database", _postgres
    ),
    "redis": Kind("Redis", ("redis", "rediss"), "redis://127.0.0.1:6379/0", _redis, default="redis://127.0.0.1:6379/0"),
    "mysql": Kind("MySQL or MariaDB", ("mysql", "mariadb"), "mysql://user:password@127.0.0.1:3306/database", _mysql),
}


class UrlService:
    """The service `name` at `url` (or at the kind's usual address when there is one)."""

    def __init__(self, name: str, url: str = "") -> None:
        self._kind = kind = KINDS[name]
        scheme = urlsplit(url).scheme
        if url and scheme not in kind.schemes:
            raise ValueError(
                f"A URL for {kind.title} begins with {' or '.join(s + '://' for s in kind.schemes)}, "
                f"for example {kind.example}; found {masked(url)!r}."
            )
        self.name = name
        self.title = kind.title
        self._url = url or kind.default

    def probe(self) -> ServiceState:
        way = f"Give its URL, for example {self._kind.example}."
        if not self._url:
            sentence = f"No {self.title} was named; simulations work without it."
            return ServiceState(self.name, self.title, "missing", sentence, way_forward=way)
        try:
            version = self._kind.version(self._url)
        except Exception as error:  # noqa: BLE001 - each client library has its own family of errors
            sentence = f"No {self.title} answers at {masked(self._url)}: {_brief(error)}."
            return ServiceState(self.name, self.title, "missing", sentence, way_forward=way)
        return ServiceState(self.name, self.title, "running", f"Answers at {masked(self._url)}.", version)

    def url(self) -> str:
        state = self.probe()
        if state.status != "running":
            raise ServiceMissing(state.sentence, state.way_forward)
        return self._url

    def stop(self) -> None:
        """Nothing: it is not ours."""


def _brief(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
