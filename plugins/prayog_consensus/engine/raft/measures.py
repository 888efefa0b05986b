"""Numbers and verdicts that are read off a Raft trace: messages by purpose, gaps without a leader, split terms.

Each is a function of the trace alone, so it is the same for a run, its replay and a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from prayog_consensus.engine.sent import kind_of, part
from prayog_sdk.checks import Check, Measure, Verdict, count, eventually
from prayog_sim.history.linearizable import linearizable
from prayog_sim.history.operations import from_trace
from prayog_sim.history.registers import KeyValue
from prayog_sim.trace import Effect, Step, Trace

__all__ = ["CHECKS", "MEASURES", "most_leaders"]


def _sends(trace: Trace) -> Iterator[tuple[Step, Any]]:
    """(step, message) for everything that was sent, lost or not."""
    return ((step, effect.data["msg"]) for step in trace for effect in step.effects if effect.kind == "send")


def _told(trace: Trace, *kinds: str) -> Iterator[tuple[Step, Effect]]:
    return ((step, effect) for step in trace for effect in step.effects if effect.kind in kinds)


# -- messages ----------------------------------------------------------------------------------------------------


def _votes(pre: bool) -> Measure:
    def measure(trace: Trace) -> int:
        """Requests and answers of elections."""
        return sum(kind_of(msg) in ("RequestVote", "Vote") and part(msg, "pre") is pre for _, msg in _sends(trace))

    return measure


def _carries(msg: Any) -> bool:
    """An AppendEntries with a command in it (a no-op is none)."""
    return kind_of(msg) == "AppendEntries" and any(
        kind_of(part(entry, "command")) != "Noop" for entry in part(msg, "entries")
    )


def _answers(step: Step) -> int:
    return sum(effect.kind == "send" and kind_of(effect.data["msg"]) == "Appended" for effect in step.effects)


def _command_messages(trace: Trace) -> int:
    """Messages that carry commands to followers, and their answers."""
    asked = sum(_carries(msg) for _, msg in _sends(trace))
    return asked + sum(_answers(step) for step in trace if step.kind == "deliver" and _carries(step.data["msg"]))


def _read_messages(trace: Trace) -> int:
    """What servers say to each other because a client reads: the round of a read-index read, and its answers."""
    total, rounds = 0, set()
    for step in trace:
        if step.kind != "deliver":
            continue
        if kind_of(step.data["msg"]) == "Ask" and part(step.data["msg"], "kind") == "read":
            total += sum(e.kind == "send" and kind_of(e.data["msg"]) == "AppendEntries" for e in step.effects)
            rounds.add(step.seq)
        elif step.cause in rounds:
            total += _answers(step)
    return total


def _quiet_messages(trace: Trace) -> int:
    """All messages until the second heartbeat is due: by then everybody knows that the no-op is committed."""
    total = beats = 0
    for step in trace:
        beats += step.kind == "timer" and step.data["name"] == "heartbeat"
        if beats == 2:
            break
        total += sum(effect.kind == "send" for effect in step.effects)
    return total


def _refusals(trace: Trace) -> int:
    """AppendEntries that a follower refused because the logs did not agree there."""
    return sum(kind_of(msg) == "Appended" and not part(msg, "ok") for _, msg in _sends(trace))


# -- leaders -----------------------------------------------------------------------------------------------------


def _gap_ms(trace: Trace) -> float | None:
    """From the last loss of a leader (crash, pause) until another led, in ms; None while there is none."""
    leader, since, gap = "", None, None
    for step in trace:
        if step.kind in ("crash", "pause") and step.node == leader:
            since = step.at
        for effect in step.effects:
            if effect.kind == "leader":
                if since is not None:
                    gap, since = (step.at - since) / 1_000, None
                leader = step.node
    return gap


def _terms(trace: Trace, *kinds: str) -> set[int]:
    return {effect.data["term"] for _, effect in _told(trace, *kinds)}


def _term(trace: Trace) -> int:
    """The highest term that a candidate or leader was in."""
    return max(_terms(trace, "candidate", "leader"), default=0)


def _split_terms(trace: Trace) -> int:
    """Terms in which somebody asked for votes and nobody won."""
    return len(_terms(trace, "candidate") - _terms(trace, "leader"))


def most_leaders(trace: Trace) -> int:
    """The largest number of servers that believed at one moment that they lead."""
    leading: set[str] = set()
    most = 0
    for step in trace:
        if step.kind in ("crash", "error"):
            leading.discard(step.node)
        for effect in step.effects:
            if effect.kind == "stepdown":
                leading.discard(step.node)
            elif effect.kind == "leader":
                leading.add(step.node)
        most = max(most, len(leading))
    return most


def _one_leader(trace: Trace) -> Verdict:
    won: dict[int, str] = {}
    for step, effect in _told(trace, "leader"):
        other = won.setdefault(effect.data["term"], step.node)
        if other != step.node:
            return Verdict(False, f"{other} and {step.node} both won term {effect.data['term']}", step.seq)
    return Verdict(True, f"{len(won)} terms had a leader, each one" if won else "nobody ever led")


# -- commits -----------------------------------------------------------------------------------------------------


def _committed(trace: Trace) -> int:
    """The highest index that any server knew to be committed."""
    return max((effect.data["slot"] for _, effect in _told(trace, "commit")), default=0)


def _overwritten(trace: Trace) -> int:
    """Entries that followers threw away because a leader had others."""
    return sum(effect.data["entries"] for _, effect in _told(trace, "overwrite"))


def _agreement(trace: Trace) -> Verdict:
    first: dict[int, tuple[str, str]] = {}
    for step, effect in _told(trace, "commit"):
        slot, value = effect.data["slot"], effect.data["value"]
        node, known = first.setdefault(slot, (step.node, value))
        if known != value:
            sentence = f"at index {slot}, {node} committed {known} and {step.node} committed {value}"
            return Verdict(False, sentence, step.seq)
    return Verdict(True, f"{len(first)} indexes were committed, each with one command")


def _linearizable(trace: Trace) -> Verdict:
    result = linearizable(from_trace(trace), KeyValue())
    at = result.operation.steps[1] if result.operation is not None else None
    return Verdict(result.verdict != "not linearizable", result.reason, at)


MEASURES: Mapping[str, Measure] = {
    "election_messages": _votes(pre=False),
    "prevote_messages": _votes(pre=True),
    "command_messages": _command_messages,
    "read_messages": _read_messages,
    "quiet_messages": _quiet_messages,
    "refusals": _refusals,
    "leaders": count("leader"),
    "term": _term,
    "split_terms": _split_terms,
    "kings": most_leaders,
    "gap_ms": _gap_ms,
    "committed": _committed,
    "overwritten": _overwritten,
    "retries": count("retry"),
}

CHECKS = (
    Check("one_leader", "No term has two leaders", _one_leader, "Election safety (Figure 3)."),
    Check("agreement", "All servers commit the same command at every index", _agreement, "State-machine safety."),
    Check(
        "linearizable",
        "What the clients were told can be explained by one store that does one thing at a time",
        _linearizable,
        "Looks at reads and writes of the clients; a peek promises nothing and is left out.",
    ),
    Check("leader_in_time", "Somebody leads within two seconds", eventually("leader", by="2s"), "Liveness."),
)
