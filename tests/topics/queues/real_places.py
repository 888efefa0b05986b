"""The real brokers of this machine, for tests: connected to, or skipped with a sentence; nothing of them is left."""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

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


class MockKafka:
    """librdkafka's mock cluster: it speaks the protocol and is no Kafka.  It lives until this process ends.

    It knows no request for new topics, so they are made here; and a group waits for no further members before its first
    assignment (of itself it would wait three seconds, as brokers do).
    """

    def __init__(self) -> None:
        import confluent_kafka

        package = Path(confluent_kafka.__file__).parent
        (path,) = [*package.parent.glob("confluent_kafka.libs/librdkafka*"), *package.glob(".dylibs/librdkafka*")]
        self._kafka = library = ctypes.CDLL(str(path))
        for name, arguments, result in (
            ("conf_new", (), ctypes.c_void_p),
            ("conf_set", (ctypes.c_void_p, *[ctypes.c_char_p] * 3, ctypes.c_size_t), ctypes.c_int),
            ("new", (ctypes.c_int, *[ctypes.c_void_p] * 2, ctypes.c_size_t), ctypes.c_void_p),
            ("mock_cluster_new", (ctypes.c_void_p, ctypes.c_int), ctypes.c_void_p),
            ("mock_cluster_bootstraps", (ctypes.c_void_p,), ctypes.c_char_p),
            ("mock_group_initial_rebalance_delay_ms", (ctypes.c_void_p, ctypes.c_int32), None),
            ("mock_topic_create", (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int), ctypes.c_int),
        ):  # fmt: skip
            function = getattr(library, f"rd_kafka_{name}")
            function.argtypes, function.restype = arguments, result
        quiet = library.rd_kafka_conf_new()
        library.rd_kafka_conf_set(quiet, b"log_level", b"0", None, 0)
        handle = library.rd_kafka_new(0, quiet, None, 0)
        self._cluster = library.rd_kafka_mock_cluster_new(handle, 1)
        library.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.url = f"kafka://{library.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()}"

    def make(self, prefix: str, topology: Topology) -> None:
        for queue in topology.queues:
            name = f"{prefix}.{queue.name}".encode()
            assert self._kafka.rd_kafka_mock_topic_create(self._cluster, name, max(queue.partitions, 1), 1) == 0


mock_kafka = functools.cache(MockKafka)
"""One for all tests: names keep them apart."""


@functools.cache
def _has_kafka() -> bool:
    with tempfile.TemporaryDirectory(prefix="prayog-test-") as folder:
        return Services(Path(folder), environ={}).probe("kafka").status != "missing"


def bench_of(name: str, services: Services, folder: Path) -> Iterator[Bench]:
    """A fixture's body."""
    held: MockKafka | None = None
    if name in _URLS:
        services.set_url(name, _URLS[name])
    if name == "kafka" and not _has_kafka():
        held = mock_kafka()
        services.set_url(name, held.url)
    try:
        place, _ = find(name, services, f"prayogtest{os.getpid()}x{next(_numbers)}", folder)
    except ServiceMissing as error:
        pytest.skip(str(error))
    bench = Bench(place)
    if held is not None:
        bench.before, bench.removes = partial(held.make, place.prefix), False  # it goes with this process
    yield bench
    bench.close()
