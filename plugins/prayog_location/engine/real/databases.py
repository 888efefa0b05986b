"""A session on the real databases of this machine: each action is asked of all that are there.

Steps: ``loaded`` or ``absent`` per database, then for each question ``found`` or ``unsupported`` per database, and
``differs`` where the places are not the same as those of a full scan, with the reason and whether it explains
every single difference.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from prayog_location.engine import asking
from prayog_location.engine.brute import BruteForce
from prayog_location.engine.index import Nearest, Query, Radius, ask
from prayog_location.engine.points import EARTH_RADIUS_M, Ids, Points, chord2_to_metres
from prayog_location.engine.real.stores import (
    REDIS_RADIUS_M,
    Found,
    PostgresStore,
    RedisStore,
    SqliteStore,
    Store,
    Unsupported,
)
from prayog_location.engine.study import SHOWN, digest
from prayog_location.engine.tables import Table
from prayog_sdk.hookspecs import Progress
from prayog_sdk.run import Emit, Facts
from prayog_sdk.services import ServiceMissing, Services
from prayog_sdk.session import Session
from prayog_sim.run import Action, ActionError, Look, NodeView, View
from prayog_sim.trace import Step

__all__ = ["DatabaseSession"]

MOST_POINTS = 250_000
REPEATS = 5
ROUNDING_M = 0.6
"""A 52-bit geohash of Redis is a cell of at most 0.6 m (26 bits a side, GEOADD manual)."""


class DatabaseSession(Session):
    """Questions about `table` to SQLite, PostgreSQL and Redis."""

    def __init__(self, table: Table, services: Services, progress: Progress) -> None:
        if len(table.points) > MOST_POINTS:
            raise ServiceMissing(
                f"The real databases are given at most {MOST_POINTS:,} points; this table has {len(table.points):,}.",
                "Choose a smaller table.",
            )
        self.table = table
        self._services = services
        self._progress = progress
        self._stores: list[Store] | None = None
        super().__init__()

    def start(self) -> Facts:
        return {"question": "", "stores": {}, "points": len(self.table.points)}

    def fold(self, state: Facts, step: Step) -> Facts:
        if step.kind == "query":
            return {**state, "question": step.data["question"], "stores": {}}
        if step.kind in ("found", "unsupported", "absent"):
            return {**state, "stores": {**state["stores"], step.node: step.data}}
        return state

    def show(self, state: Facts, step: Step | None) -> View:
        nodes = {
            name: NodeView(name, volatile=data, look=Look("store", name[0].upper(), -1, str(data.get("sentence", ""))))
            for name, data in state["stores"].items()
        }
        return View(step.seq if step else -1, step.at if step else 0, nodes=nodes, facts=state)

    def check(self, action: Action) -> None:
        if action.name not in ("radius", "nearest", "box", "polygon"):
            raise ActionError(f"Real databases are asked radius, nearest, box or polygon; not {action.name}.")
        asking.query(action.name, action.args)

    def perform(self, action: Action) -> Iterator[Emit]:
        query = asking.query(action.name, action.args)
        if self._stores is None:
            self._stores = []
            yield from self._load()
        yield "query", "", asking.described(query)
        truth = ask(BruteForce(self.table.points), query).ids
        for store in self._stores:
            yield from self._ask(store, query, truth)

    def release(self) -> None:
        for store in self._stores or []:
            store.close()

    def _load(self) -> Iterator[Emit]:
        assert self._stores is not None
        makers: dict[str, Callable[[], Store]] = {
            "sqlite": SqliteStore,
            "postgres": lambda: PostgresStore(self._services.url("postgres")),
            "redis": lambda: RedisStore(self._services.url("redis")),
        }
        for name, make in makers.items():
            if self.cancelled:
                return
            began = time.perf_counter()
            try:
                store = make()
            except ServiceMissing as missing:
                yield "absent", name, {"sentence": missing.sentence, "way_forward": missing.way_forward}
                continue
            self._stores.append(store)  # from here on `release` removes what was stored
            store.load(self.table.points, lambda done, total, name=name: self._progress(done, total, name))  # type: ignore[misc]
            seconds = time.perf_counter() - began
            data = {"title": store.title, "points": len(self.table.points), "ms": round(1000 * seconds, 1)}
            yield "loaded", name, {**data, "sentence": f"{store.title}: loaded and indexed in {seconds:.1f} s"}

    def _ask(self, store: Store, query: Query, truth: Ids) -> Iterator[Emit]:
        try:
            found, median_us = _timed(store, query)
        except Unsupported as reason:
            yield "unsupported", store.name, {"title": store.title, "sentence": str(reason)}
            return
        same = digest(found.ids) == digest(truth)
        sentence = f"{store.title}: {len(found.ids):,} places in {median_us:,.0f} µs"
        yield "found", store.name, {
            "title": store.title, "count": len(found.ids), "ids": np.sort(found.ids)[:SHOWN].tolist(),
            "digest": digest(found.ids), "candidates": found.candidates, "us": round(median_us, 1),
            "plan": list(found.plan), "same": same, "sentence": sentence,
        }  # fmt: skip
        if not same:
            yield "differs", store.name, _difference(store, query, found.ids, truth, self.table.points)


def _timed(store: Store, query: Query) -> tuple[Found, float]:
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        found = store.ask(query)
        times.append(time.perf_counter() - began)
    return found, 1e6 * statistics.median(times)


def _difference(store: Store, query: Query, ids: Ids, truth: Ids, points: Points) -> Mapping[str, Any]:
    """Which places differ, and whether a known cause accounts for every one of them."""
    missing, extra = np.setdiff1d(truth, ids), np.setdiff1d(ids, truth)
    data = {"missing": len(missing), "extra": len(extra), "ids": np.concatenate([missing, extra])[:SHOWN].tolist()}
    if store.name == "redis" and isinstance(query, Radius | Nearest):
        both = np.concatenate([missing, extra])
        metres = chord2_to_metres(points.chord2(query.lat, query.lon, both))
        if isinstance(query, Radius):
            edge = query.metres
        else:
            edge = float(chord2_to_metres(points.chord2(query.lat, query.lon, truth)).max())
        band = edge * (REDIS_RADIUS_M / EARTH_RADIUS_M - 1) + 2 * ROUNDING_M
        left_out = np.abs(points.lat[both]) > 85.05
        explained = bool((left_out | (np.abs(metres - edge) <= band)).all())
        why = (
            f"All of them lie within {band:,.1f} m of the edge: Redis takes {REDIS_RADIUS_M:,.0f} m for the "
            f"earth’s radius, the lab {EARTH_RADIUS_M:,.0f} m, and rounds places to 52 bits."
        )
        if explained:
            return {**data, "explained": True, "why": why}
    if isinstance(query, Radius | Nearest):
        both = np.concatenate([missing, extra])
        metres = chord2_to_metres(points.chord2(query.lat, query.lon, both))
        edge = query.metres if isinstance(query, Radius) else float(metres.min())
        if np.allclose(metres, edge, rtol=1e-9, atol=1e-4):
            return {
                **data,
                "explained": True,
                "why": "All of them lie on the edge to a tenth of a millimetre: ties and rounding.",
            }
    else:
        outline = "PostgreSQL counts places on a polygon’s outline as inside; the lab’s intervals are half open."
        return {**data, "explained": store.name == "postgres" and not len(missing), "why": outline}
    return {**data, "explained": False, "why": f"{store.title} found other places, and no known cause accounts for it."}
