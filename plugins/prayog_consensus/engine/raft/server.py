"""A Raft server: all parts together, driven by messages, timers and the learner's actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prayog_consensus.engine.raft.membership import Membership
from prayog_consensus.engine.raft.messages import (
    Appended,
    AppendEntries,
    Ask,
    InstallSnapshot,
    Put,
    RequestVote,
    TimeoutNow,
    Vote,
)
from prayog_sim.clock import parse_duration
from prayog_sim.node import Ctx
from prayog_sim.run import ActionError, Look, tally

__all__ = ["Server"]

_LETTERS = {"follower": "F", "precandidate": "P", "candidate": "C", "leader": "L"}


class Server(Membership):
    """One member of the cluster (or one that may become a member)."""

    actions = ("campaign", "propose", "timer", "transfer", "add", "remove", "reconfigure")

    def on_start(self, ctx: Ctx) -> None:
        if self.errs("forgets_vote"):
            self.voted = ""
        if self.errs("forgets_term"):
            self.term = 0
        self.saw_term(self.term)
        self.set_log(self.log)
        self.restore()
        self.loaded = True
        if self._options.reads == "lease" and self.term:
            # Before it crashed it may have promised a leader not to vote; the promise holds for one timeout.
            self._hushed_until = ctx.now + self._options.timeout
        if self.term:
            ctx.note(f"{self._me} is back in term {self.term} with {self.log.last} entries")
        if self.votes_here:
            self.arm_election(ctx)

    def on_message(self, src: str, msg: Any, ctx: Ctx) -> None:
        match msg:
            case AppendEntries():
                self.on_append(src, msg, ctx)
            case Appended():
                self.on_appended(src, msg, ctx)
            case RequestVote():
                self.on_request_vote(src, msg, ctx)
            case Vote():
                self.on_vote(src, msg, ctx)
            case Ask():
                self.on_ask(src, msg, ctx)
            case InstallSnapshot():
                self.on_install(src, msg, ctx)
            case TimeoutNow():
                self.on_your_turn(src, msg, ctx)

    def on_timer(self, name: str, ctx: Ctx) -> None:
        match name:
            case "election":
                self.on_election_timeout(ctx)
            case "heartbeat":
                self.on_heartbeat(ctx)
            case "quorum":
                self.on_quorum(ctx)
            case "transfer":
                self.on_transfer_timeout(ctx)

    # -- what a learner can ask for ----------------------------------------------------------------------------

    def on_action(self, name: str, args: Mapping[str, Any], ctx: Ctx) -> None:
        match name:
            case "campaign":
                self._must_not_lead(name)
                self.on_election_timeout(ctx)
            case "timer":
                self._must_not_lead(name)
                ctx.set_timer("election", _duration(args))
            case "propose":
                self._must_lead(name)
                self.append(Put("", 0, str(args.get("key", "x")), args.get("value")), ctx)
            case "transfer":
                self._must_lead(name)
                to = str(args.get("to"))
                if to not in self.others:
                    raise ActionError(f"{self._me} cannot hand over to {to!r}; it can to {', '.join(self.others)}")
                self.transfer(to, ctx)
            case "add":
                self.add(str(args.get("server")), ctx)
            case "remove":
                self.remove(str(args.get("server")), ctx)
            case "reconfigure":
                named = str(args.get("members", "")).replace(",", " ").split()
                self.reconfigure(tuple(dict.fromkeys(named)), ctx)

    def _must_lead(self, what: str) -> None:
        if not self.leads:
            hint = f"; {self.leader} does" if self.leader else ""
            raise ActionError(f"{self._me} cannot {what}: it does not lead{hint}")

    def _must_not_lead(self, what: str) -> None:
        if self.leads:
            raise ActionError(f"{what} is for servers that wait for a leader; {self._me} leads")

    # -- how it looks ------------------------------------------------------------------------------------------

    def look(self) -> Look:
        role = "candidate" if self.state == "precandidate" else self.state
        standing = self.state in ("candidate", "precandidate")
        answers = tally(self.others, self.votes, self.refusals) if standing else ()
        return Look(role, _LETTERS[self.state], self.term, self._sentence(), self._badge(), answers)

    def _sentence(self) -> str:
        who = {
            "follower": f"follows {self.leader}" if self.leader else "follower without a leader",
            "precandidate": f"asks who would vote for it in term {self.term + 1}: {len(self.votes)} so far",
            "candidate": f"candidate with {len(self.votes)} of {len(self.members.everyone)} votes",
            "leader": "leads",
        }[self.state]
        if not self.votes_here:
            who = "no member" if not self.leader else f"no member, follows {self.leader}"
        return f"{who}, term {self.term}; log to {self.log.last}, committed {self.commit}"

    def _badge(self) -> str:
        """A reason, when it cannot do its work."""
        size = len(self.members.everyone)
        if not self.votes_here:
            return "no member"
        if not self.reached or (self.state == "follower" and self.leader):
            return ""
        if self.reached * 2 <= size:
            return f"no majority: {self.reached} of {size}"
        return "split vote" if self.state == "candidate" else ""

    def label(self, msg: Any) -> str:
        return str(msg)


def _duration(args: Mapping[str, Any]) -> int:
    try:
        after = parse_duration(str(args.get("after", "10ms")))
    except ValueError as error:
        raise ActionError(f"after: {error}") from None
    if after < 0:
        raise ActionError("after: a timer runs forwards")
    return after
