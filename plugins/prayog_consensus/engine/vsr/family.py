"""Viewstamped Replication as this topic offers it.

Replicas are n1…nN, clients c1… .  Words of the option line:

``piggyback``   no message of its own tells of a commit: the next `Prepare` or heartbeat does (as in the paper)
``manual``      no timers: a learner calls for view changes (`campaign`)
``clients=1``   so many clients (one, when the set-up writes); ``mixed``: every second operation is a read
"""

from __future__ import annotations

from functools import partial

from prayog_consensus.engine.clients import AGREEMENT, CLIENT_ACTIONS, LINEARIZABLE, SERVER_ACTIONS, clients
from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.provoke import LEADER_ACTIONS, LeaderWorld
from prayog_consensus.engine.sent import per_commit, sent
from prayog_consensus.engine.setup import Factories, Setup, names, network
from prayog_consensus.engine.vsr.recovery import Replica
from prayog_consensus.engine.vsr.rules import INVARIANTS
from prayog_consensus.engine.vsr.state import STATUS
from prayog_sdk.checks import Check, count, last, never
from prayog_sdk.specs import SeriesSpec, Variant

__all__ = ["FAMILY"]


def _nodes(setup: Setup) -> Factories:
    replicas, words = names(setup.nodes), setup.words
    timing = (setup.timeout_us, setup.spread, "manual" not in words, "piggyback" in words, setup.variant)
    return {**{me: partial(Replica, me, replicas, *timing) for me in replicas}, **clients(setup, replicas)}


def _broken(name: str, title: str, check: str, scenario: str, story: str) -> Variant:
    return Variant(name, title, {"algorithm": "vsr", "variant": name}, check, scenario, 1, story)


def _holds(name: str, title: str, help: str = "") -> Check:
    return Check(name, title, never("violation", name=name), help)


FAMILY = Family(
    name="vsr",
    title="Viewstamped Replication",
    source="Liskov and Cowling, Viewstamped Replication Revisited, MIT-CSAIL-TR-2012-021, 2012",
    nodes=_nodes,
    invariants=lambda setup: INVARIANTS,
    build=lambda setup, seed: LeaderWorld(_nodes(setup), seed, network(setup), invariants=INVARIANTS),
    actions=(*CLIENT_ACTIONS, *SERVER_ACTIONS, *LEADER_ACTIONS),
    checks=(
        _holds("no_divergence", "No number ever stands for two commands"),
        _holds("acknowledged_survives", "What was acknowledged is in every later view's log"),
        _holds("one_start", "A view starts with one log, and who recovers takes part in nothing"),
        _holds("once", "A request is in the log once"),
        _holds("committed_by_majority", "Committed means stored by a majority"),
        AGREEMENT,
        LINEARIZABLE,
    ),
    measures={
        "prepare_messages": per_commit("Prepare"),
        "ok_messages": per_commit("PrepareOk"),
        "commit_messages": per_commit("Commit", commit=lambda number: number > 0),
        "start_view_change": sent("StartViewChange"),
        "do_view_change": sent("DoViewChange"),
        "start_view": sent("StartView"),
        "view_change": sent("StartViewChange", "DoViewChange", "StartView"),
        "views": count("leader"),
        "last_view": last("leader").term,
    },
    series=(SeriesSpec("commit", "Committed commands", per_node=True),),
    variants=(
        _broken(
            "truncates", "Drops its uncommitted log before it asks for a new one", "acknowledged_survives",
            "vsr_truncation",
            "It is the paper's own text of state transfer. Between asking and getting, the replica has neither log.",
        ),
        _broken(
            "any-answer", "Recovers without the newest primary's answer", "acknowledged_survives", "vsr_recover_empty",
            "Three backups answered, and none of them had the command. The primary that had it was cut off.",
        ),
        _broken(
            "no-client-table", "Forgets which requests are done", "once", "vsr_answer_lost",
            "The answer was lost, the client asked again, and the command is executed a second time.",
        ),
    ),
    formulas=(
        Formula("prepare, per command", "prepare_messages", lambda n: n - 1, "n−1", "vsr_counts", "VRR §4.1"),
        Formula("prepare-ok, per command", "ok_messages", lambda n: n - 1, "n−1, of which f count", "vsr_counts",
                "VRR §4.1"),
        Formula("commit, per command", "commit_messages", lambda n: n - 1, "n−1", "vsr_counts", "VRR §4.1"),
        Formula("start-view-change", "start_view_change", lambda n: n * (n - 1), "n(n−1)", "vsr_view_change",
                "VRR §4.2"),
        Formula("do-view-change", "do_view_change", lambda n: n - 1, "n−1", "vsr_view_change", "VRR §4.2"),
        Formula("start-view", "start_view", lambda n: n - 1, "n−1", "vsr_view_change", "VRR §4.2"),
        Formula("view change", "view_change", lambda n: n * (n - 1) + 2 * (n - 1), "n(n−1) + 2(n−1)",
                "vsr_view_change", "VRR §4.2"),
    ),
    table=STATUS,
    summary="The next primary is fixed by the view number; what a majority has in memory is safe without a disk.",
)  # fmt: skip
