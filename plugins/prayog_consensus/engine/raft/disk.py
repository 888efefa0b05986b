"""A server with its durable state on the simulated disk, where syncs can be lost and writes torn (option ``disk``).

Everything goes into one file, a write-ahead log: a record for each change of term or vote, each entry, each cut of the
log and each snapshot.  A record is a line with a checksum; at the start the file is read up to the first line that is
not whole, so that a torn write is as if it had never been.  (A real system starts a new file after a snapshot and
deletes the old one; here the file grows.)

Rules
1. A sync takes time.  Whatever a server wants to say meanwhile waits for it: who hears “I have it” may rely on it.
   A leader counts itself among the holders of an entry only when its own disk has it (thesis 10.2.1).
2. Nothing can help against a disk that says it synced and did not: then the promise was broken, not the rule.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any
from zlib import crc32

from prayog_consensus.engine.raft.log import Log
from prayog_consensus.engine.raft.messages import Command, Entry, Get, Members, Noop, Put, Snapshot
from prayog_consensus.engine.raft.server import Server
from prayog_consensus.engine.raft.witness import WITNESS
from prayog_sim.node import Ctx

__all__ = ["DiskServer", "decode", "encode"]

_FILE = "wal"
_COMMANDS: Mapping[str, Callable[..., Command]] = {
    "put": Put, "get": Get, "noop": Noop, "members": Members,
}  # fmt: skip


class DiskServer(Server):
    """As `Server`, with its disk in its own hands."""

    durable = WITNESS

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._saved: tuple[int, str, Log, Snapshot | None] = (0, "", Log(), None)
        self.synced = 0
        self.dirty = False
        """A sync is under way."""
        self.held: tuple[tuple[str, str, Any], ...] = ()
        """Messages that wait for it."""
        self._told: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    @property
    def stored(self) -> int:
        return self.log.last if self.errs("acks_before_sync") else min(self.synced, self.log.last)

    # -- every handler ends with what must be written ----------------------------------------------------------

    def on_start(self, ctx: Ctx) -> None:
        self._load(ctx)
        self._handle(ctx, super().on_start)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        self._handle(ctx, super().on_message, src, msg)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "sync":
            self._sync(ctx)
        else:
            self._handle(ctx, super().on_timer, name)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        self._handle(ctx, super().on_action, name, args)

    def _handle(self, ctx: Ctx, handler: Callable[..., None], *args: Any) -> None:
        handler(*args, ctx)
        records = self._changes()
        if records:
            ctx.disk.append(_FILE, b"".join(encode(record) for record in records))
            self._saved = (self.term, self.voted, self.log, self.snapshot)
            if not self.dirty:
                self.dirty = True
                ctx.set_timer("sync", self._options.sync)
        if not self.dirty or self.errs("acks_before_sync"):
            self._publish()
            return
        self.held += tuple(effect for effect in ctx.effects if effect[0] == "send")
        ctx.effects[:] = [effect for effect in ctx.effects if effect[0] != "send"]

    def _sync(self, ctx: Ctx) -> None:
        """The disk has it all: now it may be told, and counted."""
        ctx.disk.fsync(_FILE)
        self.dirty, self.synced = False, self.log.last
        for _, to, msg in self.held:
            ctx.send(to, msg)
        self.held = ()
        self._publish()
        if self.leads:
            self._handle(ctx, self.count_copies)

    # -- what the judges may hold against it: only what was safe when it was told -------------------------------

    def saw_term(self, term: int) -> None:
        self._told = (*self._told, ("saw_term", (term,)))

    def saw_vote(self, term: int, name: str) -> None:
        self._told = (*self._told, ("saw_vote", (term, name)))

    def saw_lead(self, term: int) -> None:
        self._told = (*self._told, ("saw_lead", (term,)))

    def _publish(self) -> None:
        for name, args in self._told:
            getattr(super(), name)(*args)
        self._told = ()

    # -- writing -----------------------------------------------------------------------------------------------

    def _changes(self) -> list[list[Any]]:
        term, voted, log, snapshot = self._saved
        records: list[list[Any]] = []
        if (term, voted) != (self.term, self.voted):
            records.append(["vote", self.term, self.voted])
        if snapshot is not self.snapshot and self.snapshot is not None:
            records.append(["snapshot", *_snapshot_fields(self.snapshot)])
            log = Log((), self.snapshot.index, self.snapshot.term)
        if log is self.log:
            return records
        same = self.log.base
        while same < min(log.last, self.log.last) and log.term(same + 1) == self.log.term(same + 1):
            same += 1
        if same < log.last:
            records.append(["cut", same])
        return records + [["entry", e.term, *_command_fields(e.command)] for i, e in self.log.numbered() if i > same]

    # -- reading -----------------------------------------------------------------------------------------------

    def _load(self, ctx: Ctx) -> None:
        """Become what the file says, up to the first record that is not whole."""
        content = ctx.disk.read(_FILE)
        records, good = decode(content)
        if good < len(content):
            ctx.emit("half_record", bytes=len(content) - good)
            ctx.note(f"{self._me} finds half a record on its disk and drops it: {len(content) - good} bytes")
            ctx.disk.write(_FILE, content[:good])
            ctx.disk.fsync(_FILE)
        for record in records:
            match record:
                case ["vote", term, voted]:
                    self.term, self.voted = term, voted
                case ["cut", index]:
                    self.log = self.log.upto(index)
                case ["entry", term, *command]:
                    self.log = self.log.plus([Entry(term, _command(command))])
                case ["snapshot", index, term, voters, old, items, sessions, digest]:
                    members = Members(tuple(voters), tuple(old))
                    self.snapshot = Snapshot(index, term, members, _rows(items), _rows(sessions), digest)
                    self.log = Log((), index, term)
        self._saved = (self.term, self.voted, self.log, self.snapshot)
        self.synced = self.log.last


# -- records -----------------------------------------------------------------------------------------------------


def encode(record: list[Any]) -> bytes:
    """`record` as one line: checksum, space, JSON."""
    text = json.dumps(record, separators=(",", ":"))
    return f"{crc32(text.encode()):08x} {text}\n".encode()


def decode(content: bytes) -> tuple[list[list[Any]], int]:
    """The records of `content` and the number of bytes that they take; it ends before the first that is not whole."""
    records, good = [], 0
    for row in content.splitlines(keepends=True):
        checksum, _, text = row.rstrip(b"\n").partition(b" ")
        if not row.endswith(b"\n") or checksum != b"%08x" % crc32(text):
            break
        records.append(json.loads(text))
        good += len(row)
    return records, good


def _command_fields(command: Command) -> list[Any]:
    name = type(command).__name__.lower()
    return [name, *(getattr(command, field.name) for field in fields(command))]


def _command(row: list[Any]) -> Command:
    name, *values = row
    return _COMMANDS[name](*(tuple(value) if isinstance(value, list) else value for value in values))


def _snapshot_fields(found: Snapshot) -> list[Any]:
    members = found.members
    return [found.index, found.term, members.voters, members.old, found.items, found.sessions, found.digest]


def _rows(rows: list[list[Any]]) -> tuple[Any, ...]:
    return tuple(tuple(row) for row in rows)
