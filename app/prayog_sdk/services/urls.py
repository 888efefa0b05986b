"""Services that run elsewhere and are reached by a URL: databases (PostgreSQL, MySQL, Redis) and message brokers.

Only the client libraries are ours; a probe is one round trip with a short deadline.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from prayog_sdk.services import ServiceMissing, ServiceState, masked

__all__ = ["KINDS", "Kind", "UrlService"]

_SECONDS = 2
_REFUSED_S = 0.5  # long enough for another address of the same name to be tried


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


def _nats(url: str) -> str:
    import asyncio

    import nats

    refused: list[Exception] = []

    async def keep(error: Exception) -> None:
        refused.append(error)

    async def greet() -> str:
        try:
            client = await nats.connect(
                url, connect_timeout=_SECONDS, allow_reconnect=False, error_cb=keep,
                max_reconnect_attempts=1, reconnect_time_wait=0,  # else who refuses is asked every 2 s until the end
            )  # fmt: skip
        except nats.errors.NoServersError:
            raise refused[-1] if refused else OSError("nothing answers there") from None
        version = str(client._server_info.get("version", ""))  # the public property has no full version string
        await client.close()
        return version

    return asyncio.run(asyncio.wait_for(greet(), 2 * _SECONDS))


def _rabbitmq(url: str) -> str:
    import logging

    import pika

    logging.getLogger("pika").setLevel(logging.CRITICAL)  # what it logs it raises as well
    parameters = pika.URLParameters(url)
    parameters.socket_timeout = parameters.stack_timeout = parameters.blocked_connection_timeout = _SECONDS
    parameters.connection_attempts = 1
    try:
        connection = pika.BlockingConnection(parameters)
    except pika.exceptions.AMQPConnectionError as error:  # it carries its reasons as objects, and no text
        raise OSError(str(error) or "nothing takes connections there, or not with this user") from error
    with contextlib.closing(connection):
        return str(connection._impl.server_properties.get("version", ""))  # it has no public door to them


def _kafka(url: str) -> str:
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    refused: list[str] = []
    client = AdminClient(
        {
            "bootstrap.servers": urlsplit(url).netloc,
            "log_level": 0,
            "socket.connection.setup.timeout.ms": 1_000 * _SECONDS,
            "error_cb": lambda error: refused.append(error.str()),  # type: ignore[dict-item]  # the stub knows values only
        }
    )
    for seconds in (_REFUSED_S, _SECONDS):
        try:
            nodes = client.list_topics(timeout=seconds).brokers
            break
        except KafkaException as error:
            client.poll(0)  # hears of refusals
            if refused or seconds == _SECONDS:
                told = refused[0] if refused else str(error.args[0].str())
                raise OSError(told.partition(" (after ")[0].rpartition("failed: ")[2]) from error
    return f"{len(nodes)} node{'s' if len(nodes) != 1 else ''}"  # the protocol tells versions of requests only


def _mqtt(url: str) -> str:
    """MQTT has no word for its version of a server; Mosquitto and others publish it below ``$SYS``."""
    import queue

    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    parts = urlsplit(url)
    told: queue.SimpleQueue[str] = queue.SimpleQueue()
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect_timeout = _SECONDS
    if parts.username:
        client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
    client.on_connect = lambda c, data, flags, reason, properties: (
        told.put(f"!{reason}") if reason.is_failure else c.subscribe("$SYS/broker/version") and None
    )
    client.on_message = lambda c, data, message: told.put(message.payload.decode("utf-8", "replace"))
    client.connect(parts.hostname or "127.0.0.1", parts.port or 1883)
    client.loop_start()
    try:
        version = told.get(timeout=_SECONDS)
    except queue.Empty:
        version = ""
        if not client.is_connected():
            raise OSError("it does not answer as MQTT") from None
    finally:
        client.disconnect()
        client.loop_stop()
    if version.startswith("!"):
        raise OSError(version[1:])
    return version.removeprefix("mosquitto version ")


KINDS = {
    "postgres": Kind(
        "PostgreSQL", ("postgresql", "postgres"), "postgresql://user:password@127.0.0.1:5432/database", _postgres
    ),
    "redis": Kind("Redis", ("redis", "rediss"), "redis://127.0.0.1:6379/0", _redis, default="redis://127.0.0.1:6379/0"),
    "mysql": Kind("MySQL or MariaDB", ("mysql", "mariadb"), "mysql://user:password@127.0.0.1:3306/database", _mysql),
    "nats": Kind("NATS", ("nats", "tls"), "nats://127.0.0.1:4222", _nats),
    "rabbitmq": Kind(
        "RabbitMQ", ("amqp", "amqps"), "amqp://guest:guest@127.0.0.1:5672/", _rabbitmq,
        default="amqp://127.0.0.1:5672/",
    ),
    "kafka": Kind("Kafka", ("kafka",), "kafka://127.0.0.1:9092", _kafka, default="kafka://127.0.0.1:9092"),
    "mqtt": Kind("MQTT", ("mqtt",), "mqtt://127.0.0.1:1883", _mqtt, default="mqtt://127.0.0.1:1883"),
}  # fmt: skip


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
    if isinstance(error, TimeoutError) and not str(error):
        return "nothing was said in time"
    if isinstance(error, ConnectionRefusedError):
        return "Connection refused"
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
