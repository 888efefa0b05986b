"""A node of FloodMax: it tells its neighbours the highest id that it knows, round after round, and then decides.

Rules: see `floodmax`, which says how many rounds there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from prayog_consensus.engine.elections.rounds import Rounds
from prayog_consensus.engine.setup import CORRECT
from prayog_sim.node import Ctx
from prayog_sim.run import Look

__all__ = ["FloodMax", "Max"]


@dataclass(frozen=True, slots=True)
class Max:
    """The highest id that the sender knows of when round `round` begins, and whose it is."""

    round: int
    id: int
    owner: str

    def __str__(self) -> str:
        return f"r{self.round} max {self.id}"


class FloodMax(Rounds):
    """One node; `stop` is the number of rounds after which it decides."""

    durable: ClassVar[tuple[str, ...]] = ("highest", "owner", "done", "state", "leader")

    def __init__(
        self, id: int, neighbours: tuple[str, ...], stop: int, length: int, frugal: bool = False, variant: str = CORRECT
    ) -> None:
        self.id = id
        self.neighbours = neighbours
        self.length = length
        self.frugal = frugal
        self.stop = stop
        self.state = "undecided"
        self.highest = id
        self.owner = ""
        self.done = 0
        """Rounds that are over."""
        self.leader = ""
        self.inbox: tuple[tuple[str, Any], ...] = ()
        self.variant = variant

    def on_start(self, ctx: Ctx) -> None:
        self.owner = self.owner or ctx.me
        if self.state != "undecided":
            return
        if self.done >= self.stop:
            self.decide(ctx)
        elif self.done:  # after a crash: it goes on where it was, late
            self.await_end(ctx)
        else:
            self.tell(ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if msg.round <= self.done or self.state != "undecided":
            ctx.note(f"{ctx.me} gets round {msg.round}'s {msg.id} from {src} too late: {self.done} rounds are over")
            ctx.emit("late", round=msg.round)
        self.inbox = (*self.inbox, (src, msg))

    def tell(self, ctx: Ctx) -> None:
        """The sending part of a round."""
        for neighbour in self.neighbours:
            ctx.send(neighbour, Max(self.done + 1, self.highest, self.owner))
        self.await_end(ctx)

    def end_round(self, letters: tuple[tuple[str, Any], ...], ctx: Ctx) -> None:
        before = self.highest
        self.done += 1
        for src, msg in letters:
            if msg.id > self.highest:
                self.highest, self.owner = msg.id, msg.owner
                ctx.note(f"{ctx.me} hears of {msg.id} from {src} in round {self.done}")
        ctx.gauge("highest", self.highest)
        if self.done >= self.stop:
            self.decide(ctx)
        elif self.frugal and self.highest == before:
            self.await_end(ctx)
        else:
            self.tell(ctx)

    def decide(self, ctx: Ctx) -> None:
        """The rounds are over: whoever has heard of nothing higher than its own id leads."""
        self.leader = self.owner
        if self.highest == self.id:
            self.state = "leader"
            ctx.note(f"{ctx.me} leads: in {self.done} rounds it heard of nobody above its own {self.id}")
            ctx.emit("leader", term=1, id=self.id, round=self.done)
        else:
            self.state = "follower"
            ctx.note(f"{ctx.me} follows {self.owner}, the highest it heard of in {self.done} rounds")
        ctx.emit("elected", id=self.highest, leader=self.owner, round=self.done)

    def look(self) -> Look:
        role, letter = {"leader": ("leader", "L"), "follower": ("follower", "F")}.get(self.state, ("candidate", "?"))
        knows = f"id {self.id}, highest heard of {self.highest}, {self.done} of {self.stop} rounds are over"
        return Look(role, letter, self.highest, f"{self.state}: {knows}", f"{self.id} · max {self.highest}")

    def label(self, msg: Any) -> str:
        return str(msg)
