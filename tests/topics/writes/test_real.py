"""On the real disk: killed by the system, shared by threads, compared with other engines."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import prayog_writes
from prayog_sdk import manifest
from prayog_sdk.headless import run_scenario
from prayog_sdk.services import Services
from prayog_sdk.topic import Topic
from prayog_writes.engine.database import Database
from prayog_writes.engine.disk import DiskFiles
from prayog_writes.engine.errors import DatabaseError, ReadOnly
from prayog_writes.engine.files import MemoryFiles
from prayog_writes.engine.options import Options
from prayog_writes.engine.real.crashing import DAMAGES, Load, crash_peers
from prayog_writes.engine.real.optimising import DATABASES, EXPERIMENTS, experiment
from prayog_writes.engine.real.other import look_into
from prayog_writes.engine.real.parallel import ParallelDatabase
from prayog_writes.engine.real.peers import PEERS, missing, open_peer
from prayog_writes.engine.real.shared import SharedDatabase
from prayog_writes.engine.viewing import Viewer

WRITER = """
import sys
from pathlib import Path
from prayog_writes.engine.database import Database
from prayog_writes.engine.disk import DiskFiles
from prayog_writes.engine.options import Options
options = Options(memtable=4000, file=4000, base=9000, fanout=3, trigger=2, sync="never")
db = Database(DiskFiles(Path(sys.argv[1])), options)
n = 0
while True:
    db.write([(b"a%06d" % (n % 500), b"%d" % n), (b"last", b"%d" % n)])
    sys.stdout.write(f"{n}\\n")
    sys.stdout.flush()
    n += 1
"""


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX; Windows ends processes otherwise")
@pytest.mark.parametrize("lines", [1, 300, 2_500])
def test_killed_by_the_system_nothing_acknowledged_is_lost(tmp_path: Path, lines: int) -> None:
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        for _ in range(lines):
            writer.stdout.readline()
        writer.kill()
        rest = writer.stdout.read().splitlines()
    told = [int(line) for line in rest if line.isdigit()]
    acknowledged = told[-2] if len(told) > 1 else lines - 1  # the very last line may be cut in two
    with Database(DiskFiles(tmp_path), Options()) as db:
        found = dict(db.scan())
        assert db.verify() >= 0
    last = int(found.pop(b"last"))
    assert last >= acknowledged
    expected = {b"a%06d" % (n % 500): b"%d" % n for n in range(max(0, last - 499), last + 1)}
    assert found == expected, "both rows of each batch, and no later one"


def test_threads_share_their_syncs_and_lose_nothing() -> None:
    files = MemoryFiles()
    shared = SharedDatabase(files, Options(memtable=20_000, file=20_000, base=50_000, trigger=2, slowdown=4, stop=6))

    def writer(which: int) -> None:
        waiting = [shared.submit([(b"%02d-%04d" % (which, n), b"v" * 30)]) for n in range(200)]
        for ticket in waiting:
            ticket.wait()

    threads = [threading.Thread(target=writer, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    syncs = shared.db.stats.syncs
    assert shared.get(b"03-0100") == b"v" * 30
    disk = files.image.after_power_failure()  # everything was acknowledged, so everything is safe
    shared.close()
    assert syncs < 1_600
    with Database(MemoryFiles(disk), Options()) as db:
        assert sum(1 for _ in db.scan()) == 1_600
    with pytest.raises(DatabaseError, match="closed"):
        shared.put(b"a", b"b")


def test_an_error_reaches_every_writer() -> None:
    shared = SharedDatabase(MemoryFiles(capacity=3_000), Options(memtable=1 << 20))
    tickets = [shared.submit([(b"%04d" % n, b"v" * 50)]) for n in range(200)]
    with pytest.raises(DatabaseError, match="disk is full"):
        tickets[-1].wait()
    shared.close()


def test_a_second_process_compacts_and_the_rows_are_the_same(tmp_path: Path) -> None:
    options = Options(memtable=20_000, file=10_000, base=40_000, fanout=3, trigger=2, stop=4, sync="never")
    model: dict[bytes, bytes] = {}
    with ParallelDatabase(DiskFiles(tmp_path), options) as db:
        for low in range(0, 20_000, 50):
            batch = [(b"k%05d" % (n * 7919 % 1_500), b"v%d" % n) for n in range(low, low + 50)]
            db.put_many(batch)
            model.update(batch)
            if low % 4_000 == 0:
                assert dict(db.scan()) == model
        assert db.stats.compactions > 1
        db.delete(b"k00000")
        model.pop(b"k00000")
        db.compact()
        assert len(db.version.levels[0]) == 0
        db.load([(b"z%05d" % n, b"loaded") for n in range(500)])
        model |= {b"z%05d" % n: b"loaded" for n in range(500)}
    with Database(DiskFiles(tmp_path), options) as db:
        assert dict(db.scan()) == model


def test_when_the_second_process_dies_it_is_told_and_nothing_is_lost(tmp_path: Path) -> None:
    options = Options(memtable=20_000, file=10_000, trigger=2, stop=3, sync="never")
    db = ParallelDatabase(DiskFiles(tmp_path), options)
    db._process.kill()
    model = {b"k%05d" % n: b"v" * 20 for n in range(5_000)}
    told = ""
    try:
        for key, value in model.items():
            db.put(key, value)
    except DatabaseError as error:
        told = str(error)
    assert "has died" in told
    with pytest.raises(ReadOnly, match="has died"):
        db.put(b"a", b"b")
    db.close()
    with Database(DiskFiles(tmp_path), options) as again:
        found = dict(again.scan())
        assert found.items() <= model.items()
        assert len(found) > 300


@pytest.mark.parametrize("name", PEERS)
def test_every_engine_holds_the_same(name: str, tmp_path: Path) -> None:
    if why := missing(name):
        pytest.skip(why)
    peer = open_peer(name, tmp_path, False, replace(Options(), memtable=1 << 16, sync="never"))
    model: dict[bytes, bytes] = {}
    for n in range(3_000):
        key = b"k%04d" % (n * 7919 % 700)
        value = None if n % 5 == 0 else b"v%d" % n
        peer.write([(key, value)])
        model.pop(key, None)
        if value is not None:
            model[key] = value
    assert list(peer.rows()) == sorted(model.items())
    assert peer.get(b"k0001") == model.get(b"k0001")
    peer.close()


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    folder = tmp_path_factory.mktemp("services")
    for place in (folder, folder.parent, folder.parent.parent):  # as root, a server runs as somebody else
        place.chmod(0o711)
    here = Services(folder, environ={})
    yield here
    here.close()


@pytest.mark.parametrize("database", DATABASES)
@pytest.mark.parametrize("name", EXPERIMENTS)
def test_each_optimisation_tells_gain_and_cost(name: str, database: str, services: Services, tmp_path: Path) -> None:
    ((kind, node, data),) = experiment(name, database, tmp_path, 60, services)
    if kind == "absent":
        pytest.skip(str(data["sentence"]))
    assert (kind, node, data["on"]) == ("experiment", name, database)
    assert data["plain_us"] > 0
    assert data["cost"]
    figures = data["figures"]
    match name:
        case "batch" if database == "PostgreSQL":
            assert figures["fsyncs_better"] <= 2
            assert figures["fsyncs_plain"] >= 60
        case "no_wait":
            assert figures["unsafe_bytes"] > 0
        case "cache":
            assert figures["stale"] == 1
        case "replica":
            assert figures["rows_behind_then"] == 0
        case "view":
            assert (figures["stale"], figures["fresh_then"]) == (1, 1)
        case "denormalise":
            assert figures["rows_rewritten"] > 1
    assert not list(tmp_path.iterdir()), "nothing is left behind"


def test_a_database_that_is_not_there_is_told(tmp_path: Path) -> None:
    ((kind, node, data),) = experiment("batch", "PostgreSQL", tmp_path, 60, None)
    assert (kind, node) == ("absent", "batch")
    assert "PostgreSQL" in data["sentence"]


def test_a_crash_of_other_engines_is_told_damage_by_damage(tmp_path: Path) -> None:
    names = tuple(name for name in ("prayog", "leveldb") if not missing(name))
    load = Load(300, 1, 100, False, Options(sync="never"))
    found = {(node, data.get("damage")): data for _, node, data in crash_peers(tmp_path, load, names)}
    for name in names:
        assert found[name, None]["acknowledged"] == 300
        assert (found[name, "none"]["survived"], found[name, "none"]["lost"]) == (300, 0)
        assert (found[name, "cut"]["survived"], found[name, "cut"]["prefix"]) == (299, True)
        assert 0 < found[name, "flip"]["survived"] < 300
        assert all(found[name, damage]["opens"] for damage in DAMAGES)
    ours = found["prayog", "flip"]
    assert ours["prefix"]
    assert ours["at"] == found["prayog", None]["bytes"] // 2
    assert not list(tmp_path.iterdir())


def test_an_engine_that_refuses_its_damaged_files_is_told_with_its_sentence(tmp_path: Path) -> None:
    load = Load(100, 1, 100, False, Options(sync="never", mode="absolute consistency"))
    found = {data.get("damage"): data for _, _, data in crash_peers(tmp_path, load, ("prayog",))}
    assert (found["cut"]["opens"], found["cut"]["survived"], found["cut"]["lost"]) == (False, 0, 100)
    assert "absolute consistency" in found["cut"]["sentence"]
    assert found["none"]["opens"]


def opened(folder: Path) -> list[tuple[str, dict[str, object]]]:
    return [(kind, dict(data)) for kind, _, data in look_into(folder)]


def test_a_folder_of_somebody_else_is_shown_and_not_touched(tmp_path: Path) -> None:
    with Database(DiskFiles(tmp_path), Options(memtable=4_000, file=4_000, base=9_000, fanout=3, trigger=2)) as db:
        for n in range(900):
            db.put(b"k%04d" % (n % 400), b"v%d" % n)
        truth, edits = dict(db.scan()), db.edits
        db.abandon()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    steps = opened(tmp_path)
    assert dict(Viewer(DiskFiles(tmp_path)).rows()) == truth
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    assert sum(kind == "edit" for kind, _ in steps) == edits
    assert not any(data.get("damage") for _, data in steps)
    table = next(path for path in tmp_path.iterdir() if path.suffix == ".ldb")
    data = bytearray(table.read_bytes())
    data[100] ^= 1
    table.write_bytes(bytes(data))
    damaged = [str(data["damage"]) for kind, data in opened(tmp_path) if kind == "table" and data["damage"]]
    assert len(damaged) == 1
    assert table.name in damaged[0]


def test_a_folder_that_is_no_database_is_told(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match="CURRENT"):
        opened(tmp_path)


def test_a_rocksdb_folder_is_shown_through_its_own_library(tmp_path: Path) -> None:
    rocksdict = pytest.importorskip("rocksdict", reason="RocksDB is not installed (pip install rocksdict)")
    db = rocksdict.Rdict(str(tmp_path), rocksdict.Options(raw_mode=True))
    for n in range(500):
        db[b"k%04d" % n] = b"v"
    db.flush()
    db.close()
    steps = dict(opened(tmp_path))
    assert steps["viewed"]["rows_in_tables"] == 500


@pytest.mark.parametrize("name", ["real_disk", "real_engines"])
def test_scenarios_on_the_real_disk_hold(name: str, tmp_path: Path) -> None:
    topic = Topic.load(manifest.read_folder(Path(prayog_writes.__file__).parent, "built-in"))
    services = Services(tmp_path, environ={})
    result = run_scenario(topic, topic.scenario(name), services=services)
    services.close()
    assert result.ok, [check for check in result.checks if not check.ok]
