"""The database against a dict: whatever is done in whatever order, it holds the same."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_writes.engine.database import Database, Snapshot
from prayog_writes.engine.errors import DatabaseError
from prayog_writes.engine.files import MemoryFiles
from prayog_writes.engine.options import POLICIES, Options

KEYS = st.one_of(
    st.sampled_from([b"", b"a", b"a\0", b"a\0\0", b"ab", b"b", b"\xff", b"\xff\xff"]),
    st.binary(max_size=3),
    st.integers(0, 40).map(lambda n: b"key%03d" % n),
)
VALUES = st.one_of(st.binary(max_size=6), st.integers(0, 300).map(lambda n: b"x" * n))
STEPS = st.one_of(
    st.tuples(st.just("put"), KEYS, VALUES),
    st.tuples(st.just("delete"), KEYS),
    st.tuples(st.just("many"), st.lists(st.tuples(KEYS, VALUES), max_size=8)),
    st.tuples(st.just("get"), KEYS),
    st.tuples(st.just("scan"), KEYS, KEYS),
    st.tuples(st.just("walk"), KEYS, st.lists(st.booleans(), max_size=6)),
    st.tuples(st.just("flush")),
    st.tuples(st.just("compact"), st.sampled_from([None, 0, 1, 2])),
    st.tuples(st.just("snapshot")),
    st.tuples(st.just("release")),
    st.tuples(st.just("reopen")),
)


def the_same(db: Database, model: dict[bytes, bytes], snapshot: Snapshot | None = None) -> None:
    assert list(db.scan(snapshot=snapshot)) == sorted(model.items())
    assert list(db.scan(snapshot=snapshot, reverse=True)) == sorted(model.items(), reverse=True)


def walk(db: Database, model: dict[bytes, bytes], key: bytes, moves: list[bool]) -> None:
    """Move a cursor to and fro, and a place in the sorted keys with it."""
    keys = sorted(model)
    place = bisect_left(keys, key)
    with db.cursor() as cursor:
        cursor.seek(key)
        for forwards in moves:
            assert cursor.valid == (0 <= place < len(keys))
            if not cursor.valid:
                break
            assert (cursor.key, cursor.value) == (keys[place], model[keys[place]])
            if forwards:
                cursor.next()
                place += 1
            else:
                cursor.prev()
                place -= 1
        cursor.seek_for_prev(key)
        place = bisect_right(keys, key) - 1
        assert cursor.valid == (place >= 0)
        assert not cursor.valid or cursor.key == keys[place]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(STEPS, max_size=60),
    st.sampled_from([name for name in POLICIES if name != "FIFO"]),
    st.sampled_from([0, 10]),
    st.booleans(),
)
def test_it_holds_what_a_dict_holds(steps: list[tuple], policy: str, bits: int, rows: bool) -> None:  # type: ignore[type-arg]
    files = MemoryFiles()
    options = Options(
        memtable=300, file=400, base=800, fanout=2, trigger=2, bits=bits, policy=policy, cache=2_000,
        row_cache=1_000 if rows else 0,
    )  # fmt: skip
    db, model = Database(files, options), dict[bytes, bytes]()
    held: list[tuple[Snapshot, dict[bytes, bytes]]] = []
    for step in steps:
        match step:
            case ("put", key, value):
                db.put(key, value)
                model[key] = value
            case ("delete", key):
                db.delete(key)
                model.pop(key, None)
            case ("many", items):
                db.put_many(items)
                model.update(items)
            case ("get", key):
                assert db.get(key) == model.get(key)
                assert db.multi_get([key, b"a"]) == [model.get(key), model.get(b"a")]
                for snapshot, then in held:
                    assert db.get(key, snapshot) == then.get(key)
            case ("scan", low, high):
                wanted = sorted((k, v) for k, v in model.items() if low <= k < high)
                assert list(db.scan(low, high)) == wanted
                assert list(db.scan(low, high, reverse=True)) == wanted[::-1]
            case ("walk", key, moves):
                walk(db, model, key, moves)
            case ("flush",):
                db.flush()
            case ("compact", level):
                db.compact(level)
            case ("snapshot",):
                held.append((db.snapshot(), dict(model)))
            case ("release",) if held:
                held.pop(0)[0].release()
            case ("reopen",):
                held.clear()
                db.close()
                db = Database(files, options)
        for snapshot, then in held[:2]:
            the_same(db, then, snapshot)
    the_same(db, model)
    db.verify()
    db.close()


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=40), st.dictionaries(KEYS, VALUES, min_size=1, max_size=40))
def test_bulk_load_is_the_newest_write(before: dict[bytes, bytes], loaded: dict[bytes, bytes]) -> None:
    with Database(MemoryFiles(), Options(file=300)) as db:
        db.put_many(before.items())
        assert db.load(sorted(loaded.items())) == len(loaded)
        the_same(db, before | loaded)
        db.put(b"a", b"after")
        the_same(db, before | loaded | {b"a": b"after"})
        db.compact()
        the_same(db, before | loaded | {b"a": b"after"})


def test_an_iterator_sees_the_moment_it_was_made() -> None:
    with Database(MemoryFiles(), Options(memtable=2_000, file=2_000, trigger=2)) as db:
        db.put_many((b"%04d" % n, b"old") for n in range(200))
        db.flush()
        rows = db.scan()
        first = [next(rows) for _ in range(10)]
        db.put_many((b"%04d" % n, b"new") for n in range(200))
        db.compact()
        assert [*first, *rows] == [(b"%04d" % n, b"old") for n in range(200)]


def test_tables_stay_as_long_as_a_scan_needs_them_and_no_longer() -> None:
    files = MemoryFiles()
    with Database(files, Options(memtable=2_000, file=2_000, trigger=2)) as db:
        db.put_many((b"%04d" % n, b"old") for n in range(600))
        db.compact()
        begun, untouched = db.scan(), db.scan(reverse=True)
        first = next(begun)
        db.put_many((b"%04d" % n, b"new") for n in range(600))
        db.compact()
        live = {meta.number for _, meta in db.version.files()}
        assert len([name for name in files.names() if name.endswith(".ldb")]) > len(live)
        assert [first, *begun] == [(b"%04d" % n, b"old") for n in range(600)]
        assert next(untouched) == (b"0599", b"old")
        del untouched  # half read and thrown away
        assert {int(name[:6]) for name in files.names() if name.endswith(".ldb")} == live


def test_a_cursor_sees_the_moment_it_was_made_and_goes_both_ways() -> None:
    with Database(MemoryFiles(), Options(memtable=2_000, file=2_000, trigger=2)) as db:
        db.put_many((b"%04d" % n, b"old") for n in range(200))
        with db.cursor() as cursor:
            with pytest.raises(DatabaseError, match="no row"):
                cursor.key  # noqa: B018 - it raises
            cursor.seek_to_last()
            db.put_many((b"%04d" % n, b"new") for n in range(400))
            db.compact()
            seen = []
            while cursor.valid:
                seen.append((cursor.key, cursor.value))
                cursor.prev()
            assert seen == [(b"%04d" % n, b"old") for n in reversed(range(200))]
            cursor.seek(b"0100x")
            assert cursor.key == b"0101"
            cursor.prev()
            cursor.next()
            assert cursor.key == b"0101"
            cursor.seek_to_first()
            assert cursor.key == b"0000"
        assert db.snapshots() == [], "the cursor gave its snapshot back"
        assert [key for key, _ in db.scan(b"0100", b"0103", reverse=True)] == [b"0102", b"0101", b"0100"]


def test_fifo_drops_the_oldest_table_and_nothing_else() -> None:
    options = Options(memtable=2_000, policy="FIFO", fifo=8_000)
    with Database(MemoryFiles(), options) as db:
        for n in range(1_000):
            db.put(b"%06d" % n, b"v" * 20)
        left = [int(key) for key, _ in db.scan()]
        assert left == list(range(left[0], 1_000))
        assert left[0] > 0
        assert db.version.total() < 11_000


def test_tombstones_stay_while_something_older_lies_below() -> None:
    with Database(MemoryFiles(), Options(policy="none", trigger=100)) as db:
        db.put(b"k", b"old")
        db.put(b"m", b"old")
        db.compact()  # everything to L1
        db.delete(b"k")
        db.put(b"a", b"1")
        db.compact(0)  # L0 into L1: nothing is older than L1
        assert db.stats.dropped_tombstones == 1
        assert dict(db.scan()) == {b"a": b"1", b"m": b"old"}
        db.compact(1)  # to L2
        db.delete(b"m")
        db.put(b"b", b"2")
        db.compact(0)  # to L1, with m below in L2
        assert sum(meta.tombstones for _, meta in db.version.files()) == 1
        assert db.get(b"m") is None
        db.compact()
        assert sum(meta.tombstones for _, meta in db.version.files()) == 0
