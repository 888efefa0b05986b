"""The roles of a Raft server as a table (Figure 4 of the paper, with the pre-candidate of thesis 9.6)."""

from __future__ import annotations

from prayog_sim.table import Row, Table

__all__ = ["ROLES"]

ROLES = Table(
    "follower",
    (
        Row("follower", "timeout", "precandidate", when="asks_first", do="ask_pre_votes", why="no word from a leader"),
        Row("follower", "timeout", "candidate", do="ask_votes", why="no word from a leader"),
        Row("follower", "your turn", "candidate", do="ask_votes", why="the leader hands over"),
        Row("follower", "higher term", "follower", why="a newer term"),
        Row("precandidate", "timeout", "precandidate", do="ask_pre_votes", why="too few would vote for it"),
        Row("precandidate", "majority", "candidate", do="ask_votes", why="a majority would vote for it"),
        Row("precandidate", "leader", "follower", why="a leader spoke"),
        Row("precandidate", "your turn", "candidate", do="ask_votes", why="the leader hands over"),
        Row("precandidate", "higher term", "follower", why="a newer term"),
        Row("candidate", "timeout", "precandidate", when="asks_first", do="ask_pre_votes", why="no majority in time"),
        Row("candidate", "timeout", "candidate", do="ask_votes", why="no majority in time"),
        Row("candidate", "majority", "leader", do="begin_leading", why="a majority voted for it"),
        Row("candidate", "leader", "follower", do="lose", why="another won this term"),
        Row("candidate", "your turn", "candidate", do="ask_votes", why="the leader hands over"),
        Row("candidate", "higher term", "follower", why="a newer term"),
        Row("leader", "higher term", "follower", do="retire", why="a newer term"),
        Row("leader", "no quorum", "follower", do="retire_alone", why="no majority answers"),
        Row("leader", "removed", "follower", do="retire", why="not a member any more"),
    ),
)
"""What a role becomes, and why.  The events are told by `election`, `replication` and `membership`."""
