"""What a ZAB server remembers, the phases as a table, and what is written to disk when.

Rules
1. On disk: the epoch accepted from a leader, the current epoch (in which the history was last synchronised), and the
   history.  A write takes a moment (`fsync`); until then it is only in memory, and nothing is acknowledged.
2. Transactions are delivered, that is applied, in the order of the history, each once.
"""

from __future__ import annotations

from typing import Any, ClassVar

from prayog_consensus.engine.clients import Answer, Store
from prayog_consensus.engine.paxos.role import Role
from prayog_consensus.engine.setup import CORRECT
from prayog_consensus.engine.zab.messages import History, Ranking, Txn, Zxid
from prayog_sim.node import Ctx
from prayog_sim.run import Look, tally
from prayog_sim.table import Row, Table

__all__ = ["PHASES", "State"]

_SETTLED = ("discovering", "synchronising", "leading", "joining", "syncing", "following")
PHASES = Table(
    "looking",
    (
        Row("looking", "elected", "discovering", do="discover", why="a quorum votes for me"),
        Row("looking", "found", "joining", do="join", why="a quorum votes for another, or somebody leads"),
        Row("discovering", "quorum accepted", "synchronising", do="synchronise", why="phase 1 is over"),
        Row("synchronising", "quorum synchronised", "leading", do="lead", why="phase 2 is over"),
        Row("joining", "new epoch", "syncing", why="accepted the epoch"),
        Row("syncing", "up to date", "following", why="phase 2 is over"),
        Row("following", "gap", "joining", do="join", why="missed a transaction"),
        Row("syncing", "gap", "joining", do="join", why="missed a transaction"),
        *(Row(state, "lost", "looking", do="look_round", why="no leader, or no quorum") for state in _SETTLED),
        Row("looking", "lost", "looking", do="look_round", why="begin again"),
    ),
)


class State(Role, Store):
    """One of `servers`.  ``timeout`` (µs): how long a leader or a quorum may be silent; ``fsync`` (µs)."""

    durable: ClassVar[tuple[str, ...]] = (
        "accepted", "accepted_from", "current", "history", "_delivered", "_broadcast", "_led", "_wrong",
    )  # fmt: skip
    actions: ClassVar[tuple[str, ...]] = ("campaign", "propose")

    def __init__(
        self,
        me: str,
        servers: tuple[str, ...],
        timeout: int = 150_000,
        fsync: int = 1_000,
        logreads: bool = False,
        variant: str = CORRECT,
    ) -> None:
        self.me = me
        self.servers = servers
        self.others = tuple(name for name in servers if name != me)
        self.n = len(servers)
        self.majority = self.n // 2 + 1
        self.timeout, self.fsync = timeout, fsync
        self.logreads = logreads
        self.variant = variant
        self.state = PHASES.start
        self.accepted = 0
        """The last epoch that it promised to follow (f.p in Zab11)."""
        self.accepted_from = ""
        self.current = 0
        """The epoch of its history (f.a)."""
        self.history: History = ()
        self.staged: History | None = None
        """A leader's history that is being written."""
        self.buffer: History = ()
        """Transactions behind it that are being written."""
        self.delivered = 0
        self.leader = ""
        self.forget_election()
        self.forget_epoch()
        self.round = 0
        self._delivered: dict[int, Txn] = {}
        """For the invariants, as are the next three: all that it ever delivered, broadcast and led."""
        self._broadcast: tuple[Txn, ...] = ()
        self._led: dict[int, int] = {}
        """epoch → how many transactions it had delivered when it began to lead"""
        self._wrong = ""
        self.empty_store()

    def forget_election(self) -> None:
        """No vote was heard."""
        self.vote: tuple[Ranking, str] = ((0, (0, 0), 0), self.me)
        self.votes: dict[str, tuple[Ranking, str]] = {}

    def forget_epoch(self) -> None:
        """What a leader knows of its followers."""
        self.epoch = 0
        self.counter = 0
        self.infos: dict[str, int] = {}
        self.histories: dict[str, tuple[int, History]] = {}
        self.uncounted: tuple[str, ...] = ()
        """Who accepted this epoch from another leader before."""
        self.learners: tuple[str, ...] = ()
        """Who was sent the history, and gets every transaction from then on."""
        self.acked: dict[str, int] = {}
        """Who is synchronised, and how much each has on disk."""
        self.heard: tuple[str, ...] = ()

    @property
    def leads(self) -> bool:
        """It is the leader, in whatever phase."""
        return self.state in ("discovering", "synchronising", "leading")

    @property
    def log(self) -> History:
        """The history with what is not on disk yet."""
        return (*(self.history if self.staged is None else self.staged), *self.buffer)

    @property
    def last(self) -> Zxid:
        """The newest transaction on disk."""
        return self.history[-1].zxid if self.history else (0, 0)

    def deliver(self, number: int, ctx: Ctx) -> None:
        """Apply transactions up to `number`, in order."""
        log = self.log
        while self.delivered < min(number, len(log)):
            txn = log[self.delivered]
            self.delivered += 1
            answer: Any = self.execute(txn.command)
            if self._delivered.setdefault(self.delivered, txn) != txn:
                first = self._delivered[self.delivered]
                self._wrong = self._wrong or f"delivered {txn} as number {self.delivered}, where it had {first} before"
            ctx.emit("commit", slot=self.delivered, value=str(txn.command), zxid=list(txn.zxid))
            ctx.gauge("commit", self.delivered)
            if self.state == "leading" and txn.command.client:
                ctx.send(txn.command.client, Answer(txn.command.request, True, answer, self.me))

    def write(self, ctx: Ctx) -> None:
        """Begin to write what is in memory only; `fsync` later it is on disk."""
        ctx.set_timer("fsync", self.fsync)

    def look(self) -> Look:
        role = "leader" if self.leads else "candidate" if self.state == "looking" else "follower"
        letter = {
            "looking": "?",
            "discovering": "D",
            "synchronising": "S",
            "leading": "L",
            "joining": "j",
            "syncing": "s",
        }
        badge = ""
        if self.state == "looking":
            agree = sum(vote == self.vote for vote in self.votes.values())
            badge = f"{agree} of {self.n} for {self.vote[1]}"
        elif self.state == "discovering":
            badge = f"no quorum: {len(self.histories) or len(self.infos) + 1} of {self.n}"
        elif self.state == "synchronising":
            badge = f"no quorum: {len(self.acked)} of {self.n}"
        elif len(self.log) > self.delivered:
            badge = f"{len(self.log) - self.delivered} not committed"
        who = f", leader {self.leader}" if self.leader and not self.leads else ""
        sentence = (
            f"{self.state}{who}, epoch {self.current} (accepted {self.accepted}), last transaction "
            f"{self.last[0]}.{self.last[1]}, {self.delivered} delivered"
        )
        return Look(role, letter.get(self.state, "F"), self.accepted, sentence, badge, self._answers())

    def _answers(self) -> tuple[bool | None, ...]:
        """Of the others: do they vote as it does, follow it, have its history?"""
        if self.state == "looking":
            same = [name for name, vote in self.votes.items() if vote == self.vote]
            return tally(self.others, same, self.votes)
        if self.state == "discovering":
            return tally(self.others, self.histories or self.infos)
        return tally(self.others, self.acked) if self.state == "synchronising" else ()
