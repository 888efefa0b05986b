"""Changes of membership: one server at a time, or any change through a joint configuration (§6, thesis 4).

A configuration counts from the moment it stands in a server's log, not from when it is committed.  With changes of one
server, any majority of the old members and any of the new overlap, so nothing else is needed; provided that the leader
has committed an entry of its own term before (Ongaro's correction of 2015 to thesis 4.1).  For other changes, the joint
configuration demands a majority of the old *and* of the new members, until all know of it.
"""

from __future__ import annotations

from prayog_consensus.engine.raft.messages import Members
from prayog_consensus.engine.raft.roles import ROLES
from prayog_consensus.engine.raft.snapshots import Snapshots
from prayog_sim.node import Ctx
from prayog_sim.run import ActionError

__all__ = ["Membership"]


class Membership(Snapshots):
    """The part of a server that changes who votes."""

    def add(self, name: str, ctx: Ctx) -> None:
        """Let `name` vote too."""
        if name in self.members.voters:
            raise ActionError(f"{name} is a member already; the members are {', '.join(self.members.voters)}")
        if name not in ctx.peers and name != self._me:
            raise ActionError(f"there is no server {name}; spare servers are made with the option spare=1")
        self._change(Members((*self.members.voters, name)), ctx)

    def remove(self, name: str, ctx: Ctx) -> None:
        """Let `name` vote no more."""
        if name not in self.members.voters:
            raise ActionError(f"{name} is no member; the members are {', '.join(self.members.voters)}")
        if self.members.voters == (name,):
            raise ActionError(f"{name} is the last member; a cluster of none can decide nothing")
        self._change(Members(tuple(voter for voter in self.members.voters if voter != name)), ctx)

    def reconfigure(self, names: tuple[str, ...], ctx: Ctx) -> None:
        """Let exactly `names` vote, through a joint configuration (§6)."""
        strange = [name for name in names if name != self._me and name not in ctx.peers]
        if not names or strange:
            raise ActionError(f"members must be servers of this world; found {', '.join(strange) or 'none'}")
        self._change(Members(names, self.members.voters), ctx)

    def _change(self, members: Members, ctx: Ctx) -> None:
        why_not = self._unsafe()
        if why_not:
            ctx.note(f"{self._me} refuses to change the members: {why_not}")
            return
        ctx.note(f"{self._me} changes the {members}")
        self.append(members, ctx)

    def _unsafe(self) -> str:
        """Why the configuration must not change now; empty when it may."""
        if not self.leads:
            return f"it is no leader; ask {self.leader or 'one'}"
        if self.members.old:
            return "a joint configuration is under way"
        newest = next((i for i, e in reversed([*self.log.numbered()]) if isinstance(e.command, Members)), 0)
        if newest > self.commit:
            return f"the last change, at index {newest}, is not committed yet"
        if self.log.term(self.commit) != self.term and not self.errs("changes_too_early"):
            # Without this, two changes by two leaders can be decided by majorities that do not overlap.
            return f"it has not committed an entry of term {self.term} yet"
        return ""

    def members_committed(self, members: Members, ctx: Ctx) -> None:
        """A configuration is committed: the second half of a joint change, and the end of a leader that left (§6)."""
        if not self.leads or members != self.members:
            return
        if members.old:
            ctx.note(f"{self._me} ends the joint configuration: both majorities know of it")
            self.append(Members(members.voters), ctx)
        elif self._me not in members.voters:
            ctx.note(f"{self._me} steps down: it is not a member any more")
            ROLES.fire(self, "removed", ctx)
            return
        for name in [name for name in self.next if name not in self.members.everyone]:
            del self.next[name], self.match[name]
