"""Three real databases behind one interface: they hold the points and answer the questions in their own way.

* SQLite's R*Tree module keeps boxes of 32-bit floats, rounded outwards (SQLite manual, "The SQLite R*Tree
  Module", section 3.1), so what it finds are candidates, refined here with the exact rule.
* PostgreSQL indexes `point` with GiST (manual, "Built-in GiST Operator Classes"): the index finds a box, an exact
  condition in SQL does the rest.  Nearest by ``<->`` is planar; it gives a first reach, which a circle then proves.
* Redis keeps a sorted set of 52-bit geohashes (GEOADD, GEOSEARCH).  Its distances use an earth radius of its own.
"""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from prayog_location.engine.area import area_of
from prayog_location.engine.geodesy import haversine_m
from prayog_location.engine.index import InBox, InPolygon, Nearest, Query, Radius
from prayog_location.engine.points import EARTH_RADIUS_M, HALF_TURN_M, Ids, Points
from prayog_location.engine.region import Bounds, circle_windows

__all__ = ["REDIS_RADIUS_M", "Found", "PostgresStore", "RedisStore", "SqliteStore", "Store", "Unsupported"]

REDIS_RADIUS_M = 6_372_797.560856
"""`EARTH_RADIUS_IN_METERS` in Redis's geohash_helper.c."""
REDIS_MOST_LAT = 85.05112878
BATCH = 5_000

Beat = Callable[[int, int], None]


class Unsupported(Exception):
    """This database cannot answer this question; the message is a sentence."""


@dataclass(frozen=True, slots=True)
class Found:
    """Ids in any order, rows that were candidates (-1: the database does not tell), its plan in its own words."""

    ids: Ids
    candidates: int
    plan: tuple[str, ...]


class Store(Protocol):
    """A database that holds one table of points."""

    name: str
    title: str

    def load(self, points: Points, beat: Beat) -> None:
        """Store the points and index them; `beat` reports and cancels."""
        ...

    def ask(self, query: Query) -> Found:
        """Answer, or raise `Unsupported`."""
        ...

    def close(self) -> None:
        """Remove what was stored."""
        ...


class SqliteStore:
    """SQLite's R*Tree, in memory."""

    name, title = "sqlite", "SQLite R*Tree"

    def __init__(self) -> None:
        self._db = sqlite3.connect(":memory:", check_same_thread=False)
        self._points: Points | None = None

    def load(self, points: Points, beat: Beat) -> None:
        self._points = points
        self._db.execute("CREATE VIRTUAL TABLE places USING rtree(id, south, north, west, east)")
        for low in range(0, len(points), BATCH):
            lat, lon = points.lat[low : low + BATCH].tolist(), points.lon[low : low + BATCH].tolist()
            rows = [(low + i, y, y, x, x) for i, (y, x) in enumerate(zip(lat, lon, strict=True))]
            self._db.executemany("INSERT INTO places VALUES (?, ?, ?, ?, ?)", rows)
            beat(min(low + BATCH, len(points)), len(points))
        self._db.commit()

    def ask(self, query: Query) -> Found:
        assert self._points is not None
        if isinstance(query, Nearest):
            return self._nearest(query)
        area = area_of(query, self._points)
        candidates, plan = self._in_windows(area.windows())
        return Found(candidates[area.keeps(candidates)], len(candidates), plan)

    def _in_windows(self, windows: Sequence[Bounds]) -> tuple[Ids, tuple[str, ...]]:
        sql = "SELECT id FROM places WHERE north >= ? AND south <= ? AND east >= ? AND west <= ?"
        found: list[int] = []
        for south, west, north, east in windows:
            found += (row[0] for row in self._db.execute(sql, (south, north, west, east)))
        plan = tuple(
            row[3] for row in self._db.execute("EXPLAIN QUERY PLAN " + sql, windows[0] if windows else (0,) * 4)
        )
        return np.unique(np.array(found, dtype=np.int64)), (sql, *plan)

    def _nearest(self, query: Nearest) -> Found:
        """A box that is widened until it surely holds the k nearest: the R*Tree itself knows no nearest."""
        assert self._points is not None
        wanted, reach, read = min(query.k, len(self._points)), 2_000.0, 0
        while True:
            ids, plan = self._in_windows(circle_windows(query.lat, query.lon, min(reach, HALF_TURN_M)))
            read += len(ids)
            chord2 = self._points.chord2(query.lat, query.lon, ids)
            within = int(np.count_nonzero(chord2 <= (2 * np.sin(min(reach / EARTH_RADIUS_M, np.pi) / 2)) ** 2))
            if within >= wanted or reach > HALF_TURN_M:
                order = np.lexsort((ids, chord2))[:wanted]
                return Found(
                    ids[order], read, (*plan, f"widened to {reach / 1000:,.0f} km until {wanted} were surely in it")
                )
            reach *= 2

    def close(self) -> None:
        self._db.close()


class PostgresStore:
    """PostgreSQL with a GiST index on points, in a temporary table that ends with the connection."""

    name, title = "postgres", "PostgreSQL GiST"

    def __init__(self, url: str) -> None:
        import psycopg

        self._db: psycopg.Connection[Any] = psycopg.connect(url, autocommit=True)

    def load(self, points: Points, beat: Beat) -> None:
        self._db.execute("CREATE TEMP TABLE places (id integer PRIMARY KEY, lat float8, lon float8, at point)")
        with self._db.cursor() as cursor, cursor.copy("COPY places (id, lat, lon, at) FROM STDIN") as copy:
            for low in range(0, len(points), BATCH):
                lat, lon = points.lat[low : low + BATCH].tolist(), points.lon[low : low + BATCH].tolist()
                for i, (y, x) in enumerate(zip(lat, lon, strict=True)):
                    copy.write_row((low + i, y, x, f"({x!r},{y!r})"))
                beat(min(low + BATCH, len(points)), len(points))
        self._db.execute("CREATE INDEX places_at ON places USING gist (at)")
        self._db.execute("ANALYZE places")

    def ask(self, query: Query) -> Found:
        match query:
            case Radius(lat, lon, metres):
                return self._within(lat, lon, metres)
            case Nearest(lat, lon, k):
                return self._nearest(lat, lon, k)
            case InBox(box):
                return self._run(box.windows(), "true", ())
            case InPolygon(polygon):
                if len(polygon.rings) > 1 or len(polygon.windows) > 1:
                    raise Unsupported("PostgreSQL’s own polygons have no holes and do not cross the date line.")
                corners = ",".join(f"({lon!r},{lat!r})" for lat, lon in polygon.rings[0])
                return self._run(polygon.windows, "at <@ %s::polygon", (f"({corners})",))
        raise Unsupported("PostgreSQL is not asked this question.")

    def _within(self, lat: float, lon: float, metres: float) -> Found:
        hav = (
            "power(sin(radians(lat - %s) / 2), 2) + cos(radians(lat)) * cos(radians(%s)) * "
            "power(sin(radians(lon - %s) / 2), 2)"
        )
        exact = f"2 * {EARTH_RADIUS_M} * asin(least(1, sqrt({hav}))) <= %s"
        return self._run(circle_windows(lat, lon, metres), exact, (lat, lat, lon, metres))

    def _nearest(self, lat: float, lon: float, k: int) -> Found:
        """The planar order of ``<->`` gives k places and so a reach; the true k nearest lie in a circle of it."""
        first = self._db.execute(
            "SELECT lat, lon FROM places ORDER BY at <-> %s::point LIMIT %s", (f"({lon!r},{lat!r})", k)
        )
        rows = first.fetchall()
        if not rows:
            return Found(np.empty(0, dtype=np.int64), 0, ())
        reach = float(haversine_m(lat, lon, [row[0] for row in rows], [row[1] for row in rows]).max())
        found = self._within(lat, lon, reach * (1 + 1e-12) + 1e-6)
        ids = found.ids.tolist()
        at = self._db.execute("SELECT id, lat, lon FROM places WHERE id = ANY(%s)", (ids,)).fetchall()
        metres = haversine_m(lat, lon, [row[1] for row in at], [row[2] for row in at])
        order = np.lexsort(([row[0] for row in at], metres))[:k]
        nearest = np.array([at[i][0] for i in order], dtype=np.int64)
        why = f"ORDER BY at <-> point LIMIT {k}: the planar k nearest reach {reach / 1000:,.1f} km on the sphere"
        return Found(nearest, found.candidates, (why, *found.plan))

    def _run(self, windows: Sequence[Bounds], exact: str, args: tuple[Any, ...]) -> Found:
        boxes = [f"({east!r},{north!r}),({west!r},{south!r})" for south, west, north, east in windows]
        near = "(" + " OR ".join(["at <@ %s::box"] * len(boxes)) + ")"
        ids = self._db.execute(f"SELECT id FROM places WHERE {near} AND {exact}", (*boxes, *args)).fetchall()
        counted = self._db.execute(f"SELECT count(*) FROM places WHERE {near}", boxes).fetchone()
        explained = self._db.execute(
            f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id FROM places WHERE {near} AND {exact}",
            (*boxes, *args),
        ).fetchall()
        plan = tuple(row[0][:160] for row in explained)
        return Found(np.array([row[0] for row in ids], dtype=np.int64), counted[0] if counted else 0, plan)

    def close(self) -> None:
        self._db.close()


class RedisStore:
    """Redis with GEOADD and GEOSEARCH, under a key of its own that is removed again."""

    name, title = "redis", "Redis GEOSEARCH"

    def __init__(self, url: str) -> None:
        import redis

        self._redis = redis.Redis.from_url(url, socket_timeout=30)
        self._key = f"prayog:location:{uuid.uuid4().hex}"
        self.left_out = 0

    def load(self, points: Points, beat: Beat) -> None:
        for low in range(0, len(points), BATCH):
            values: list[Any] = []
            for i, (lat, lon) in enumerate(
                zip(points.lat[low : low + BATCH].tolist(), points.lon[low : low + BATCH].tolist(), strict=True)
            ):
                if abs(lat) <= REDIS_MOST_LAT:
                    values += (lon, lat, low + i)  # longitude first
                else:
                    self.left_out += 1
            if values:
                self._redis.geoadd(self._key, values)
            self._redis.expire(self._key, 3_600)  # should the lab be killed, Redis forgets by itself
            beat(min(low + BATCH, len(points)), len(points))

    def ask(self, query: Query) -> Found:
        match query:
            case Radius(lat, lon, metres):
                how: dict[str, Any] = {"radius": metres, "unit": "m", "sort": "ASC"}
                words = f"BYRADIUS {metres:g} m ASC"
            case Nearest(lat, lon, k):
                how = {"radius": 20_037, "unit": "km", "sort": "ASC", "count": k}
                words = f"BYRADIUS 20037 km ASC COUNT {k}"
            case _:
                raise Unsupported("Redis searches circles, and boxes given by width and height; not this area.")
        if abs(lat) > REDIS_MOST_LAT:
            raise Unsupported("Redis takes latitudes only up to ±85.05.")
        reply: Any = self._redis.geosearch(self._key, longitude=lon, latitude=lat, **how)
        ids = np.array([int(member) for member in reply], dtype=np.int64)
        plan = f"GEOSEARCH key FROMLONLAT {lon:g} {lat:g} {words}"
        return Found(ids, -1, (plan, "up to nine ranges of 52-bit geohashes, then the distance of each member"))

    def close(self) -> None:
        self._redis.delete(self._key)
        self._redis.close()
