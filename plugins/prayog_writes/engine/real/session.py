"""A session on the real disk: our engine in a temporary folder, with real fsyncs and a real clock; and its peers.

Steps are those of the study where they mean the same (`status`, `edit`, `answer`, `survival`), and besides: ``timed``
(how long operations took and how many fsyncs), ``group`` (many writer threads), ``peer`` (other engines given the same
operations), ``crashed`` and ``peer_crash`` (what a crash leaves of them), ``experiment`` (other optimisations) and
``absent`` (what is not installed here).
"""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from prayog_sdk.hookspecs import Progress
from prayog_sdk.run import Emit, Facts
from prayog_sdk.services import Services
from prayog_sdk.session import Session
from prayog_sim.run import Action, ActionError, View
from prayog_sim.trace import Step
from prayog_writes.engine import state
from prayog_writes.engine.arguments import number, one_of, text
from prayog_writes.engine.batch import Operation
from prayog_writes.engine.database import Database
from prayog_writes.engine.device import Device
from prayog_writes.engine.disk import DiskFiles
from prayog_writes.engine.errors import DatabaseError
from prayog_writes.engine.files import MemoryFiles
from prayog_writes.engine.heat import Heat
from prayog_writes.engine.logview import described_log, taken
from prayog_writes.engine.options import MODES
from prayog_writes.engine.plug import meant, place
from prayog_writes.engine.progress import finished
from prayog_writes.engine.real.contest import compare
from prayog_writes.engine.real.crashing import Load, crash_peers
from prayog_writes.engine.real.grouping import group_commit
from prayog_writes.engine.real.optimising import DATABASES, EXPERIMENTS, experiment
from prayog_writes.engine.real.other import look_into
from prayog_writes.engine.real.parallel import ParallelDatabase
from prayog_writes.engine.real.peers import PEERS
from prayog_writes.engine.setup import Setup
from prayog_writes.engine.survival import Memory
from prayog_writes.engine.workload import WORKLOADS, operations

__all__ = ["ACTIONS", "DiskSession"]

ACTIONS = (
    "put", "get", "delete", "run_workload", "flush", "compact", "verify", "crash", "cut_wal", "flip_byte", "reopen",
    "try_modes", "scan", "group_commit", "compare", "crash_peers", "optimise", "look_into",
)  # fmt: skip
PORTION = 500
ALONE = ("group_commit", "compare", "crash_peers", "optimise", "look_into")
"""Actions that need no database of our own."""
BOTH = "both"


class DiskSession(Session):
    """Our engine on this machine's disk."""

    def __init__(self, setup: Setup, seed: int, progress: Progress, services: Services | None = None) -> None:
        self.setup, self.seed = replace(setup, options=replace(setup.options, jobs="inline")), seed
        self.memory = Memory()
        self.folder = Path(tempfile.mkdtemp(prefix="prayog-writes-"))
        self.files = DiskFiles(self.folder / "db")
        self.db: Database | None = None
        self._progress, self._services = progress, services
        self._device = Device(0, 1e9, 1e12)  # no model here: the clock is real
        self._news: list[tuple[str, Mapping[str, Any]]] = []
        self._done = 0
        self._heat = Heat()
        super().__init__()
        self._down = False

    def start(self) -> Facts:
        return state.start(self.setup.options)

    def fold(self, state_: Facts, step: Step) -> Facts:
        return state.fold(state_, step)

    def show(self, state_: Facts, step: Step | None) -> View:
        return state.show(state_, step)

    def check(self, action: Action) -> None:
        name, args = action.name, action.args
        if name not in ACTIONS:
            raise ActionError(f"There is no action {name!r} on the real disk; there are: {', '.join(ACTIONS)}.")
        if name in ("put", "get", "delete"):
            text(args, "key")
        if name == "run_workload":
            one_of(args, "workload", WORKLOADS, self.setup.workload)
        if name == "optimise":
            one_of(args, "what", EXPERIMENTS, "")
            one_of(args, "on", (BOTH, *DATABASES), BOTH)
        if name == "crash_peers":
            one_of(args, "engine", ("all", *PEERS), "all")
        if name == "reopen":
            one_of(args, "mode", MODES, self.setup.options.mode)
        for argument in ("count", "threads"):
            if argument in args:
                number(args, argument, low=1)

    def perform(self, action: Action) -> Iterator[Emit]:
        name, args = action.name, action.args
        if self.db is None and not self._down and name not in ALONE:
            self._open(self.setup.options.mode)
        try:
            yield from self._acted(name, args)
        except DatabaseError as error:
            yield "problem", "database", {"sentence": str(error), "type": type(error).__name__}
        yield from self._told()
        yield "status", "database", state.status(self.db, self.memory, self._device)

    def release(self) -> None:
        if self.db is not None:
            self.db.abandon()  # its folder goes as well
            self.db = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _acted(self, name: str, args: Mapping[str, Any]) -> Iterator[Emit]:
        if name in ALONE:
            yield from self._alone(name, args)
            return
        if name in ("cut_wal", "flip_byte", "try_modes", "reopen"):
            if self.db is not None:
                raise DatabaseError("The database is running. Pull the plug first: crash.")
            yield from self._down_there(name, args)
            return
        db = self.db
        if db is None:
            raise DatabaseError("The database is down. Reopen it first.")
        match name:
            case "put" | "delete":
                value = None if name == "delete" else text(args, "value", "1")
                yield from self._timed_write(db, [(text(args, "key"), value)])
            case "get":
                key = text(args, "key")
                value, seen = db.explain(key)
                for look in seen:
                    yield "look", "database", {"key": key.decode(), **look}
                yield "answer", "database", state.answer(key, value, seen, self.memory.now.get(key))
            case "run_workload":
                kind = str(args.get("workload") or self.setup.workload)
                yield from self._workload(db, kind, number(args, "count", self.setup.operations, 1))
            case "scan":
                yield from self._scan(db, args)
            case "flush":
                db.flush()
            case "compact":
                level = number(args, "level", -1, -1)
                db.compact(None if level < 0 else level)
            case "verify":
                yield "verified", "database", {"blocks": db.verify()}
            case "crash":
                # Nothing is flushed: what the operating system has been given is all that is left.
                log = f"{db.memtable.log:06d}.log"
                db.abandon()
                self.db, self._down = None, True
                data = {"how": "the process let go of its files", "log": log, "acknowledged": self.memory.acknowledged}
                yield "down", "database", data
                yield "log", "database", described_log(log, self.files.read(log))

    def _alone(self, name: str, args: Mapping[str, Any]) -> Iterator[Emit]:
        """Experiments with databases of their own."""
        folder, setup = self.folder, self.setup

        def stop() -> bool:
            return self.cancelled

        match name:
            case "group_commit":
                yield from group_commit(folder, setup, number(args, "threads", 32, 1), number(args, "count", 20_000, 1))
            case "compare":
                yield from compare(folder, setup, self.seed, number(args, "count", setup.operations, 1), stop)
            case "crash_peers":
                engine, sync = one_of(args, "engine", ("all", *PEERS), "all"), setup.options.sync == "always"
                load = Load(number(args, "count", 2_000, 1), setup.batch, setup.value_size, sync, setup.options)
                yield from crash_peers(folder, load, tuple(PEERS) if engine == "all" else (engine,), stop)
            case "optimise":
                on, count = one_of(args, "on", (BOTH, *DATABASES), BOTH), number(args, "count", 2_000, 10)
                for database in DATABASES if on == BOTH else (on,):
                    yield from experiment(str(args["what"]), database, folder, count, self._services, stop)
            case "look_into":
                yield from look_into(Path(str(args.get("folder", ""))))

    def _scan(self, db: Database, args: Mapping[str, Any]) -> Iterator[Emit]:
        reverse, count = bool(args.get("reverse")), number(args, "count", 10, 1)
        start = str(args.get("start") or "").encode()
        rows = db.scan(None, start or None, reverse=True) if reverse else db.scan(start)
        found = list(islice(rows, count))
        now = sorted(self.memory.now.items(), reverse=reverse)
        wanted = [row for row in now if not start or (row[0] < start if reverse else row[0] >= start)][:count]
        yield "rows", "database", {
            "start": start.decode(), "count": len(found), "right": found == wanted, "runs": db.version.runs() + 1,
            "reverse": reverse,
            "rows": [[k.decode("utf-8", "backslashreplace"), state.short(v)] for k, v in found[:20]],
        }  # fmt: skip

    def _open(self, mode: str) -> None:
        self.db = ParallelDatabase(self.files, self.setup.with_mode(mode), self._tell)

    def _tell(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind not in ("write", "wal", "sync", "memtable"):
            self._news.append((kind, data))

    def _told(self) -> Iterator[Emit]:
        news, self._news = self._news, []
        for kind, data in news:
            yield kind, "database", data

    def _timed_write(self, db: Database, batch: list[Operation]) -> Iterator[Emit]:
        syncs, began = self.files.syncs, time.perf_counter()
        db.write(batch)
        us = 1e6 * (time.perf_counter() - began)
        self.memory.add(batch)
        yield "timed", "database", {"count": len(batch), "us": round(us, 1), "fsyncs": self.files.syncs - syncs}

    def _workload(self, db: Database, name: str, count: int) -> Iterator[Emit]:
        stream = operations(name, count, self.setup.keys, self.setup.value_size, self.seed, self._done)
        done = wrong = 0
        syncs, took = self.files.syncs, 0.0
        while (portion := list(islice(stream, PORTION))) and not self.cancelled:
            writes: list[Operation] = [
                (op.key, None if op.what == "delete" else op.value) for op in portion if op.what not in ("get", "scan")
            ]
            began = time.perf_counter()
            for low in range(0, len(writes), self.setup.batch):
                db.write(writes[low : low + self.setup.batch])
            took += time.perf_counter() - began
            self.memory.add(writes)
            for op in portion:
                if op.what == "get":
                    wrong += db.get(op.key) != self.memory.now.get(op.key)
                elif op.what == "scan":
                    for _ in islice(db.scan(op.key), 50):
                        pass
            done += len(portion)
            self._done += len(portion)
            self._progress(done, count, name)
            yield from self._told()
            yield "work", "database", {
                "name": name, "done": done, "of": count, "wrong": wrong, "now": round(1e6 * took),
                **state.pulse(db, self.memory), "syncs": self.files.syncs, "heat": self._heat.portion(portion),
            }  # fmt: skip
        yield "timed", "database", {
            "count": done, "us": round(1e6 * took), "fsyncs": self.files.syncs - syncs,
            "per_second": round(done / took) if took else None,
        }  # fmt: skip

    def _down_there(self, name: str, args: Mapping[str, Any]) -> Iterator[Emit]:
        if name == "reopen":
            yield from self._reopen(str(args.get("mode") or self.setup.options.mode))
            return
        if name == "try_modes":
            disk = {file: self.files.read(file) for file in self.files.names()}
            for mode in MODES:
                try:
                    db = Database(MemoryFiles(disk), self.setup.with_mode(mode))
                    result = finished(self.memory.compared(db.rows, db.last)).told()
                    kept = taken(db.recovered.values())
                    yield "mode", mode, {"mode": mode, "opens": True, "sentence": "", "taken": kept, **result}
                except DatabaseError as error:
                    yield "mode", mode, {"mode": mode, "opens": False, "sentence": str(error), "survived": None}
            return
        file = "log" if name == "cut_wal" else str(args.get("file") or "log")
        path = self.folder / "db" / meant(file, self.files.names())
        data = bytearray(path.read_bytes())
        at = number(args, "at", -3)
        if name == "cut_wal":
            where = place(path.name, len(data), at, beyond=1)
            path.write_bytes(data[:where])
            yield "cut", "database", {"file": path.name, "at": where, "removed": len(data) - where}
        else:
            where, bit = place(path.name, len(data), at), number(args, "bit", 6, 0) % 8
            data[where] ^= 1 << bit
            path.write_bytes(data)
            yield "flipped", "database", {"file": path.name, "at": where, "bit": bit}
        if path.suffix == ".log":
            yield "log", "database", described_log(path.name, path.read_bytes())

    def _reopen(self, mode: str) -> Iterator[Emit]:
        try:
            self._open(mode)
        except DatabaseError as error:
            yield "refused", "database", {"mode": mode, "sentence": str(error)}
            return
        db = self.db
        assert db is not None
        self._down = False
        yield from self._told()
        finding = finished(self.memory.compared(db.rows, db.last))
        self.memory.accept(finding)
        yield "survival", "database", {"mode": mode, **finding.told()}
