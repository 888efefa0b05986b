"""The run of this topic: a database on a disk in memory, with the plug in the learner's hand.

Each action becomes steps: what the engine did (`Database.tell`), in the order in which it did it, then a ``status``
that sums up levels, meters and clocks.  A single put or get is told in every detail; a workload tells of flushes,
compactions, moves, edits and stalls one by one and of its operations in portions.

Rules
1. No wall clock: time is that of `device.Device`, in the field ``now`` (µs).
2. After every crash the contents are compared with all that was acknowledged (`survival.Memory`).
3. The plug must be pulled before anybody touches the files.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from itertools import islice
from typing import Any

from prayog_sdk.run import Computation, Emit, Facts
from prayog_sim.run import Action, ActionError, View
from prayog_sim.trace import Step
from prayog_writes.engine import state
from prayog_writes.engine.arguments import number, text
from prayog_writes.engine.batch import Operation
from prayog_writes.engine.compaction import CompactionJob
from prayog_writes.engine.database import Database
from prayog_writes.engine.device import Device
from prayog_writes.engine.errors import Corruption, DatabaseError
from prayog_writes.engine.files import MemoryFiles
from prayog_writes.engine.heat import Heat
from prayog_writes.engine.logview import described_log, taken
from prayog_writes.engine.options import MODES
from prayog_writes.engine.setup import Setup
from prayog_writes.engine.survival import Memory
from prayog_writes.engine.workload import WORKLOADS, operations

__all__ = ["ACTIONS", "Study"]

ACTIONS = (
    "put", "get", "delete", "scan", "run_workload", "flush", "compact", "verify", "crash", "power_fail", "cut_wal",
    "flip_byte", "reopen", "try_modes", "fill_disk",
)  # fmt: skip
PORTION = 200
QUIET = {"write", "wal", "sync", "memtable"}


class Study(Computation):
    """A database with the options of `setup`, empty at first."""

    def __init__(self, setup: Setup, seed: int) -> None:
        self.setup, self.seed = setup, seed
        self.memory = Memory()
        self.files = MemoryFiles()
        self.device = Device(setup.sync_us, setup.rate, setup.bandwidth)
        self.db: Database | None = None
        self.disk: dict[str, bytes] = {}
        self._news: list[tuple[str, Mapping[str, Any]]] = []
        self._quiet = False
        self._done = 0
        self._heat = Heat()
        self._will_be_up = True
        super().__init__()
        self._open(setup.options.mode)
        self._news.clear()
        self.begin("database", policy=setup.options.policy, sync=setup.options.sync, **self._status())

    def start(self) -> Facts:
        return state.start(self.setup.options)

    def fold(self, state_: Facts, step: Step) -> Facts:
        return state.fold(state_, step)

    def show(self, state_: Facts, step: Step | None) -> View:
        return state.show(state_, step)

    def perform(self, action: Action) -> Iterator[Emit]:
        args = action.args
        match action.name:
            case "put":
                return self._write([(text(args, "key"), text(args, "value", "1"))])
            case "delete":
                return self._write([(text(args, "key"), None)])
            case "get":
                return self._get(text(args, "key"))
            case "scan":
                return self._scan(text(args, "start"), number(args, "count", 10, low=1))
            case "run_workload":
                name = str(args.get("workload") or self.setup.workload)
                if name not in WORKLOADS:
                    raise ActionError(f"There is no workload {name!r}; there are: {', '.join(WORKLOADS)}.")
                return self._workload(name, number(args, "count", self.setup.operations, low=1))
            case "flush":
                self._ask(up=True)
                return self._background(lambda db: db.flush())
            case "compact":
                return self._compact(number(args, "level", -1, low=-1))
            case "verify":
                self._ask(up=True)
                return self._guarded(self._verified)
            case "crash":
                return self._crash("the process died", 1.0, names=True, everything=True)
            case "power_fail":
                torn = number(args, "torn", 0, low=0)
                return self._crash("the power failed", min(torn, 100) / 100, names=False, everything=False)
            case "cut_wal":
                return self._cut(number(args, "at", -3))
            case "flip_byte":
                return self._flip(
                    str(args.get("file") or "log"), number(args, "at", 100), number(args, "bit", 6, low=0)
                )
            case "reopen":
                mode = str(args.get("mode") or self.setup.options.mode)
                if mode not in MODES:
                    raise ActionError(f"There is no recovery mode {mode!r}; there are: {', '.join(MODES)}.")
                self._ask(up=False, then=True)
                return self._reopen(mode)
            case "try_modes":
                self._ask(up=False)
                return self._guarded(self._tried)
            case "fill_disk":
                room = number(args, "room", 0, low=0)
                self._ask(up=True)
                return self._guarded(lambda: self._filled(room))
        raise ActionError(f"There is no action {action.name!r} here; there are: {', '.join(ACTIONS)}.")

    # Open and closed

    def _ask(self, up: bool, then: bool | None = None) -> None:
        """Refuse an action for which the database must be `up` (or down), as it will be when all that waits is done.

        ``then``: how the action leaves it.
        """
        if self._will_be_up != up:
            raise ActionError(
                "The database is down. Reopen it first." if up
                else "The database is running. Pull the plug first: crash or power_fail."
            )  # fmt: skip
        self._will_be_up = up if then is None else then

    def _opened(self) -> Database:
        if self.db is None:
            raise DatabaseError("The database is down: it did not open. Choose another recovery mode.")
        return self.db

    def _open(self, mode: str) -> None:
        options = self.setup.with_mode(mode)
        self.db = Database(self.files, options, self._tell, lambda: round(self.device.now))
        self.device.forget()

    def _tell(self, kind: str, data: Mapping[str, Any]) -> None:
        if not (self._quiet and kind in QUIET):
            self._news.append((kind, data))

    def _told(self) -> Iterator[Emit]:
        while self._news:
            kind, data = self._news.pop(0)
            yield kind, "database", data

    # Reading and writing

    def _write(self, operations_: list[Operation]) -> Iterator[Emit]:
        self._ask(up=True)
        return self._guarded(lambda: self._written(operations_))

    def _written(self, operations_: list[Operation]) -> Iterator[Emit]:
        db = self._opened()
        db.write(operations_)
        self.memory.add(operations_)
        self.device.written(db, len(operations_))
        yield from self._told()
        yield "acknowledged", "database", {"count": len(operations_), "total": db.last}
        yield from self._pump(db)

    def _pump(self, db: Database) -> Iterator[Emit]:
        for kind, data in self.device.pump(db):
            yield from self._told()
            yield kind, "database", data
        yield from self._told()

    def _drain(self, db: Database) -> Iterator[Emit]:
        for kind, data in self.device.drain(db):
            yield from self._told()
            yield kind, "database", data
        yield from self._told()

    def _guarded(self, work: Callable[[], Iterator[Emit]], quiet: bool = False) -> Generator[Emit, None, None]:
        """`work`, then the status; an error of the database becomes a step with its sentence."""
        self._quiet = quiet
        try:
            yield from work()
        except DatabaseError as error:
            yield from self._told()
            where = {"file": error.file, "offset": error.offset} if isinstance(error, Corruption) else {}
            yield "problem", "database", {"sentence": str(error), "type": type(error).__name__, **where}
        self._quiet = False
        yield "status", "database", self._status()
        for name, value in self._gauges():
            yield "gauge", "database", {"name": name, "value": value}

    def _get(self, key: bytes) -> Iterator[Emit]:
        self._ask(up=True)

        def work() -> Iterator[Emit]:
            db = self._opened()
            value, seen = db.explain(key)
            for look in seen:
                yield "look", "database", {"key": key.decode(), **look}
            yield "answer", "database", state.answer(key, value, seen, self.memory.now.get(key))

        return self._guarded(work)

    def _scan(self, start: bytes, count: int) -> Iterator[Emit]:
        self._ask(up=True)

        def work() -> Iterator[Emit]:
            db = self._opened()
            rows = list(islice(db.scan(start), count))
            expected = sorted((k, v) for k, v in self.memory.now.items() if k >= start)[:count]
            yield "rows", "database", {
                "start": start.decode(), "count": len(rows), "right": rows == expected, "runs": db.version.runs() + 1,
                "rows": [[k.decode("utf-8", "backslashreplace"), state.short(v)] for k, v in rows[:20]],
            }  # fmt: skip

        return self._guarded(work)

    def _workload(self, name: str, count: int) -> Iterator[Emit]:
        self._ask(up=True)

        def work() -> Iterator[Emit]:
            db = self._opened()
            stream = operations(name, count, self.setup.keys, self.setup.value_size, self.seed, self._done)
            done = wrong = 0
            batch: list[Operation] = []
            while portion := list(islice(stream, PORTION)):
                for op in portion:
                    if op.what in ("get", "update"):
                        value = db.get(op.key)
                        if value != self.memory.now.get(op.key) and not (op.what == "update" and batch):
                            wrong += 1
                            yield "answer", "database", state.answer(op.key, value, [], self.memory.now.get(op.key))
                    if op.what == "scan":
                        for _ in islice(db.scan(op.key), 50):
                            pass
                    if op.what in ("get", "scan"):
                        self.device.written(db, 1, op.speed)
                        continue
                    batch.append((op.key, None if op.what == "delete" else op.value))
                    if len(batch) >= self.setup.batch:
                        yield from self._batch(db, batch, op.speed)
                        batch = []
                done += len(portion)
                self._done += len(portion)
                yield "work", "database", {
                    "name": name, "done": done, "of": count, "wrong": wrong, **self._pulse(db),
                    "heat": self._heat.portion(portion),
                }  # fmt: skip
            if batch:
                yield from self._batch(db, batch, 1.0)
            yield from self._drain(db)
            yield "worked", "database", {"name": name, "count": count, "wrong": wrong, **self._pulse(db)}

        return self._guarded(work, quiet=True)

    def _batch(self, db: Database, batch: list[Operation], speed: float) -> Iterator[Emit]:
        db.write(batch)
        self.memory.add(batch)
        self.device.written(db, len(batch), speed)
        yield from self._pump(db)

    def _background(self, work: Callable[[Database], None]) -> Iterator[Emit]:
        def steps() -> Iterator[Emit]:
            db = self._opened()
            yield from self._drain(db)
            work(db)
            yield from self._told()
            yield from self._drain(db)

        return self._guarded(steps)

    def _compact(self, level: int) -> Iterator[Emit]:
        if level > 5:
            raise ActionError(f"Levels 0 to 5 can be compacted into the next, −1 means everything; found {level}.")
        self._ask(up=True)

        def steps() -> Iterator[Emit]:
            db = self._opened()
            yield from self._drain(db)
            db.flush()
            yield from self._told()
            pick = db.picked(None if level < 0 else level)
            if pick is not None:
                job = CompactionJob(db, pick)
                yield "compaction_begin", "database", {**job.told(), "now": round(self.device.now)}
                for p in job.run():
                    yield "merge", "database", p.told()
                job.install()
                self.device.now += 1e6 * (job.reads + job.writes) / self.device.bandwidth
                yield from self._told()
                yield "compaction_end", "database", {"bytes": job.reads + job.writes, "now": round(self.device.now)}
            yield from self._drain(db)

        return self._guarded(steps)

    def _verified(self) -> Iterator[Emit]:
        db = self._opened()
        for level, meta in db.version.files():
            blocks = db.catalogue.table(meta.number).verify()
            yield "verified", "database", {"level": level, "table": meta.number, "blocks": blocks}

    # The plug

    def _crash(self, how: str, torn: float, names: bool, everything: bool) -> Iterator[Emit]:
        self._ask(up=True, then=False)

        def steps() -> Iterator[Emit]:
            db = self._opened()
            image = self.files.image
            log = f"{db.memtable.log:06d}.log"
            written = db.log.size
            self.disk = image.after_kill() if everything else image.after_power_failure(torn, names)
            db.abandon()
            self.db = None
            self._news.clear()
            yield "down", "database", {
                "how": how, "acknowledged": len(self.memory.done), "log": log, "log_bytes": written,
                "log_kept": len(self.disk.get(log, b"")), "now": round(self.device.now),
                "files": {name: len(data) for name, data in self.disk.items()},
            }  # fmt: skip
            yield "log", "database", described_log(log, self.disk.get(log, b""))

        return self._guarded(steps)

    def _cut(self, at: int) -> Iterator[Emit]:
        self._ask(up=False)

        def steps() -> Iterator[Emit]:
            name, data, where = self._place("log", at, beyond=1)
            self.disk[name] = bytes(data[:where])
            yield "cut", "database", {"file": name, "at": where, "removed": len(data) - where}
            yield "log", "database", described_log(name, self.disk[name])

        return self._guarded(steps)

    def _flip(self, file: str, at: int, bit: int) -> Iterator[Emit]:
        self._ask(up=False)

        def steps() -> Iterator[Emit]:
            name, data, where = self._place(file, at)
            data[where] ^= 1 << bit % 8
            self.disk[name] = bytes(data)
            yield "flipped", "database", {"file": name, "at": where, "bit": bit % 8}
            if name.endswith(".log"):
                yield "log", "database", described_log(name, self.disk[name])

        return self._guarded(steps)

    def _place(self, file: str, at: int, beyond: int = 0) -> tuple[str, bytearray, int]:
        """The newest file that `file` means, its bytes, and place `at` (negative: from the end) in it."""
        ending = {"log": ".log", "table": ".ldb"}.get(file, "?")
        found = sorted(n for n in self.disk if n == file or n.endswith(ending) or n.split("-")[0] == file)
        if not found:
            raise DatabaseError(
                f"There is no file {file!r} on the disk; there are: {', '.join(sorted(self.disk)) or 'none'}."
            )
        data = bytearray(self.disk[found[-1]])
        where = at if at >= 0 else len(data) + at
        if not 0 <= where < len(data) + beyond:
            raise DatabaseError(f"{found[-1]} has {len(data):,} bytes; byte {at} is not among them.")
        return found[-1], data, where

    def _reopen(self, mode: str) -> Iterator[Emit]:
        def steps() -> Iterator[Emit]:
            files = MemoryFiles(self.disk)
            before, self.files = self.files, files
            try:
                self._open(mode)
            except DatabaseError as error:
                self.files, self.db = before, None
                self._will_be_up = False
                yield "refused", "database", {"mode": mode, "sentence": str(error)}
                return
            db = self._opened()
            yield from self._told()
            for name, replay in db.recovered.items():
                yield "replayed", "database", {
                    "log": name, "batches": len(replay.batches), "stopped": replay.stopped,
                    "damage": [[d.start, d.end, d.why, d.tail] for d in replay.damage],
                }  # fmt: skip
            found = dict(db.scan())
            result = self.memory.compared(found, db.last)
            self.memory.accept(found, db.last, result["survived"], result["prefix"])
            yield "survival", "database", {"mode": mode, **result}

        return self._guarded(steps)

    def _tried(self) -> Iterator[Emit]:
        for mode in MODES:
            try:
                db = Database(MemoryFiles(self.disk), self.setup.with_mode(mode))
                found = dict(db.scan())
            except DatabaseError as error:
                yield "mode", mode, {"mode": mode, "opens": False, "sentence": str(error), "survived": None}
                continue
            yield "mode", mode, {
                "mode": mode, "opens": True, "sentence": "", "taken": taken(db.recovered.values()),
                **self.memory.compared(found, db.last),
            }  # fmt: skip

    def _filled(self, room: int) -> Iterator[Emit]:
        self._opened()
        self.files.capacity = self.files.used() + room
        yield "filled", "database", {"room": room}

    # Meters

    def _pulse(self, db: Database) -> dict[str, Any]:
        return {
            "now": round(self.device.now), "stalled_us": round(self.device.waited), **state.pulse(db, self.memory),
        }  # fmt: skip

    def _status(self) -> dict[str, Any]:
        return state.status(self.db, self.memory, self.device)

    def _gauges(self) -> Iterator[tuple[str, float]]:
        if self.db is None:
            return
        meters = self._status()["amplification"]
        for name in ("write", "read", "space"):
            if meters[name]["value"] is not None:
                yield f"{name}_amplification", meters[name]["value"]
        yield "l0_tables", len(self.db.version.levels[0])
