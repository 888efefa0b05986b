"""Famous situations on demand: what a learner asks of the run as a whole, done as actions on its nodes."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prayog_consensus.engine.raft.server import Server
from prayog_sdk.specs import ActionSpec, Arg
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Step
from prayog_sim.world import World

__all__ = ["ACTIONS", "RaftWorld"]


class RaftWorld(World):
    """A world that knows `PROVOKE`: each becomes a few ordinary actions, which is what the trace and a replay hold."""

    def do(self, action: Action, at: int | None = None) -> Step:
        plan = PROVOKE.get(action.name)
        if plan is None:
            return super().do(action, at)
        steps = plan(self._state.nodes, [name for name, slot in self._state.slots.items() if slot.status == "up"])
        done = [super(RaftWorld, self).do(step, at) for step in steps]
        return done[-1]


Plan = Callable[[Mapping[str, object], list[str]], list[Action]]


def _waiting(nodes: Mapping[str, object], up: list[str]) -> list[str]:
    """Members that run and do not lead."""
    found = [(name, nodes[name]) for name in up]
    return [name for name, node in found if isinstance(node, Server) and not node.leads and node.votes_here]


def _leader(nodes: Mapping[str, object], up: list[str]) -> tuple[str, Server]:
    """The leader of the newest term."""
    found = [(name, node) for name in up if isinstance(node := nodes[name], Server) and node.leads]
    if not found:
        raise ActionError("nobody leads now; wait for a leader first")
    return max(found, key=lambda pair: pair[1].term)


def _servers(nodes: Mapping[str, object]) -> list[str]:
    return [name for name, node in nodes.items() if isinstance(node, Server)]


def _kill_leader(nodes: Mapping[str, object], up: list[str]) -> list[Action]:
    """Whoever leads the newest term stops."""
    return [Action("crash", {"node": _leader(nodes, up)[0]})]


def _split_vote(nodes: Mapping[str, object], up: list[str]) -> list[Action]:
    """All timers are due at one moment, so that everybody votes for himself."""
    waiting = _waiting(nodes, up)
    if len(waiting) < 2:
        raise ActionError("a split vote needs two or more servers that wait for a leader")
    leads = [name for name in up if isinstance(node := nodes[name], Server) and node.leads]
    return [
        *(Action("crash", {"node": name}) for name in leads),
        *(Action("timer", {"node": name, "after": "20ms"}) for name in waiting),
    ]


def _stale_leader(nodes: Mapping[str, object], up: list[str]) -> list[Action]:
    """The leader alone on one side, with one client; all others on the other."""
    name, _ = _leader(nodes, up)
    clients = [other for other in nodes if other not in _servers(nodes)]
    here = [name, *clients[1:]]
    there = [other for other in nodes if other not in here]
    return [Action("partition", {"groups": f"{','.join(here)}|{','.join(there)}"})]


def _three_two(nodes: Mapping[str, object], up: list[str]) -> list[Action]:
    """The leader on the side of the minority."""
    name, _ = _leader(nodes, up)
    servers = _servers(nodes)
    few = [name, *(other for other in servers if other != name)][: max(1, (len(servers) - 1) // 2)]
    many = [other for other in nodes if other not in few]
    return [Action("partition", {"groups": f"{','.join(few)}|{','.join(many)}"})]


def _deaf_leader(nodes: Mapping[str, object], up: list[str]) -> list[Action]:
    """One way: the leader is heard, and hears nobody."""
    name, _ = _leader(nodes, up)
    return [Action("cut", {"src": other, "dst": name}) for other in _servers(nodes) if other != name]


def _mute_leader(nodes: Mapping[str, object], up: list[str]) -> list[Action]:
    """One way: the leader hears everybody, and is heard by nobody."""
    name, _ = _leader(nodes, up)
    return [Action("cut", {"src": name, "dst": other}) for other in _servers(nodes) if other != name]


def _lying_disk(nodes: Mapping[str, object], up: list[str]) -> list[Action]:
    """The next sync of every follower is lost."""
    return [Action("losesync", {"node": name}) for name in _waiting(nodes, up)] or [Action("heal")]


PROVOKE: Mapping[str, Plan] = {
    "kill_leader": _kill_leader,
    "split_vote": _split_vote,
    "stale_leader": _stale_leader,
    "three_two": _three_two,
    "deaf_leader": _deaf_leader,
    "mute_leader": _mute_leader,
    "lying_disks": _lying_disk,
}

_SERVER = Arg("node", "node", "Server")
_RUN = (
    ("kill_leader", "Kill the leader", "Crash whoever leads now.", "K"),
    ("split_vote", "Split vote", "Stop the leader, and let all other timers run out at one moment.", "V"),
    ("stale_leader", "Stale leader", "Cut the leader off from all others: it goes on believing that it leads.", ""),
    ("three_two", "3 | 2", "Cut the network in two, with the leader on the smaller side.", ""),
    ("deaf_leader", "Deaf leader", "One way: the leader is heard, and hears nobody.", ""),
    ("mute_leader", "Mute leader", "One way: the leader hears everybody, and is heard by nobody.", ""),
    ("lying_disks", "Lying disks", "The next sync of every follower is lost (with the option disk).", ""),
)

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
    *(ActionSpec(name, title, words, "run", (), key) for name, title, words, key in _RUN),
)  # fmt: skip
