"""Snapshots: a log that does not grow for ever, and followers that are too far behind for it (§7)."""

from __future__ import annotations

from prayog_consensus.engine.raft.log import Log
from prayog_consensus.engine.raft.messages import Appended, InstallSnapshot, Snapshot
from prayog_consensus.engine.raft.requests import Requests
from prayog_sim.node import Ctx

__all__ = ["Snapshots"]


class Snapshots(Requests):
    """The part of a server that forgets, without losing anything."""

    def compact(self, ctx: Ctx) -> None:
        """Write the state machine down when enough was applied since the last time, and drop what it stands for."""
        every = self._options.compact
        if not every or self.applied - self.log.base < every:
            return
        members = self.log.members(self.applied) or (self.snapshot.members if self.snapshot else self._first)
        self.snapshot = Snapshot(
            self.applied,
            self.log.term(self.applied),
            members,
            tuple(sorted(self.store.items())),
            tuple(sorted((client, request, answer) for client, (request, answer) in self.sessions.items())),
            self._digest,
        )
        self.set_log(self.log.without(self.applied))
        ctx.emit("snapshot", index=self.applied)
        ctx.note(f"{self._me} takes a snapshot and drops its entries up to index {self.applied}")

    def on_install(self, src: str, msg: InstallSnapshot, ctx: Ctx) -> None:
        """The leader sends its snapshot."""
        snapshot = msg.snapshot
        if not self.accept_leader(src, msg.term, ctx):
            ctx.send(src, Appended(self.term, False, snapshot.index, msg.round, self.log.last))
            return
        if snapshot.index > self.commit:
            if self.log.term(snapshot.index) == snapshot.term:  # what stands behind it is good (§7, step 6)
                rest = self.log.without(snapshot.index)
            else:
                rest = Log((), snapshot.index, snapshot.term)
            self.snapshot = snapshot
            self.set_log(rest)
            self.restore()
            ctx.emit("installed", index=snapshot.index)
            ctx.note(f"{self._me} takes {src}'s snapshot: its state up to index {snapshot.index} at once")
        ctx.send(src, Appended(self.term, True, snapshot.index, msg.round, self.log.last))

    def restore(self) -> None:
        """Become what the snapshot says."""
        found = self.snapshot
        if found is None:
            return
        self.store = dict(found.items)
        self.sessions = {client: (request, answer) for client, request, answer in found.sessions}
        self.commit = self.applied = found.index
        self._digest = found.digest
        self.saw_snapshot(found.index, found.digest)
