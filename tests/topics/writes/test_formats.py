"""The formats, byte by byte: against published values, and against LevelDB itself where it is installed."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prayog_writes.engine import bloom, snappy
from prayog_writes.engine.batch import body_of, decode, encode_put, puts_of
from prayog_writes.engine.block import decode as decode_block
from prayog_writes.engine.block import decode_all, encode, shape_of
from prayog_writes.engine.columns import Columns
from prayog_writes.engine.crc import crc32c, crc32c_by_table
from prayog_writes.engine.database import Database
from prayog_writes.engine.disk import DiskFiles
from prayog_writes.engine.edit import Edit, FileMeta, decode_edit, encode_edit
from prayog_writes.engine.files import MemoryFiles
from prayog_writes.engine.log import LogWriter, Record, records
from prayog_writes.engine.memtable import MemTable
from prayog_writes.engine.options import Options


def test_crc32c_has_the_check_value_of_rfc_3720() -> None:
    assert crc32c(b"123456789") == crc32c_by_table(b"123456789") == 0xE3069283
    assert crc32c_by_table(bytes(32)) == 0x8A9136AA  # RFC 3720, B.4
    assert crc32c_by_table(b"\xff" * 32) == 0x62A8AB43


@given(st.binary(max_size=300))
def test_both_ways_to_compute_it_agree(data: bytes) -> None:
    assert crc32c(data) == crc32c_by_table(data)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 70_000), max_size=6), st.integers(0, 32_767))
def test_a_log_gives_back_what_was_written(sizes: list[int], before: int) -> None:
    files = MemoryFiles()
    writer = LogWriter(files.create("log"))
    wanted = [bytes([n % 251]) * size for n, size in enumerate([before, *sizes])]
    for data in wanted:
        writer.add(data)
    read = list(records(files.read("log")))
    assert [item.data for item in read if isinstance(item, Record)] == wanted
    assert len(read) == len(wanted)
    assert writer.size == len(files.read("log"))


@given(st.lists(st.tuples(st.binary(max_size=200), st.none() | st.binary(max_size=200)), min_size=1, max_size=10))
def test_batches(operations: list[tuple[bytes, bytes | None]]) -> None:
    payload = (77).to_bytes(8, "little") + len(operations).to_bytes(4, "little") + body_of(operations)
    assert decode(payload) == (77, operations)
    for end in range(len(payload)):
        with pytest.raises(ValueError, match=r"batch|operation"):
            decode(payload[:end])
    assert decode(encode_put(5, b"k", b"v")[1:]) == (5, [(b"k", b"v")])


@settings(deadline=None)
@given(st.lists(st.binary(max_size=300), min_size=1, max_size=50, unique=True), st.integers(0, 300))
def test_blocks(keys: list[bytes], size: int) -> None:
    keys = sorted(keys)
    rows = Columns(keys, [n.to_bytes(8, "little") for n in range(len(keys))], [b"v" * size] * len(keys))
    (block,) = encode(rows, shape_of(rows), [0, len(rows)])
    assert decode_block(block) == rows


@settings(deadline=None)
@given(st.lists(st.binary(max_size=20), min_size=1, max_size=60, unique=True), st.integers(1, 20))
def test_a_filter_never_denies_a_key_that_is_there(keys: list[bytes], bits: int) -> None:
    assert bloom.hash_keys(keys).tolist() == [bloom.hash_key(key) for key in keys]
    offsets = np.arange(len(keys)) // 7 * 4_096
    filters = bloom.Filters(bloom.build_filters(bloom.hash_keys(keys), offsets, bits))
    assert all(filters.may_hold(bloom.hash_key(k), o) for k, o in zip(keys, offsets.tolist(), strict=True))


def test_a_filter_of_ten_bits_is_wrong_as_often_as_the_formula_says() -> None:
    keys = [b"key%08d" % n for n in range(20_000)]
    filters = bloom.Filters(bloom.build_filters(bloom.hash_keys(keys), np.zeros(len(keys), np.int64), 10))
    wrong = sum(filters.may_hold(bloom.hash_key(b"other%08d" % n), 0) for n in range(20_000)) / 20_000
    assert wrong == pytest.approx(bloom.false_positive_rate(10), rel=0.3)


def test_leveldbs_own_hash_values() -> None:
    # util/hash_test.cc of LevelDB
    assert bloom.hash_key(b"") == 0xBC9F1D34
    assert bloom.hash_key(b"\x62") == 0xEF1345C4
    assert bloom.hash_key(b"\xc3\x97") == 0x5B663814
    assert bloom.hash_key(b"\xe2\x99\xa5") == 0x323C078F
    assert bloom.hash_key(b"\xe1\x80\xb9\x32") == 0xED21633A


def test_edits() -> None:
    meta = FileMeta(9, 1234, b"a" + bytes(8), b"z" + bytes(8))
    edit = Edit(None, 7, 12, 500, ((2, meta),), ((1, 4), (2, 5)), ((1, b"k" + bytes(8)),))
    assert decode_edit(encode_edit(edit)) == edit
    assert edit.kind == "compaction"
    for end in range(1, len(encode_edit(edit))):
        try:
            decode_edit(encode_edit(edit)[:end])
        except ValueError:
            continue


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.binary(min_size=4, max_size=4), st.binary(min_size=7, max_size=7)), min_size=1, max_size=80),
    st.integers(0, 200), st.integers(1, 9),
)  # fmt: skip
def test_many_blocks_are_decoded_as_each_alone(rows: list[tuple[bytes, bytes]], size: int, each: int) -> None:
    keys = sorted({head * 2 + tail[: size % 8] for head, tail in rows})
    columns = Columns(keys, [n.to_bytes(8, "little") for n in range(len(keys))], [b"v" * size] * len(keys))
    bounds = [*range(0, len(keys), each), len(keys)]
    blocks = encode(columns, shape_of(columns), bounds)
    assert decode_all(blocks) == columns
    alone = Columns()
    for block in blocks:
        alone.extend(decode_block(block))
    assert alone == columns
    broken = [*blocks[:-1], blocks[-1][:-5] + blocks[-1][-4:]]
    with pytest.raises((ValueError, IndexError)):
        decode_all(broken)


@given(st.lists(st.sampled_from([b"a", b"namaste ", b"0123456789", b"\0" * 70, b"xyz"]) | st.binary(max_size=9)))
def test_what_snappy_compresses_comes_out_the_same(pieces: list[bytes]) -> None:
    data = b"".join(pieces) * 3
    packed = snappy.compress(data)
    assert snappy.decompress(packed) == data
    assert len(packed) <= len(data) + len(data) // 60 + 8


def test_snappy_reaches_back_as_far_as_its_format_allows() -> None:
    piece = random.Random(1).randbytes(5_000)
    for gap in (0, 40_000, 60_400, 70_000):
        data = piece + random.Random(2).randbytes(gap) + piece
        packed = snappy.compress(data)
        assert snappy.decompress(packed) == data
        assert (len(packed) < 5_500 + gap) == (gap < 65_000)


@pytest.mark.parametrize("compression", ["none", "snappy"])
def test_compressed_tables_hold_the_same_and_only_gains_are_kept(compression: Any) -> None:
    rng, options = random.Random(4), Options(memtable=40_000, file=30_000, compression=compression)
    rows = {b"k%05d" % n: b"namaste %d " % (n % 9) * 8 if n % 3 else rng.randbytes(60) for n in range(3_000)}
    with Database(MemoryFiles(), options) as db:
        db.put_many(rows.items())
        db.compact()
        assert dict(db.scan()) == rows
        assert list(db.scan(reverse=True)) == sorted(rows.items(), reverse=True)
        assert db.get(b"k00100") == rows[b"k00100"]
        assert db.verify() > 3
        size = db.version.total()
        random_rows = {b"z%05d" % n: rng.randbytes(80) for n in range(1_000)}
        db.load(sorted(random_rows.items()))
        raw = db.version.total() - size
    kept = sum(len(k) + len(v) for k, v in rows.items())
    assert (size < 0.6 * kept) == (compression == "snappy")
    assert raw > 80_000, "random bytes are not stored compressed"


def test_tables_whose_first_keys_are_prefixes_of_each_other_stay_in_order() -> None:
    with Database(MemoryFiles(), Options(file=1_000)) as db:
        keys = [b"a" + b"\0" * n for n in range(60)] + [b"a\1", b"b"]
        db.put_many((key, b"v" * 300) for key in keys)
        db.compact()
        assert len(db.version.levels[1]) >= 4
        assert [key for key, _ in db.scan()] == keys
        assert all(db.get(key) for key in keys)


def test_snappy() -> None:
    assert snappy.decompress(b"\x05\x10hello") == b"hello"
    assert snappy.decompress(bytes([8, 0, ord("a"), 0b000_011_01, 1])) == b"a" * 8
    for bad in (b"", b"\x05\x10he", b"\x08\x00a\x0d\x09"):
        with pytest.raises(ValueError, match=r"\w"):
            snappy.decompress(bad)


@pytest.mark.parametrize("compression", ["none", "snappy"])
def test_leveldb_reads_ours_and_we_read_leveldbs(tmp_path: Path, compression: Any) -> None:
    plyvel = pytest.importorskip("plyvel", reason="LevelDB is not installed (pip install plyvel)")
    rng, model = random.Random(3), {}
    theirs = plyvel.DB(str(tmp_path), create_if_missing=True, bloom_filter_bits=10, write_buffer_size=1 << 16)
    for n in range(6_000):
        key, value = b"key%05d" % rng.randrange(3_000), b"value %d " % n * rng.randrange(1, 9)
        theirs.put(key, value)  # compressed with Snappy, as LevelDB does by itself
        model[key] = value
    theirs.close()
    with Database(DiskFiles(tmp_path), Options(memtable=1 << 16, compression=compression, sync="never")) as ours:
        assert dict(ours.scan()) == model
        assert all(ours.get(key) == value for key, value in model.items())
        for n in range(6_000):
            key = b"key%05d" % rng.randrange(3_000)
            ours.put(key, b"ours %d" % n)
            model[key] = b"ours %d" % n
        ours.compact(0)
        ours.delete(b"key00001")
        model.pop(b"key00001", None)
    theirs = plyvel.DB(str(tmp_path), bloom_filter_bits=10, paranoid_checks=True)
    assert dict(theirs) == model
    assert all(theirs.get(key) == value for key, value in model.items())
    theirs.close()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 12), st.integers(0, 12), st.sets(st.integers(0, 2**24 - 1), min_size=1, max_size=300))
def test_a_memtable_is_sorted_whatever_its_keys_have_in_common(before: int, between: int, numbers: set[int]) -> None:
    table = MemTable()
    for number in numbers:
        key = b"\0" * before + bytes((number & 255,)) + b"x" * between + (number >> 8).to_bytes(2, "big")
        table.rows[key] = (number, b"")
    assert [key for part in table.sorted_parts() for key in part] == sorted(table.rows)


@given(st.integers(0, 3), st.integers(0, 200), st.lists(st.binary(min_size=5, max_size=9), min_size=1, max_size=30))
def test_rows_of_one_shape_make_the_same_batch(size: int, length: int, keys: list[bytes]) -> None:
    for some in (keys, [key[:size] for key in keys]):
        values = [bytes((n,)) * length for n in range(len(some))]
        body, count = puts_of(some, values)
        assert body == body_of(zip(some, values, strict=True))
        assert count == sum(map(len, some)) + sum(map(len, values))
