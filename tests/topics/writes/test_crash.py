"""Killed at every moment: what is recovered is a prefix of what was asked, and holds all that was acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from prayog_sim.rng import Rng
from prayog_writes.engine.batch import Operation
from prayog_writes.engine.database import Database
from prayog_writes.engine.errors import Corruption, DatabaseError, DiskFull, ReadOnly
from prayog_writes.engine.files import MemoryFiles, replayed
from prayog_writes.engine.options import MODES, Options

SMALL = Options(memtable=700, file=900, base=2_000, fanout=3, trigger=2, sync="always")
State = dict[bytes, bytes]


def batches(count: int, seed: int = 1) -> list[list[Operation]]:
    rng = Rng.derive(seed, "batches")
    made: list[list[Operation]] = []
    for number in range(count):
        batch: list[Operation] = []
        for _ in range(rng.randint(1, 3)):
            key = b"k%02d" % rng.randint(0, 30)
            batch.append((key, None if rng.random() < 0.2 else b"v%d" % number * rng.randint(1, 6)))
        made.append(batch)
    return made


def states(made: list[list[Operation]]) -> list[State]:
    """The contents after each number of batches."""
    now: State = {}
    after = [dict(now)]
    for batch in made:
        for key, value in batch:
            if value is None:
                now.pop(key, None)
            else:
                now[key] = value
        after.append(dict(now))
    return after


def played(options: Options, made: list[list[Operation]]) -> tuple[MemoryFiles, list[int]]:
    """The disk with its journal, and how many changes it had seen when each batch was acknowledged."""
    files = MemoryFiles(journal=True)
    acknowledged = []
    with Database(files, options) as db:
        for batch in made:
            db.write(batch)
            acknowledged.append(len(files.changes))
        db.compact()
    return files, acknowledged


def contents(files: dict[str, bytes], options: Options) -> State:
    with Database(MemoryFiles(files), options) as db:
        return dict(db.scan())


def worst(image: Any) -> Iterator[tuple[str, dict[str, bytes]]]:
    yield "killed", image.after_kill()
    yield "power", image.after_power_failure()
    yield "power, torn", image.after_power_failure(torn=0.5, names_kept=True)


def judge(options: Options, made: list[list[Operation]], every: int = 1) -> tuple[int, list[str]]:
    """Kill at every change; returns how many states were opened, and what was wrong."""
    files, acknowledged = played(options, made)
    after = states(made)
    wrong, tried = [], 0
    for count, image in replayed(files.changes):
        if count % every:
            continue
        known = sum(moment <= count for moment in acknowledged)
        for how, disk in worst(image):
            tried += 1
            try:
                found = contents(disk, options)
            except DatabaseError as error:
                wrong.append(f"{how} after change {count}: {error}")
                continue
            # The batch that was being written may be there or not; nothing else.
            least = known if options.sync == "always" or how == "killed" else 0
            if found not in after[least : known + 2]:
                wrong.append(f"{how} after change {count}: not one of the states {least} … {known + 1}")
    return tried, wrong


@pytest.mark.parametrize("policy", ["leveled", "size-tiered", "major"])
def test_nothing_acknowledged_is_lost_whenever_it_is_killed(policy: str) -> None:
    options = Options(memtable=700, file=900, base=2_000, fanout=3, trigger=2, policy=policy)
    tried, wrong = judge(options, batches(130))
    assert not wrong, wrong[:3]
    assert tried > 1_000


@pytest.mark.parametrize("sync", ["every", "never"])
def test_without_sync_a_prefix_is_recovered(sync: Any) -> None:
    options = Options(memtable=700, file=900, base=2_000, fanout=3, trigger=2, sync=sync, every_us=10**9)
    tried, wrong = judge(options, batches(60))
    assert not wrong, wrong[:3]
    assert tried > 300


def test_the_log_cut_at_every_byte() -> None:
    made = batches(70)
    files = MemoryFiles()
    ends = []
    db = Database(files, Options(sync="always"))
    log = db.memtable.log
    for batch in made:
        db.write(batch)
        ends.append(db.log.size)
    db.abandon()
    disk, name = files.image.after_kill(), f"{log:06d}.log"
    after = states(made)
    for cut in range(len(disk[name]) + 1):
        found = contents({**disk, name: disk[name][:cut]}, SMALL)
        assert found == after[sum(end <= cut for end in ends)], f"cut at {cut}"
    assert len(disk[name]) > 2_000


def test_every_flipped_byte_of_the_log_is_noticed() -> None:
    made = batches(25)
    files = MemoryFiles()
    db = Database(files, Options())
    name = f"{db.memtable.log:06d}.log"
    for batch in made:
        db.write(batch)
    db.abandon()
    disk, after = files.image.after_kill(), states(made)
    for at in range(0, len(disk[name]), 3):
        broken = bytearray(disk[name])
        broken[at] ^= 0x40
        found = contents({**disk, name: bytes(broken)}, Options())
        assert found in after[:-1], f"byte {at}"


@pytest.mark.parametrize("broken", ["no folder sync", "manifest first", "forgets to sync", "acknowledges first"])
def test_each_step_that_looks_superfluous_is_needed(broken: str) -> None:
    options = Options(memtable=700, file=900, base=2_000, fanout=3, trigger=2, broken=frozenset({broken}))
    _, wrong = judge(options, batches(40))
    assert wrong


def test_a_damaged_table_is_named_and_never_passed_over() -> None:
    files = MemoryFiles()
    with Database(files, Options()) as db:
        db.put_many((b"k%03d" % n, b"v" * 40) for n in range(300))
        db.compact()
        table = f"{db.version.levels[1][0].number:06d}.ldb"
    disk = files.image.after_kill()
    for at in range(0, len(disk[table]), 97):
        broken = bytearray(disk[table])
        broken[at] ^= 1
        try:
            with Database(MemoryFiles({**disk, table: bytes(broken)}), Options()) as db:
                same = dict(db.scan()) == {b"k%03d" % n: b"v" * 40 for n in range(300)}
                if same:  # the byte is in a filter, which no scan asks, or between two blocks
                    for n in range(300):
                        assert db.get(b"k%03d" % n) == b"v" * 40
        except Corruption as error:
            same = error.file == table
        assert same, f"byte {at} gave wrong contents without a word, or another file was named"


def test_a_missing_table_is_named() -> None:
    files = MemoryFiles()
    with Database(files, Options()) as db:
        db.put(b"a", b"1")
        db.flush()
        table = f"{db.version.levels[0][0].number:06d}.ldb"
    disk = files.image.after_kill()
    del disk[table]
    with pytest.raises(Corruption, match=table):
        Database(MemoryFiles(disk), Options())


@pytest.mark.parametrize("room", range(150, 9_000, 131))
def test_a_full_disk_is_told_and_the_database_still_opens(room: int) -> None:
    files = MemoryFiles(capacity=room)
    made = batches(120)
    done = 0
    try:
        db = Database(files, SMALL)
    except OSError:
        pytest.fail("a full disk came through as an OSError")
    try:
        for batch in made:
            db.write(batch)
            done += 1
    except (DiskFull, ReadOnly) as error:
        told = str(error)
    else:
        told = "disk is full, but not of this"
    assert "disk is full" in told
    db.abandon()
    after = states(made)
    full = Database(MemoryFiles(files.image.after_kill(), capacity=room), SMALL)  # there is still no room
    assert dict(full.scan()) in after[done : done + 2]
    full.abandon()
    with Database(MemoryFiles(files.image.after_kill()), SMALL) as db:
        assert dict(db.scan()) in after[done : done + 2]
        db.put(b"more", b"room")
        assert db.get(b"more") == b"room"


def test_the_four_modes() -> None:
    made: list[list[Operation]] = [[(b"k%d" % n, b"v" * 4_000)] for n in range(40)]  # 5 blocks of 32 KiB
    files = MemoryFiles()
    db = Database(files, Options())
    name, ends = f"{db.memtable.log:06d}.log", []
    for batch in made:
        db.write(batch)
        ends.append(db.log.size)
    db.abandon()
    disk = files.image.after_kill()
    flipped = bytearray(disk[name])
    flipped[ends[10] + 100] ^= 1

    def recovered(mode: str, log: bytes) -> int | str:
        try:
            return len(contents({**disk, name: log}, Options(mode=mode)))
        except Corruption as error:
            return "refused" if error.file == name else str(error)

    cut = disk[name][:-5]
    assert [recovered(mode, disk[name]) for mode in MODES] == [40, 40, 40, 40]
    assert [recovered(mode, cut) for mode in MODES] == [39, "refused", 39, 39]
    damaged = [recovered(mode, bytes(flipped)) for mode in MODES]
    assert damaged[:3] == ["refused", "refused", 11]
    assert isinstance(damaged[3], int)
    assert 30 <= damaged[3] < 40, "it goes on in the next block"
