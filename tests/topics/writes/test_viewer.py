"""Databases of other people: any of LevelDB's options, any damage; shown as far as they can be read, never changed."""

from __future__ import annotations

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from prayog_writes.engine.database import Database
from prayog_writes.engine.disk import DiskFiles
from prayog_writes.engine.errors import DatabaseError
from prayog_writes.engine.options import Options
from prayog_writes.engine.real.other import look_into
from prayog_writes.engine.viewing import Viewer

SMALL = Options(memtable=4_000, file=4_000, base=9_000, fanout=3, trigger=2, sync="never")
Seen = list[tuple[str, dict[str, Any]]]


def looked(folder: Path) -> Seen:
    return [(kind, dict(data)) for kind, _, data in look_into(folder)]


def told(steps: Seen) -> list[str]:
    """Every sentence about damage."""
    tables = [data["damage"] for kind, data in steps if kind == "table" and data["damage"]]
    problems = [data["sentence"] for kind, data in steps if kind == "problem"]
    viewed = dict(steps)["viewed"]
    assert viewed["damaged"] == len(tables) + len(problems) + len(viewed["log_damage"])
    return [*tables, *problems, *(why for _, _, _, why in viewed["log_damage"])]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A database with several tables in two levels, and rows in its log."""
    here = tmp_path / "db"
    with Database(DiskFiles(here), SMALL) as db:
        for n in range(900):
            db.put(b"k%04d" % (n * 7919 % 500), b"value %d" % n)
        db.abandon()
    return here


def named(folder: Path, ending: str) -> Path:
    return sorted(path for path in folder.iterdir() if path.name.endswith(ending) or path.name.startswith(ending))[-1]


def test_what_is_whole_is_shown_with_every_checksum(folder: Path) -> None:
    steps = looked(folder)
    assert told(steps) == []
    viewed = dict(steps)["viewed"]
    assert viewed["blocks"] >= 5
    assert viewed["rows_in_logs"] > 0
    assert viewed["left_over"] == []


def test_a_flipped_bit_anywhere_in_a_table_is_named_and_the_rest_is_read(folder: Path) -> None:
    table = named(folder, ".ldb")
    whole, before = table.read_bytes(), dict(looked(folder))["viewed"]["rows_in_tables"]
    padding = range(len(whole) - 48, len(whole) - 8)  # behind the two handles the footer is filled up with anything
    for at in range(0, len(whole), 211):
        broken = bytearray(whole)
        broken[at] ^= 8
        table.write_bytes(broken)
        steps = looked(folder)
        if at not in padding:
            (sentence,) = told(steps)
            assert sentence.startswith(f"{table.name} is damaged at byte ")
        assert dict(steps)["viewed"]["rows_in_tables"] > before // 2
    table.write_bytes(whole)


def test_a_table_that_is_gone_or_cut_is_named(folder: Path) -> None:
    table = named(folder, ".ldb")
    data = table.read_bytes()
    table.write_bytes(data[:-100])
    assert "and the MANIFEST says" in told(looked(folder))[0]
    table.unlink()
    assert told(looked(folder)) == [f"{table.name} is missing."]


def test_a_damaged_manifest_is_shown_as_far_as_it_goes(folder: Path) -> None:
    manifest, edits = named(folder, "MANIFEST"), dict(looked(folder))["viewed"]["edits"]
    data = bytearray(manifest.read_bytes())
    data[len(data) // 2] ^= 1
    manifest.write_bytes(data)
    steps = looked(folder)
    assert 0 < dict(steps)["viewed"]["edits"] < edits
    assert any("later edits are not known" in sentence for sentence in told(steps))
    manifest.write_bytes(data[: len(data) // 2 - 1])
    assert any("later edits are not known" in sentence for sentence in told(looked(folder)))
    data[8] ^= 1
    manifest.write_bytes(data)
    with pytest.raises(DatabaseError, match=rf"{manifest.name} is damaged at byte 0"):
        looked(folder)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (b"", "it is empty"),
        (b"MANIFEST-999999\n", "it names 'MANIFEST-999999', and there is no such file"),
        (b"../secret\n", "no name of a MANIFEST"),
        (b"\xff\x00\n", "no name of a MANIFEST"),
    ],
)
def test_a_damaged_current_is_told_with_the_way_out(folder: Path, text: bytes, sentence: str) -> None:
    manifest = named(folder, "MANIFEST").name
    (folder / "CURRENT").write_bytes(text)
    with pytest.raises(DatabaseError, match=sentence) as caught:
        looked(folder)
    assert f"Here are: {manifest}" in str(caught.value)
    (folder / "CURRENT").unlink()
    with pytest.raises(DatabaseError, match=f"{manifest} is here"):
        looked(folder)


def test_a_damaged_log_is_told_and_what_is_whole_in_it_counts(folder: Path) -> None:
    log = named(folder, ".log")
    whole, rows = log.read_bytes(), dict(looked(folder))["viewed"]["rows_in_logs"]
    log.write_bytes(whole[:-4])
    steps = looked(folder)
    assert len(told(steps)) == 1
    assert dict(steps)["viewed"]["rows_in_logs"] == rows - 1
    log.write_bytes(whole + bytes(500))
    assert told(looked(folder)) == ["nothing but zeros up to the end"]


def test_files_that_nothing_needs_are_listed(folder: Path) -> None:
    for name in ("000001.log", "009999.ldb", "MANIFEST-009998"):
        (folder / name).write_bytes(b"left over")
    (folder / "²³.ldb").write_bytes(b"no number")
    assert dict(looked(folder))["viewed"]["left_over"] == ["000001.log", "009999.ldb", "MANIFEST-009998"]


def test_another_order_of_keys_is_no_damage(tmp_path: Path) -> None:
    plyvel = pytest.importorskip("plyvel", reason="LevelDB is not installed (pip install plyvel)")
    backwards = {"comparator": lambda a, b: (a < b) - (a > b), "comparator_name": b"backwards"}
    plyvel.DB(str(tmp_path), create_if_missing=True, **backwards).close()
    with pytest.raises(DatabaseError, match="orders its keys by 'backwards'"):
        looked(tmp_path)


def made_by_leveldb(folder: Path, rng: random.Random) -> dict[bytes, bytes]:
    plyvel = pytest.importorskip("plyvel", reason="LevelDB is not installed (pip install plyvel)")
    options = {
        "compression": rng.choice([None, "snappy"]), "block_size": rng.choice([64, 4_096, 65_536]),
        "block_restart_interval": rng.choice([1, 16, 100]), "bloom_filter_bits": rng.choice([0, 10]),
        "write_buffer_size": rng.choice([1 << 12, 1 << 16, 1 << 20]),
    }  # fmt: skip
    model: dict[bytes, bytes] = {}
    for _ in range(3):
        db = plyvel.DB(str(folder), create_if_missing=True, **options)
        snapshot = db.snapshot()
        for n in range(rng.randint(1, 8)):
            with db.write_batch() as batch:
                for _ in range(rng.randint(0, 400)):
                    key, value = b"k%04d" % rng.randrange(1_500), b"namaste %d " % n * rng.randint(0, 12)
                    batch.put(key, value)
                    model[key] = value
            for key in rng.sample(sorted(model), len(model) // 9):
                db.delete(key)
                del model[key]
            key, value = rng.randbytes(rng.randint(0, 30)), rng.randbytes(7) * rng.choice([1, 900, 20_000])
            db.put(key, value)
            model[key] = value
        snapshot.close()
        db.close()
    return model


@pytest.mark.parametrize("seed", range(4))
def test_leveldbs_own_folders_whole_and_damaged(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    folder, copy = tmp_path / "db", tmp_path / "copy"
    model = made_by_leveldb(folder, rng)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert told(looked(folder)) == []
    assert dict(Viewer(DiskFiles(folder)).rows()) == model
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    shutil.copytree(folder, copy)
    for name in [name for name, data in before.items() if data and not name.startswith("LO")] * 3:
        data = bytearray(before[name])
        at = rng.randrange(len(data))
        data[at] ^= 1 << rng.randrange(8)
        (copy / name).write_bytes(data)
        try:
            sentences = told(looked(copy))
        except DatabaseError as error:
            sentences = [str(error)]
        if not sentences:  # the bit was one that nobody needs
            assert dict(Viewer(DiskFiles(copy)).rows()) == model, f"{name}, byte {at}"
        (copy / name).write_bytes(before[name])


def test_a_rocksdb_folder_is_left_as_it_was_and_its_damage_is_told(tmp_path: Path) -> None:
    rocksdict = pytest.importorskip("rocksdict", reason="RocksDB is not installed (pip install rocksdict)")
    for raw in (True, False):
        folder = tmp_path / str(raw)
        db: Any = rocksdict.Rdict(str(folder), rocksdict.Options(raw_mode=raw))
        for n in range(500):
            db[b"k%04d" % n if raw else f"k{n:04d}"] = b"v"
        db.close()
        before = {path.name: path.read_bytes() for path in folder.iterdir()}
        steps = looked(folder)
        assert (dict(steps)["viewed"]["rows"], dict(steps)["viewed"]["damaged"]) == (500, 0)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
        table = named(folder, ".sst")
        data = bytearray(table.read_bytes())
        data[50] ^= 1
        table.write_bytes(data)
        assert table.name in told(looked(folder))[0]
