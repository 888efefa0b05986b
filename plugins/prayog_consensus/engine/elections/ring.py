"""What the elections on a ring share: tokens that only the highest id survives, and the lap that tells the result.

E. Chang and R. Roberts, "An improved algorithm for decentralized extrema-finding in circular configurations of
processes", Communications of the ACM 22(5), 1979 (CR79 below).

Rules
1. Whoever begins sends its id round.  A token is swallowed by every initiator with a higher id (CR79, the filter);
   a node that did not begin only passes tokens on, and is then too late to begin in this election.
2. The node to which its own id comes back leads: it is the highest of all initiators.
3. ``elect`` after that begins another election with a higher number (`term`); older tokens are swallowed.  The
   paper has one election only; rings that lose tokens need more.
4. What a node did in an election is durable: a node that forgets could begin a second time behind its own token.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from prayog_consensus.engine.sent import sent
from prayog_consensus.engine.setup import CORRECT
from prayog_sdk.checks import Measure, count
from prayog_sdk.specs import ActionSpec, Arg
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError, Look
from prayog_sim.table import Row, Table
from prayog_sim.world import Invariant

__all__ = ["ACTIONS", "INVARIANTS", "MEASURES", "RING", "Elected", "RingNode", "Token"]

RING = Table(
    "idle",
    (
        Row("idle", "elect", "candidate", do="send_own", why="begins"),
        Row("idle", "token", "relay", do="forward", why="did not begin"),
        Row("candidate", "token", "leader", when="is_own", do="win", why="own id came back"),
        Row("candidate", "token", "beaten", when="is_higher", do="forward", why="a higher id"),
        Row("candidate", "token", "candidate", do="swallow", why="a lower id"),
        # The paper's rule asks no more than whether the id is one's own: only a broken filter lets it come to this.
        Row("beaten", "token", "leader", when="is_own", do="win", why="own id came back"),
        Row("beaten", "token", "beaten", when="is_higher", do="forward", why="a higher id"),
        Row("beaten", "token", "beaten", do="swallow", why="not above its own id"),
        Row("relay", "token", "relay", do="forward"),
        Row("leader", "token", "leader", do="swallow", why="it is decided"),
        Row("relay", "news", "relay", do="tell_on"),
        Row("candidate", "news", "beaten", do="tell_on", why="with a broken filter only"),
        Row("beaten", "news", "beaten", do="tell_on"),
        Row("leader", "news", "leader", why="the news is round"),
        *(Row(state, "new election", "idle", why="a higher number")
          for state in ("candidate", "beaten", "relay", "leader")),
    ),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """An initiator's id on its way round."""

    term: int
    id: int

    def __str__(self) -> str:
        return f"id {self.id}" + (f" t{self.term}" if self.term > 1 else "")


@dataclass(frozen=True, slots=True)
class Elected:
    """The second lap: who leads."""

    term: int
    id: int
    leader: str

    def __str__(self) -> str:
        return f"{self.leader} leads" + (f" t{self.term}" if self.term > 1 else "")


class RingNode(Node):
    """One node of the ring `order`, which everybody knows.  ``begins``: it begins when it starts."""

    durable: ClassVar[tuple[str, ...]] = ("term", "state", "leader", "leader_id", "begun", "won", "told", "skips")
    actions: ClassVar[tuple[str, ...]] = ("elect", "skip")

    def __init__(self, me: str, id: int, order: tuple[str, ...], begins: bool = True, variant: str = CORRECT) -> None:
        self.me = me
        self.id = id
        self.order = order
        self.begins = begins
        self.variant = variant
        self.term = 1
        self.state = RING.start
        self.leader = ""
        self.leader_id = 0
        self.begun: tuple[int, ...] = ()
        """Elections in which this node was an initiator; for the invariants."""
        self.won: tuple[int, ...] = ()
        """Elections that it won; for the invariants, which look across time."""
        self.told: tuple[tuple[int, int], ...] = ()
        """(election, winner's id) as it was told; for the invariants."""
        self.skips = 0
        """How many nodes behind it are left out, because they are dead."""

    # -- beginning ---------------------------------------------------------------------------------------------

    def on_start(self, ctx: Ctx) -> None:
        if self.begins and self.state == "idle":
            self.elect(ctx)

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        if name == "skip":
            if self.skips >= len(self.order) - 2:
                raise ActionError(f"{ctx.me} cannot skip {self.next()}: nobody else would be left on the ring")
            gone = self.next()
            self.skips += 1
            ctx.note(f"{ctx.me} leaves out {gone} and sends to {self.next()} from now on")
            return
        if self.state != "idle":
            self.renew(self.term + 1, ctx)
        self.elect(ctx)

    def elect(self, ctx: Ctx) -> None:
        """Become an initiator of the election `term`."""
        self.begun = (*self.begun, self.term)
        ctx.emit("initiate", id=self.id, term=self.term)
        RING.fire(self, "elect", ctx)

    def renew(self, term: int, ctx: Ctx) -> None:
        """Leave the old election behind for a newer one."""
        if self.state == "leader":
            ctx.emit("stepdown", term=self.term)
        if self.leader:
            ctx.emit("forgets", leader=self.leader)
        if self.state != "idle":
            RING.fire(self, "new election", ctx)
        self.term, self.leader, self.leader_id = term, "", 0

    # -- tokens ------------------------------------------------------------------------------------------------

    def hear(self, msg: Token | Elected, ctx: Ctx) -> None:
        """Take a message; the model decides when."""
        if msg.term < self.term:
            ctx.note(f"{ctx.me} swallows {msg}: that was election {msg.term}, now it is {self.term}")
            return
        if msg.term > self.term:
            self.renew(msg.term, ctx)
        RING.fire(self, "token" if isinstance(msg, Token) else "news", ctx, msg)

    def is_own(self, ctx: Ctx, msg: Token) -> bool:
        return msg.id == self.id

    def is_higher(self, ctx: Ctx, msg: Token) -> bool:
        return msg.id > self.id or (self.variant == "forwards-all" and msg.id != self.id)

    def send_own(self, ctx: Ctx) -> None:
        ctx.note(f"{ctx.me} begins election {self.term} with its id {self.id}")
        self.transmit(Token(self.term, self.id), ctx)

    def forward(self, ctx: Ctx, msg: Token) -> None:
        why = f"{msg.id} is higher than its own {self.id}" if msg.id > self.id else "it has not begun itself"
        ctx.note(f"{ctx.me} passes {msg.id} on: {why}")
        self.transmit(msg, ctx)

    def swallow(self, ctx: Ctx, msg: Token) -> None:
        why = "it leads already" if self.state == "leader" else f"its own id {self.id} is not below"
        ctx.note(f"{ctx.me} swallows {msg.id}: {why}")
        ctx.emit("swallow", id=msg.id)

    def win(self, ctx: Ctx, msg: Token) -> None:
        ctx.note(f"{ctx.me} leads: its id {self.id} came all the way round, so nobody swallowed it")
        self.won = (*self.won, self.term)
        ctx.emit("leader", term=self.term, id=self.id, **self.when(ctx))
        self.believe(ctx.me, self.id, ctx)
        self.transmit(Elected(self.term, self.id, ctx.me), ctx)

    def tell_on(self, ctx: Ctx, msg: Elected) -> None:
        if self.leader == msg.leader:
            return  # the news came twice
        self.believe(msg.leader, msg.id, ctx)
        self.transmit(msg, ctx)

    def believe(self, leader: str, id: int, ctx: Ctx) -> None:
        self.leader, self.leader_id = leader, id
        self.told = (*self.told, (self.term, id))
        ctx.emit("elected", id=id, leader=leader, **self.when(ctx))

    # -- what the models differ in -----------------------------------------------------------------------------

    def transmit(self, msg: Any, ctx: Ctx) -> None:
        """Send `msg` clockwise."""
        ctx.send(self.next(), msg)

    def when(self, ctx: Ctx) -> dict[str, int]:
        """The round, where there are rounds."""
        return {}

    def next(self) -> str:
        """The node behind this one, without those that it skips."""
        return self.order[(self.order.index(self.me) + 1 + self.skips) % len(self.order)]

    # -- how it looks ------------------------------------------------------------------------------------------

    def look(self) -> Look:
        role, letter, what = {
            "idle": ("follower", "·", "has heard of no election"),
            "candidate": ("candidate", "C", "waits for its own id to come back"),
            "beaten": ("follower", "F", "has passed on a higher id than its own"),
            "relay": ("follower", "R", "did not begin and only passes ids on"),
            "leader": ("leader", "L", "leads: its id came back"),
        }[self.state]
        knows = f", knows that {self.leader} leads" if self.leader and self.state != "leader" else ""
        return Look(role, letter, self.term, f"id {self.id}, {what}{knows}", f"id {self.id}")

    def label(self, msg: Any) -> str:
        return str(msg)


# -- what must hold, and what is counted -----------------------------------------------------------------------


def _ring(nodes: Mapping[str, Node]) -> list[RingNode]:
    return [node for node in nodes.values() if isinstance(node, RingNode)]


def _one_winner(nodes: Mapping[str, Node]) -> str | None:
    seen: dict[int, str] = {}
    for name, node in nodes.items():
        for term in node.won if isinstance(node, RingNode) else ():
            if term in seen:
                return f"{seen[term]} and {name} both won election {term}"
            seen[term] = name
    return None


def _highest(nodes: Mapping[str, Node]) -> str | None:
    ring = _ring(nodes)
    for node in ring:
        for term in node.won:
            best = max((other.id for other in ring if term in other.begun), default=0)
            if node.id != best:
                return f"{node.me} won election {term} with id {node.id}, although {best} took part"
    return None


def _believed(nodes: Mapping[str, Node]) -> str | None:
    ring = _ring(nodes)
    won = {(term, node.id) for node in ring for term in node.won}
    wrong = next(((node.me, told) for node in ring for told in node.told if told not in won), None)
    return f"{wrong[0]} believes that id {wrong[1][1]} won election {wrong[1][0]}, which nobody did" if wrong else None


INVARIANTS = (
    Invariant("one_winner", _one_winner),
    Invariant("highest_initiator_wins", _highest),
    Invariant("believed_is_won", _believed),
)

_NODE = Arg("node", "node", "Node")
ACTIONS = (
    ActionSpec("elect", "Begin an election", "The node sends its id round.", "node", (_NODE,), "e"),
    ActionSpec("skip", "Leave out the next node", "Repair the ring behind a dead node.", "node", (_NODE,), "k"),
)
MEASURES: Mapping[str, Measure] = {
    "tokens": sent("Token", "Probe", "Reply"),
    "announcements": sent("Elected"),
    "initiators": count("initiate"),
}
