"""What a Raft server knows (Figure 2), and the small steps that every part of it takes.

The parts (`election`, `replication`, `requests`, `snapshots`, `membership`) are classes on top of each other, one idea
each; `server.Server` is all of them together.

Rules
1. `term`, `voted`, `log` and `snapshot` are durable: they are safe before any message of a handler leaves (Figure 2).
2. Everything else is volatile and is found again from them, from the leader, or not at all.
"""

from __future__ import annotations

from typing import Any, ClassVar

from prayog_consensus.engine.raft.log import Log
from prayog_consensus.engine.raft.messages import Members, RequestVote, Snapshot
from prayog_consensus.engine.raft.options import Options
from prayog_consensus.engine.raft.roles import ROLES
from prayog_consensus.engine.raft.witness import WITNESS, Witness
from prayog_sim.node import Ctx

__all__ = ["ServerState"]

NEVER = -(1 << 60)


class ServerState(Witness):
    """The variables.  `me` is the server's name, `first` the members with which the cluster was set up."""

    durable: ClassVar[tuple[str, ...]] = ("term", "voted", "log", "snapshot", *WITNESS)

    def __init__(self, me: str, first: Members, options: Options, log: Log | None = None, term: int = 0) -> None:
        super().__init__()
        self._me = me
        self._first = first
        self._options = options
        # durable
        self.term = term
        self.voted = ""
        self.log = log if log is not None else Log()
        self.snapshot: Snapshot | None = None
        # volatile, of every server
        self.state = ROLES.start
        self.leader = ""
        self.commit = 0
        self.applied = 0
        self.store: dict[str, Any] = {}
        self.sessions: dict[str, tuple[int, Any]] = {}
        self.members = first
        self.loaded = False
        """It has started, so that its log is what the disk gave back."""
        self._digest = 0
        self._heard_at = self._hushed_until = NEVER
        # of a candidate
        self.votes: tuple[str, ...] = ()
        self.refusals: tuple[str, ...] = ()
        self.reached = 0
        """How many members (itself too) answered in the last election or round of heartbeats; 0: not known yet."""
        # of a leader
        self.next: dict[str, int] = {}
        self.match: dict[str, int] = {}
        self.transferee = ""
        self._sent: dict[str, int] = {}
        self._late: tuple[str, ...] = ()
        """To whom entries were on their way at the last heartbeat."""
        self._answered: tuple[str, ...] = ()
        self._heard_since: tuple[str, ...] = ()
        self._round = 0
        self._echo: dict[str, int] = {}
        self._round_times: tuple[tuple[int, int], ...] = ()
        self._lease_until = NEVER
        self._handed_over = 0
        self._reads: tuple[tuple[str, int, str, int, int], ...] = ()

    # -- who is who --------------------------------------------------------------------------------------------

    @property
    def leads(self) -> bool:
        return self.state == "leader"

    @property
    def votes_here(self) -> bool:
        """It is a member, as far as it knows."""
        return self._me in self.members.everyone

    @property
    def others(self) -> tuple[str, ...]:
        """The other members."""
        return tuple(name for name in self.members.everyone if name != self._me)

    def errs(self, variant: str) -> bool:
        """Whether the rule that the broken variant `variant` lacks is left out."""
        return self._options.variant == variant

    @property
    def stored(self) -> int:
        """The last index that a crash of this server would not lose."""
        return self.log.last

    # -- small steps -------------------------------------------------------------------------------------------

    def arm_election(self, ctx: Ctx) -> None:
        """Begin to wait for a leader."""
        ctx.set_timer("election", self._options.draw(ctx.rng))

    def hear(self, leader: str, ctx: Ctx) -> None:
        """A leader of the current term spoke."""
        self.leader, self.reached = leader, 0
        self._heard_at = ctx.now if self._options.sticky else NEVER
        self.arm_election(ctx)

    def enter_term(self, term: int) -> None:
        """A new term: nobody has the vote yet (§5.1)."""
        self.term = term
        self.voted = ""
        self.leader = ""
        self.saw_term(term)

    def give_vote(self, name: str) -> None:
        self.voted = name
        self.saw_vote(self.term, name)

    def step_down(self, term: int, ctx: Ctx, why: str) -> None:
        """A message of a higher term came: whatever this server is, it is a follower of that term now (§5.1)."""
        ctx.note(f"{self._me} goes on to term {term}: {why}")
        ended = self.term
        self.enter_term(term)
        ROLES.fire(self, "higher term", ctx, ended)

    def retire(self, ctx: Ctx, ended: int | None = None) -> None:
        """(Row of the table.)  It led until now, in term `ended`, and does no more."""
        ctx.emit("stepdown", term=self.term if ended is None else ended)
        for timer in ("heartbeat", "quorum", "transfer"):
            ctx.cancel_timer(timer)
        self.transferee = ""
        self._lease_until = NEVER
        self._reads = ()
        self.reached = 0
        self.arm_election(ctx)

    def set_log(self, log: Log) -> None:
        """The log changed; the newest configuration in it counts, committed or not (§6)."""
        self.log = log
        old = self.snapshot.members if self.snapshot is not None else self._first
        self.members = log.members() or old

    # -- what the other parts bring ----------------------------------------------------------------------------

    def request_vote(self, pre: bool = False, forced: bool = False) -> RequestVote:
        """The question to the others, from what this server has."""
        return RequestVote(self.term + pre, self.log.last, self.log.last_term, pre, forced)

    def begin_leading(self, ctx: Ctx) -> None:
        """(Row of the table.)  It won."""
        raise NotImplementedError

    def advance(self, commit: int, ctx: Ctx) -> None:
        """Everything up to `commit` is committed."""
        raise NotImplementedError
