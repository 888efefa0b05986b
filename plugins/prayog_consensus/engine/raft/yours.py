"""The vote as the learner writes it: `on_vote_request(state, msg)` in the place of Figure 2's RequestVote.

Why it exists: three short rules make an election safe, and each is forgotten easily.  The function answers every
request for a vote of every server; the rest of Raft is the lab's.

Rules
1. The function changes ``state.term`` and ``state.voted_for`` itself; both are on the disk before its answer leaves.
2. What it decides is done, right or wrong: the invariants of Raft judge it, not this module.
3. A call that fails gives no answer, as a server that died in its handler would.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prayog_consensus.engine.raft.messages import RequestVote, Vote
from prayog_sdk.code.function import Function, events
from prayog_sdk.specs import CodeSpec
from prayog_sim.node import Ctx

if TYPE_CHECKING:
    from prayog_consensus.engine.raft.state import ServerState

__all__ = ["VOTE", "Request", "State", "answer"]

STARTER = '''\
def on_vote_request(state, msg):
    """A candidate asks for this server's vote: return True to give it, False to refuse.

    state.me           the name of this server
    state.term         the newest term that it has seen        (yours to change)
    state.voted_for    whom it voted for in that term, or ""   (yours to change)
    state.last_term    the term of the last entry in its log, 0 when it is empty
    state.last_index   the index of that entry, 0 when it is empty

    msg.candidate, msg.term, msg.last_term, msg.last_index     the same of the candidate

    What you set is on the disk before the answer leaves.  The candidate counts
    votes of its own term only.
    """
    if msg.term > state.term:
        state.term = msg.term
    return True
'''
VOTE = CodeSpec(
    "on_vote_request", "code", "Answer a request for a vote",
    "Give your vote so that no term ever has two leaders, and no leader lacks what was committed.",
    STARTER, steps=2_000,
)  # fmt: skip


class State:
    """What the learner's function sees of its server, and may change."""

    __slots__ = ("last_index", "last_term", "me", "term", "voted_for")

    def __init__(self, me: str, term: int, voted_for: str, last_term: int, last_index: int) -> None:
        self.me = me
        self.term: Any = term
        self.voted_for: Any = voted_for
        self.last_term = last_term
        self.last_index = last_index

    def __repr__(self) -> str:
        vote = f"voted for {self.voted_for}" if self.voted_for else "has not voted"
        return f"{self.me} in term {self.term}, {vote}, log to {self.last_index} of term {self.last_term}"


class Request:
    """A request for a vote, as the learner's function sees it."""

    __slots__ = ("candidate", "last_index", "last_term", "term")

    def __init__(self, candidate: str, msg: RequestVote) -> None:
        self.candidate = candidate
        self.term = msg.term
        self.last_term, self.last_index = msg.last_term, msg.last_index

    def __repr__(self) -> str:
        return f"{self.candidate} asks in term {self.term}, log to {self.last_index} of term {self.last_term}"


def answer(server: ServerState, vote: Function, src: str, msg: RequestVote, ctx: Ctx) -> None:
    """Let `vote` answer the request of `src` for `server`."""
    state = State(ctx.me, server.term, server.voted, server.log.last_term, server.log.last)
    outcome = vote(state, Request(src, msg), expect=lambda value: _wrong(value, state))
    for kind, data in events(outcome):
        ctx.emit(kind, **data)
    if outcome.mistake is not None:
        ctx.note(f"{ctx.me} gives no answer to {src}: {outcome.mistake.sentence}")
        return
    if state.term > server.term:
        server.step_down(state.term, ctx, f"{src} is a candidate in it")
    elif state.term < server.term:
        server.enter_term(state.term)
    server.voted = state.voted_for or ""
    if outcome.value:
        server.saw_vote(server.term, src)
        server.arm_election(ctx)
    ctx.note(f"{ctx.me} {'votes for' if outcome.value else 'refuses'} {src} in term {server.term}")
    ctx.send(src, Vote(server.term, outcome.value))


def _wrong(value: Any, state: State) -> str:
    if not isinstance(value, bool):
        return f"must return True or False; it returned {value!r:.60}."
    if type(state.term) is not int or state.term < 0:
        return f"must leave a whole number in state.term; it left {state.term!r:.60}."
    if state.voted_for is not None and not isinstance(state.voted_for, str):
        return f"must leave a name or \"\" in state.voted_for; it left {state.voted_for!r:.60}."
    return ""
