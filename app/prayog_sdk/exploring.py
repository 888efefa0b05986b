"""An exploration as work for a worker process: picklable in and out, with progress, a cap and *continue*.

::

    work = Exploration(raft_system, (RaftParams(nodes=3),), Limits(states=200_000), file=folder / "raft.search")
    job = bench.jobs.submit_process(explore, work)          # job.succeeded gives an `Explored`
    job = bench.jobs.submit_process(explore, replace(work, limits=Limits(states=400_000)))    # goes on from there

`explore` needs no window: a test and the command line call it with any context.

Rules
1. The model is made anew in each process by ``make(*args)``, so it may hold lambdas; a path in the result means the
   same to every model made that way (`prayog_sim.explorer.walk`, `replay`).
2. ``file`` is a pickle that only the lab itself writes and reads, in its profile; it is gone when the search is
   complete.
"""

from __future__ import annotations

import os
import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from prayog_sim.explorer import Explorer, Limits, Model, Progress, Report

__all__ = ["Context", "Exploration", "Explored", "explore"]


class Context(Protocol):
    """What the work may ask of its surroundings (``prayog_sdk.qt.jobs.Ctx`` has it)."""

    def progress(self, done: int, total: int = 0, text: str = "") -> None:
        """Report; total 0 means unknown.  Raises `Cancelled` when the work was cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class Exploration:
    """What to explore and how far.

    ``make``: a function of a module that returns the model for `args`; both are picklable.  ``file``: where a search
    that stopped is kept, and where it goes on from when it is there; None keeps nothing.
    """

    make: Callable[..., Model[Any, Any]]
    args: tuple[Any, ...] = ()
    limits: Limits = Limits()  # noqa: RUF009 - it is frozen
    keep_going: bool = False
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class Explored:
    """What came of it.  ``rate``: new states per second of this part of the search; ``resumed``: it went on from
    where an earlier part had stopped."""

    report: Report[Any]
    rate: float
    resumed: bool


def explore(context: Context, work: Exploration) -> Explored:
    """Search until the end, a violation or a limit, and report on the way: states, and the limit as total."""
    model = work.make(*work.args)
    saved = _saved(work)
    explorer: Explorer[Any, Any] = Explorer(model, work.keep_going) if saved is None else Explorer.load(model, saved)
    first, began = len(explorer.states), time.perf_counter()

    def rate() -> float:
        return (len(explorer.states) - first) / max(1e-9, time.perf_counter() - began)

    def tick(at: Progress) -> None:
        text = f"{at.states:,} states · depth {at.depth} · {rate():,.0f} states/s · {at.queue:,} to look into"
        context.progress(at.states, work.limits.states or 0, text)

    report = explorer.run(work.limits, tick)
    speed = rate()
    if work.file is not None:
        _keep(work, explorer, work.file)
    return Explored(report, speed, saved is not None)


def _identity(work: Exploration) -> tuple[str, str, bytes]:
    """What a kept search must have in common with `work` to be the same one."""
    return work.make.__module__, work.make.__qualname__, pickle.dumps(work.args)


def _saved(work: Exploration) -> tuple[Any, ...] | None:
    if work.file is None or not work.file.exists():
        return None
    with work.file.open("rb") as stream:
        identity, saved = pickle.load(stream)
    if identity != _identity(work):
        raise ValueError(f"{work.file.name} holds the search of another model or of other settings; remove it first")
    found: tuple[Any, ...] = saved
    return found


def _keep(work: Exploration, explorer: Explorer[Any, Any], file: Path) -> None:
    if explorer.progress().stopped == "complete":
        file.unlink(missing_ok=True)
        return
    part = file.with_name(file.name + ".part")
    with part.open("wb") as stream:
        pickle.dump((_identity(work), explorer.save()), stream, pickle.HIGHEST_PROTOCOL)
    os.replace(part, file)
