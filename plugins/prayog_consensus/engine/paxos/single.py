"""Single-decree Paxos as this topic offers it: nodes, knobs, checks, formulas, provocations and broken variants.

Nodes n1…nN are acceptors, p1 and p2 proposers.  Words of the option line:

``proposers=3``   so many proposers (2)
``learners=2``    so many learners, told of every vote by every acceptor: n messages to each
``vialeader``     learners are told by the proposer instead: one message to each
``colocated``     every node plays all parts, and tells the others what it learned
``backoff``       a proposer that was outbid waits for a random time; without it, it begins again at once
``manual``        no timers at all: a proposer does nothing but what it is told (for stepping and exploring)
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import ClassVar

from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.paxos.acceptor import Acceptor
from prayog_consensus.engine.paxos.learner import Learner
from prayog_consensus.engine.paxos.proposer import PROPOSER, Proposer
from prayog_consensus.engine.paxos.replica import Replica
from prayog_consensus.engine.paxos.rules import INVARIANTS
from prayog_consensus.engine.provoke import Plan, ProvokedWorld
from prayog_consensus.engine.sent import sent
from prayog_consensus.engine.setup import Factories, Setup, names, network
from prayog_sdk.checks import Check, count, first, never
from prayog_sdk.specs import ActionSpec, Arg, Variant
from prayog_sim.node import Node
from prayog_sim.run import Action, ActionError

__all__ = ["FAMILY"]


def _number(setup: Setup, word: str, default: int) -> int:
    given = [text.partition("=")[2] for text in setup.words if text.startswith(f"{word}=")]
    return min(16, int(given[-1])) if given and given[-1].isdigit() else default


def _quorum(setup: Setup) -> int:
    return max(1, setup.nodes // 2) if setup.variant == "half-quorum" else setup.nodes // 2 + 1


def _nodes(setup: Setup) -> Factories:
    acceptors, quorum = names(setup.nodes), _quorum(setup)
    retry = next((word for word in ("manual", "backoff") if word in setup.words), "eager")
    if "colocated" in setup.words:
        return {me: partial(Replica, me, acceptors, quorum, setup.timeout_us, retry, setup.variant) for me in acceptors}
    learners = names(_number(setup, "learners", 0), "l")
    told = learners if "vialeader" in setup.words else ()
    direct = () if told else learners
    proposer = partial(Proposer, frozenset(acceptors), quorum, told, setup.timeout_us, retry, setup.variant)
    return {
        **dict.fromkeys(names(_number(setup, "proposers", 2), "p"), proposer),
        **dict.fromkeys(acceptors, partial(Acceptor, direct, setup.variant)),
        **dict.fromkeys(learners, partial(Learner, quorum)),
    }


def _duel(nodes: Mapping[str, Node], up: list[str]) -> list[Action]:
    """A refusal comes quickly, from the near acceptor; promises of a majority take longer.  So each proposer begins
    again just before the other's vote requests arrive, for ever, unless it backs off."""
    proposers = [name for name in up if isinstance(nodes[name], Proposer)][:2]
    near = next((name for name in up if isinstance(nodes[name], Acceptor) and name not in proposers), "")
    if len(proposers) < 2 or not near:
        raise ActionError("a duel needs two proposers and an acceptor that run")
    first, second = proposers
    return [
        Action("link", {"src": "*", "dst": "*", "latency": "10ms"}),
        *(Action("link", {"src": name, "dst": near, "latency": "5ms"}) for name in proposers),
        Action("link", {"src": near, "dst": "*", "latency": "5ms"}),
        Action("propose", {"node": second, "value": "blue", "after": "15ms"}),
        Action("propose", {"node": first, "value": "red"}),
    ]


class _PaxosWorld(ProvokedWorld):
    plans: ClassVar[Mapping[str, Plan]] = {"duel": _duel}


_BROKEN = (
    Variant(
        "own-value",
        "Proposes its own value whatever it hears",
        {"algorithm": "paxos", "variant": "own-value"},
        "agreement",
        "paxos_late_proposer",
        1,
        "The promises reported a vote, and the proposer did not care. Rule P2c is all that keeps a chosen value.",
    ),
    Variant(
        "no-promise-check",
        "Votes although it promised not to",
        {"algorithm": "paxos", "variant": "no-promise-check"},
        "agreement",
        "paxos_slow_accept",
        1,
        "An acceptor checks its promise in phase 1 only. A vote request that was slow wins after the decision.",
    ),
    Variant(
        "forgets-promise",
        "Loses its promise in a crash",
        {"algorithm": "paxos", "variant": "forgets-promise"},
        "agreement",
        "paxos_amnesia",
        1,
        "The promise was in memory only. After a restart the acceptor votes in a ballot it had promised to ignore.",
    ),
    Variant(
        "half-quorum",
        "Takes half for a majority",
        {"algorithm": "paxos", "variant": "half-quorum"},
        "agreement",
        "paxos_even_split",
        1,
        "With four acceptors, two and two do not meet. A majority of four is three.",
    ),
    Variant(
        "lowest-ballot",
        "Takes over the lowest vote instead of the highest",
        {"algorithm": "paxos", "variant": "lowest-ballot"},
        "agreement",
        "paxos_highest_wins",
        1,
        "Two different votes are reported, and only the one of the higher ballot can have been chosen.",
    ),
    Variant(
        "reuses-ballots",
        "Counts its ballots from one again after a crash",
        {"algorithm": "paxos", "variant": "reuses-ballots"},
        "one_value_per_ballot",
        "paxos_same_ballot",
        1,
        "The round was in memory only. The proposer comes back and uses the same ballot for another value.",
    ),
)

FAMILY = Family(
    name="paxos",
    title="Paxos, one decision",
    source="Leslie Lamport, Paxos Made Simple, ACM SIGACT News 32(4), 2001",
    nodes=_nodes,
    invariants=lambda setup: INVARIANTS,
    build=lambda setup, seed: _PaxosWorld(_nodes(setup), seed, network(setup), invariants=INVARIANTS),
    actions=(
        ActionSpec(
            "propose",
            "Propose a value",
            "Let a proposer begin a ballot; without a value it tries its old one again.",
            "node",
            (
                Arg("node", "node", "Proposer", "p1"),
                Arg("value", "text", "Value", ""),
                Arg("after", "text", "After", "0ms"),
            ),
            key="p",
        ),
        ActionSpec(
            "duel",
            "Duelling proposers",
            "n1 is near and the others are far; two proposers begin, one 15 ms behind the other.",
            key="D",
        ),
    ),
    checks=(
        Check("agreement", "At most one value is chosen", never("violation", name="agreement")),
        Check("validity", "Only a proposed value is chosen", never("violation", name="validity")),
        Check("promise_kept", "No acceptor goes back on a promise", never("violation", name="promise_kept")),
        Check(
            "learned_is_chosen",
            "Nobody believes in a value that was not chosen",
            never("violation", name="learned_is_chosen"),
        ),
        Check(
            "one_value_per_ballot",
            "All votes of one ballot are for one value",
            never("violation", name="one_value_per_ballot"),
        ),
        Check("decided", "Some proposer knows the choice", count("commit") >= 1),
    ),
    measures={
        "paxos_messages": sent("Prepare", "Promise", "Accept", "Accepted", "Refuse", "Chosen"),
        "phase_one": sent("Prepare", "Promise"),
        "phase_two": sent("Accept", "Accepted"),
        "learner_messages": sent("Chosen"),
        "ballots": count("ballot"),
        "outbid": count("outbid"),
        "chosen_value": first("commit").value,
        "decided_at": first("commit").at,
    },
    variants=_BROKEN,
    formulas=(
        Formula("phase 1", "phase_one", lambda n: 2 * n, "2n: prepare and promise", "paxos_one_decree", "PMS §2.2"),
        Formula("phase 2", "phase_two", lambda n: 2 * n, "2n: accept and accepted", "paxos_one_decree", "PMS §2.2"),
        Formula("decision", "paxos_messages", lambda n: 4 * n, "2n + 2n", "paxos_one_decree", "PMS §2.2"),
        Formula("learners, told directly", "paxos_messages", lambda n: 6 * n, "4n + n·l, l = 2", "paxos_learners",
                "PMS §2.3"),
        Formula("learners, told by the proposer", "paxos_messages", lambda n: 4 * n + 2, "4n + l, l = 2",
                "paxos_told_by_proposer", "PMS §2.3"),
        Formula("all parts in each node", "paxos_messages", lambda n: 5 * (n - 1), "2(n−1) + 2(n−1) + (n−1)",
                "paxos_colocated", "PMS §2.5"),
    ),
    table=PROPOSER,
    summary="A majority promises, a majority votes, and what was chosen once is chosen for ever.",
)  # fmt: skip
