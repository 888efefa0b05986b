"""The caches stay within their bounds, keep what is used, and never change an answer."""

from __future__ import annotations

from prayog_writes.engine.blockcache import Block, BlockCache, Kept
from prayog_writes.engine.columns import Columns
from prayog_writes.engine.database import Database
from prayog_writes.engine.files import MemoryFiles
from prayog_writes.engine.options import Options


def block(number: int) -> Block:
    return Block(Columns([b"k%d" % number], [bytes(8)], [b"v"]))


def test_what_was_used_stays_and_the_rest_goes_in_its_order() -> None:
    cache, kept = BlockCache(300), Kept([None] * 10)
    for number in range(3):
        cache.add(kept, number, block(number), 100)
    first = kept[0]
    assert first is not None
    first.used = True
    for number in (3, 4):
        cache.add(kept, number, block(number), 100)
        assert sum(found is not None for found in kept) == 3
    assert [number for number, found in enumerate(kept) if found] == [0, 3, 4]
    for number in (5, 6, 7):  # one use buys one more round, not a place for ever
        cache.add(kept, number, block(number), 100)
    assert [number for number, found in enumerate(kept) if found] == [5, 6, 7]


def test_a_cache_of_nothing_keeps_nothing() -> None:
    cache, kept = BlockCache(0), Kept([None])
    cache.add(kept, 0, block(0), 100)
    assert kept == [None]


def test_the_second_get_of_a_key_needs_no_disk_and_a_tiny_cache_changes_no_answer() -> None:
    rows = {b"k%04d" % n: b"v%d" % n * 9 for n in range(2_000)}
    for capacity in (0, 5_000, 1 << 20):
        with Database(MemoryFiles(), Options(cache=capacity, file=20_000)) as db:
            db.put_many(rows.items())
            db.compact()
            for _ in range(2):
                assert all(db.get(key) == value for key, value in rows.items())
                assert db.get(b"k0500x") is None
            read = db.stats.blocks_read
            assert db.get(b"k1999") == rows[b"k1999"]
            assert (db.stats.blocks_read > read) == (capacity == 0)
