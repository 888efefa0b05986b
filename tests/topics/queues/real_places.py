"""The real brokers of this machine, for tests: connected to, or skipped with a sentence; nothing of them is left."""

from __future__ import annotations

import functools
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from prayog_queues.engine.port import Broker, Topology, Unable
from prayog_queues.engine.real.backends import Place, connect, find
from prayog_sdk.services import ServiceMissing, Services

__all__ = ["Bench", "bench_of", "own_services"]

_URLS = {"rabbitmq": "amqp://guest:guest@127.0.0.1:5672/"}
_numbers = itertools.count()


class Bench:
    """One back-end for one test: `open` gives connections, `declare` makes what is removed afterwards."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.name = place.backend
        self.before: Callable[[Topology], None] = lambda topology: None
        self.removes = True
        """Whether what was declared has to be removed."""
        self._opened: list[Broker] = []
        self._declared: list[Topology] = []

    def open(self, consumer: str = "w1") -> Broker:
        broker = connect(self.place, consumer)
        for topology in self._declared:
            broker.declare(topology)
        self._opened.append(broker)
        return broker

    def declare(self, topology: Topology, consumer: str = "w1") -> Broker:
        """A connection to which `topology` is declared.  What it cannot have is skipped with its own sentence."""
        self.before(topology)
        broker = connect(self.place, consumer)
        self._opened.append(broker)
        try:
            broker.declare(topology)
        except Unable as error:
            pytest.skip(f"{self.name}: {error}")
        self._declared.append(topology)
        return broker

    def close(self) -> None:
        for topology in self._declared if self.removes else ():
            self._opened[0].remove(topology)
        for broker in self._opened:
            broker.close()


def own_services() -> Iterator[Services]:
    """A fixture's body: services in a folder of their own.

    Not one of pytest's: each pytest that starts makes those private to their owner, and where tests run as root, the
    embedded PostgreSQL runs as somebody else, who could then not read its files any more when it recovers.
    """
    with tempfile.TemporaryDirectory(prefix="prayog-test-") as folder:
        services = Services(Path(folder), environ={})
        yield services
        services.close()


@functools.cache
def mock_kafka() -> tuple[str, Any]:
    """librdkafka's mock cluster: it speaks the protocol and is no Kafka.  One for all tests: it lives as long as its
    client, and a second one would be asked for while the first still answers.

    It knows no request for new topics; it makes those that somebody asks about.
    """
    from confluent_kafka.admin import AdminClient

    client = AdminClient({"test.mock.num.brokers": 1, "log_level": 0})
    (broker,) = client.list_topics(timeout=5).brokers.values()
    return f"kafka://{broker.host}:{broker.port}", client


@functools.cache
def _has_kafka() -> bool:
    with tempfile.TemporaryDirectory(prefix="prayog-test-") as folder:
        return Services(Path(folder), environ={}).probe("kafka").status != "missing"


def bench_of(name: str, services: Services, folder: Path) -> Iterator[Bench]:
    """A fixture's body."""
    held: Any = None
    if name in _URLS:
        services.set_url(name, _URLS[name])
    if name == "kafka" and not _has_kafka():
        url, held = mock_kafka()
        services.set_url(name, url)
    try:
        place, _ = find(name, services, f"prayogtest{os.getpid()}x{next(_numbers)}", folder)
    except ServiceMissing as error:
        pytest.skip(str(error))
    bench = Bench(place)
    if held is not None:
        bench.before, bench.removes = partial(_ask_about, held, place.prefix), False  # it goes with this process
    yield bench
    bench.close()


def _ask_about(client: Any, prefix: str, topology: Topology) -> None:
    for queue in topology.queues:
        client.list_topics(f"{prefix}.{queue.name}")


