"""Two-phase commit as a family: what must hold (AC1 to AC4), its counts, and two ways to break it.

Rules
1. The invariants read the logs of all nodes, crashed ones too: a log is what a node will stand by.
2. n participants cost 4n messages: prepare, vote, decision, acknowledgement; 3n with ``noacks``, but then the
   coordinator never knows when it may forget, and a participant that missed the decision must ask.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import ClassVar

from prayog_consensus.engine.commit.coordinator import COORDINATOR, Coordinator
from prayog_consensus.engine.commit.participant import Participant
from prayog_consensus.engine.family import Family, Formula
from prayog_consensus.engine.provoke import Plan, ProvokedWorld
from prayog_consensus.engine.setup import Factories, Setup, names, network
from prayog_sdk.checks import Check, count, never
from prayog_sdk.specs import ActionSpec, Arg, Variant
from prayog_sim.node import Node
from prayog_sim.run import Action, ActionError
from prayog_sim.trace import Trace
from prayog_sim.world import Invariant

__all__ = ["FAMILY", "INVARIANTS"]


def _nodes(setup: Setup) -> Factories:
    people, acks = names(setup.nodes, "p"), "noacks" not in setup.words
    period = round(1_000_000 / setup.writes) if setup.writes else 0
    made: dict[str, Callable[[], Node]] = {
        "c": partial(Coordinator, people, setup.timeout_us, acks, period, setup.variant)
    }
    for name in people:
        made[name] = partial(Participant, "c", setup.timeout_us, acks, setup.variant)
    return made


def in_doubt_ms(trace: Trace) -> float:
    """The longest time (ms) that a participant was in doubt, crashes and the end of the run included."""
    since: dict[tuple[str, int], int] = {}
    longest = 0
    for step in trace:
        for effect in step.effects:
            if effect.kind == "prepared":
                since.setdefault((step.node, effect.data["tx"]), step.at)
            elif effect.kind == "commit":
                longest = max(longest, step.at - since.pop((step.node, effect.data["slot"]), step.at))
    end = trace[-1].at if len(trace) else 0
    return max([longest, *(end - at for at in since.values())]) / 1_000


# -- what must hold ----------------------------------------------------------------------------------------------


def _said(nodes: Mapping[str, Node], *words: str) -> list[tuple[int, str, str]]:
    """(transaction, node, word) for all log lines with these words."""
    return [
        (tx, name, what)
        for name, node in nodes.items()
        if isinstance(node, Coordinator | Participant)
        for tx, what in node.log
        if what in words
    ]


def _agreement(nodes: Mapping[str, Node]) -> str | None:
    """AC1: all that decide, decide the same; AC3 of the irrevocable decision is the same test within one log."""
    first: dict[int, tuple[str, str]] = {}
    for tx, name, what in _said(nodes, "commit", "abort"):
        other, before = first.setdefault(tx, (name, what))
        if before != what:
            return f"transaction {tx}: {other} says {before}, {name} says {what}"
    return None


def _all_yes(nodes: Mapping[str, Node]) -> str | None:
    """AC2: commit only if all voted yes."""
    yes = {(tx, name) for tx, name, _ in _said(nodes, "yes")}
    people = [name for name, node in nodes.items() if isinstance(node, Participant)]
    for tx, name, _ in _said(nodes, "commit"):
        missing = next((other for other in people if (tx, other) not in yes), None)
        if missing:
            return f"{name} committed {tx}, to which {missing} never voted yes"
    return None


def _not_alone(nodes: Mapping[str, Node]) -> str | None:
    """Who voted yes decides nothing: the coordinator's log had the decision first."""
    coordinator = next(node for node in nodes.values() if isinstance(node, Coordinator))
    for tx, name, what in _said(nodes, "commit", "abort"):
        node = nodes[name]
        bound = isinstance(node, Participant) and "yes" in node.said(tx)
        if bound and coordinator.outcome(tx) != what:
            return f"{name} voted yes to {tx} and has {what} in its log, which the coordinator's log does not say"
    return None


INVARIANTS = (
    Invariant("all_decide_the_same", _agreement),
    Invariant("commit_needs_every_yes", _all_yes),
    Invariant("decision_is_logged_first", _not_alone),
)


def _in_the_window(nodes: Mapping[str, Node], up: list[str]) -> list[Action]:
    """The coordinator crashes when somebody has voted yes and nothing is decided."""
    coordinator = nodes["c"]
    bound = any(isinstance(node, Participant) and node.state == "prepared" for node in nodes.values())
    if "c" not in up or not isinstance(coordinator, Coordinator) or coordinator.state != "voting" or not bound:
        raise ActionError("begin a transaction first, and ask for this again while the votes are on their way")
    return [Action("crash", {"node": "c", "in_flight": "drop"})]


class TwoPhaseWorld(ProvokedWorld):
    """A world that knows when to crash the coordinator."""

    plans: ClassVar[Mapping[str, Plan]] = {"crash_in_window": _in_the_window}


FAMILY = Family(
    name="two-phase commit",
    title="Two-phase commit",
    source="Gray 1978; Bernstein, Hadzilacos and Goodman 1987, chapter 7",
    summary="All vote, the coordinator decides and logs, all obey. A crash of the coordinator in between blocks.",
    nodes=_nodes,
    invariants=lambda setup: INVARIANTS,
    build=lambda setup, seed: TwoPhaseWorld(_nodes(setup), seed, network(setup), invariants=INVARIANTS),
    actions=(
        ActionSpec(
            "begin", "Begin a transaction", "The coordinator asks all to prepare.", "node", (Arg("node", "node"),), "b"
        ),
        ActionSpec(
            "refuse", "Vote no", "The participant will vote no to the next one.", "node", (Arg("node", "node"),), "n"
        ),
        ActionSpec(
            "crash_in_window", "Crash in the window", "The coordinator crashes between yes and decision.", key="W"
        ),
    ),
    checks=(Check("nobody_blocked", "No participant waits in doubt longer than two timeouts", never("blocked")),),
    measures={
        "transactions": count("begin"),
        "commits": count("commit", node="c", value="commit"),
        "aborts": count("commit", node="c", value="abort"),
        "blocked": count("blocked"),
        "in_doubt_ms": in_doubt_ms,
    },
    table=COORDINATOR,
    variants=(
        Variant(
            "aborts-in-doubt",
            "A participant aborts on a timeout after its yes",
            {"algorithm": "two-phase commit", "variant": "aborts-in-doubt"},
            caught_by="safe",
            scenario="two_phase_blocked",
            seeds=3,
            story="It was promised, and the others may have been told to commit.",
        ),
        Variant(
            "sends-before-logging",
            "Sends the decision before it is in the log",
            {"algorithm": "two-phase commit", "variant": "sends-before-logging"},
            caught_by="safe",
            scenario="two_phase_crash_while_telling",
            seeds=3,
            story="It crashes in between, finds no decision, and aborts what somebody has committed.",
        ),
    ),
    formulas=(
        Formula("commit", "messages", lambda n: 4 * n, "4n", "two_phase_commit", "BHG 7.4"),
        Formula("without acks", "messages", lambda n: 3 * n, "3n", "two_phase_noacks", "BHG 7.4"),
        Formula("abort", "messages", lambda n: 4 * n, "4n", "two_phase_one_no", "BHG 7.4"),
    ),
)
