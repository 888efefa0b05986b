"""The four mistakes of the lessons on real databases, small: each wrongly, and rightly.

The old side is a SQLite file, the new one the target of the run (PostgreSQL, where there is one).  Everything is made
under a name of its own and dropped at the end.

Rules
1. Order is what matters here, not speed: who writes between two moments does so by program, never by luck.
2. Each ends with ``experiment``: what was done, how many rows differ or requests failed, and which rows.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from prayog_migration.engine.model import PREFIX
from prayog_migration.engine.real.store import Store, Writer, open_store
from prayog_sdk.run import Emit

__all__ = ["EXPERIMENTS", "experiment"]

_ROWS = 2_000
_NAME = f"{PREFIX}_lab_stock"


class _Pair:
    """A table of stock on both sides: item, count, and on the old side a log of changes that triggers keep."""

    def __init__(self, old: Store, new: Store) -> None:
        self.old, self.new = old, new
        self.here, self.there = old.writer(), new.writer()
        self.writer_here: Writer = self.here.__enter__()
        self.writer_there: Writer = self.there.__enter__()
        self.drop()
        for writer in (self.writer_here, self.writer_there):
            writer.execute(f"CREATE TABLE {_NAME} (id integer PRIMARY KEY, count integer NOT NULL)")
        self.writer_here.execute(f"CREATE TABLE {_NAME}_log (seq integer PRIMARY KEY AUTOINCREMENT, id integer)")
        for what in ("INSERT", "UPDATE", "DELETE"):
            row = "old" if what == "DELETE" else "new"
            self.writer_here.execute(
                f"CREATE TRIGGER {_NAME}_{what.lower()} AFTER {what} ON {_NAME} BEGIN"
                f" INSERT INTO {_NAME}_log (id) VALUES ({row}.id); END"
            )
        with self.writer_here.transaction():
            self.writer_here.insert(_NAME, ("id", "count"), ((n, 10) for n in range(_ROWS)))

    def drop(self) -> None:
        """Take away what was made."""
        for writer in (self.writer_here, self.writer_there):
            writer.execute(f"DROP TABLE IF EXISTS {_NAME}")
        self.writer_here.execute(f"DROP TABLE IF EXISTS {_NAME}_log")

    def close(self) -> None:
        self.drop()
        self.here.__exit__(None, None, None)
        self.there.__exit__(None, None, None)

    def write(self, n: int) -> None:
        """The application's write number `n`: a change, a new row, or a delete."""
        w = self.writer_here
        if n % 5 == 0:
            w.execute(f"INSERT INTO {_NAME} (id, count) VALUES (?, ?)", (_ROWS + n, n))
        elif n % 5 == 4:
            w.execute(f"DELETE FROM {_NAME} WHERE id = ?", (n * 7 % _ROWS,))
        else:
            w.execute(f"UPDATE {_NAME} SET count = ? WHERE id = ?", (1_000 + n, n * 7 % _ROWS))

    def position(self) -> int:
        """Where the log ends."""
        return int(self.writer_here.query(f"SELECT coalesce(max(seq), 0) FROM {_NAME}_log")[0][0])

    def copy(self, step: Any) -> None:
        """The rows that are there when it begins, in chunks; `step` is called between two: the application goes on.

        The end is fixed at the beginning: a copy that goes on to whatever the last row is by then may never end.
        """
        after = -1
        until = int(self.writer_here.query(f"SELECT max(id) FROM {_NAME}")[0][0])
        while True:
            rows = self.writer_here.query(
                f"SELECT id, count FROM {_NAME} WHERE id > ? AND id <= ? ORDER BY id LIMIT 200", (after, until)
            )
            if not rows:
                return
            with self.writer_there.transaction():
                self.writer_there.insert(_NAME, ("id", "count"), iter(rows))
            after = int(rows[-1][0])
            step()

    def follow(self, position: int) -> int:
        """Bring every row that the log names after `position` over as it is now; how many."""
        log = self.writer_here.query(f"SELECT DISTINCT id FROM {_NAME}_log WHERE seq > ?", (position,))
        with self.writer_there.transaction():
            for (key,) in log:
                self.writer_there.execute(f"DELETE FROM {_NAME} WHERE id = ?", (int(key),))
                for row in self.writer_here.query(f"SELECT id, count FROM {_NAME} WHERE id = ?", (int(key),)):
                    self.writer_there.execute(f"INSERT INTO {_NAME} (id, count) VALUES (?, ?)", tuple(map(int, row)))
        return len(log)

    def difference(self) -> dict[str, Any]:
        """Rows that are not the same on both sides."""
        sides = []
        for writer in (self.writer_here, self.writer_there):
            rows = writer.query(f"SELECT id, count FROM {_NAME}")
            sides.append({int(key): int(value) for key, value in rows})
        old, new = sides
        wrong = sorted(key for key in old.keys() | new.keys() if old.get(key) != new.get(key))
        samples = [[key, old.get(key), new.get(key)] for key in wrong[:8]]
        return {"lost": len(wrong), "rows": len(old), "samples": samples}


def lost_minutes(pair: _Pair, right: bool) -> Iterator[Emit]:
    """Curriculum 5.32: copy, then note the position, or the other way round."""
    done = 0

    def meanwhile() -> None:
        nonlocal done
        for _ in range(5):
            done += 1
            pair.write(done)

    position = pair.position() if right else None
    pair.copy(meanwhile)
    meanwhile()
    if position is None:
        position = pair.position()
    meanwhile()
    followed = pair.follow(position)
    what = "position first, then the copy" if right else "the copy first, then the position"
    yield "experiment", "lost_minutes", {
        "what": what, "right": right, "writes": done, "followed": followed, "failed": 0, **pair.difference(),
    }  # fmt: skip


def dual_write(pair: _Pair, right: bool) -> Iterator[Emit]:
    """Curriculum 5.23: the process dies between its two writes; with the log as outbox it may."""
    pair.copy(lambda: None)
    position = pair.position()
    for n in range(1, 41):
        key, value = n * 13 % _ROWS, 500 + n
        pair.writer_here.execute(f"UPDATE {_NAME} SET count = ? WHERE id = ?", (value, key))
        if right:
            continue  # the log was written in the same transaction; nothing else is needed
        if n == 20:
            continue  # here the process died: the second write never came
        pair.writer_there.execute(f"UPDATE {_NAME} SET count = ? WHERE id = ?", (value, key))
    followed = pair.follow(position) if right else 0
    what = "one write and its log" if right else "two writes, and a crash between the two of number 20"
    yield "experiment", "dual_write", {
        "what": what, "right": right, "writes": 40, "followed": followed, "failed": 0, **pair.difference(),
    }  # fmt: skip


def counts(pair: _Pair, right: bool) -> Iterator[Emit]:
    """Curriculum 5.31: counts of both sides while writes go on, or both at one position."""
    pair.copy(lambda: None)
    position, alarms, done = pair.position(), 0, 0
    for turn in range(5):
        here = pair.writer_here.query(f"SELECT count(*), sum(count) FROM {_NAME}")[0]
        if not right:
            for _ in range(6):  # between the two questions the application goes on
                done += 1
                pair.write(done)
            here_after = pair.position()
            pair.follow(position)
            position = here_after
        there = pair.writer_there.query(f"SELECT count(*), sum(count) FROM {_NAME}")[0]
        equal = [int(value) for value in here] == [int(value) for value in there]
        alarms += not equal
        yield "counted", "counts", {
            "turn": turn + 1, "old": [int(v) for v in here], "new": [int(v) for v in there], "equal": equal,
        }  # fmt: skip
        if right:  # the application writes after the comparison, and the new side is brought to that position
            for _ in range(6):
                done += 1
                pair.write(done)
            until = pair.position()
            pair.follow(position)
            position = until
    what = "both sides at one position" if right else "one side, then the other, while writes go on"
    yield "experiment", "counts", {
        "what": what, "right": right, "writes": done, "alarms": alarms, "failed": alarms, **pair.difference(),
    }  # fmt: skip


def rename(pair: _Pair, right: bool) -> Iterator[Emit]:
    """Curriculum 5.10: version 1 asks for `count`, version 2 for `amount`; on the new side."""
    pair.copy(lambda: None)
    writer, failed, asked = pair.writer_there, 0, 0
    reasons: list[str] = []

    def ask(column: str) -> None:
        nonlocal failed, asked
        for key in range(3):
            asked += 1
            try:
                rows = writer.query(f"SELECT s.{pair.new.quote(column)} FROM {_NAME} AS s WHERE id = ?", (key,))
                if rows[0][0] is None:
                    raise LookupError(f"{column} is empty in row {key}")
            except Exception as error:  # noqa: BLE001 - the drivers' own, and an empty column
                failed += 1
                reasons.append(str(error).splitlines()[0])

    old, new = pair.new.quote("count"), pair.new.quote("amount")
    ask("count")
    if right:
        writer.execute(f"ALTER TABLE {_NAME} ADD COLUMN {new} integer")
        ask("count")
        for low in range(0, _ROWS, 500):
            writer.execute(
                f"UPDATE {_NAME} SET {new} = {old} WHERE id >= ? AND id < ? AND {new} IS NULL", (low, low + 500)
            )
            ask("count")
        for column in ("count", "amount"):  # while version 2 rolls out both are asked for
            ask(column)
        writer.execute(f"ALTER TABLE {_NAME} DROP COLUMN {old}")
    else:
        writer.execute(f"ALTER TABLE {_NAME} RENAME COLUMN {old} TO {new}")
        ask("count")  # version 1 is still running
    ask("amount")
    what = "expand, backfill, roll out, contract" if right else "renamed in one step while version 1 runs"
    yield "experiment", "rename", {
        "what": what, "right": right, "writes": 0, "asked": asked, "failed": failed, "lost": 0,
        "reasons": sorted(set(reasons)),
    }  # fmt: skip


EXPERIMENTS = {"lost_minutes": lost_minutes, "dual_write": dual_write, "rename": rename, "counts": counts}


def experiment(name: str, right: bool, target: str) -> Iterator[Emit]:
    """One of the four, wrongly or rightly, with the database at `target` as the new side."""
    with tempfile.TemporaryDirectory(prefix="prayog-", ignore_cleanup_errors=True) as folder:
        pair = _Pair(open_store(f"sqlite:///{Path(folder) / 'old.sqlite'}"), open_store(target))
        with closing(pair):
            yield from EXPERIMENTS[name](pair, right)
