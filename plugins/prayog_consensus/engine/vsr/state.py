"""What a replica remembers, its status as a table, and how committed commands are executed."""

from __future__ import annotations

from typing import ClassVar

from prayog_consensus.engine.clients import Answer, Command, Store
from prayog_consensus.engine.paxos.role import Role
from prayog_consensus.engine.setup import CORRECT
from prayog_consensus.engine.vsr.messages import DoViewChange, GetState, Log, RecoveryResponse
from prayog_sim.node import Ctx
from prayog_sim.run import Look, tally
from prayog_sim.table import Row, Table

__all__ = ["STATUS", "State"]

_CALM = ("primary", "backup", "changing")
STATUS = Table(
    "down",
    (
        Row("down", "first start", "primary", when="is_primary", do="lead", why="view 0"),
        Row("down", "first start", "backup", do="listen", why="view 0"),
        Row("down", "restart", "recovering", do="ask_to_recover", why="all is lost but the view"),
        Row("recovering", "recovered", "backup", do="listen", why="has the newest primary's log"),
        Row("primary", "view change", "changing", do="call_for_view", why="asked, or by hand"),
        Row("backup", "view change", "changing", do="call_for_view", why="no word from the primary, or asked"),
        Row("changing", "view change", "changing", do="call_for_view", why="it took too long, or asked again"),
        Row("changing", "enough logs", "primary", do="open_view", why="a majority sent its log"),
        *(Row(status, "view started", "backup", do="listen", why="the new primary's log") for status in _CALM),
        *(Row(status, "new state", "backup", do="listen", why="caught up by state transfer") for status in _CALM),
    ),
)


class State(Role, Store):
    """One replica of `replicas`, all of which are named in the same order everywhere.

    ``timeout`` (µs): how long a backup waits for the primary's word, up to ``1 + spread`` times that.
    """

    durable: ClassVar[tuple[str, ...]] = ("boots", "view", "_acked", "_opened", "_done", "_wrong")
    actions: ClassVar[tuple[str, ...]] = ("campaign", "propose")

    def __init__(
        self,
        me: str,
        replicas: tuple[str, ...],
        timeout: int = 150_000,
        spread: float = 1.0,
        timers: bool = True,
        piggyback: bool = False,
        variant: str = CORRECT,
    ) -> None:
        self.me = me
        self.replicas = replicas
        self.others = tuple(name for name in replicas if name != me)
        self.n = len(replicas)
        self.majority = self.n // 2 + 1
        self.timeout, self.spread, self.timers = timeout, spread, timers
        self.piggyback = piggyback
        self.variant = variant
        self.state = STATUS.start
        self.boots = 0
        """How often it was started: the nonce of a recovery, and how it knows that it must recover."""
        self.view = 0
        """Kept on disk, other than in the paper: a replica that forgets the view changes in which it took part can
        undo them (Michael, Ports, Sharma and Szekeres, Recovering Shared Objects Without Stable Storage, 2017)."""
        self.last_normal = 0
        self.log: Log = ()
        self.commit = 0
        self.acks: dict[str, int] = {}
        """As primary: how far each backup has stored the log."""
        self.changers: tuple[str, ...] = ()
        """Who else wants this view."""
        self.sent_log = False
        self.logs: dict[str, DoViewChange] = {}
        self.answers: dict[str, RecoveryResponse] = {}
        self._acked: dict[int, tuple[int, Command]] = {}
        """For the invariants, as are the next three: number → (view, command) that it acknowledged as primary."""
        self._opened: dict[int, Log] = {}
        self._done: dict[int, Command] = {}
        self._wrong = ""
        self.empty_store()

    def primary_of(self, view: int) -> str:
        """Rule 1 of normal operation."""
        return self.replicas[view % self.n]

    def is_primary(self, ctx: Ctx) -> bool:
        return self.primary_of(self.view) == self.me

    def saw_wrong(self, what: str) -> None:
        self._wrong = self._wrong or what

    # -- timers ------------------------------------------------------------------------------------------------

    def listen(self, ctx: Ctx) -> None:
        """Wait for the primary's word, for a random time."""
        ctx.cancel_timer("beat")
        self.watch("patience", ctx)

    def watch(self, name: str, ctx: Ctx) -> None:
        if self.timers:
            ctx.set_timer(name, self.timeout + int(self.timeout * self.spread * ctx.rng.random()))

    def beat(self, ctx: Ctx) -> None:
        """As primary: speak again in a third of the timeout."""
        ctx.cancel_timer("patience")
        if self.timers:
            ctx.set_timer("beat", max(1, self.timeout // 3))

    def lead(self, ctx: Ctx) -> None:
        ctx.emit("leader", term=self.view)
        self._opened.setdefault(self.view, self.log)
        self.beat(ctx)

    # -- execution ---------------------------------------------------------------------------------------------

    def commit_to(self, number: int, ctx: Ctx) -> None:
        """Execute, in order, all that is committed and in the log."""
        while self.commit < min(number, len(self.log)):
            command = self.log[self.commit]
            self.commit += 1
            answer = self.execute(command) if self.variant != "no-client-table" else self.execute_again(command)
            ctx.emit("commit", slot=self.commit, value=str(command))
            ctx.gauge("commit", self.commit)
            if self._done.setdefault(self.commit, command) != command:
                self.saw_wrong(f"executed {command} as number {self.commit}, where it had executed another command")
            if self.state == "primary":
                self._acked.setdefault(self.commit, (self.view, command))
                if command.client:
                    ctx.send(command.client, Answer(command.request, True, answer, self.me))

    def execute_again(self, command: Command) -> object:
        """Execute without looking whether the request was done before."""
        self.table.pop(command.client, None)
        return self.execute(command)

    # -- parts that are elsewhere ------------------------------------------------------------------------------

    def suspect(self, ctx: Ctx) -> None:
        """Go to the next view."""
        raise NotImplementedError

    def ask_for_state(self, src: str, view: int, number: int, ctx: Ctx) -> None:
        """Ask `src` for the log of `view` behind `number`."""
        ctx.send(src, GetState(view, number))

    def look(self) -> Look:
        role = {"primary": "leader", "backup": "follower", "changing": "candidate", "recovering": "recovering"}
        letter = {"primary": "P", "backup": "B", "changing": "V", "recovering": "R", "down": ""}[self.state]
        waiting = len(self.log) - self.commit
        if self.state == "changing":
            have = len(self.logs) if self.primary_of(self.view) == self.me else len(self.changers) + 1
            what = "logs" if self.primary_of(self.view) == self.me else "calls"
            badge = f"no majority of {what}: {have} of {self.n}" if have < self.majority else "waits for the start"
        elif self.state == "recovering":
            badge = f"{len(self.answers)} of {self.majority} answers"
        else:
            badge = f"{waiting} not committed" if waiting else ""
        sentence = f"{self.state}, view {self.view}, {len(self.log)} commands, {self.commit} committed"
        return Look(role.get(self.state, ""), letter, self.view, sentence, badge, self._answers())

    def _answers(self) -> tuple[bool | None, ...]:
        """Of the others, to what it waits for: their logs, their calls for the view, or their state."""
        if self.state == "changing":
            return tally(self.others, self.logs if self.primary_of(self.view) == self.me else self.changers)
        return tally(self.others, self.answers) if self.state == "recovering" else ()
