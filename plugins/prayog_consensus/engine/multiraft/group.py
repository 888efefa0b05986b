"""One replica of one range: a Raft server whose state machine also knows which keys are its own.

Rules
1. The epoch is checked twice: when a request comes, and when its entry is applied, because a split or merge may stand
   before it in the log (this is the only point in time at which the two have an order).
2. What was applied is durable here, the range too: a store must know at once, after a crash, what it holds.
"""

from __future__ import annotations

from typing import Any

from prayog_consensus.engine.multiraft.messages import Absorb, Freeze, Range, Split
from prayog_consensus.engine.raft.log import Log
from prayog_consensus.engine.raft.messages import Command, Get, Members, Put, Snapshot
from prayog_consensus.engine.raft.options import Options
from prayog_consensus.engine.raft.server import Server
from prayog_consensus.engine.raft.witness import WITNESS
from prayog_sim.node import Ctx

__all__ = ["KEPT", "Replica"]

KEPT = ("term", "voted", "log", "snapshot", "applied", "store", "sessions", "span", "_digest", *WITNESS)
"""What survives a crash of the store."""
_REFUSED = "refused"


class Replica(Server):
    """The replica of `span` on the store `me`.  ``born``: what a split gave it to begin with."""

    def __init__(self, me: str, first: Members, options: Options, span: Range, born: Snapshot | None = None) -> None:
        super().__init__(me, first, options)
        self.span = span
        self.snapshot = born
        if born is not None:
            self.log = Log((), born.index, born.term)
        self.born: Range | None = None
        """A range that a split has just made, for the store to take over."""
        self.right: tuple[tuple[str, Any], ...] = ()
        self.gone = ""
        """A range that was just absorbed."""
        self.turned_away: tuple[tuple[str, int], ...] = ()
        """(client, request) whose key is not in this range (any more)."""

    def restore(self) -> None:
        """What was applied before a crash is still there."""
        if self.applied:
            self.commit = self.applied
        else:
            super().restore()

    def serves(self, key: str) -> bool:
        """Whether a command on `key` may be done here."""
        return self.errs("ignores_epoch") or (self.span.covers(key) and not self.span.frozen)

    # -- the state machine -------------------------------------------------------------------------------------

    def execute(self, command: Command, ctx: Ctx) -> Any:
        match command:
            case Put() | Get() if not self.serves(command.key):
                ctx.note(f"{self._me} does not apply {command}: {command.key} is not in range {self.span} any more")
                return _REFUSED
            case Split():
                self._split(command, ctx)
            case Freeze() if command.epoch == self.span.epoch and not self.span.frozen:
                self.span = Range(self.span.ident, self.span.start, self.span.end, self.span.epoch + 1, True)
                ctx.note(f"{self._me}: range {self.span} takes no more commands")
            case Absorb():
                self._absorb(command, ctx)
            case _:
                return super().execute(command, ctx)
        return None

    def _split(self, command: Split, ctx: Ctx) -> None:
        span = self.span
        if command.epoch != span.epoch or span.frozen or not span.start < command.key < span.end:
            ctx.note(f"{self._me} does not split range {span}: the command was for epoch {command.epoch}")
            return
        self.span = Range(span.ident, span.start, command.key, span.epoch + 1)
        self.born = Range(command.ident, command.key, span.end, span.epoch + 1)
        self.right = tuple(sorted((key, value) for key, value in self.store.items() if key >= command.key))
        self.store = {key: value for key, value in self.store.items() if key < command.key}
        ctx.emit("split", left=str(self.span), right=str(self.born), key=command.key)
        ctx.note(f"{self._me} splits: {self.span} and {self.born}")

    def _absorb(self, command: Absorb, ctx: Ctx) -> None:
        span, gone = self.span, command.gone
        if gone.start != span.end or span.frozen:
            return  # done before, or this range has changed meanwhile: its leader is asked again
        self.span = Range(span.ident, span.start, gone.end, max(span.epoch, gone.epoch) + 1)
        self.store = {**self.store, **dict(command.items)}
        for client, request, answer in command.sessions:
            if request > self.sessions.get(client, (0, None))[0]:
                self.sessions[client] = (request, answer)
        self.gone = gone.ident
        ctx.emit("merge", range=str(self.span), gone=gone.ident)
        ctx.note(f"{self._me} merges: {self.span} has absorbed {gone.ident}")

    # -- answers -----------------------------------------------------------------------------------------------

    def reply(self, command: Put | Get, value: Any, ctx: Ctx) -> None:
        if value == _REFUSED:
            self.turned_away = (*self.turned_away, (command.client, command.request))
        else:
            super().reply(command, value, ctx)

    def reply_read(self, src: str, request: int, key: str, ctx: Ctx) -> None:
        if self.serves(key):
            super().reply_read(src, request, key, ctx)
        else:
            self.turned_away = (*self.turned_away, (src, request))

    # -- what a store asks of its leader -----------------------------------------------------------------------

    def split(self, key: str, ctx: Ctx) -> str:
        """Begin a split at `key`; returns why not, or nothing."""
        span = self.span
        if span.frozen:
            return f"range {span.ident} is about to be merged"
        if not span.start < key < span.end:
            return f"{key!r} must lie inside range {span}, and not at its start"
        self.append(Split(key, f"{span.ident}.{span.epoch}", span.epoch), ctx)
        return ""

    def freeze(self, ctx: Ctx) -> str:
        """Begin to merge this range into its left neighbour; returns why not, or nothing."""
        if not self.span.start:
            return f"range {self.span.ident} is the first: it has no left neighbour"
        if not self.span.frozen:
            self.append(Freeze(self.span.epoch), ctx)
        return ""

    def take_in(self, request: Absorb, ctx: Ctx) -> None:
        """The frozen neighbour's leader asks to be absorbed."""
        if not self.leads or self.span.frozen or request.gone.start != self.span.end:
            return
        if not any(isinstance(e.command, Absorb) for e in self.log.after(self.commit, len(self.log.entries))):
            self.append(request, ctx)

    def offer(self) -> Absorb:
        """This frozen range as it is for good."""
        sessions = tuple(sorted((client, *session) for client, session in self.sessions.items()))
        return Absorb(self.span, tuple(sorted(self.store.items())), sessions)
