"""Small protocols as nodes, to be explored and replayed: with and without the mistakes that should be found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from prayog_sim.clock import ms
from prayog_sim.explorer import Property, Snapshot
from prayog_sim.node import Ctx, Node
from prayog_sim.run import ActionError
from prayog_sim.world import Invariant

Factories = dict[str, Callable[[], Node]]


class Ping(Node):
    """Stateright's ping-pong actors (src/actor/model.rs): each adds one when the other's number is its own."""

    def __init__(self, starts: bool, most: int) -> None:
        self.value = 0
        self.starts = starts
        self.most = most

    def on_start(self, ctx: Ctx) -> None:
        if self.starts:
            ctx.send(ctx.peers[0], ("ping", 0))

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if msg[1] == self.value < self.most:
            self.value += 1
            ctx.send(src, ("ping", msg[1] + 1) if self.starts else ("pong", msg[1]))


def ping_pong(most: int) -> Factories:
    return {"pinger": partial(Ping, True, most), "ponger": partial(Ping, False, most)}


class Manager(Node):
    """The manager of TwoPhase.  Whatever it may do by itself is a timer, so that it may do it at any time."""

    def __init__(self) -> None:
        self.state = "init"
        self.prepared: set[str] = set()

    def on_start(self, ctx: Ctx) -> None:
        ctx.set_timer("abort", ms(10))

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if self.state == "init":
            self.prepared.add(src)
            if len(self.prepared) == len(ctx.peers):
                ctx.set_timer("commit", ms(1))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self.state = name
        ctx.cancel_timer("abort")
        ctx.cancel_timer("commit")
        ctx.broadcast(name)


class Resource(Node):
    """A resource manager of TwoPhase; a ``hasty`` one aborts on its own also after it has prepared."""

    def __init__(self, hasty: bool = False) -> None:
        self.state = "working"
        self.hasty = hasty

    def on_start(self, ctx: Ctx) -> None:
        ctx.set_timer("prepare", ms(1))
        ctx.set_timer("give up", ms(5))

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        self.state = msg
        self.stop(ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "prepare":
            self.state = "prepared"
            ctx.send("tm", "prepared")
            if self.hasty:
                return
        else:
            self.state = "abort"
        self.stop(ctx)

    def stop(self, ctx: Ctx) -> None:
        ctx.cancel_timer("prepare")
        ctx.cancel_timer("give up")


def two_phase(count: int, hasty: bool = False) -> Factories:
    return {"tm": Manager, **{f"rm{i}": partial(Resource, hasty) for i in range(1, count + 1)}}


def decided_alike(nodes: Mapping[str, Node]) -> str | None:
    states = {name: node.state for name, node in nodes.items() if isinstance(node, Resource)}
    aborted = [name for name, state in states.items() if state == "abort"]
    committed = [name for name, state in states.items() if state == "commit"]
    return f"{aborted[0]} aborted and {committed[0]} committed" if aborted and committed else None


CONSISTENT = Invariant("consistent", decided_alike)
ALL_COMMIT: Property[Snapshot] = Property(
    "sometimes",
    "all commit",
    lambda seen: all(node.state == "commit" for node in seen.nodes.values()),  # type: ignore[attr-defined]
)


@dataclass(frozen=True)
class Ask:
    term: int


@dataclass(frozen=True)
class Grant:
    term: int


class Voter(Node):
    """The election of Raft (figure 2 of the paper) without its log.

    ``forgets``: the vote is not durable.  ``naive``: it grants a vote to everyone who asks.
    """

    durable: ClassVar[tuple[str, ...]] = ("term", "vote")

    def __init__(self, forgets: bool = False, naive: bool = False) -> None:
        self.term = 0
        self.vote = ""
        self.role = "follower"
        self.votes: set[str] = set()
        self.naive = naive
        if forgets:
            self.durable = ("term",)  # type: ignore[misc]

    def on_start(self, ctx: Ctx) -> None:
        ctx.set_timer("election", ms(ctx.rng.randint(150, 300)))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        self.term += 1
        self.role, self.vote, self.votes = "candidate", ctx.me, {ctx.me}
        ctx.set_timer("election", ms(ctx.rng.randint(150, 300)))
        ctx.broadcast(Ask(self.term))

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        if msg.term > self.term:
            self.term, self.vote, self.role, self.votes = msg.term, "", "follower", set()
        if msg.term < self.term:
            return
        if isinstance(msg, Ask):
            if self.naive or self.vote in ("", src):
                self.vote = src
                ctx.send(src, Grant(self.term))
        elif self.role == "candidate" and src not in self.votes:
            self.votes.add(src)
            if 2 * len(self.votes) > len(ctx.peers) + 1:
                self.role = "leader"
                ctx.cancel_timer("election")
                ctx.emit("leader", term=self.term)


def voters(count: int, **mistakes: bool) -> Factories:
    return {f"n{i}": partial(Voter, **mistakes) for i in range(1, count + 1)}


def leaders(nodes: Mapping[str, Node]) -> str | None:
    seen: dict[int, str] = {}
    for name, node in nodes.items():
        if isinstance(node, Voter | Raft) and node.role == "leader":
            if node.term in seen:
                return f"{seen[node.term]} and {name} both lead term {node.term}"
            seen[node.term] = name
    return None


ONE_LEADER = Invariant("one leader per term", leaders)


def terms(most: int) -> Callable[[Mapping[str, Node]], bool]:
    return lambda nodes: all(node.term <= most for node in nodes.values())  # type: ignore[attr-defined]


class Raft(Node):
    """Election and log of Raft (figure 2 of the paper); a leader sends its whole log.

    ``blind``: it votes without looking whether the candidate's log is as complete as its own (§5.4.1).
    """

    durable: ClassVar[tuple[str, ...]] = ("term", "vote", "log")
    actions: ClassVar[tuple[str, ...]] = ("append",)

    def __init__(self, blind: bool = False) -> None:
        self.blind = blind
        self.term = 0
        self.vote = ""
        self.log: list[tuple[int, str]] = []
        self.role = "follower"
        self.votes: set[str] = set()
        self.match: dict[str, int] = {}
        self.commit = 0

    def on_start(self, ctx: Ctx) -> None:
        ctx.set_timer("election", ms(ctx.rng.randint(150, 300)))

    def on_timer(self, name: str, ctx: Ctx) -> None:
        if name == "election":
            self.term += 1
            self.role, self.vote, self.votes = "candidate", ctx.me, {ctx.me}
            ctx.broadcast(("ask", self.term, len(self.log), self.log[-1][0] if self.log else 0))
            ctx.set_timer("election", ms(ctx.rng.randint(150, 300)))

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        kind, term, *rest = msg
        if term > self.term:
            self.term, self.vote, self.role, self.votes, self.match = term, "", "follower", set(), {}
        if term < self.term:
            return
        if kind == "ask":
            mine = (self.log[-1][0] if self.log else 0, len(self.log))
            if self.vote in ("", src) and (self.blind or (rest[1], rest[0]) >= mine):
                self.vote = src
                ctx.send(src, ("grant", term))
        elif kind == "grant" and self.role == "candidate":
            self.votes.add(src)
            if 2 * len(self.votes) > len(ctx.peers) + 1:
                self.role, self.match = "leader", dict.fromkeys(ctx.peers, 0)
                ctx.cancel_timer("election")
        elif kind == "entries":
            self.log = list(rest[0])
            self.commit = min(rest[1], len(self.log))
            ctx.send(src, ("stored", term, len(self.log)))
        elif kind == "stored" and self.role == "leader":
            self.match[src] = max(self.match[src], rest[0])
            for length in range(self.commit + 1, len(self.log) + 1):
                stored = 1 + sum(match >= length for match in self.match.values())
                if 2 * stored > len(ctx.peers) + 1 and self.log[length - 1][0] == self.term:
                    self.commit = length

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        if self.role != "leader":
            raise ActionError(f"{ctx.me} does not lead")
        self.log.append((self.term, args["value"]))
        ctx.broadcast(("entries", self.term, tuple(self.log), self.commit))


def same_commits(nodes: Mapping[str, Node]) -> str | None:
    logs = [(name, node.log[: node.commit]) for name, node in nodes.items() if isinstance(node, Raft)]
    for name, log in logs:
        for other, theirs in logs:
            if any(a != b for a, b in zip(log, theirs, strict=False)):
                return f"{name} and {other} committed different entries"
    return None


SAME_COMMITS = Invariant("same commits", same_commits)


class Asker(Node):
    """Sends what it is asked to send, once; used with ordered and unordered links."""

    actions: ClassVar[tuple[str, ...]] = ("say",)

    def __init__(self) -> None:
        self.said: list[str] = []
        self.heard: list[str] = []

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        if len(self.said) == 3:
            raise ActionError(f"{ctx.me} has said enough")
        self.said.append(args["word"])
        ctx.broadcast(args["word"])

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        self.heard.append(msg)
