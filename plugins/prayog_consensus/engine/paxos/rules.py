"""What must be true of single-decree Paxos after every step (PMS §2.1), as functions of the nodes.

*Chosen* is not a variable of any node: a value is chosen when a true majority of acceptors voted for it in one ballot,
whether or not anybody knows.  So the invariants count the acceptors' votes themselves.
"""

from __future__ import annotations

from collections.abc import Mapping

from prayog_consensus.engine.paxos.acceptor import Acceptor
from prayog_consensus.engine.paxos.learner import Learner
from prayog_consensus.engine.paxos.messages import Vote, told
from prayog_consensus.engine.paxos.proposer import Proposer
from prayog_sim.node import Node
from prayog_sim.world import Invariant

__all__ = ["INVARIANTS", "chosen"]


def chosen(nodes: Mapping[str, Node]) -> list[Vote]:
    """Every (ballot, value) for which a majority of all acceptors has ever voted, lowest ballot first."""
    acceptors = [node for node in nodes.values() if isinstance(node, Acceptor)]
    counts: dict[Vote, int] = {}
    for acceptor in acceptors:
        for vote in acceptor.votes:
            counts[vote] = counts.get(vote, 0) + 1
    return sorted(vote for vote, times in counts.items() if 2 * times > len(acceptors))


def _known(nodes: Mapping[str, Node]) -> list[tuple[str, str]]:
    """(node, value) for everybody who believes to know the choice."""
    found = [(name, node.decision) for name, node in nodes.items() if isinstance(node, Proposer) and node.decision]
    return found + [(name, node.learned) for name, node in nodes.items() if isinstance(node, Learner) and node.learned]


def _agreement(nodes: Mapping[str, Node]) -> str | None:
    said = [(f"a majority voted for {value} in {told(ballot)}", value) for ballot, value in chosen(nodes)]
    said += [(f"{name} decided {value}", value) for name, value in _known(nodes)]
    other = next((text for text, value in said if value != said[0][1]), None)
    return f"two values are chosen: {said[0][0]}, and {other}" if other else None


def _validity(nodes: Mapping[str, Node]) -> str | None:
    asked = {value for node in nodes.values() if isinstance(node, Proposer) for value in node.asked}
    wrong = next((value for _, value in chosen(nodes) if value not in asked), None)
    return f"{wrong} is chosen, but nobody proposed it" if wrong else None


def _learned(nodes: Mapping[str, Node]) -> str | None:
    values = {value for _, value in chosen(nodes)}
    wrong = next(((name, value) for name, value in _known(nodes) if value not in values), None)
    return f"{wrong[0]} believes in {wrong[1]}, which no majority voted for" if wrong else None


def _promises(nodes: Mapping[str, Node]) -> str | None:
    for name, node in nodes.items():
        if isinstance(node, Acceptor):
            if node.promised < node.highest:
                return f"{name} has promised {told(node.highest)} and now stands by {told(node.promised)} only"
            ballots = [ballot for ballot, _ in node.votes]
            if ballots != sorted(ballots):
                return f"{name} voted in {told(ballots[-1])} after a vote in a higher ballot"
    return None


def _one_value(nodes: Mapping[str, Node]) -> str | None:
    values: dict[object, str] = {}
    for name, node in nodes.items():
        for ballot, value in node.votes if isinstance(node, Acceptor) else ():
            if values.setdefault(ballot, value) != value:
                return f"{name} voted for {value} in {told(ballot)}, in which others voted for {values[ballot]}"
    return None


INVARIANTS = (
    Invariant("agreement", _agreement),
    Invariant("validity", _validity),
    Invariant("learned_is_chosen", _learned),
    Invariant("promise_kept", _promises),
    Invariant("one_value_per_ballot", _one_value),
)
