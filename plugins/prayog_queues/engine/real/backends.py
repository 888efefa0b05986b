"""The real brokers that are here: how each is reached, from the lab and from a process of a consumer.

Rules
1. Services start servers; nothing here does.
2. A `Place` is all that another process needs in order to connect.  It travels through a pipe and is never written
   down: a URL may hold a password.
3. Names on a server that others use too begin with the run's own prefix, and are removed with the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from prayog_queues.engine.port import Broker
from prayog_sdk.services import ServiceMissing, Services

if TYPE_CHECKING:
    from prayog_sdk.services.nats import EmbeddedNats
    from prayog_sdk.services.postgres import EmbeddedPostgres

__all__ = ["BACKENDS", "OWN", "Place", "connect", "durability_of", "find", "restart_of"]

_RECOVERY_S = 20.0

BACKENDS: Mapping[str, str] = {
    "sqlite": "SQLite", "postgres": "PostgreSQL", "nats": "NATS JetStream", "rabbitmq": "RabbitMQ",
    "redis": "Redis Streams", "kafka": "Kafka", "mqtt": "MQTT",
}  # fmt: skip
"""Name → title, those that need no server of the learner's first."""
OWN = ("sqlite", "postgres", "nats")
"""Those that come with the lab."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a broker is: for SQLite a file, else URLs (of a cluster several)."""

    backend: str
    urls: tuple[str, ...] = field(repr=False)
    prefix: str
    durability: str = "synced"
    replicas: int = 1


def find(
    backend: str, services: Services, prefix: str, folder: Path, durability: str = "synced"
) -> tuple[Place, EmbeddedNats | None]:
    """The broker `backend`, started when it comes with the lab; and the server, where this run may kill it.

    Raises `ServiceMissing` with a sentence.
    """
    if backend == "sqlite":
        return Place(backend, (str(folder / "queue.sqlite"),), prefix, durability), None
    if backend == "nats" and services.embedded("nats"):
        members = 3 if durability == "replicated" else 1
        server = services.own_nats("queues", members, sync_always=durability == "synced")
        return Place(backend, tuple(server.urls()), prefix, durability, members), server
    if backend == "postgres" and services.embedded("postgres"):
        return Place(backend, (services.own_postgres("queues").url(),), prefix, durability), None
    if backend not in BACKENDS:
        raise ServiceMissing(f"There is no back-end {backend!r}; there are: {', '.join(BACKENDS)}.")
    return Place(backend, (services.url(backend),), prefix, durability), None


def connect(place: Place, consumer: str = "") -> Broker:
    """A new connection, for one thread; `consumer` is who uses it.  Raises `BrokerError`."""
    match place.backend:
        case "sqlite":
            from prayog_queues.engine.real.sqlite_queue import SqliteBroker

            return SqliteBroker(place.urls[0], "synced" if place.durability == "synced" else "lazy")
        case "postgres":
            from prayog_queues.engine.real.postgres_queue import PostgresBroker

            durability = "synced" if place.durability in ("synced", "replicated") else "lazy"
            return PostgresBroker(place.urls[0], place.prefix, durability=durability)
        case "nats":
            from prayog_queues.engine.real.jetstream import JetStreamBroker

            return JetStreamBroker(place.urls, place.prefix, place.replicas)
        case "rabbitmq":
            from prayog_queues.engine.real.rabbitmq import RabbitBroker

            return RabbitBroker(place.urls[0], place.prefix)
        case "redis":
            from prayog_queues.engine.real.redis_streams import RedisBroker

            return RedisBroker(place.urls[0], place.prefix)
        case "kafka":
            from prayog_queues.engine.real.kafka import KafkaBroker

            return KafkaBroker(place.urls[0], place.prefix)
        case _:
            from prayog_queues.engine.real.mqtt import MqttBroker

            return MqttBroker(place.urls[0], place.prefix, consumer)


def restart_of(place: Place, server: EmbeddedNats | None, services: Services) -> Callable[[], None] | None:
    """What kills the broker's server and starts it again; None where it is not ours to kill."""
    if server is not None:
        def again() -> None:
            server.kill()
            server.url()
        return again
    if place.backend == "postgres" and services.embedded("postgres"):
        return lambda: _recovered(services.own_postgres("queues"))
    return None


def _recovered(server: EmbeddedPostgres) -> None:
    """Crash it, and start it again; its old processes may hold its shared memory for a moment."""
    server.crash()
    until = time.monotonic() + _RECOVERY_S
    while server.pid is not None and time.monotonic() < until:
        time.sleep(0.02)
    while True:
        try:
            server.url()
            return
        except ServiceMissing:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)


def durability_of(place: Place, broker: Broker) -> str:
    """What a confirmation is worth here, in a sentence: which ends of the world it survives."""
    lazy = place.durability in ("lazy", "memory")
    match place.backend:
        case "sqlite":
            if lazy:
                return "written, synced at the next checkpoint: survives a killed process; a power loss may undo it"
            return "synced before the answer (WAL, synchronous=FULL): survives a killed process and a power loss"
        case "postgres":
            if lazy:
                return "synchronous_commit=off: up to 0.6 s of confirmed commits are gone when the server crashes"
            return "synced before the answer (synchronous_commit=on): survives a killed server and a power loss"
        case "nats":
            if place.replicas > 1:
                return "stored by a majority of three: survives the loss of one; each syncs only every two minutes"
            if place.durability == "synced":
                return "sync_interval always: survives a killed server and a power loss"
            if place.durability == "memory":
                return "in memory: gone with the server’s process"
            return "synced every two minutes: survives a killed server; a power loss undoes what was not synced"
        case "rabbitmq":
            if place.durability == "memory":
                return "a classic queue; persistent messages are confirmed once written"
            return "a quorum queue: confirmed when a majority of its members has written and synced it"
        case "redis":
            told = getattr(broker, "durability", None)
            return str(told()) if told is not None else ""
        case "kafka":
            return "acks=all: in the memory of all replicas in sync; Kafka relies on replicas rather than on syncs"
        case _:
            return "what the server’s settings say; MQTT’s acknowledgement means “received”, not “on disk”"
