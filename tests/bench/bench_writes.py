"""Speed of the topic `writes` against the engines people use, as ratios taken in one run.

    python tests/bench/bench_writes.py [--quick]

Peers, each where it is installed: plyvel (LevelDB), rocksdict (RocksDB), lmdb, sqlite3.  All get the same rows: keys of
16 random bytes, values of 100 bytes, nothing synced unless it says so, no compression.  Contenders take turns, the
median of five rounds counts, and contents are compared.  A ratio is the peer's time divided by ours; a missed target is
printed as MISSED.  "Warm" reads of ours come from a cache of rows of 128 MiB, which RocksDB has too and LevelDB has
not; the same reads without it are printed beside.
Ours keeps decoded blocks of up to 128 MiB during reads and scans,
so everything read here is in memory, while LevelDB has its own block cache of 8 MiB and the system's.  `put` and
`put_many` alone are measured with memtables of 1 GiB on both sides, so that nothing is flushed.
"Sustained" are random overwrites, three for each row and each key twice, until the last one returns, with flushes,
filters and leveled compaction.  LevelDB compacts in a thread with a core of its own; ours does in a second process
(`engine.real.parallel`), and beside it stands what it takes when the caller does everything.
Seconds differ between machines and moments; ratios less, but for the sustained ones: they need two free cores.
"""

from __future__ import annotations

import random
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from prayog_writes.engine.compaction import CompactionJob
from prayog_writes.engine.database import Database
from prayog_writes.engine.disk import DiskFiles
from prayog_writes.engine.options import Options
from prayog_writes.engine.real.parallel import ParallelDatabase
from prayog_writes.engine.real.shared import SharedDatabase

ROUNDS = 5
missed: list[str] = []


def seconds(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def line(what: str, value: float, target: float | None, text: str, low: bool = False) -> None:
    """One figure, and whether its target is met (`low`: at most, else at least)."""
    verdict = ""
    if target is not None:
        met = value <= target if low else value >= target
        verdict = f"  target {'≤' if low else '≥'} {target:g}: {'met' if met else 'MISSED'}"
        if not met:
            missed.append(f"{what}: {value:.2f} of {target:g}")
    print(f"  {what:<46} {value:8.2f}  {text}{verdict}")


def race(what: str, rows: int, contenders: dict[str, Callable[[], float]], targets: dict[str, float | None]) -> None:
    """Contenders in turn; `ours` is compared with each other one that is here."""
    times: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS):
        for name, run in contenders.items():
            times[name].append(run())
    ours = statistics.median(times["ours"])
    for name, taken in times.items():
        if name != "ours":
            theirs = statistics.median(taken)
            text = f"({1e6 * ours / rows:.2f} µs a row against {1e6 * theirs / rows:.2f})"
            line(f"{what} / {name}", theirs / ours, targets.get(name), text)


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="bench-writes-") as name:
        yield Path(name)


def make_ours(where: Path, **changes: Any) -> Database:
    return Database(DiskFiles(where), Options(**{"sync": "never", **changes}))


def make_parallel(where: Path) -> Database:
    return ParallelDatabase(DiskFiles(where), Options(sync="never"))


def make_leveldb(where: Path, **changes: Any) -> Any:
    import plyvel

    options = {"write_buffer_size": 4 << 20, "bloom_filter_bits": 10, "compression": None, **changes}
    return plyvel.DB(str(where), create_if_missing=True, **options)


def rocks_options(statistics_too: bool = False) -> Any:
    import rocksdict

    chosen = rocksdict.Options(raw_mode=True)
    chosen.create_if_missing(True)
    chosen.set_write_buffer_size(4 << 20)
    chosen.set_target_file_size_base(2 << 20)
    chosen.set_max_bytes_for_level_base(10 << 20)
    chosen.set_max_bytes_for_level_multiplier(10)
    chosen.set_compression_type(rocksdict.DBCompressionType.none())
    if statistics_too:
        chosen.set_level_compaction_dynamic_level_bytes(False)
        chosen.enable_statistics()
    return chosen


def writes(keys: list[bytes], value: bytes) -> None:
    """Puts and batches without flushes, then sustained overwrites with all that follows."""
    items = [(key, value) for key in keys]
    batches = [items[low : low + 1000] for low in range(0, len(items), 1000)]
    rng = random.Random(7)
    some = [rng.randbytes(16) for _ in range(3 * len(keys) // 2)]
    overwrites = [rng.choice(some) for _ in range(2 * len(some))]
    groups = [[(key, value) for key in overwrites[low : low + 1000]] for low in range(0, len(overwrites), 1000)]

    def timed(make: Callable[[Path], Any], work: Callable[[Any], None]) -> Callable[[], float]:
        def run() -> float:
            with folder() as where:
                db = make(where)
                taken = seconds(lambda: work(db))
                if isinstance(db, Database) and work in (rewrites, many_rewrites):
                    assert sum(1 for _ in db.rows()) == len(set(overwrites))
                db.close()
            return taken

        return run

    def puts(db: Any) -> None:
        put = db.put
        for key in keys:
            put(key, value)

    def rewrites(db: Any) -> None:
        put = db.put
        for key in overwrites:
            put(key, value)

    def many_rewrites(db: Database) -> None:
        for group in groups:
            db.put_many(group)

    def many(db: Database) -> None:
        for batch in batches:
            db.put_many(batch)

    def many_leveldb(db: Any) -> None:
        for batch in batches:
            with db.write_batch() as group:
                put = group.put
                for key, row in batch:
                    put(key, row)

    large = {"memtable": 1 << 30}
    rows = len(keys)
    race("put", rows, {
        "ours": timed(lambda w: make_ours(w, **large), puts),
        "plyvel": timed(lambda w: make_leveldb(w, write_buffer_size=1 << 30), puts),
    }, {"plyvel": 1.0})  # fmt: skip
    race("put_many(1000)", rows, {
        "ours": timed(lambda w: make_ours(w, **large), many),
        "plyvel": timed(lambda w: make_leveldb(w, write_buffer_size=1 << 30), many_leveldb),
    }, {"plyvel": 2.5})  # fmt: skip
    rows = len(overwrites)
    race("sustained put, compaction beside", rows, {
        "ours": timed(make_parallel, rewrites), "plyvel": timed(make_leveldb, rewrites),
    }, {"plyvel": 0.6})  # fmt: skip
    race("sustained put_many, against put", rows, {
        "ours": timed(make_parallel, many_rewrites), "plyvel": timed(make_leveldb, rewrites),
    }, {"plyvel": 1.0})  # fmt: skip
    race("sustained put, all in the caller", rows, {
        "ours": timed(make_ours, rewrites), "plyvel": timed(make_leveldb, rewrites),
    }, {})  # fmt: skip
    race("sustained put_many, all in the caller", rows, {
        "ours": timed(make_ours, many_rewrites), "plyvel": timed(make_leveldb, rewrites),
    }, {})  # fmt: skip


def reads(keys: list[bytes], value: bytes) -> None:
    """Hits, misses, many at once and full scans on one filled database each."""
    rng = random.Random(2)
    asked = rng.sample(keys, min(20_000, len(keys)))
    absent = [rng.randbytes(16) for _ in asked]
    groups = [asked[low : low + 1000] for low in range(0, len(asked), 1000)]
    with folder() as where:
        ours = make_ours(where / "ours", row_cache=128 << 20, cache=64 << 20)
        plain = make_ours(where / "plain", cache=128 << 20)
        (where / "theirs").mkdir()
        theirs = make_leveldb(where / "theirs")
        for low in range(0, len(keys), 1000):
            batch = [(key, value) for key in keys[low : low + 1000]]
            ours.put_many(batch)
            plain.put_many(batch)
            for key, _ in batch:
                theirs.put(key, value)
        for db in (ours, plain):
            db.compact()
        theirs.compact_range()
        assert list(ours.scan()) == list(theirs) == list(plain.scan())

        def gets(db: Any, some: list[bytes]) -> Callable[[], float]:
            def run() -> float:
                get = db.get
                return seconds(lambda: [get(key) for key in some])

            return run

        gets(ours, asked)(), gets(plain, asked)()  # warm up
        race("get, warm (row cache)", len(asked), {"ours": gets(ours, asked), "plyvel": gets(theirs, asked)},
             {"plyvel": 1.0})  # fmt: skip
        race(
            "get, warm (block cache only)", len(asked), {"ours": gets(plain, asked), "plyvel": gets(theirs, asked)}, {}
        )
        race("get, absent", len(asked), {"ours": gets(plain, absent), "plyvel": gets(theirs, absent)}, {"plyvel": 0.5})
        race("full scan", len(keys), {
            "ours": lambda: seconds(lambda: sum(1 for _ in plain.scan())),
            "plyvel": lambda: seconds(lambda: sum(1 for _ in theirs)),
        }, {"plyvel": 1.0})  # fmt: skip
        if find_spec("rocksdict"):
            import rocksdict

            rocks = rocksdict.Rdict(str(where / "rocks"), rocks_options())
            for key in keys:
                rocks.put(key, value)
            rocks.flush()
            race("multi_get(1000), warm (row cache)", len(asked), {
                "ours": lambda: seconds(lambda: [ours.multi_get(group) for group in groups]),
                "rocksdict": lambda: seconds(lambda: [rocks[group] for group in groups]),
            }, {"rocksdict": 3.0})  # fmt: skip
            race("multi_get(1000), warm (block cache only)", len(asked), {
                "ours": lambda: seconds(lambda: [plain.multi_get(group) for group in groups]),
                "rocksdict": lambda: seconds(lambda: [rocks[group] for group in groups]),
            }, {})  # fmt: skip
            rocks.close()
        for db in (ours, plain, theirs):
            db.close()


def loads(keys: list[bytes], value: bytes) -> None:
    """Bulk load of sorted rows against writing and ingesting an SST file."""
    if not find_spec("rocksdict"):
        return
    import rocksdict

    items = [(key, value) for key in sorted(set(keys))]

    def ours() -> float:
        with folder() as where:
            db = make_ours(where)
            taken = seconds(lambda: db.load(items))
            db.close()
        return taken

    def theirs() -> float:
        with folder() as where:
            db = rocksdict.Rdict(str(where / "db"), rocks_options())

            def work() -> None:
                writer = rocksdict.SstFileWriter(options=rocks_options())
                writer.open(str(where / "rows.sst"))
                for key, row in items:
                    writer[key] = row
                writer.finish()
                db.ingest_external_file([str(where / "rows.sst")])

            taken = seconds(work)
            db.close()
        return taken

    race("bulk load", len(items), {"ours": ours, "rocksdict": theirs}, {"rocksdict": 0.5})


def compaction(keys: list[bytes], value: bytes) -> None:
    """Megabytes of input and output a second of one merge of everything, and write amplification beside RocksDB's."""
    with folder() as where:
        db = make_ours(where, policy="none", memtable=2 << 20)
        for key in keys:
            db.put(key, value)
        db.flush()
        pick = db.picked(None)
        assert pick is not None
        job = CompactionJob(db, pick)
        taken = seconds(lambda: db.do(job))
        line("compaction, MB/s read and written", (job.reads + job.writes) / taken / 1e6, 60, "on one core")
        line("compaction, MB/s of input", job.reads / taken / 1e6, None, "")
        db.close()
    rounds = [keys[n % (len(keys) // 3)] for n in random.Random(5).sample(range(3 * len(keys)), 3 * len(keys))]
    with folder() as where:
        db = make_ours(where)
        for low in range(0, len(rounds), 100):
            db.put_many([(key, value) for key in rounds[low : low + 100]])
        db.flush()
        db.work()
        mine = db.stats.write_amplification() or 0.0
        db.close()
    text = "flush and compaction, without the log"
    line("write amplification, leveled", mine, None, text)
    if find_spec("rocksdict"):
        import rocksdict

        with folder() as where:
            chosen = rocks_options(statistics_too=True)
            rocks = rocksdict.Rdict(str(where), chosen)
            for key in rounds:
                rocks.put(key, value)
            rocks.flush()
            time.sleep(1.0)  # its compactions run in the background
            told = chosen.get_statistics()
            wrote = sum(
                int(re.search(rf"rocksdb\.{name}\.write\.bytes COUNT : (\d+)", told)[1])  # type: ignore[index]
                for name in ("flush", "compact")
            )
            theirs = wrote / (len(rounds) * (len(keys[0]) + len(value)))
            rocks.close()
        line("write amplification, RocksDB", theirs, None, text)
        line("difference of the two, %", 100 * abs(mine / theirs - 1), 15, "", low=True)


def group_commit() -> None:
    """Acknowledged writes for each fsync, with 32 writers that each have 16 writes on their way."""
    with folder() as where:
        shared = SharedDatabase(DiskFiles(where), Options(sync="always"))
        before = shared.db.stats.syncs

        def writer(which: int) -> None:
            waiting = []
            for n in range(400):
                waiting.append(shared.submit([(b"%02d%06d" % (which, n), b"v" * 100)]))
                if len(waiting) >= 16:
                    waiting.pop(0).wait()
            for ticket in waiting:
                ticket.wait()

        threads = [threading.Thread(target=writer, args=(n,)) for n in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        fsyncs = shared.db.stats.syncs - before
        shared.close()
    line("acknowledged writes for each fsync, 32 writers", 12_800 / fsyncs, 200, f"({fsyncs} fsyncs)")


def main() -> int:
    rng = random.Random(1)
    rows = 40_000 if "--quick" in sys.argv else 200_000
    keys, value = [rng.randbytes(16) for _ in range(rows)], rng.randbytes(100)
    print(f"{rows:,} rows of 116 bytes; ratios above 1 mean that ours is quicker")
    if find_spec("plyvel"):
        writes(keys, value)
        reads(keys, value)
    else:
        print("  plyvel is not installed: pip install plyvel")
    loads(keys, value)
    compaction(keys, value)
    group_commit()
    print("\n".join(["", *(f"MISSED {text}" for text in missed)]) if missed else "\nevery target is met")
    return 0


if __name__ == "__main__":
    sys.exit(main())
