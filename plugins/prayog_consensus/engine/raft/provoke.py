"""Raft's own famous situations, besides those of every algorithm with a leader; and all tools of the bench."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from prayog_consensus.engine.provoke import LEADER_ACTIONS, LeaderWorld, Plan
from prayog_consensus.engine.raft.server import Server
from prayog_sdk.specs import ActionSpec, Arg
from prayog_sim.node import Node
from prayog_sim.run import Action, ActionError

__all__ = ["ACTIONS", "RaftWorld"]


def _waiting(nodes: Mapping[str, Node], up: list[str]) -> list[str]:
    """Members that run and do not lead."""
    return [name for name in up if isinstance(node := nodes[name], Server) and not node.leads and node.votes_here]


def _split_vote(nodes: Mapping[str, Node], up: list[str]) -> list[Action]:
    """All timers are due at one moment, so that everybody votes for himself."""
    waiting = _waiting(nodes, up)
    if len(waiting) < 2:
        raise ActionError("a split vote needs two or more servers that wait for a leader")
    leads = [name for name in up if isinstance(node := nodes[name], Server) and node.leads]
    return [
        *(Action("crash", {"node": name}) for name in leads),
        *(Action("timer", {"node": name, "after": "20ms"}) for name in waiting),
    ]


def _lying_disks(nodes: Mapping[str, Node], up: list[str]) -> list[Action]:
    """The next sync of every follower is lost."""
    waiting = _waiting(nodes, up)
    if not waiting:
        raise ActionError("no server waits for a leader, so there is no follower whose disk could lie")
    return [Action("losesync", {"node": name}) for name in waiting]


class RaftWorld(LeaderWorld):
    """A world of Raft servers."""

    plans: ClassVar[Mapping[str, Plan]] = {
        **LeaderWorld.plans,
        "split_vote": _split_vote,
        "lying_disks": _lying_disks,
    }


_SERVER = Arg("node", "node", "Server")
ACTIONS = (
    ActionSpec("write", "Write", "A client sets a key to a value.", "node", (
        Arg("node", "node", "Client", "c1"), Arg("key", "text", "Key", "x"), Arg("value", "text", "Value"),
    ), "W"),
    ActionSpec("read", "Read", "A client reads a key.", "node", (
        Arg("node", "node", "Client", "c1"), Arg("key", "text", "Key", "x"),
    ), "R"),
    ActionSpec("peek", "Peek", "A client reads what one server has, old or not.", "node", (
        Arg("node", "node", "Client", "c1"), Arg("server", "node", "Server"), Arg("key", "text", "Key", "x"),
    )),
    ActionSpec("campaign", "Time out", "The server's election timeout is over now.", "node", (_SERVER,), "T"),
    ActionSpec("timer", "Set the timer", "Let the election timeout run out after so long.", "node", (
        _SERVER, Arg("after", "text", "After", "20ms"),
    )),
    ActionSpec("propose", "Append a command", "The leader appends a command without a client.", "node", (
        _SERVER, Arg("value", "text", "Value", 1), Arg("key", "text", "Key", "x"),
    )),
    ActionSpec("transfer", "Hand over", "The leader lets another lead.", "node", (_SERVER, Arg("to", "node", "To"))),
    ActionSpec("add", "Add a member", "The leader adds one server.", "node", (
        _SERVER, Arg("server", "node", "New member"),
    )),
    ActionSpec("remove", "Remove a member", "The leader removes one server.", "node", (
        _SERVER, Arg("server", "node", "Member"),
    )),
    ActionSpec("reconfigure", "Change the members", "Any change, through a joint configuration.", "node", (
        _SERVER, Arg("members", "nodes", "Members"),
    )),
    ActionSpec(
        "split_vote", "Split vote", "Stop the leader, and let all other timers run out at one moment.", key="V",
    ),
    *LEADER_ACTIONS,
    ActionSpec("lying_disks", "Lying disks", "The next sync of every follower is lost (with the option disk)."),
)  # fmt: skip
