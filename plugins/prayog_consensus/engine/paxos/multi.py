"""Multi-Paxos as this topic offers it.

Servers are n1…nN, clients c1… .  Words of the option line:

``piggyback``   no message of its own tells of a commit: the next command or heartbeat does
``manual``      no timers: who leads is a learner's decision (`campaign`)
``clients=1``   so many clients (one, when the set-up writes); ``mixed``: every second operation is a read
"""

from __future__ import annotations

from functools import partial

from prayog_consensus.engine.clients import (
    AGREEMENT,
    CLIENT_ACTIONS,
    LINEARIZABLE,
    SERVER_ACTIONS,
    clients,
)
from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.paxos.server import LEADING, Server
from prayog_consensus.engine.paxos.slot_rules import SLOT_INVARIANTS
from prayog_consensus.engine.provoke import LEADER_ACTIONS, LeaderWorld
from prayog_consensus.engine.sent import per_commit, sent
from prayog_consensus.engine.setup import Factories, Setup, names, network
from prayog_sdk.checks import Check, count, never
from prayog_sdk.specs import SeriesSpec, Variant

__all__ = ["FAMILY"]


def _nodes(setup: Setup) -> Factories:
    servers, words = names(setup.nodes), setup.words
    timing = (setup.timeout_us, setup.spread, "manual" not in words, "piggyback" in words, setup.variant)
    return {**{me: partial(Server, me, servers, *timing) for me in servers}, **clients(setup, servers)}


def _broken(name: str, title: str, check: str, scenario: str, story: str) -> Variant:
    return Variant(name, title, {"algorithm": "multipaxos", "variant": name}, check, scenario, 1, story)


FAMILY = Family(
    name="multipaxos",
    title="Multi-Paxos",
    source="Lamport, Paxos Made Simple, 2001, §3; van Renesse and Altinbuken, Paxos Made Moderately Complex, 2015",
    nodes=_nodes,
    invariants=lambda setup: SLOT_INVARIANTS,
    build=lambda setup, seed: LeaderWorld(_nodes(setup), seed, network(setup), invariants=SLOT_INVARIANTS),
    actions=(*CLIENT_ACTIONS, *SERVER_ACTIONS, *LEADER_ACTIONS),
    checks=(
        Check("one_command_per_slot", "No slot has two commands", never("violation", name="one_command_per_slot")),
        Check("no_holes", "Nothing is applied behind a hole", never("violation", name="no_holes")),
        Check("chosen_by_majority", "Chosen means a majority", never("violation", name="chosen_by_majority")),
        AGREEMENT,
        LINEARIZABLE,
    ),
    measures={
        "phase_one": sent("PrepareAll", "PromiseAll"),
        "command_messages": per_commit("AcceptSlot", "AcceptedSlot"),
        "commit_messages": per_commit("Commit", upto=lambda slot: slot > 0),
        "leaders": count("leader"),
        "noops": count("commit", value="no-op"),
    },
    series=(SeriesSpec("commit", "Applied commands", per_node=True),),
    variants=(
        _broken(
            "forgets-votes", "A new leader ignores old votes", "one_command_per_slot", "multipaxos_leader_dies",
            "The slot was chosen, but only the dead leader knew. The votes of the living say so, and are not asked.",
        ),
        _broken(
            "skips-holes", "Applies what comes behind a hole", "no_holes", "multipaxos_hole",
            "A message was lost, and the server goes on without the command that was in it.",
        ),
        _broken(
            "trusts-old-votes", "Takes an old vote for the chosen one", "one_command_per_slot", "multipaxos_old_vote",
            "The leader says that slot 1 is chosen. The server has a vote there, but of an older ballot.",
        ),
    ),
    formulas=(
        Formula("phase 1, once per leader", "phase_one", lambda n: 2 * (n - 1), "2(n−1)", "multipaxos_counts",
                "PMS §3"),
        Formula("phase 2, per command", "command_messages", lambda n: 2 * (n - 1), "2(n−1)", "multipaxos_counts",
                "PMS §3"),
        Formula("commit, per command", "commit_messages", lambda n: n - 1, "n−1", "multipaxos_counts", "PMS §3"),
        Formula("commit, piggybacked", "commit_messages", lambda n: 0, "0: it travels with the next command",
                "multipaxos_piggyback", "PMS §3"),
    ),
    table=LEADING,
    summary="One leader, one phase 1 for all slots to come, then one round trip for each command.",
)  # fmt: skip
