"""The same job on the simulator and on every real broker that is here: one ``outcome`` each, judged by one judge."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from prayog_queues.engine.judging import judge
from prayog_queues.engine.real.backends import BACKENDS
from prayog_queues.engine.setup import Setup
from prayog_queues.engine.verdict import Verdict
from prayog_queues.engine.world.build import build
from prayog_sdk.hookspecs import Progress
from prayog_sdk.run import Cancelled, Emit
from prayog_sdk.services import ServiceMissing, Services
from prayog_sim.run import Action

__all__ = ["everywhere"]

_MOST_STEPS = 400_000
_MOST_S = 120.0


def everywhere(
    setup: Setup, seed: int, services: Services, stop: Callable[[], bool], progress: Progress
) -> Iterator[Emit]:
    """A step ``outcome`` for each back-end, ``absent`` for those that are not here, and ``compared`` at the end.

    Raises `Cancelled` when `stop` says so: between two back-ends, and within a job, which is then no outcome.
    """
    yield _simulated(setup, seed)
    for number, backend in enumerate(BACKENDS):
        if stop():
            raise Cancelled
        progress(number + 1, len(BACKENDS) + 1, BACKENDS[backend])
        yield _real(replace(setup, backend=backend), seed, services, stop)
    yield "compared", "", {"backends": len(BACKENDS) + 1}


def _simulated(setup: Setup, seed: int) -> Emit:
    began = time.monotonic()
    world = build(setup, seed)
    try:
        while len(world.trace) < _MOST_STEPS and (step := world.step()) is not None:
            if any(effect.kind == "finished" for effect in step.effects):
                break
        verdict = judge(world.trace)
    finally:
        world.close()
    told = "exactly what the knobs say: the simulated disk keeps or forgets as it is told"
    return _outcome("simulator", "Simulator", verdict, time.monotonic() - began, told, {}, [])


def _real(setup: Setup, seed: int, services: Services, stop: Callable[[], bool]) -> Emit:
    from prayog_queues.engine.real.session import BrokerSession, not_here

    backend, title, began = setup.backend, BACKENDS[setup.backend], time.monotonic()
    try:
        session = BrokerSession(setup, seed, services, lambda done, total, text: None)
    except ServiceMissing as error:
        return "absent", backend, {"backend": backend, "title": title, "sentence": str(error)}
    try:
        session.do(Action("run_job"))
        while not session.state["finished"] and time.monotonic() - began < _MOST_S:
            if stop():
                raise Cancelled
            session.wait(0.1)
        verdict, steps = judge(session.trace), list(session.trace)
    finally:
        session.close()
    told: dict[str, Any] = next((dict(step.data) for step in steps if step.kind == "backend"), {})
    problems = [str(step.data["sentence"]) for step in steps if step.kind in ("problem", "error")]
    return _outcome(
        backend, title, verdict, time.monotonic() - began, str(told.get("durability", "")),
        dict(told.get("emulates", {})), [*dict.fromkeys(problems), *not_here(setup)],
    )  # fmt: skip


def _outcome(
    backend: str, title: str, verdict: Verdict, seconds: float, durability: str, emulates: dict[str, str],
    cannot: list[str],
) -> Emit:  # fmt: skip
    return "outcome", backend, {
        "backend": backend, "title": title, "verdict": dict(verdict.counts), "published": verdict.published,
        "effects": verdict.effects, "dead": verdict.dead, "finished": verdict.finished, "seconds": round(seconds, 1),
        "sentence": verdict.sentence(), "durability": durability, "emulates": emulates, "cannot": cannot,
    }  # fmt: skip
