"""Elections: timeouts, votes, pre-votes, and the rules by which a vote is refused (§5.2, §5.4.1)."""

from __future__ import annotations

from prayog_consensus.engine.raft import yours
from prayog_consensus.engine.raft.messages import RequestVote, Vote
from prayog_consensus.engine.raft.roles import ROLES
from prayog_consensus.engine.raft.state import ServerState
from prayog_sim.clock import format_us
from prayog_sim.node import Ctx

__all__ = ["Elections"]


class Elections(ServerState):
    """The part of a server that votes and asks for votes."""

    # -- asking ------------------------------------------------------------------------------------------------

    def on_election_timeout(self, ctx: Ctx) -> None:
        """No leader was heard for a whole timeout."""
        if not self.votes_here:
            ctx.note(f"{self._me} waits: it is not a member, so it asks for no votes")
            return
        if self.state in ("candidate", "precandidate"):
            self.reached = len({self._me, *self.votes, *self.refusals})
        ROLES.fire(self, "timeout", ctx)

    def asks_first(self, ctx: Ctx) -> bool:
        """(Guard of the table.)  Alone in its cluster, it need not ask."""
        return self._options.prevote and bool(self.others)

    def ask_pre_votes(self, ctx: Ctx) -> None:
        """Would you vote for me?  Nobody's term changes, so a server that was cut off disturbs nobody (thesis 9.6)."""
        self.votes, self.refusals, self.leader = (self._me,), (), ""
        ctx.note(f"{self._me} asks whether it would be elected in term {self.term + 1}")
        self._ask(ctx, pre=True)

    def ask_votes(self, ctx: Ctx, forced: bool = False) -> None:
        """A new term, with its own vote for itself (§5.2)."""
        self.enter_term(self.term + 1)
        self.give_vote(self._me)
        self.votes, self.refusals = (self._me,), ()
        ctx.emit("candidate", term=self.term)
        ctx.note(f"{self._me} asks for votes in term {self.term}")
        self._ask(ctx, forced=forced)
        if self.members.agree(self.votes):  # a cluster of one
            ROLES.fire(self, "majority", ctx)

    def _ask(self, ctx: Ctx, pre: bool = False, forced: bool = False) -> None:
        self.arm_election(ctx)
        question = self.request_vote(pre, forced)
        for name in self.others:
            ctx.send(name, question)

    # -- answering ---------------------------------------------------------------------------------------------

    def on_request_vote(self, src: str, msg: RequestVote, ctx: Ctx) -> None:
        """`src` wants a vote."""
        what = "pre-vote" if msg.pre else "vote"
        if self._hears_leader(ctx) and not msg.forced and msg.term > self.term:
            # Thesis 4.2.3: a server that hears from a leader neither votes nor takes over the term.
            ctx.note(f"{self._me} ignores {src}'s {what} request: {self._why_calm(ctx)}")
            return
        if msg.pre:
            self._answer_pre_vote(src, msg, ctx)
            return
        if self._options.vote is not None:
            yours.answer(self, self._options.vote, src, msg, ctx)
            return
        if msg.term > self.term:
            self.step_down(msg.term, ctx, f"{src} is a candidate in it")
        why_not = self._why_not(src, msg)
        if why_not:
            ctx.note(f"{self._me} refuses {src}'s vote request of term {msg.term}: {why_not}")
        else:
            self.give_vote(src)
            self.arm_election(ctx)
            ctx.note(f"{self._me} votes for {src} in term {self.term}: its log is {self._compare(msg)}")
        ctx.send(src, Vote(self.term, not why_not))

    def _answer_pre_vote(self, src: str, msg: RequestVote, ctx: Ctx) -> None:
        """Answer as if it were a vote, and change nothing."""
        why_not = f"it is in term {self.term} already" if msg.term <= self.term else self._behind(msg)
        if self.errs("prevote_resets_vote") and msg.term >= self.term and not self._behind(msg):
            why_not, self.voted = "", ""  # the slip of canonical/raft #196
        if why_not:
            ctx.note(f"{self._me} would not vote for {src} in term {msg.term}: {why_not}")
            ctx.send(src, Vote(self.term, False, pre=True))
        else:
            ctx.note(f"{self._me} would vote for {src} in term {msg.term}")
            ctx.send(src, Vote(msg.term, True, pre=True))

    def _hears_leader(self, ctx: Ctx) -> bool:
        """A leader spoke within the shortest timeout, so that no honest election can be under way."""
        if not self._options.sticky:
            return False
        recent = bool(self.leader) and ctx.now - self._heard_at < self._options.timeout
        return self.leads or recent or ctx.now < self._hushed_until

    def _why_calm(self, ctx: Ctx) -> str:
        if self.leads:
            return f"it leads term {self.term}"
        if ctx.now < self._hushed_until:
            return "before its crash it may have promised a leader not to vote"
        return f"it heard from leader {self.leader} {format_us(ctx.now - self._heard_at)} ago"

    def _why_not(self, src: str, msg: RequestVote) -> str:
        """The rule that forbids the vote, in words; empty when none does (Figure 2, RequestVote)."""
        if msg.term < self.term:
            return f"it is in term {self.term}"
        if self.voted not in ("", src):
            return f"has voted for {self.voted} in term {self.term}"
        return self._behind(msg)

    def _behind(self, msg: RequestVote) -> str:
        """§5.4.1: the last entries decide whose log is more up to date: first their terms, then their indexes."""
        if self.errs("votes_for_anyone"):
            return ""
        mine, its = (self.log.last_term, self.log.last), (msg.last_term, msg.last_index)
        if its >= mine:
            return ""
        if its[0] < mine[0]:
            return f"its log ends in term {its[0]}, mine in term {mine[0]}"
        return f"its log ends at index {its[1]}, mine at {mine[1]}"

    def _compare(self, msg: RequestVote) -> str:
        if (msg.last_term, msg.last_index) == (self.log.last_term, self.log.last):
            return "as up to date as mine"
        return "more up to date than mine" if not self._behind(msg) else "not even looked at"

    # -- counting ----------------------------------------------------------------------------------------------

    def on_vote(self, src: str, msg: Vote, ctx: Ctx) -> None:
        """`src` answered."""
        if msg.pre:
            self._count_pre_vote(src, msg, ctx)
            return
        if msg.term > self.term:
            self.step_down(msg.term, ctx, f"{src} is in it")
            return
        if self.state != "candidate" or msg.term < self.term:
            return  # an answer to an election that is over
        self._count(src, msg.granted, ctx)

    def _count_pre_vote(self, src: str, msg: Vote, ctx: Ctx) -> None:
        if not msg.granted and msg.term > self.term:
            self.step_down(msg.term, ctx, f"{src} is in it")
            return
        asked = self.state == "precandidate" and (not msg.granted or msg.term == self.term + 1)
        if asked or (self.errs("counts_pre_votes") and self.state == "candidate" and msg.term == self.term):
            self._count(src, msg.granted, ctx)

    def _count(self, src: str, granted: bool, ctx: Ctx) -> None:
        if src in self.votes or src in self.refusals:
            return  # a message that came twice
        if not granted:
            self.refusals = (*self.refusals, src)
            return
        self.votes = (*self.votes, src)
        if self.members.agree(self.votes):
            ROLES.fire(self, "majority", ctx)

    def lose(self, ctx: Ctx) -> None:
        """(Row of the table.)  Another candidate won the term; the vote that it gave itself stays given."""
        if self.errs("clears_vote"):
            self.voted = ""
