"""Runs the probes of `guarantees` on the simulator and on every real broker that is here."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from prayog_queues.engine.envelope import Delivery
from prayog_queues.engine.guarantees import PROBES, Probe, ask
from prayog_queues.engine.model.adapter import SimBroker
from prayog_queues.engine.port import Broker, BrokerError, Topology
from prayog_queues.engine.real.backends import BACKENDS, Place, connect, find, restart_of
from prayog_sdk.run import Cancelled, Emit
from prayog_sdk.services import ServiceMissing, Services

__all__ = ["RealTrial", "SimTrial", "probe_all"]

SIMULATOR = "simulator"
_PORTION_US = 250_000
"""A wait looks so often whether the learner has stopped it."""
_numbers = itertools.count()


class _Heeding:
    """A connection whose `fetch` waits in portions and raises `Cancelled` between two; all else is the broker's."""

    def __init__(self, broker: Broker, stop: Callable[[], bool]) -> None:
        self._broker, self._stop = broker, stop

    def __getattr__(self, name: str) -> Any:
        return getattr(self._broker, name)

    def fetch(self, queue: str, most: int = 1, wait_us: int = 0, consumer: str = "") -> list[Delivery]:
        until = time.monotonic() + wait_us / 1e6
        while True:
            if self._stop():
                raise Cancelled
            left = max(0, round((until - time.monotonic()) * 1e6))
            found = self._broker.fetch(queue, most, min(left, _PORTION_US), consumer)
            if found or left <= _PORTION_US:
                return found


class RealTrial:
    """Queues of one probe's own on a real broker; `close` removes them.  Waits raise `Cancelled` on `stop`."""

    def __init__(self, place: Place, restart: Callable[[], None] | None, stop: Callable[[], bool]) -> None:
        self.restart, self._stop = restart, stop
        self._place = replace(place, prefix=f"{place.prefix}p{next(_numbers)}")
        self._opened: list[Broker] = []
        self._declared: Topology | None = None

    def connect(self, consumer: str) -> Broker:
        broker = connect(self._place, consumer)
        self._opened.append(broker)
        if self._declared is not None:
            broker.declare(self._declared)
        return cast(Broker, _Heeding(broker, self._stop))

    def declare(self, topology: Topology, consumer: str = "w1") -> Broker:
        broker = self.connect(consumer)
        broker.declare(topology)
        self._declared = topology
        return broker

    def wait(self, us: int) -> None:
        until = time.monotonic() + us / 1e6
        while (left := until - time.monotonic()) > 0:
            if self._stop():
                raise Cancelled
            time.sleep(min(left, _PORTION_US / 1e6))

    def close(self) -> None:
        with suppress(BrokerError):
            if self._declared is not None:
                self.connect("").remove(self._declared)
        for broker in self._opened:
            with suppress(BrokerError):
                broker.close()


class SimTrial:
    """The simulated broker, in its own time."""

    def __init__(self) -> None:
        self._first = SimBroker()
        self.restart: Callable[[], None] | None = self._first.restart

    def connect(self, consumer: str) -> Broker:
        return self._first.connect()

    def declare(self, topology: Topology, consumer: str = "w1") -> Broker:
        self._first.declare(topology)
        return self._first.connect()

    def wait(self, us: int) -> None:
        self._first.wait(us)

    def close(self) -> None:
        """It has nothing to give back."""


def probe_all(
    services: Services, folder: Path, stop: Callable[[], bool], args: Mapping[str, Any]
) -> Iterator[Emit]:
    """Steps ``guarantee``, cell by cell; ``probed`` at the end.  Arguments: ``backend`` and ``probe`` (empty: all).

    Raises `Cancelled` when `stop` says so: between two probes, and within their waits.
    """
    wanted = str(args.get("backend") or "")
    probes = [probe for probe in PROBES if args.get("probe") in (None, "", probe.name)]
    for backend in (wanted,) if wanted else (SIMULATOR, *BACKENDS):
        yield from _column(backend, probes, services, folder, stop)
    yield "probed", "", {"backend": wanted}


def _column(
    backend: str, probes: list[Probe], services: Services, folder: Path, stop: Callable[[], bool]
) -> Iterator[Emit]:
    if stop():
        raise Cancelled
    place: Place | None = None
    restart: Callable[[], None] | None = None
    if backend != SIMULATOR:
        try:
            prefix = f"prayog{os.getpid()}x{next(_numbers)}"
            place, server = find(backend, services, prefix, folder)
        except ServiceMissing as error:
            for probe in probes:
                yield _cell(backend, probe, "absent", str(error), 0.0)
            return
        restart = restart_of(place, server, services)
    for probe in probes:
        if stop():
            raise Cancelled
        trial = SimTrial() if place is None else RealTrial(place, restart, stop)
        began = time.monotonic()
        try:
            found = ask(probe, trial)
        finally:
            trial.close()
        yield _cell(backend, probe, found.answer, found.sentence, time.monotonic() - began)


def _cell(backend: str, probe: Probe, answer: str, sentence: str, seconds: float) -> Emit:
    data = {"backend": backend, "title": BACKENDS.get(backend, "Simulator"), "probe": probe.name}
    told = {"question": probe.question, "answer": answer, "sentence": sentence, "seconds": round(seconds, 2)}
    return "guarantee", backend, {**data, **told}
