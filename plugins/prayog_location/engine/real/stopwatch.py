"""All indexes on one question, built and timed on this machine.

The only place of this topic, besides the databases, that looks at a clock.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prayog_location.engine import asking
from prayog_location.engine.brute import BruteForce
from prayog_location.engine.choosing import INDEXES
from prayog_location.engine.index import Query, SpatialIndex, ask
from prayog_location.engine.plan import run
from prayog_location.engine.study import digest
from prayog_location.engine.tables import Table

__all__ = ["Timed", "time_all"]

REPEATS = 5
SLOW_S = 0.5
"""An answer that takes longer than this is timed once."""

Beat = Callable[[int, int, str], None]


@dataclass(frozen=True, slots=True)
class Timed:
    """One index on one question: work as counts, time as the median of `REPEATS` answers without commentary."""

    index: str
    build_ms: float
    query_us: float
    looked_at: int
    candidates: int
    refined: int
    answers: int
    same: bool


def time_all(table: Table, name: str, args: dict[str, object], leaf: int, beat: Beat) -> Iterator[Timed]:
    """Build every index on `table` and ask it the question of the action `name`; `beat` reports and cancels.

    The tree that grows by insertion is left out above 50,000 points: it is there to be watched, not to be quick.
    """
    query = asking.query(name, args)
    names = [index for index in INDEXES if index != "R-tree (inserted)" or len(table.points) <= 50_000]
    truth = digest(ask(BruteForce(table.points), query).ids)
    for done, index in enumerate(names):
        beat(done, len(names), index)
        began = time.perf_counter()
        built = INDEXES[index](table.points, leaf, lambda a, b, d=done, i=index: beat(d, len(names), i))  # type: ignore[misc]
        built_ms = 1_000 * (time.perf_counter() - began)
        yield _timed(index, built, query, built_ms, truth)


def _timed(name: str, index: SpatialIndex, query: Query, built_ms: float, truth: str) -> Timed:
    explained = run(index, query)
    times: list[float] = []
    while len(times) < REPEATS and sum(times) < SLOW_S:
        began = time.perf_counter()
        ask(index, query)
        times.append(time.perf_counter() - began)
    funnel = explained.answer.funnel
    return Timed(
        name, built_ms, 1e6 * statistics.median(times), len(explained.visits), funnel.candidates, funnel.refined,
        funnel.answer, digest(explained.answer.ids) == truth,
    )  # fmt: skip
